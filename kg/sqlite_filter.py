"""A `PaperFilter` as conditions on the row `p` of `papers`, and a text query in FTS5's words.

Values are parameters throughout; only the names of columns and the number of placeholders stand in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kg.paper_filter import PaperFilter
from kg.search_text import Clause, Query, Term, parse_query

EVERYTHING = PaperFilter(include=())


@dataclass(frozen=True, slots=True)
class Condition:
    """Text after WHERE and its named parameters. `match` is the FTS5 query when one gives every hit a rank."""

    sql: str
    values: Mapping[str, object]
    match: str | None = None


@dataclass(slots=True)
class _Building:
    parts: list[str] = field(default_factory=list)
    values: dict[str, object] = field(default_factory=dict)

    def add(self, name: str, several: Sequence[object]) -> str:
        """Parameters for several values, as the inside of an IN list."""
        names = [f"{name}{number}" for number in range(len(several))]
        self.values.update(zip(names, several, strict=True))
        return ", ".join(f":{each}" for each in names)


def condition(where: PaperFilter, *, lifted: Collection[str] = (), stubs: bool = False) -> Condition:
    """The conditions of a filter.

    Args:
        lifted: fields of the filter that do not count.
        stubs: let stubs through when the filter has no condition at all.
    """
    if stubs and where == EVERYTHING:
        return Condition("1", {})
    made = _Building(["p.stub = 0"])
    match = None
    for name in PaperFilter.__dataclass_fields__:
        value = getattr(where, name)
        if name in lifted or value is None or value == ():
            continue
        if name == "text":
            match = _text(made, value)
        else:
            _ADD[name](made, value)
    return Condition(" AND ".join(made.parts), made.values, match)


def fts_query(query: Query) -> str:
    """A query whose clauses all want something, as FTS5 writes it."""
    return " OR ".join(_clause(each) for each in query)


def _clause(clause: Clause) -> str:
    wanted = _all(clause.wanted)
    if not clause.unwanted:
        return f"({wanted})"
    return f"(({wanted}) NOT ({' OR '.join(f'({_all(group)})' for group in clause.unwanted)}))"


def _all(terms: Sequence[Term]) -> str:
    return " AND ".join(f'"{" ".join(term.tokens)}"{" *" if term.prefix else ""}' for term in terms)


def _text(made: _Building, text: str) -> str | None:
    if not text.strip():
        return None
    query = parse_query(text)
    if not query:
        made.parts.append("0")
        return None
    ranked = tuple(clause for clause in query if clause.wanted)
    parts = []
    if ranked:
        made.values["match"] = fts_query(ranked)
        parts.append("p.n IN (SELECT rowid FROM search WHERE search MATCH :match)")
    # FTS5 cannot say "everything but"; the complement is taken outside.
    for number, clause in enumerate(clause for clause in query if not clause.wanted):
        made.values[f"but{number}"] = " OR ".join(f"({_all(group)})" for group in clause.unwanted)
        parts.append(f"p.n NOT IN (SELECT rowid FROM search WHERE search MATCH :but{number})")
    made.parts.append(f"({' OR '.join(parts)})")
    return fts_query(ranked) if len(ranked) == len(query) else None


def _topics(made: _Building, value: tuple[str, ...]) -> None:
    made.parts.append(
        f"EXISTS (SELECT 1 FROM tags AS t WHERE t.paper = p.n AND t.topic IN ({made.add('topic', value)}))"
    )


def _criteria(made: _Building, value: tuple[tuple[str, str], ...]) -> None:
    for number, (criterion, verdict) in enumerate(value):
        made.values |= {f"criterion{number}": criterion, f"verdict{number}": verdict}
        made.parts.append(
            f"EXISTS (SELECT 1 FROM verdicts AS v WHERE v.paper = p.n AND v.criterion = :criterion{number}"
            f" AND v.effective = :verdict{number})"
        )


def _include(made: _Building, value: tuple[str, ...]) -> None:
    made.parts.append(f"p.include IN ({made.add('include', value)})")


def _token_types(made: _Building, value: tuple[str, ...]) -> None:
    made.parts.append(f"p.token_type IN ({made.add('type', value)})")


def _quantizers(made: _Building, value: tuple[str, ...]) -> None:
    made.parts.append(f"p.n IN (SELECT q.paper FROM quantizers AS q WHERE q.kind IN ({made.add('kind', value)}))")


def _bitrate(made: _Building, bound: str, value: float) -> None:
    if "low" not in made.values:
        made.values |= {"low": 0.0, "high": float("inf")}
        made.parts.append(
            "EXISTS (SELECT 1 FROM specifications AS s WHERE s.paper = p.n AND s.quantity = 'bitrate_kbps'"
            " AND s.role = 'own' AND s.value BETWEEN :low AND :high)"
        )
    made.values[bound] = value


def _year(made: _Building, name: str, comparison: str, value: int) -> None:
    made.values[name] = value
    made.parts.append(f"p.year {comparison} :{name}")


def _sources(made: _Building, value: tuple[str, ...]) -> None:
    made.parts.append(
        f"EXISTS (SELECT 1 FROM records AS r WHERE r.paper = p.n AND r.source IN ({made.add('source', value)}))"
    )


def _cluster(made: _Building, value: int) -> None:
    made.values["cluster"] = value
    made.parts.append("p.n IN (SELECT m.paper FROM cluster_members AS m WHERE m.cluster = :cluster)")


def _reading_list(made: _Building, value: str) -> None:
    made.values["list"] = value
    made.parts.append("p.n IN (SELECT l.paper FROM lists AS l WHERE l.name = :list)")


_ADD: dict[str, Callable[[_Building, Any], None]] = {
    "topics": _topics,
    "criteria": _criteria,
    "include": _include,
    "token_types": _token_types,
    "quantizers": _quantizers,
    "bitrate_min": lambda made, value: _bitrate(made, "low", value),
    "bitrate_max": lambda made, value: _bitrate(made, "high", value),
    "year_min": lambda made, value: _year(made, "year_min", ">=", value),
    "year_max": lambda made, value: _year(made, "year_max", "<=", value),
    "sources": _sources,
    "cluster": _cluster,
    "reading_list": _reading_list,
}
