"""Cursors, runs and the log of what they changed, on a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps, loads

from kg.batch_rows import ChangeRow, Face, Judged
from kg.checks import no_run
from kg.model import Cursor, Run, RunState
from kg.neo4j_engine import Transaction


def move(tx: Transaction, cursor: Cursor) -> bool:
    """Commit how far a stream was read; returns whether that is news (the time alone is none)."""
    found = tx.one(
        "MATCH (c:Cursor {source: $source, stream: $stream}) RETURN c.position, c.done",
        source=cursor.source,
        stream=cursor.stream,
    )
    if found == [cursor.position, cursor.done]:
        return False
    tx.run(
        "MERGE (c:Cursor {source: $source, stream: $stream}) SET c.name = $source + ' ' + $stream,"
        " c.position = $position, c.time = $time, c.done = $done",
        source=cursor.source,
        stream=cursor.stream,
        position=cursor.position,
        time=cursor.time,
        done=cursor.done,
    )
    return True


def cursor(tx: Transaction, source: str, stream: str) -> Cursor | None:
    """How far a stream was read."""
    found = tx.one(
        "MATCH (c:Cursor {source: $source, stream: $stream}) RETURN c.position, c.time, c.done",
        source=source,
        stream=stream,
    )
    return None if found is None else Cursor(source, stream, *found)


def cursors(tx: Transaction, source: str | None) -> list[Cursor]:
    """Cursors by source and stream, of one source when named."""
    return [
        Cursor(*row)
        for row in tx.rows(
            "MATCH (c:Cursor) WHERE $source IS NULL OR c.source = $source"
            " RETURN c.source, c.stream, c.position, c.time, c.done ORDER BY c.source, c.stream",
            source=source,
        )
    ]


def begin(tx: Transaction, command: str, rules: str | None, protocol: str | None, time: str) -> int:
    """Open a run and return its number."""
    number = tx.take("next_run")
    tx.run(
        "CREATE (:Run {number: $number, name: $command, command: $command, started: $time, state: 'running',"
        " rules: $rules, protocol: $protocol, counts: '{}'})",
        number=number,
        command=command,
        time=time,
        rules=rules,
        protocol=protocol,
    )
    return number


def end(tx: Transaction, run: int, state: RunState, counts: Mapping[str, int], time: str) -> bool:
    """Close a run; returns whether that is news. Raises NotFound."""
    told = [time, state, dumps(dict(counts), sort_keys=True)]
    standing = tx.one("MATCH (x:Run {number: $run}) RETURN x.ended, x.state, x.counts", run=run)
    if standing is None:
        raise no_run(run)
    tx.run(
        "MATCH (x:Run {number: $run}) SET x.ended = $told[0], x.state = $told[1], x.counts = $told[2]",
        run=run,
        told=told,
    )
    return standing != told


def runs(tx: Transaction) -> list[Run]:
    """Every run, newest first."""
    return [
        Run(number, command, started, ended, state, rules, protocol, loads(counts))
        for number, command, started, ended, state, rules, protocol, counts in tx.rows(
            "MATCH (x:Run) RETURN x.number, x.command, x.started, x.ended, x.state, x.rules, x.protocol, x.counts"
            " ORDER BY x.number DESC"
        )
    ]


def has_run(tx: Transaction, run: int) -> bool:
    """Whether a run has this number."""
    return tx.one("MATCH (x:Run {number: $run}) RETURN 1", run=run) is not None


def faces(tx: Transaction, papers: Sequence[int]) -> Mapping[int, Face]:
    """What those of the papers show that there are."""
    return {
        row[0]: Face._make([row[1], *row[3:7], None if row[2] is None else tuple(row[11]), *row[7:11]])
        for row in tx.rows(
            "UNWIND $papers AS n MATCH (p:Paper {n: n}) RETURN n, p:Stub, p.author_count, p.title, p.abstract,"
            " p.published, p.venue, p.standing, p.references_stated, p.citations_stated, p.open_access,"
            " COLLECT { MATCH (a:Author)-[w:WROTE]->(p) RETURN a.name ORDER BY w.position }",
            papers=list(papers),
        )
    }


def judged(tx: Transaction, papers: Sequence[int]) -> Mapping[int, Judged]:
    """What rules say of those of the papers that are judged."""
    return {
        n: (include, dict(verdicts))
        for n, include, verdicts in tx.rows(
            "UNWIND $papers AS n MATCH (p:Paper {n: n}) WHERE p.rules IS NOT NULL RETURN n, p.judged_include,"
            " COLLECT { MATCH (p)-[x:JUDGED]->(y) WHERE x.verdict IS NOT NULL RETURN [y.id, x.verdict] }",
            papers=list(papers),
        )
    }


def add_changes(tx: Transaction, run: int, rows: Sequence[ChangeRow], time: str) -> None:
    """Write lines of the log, in order."""
    first = tx.take("next_change", len(rows))
    tx.run(
        "MATCH (x:Run {number: $run}) UNWIND $rows AS r MATCH (p:Paper {n: r.work}) CREATE (x)-[c:CHANGED]->(p)"
        " SET c = r",
        run=run,
        rows=[
            {
                "n": n, "work": row.paper, "kind": row.kind, "field": row.field, "old": row.old, "new": row.new,
                "time": time,
            }
            for n, row in enumerate(rows, first)
        ],
    )  # fmt: skip
