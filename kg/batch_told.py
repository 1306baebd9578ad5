"""What is told of works beside their records: what was asked about them, how they were found, where models place them.

All of it belongs to the work that an id was given to, counts for the paper that this work counts for, and goes back
when a merge is undone. No engine decides this.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

from kg.batch import BatchWriter
from kg.batch_rows import FetchKey, FetchRow, FoundRow, Place, VectorRow
from kg.errors import InputError
from kg.model import Fetch, Found, Vector


def write_fetches(writer: BatchWriter, fetches: Sequence[Fetch]) -> None:
    """Write what was asked and what came: the latest per work, source and subject, by its time."""
    if not fetches:
        return
    places = _placed(writer, [each.paper for each in fetches])
    latest: dict[FetchKey, FetchRow] = {}
    for each in fetches:
        paper, work = places[each.paper]
        row = FetchRow(work, paper, each.source, each.what, each.state, each.got, each.stated, each.time)
        key = (work, each.source, each.what)
        if key not in latest or _lateness(latest[key]) < _lateness(row):
            latest[key] = row
    standing = writer.rows.fetched(sorted({work for work, _, _ in latest}))
    changed = [
        row
        for key, row in sorted(latest.items())
        if key not in standing or (standing[key].time <= row.time and standing[key] != row)
    ]
    if changed:
        writer.rows.put_fetches(changed)
        writer.changed = True


def write_found(writer: BatchWriter, found: Sequence[Found]) -> None:
    """Write how papers were found: each finding once, the first."""
    if not found:
        return
    places = _placed(writer, [each.paper for each in found])
    first: dict[tuple[int, str, str, str], FoundRow] = {}
    for each in found:
        paper, work = places[each.paper]
        row = FoundRow(work, paper, each.how, each.source, each.detail, each.time)
        key = (work, each.how, each.source, each.detail)
        if key not in first or row.time < first[key].time:
            first[key] = row
    if writer.rows.add_found([row for _, row in sorted(first.items())]):
        writer.changed = True


def write_vectors(writer: BatchWriter, vectors: Mapping[str, Vector]) -> None:
    """Write embeddings, the last one told per work and model."""
    if not vectors:
        return
    writer.resolve(vectors)
    rows: dict[tuple[int, str], VectorRow] = {}
    for spelling in sorted(vectors):
        place = writer.require(spelling)
        if place is not None:
            paper, work = place
            each = vectors[spelling]
            rows[work, each.model] = VectorRow(work, paper, each.model, packed(spelling, each.values))
    standing = writer.rows.vectors(sorted({work for work, _ in rows}))
    changed = [row for key, row in sorted(rows.items()) if standing.get(key) != row.values]
    if changed:
        writer.rows.put_vectors(changed)
        writer.changed = True


def packed(paper: str, values: Sequence[float]) -> bytes:
    """An embedding as little-endian float32. Raises InputError for one that cannot be stored so."""
    try:
        if values and all(map(isfinite, values)):
            return struct.pack(f"<{len(values)}f", *values)
    except OverflowError:
        pass
    raise InputError(
        f"The vector of {paper} cannot be stored",
        field="vectors",
        value=values[:3],
        expected="one finite number or more, each within the range of float32",
        hint="Leave the vector out.",
    )


def unpacked(stored: bytes) -> list[float]:
    """The numbers of an embedding."""
    return list(struct.unpack(f"<{len(stored) // 4}f", stored))


def _placed(writer: BatchWriter, spellings: Iterable[str]) -> Mapping[str, Place]:
    """Where ids lead; one that nothing tells of becomes a stub."""
    named = set(spellings)
    writer.resolve(named)
    writer.mint_stubs(named)
    return writer.places(named)


def _lateness(row: FetchRow) -> tuple[object, ...]:
    # Of two of the same time one counts whatever the order in a batch.
    return (
        row.time, row.state, row.got is not None, row.got or 0, row.stated is not None, row.stated or 0
    )  # fmt: skip
