"""SqliteStore: the store in one file, SQLite with WAL and full text, for one machine and any number of readers.

Promises are those of `kg.store.GraphStore`; each method says here only what is particular. The SQL stands in the
module a method calls: writing in `sqlite_write`, `sqlite_told`, `sqlite_judge` and `sqlite_merge`, reading in
`sqlite_read`, `sqlite_paper`, `sqlite_graph` and `sqlite_table`, cursors, runs and changes in `sqlite_journal`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from json import dumps
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kg import sqlite_graph, sqlite_journal, sqlite_paper, sqlite_read, sqlite_table
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
from kg.checks import check_clusters, check_decision, check_list_name, check_page, no_merge, one_work, undone_already
from kg.clock import utc_now
from kg.combine import listed
from kg.errors import InputError, StoreError
from kg.identity import normalise
from kg.model import Batch, Cluster, Cursor, Decision, Run, RunState
from kg.paper_filter import PaperFilter, Sort
from kg.search_text import VERSION
from kg.sqlite_engine import ENGINE, Engine, translated
from kg.sqlite_judge import decide
from kg.sqlite_merge import merge_works, unmerge_works
from kg.sqlite_papers import rebuild_search
from kg.sqlite_schema import SCHEMA
from kg.sqlite_transfer import SqliteTransfer
from kg.sqlite_write import SqliteRows
from kg.transfer import Transfer

if TYPE_CHECKING:
    import pyarrow as pa


class SqliteStore:
    """The graph in one SQLite file. Safe to share between threads; other processes may read and write beside it."""

    def __init__(
        self,
        url: str,
        path: Path,
        *,
        create: bool = True,
        read_only: bool = False,
        clock: Callable[[], str] = utc_now,
    ) -> None:
        self._url = url
        self._clock = clock
        self._known = Known()
        self._engine = Engine(path, url=url, create=create, read_only=read_only, now=clock())

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
        with self._engine.reading("revision") as con:
            found: int = con.execute("SELECT value FROM meta WHERE name = 'revision'").fetchone()[0]
            return found

    # Writing

    @contextlib.contextmanager
    def _changing(self, operation: str) -> Iterator[tuple[sqlite3.Connection, list[bool]]]:
        """A write; whoever changes something says so by appending `True`, and the revision grows by one."""
        changed: list[bool] = []
        with self._engine.writing(operation) as con:
            (version,) = con.execute("SELECT value FROM meta WHERE name = 'search_text'").fetchone()
            if version != VERSION:
                rebuild_search(con)
                con.execute("UPDATE meta SET value = ? WHERE name = 'search_text'", (VERSION,))
            yield con, changed
            if any(changed):
                con.execute("UPDATE meta SET value = value + 1 WHERE name = 'revision'")

    def upsert(self, batch: Batch, cursor: Cursor | None = None) -> Upserted:
        time = cursor.time if cursor else self._clock()
        with self._changing("upsert") as (con, changed):
            (revision,) = con.execute("SELECT value FROM meta WHERE name = 'revision'").fetchone()
            known = self._known if self._known.revision == revision else Known()
            self._known = Known()
            rows = SqliteRows(con, time)
            log = None if batch.run is None else ChangeLog(rows, batch.run)
            writer = BatchWriter(rows, known, log)
            writer.papers(batch.papers)
            write_citations(writer, batch.citations)
            write_fetches(writer, batch.fetches)
            write_found(writer, batch.found)
            if writer.changed:
                con.execute(
                    "UPDATE meta SET value = :time WHERE name = 'last_ingest' AND (value IS NULL OR value < :time)",
                    {"time": time},
                )
            write_judgements(writer, batch.judgements or {})
            write_measured(writer, batch.measured or {})
            write_vectors(writer, batch.vectors or {})
            if log:
                log.write()
            changed += [writer.changed, cursor is not None and sqlite_journal.move(con, cursor)]
            known.revision = revision + any(changed)
        if writer.lasting:
            self._known = known
        return Upserted(**writer.counts)

    def cursor(self, source: str, stream: str) -> Cursor | None:
        with self._engine.reading("cursor") as con:
            found = sqlite_journal.cursors(con, source, stream)
        return found[0] if found else None

    def quarantine(self, records: Sequence[Quarantined]) -> int:
        with self._changing("quarantine") as (con, changed):
            new = con.executemany(
                "INSERT INTO quarantine (source, id, title, reason, provenance, time) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                [(r.source, r.id, r.title, r.reason, r.provenance, r.time) for r in records],
            ).rowcount
            changed.append(new > 0)
        return max(new, 0)

    def begin(self, command: str, *, rules: str | None, protocol: str | None, time: str) -> int:
        with self._changing("begin") as (con, changed):
            changed.append(True)
            return sqlite_journal.begin(con, command, rules, protocol, time)

    def end(self, run: int, state: RunState, counts: Mapping[str, int], *, time: str) -> None:
        with self._changing("end") as (con, changed):
            changed.append(sqlite_journal.end(con, run, state, counts, time))

    def decide(self, decision: Decision) -> None:
        check_decision(decision)
        with self._changing("decide") as (con, changed):
            n = sqlite_graph.find(con, decision.paper)
            (work,) = con.execute("SELECT work FROM aliases WHERE id = ?", (normalise(decision.paper),)).fetchone()
            changed.append(decide(con, n, work, decision))

    def merge(self, kept: str, absorbed: str, reason: str) -> Merge:
        with self._changing("merge") as (con, changed):
            one, other = sqlite_graph.find(con, kept), sqlite_graph.find(con, absorbed)
            if one == other:
                raise one_work(absorbed)
            number = merge_works(con, one, other, reason, self._clock())
            changed.append(True)
            return _merges(con, number)[0]

    def unmerge(self, number: int) -> None:
        with self._changing("unmerge") as (con, changed):
            found = _merges(con, number)
            if not found:
                raise no_merge(number)
            if found[0].undone is not None:
                raise undone_already(number, found[0].undone)
            unmerge_works(con, number, self._clock())
            changed.append(True)

    def put_clusters(self, run: str, clusters: Sequence[Cluster], members: Mapping[str, int]) -> None:
        with self._changing("put_clusters") as (con, changed):
            rows = sorted((c.number, c.run, c.label, listed(tuple(c.terms)), c.size, c.stability) for c in clusters)
            placed = {sqlite_graph.find(con, id): number for id, number in members.items()}
            check_clusters(run, clusters, placed.values())
            before = (
                con.execute(
                    "SELECT number, run, label, terms, size, stability FROM clusters ORDER BY number"
                ).fetchall(),
                dict(con.execute("SELECT paper, cluster FROM cluster_members")),
            )
            if before == (rows, placed):
                return
            con.execute("DELETE FROM cluster_members")
            con.execute("DELETE FROM clusters")
            con.executemany(
                "INSERT INTO clusters (number, run, label, terms, size, stability) VALUES (?, ?, ?, ?, ?, ?)", rows
            )
            con.executemany("INSERT INTO cluster_members (paper, cluster) VALUES (?, ?)", sorted(placed.items()))
            changed.append(True)

    def add_to_list(self, name: str, ids: Sequence[str]) -> int:
        check_list_name(name)
        new = 0
        with self._changing("add_to_list") as (con, changed):
            for id in ids:
                n = sqlite_graph.find(con, id)
                (work,) = con.execute("SELECT work FROM aliases WHERE id = ?", (normalise(id),)).fetchone()
                if con.execute("SELECT 1 FROM lists WHERE name = ? AND paper = ?", (name, n)).fetchone() is None:
                    con.execute("INSERT INTO lists (name, work, paper) VALUES (?, ?, ?)", (name, work, n))
                    new += 1
            changed.append(new > 0)
        return new

    def remove_from_list(self, name: str, ids: Sequence[str]) -> int:
        gone = 0
        with self._changing("remove_from_list") as (con, changed):
            for id in ids:
                n = sqlite_graph.find(con, id)
                gone += con.execute("DELETE FROM lists WHERE name = ? AND paper = ?", (name, n)).rowcount > 0
            changed.append(gone > 0)
        return gone

    # Reading

    def resolve(self, ids: Sequence[str]) -> dict[str, str]:
        canonical: dict[str, str] = {}
        for spelling in ids:
            with contextlib.suppress(InputError):
                canonical[spelling] = normalise(spelling)
        with self._engine.reading("resolve") as con:
            known = dict(
                con.execute(
                    "SELECT a.id, p.id FROM json_each(?) AS j CROSS JOIN aliases AS a ON a.id = j.value"
                    " CROSS JOIN papers AS p ON p.n = a.paper",
                    (dumps(sorted(set(canonical.values()))),),
                )
            )
        return {spelling: known[id] for spelling, id in canonical.items() if id in known}

    def paper(self, id: str) -> PaperDetails:
        with self._engine.reading("paper") as con:
            return sqlite_paper.paper(con, id)

    def papers(self, where: PaperFilter, *, sort: Sort = "newest", offset: int = 0, limit: int = 50) -> PaperPage:
        check_page(sort, offset, limit)
        with self._engine.reading("papers") as con:
            return sqlite_read.papers(con, where, sort, offset, limit)

    def ids(self, where: PaperFilter) -> list[str]:
        with self._engine.reading("ids") as con:
            return sqlite_read.ids(con, where)

    def facets(self, where: PaperFilter) -> Facets:
        with self._engine.reading("facets") as con:
            return sqlite_read.facets(con, where)

    def references(self, id: str, *, where: PaperFilter, limit: int = 50) -> Linked:
        with self._engine.reading("references") as con:
            return sqlite_graph.linked(con, id, where, limit, citers=False)

    def citers(self, id: str, *, where: PaperFilter, limit: int = 50) -> Linked:
        with self._engine.reading("citers") as con:
            return sqlite_graph.linked(con, id, where, limit, citers=True)

    def neighbourhood(
        self,
        ids: Sequence[str],
        *,
        where: PaperFilter,
        hops: int = 1,
        direction: Direction = "both",
        limit: int = 60,
    ) -> Neighbourhood:
        with self._engine.reading("neighbourhood") as con:
            return sqlite_graph.neighbourhood(con, ids, where, hops, direction, limit)

    def path(self, start: str, end: str, *, where: PaperFilter, directed: bool = False) -> CitationPath | None:
        with self._engine.reading("path") as con:
            return sqlite_graph.path(con, start, end, where, directed)

    def links(self, ids: Sequence[str]) -> int:
        with self._engine.reading("links") as con:
            return sqlite_graph.count_links_between(con, ids)

    def counts_by_year_topic(self, where: PaperFilter) -> list[tuple[int | None, str | None, int]]:
        with self._engine.reading("counts_by_year_topic") as con:
            return sqlite_read.counts_by_year_topic(con, where)

    def table(self, name: str) -> pa.Table:
        with self._engine.reading("table") as con:
            return sqlite_table.table(con, name)

    def texts(
        self, *, batch: int = 500, unjudged_by: str | None = None, unmeasured_by: str | None = None
    ) -> Iterator[list[tuple[str, str | None, str | None]]]:
        """As promised; every batch is read on its own, so the caller may write between two."""
        after = ""
        while True:
            with self._engine.reading("texts") as con:
                found = sqlite_table.texts(con, after, batch, unjudged_by, unmeasured_by)
            if not found:
                return
            after = found[-1][0]
            yield found

    def counts(self) -> StoreCounts:
        with self._engine.reading("counts") as con:
            return sqlite_read.counts(con)

    def runs(self) -> list[Run]:
        with self._engine.reading("runs") as con:
            return sqlite_journal.runs(con)

    def cursors(self, source: str | None = None) -> list[Cursor]:
        with self._engine.reading("cursors") as con:
            return sqlite_journal.cursors(con, source)

    def clusters(self) -> Clusters | None:
        with self._engine.reading("clusters") as con:
            found = sqlite_read.clusters(con)
        return Clusters(found[0].run, found) if found else None

    def reading_lists(self) -> dict[str, int]:
        with self._engine.reading("reading_lists") as con:
            return dict(con.execute("SELECT name, count(DISTINCT paper) FROM lists GROUP BY name ORDER BY name"))

    def merges(self) -> list[Merge]:
        with self._engine.reading("merges") as con:
            return _merges(con)

    def quarantined(self) -> list[Quarantined]:
        with self._engine.reading("quarantined") as con:
            return [
                Quarantined(*row)
                for row in con.execute(
                    "SELECT source, id, title, reason, provenance, time FROM quarantine ORDER BY source, id, reason, n"
                )
            ]

    def decisions(self) -> list[Decision]:
        with self._engine.reading("decisions") as con:
            return [
                Decision(*row)
                for row in con.execute(
                    "SELECT p.id, d.criterion, d.verdict, d.reviewer, d.reason, d.time FROM decisions AS d"
                    " JOIN papers AS p ON p.n = d.paper ORDER BY d.time, d.n"
                )
            ]

    def transfer(self) -> Transfer:
        return SqliteTransfer(self._engine, self._changing)

    def backup(self, target: Path) -> None:
        """As promised, by SQLite's own backup: the copy is made under another name and appears when complete."""
        exists = StoreError(
            "The target exists already", engine=ENGINE, operation="backup", where=str(target),
            hint="Name a file that does not exist yet.",
        )  # fmt: skip
        if target.exists():
            raise exists
        partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        try:
            with (
                self._engine.reading("backup") as con,
                translated("backup", str(target)),
                contextlib.closing(sqlite3.connect(partial)) as copy,
            ):
                con.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            # Taking the name first makes sure that nobody else's file is replaced.
            target.open("xb").close()
            partial.replace(target)
        except FileExistsError:
            raise exists from None
        finally:
            partial.unlink(missing_ok=True)


def _merges(con: sqlite3.Connection, number: int | None = None) -> list[Merge]:
    return [
        Merge(*row)
        for row in con.execute(
            "SELECT number, kept_id, absorbed_id, reason, time, undone FROM merges WHERE :number IS NULL"
            " OR number = :number ORDER BY number DESC",
            {"number": number},
        )
    ]
