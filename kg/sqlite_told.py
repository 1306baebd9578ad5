"""What is told of works beside their records, in SQLite: fetches, findings, vectors."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from kg.batch_rows import FetchKey, FetchRow, FoundRow, VectorRow
from kg.sqlite_papers import numbers


def fetched(con: sqlite3.Connection, works: Sequence[int]) -> Mapping[FetchKey, FetchRow]:
    """What sources were asked about these works."""
    return {
        (row.work, row.source, row.what): row
        for row in map(
            FetchRow._make,
            con.execute(
                "SELECT f.work, f.paper, f.source, f.what, f.state, f.got, f.stated, f.time FROM json_each(?) AS j"
                " CROSS JOIN fetches AS f ON f.work = j.value",
                (numbers(works),),
            ),
        )
    }


def put_fetches(con: sqlite3.Connection, rows: Sequence[FetchRow]) -> None:
    """Write fetches, replacing what stands under the same key."""
    con.executemany(
        "INSERT OR REPLACE INTO fetches (work, paper, source, what, state, got, stated, time)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def add_found(con: sqlite3.Connection, rows: Sequence[FoundRow]) -> int:
    """Write findings that are not there yet; returns how many are new."""
    new = con.executemany(
        "INSERT INTO found (work, paper, how, source, detail, time) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        rows,
    ).rowcount
    return max(new, 0)


def vectors(con: sqlite3.Connection, works: Sequence[int]) -> Mapping[tuple[int, str], bytes]:
    """The embeddings of these works."""
    return {
        (work, model): floats
        for work, model, floats in con.execute(
            "SELECT v.work, v.model, v.floats FROM json_each(?) AS j CROSS JOIN vectors AS v ON v.work = j.value",
            (numbers(works),),
        )
    }


def put_vectors(con: sqlite3.Connection, rows: Sequence[VectorRow]) -> None:
    """Write embeddings, replacing what stands for the same work and model."""
    con.executemany(
        "INSERT INTO vectors (work, paper, model, floats) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET floats = excluded.floats",
        rows,
    )
