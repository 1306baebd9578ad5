"""A whole store, as rows that belong to no engine: read page by page from one, written page by page into another.

What follows from other rows (what a paper shows, counts, the full-text index) is not among them: the receiving store
works it out by the rules it always uses (`settle`), so both must come to the same. Every page is written together with
a mark that says how far the copy came; a copy that was interrupted goes on there. When somebody wrote to the source
meanwhile, the copy is made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from kg.errors import InputError, StoreError

if TYPE_CHECKING:
    from kg.store import GraphStore

Row = tuple[Any, ...]
"""Values in the order of the section's columns; lists that the rules compare are JSON text, vectors float32 bytes."""

SECTIONS: dict[str, tuple[str, ...]] = {
    "authors": ("n", "id", "name", "name_only"),
    "papers": ("n", "id"),
    "aliases": ("id", "paper", "work"),
    "records": (
        "n", "paper", "work", "time", "source", "provenance", "title", "abstract", "published", "published_source",
        "venue", "categories", "manifestations", "authors", "references_stated", "citations_stated", "standing",
        "open_access", "tldr",
    ),
    "citations": ("citing", "cited", "younger", "sources", "influential", "intents", "contexts"),
    "judgements": ("paper", "rows"),
    "measured": ("paper", "rows"),
    "decisions": ("n", "paper", "work", "criterion", "verdict", "reviewer", "reason", "time"),
    "merges": ("number", "kept", "kept_id", "absorbed", "absorbed_id", "reason", "time", "undone", "paper"),
    "told": ("citing", "cited", "sources", "influential", "intents", "contexts"),
    "readings": ("work", "kind", "rows"),
    "lists": ("name", "work", "paper"),
    "clusters": ("number", "run", "label", "terms", "size", "stability"),
    "members": ("paper", "cluster"),
    "cursors": ("source", "stream", "position", "time", "done"),
    "quarantined": ("n", "source", "id", "title", "reason", "provenance", "time"),
    "runs": ("number", "command", "started", "ended", "state", "rules", "protocol", "counts"),
    "changes": ("n", "run", "paper", "work", "kind", "field", "old", "new", "time"),
    "fetches": ("work", "paper", "source", "what", "state", "got", "stated", "time"),
    "found": ("work", "paper", "how", "source", "detail", "time"),
    "vectors": ("work", "paper", "model", "values"),
    "meta": ("last_ingest",),
}  # fmt: skip
"""Sections in the order in which they are written, with their columns. Aliases leave out a paper's own id."""

PASSES = 5
"""How often a copy starts again because the source moved."""

SETTLE = "settle"

Page = tuple[list[Row], int | None]
"""Rows, and the position to go on after; `None` on the last page."""


class Transfer(Protocol):
    """What a store offers for copying it as it is."""

    def mark(self) -> str | None:
        """How far a copy into this store came, as it was written."""

    def wipe(self, mark: str) -> None:
        """Take everything out."""

    def dump(self, section: str, after: int) -> Page:
        """A page of a section, by key, from after a position (0 is the start)."""

    def restore(self, section: str, rows: Sequence[Row], mark: str) -> None:
        """Write a page of rows that are not there yet, and the mark with it."""

    def settle(self, after: int, mark: Callable[[int], str]) -> int | None:
        """Work out what a page of papers shows, from after a position; returns the position to go on after."""


def copy(
    source: GraphStore, target: GraphStore, *, report: Callable[[str, int], None] = lambda name, rows: None
) -> bool:
    """Make `target`, which must be empty or an untouched copy of the same source, equal to `source`.

    Args:
        report: called after every page with the section and the number of its rows.

    Returns:
        Whether anything was to be done.

    Raises:
        InputError: the target holds something else.
        StoreError: an engine failed (the same call goes on), or the source never stood still.
    """
    told = target.transfer().mark()
    mark: dict[str, Any] | None = None if told is None else json.loads(told)
    _check(source, target, mark)
    for _ in range(PASSES):
        revision = source.revision()
        if mark is None or mark["revision"] != revision:
            mark = {"from": source.url, "revision": revision, "section": next(iter(SECTIONS)), "after": 0}
            target.transfer().wipe(json.dumps(mark))
        elif "own" in mark:
            return False
        _pass(source, target, mark, report)
        if source.revision() == revision:
            done = {"from": source.url, "revision": revision, "own": target.revision() + 1}
            target.transfer().restore("meta", [], json.dumps(done))
            return True
    raise StoreError(
        "The source is written to faster than it can be copied",
        engine=source.engine,
        operation="copy",
        where=source.url,
        hint="Copy it when nothing writes to it.",
        retryable=True,
    )


def _pass(source: GraphStore, target: GraphStore, mark: dict[str, Any], report: Callable[[str, int], None]) -> None:
    """Copy from where the mark stands to the end."""
    reading, writing = source.transfer(), target.transfer()
    names = [*SECTIONS, SETTLE]
    while mark["section"] != SETTLE:
        name = mark["section"]
        rows, last = reading.dump(name, mark["after"])
        mark["section"], mark["after"] = (names[names.index(name) + 1], 0) if last is None else (name, last)
        writing.restore(name, rows, json.dumps(mark))
        report(name, len(rows))
    position: int | None = mark["after"]
    while position is not None:
        position = writing.settle(position, lambda at: json.dumps({**mark, "after": at}))
        report(SETTLE, 0)


def _check(source: GraphStore, target: GraphStore, mark: dict[str, Any] | None) -> None:
    ours = mark is not None and mark["from"] == source.url and mark.get("own", target.revision()) == target.revision()
    if source.url == target.url or not (ours or (mark is None and target.revision() == 0)):
        raise InputError(
            "A store cannot be copied into itself" if source.url == target.url else "The target holds something else",
            where=target.url,
            field="to",
            value=target.url,
            expected="an empty store, or an untouched copy of the same one",
            hint="Name an empty store.",
        )
