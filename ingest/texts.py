"""Reads what a judge needs from JSON Lines: an id as the file writes it, title and abstract character for character.

Offsets of evidence count in these very strings, so nothing is trimmed or normalised here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ingest.journal import Rejects
from ingest.lines import LINE_BYTES, Line, LineReader
from ingest.records import Refused, parse_json

ID_FIELDS = ("id", "arxiv_id", "openalex_id", "doi")
"""The first of these that a record has names it in the output, verbatim."""


class TextReader:
    """Iterates (id, title, abstract) of a file; lines that cannot be used are listed and counted in `rejected`."""

    def __init__(self, path: Path, *, rejects: Path | None = None) -> None:
        """Open `path`; the list of rejects is `rejects`, else `<file name>.rejects.jsonl` here, made when needed.

        Raises:
            InputError: the file cannot be read.
        """
        self._lines = LineReader(path)
        self.rejects = rejects or Path(f"{path.name}.rejects.jsonl")
        self._refused = Rejects(self.rejects, path, line=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._refused.close()
        self._lines.__exit__(kind, error, trace)

    @property
    def rejected(self) -> int:
        """Lines that could not be used."""
        return self._refused.count

    @property
    def damage(self) -> str | None:
        """Why reading ended before the end of the file."""
        return self._lines.damage

    def __iter__(self) -> Iterator[tuple[str, str | None, str | None]]:
        for line in self._lines:
            if line.content is not None and not line.content.strip():
                continue
            try:
                yield parse_text(line)
            except Refused as refused:
                self._refused.add(line.number, refused.field, refused.reason, refused.value)


def parse_text(line: Line) -> tuple[str, str | None, str | None]:
    """Id, title and abstract on a line. Raises Refused when there is no id or a field is not text."""
    if line.content is None:
        raise Refused("line", f"longer than {LINE_BYTES:,} bytes")
    found = parse_json(line.content)
    id = next((found[name] for name in ID_FIELDS if found.get(name)), None)
    if not isinstance(id, str):
        raise Refused("id", "no id: one of " + ", ".join(ID_FIELDS) + " is needed, as text", id)
    _verbatim({"id": id}, "id")
    return id, _verbatim(found, "title"), _verbatim(found, "abstract")


def _verbatim(found: dict[str, Any], field: str) -> str | None:
    value = found.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Refused(field, "wrong type: text is expected", value)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise Refused(field, "holds half a surrogate pair, which is no character", value) from None
    return value
