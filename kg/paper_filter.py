"""Which papers are meant: one frozen filter that list, URL, plot and export share, so they cannot disagree.

`to_query` and `from_query` are inverse to each other; a refined filter is a new one (`dataclasses.replace`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal, get_args

from kg.model import QUANTIZERS, TOPICS, Include, Met, TokenType

Sort = Literal["relevance", "newest", "oldest", "cited", "title", "bitrate"]
SORTS: tuple[Sort, ...] = get_args(Sort)


@dataclass(frozen=True, slots=True)
class PaperFilter:
    """Conditions that must all hold; within one field of several values, any of them.

    `include=()` means whatever the verdict; the default hides papers that the protocol does not include.
    `criteria` pairs a criterion with a verdict and all pairs must hold. `bitrate_*` (kbps, inclusive) means that
    the paper states at least one own bitrate in the range. Years are inclusive; a paper of unknown year is in no
    range.
    """

    text: str | None = None
    topics: tuple[str, ...] = ()
    criteria: tuple[tuple[str, Met], ...] = ()
    include: tuple[Include, ...] = ("include",)
    token_types: tuple[TokenType, ...] = ()
    quantizers: tuple[str, ...] = ()
    bitrate_min: float | None = None
    bitrate_max: float | None = None
    year_min: int | None = None
    year_max: int | None = None
    sources: tuple[str, ...] = ()
    cluster: int | None = None
    reading_list: str | None = None

    def to_query(self) -> dict[str, str]:
        """URL parameters, shortest form: what equals the default is left out."""
        default = PaperFilter()
        query: dict[str, str] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value == getattr(default, each.name):
                continue
            if each.name == "criteria":
                query["criteria"] = ",".join(f"{criterion}:{verdict}" for criterion, verdict in value)
            elif isinstance(value, tuple):
                query[_SHORT[each.name]] = ",".join(value) if value else "any"
            elif isinstance(value, float):
                query[_SHORT[each.name]] = f"{value:g}"
            else:
                query[_SHORT[each.name]] = str(value)
        return query

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[PaperFilter, tuple[str, ...]]:
        """The filter that URL parameters mean, and the names of parameters that mean nothing here.

        A parameter with an impossible value counts as unknown too: it is named on the page and ignored.
        """
        chosen: dict[str, object] = {}
        unknown: list[str] = []
        for name, value in query.items():
            field = _LONG.get(name)
            if field is None:
                unknown.append(name)
                continue
            try:
                chosen[field] = _READ[field](value)
            except ValueError:
                unknown.append(name)
        return cls(**chosen), tuple(unknown)  # type: ignore[arg-type]  # each value was made by its field's reader


_SHORT = {
    "text": "q",
    "topics": "topic",
    "criteria": "criteria",
    "include": "include",
    "token_types": "type",
    "quantizers": "quantizer",
    "bitrate_min": "kbps_min",
    "bitrate_max": "kbps_max",
    "year_min": "from",
    "year_max": "to",
    "sources": "source",
    "cluster": "cluster",
    "reading_list": "list",
}
_LONG = {short: name for name, short in _SHORT.items()}


def _several(allowed: Sequence[str] | None, any_is_empty: bool = False):  # type: ignore[no-untyped-def]
    def read(value: str) -> tuple[str, ...]:
        if any_is_empty and value == "any":
            return ()
        parts = tuple(dict.fromkeys(part for part in value.split(",") if part))
        if not parts or (allowed is not None and not set(parts) <= set(allowed)):
            raise ValueError(value)
        return parts

    return read


def _criteria(value: str) -> tuple[tuple[str, str], ...]:
    pairs = tuple(tuple(part.split(":", 1)) for part in value.split(","))
    if any(len(pair) != 2 or not pair[0] or pair[1] not in get_args(Met) for pair in pairs):
        raise ValueError(value)
    return tuple((pair[0], pair[1]) for pair in pairs)


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError(value)
    return value


def _kbps(value: str) -> float:
    number = float(value)
    if not 0 <= number < float("inf"):
        raise ValueError(value)
    return number


def _year(value: str) -> int:
    number = int(value)
    if not 1000 <= number <= 9999:
        raise ValueError(value)
    return number


_READ = {
    "text": _text,
    "topics": _several(TOPICS),
    "criteria": _criteria,
    "include": _several(get_args(Include), any_is_empty=True),
    "token_types": _several(get_args(TokenType)),
    "quantizers": _several(QUANTIZERS),
    "bitrate_min": _kbps,
    "bitrate_max": _kbps,
    "year_min": _year,
    "year_max": _year,
    "sources": _several(None),
    "cluster": int,
    "reading_list": _text,
}
