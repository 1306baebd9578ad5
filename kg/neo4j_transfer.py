"""A graph on a server as rows of `kg.transfer`, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from json import dumps, loads
from typing import Any

from kg.batch_rows import CitationRow, FetchRow, FoundRow, VectorRow
from kg.batch_told import packed
from kg.combine import Account, listed
from kg.neo4j_engine import Engine, Transaction
from kg.neo4j_judge import put_rows, readings, redecide
from kg.neo4j_papers import RECORD, refresh
from kg.neo4j_told import put_fetches, put_findings, put_vectors
from kg.neo4j_write import Neo4jRows, quarantine_key
from kg.records import Stored
from kg.transfer import Page, Row

PAGE = 1_000
"""Papers, authors or records of one page."""

Write = Callable[[str, Callable[[Transaction], Any]], Any]

_PAGED = {
    "authors": "MATCH (a:Author) WHERE a.n > $after RETURN a.n, a.id, a.name, a.name_only ORDER BY a.n LIMIT $page",
    "papers": "MATCH (p:Paper) WHERE p.n > $after RETURN p.n, p.id ORDER BY p.n LIMIT $page",
    "records": (
        "MATCH (r:Record) WHERE r.n > $after WITH r ORDER BY r.n LIMIT $page MATCH (r)-[:DESCRIBES]->(p:Paper)"
        f" RETURN r.n, p.n, r.work, r.time, {RECORD} ORDER BY r.n"
    ),
    "changes": (
        "MATCH (x:Run)-[c:CHANGED]->(p:Paper) WHERE c.n > $after WITH x, c, p ORDER BY c.n LIMIT $page"
        " RETURN c.n, x.number, p.n, c.work, c.kind, c.field, c.old, c.new, c.time ORDER BY c.n"
    ),
}
_OF_PAPERS = {
    "aliases": (
        "MATCH (p:Paper) WHERE p.n > $after AND p.n <= $last MATCH (a:Alias)-[:NAMES]->(p)"
        " RETURN a.id, p.n, a.work ORDER BY p.n, a.id"
    ),
    "citations": (
        "MATCH (p:Paper) WHERE p.n > $after AND p.n <= $last MATCH (p)-[c:CITES]->(q:Paper)"
        " RETURN p.n, q.n, c.younger, c.sources, c.influential, c.intents, c.contexts ORDER BY p.n, q.n"
    ),
    "fetches": (
        "MATCH (p:Paper) WHERE p.n > $after AND p.n <= $last MATCH (x:Fetch)-[:ASKED]->(p)"
        " RETURN x.work, p.n, x.source, x.what, x.state, x.got, x.stated, x.time ORDER BY p.n, x.work, x.source, x.what"
    ),
    "found": (
        "MATCH (p:Paper) WHERE p.n > $after AND p.n <= $last MATCH (x:Finding)-[:FOUND]->(p)"
        " RETURN x.work, p.n, x.how, x.source, x.detail, x.time ORDER BY p.n, x.work, x.how, x.source, x.detail"
    ),
    "vectors": (
        "MATCH (p:Paper) WHERE p.n > $after AND p.n <= $last MATCH (x:Vector)-[:PLACES]->(p)"
        " RETURN x.work, p.n, x.model, x.values ORDER BY p.n, x.work, x.model"
    ),
}
_PART = "MATCH (p:Paper) WHERE p.n > $after WITH p.n AS n ORDER BY n LIMIT $page RETURN max(n)"

_WHOLE = {
    "decisions": (
        "MATCH (x:Reviewer)-[d:DECIDED]->(p:Paper)"
        " RETURN d.n, p.n, d.work, d.criterion, d.verdict, x.name, d.reason, d.time ORDER BY d.n"
    ),
    "merges": (
        "MATCH (m:Merge) OPTIONAL MATCH (m)-[:INTO]->(p:Paper)"
        " RETURN m.number, m.kept, m.kept_id, m.absorbed, m.absorbed_id, m.reason, m.time, m.undone, p.n"
        " ORDER BY m.number"
    ),
    "told": (
        "MATCH (t:Told) RETURN t.citing, t.cited, t.sources, t.influential, t.intents, t.contexts"
        " ORDER BY t.citing, t.cited"
    ),
    "readings": "MATCH (r:Reading) RETURN r.work, r.kind, r.rows ORDER BY r.work, r.kind",
    "lists": "MATCH (l:ReadingList)-[x:HOLDS]->(p:Paper) RETURN l.name, x.work, p.n ORDER BY l.name, x.work",
    "clusters": "MATCH (c:Cluster) RETURN c.number, c.run, c.label, c.terms, c.size, c.stability ORDER BY c.number",
    "members": "MATCH (p:Paper) WHERE p.cluster IS NOT NULL RETURN p.n, p.cluster ORDER BY p.n",
    "cursors": "MATCH (c:Cursor) RETURN c.source, c.stream, c.position, c.time, c.done ORDER BY c.source, c.stream",
    "quarantined": (
        "MATCH (x:Quarantined) RETURN x.n, x.source, x.id, x.title, x.reason, x.provenance, x.time ORDER BY x.n"
    ),
    "runs": (
        "MATCH (x:Run) RETURN x.number, x.command, x.started, x.ended, x.state, x.rules, x.protocol, x.counts"
        " ORDER BY x.number"
    ),
    "meta": "MATCH (m:TokenAtlas) RETURN m.last_ingest",
}

_LISTS = {"citations": (3, 5, 6), "told": (2, 4, 5), "clusters": (3,)}
"""Positions of lists, which are JSON text in a row."""

_RESTORE = {
    "runs": (
        "UNWIND $rows AS r CREATE (:Run {number: r[0], name: r[1], command: r[1], started: r[2], ended: r[3],"
        " state: r[4], rules: r[5], protocol: r[6], counts: r[7]})"
    ),
    "changes": (
        "UNWIND $rows AS r MATCH (x:Run {number: r[1]}) MATCH (p:Paper {n: r[2]}) CREATE (x)-[:CHANGED {n: r[0],"
        " work: r[3], kind: r[4], field: r[5], old: r[6], new: r[7], time: r[8]}]->(p)"
    ),
    "decisions": (
        "UNWIND $rows AS r MERGE (x:Reviewer {name: r[5]}) WITH r, x MATCH (p:Paper {n: r[1]})"
        " CREATE (x)-[:DECIDED {n: r[0], work: r[2], criterion: r[3], verdict: r[4], reason: r[6], time: r[7]}]->(p)"
    ),
    "merges": (
        "UNWIND $rows AS r CREATE (m:Merge {number: r[0], name: r[4], kept: r[1], kept_id: r[2], absorbed: r[3],"
        " absorbed_id: r[4], reason: r[5], time: r[6], undone: r[7]}) WITH m, r MATCH (p:Paper {n: r[8]})"
        " CREATE (m)-[:INTO]->(p)"
    ),
    "readings": "UNWIND $rows AS r CREATE (:Reading {work: r[0], kind: r[1], name: r[1], rows: r[2]})",
    "lists": (
        "UNWIND $rows AS r MERGE (l:ReadingList {name: r[0]}) WITH l, r MATCH (p:Paper {n: r[2]})"
        " CREATE (l)-[:HOLDS {work: r[1]}]->(p)"
    ),
    "clusters": (
        "UNWIND $rows AS r CREATE (:Cluster {number: r[0], run: r[1], label: r[2], name: r[2], terms: r[3],"
        " size: r[4], stability: r[5]})"
    ),
    "members": (
        "UNWIND $rows AS r MATCH (p:Paper {n: r[0]}) SET p.cluster = r[1] WITH p, r MATCH (c:Cluster {number: r[1]})"
        " CREATE (p)-[:IN_CLUSTER]->(c)"
    ),
    "cursors": (
        "UNWIND $rows AS r CREATE (:Cursor {source: r[0], stream: r[1], name: r[0] + ' ' + r[1], position: r[2],"
        " time: r[3], done: r[4]})"
    ),
    "authors": "UNWIND $rows AS r CREATE (:Author {n: r[0], id: r[1], name: r[2], name_only: r[3], records: 0})",
    "papers": (
        "UNWIND $rows AS r CREATE (:Paper:Stub {n: r[0], id: r[1], name: r[1], decided: false, cited_by: 0,"
        " references: 0})"
    ),
}

_COUNTERS = {
    "authors": ("next_author", 0), "papers": ("next_paper", 0), "decisions": ("next_decision", 0),
    "quarantined": ("next_quarantined", 0), "runs": ("next_run", 0), "changes": ("next_change", 0),
}  # fmt: skip
"""The counter that a section moves on, and where its numbers stand."""


class Neo4jTransfer:
    """One database, as rows."""

    def __init__(self, engine: Engine, write: Write) -> None:
        self._engine = engine
        self._write = write

    def mark(self) -> str | None:
        found: str | None = self._engine.read(
            "mark", lambda tx: tx.value("MATCH (m:TokenAtlas) RETURN m.copy"), steady=False
        )
        return found

    def wipe(self, mark: str) -> None:
        # One transaction could hold more than the server's memory, so the graph goes in parts.
        def part(tx: Transaction) -> bool:
            gone: int = tx.value("MATCH (n) WHERE NOT n:TokenAtlas WITH n LIMIT 10000 DETACH DELETE n RETURN count(*)")
            for counter in [name for name in tx.counters if name.startswith("next_")]:
                tx.counters[counter] = None
            tx.counters |= {"last_ingest": None, "copy": mark}
            tx.changed = True
            return gone > 0

        while self._write("wipe", part):
            pass

    def dump(self, section: str, after: int) -> Page:
        return self._engine.read("dump", lambda tx: _page(tx, section, after), steady=False)

    def restore(self, section: str, rows: Sequence[Row], mark: str) -> None:
        def unit(tx: Transaction) -> None:
            if rows:
                _restore(tx, section, rows)
            tx.counters["copy"] = mark
            tx.changed = True

        self._write("restore", unit)

    def settle(self, after: int, mark: Callable[[int], str]) -> int | None:
        def unit(tx: Transaction) -> int | None:
            papers = [
                n
                for (n,) in tx.rows(
                    "MATCH (p:Paper) WHERE p.n > $after RETURN p.n ORDER BY p.n LIMIT $page", after=after, page=PAGE
                )
            ]
            if not papers:
                return None
            refresh(tx, papers)
            redecide(tx, papers)
            tx.counters["copy"] = mark(papers[-1])
            tx.changed = True
            last: int = papers[-1]
            return last

        found: int | None = self._write("settle", unit)
        return found


def _page(tx: Transaction, section: str, after: int) -> Page:
    if section in _PAGED:
        found = tx.rows(_PAGED[section], after=after, page=PAGE)
        return [tuple(row) for row in found], found[-1][0] if len(found) == PAGE else None
    if section in _WHOLE:
        return [_packed(section, row) for row in tx.rows(_WHOLE[section])], None
    last: int | None = tx.value(_PART, after=after, page=PAGE)
    if last is None:
        return [], None
    if section in _OF_PAPERS:
        return [_packed(section, row) for row in tx.rows(_OF_PAPERS[section], after=after, last=last)], last
    papers = [
        n
        for (n,) in tx.rows(
            "MATCH (p:Paper) WHERE p.n > $after AND p.n <= $last RETURN p.n ORDER BY p.n", after=after, last=last
        )
    ]
    kind = "judgement" if section == "judgements" else section
    return [
        (n, dumps(rows, ensure_ascii=False))
        for n, each in readings(tx, papers).items()
        if (rows := each[kind]) is not None
    ], last


def _packed(section: str, row: Sequence[Any]) -> Row:
    if section == "vectors":
        return (*row[:3], packed(row[2], row[3]))
    places = _LISTS.get(section, ())
    return tuple(
        [listed(tuple(value)) if at in places and value is not None else value for at, value in enumerate(row)]
    )


def _restore(tx: Transaction, section: str, rows: Sequence[Row]) -> None:
    if section in _COUNTERS:
        counter, place = _COUNTERS[section]
        tx.counters[counter] = max(tx.counters.get(counter) or 1, 1 + max(row[place] for row in rows))
    if section == "merges":
        tx.counters["next_merge"] = 1 + max(row[0] for row in rows)
        tx.counters["next_paper"] = max(tx.counters.get("next_paper") or 1, 1 + max(row[3] for row in rows))
    if section in _RESTORE:
        unpacked = [_unpacked(section, row) for row in rows]
        tx.run(_RESTORE[section], rows=unpacked)
    else:
        _SPECIAL[section](tx, rows)


def _unpacked(section: str, row: Row) -> list[Any]:
    places = _LISTS.get(section, ())
    return [loads(value) if at in places and value is not None else value for at, value in enumerate(row)]


def _records(tx: Transaction, rows: Sequence[Row]) -> None:
    for time, several in groupby(sorted(rows, key=lambda row: (row[3], row[0])), key=lambda row: row[3]):
        Neo4jRows(tx, time).insert_records([(row[1], Stored(row[0], row[2], _account(row))) for row in several])


def _account(row: Row) -> Account:
    return Account._make([*row[4:13], None if row[13] is None else tuple(row[13]), *row[14:]])


def _citations(tx: Transaction, rows: Sequence[Row]) -> None:
    made = [
        CitationRow(citing, cited, younger, influential, intents, sources)
        for citing, cited, younger, sources, influential, intents, _ in rows
    ]
    writing = Neo4jRows(tx, "")
    writing.add_citations(made, {}, {}, {row[:2]: row[6] for row in rows if row[6] is not None})
    writing.flush()


def _readings(kind: str) -> Callable[[Transaction, Sequence[Row]], None]:
    return lambda tx, rows: put_rows(tx, kind, {n: loads(text) for n, text in rows})


def _aliases(tx: Transaction, rows: Sequence[Row]) -> None:
    Neo4jRows(tx, "").add_aliases([(id, paper, work) for id, paper, work in rows])


def _told(tx: Transaction, rows: Sequence[Row]) -> None:
    Neo4jRows(tx, "").put_told({(row[0], row[1]): (row[2], row[3], row[4], row[5]) for row in rows})


def _quarantined(tx: Transaction, rows: Sequence[Row]) -> None:
    tx.run(
        "UNWIND $rows AS r CREATE (x:Quarantined) SET x = r",
        rows=[
            {
                "n": n, "key": quarantine_key(source, id, title, reason, provenance), "name": title or id or reason,
                "source": source, "id": id, "title": title, "reason": reason, "provenance": provenance, "time": time,
            }
            for n, source, id, title, reason, provenance, time in rows
        ],
    )  # fmt: skip


def _meta(tx: Transaction, rows: Sequence[Row]) -> None:
    tx.counters["last_ingest"] = rows[0][0]


_SPECIAL: dict[str, Callable[[Transaction, Sequence[Row]], None]] = {
    "aliases": _aliases, "records": _records, "citations": _citations, "judgements": _readings("judgement"),
    "measured": _readings("measured"), "told": _told, "quarantined": _quarantined, "meta": _meta,
    "fetches": lambda tx, rows: put_fetches(tx, list(map(FetchRow._make, rows))),
    "found": lambda tx, rows: put_findings(tx, list(map(FoundRow._make, rows))),
    "vectors": lambda tx, rows: put_vectors(tx, list(map(VectorRow._make, rows))),
}  # fmt: skip
