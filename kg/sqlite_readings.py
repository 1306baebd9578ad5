"""Judgements and measurements as rows: written, read back whole, and kept per work while works are merged.

The tables hold what counts for a paper. As soon as a work takes part in a merge, what was concluded of it alone is kept
in `readings`, so that after every merge and undoing each paper gets what counts among its own works: that of the paper
itself, unless another one was made from more text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from json import dumps, loads

from kg.batch_readings import JUDGED, MEASURED, READINGS, ReadingRows, chosen_of
from kg.sqlite_papers import numbers


def insert(con: sqlite3.Connection, table: str, rows: Iterable[Sequence[object]]) -> None:
    """Write rows, paper first, then the columns named above."""
    columns = _columns(table)
    con.executemany(
        f"INSERT INTO {table} (paper, {', '.join(columns)}) VALUES (?{', ?' * len(columns)})",
        rows,
    )


def clear(con: sqlite3.Connection, tables: Mapping[str, Sequence[str]], papers: Sequence[int]) -> None:
    """Remove what was concluded of these papers."""
    wanted = numbers(papers)
    for table in tables:
        con.execute(f"DELETE FROM {table} WHERE paper IN (SELECT value FROM json_each(?))", (wanted,))


def keep(con: sqlite3.Connection, paper: int) -> None:
    """Note what was concluded of a paper as that of its own work, unless it came from one of the works it absorbed."""
    for kind, tables in READINGS.items():
        now = rows_of_reading(con, tables, paper)
        if _alone(con, paper) or now != _chosen(con, paper, kind):
            con.execute("INSERT OR REPLACE INTO readings VALUES (?, ?, ?)", (paper, kind, _text(now)))


def keep_cluster(con: sqlite3.Connection, paper: int) -> None:
    """Note and forget in which cluster a work is that is about to be absorbed."""
    found = con.execute(
        "SELECT c.run, c.number FROM cluster_members AS m JOIN clusters AS c ON c.number = m.cluster WHERE m.paper = ?",
        (paper,),
    ).fetchone()
    con.execute("INSERT OR REPLACE INTO readings VALUES (?, 'cluster', ?)", (paper, dumps(found)))
    con.execute("DELETE FROM cluster_members WHERE paper = ?", (paper,))


def restore_cluster(con: sqlite3.Connection, paper: int) -> None:
    """Put a work that is a paper again into its cluster, if that clustering still stands."""
    (text,) = con.execute("SELECT rows FROM readings WHERE work = ? AND kind = 'cluster'", (paper,)).fetchone()
    found = loads(text)
    if found is not None:
        con.execute(
            "INSERT INTO cluster_members (paper, cluster) SELECT ?, number FROM clusters WHERE run = ? AND number = ?",
            (paper, *found),
        )


def choose(con: sqlite3.Connection, paper: int) -> None:
    """Give a paper what counts among the works it is made of."""
    for kind, tables in READINGS.items():
        put(con, tables, paper, _chosen(con, paper, kind))
    summarise(con, paper)


def summarise(con: sqlite3.Connection, paper: int) -> None:
    """Make what lists show of a paper's judgement and measurement anew."""
    topics = [topic for (topic,) in con.execute("SELECT topic FROM tags WHERE paper = ? ORDER BY topic", (paper,))]
    kinds = [
        kind for (kind,) in con.execute("SELECT DISTINCT kind FROM quantizers WHERE paper = ? ORDER BY kind", (paper,))
    ]
    rates = [
        value
        for (value,) in con.execute(
            "SELECT DISTINCT value FROM specifications WHERE paper = ? AND quantity = 'bitrate_kbps' AND role = 'own'"
            " ORDER BY value",
            (paper,),
        )
    ]
    con.execute(
        "UPDATE papers SET token_type = (SELECT token_type FROM judgements WHERE paper = n), topics = ?,"
        " quantizers = ?, bitrates = ?, lowest_bitrate = ? WHERE n = ?",
        (dumps(topics), dumps(kinds), dumps(rates), rates[0] if rates else None, paper),
    )


def _columns(table: str) -> list[str]:
    return [f'"{column}"' for column in JUDGED.get(table) or MEASURED[table]]


def _alone(con: sqlite3.Connection, paper: int) -> bool:
    return con.execute("SELECT 1 FROM absorbed WHERE paper = ?", (paper,)).fetchone() is None


def _chosen(con: sqlite3.Connection, paper: int, kind: str) -> ReadingRows | None:
    return chosen_of(
        loads(text)
        for (text,) in con.execute(
            "SELECT r.rows FROM readings AS r LEFT JOIN absorbed AS a ON a.work = r.work"
            " WHERE coalesce(a.paper, r.work) = :paper AND r.kind = :kind"
            " AND r.work IN (SELECT :paper UNION SELECT work FROM absorbed WHERE paper = :paper)"
            " ORDER BY r.work <> :paper, r.work",
            {"paper": paper, "kind": kind},
        )
    )


def _text(rows: ReadingRows | None) -> str:
    return dumps(rows, ensure_ascii=False)


def rows_of_reading(con: sqlite3.Connection, tables: Mapping[str, Sequence[str]], paper: int) -> ReadingRows | None:
    found: ReadingRows = {}
    for table in tables:
        columns = _columns(table)
        extra = " AND verdict IS NOT NULL" if table == "verdicts" else ""
        found[table] = [
            list(row)
            for row in con.execute(
                f"SELECT {', '.join(columns)} FROM {table} WHERE paper = ?{extra} ORDER BY {columns[0]}",
                (paper,),
            )
        ]
    return found if found[next(iter(tables))] else None


def put(con: sqlite3.Connection, tables: Mapping[str, Sequence[str]], paper: int, rows: ReadingRows | None) -> None:
    clear(con, tables, [paper])
    for table in tables:
        insert(con, table, [(paper, *row) for row in (rows or {}).get(table, ())])
