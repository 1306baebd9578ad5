"""Neo4jStore: the store on a Neo4j server, for teams and large graphs; the same promises and the same answers.

Promises are those of `kg.store.GraphStore`; each method says here only what is particular. The Cypher stands in the
module a method calls: writing in `neo4j_write`, `neo4j_told`, `neo4j_judge` and `neo4j_merge`, reading in `neo4j_read`,
`neo4j_paper`, `neo4j_graph` and `neo4j_table`; cursors, runs and changes in `neo4j_journal`; labels and keys in
`neo4j_schema`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from kg import neo4j_graph, neo4j_journal, neo4j_paper, neo4j_read, neo4j_table
from kg.answers import (
    CitationPath,
    Clusters,
    Direction,
    Facets,
    Linked,
    Merge,
    Neighbourhood,
    PaperDetails,
    PaperPage,
    Quarantined,
    StoreCounts,
    Upserted,
)
from kg.batch import BatchWriter, Known
from kg.batch_changes import ChangeLog
from kg.batch_citations import write_citations
from kg.batch_readings import write_judgements, write_measured
from kg.batch_told import write_fetches, write_found, write_vectors
from kg.checks import (
    check_clusters,
    check_decision,
    check_list_name,
    check_page,
    no_merge,
    one_work,
    undone_already,
)
from kg.clock import utc_now
from kg.errors import InputError, StoreError
from kg.identity import normalise
from kg.model import Batch, Cluster, Cursor, Decision, Run, RunState
from kg.neo4j_engine import Engine, Transaction
from kg.neo4j_errors import ENGINE
from kg.neo4j_judge import decide
from kg.neo4j_merge import merge_works, unmerge_works
from kg.neo4j_papers import rebuild_search
from kg.neo4j_schema import SCHEMA
from kg.neo4j_transfer import Neo4jTransfer
from kg.neo4j_write import Neo4jRows, look_up, refuse
from kg.paper_filter import PaperFilter, Sort
from kg.search_text import VERSION
from kg.transfer import Transfer

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")


class Neo4jStore:
    """The graph in one database of one server. Safe to share between threads; others may read and write beside it."""

    def __init__(
        self, url: str, *, create: bool = True, read_only: bool = False, clock: Callable[[], str] = utc_now
    ) -> None:
        self._url = url
        self._clock = clock
        self._known = Known()
        self._guard = threading.Lock()
        self._engine = Engine(url, create=create, read_only=read_only, now=clock())

    @property
    def url(self) -> str:
        return self._url

    @property
    def engine(self) -> str:
        return ENGINE

    @property
    def schema(self) -> int:
        return SCHEMA

    def close(self) -> None:
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def revision(self) -> int:
        found: int = self._engine.read(
            "revision", lambda tx: tx.value("MATCH (m:TokenAtlas) RETURN m.revision"), steady=False
        )
        return found

    # Writing

    def _write(self, operation: str, work: Callable[[Transaction], T], *, batch: str = "") -> T:
        def unit(tx: Transaction) -> T:
            if tx.counters.get("search_text") != VERSION:
                rebuild_search(tx)
                tx.counters["search_text"] = VERSION
            return work(tx)

        return self._engine.write(operation, unit, batch=batch)

    def upsert(self, batch: Batch, cursor: Cursor | None = None) -> Upserted:
        time = cursor.time if cursor else self._clock()

        def unit(tx: Transaction) -> tuple[BatchWriter, Known]:
            revision = tx.counters["revision"]
            known = self._take_known(revision)
            rows = Neo4jRows(tx, time)
            log = None if batch.run is None else ChangeLog(rows, batch.run)
            writer = BatchWriter(rows, known, log)
            writer.papers(batch.papers)
            write_citations(writer, batch.citations)
            write_fetches(writer, batch.fetches)
            write_found(writer, batch.found)
            if writer.changed:
                tx.counters["last_ingest"] = max(tx.counters.get("last_ingest") or "", time)
            write_judgements(writer, batch.judgements or {})
            write_measured(writer, batch.measured or {})
            write_vectors(writer, batch.vectors or {})
            rows.flush()
            if log:
                log.write()
            moved = cursor is not None and neo4j_journal.move(tx, cursor)
            tx.changed = writer.changed or moved
            known.revision = revision + tx.changed
            return writer, known

        named = f"the batch of {cursor.source} up to {cursor.position}" if cursor else "the batch"
        writer, known = self._write("upsert", unit, batch=named)
        if writer.lasting:
            with self._guard:
                self._known = known
        return Upserted(**writer.counts)

    def _take_known(self, revision: int) -> Known:
        """What was looked up before, taken away so that a failed attempt leaves nothing behind."""
        with self._guard:
            known, self._known = self._known, Known()
        return known if known.revision == revision else Known()

    def cursor(self, source: str, stream: str) -> Cursor | None:
        return self._engine.read("cursor", lambda tx: neo4j_journal.cursor(tx, source, stream), steady=False)

    def quarantine(self, records: Sequence[Quarantined]) -> int:
        def unit(tx: Transaction) -> int:
            new = refuse(tx, [(r.source, r.id, r.title, r.reason, r.provenance, r.time) for r in records])
            tx.changed = new > 0
            return new

        return self._write("quarantine", unit)

    def begin(self, command: str, *, rules: str | None, protocol: str | None, time: str) -> int:
        def unit(tx: Transaction) -> int:
            tx.changed = True
            return neo4j_journal.begin(tx, command, rules, protocol, time)

        return self._write("begin", unit)

    def end(self, run: int, state: RunState, counts: Mapping[str, int], *, time: str) -> None:
        def unit(tx: Transaction) -> None:
            tx.changed = neo4j_journal.end(tx, run, state, counts, time)

        self._write("end", unit)

    def decide(self, decision: Decision) -> None:
        check_decision(decision)

        def unit(tx: Transaction) -> None:
            n, work = neo4j_paper.find(tx, decision.paper)
            tx.changed = decide(tx, n, work, decision)

        self._write("decide", unit)

    def merge(self, kept: str, absorbed: str, reason: str) -> Merge:
        def unit(tx: Transaction) -> Merge:
            (one, _), (other, _) = neo4j_paper.find(tx, kept), neo4j_paper.find(tx, absorbed)
            if one == other:
                raise one_work(absorbed)
            number = merge_works(tx, one, other, reason, self._clock())
            tx.changed = True
            return _merges(tx, number)[0]

        return self._write("merge", unit)

    def unmerge(self, number: int) -> None:
        def unit(tx: Transaction) -> None:
            found = _merges(tx, number)
            if not found:
                raise no_merge(number)
            if found[0].undone is not None:
                raise undone_already(number, found[0].undone)
            unmerge_works(tx, number, self._clock())
            tx.changed = True

        self._write("unmerge", unit)

    def put_clusters(self, run: str, clusters: Sequence[Cluster], members: Mapping[str, int]) -> None:
        def unit(tx: Transaction) -> None:
            placed = {neo4j_paper.find(tx, id)[0]: number for id, number in members.items()}
            check_clusters(run, clusters, placed.values())
            rows = sorted(clusters, key=lambda each: each.number)
            before = dict(tx.rows("MATCH (p:Paper) WHERE p.cluster IS NOT NULL RETURN p.n, p.cluster"))
            if (neo4j_read.clusters(tx), before) == (tuple(rows), placed):
                return
            tx.run("MATCH (c:Cluster) DETACH DELETE c")
            tx.run("MATCH (p:Paper) WHERE p.cluster IS NOT NULL REMOVE p.cluster")
            tx.run(
                "UNWIND $rows AS r CREATE (:Cluster {number: r[0], run: r[1], label: r[2], name: r[2], terms: r[3],"
                " size: r[4], stability: r[5]})",
                rows=[
                    [
                        c.number,
                        c.run,
                        c.label,
                        list(c.terms),
                        c.size,
                        None if c.stability is None else float(c.stability),
                    ]
                    for c in rows
                ],
            )
            tx.run(
                "UNWIND $rows AS r MATCH (p:Paper {n: r[0]}) MATCH (c:Cluster {number: r[1]})"
                " SET p.cluster = r[1] CREATE (p)-[:IN_CLUSTER]->(c)",
                rows=[list(each) for each in sorted(placed.items())],
            )
            tx.changed = True

        self._write("put_clusters", unit)

    def add_to_list(self, name: str, ids: Sequence[str]) -> int:
        check_list_name(name)

        def unit(tx: Transaction) -> int:
            found: dict[int, int] = {}
            for n, work in [neo4j_paper.find(tx, id) for id in ids]:
                found.setdefault(n, work)
            there = {n for (n,) in tx.rows("MATCH (:ReadingList {name: $name})-[:HOLDS]->(p) RETURN p.n", name=name)}
            new = [[n, work] for n, work in sorted(found.items()) if n not in there]
            if new:
                tx.run(
                    "MERGE (l:ReadingList {name: $name}) WITH l UNWIND $rows AS r MATCH (p:Paper {n: r[0]})"
                    " CREATE (l)-[:HOLDS {work: r[1]}]->(p)",
                    name=name,
                    rows=new,
                )
            tx.changed = bool(new)
            return len(new)

        return self._write("add_to_list", unit)

    def remove_from_list(self, name: str, ids: Sequence[str]) -> int:
        def unit(tx: Transaction) -> int:
            papers = sorted({neo4j_paper.find(tx, id)[0] for id in ids})
            gone: int = tx.value(
                "MATCH (:ReadingList {name: $name})-[x:HOLDS]->(p:Paper) WHERE p.n IN $papers"
                " WITH DISTINCT p.n AS n, x DELETE x RETURN count(DISTINCT n)",
                name=name,
                papers=papers,
            )
            tx.run("MATCH (l:ReadingList {name: $name}) WHERE NOT EXISTS { (l)-[:HOLDS]->() } DELETE l", name=name)
            tx.changed = gone > 0
            return gone

        return self._write("remove_from_list", unit)

    # Reading

    def resolve(self, ids: Sequence[str]) -> dict[str, str]:
        canonical: dict[str, str] = {}
        for spelling in ids:
            with contextlib.suppress(InputError):
                canonical[spelling] = normalise(spelling)

        def unit(tx: Transaction) -> dict[str, str]:
            found = look_up(tx, sorted(set(canonical.values())))
            names = dict(
                tx.rows(
                    "UNWIND $papers AS n MATCH (p:Paper {n: n}) RETURN n, p.id",
                    papers=sorted({each.paper for each in found}),
                )
            )
            return {each.id: names[each.paper] for each in found}

        known = self._engine.read("resolve", unit)
        return {spelling: known[id] for spelling, id in canonical.items() if id in known}

    def paper(self, id: str) -> PaperDetails:
        return self._engine.read("paper", lambda tx: neo4j_paper.paper(tx, id), steady=False)

    def papers(self, where: PaperFilter, *, sort: Sort = "newest", offset: int = 0, limit: int = 50) -> PaperPage:
        check_page(sort, offset, limit)
        return self._engine.read("papers", lambda tx: neo4j_read.papers(tx, where, sort, offset, limit))

    def ids(self, where: PaperFilter) -> list[str]:
        return self._engine.read("ids", lambda tx: neo4j_read.ids(tx, where), steady=False)

    def facets(self, where: PaperFilter) -> Facets:
        return self._engine.read("facets", lambda tx: neo4j_read.facets(tx, where))

    def references(self, id: str, *, where: PaperFilter, limit: int = 50) -> Linked:
        return self._engine.read("references", lambda tx: neo4j_graph.linked(tx, id, where, limit, citers=False))

    def citers(self, id: str, *, where: PaperFilter, limit: int = 50) -> Linked:
        return self._engine.read("citers", lambda tx: neo4j_graph.linked(tx, id, where, limit, citers=True))

    def neighbourhood(
        self,
        ids: Sequence[str],
        *,
        where: PaperFilter,
        hops: int = 1,
        direction: Direction = "both",
        limit: int = 60,
    ) -> Neighbourhood:
        return self._engine.read(
            "neighbourhood", lambda tx: neo4j_graph.neighbourhood(tx, ids, where, hops, direction, limit)
        )

    def path(self, start: str, end: str, *, where: PaperFilter, directed: bool = False) -> CitationPath | None:
        return self._engine.read("path", lambda tx: neo4j_graph.path(tx, start, end, where, directed))

    def links(self, ids: Sequence[str]) -> int:
        return self._engine.read("links", lambda tx: neo4j_graph.count_links_between(tx, ids))

    def counts_by_year_topic(self, where: PaperFilter) -> list[tuple[int | None, str | None, int]]:
        return self._engine.read(
            "counts_by_year_topic", lambda tx: neo4j_read.counts_by_year_topic(tx, where), steady=False
        )

    def table(self, name: str) -> pa.Table:
        return self._engine.read("table", lambda tx: neo4j_table.table(tx, name))

    def texts(
        self, *, batch: int = 500, unjudged_by: str | None = None, unmeasured_by: str | None = None
    ) -> Iterator[list[tuple[str, str | None, str | None]]]:
        """As promised; every batch is read on its own, so the caller may write between two."""
        after = ""
        while True:
            unit = partial(
                neo4j_table.texts, after=after, batch=batch, unjudged_by=unjudged_by, unmeasured_by=unmeasured_by
            )
            found = self._engine.read("texts", unit, steady=False)
            if not found:
                return
            after = found[-1][0]
            yield found

    def counts(self) -> StoreCounts:
        return self._engine.read("counts", neo4j_read.counts)

    def runs(self) -> list[Run]:
        return self._engine.read("runs", neo4j_journal.runs, steady=False)

    def cursors(self, source: str | None = None) -> list[Cursor]:
        return self._engine.read("cursors", lambda tx: neo4j_journal.cursors(tx, source), steady=False)

    def clusters(self) -> Clusters | None:
        found = self._engine.read("clusters", neo4j_read.clusters, steady=False)
        return Clusters(found[0].run, found) if found else None

    def reading_lists(self) -> dict[str, int]:
        return self._engine.read(
            "reading_lists",
            lambda tx: dict(
                tx.rows(
                    "MATCH (l:ReadingList)-[:HOLDS]->(p:Paper) RETURN l.name AS name, count(DISTINCT p) ORDER BY name"
                )
            ),
            steady=False,
        )

    def merges(self) -> list[Merge]:
        return self._engine.read("merges", _merges, steady=False)

    def quarantined(self) -> list[Quarantined]:
        return self._engine.read(
            "quarantined",
            lambda tx: [
                Quarantined(*row)
                for row in tx.rows(
                    "MATCH (x:Quarantined) RETURN x.source, x.id, x.title, x.reason, x.provenance, x.time"
                    " ORDER BY x.source, x.id, x.reason, x.n"
                )
            ],
            steady=False,
        )

    def decisions(self) -> list[Decision]:
        return self._engine.read(
            "decisions",
            lambda tx: [
                Decision(*row)
                for row in tx.rows(
                    "MATCH (x:Reviewer)-[d:DECIDED]->(p:Paper)"
                    " RETURN p.id, d.criterion, d.verdict, x.name, d.reason, d.time ORDER BY d.time, d.n"
                )
            ],
            steady=False,
        )

    def transfer(self) -> Transfer:
        return Neo4jTransfer(self._engine, self._write)

    def backup(self, target: Path) -> None:
        """Refused: a server keeps its own backups, and a file comes from copying."""
        raise StoreError(
            "A store on a server is not backed up from here",
            engine=ENGINE,
            operation="backup",
            where=self._url,
            hint=f"Copy it into a file with tokenatlas copy --from {self._url} --to sqlite:///{target.as_posix()},"
            " or use the server's own tool (neo4j-admin database dump).",
        )


def _merges(tx: Transaction, number: int | None = None) -> list[Merge]:
    return [
        Merge(*row)
        for row in tx.rows(
            "MATCH (m:Merge) WHERE $number IS NULL OR m.number = $number"
            " RETURN m.number, m.kept_id, m.absorbed_id, m.reason, m.time, m.undone ORDER BY m.number DESC",
            number=number,
        )
    ]
