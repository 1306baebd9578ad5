"""A store as rows that two runs can be compared by: everything in it but times and the numbers of runs."""

from __future__ import annotations

from typing import Any

from kg.store import GraphStore
from kg.transfer import SECTIONS, Row

PASSING = frozenset({"time", "started", "ended", "undone", "run", "last_ingest"})
TABLES = (
    "papers", "citations", "specifications", "quantizers", "ids", "authors", "leads", "stated", "fetches", "found",
    "vectors", "records",
)  # fmt: skip


def rows_of(store: GraphStore) -> dict[str, list[Row]]:
    """Every row of every section but the runs, the store's own numbers included."""
    found: dict[str, list[Row]] = {}
    transfer = store.transfer()
    for section, columns in SECTIONS.items():
        kept = [place for place, name in enumerate(columns) if name not in PASSING]
        rows: list[Row] = []
        after: int | None = 0
        while after is not None and section != "runs":
            page, after = transfer.dump(section, after)
            rows += [tuple(row[place] for place in kept) for row in page]
        found[section] = rows
    return found


def tables_of(store: GraphStore) -> dict[str, list[dict[str, Any]]]:
    """What the store tells, whatever order it came in and whatever numbers it got."""
    found = {
        name: [
            {key: value for key, value in row.items() if key not in PASSING} for row in store.table(name).to_pylist()
        ]
        for name in TABLES
    }
    for rows in found.values():
        rows.sort(key=repr)
    found["quarantined"] = [{"id": each.id, "reason": each.reason} for each in store.quarantined()]
    return found


def differences(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> dict[str, tuple[list[Any], list[Any]]]:
    """Of each part that differs, the first rows that only one or only the other has; empty when both are the same."""
    found = {}
    for name in one.keys() | other.keys():
        left, right = one.get(name, []), other.get(name, [])
        if left != right:
            mine, theirs = set(map(repr, left)), set(map(repr, right))
            found[name] = (sorted(mine - theirs)[:3], sorted(theirs - mine)[:3])
    return found
