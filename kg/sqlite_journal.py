"""Cursors, runs and the log of what they changed, in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from json import dumps, loads

from kg.batch_rows import ChangeRow, Face, Judged
from kg.checks import no_run
from kg.model import Cursor, Run, RunState
from kg.sqlite_papers import numbers


def move(con: sqlite3.Connection, cursor: Cursor) -> bool:
    """Commit how far a stream was read; returns whether that is news (the time alone is none)."""
    return (
        con.execute(
            "INSERT INTO cursors (source, stream, position, time, done) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET position = excluded.position, time = excluded.time, done = excluded.done"
            " WHERE position <> excluded.position OR done <> excluded.done",
            (cursor.source, cursor.stream, cursor.position, cursor.time, cursor.done),
        ).rowcount
        > 0
    )


def cursors(con: sqlite3.Connection, source: str | None = None, stream: str | None = None) -> list[Cursor]:
    """Cursors by source and stream, of one source or of one stream when named."""
    return [
        Cursor(of, stream, position, time, done == 1)
        for of, stream, position, time, done in con.execute(
            "SELECT source, stream, position, time, done FROM cursors WHERE (:source IS NULL OR source = :source)"
            " AND (:stream IS NULL OR stream = :stream) ORDER BY source, stream",
            {"source": source, "stream": stream},
        )
    ]


def begin(con: sqlite3.Connection, command: str, rules: str | None, protocol: str | None, time: str) -> int:
    """Open a run and return its number."""
    number = con.execute(
        "INSERT INTO runs (command, started, state, rules, protocol, counts) VALUES (?, ?, 'running', ?, ?, '{}')",
        (command, time, rules, protocol),
    ).lastrowid
    assert number is not None
    return number


def end(con: sqlite3.Connection, run: int, state: RunState, counts: Mapping[str, int], time: str) -> bool:
    """Close a run; returns whether that is news. Raises NotFound."""
    told = (time, state, dumps(dict(counts), sort_keys=True))
    standing = con.execute("SELECT ended, state, counts FROM runs WHERE number = ?", (run,)).fetchone()
    if standing is None:
        raise no_run(run)
    con.execute("UPDATE runs SET ended = ?, state = ?, counts = ? WHERE number = ?", (*told, run))
    return bool(standing != told)


def runs(con: sqlite3.Connection) -> list[Run]:
    """Every run, newest first."""
    return [
        Run(number, command, started, ended, state, rules, protocol, loads(counts))
        for number, command, started, ended, state, rules, protocol, counts in con.execute(
            "SELECT number, command, started, ended, state, rules, protocol, counts FROM runs ORDER BY number DESC"
        )
    ]


def has_run(con: sqlite3.Connection, run: int) -> bool:
    """Whether a run has this number."""
    return con.execute("SELECT 1 FROM runs WHERE number = ?", (run,)).fetchone() is not None


def faces(con: sqlite3.Connection, papers: Sequence[int]) -> Mapping[int, Face]:
    """What those of the papers show that there are."""
    wanted = numbers(papers)
    names: dict[int, list[str]] = {}
    for paper, name in con.execute(
        "SELECT p.n, a.name FROM json_each(?) AS j CROSS JOIN papers AS p ON p.n = j.value"
        " CROSS JOIN wrote AS w ON w.record = p.authors_record CROSS JOIN authors AS a ON a.n = w.author"
        " ORDER BY p.n, w.position",
        (wanted,),
    ):
        names.setdefault(paper, []).append(name)
    return {
        row[0]: Face._make([row[1] == 1, *row[3:7], None if row[2] is None else tuple(names.get(row[0], ())), *row[7:]])
        for row in con.execute(
            "SELECT p.n, p.stub, p.author_count, p.title, r.abstract, p.published, p.venue, p.standing,"
            " p.references_stated, p.citations_stated, p.open_access FROM json_each(?) AS j"
            " CROSS JOIN papers AS p ON p.n = j.value LEFT JOIN records AS r ON r.n = p.abstract_record",
            (wanted,),
        )
    }


def judged(con: sqlite3.Connection, papers: Sequence[int]) -> Mapping[int, Judged]:
    """What rules say of those of the papers that are judged."""
    wanted = numbers(papers)
    verdicts: dict[int, dict[str, str]] = {}
    for n, criterion, verdict in con.execute(
        "SELECT v.paper, v.criterion, v.verdict FROM json_each(?) AS j CROSS JOIN verdicts AS v ON v.paper = j.value"
        " WHERE v.verdict IS NOT NULL",
        (wanted,),
    ):
        verdicts.setdefault(n, {})[criterion] = verdict
    return {
        n: (include, verdicts.get(n, {}))
        for n, include in con.execute(
            "SELECT x.paper, x.include FROM json_each(?) AS j CROSS JOIN judgements AS x ON x.paper = j.value",
            (wanted,),
        )
    }


def add_changes(con: sqlite3.Connection, run: int, rows: Sequence[ChangeRow], time: str) -> None:
    """Write lines of the log, in order."""
    con.executemany(
        "INSERT INTO changes (run, paper, work, kind, field, old, new, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(run, row.paper, *row, time) for row in rows],
    )
