"""GraphStore: the one contract that every engine keeps, and `open_store`, which finds the engine for a URL.

Rules of the contract:
- Any spelling of a known id is accepted wherever an id is asked for (`kg.identity.normalise`); the answer speaks in
  work ids.
- Lists have a total order (ties break by work id), so paging and two engines agree.
- A write is one transaction: batch, cursor and revision together. Writing the same batch twice changes nothing, not
  even the revision.
- What a later source does not know never erases what an earlier one said. A judgement from less text never replaces
  one from more.
- A person's decision is stored beside the rules' verdict and wins in `include`.
- Engine errors leave as `StoreError`; no caller sees the engine's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

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
from kg.errors import InputError
from kg.model import Batch, Cluster, Cursor, Decision, Run, RunState
from kg.paper_filter import PaperFilter, Sort
from kg.transfer import Transfer

if TYPE_CHECKING:
    import pyarrow as pa


class GraphStore(Protocol):
    """What is known, and how it is asked."""

    @property
    def url(self) -> str:
        """The URL this store was opened with, free of credentials."""

    @property
    def engine(self) -> str:
        """Name of the engine: "sqlite" or "neo4j"."""

    @property
    def schema(self) -> int:
        """Schema version of the open store, after migration."""

    def close(self) -> None:
        """Release the engine. Closing twice is allowed."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def revision(self) -> int:
        """A number that grows with every write that changed something; caches are keyed by it."""

    # Writing

    def upsert(self, batch: Batch, cursor: Cursor | None = None) -> Upserted:
        """Write papers, citations, judgements and measurements with the cursor of their source, in one transaction.

        Papers are matched by any exact id; a work is minted under the first of its ids, and a cited id that nothing
        else tells of becomes a stub. A record whose ids belong to two works merges them (see `merges`): a real work
        is kept over a stub, else the older one. Self-citations are dropped and counted, duplicates folded, a
        citation to a younger paper kept and flagged. What several sources say becomes one paper by the rules of
        `kg.combine`. To `quarantined` goes, once, a record of a work without any title, one whose ids belong to
        papers with different titles, and one that would join again what a person took apart.
        Judgements, measurements and vectors are keyed by any id of a paper known or in the same batch; those of a
        record that was kept out are left out too. A fetch or finding of an id that nothing tells of makes a stub, as a
        citation does: that a source does not know a listed paper is kept. Of fetches the latest by its time stands per
        work, source and subject; a finding is kept once, the first. All of them belong to the work that the id was
        given to: a paper shows those of every work it absorbed, and undoing a merge gives them back. With `batch.run`
        every new paper, changed field and changed verdict is logged (see `kg.batch_changes`).

        Raises:
            InputError: a text that is no id, or that cannot be stored; nothing of the batch was written.
            NotFound: a judgement, measurement or vector of an unknown paper, or an unknown run; nothing of the batch
                was written.
            StoreError: the engine failed; nothing of the batch was written.
        """

    def cursor(self, source: str, stream: str) -> Cursor | None:
        """How far a stream was read, `None` before the first batch."""

    def quarantine(self, records: Sequence[Quarantined]) -> int:
        """List records that were kept out; returns how many are new."""

    def begin(self, command: str, *, rules: str | None, protocol: str | None, time: str) -> int:
        """Open a run and return its number."""

    def end(self, run: int, state: RunState, counts: Mapping[str, int], *, time: str) -> None:
        """Close a run with what it reports. Raises NotFound. Closing it again replaces what it reported."""

    def decide(self, decision: Decision) -> None:
        """Store what a person decided; `verdict=None` withdraws. The latest by time counts, the very same is kept once.

        Raises:
            InputError: a verdict that this criterion cannot have.
            NotFound: an unknown paper.
        """

    def merge(self, kept: str, absorbed: str, reason: str) -> Merge:
        """Make two works one. `kept` keeps its id, `absorbed` becomes an alias. Reversible by `unmerge`."""

    def unmerge(self, number: int) -> None:
        """Undo a merge, in any order: all that was told of the absorbed work, also since, goes back to it.

        Raises:
            NotFound: no such merge.
            InputError: it was undone before.
        """

    def put_clusters(self, run: str, clusters: Sequence[Cluster], members: Mapping[str, int]) -> None:
        """Replace the clustering: `members` maps paper ids to cluster numbers. Raises NotFound, InputError."""

    def add_to_list(self, name: str, ids: Sequence[str]) -> int:
        """Put papers on a reading list, made when missing; returns how many are new on it."""

    def remove_from_list(self, name: str, ids: Sequence[str]) -> int:
        """Take papers off a reading list; an empty list disappears."""

    # Reading

    def resolve(self, ids: Sequence[str]) -> dict[str, str]:
        """Work id of every id given that is known, any spelling; unknown ones are absent."""

    def paper(self, id: str) -> PaperDetails:
        """One paper with everything known. Raises NotFound with the nearest ids."""

    def papers(self, where: PaperFilter, *, sort: Sort = "newest", offset: int = 0, limit: int = 50) -> PaperPage:
        """A page of papers under a filter, stubs left out.

        `relevance` without free text, or with an alternative that only excludes, means `cited`. An unknown date or
        bitrate comes last. Free text is read by `kg.search_text`: engines agree on members and totals, not on ranks.
        """

    def ids(self, where: PaperFilter) -> list[str]:
        """Work ids under a filter, ascending, stubs left out."""

    def facets(self, where: PaperFilter) -> Facets:
        """Counts under a filter."""

    def references(self, id: str, *, where: PaperFilter, limit: int = 50) -> Linked:
        """Papers that this one cites, most cited in this graph first. A filter without conditions shows stubs too."""

    def citers(self, id: str, *, where: PaperFilter, limit: int = 50) -> Linked:
        """Papers that cite this one, most cited in this graph first."""

    def neighbourhood(
        self,
        ids: Sequence[str],
        *,
        where: PaperFilter,
        hops: int = 1,
        direction: Direction = "both",
        limit: int = 60,
    ) -> Neighbourhood:
        """Papers round one or several, capped inside the query: nearer first, then linked to more seeds, most cited.

        A second hop goes through papers that match the filter. Stubs are shown when the filter has no condition.

        Raises:
            InputError: hops not 1 or 2, limit below the number of seeds.
            NotFound: a seed is unknown.
        """

    def path(self, start: str, end: str, *, where: PaperFilter, directed: bool = False) -> CitationPath | None:
        """A shortest citation path, ties broken by work id; `None` when there is none.

        Undirected by default; `directed` follows references only, from `start` to `end`. Inner papers must match
        the filter (the ends need not).
        """

    def links(self, ids: Sequence[str]) -> int:
        """How many citations join the given papers."""

    def counts_by_year_topic(self, where: PaperFilter) -> list[tuple[int | None, str | None, int]]:
        """(year, topic, papers), ordered; topic `None` counts each paper once."""

    def table(self, name: str) -> pa.Table:
        """A whole column-wise table, sorted by its key, stubs left out of `papers`:

        - "papers": id, title, year (int32), published, venue, include, decided (bool), token_type, topics (list),
          cited_by, references, cluster
        - "citations": citing, cited (work ids, between papers only), younger, sources (list), influential,
          intents (list)
        - "specifications": paper, year, quantity, value, status, role, subject, text
        - "quantizers": paper, kind
        - "ids": paper, id (every id of every paper, stubs included)
        - "authors": paper, position, name (papers only)
        - "leads": paper, lead, kind: citations between a paper and a stub; kind says whether the lead is among the
          paper's "references" or its "citations"
        - "stated": paper, source, references, citations: how many each source states, where it states either
        - "fetches": paper, source, what, state, got, stated, time (stubs included)
        - "found": paper, how, source, detail, time (stubs included)
        - "changes": run, paper, kind, field, old, new, time, in the order in which they were made
        - "vectors": paper, model, values (list of float32)
        - "records": paper, source, title, published, authors (list of names): what each source told of a paper, in the
          order in which the sources first did

        Unknown is null. Raises InputError for another name.
        """

    def texts(
        self, *, batch: int = 500, unjudged_by: str | None = None, unmeasured_by: str | None = None
    ) -> Iterator[list[tuple[str, str | None, str | None]]]:
        """(id, title, abstract) of papers in batches, by id.

        `unjudged_by`/`unmeasured_by` name rules: only papers whose present text these rules have not read. Rules that
        read a title together with an abstract that is not kept here have read the title too.
        """

    def counts(self) -> StoreCounts:
        """What `status` shows."""

    def runs(self) -> list[Run]:
        """Every run, newest first. One that was killed is still "running"."""

    def cursors(self, source: str | None = None) -> list[Cursor]:
        """Every cursor (of a source), by source and stream."""

    def clusters(self) -> Clusters | None:
        """The clustering run kept."""

    def reading_lists(self) -> dict[str, int]:
        """Names of the reading lists with their sizes."""

    def merges(self) -> list[Merge]:
        """Every merge, newest first, undone ones included."""

    def quarantined(self) -> list[Quarantined]:
        """Records that were kept out, and why."""

    def decisions(self) -> list[Decision]:
        """Every decision ever made, oldest first."""

    def transfer(self) -> Transfer:
        """The store as rows that belong to no engine, for copying it as it is (`kg.transfer.copy`)."""

    def backup(self, target: Path) -> None:
        """Write a consistent copy into a file while others read and write.

        Raises:
            StoreError: `target` exists, or the engine is a server, which is copied (`kg.transfer.copy`) or backed up by
                its own tool.
        """


SCHEMES = ("sqlite", "neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


def default_store_url() -> str:
    """The store used when none is named: `TOKENATLAS_STORE`, else `atlas.sqlite` in the user's data folder."""
    from platformdirs import user_data_path

    named = os.environ.get("TOKENATLAS_STORE")
    return named or f"sqlite:///{(user_data_path('tokenatlas', appauthor=False) / 'atlas.sqlite').as_posix()}"


def open_store(url: str, *, create: bool = True, read_only: bool = False) -> GraphStore:
    """Open the store that a URL names, e.g. `sqlite:///atlas.sqlite` (relative) or `sqlite:////home/me/atlas.sqlite`.

    Args:
        url: scheme and place. A path on Windows is `sqlite:///C:/Users/me/atlas.sqlite`. On a Neo4j server it is
            `neo4j://host:7687` or `neo4j://host:7687/database`; user and password stand in the environment
            (TOKENATLAS_NEO4J_USER, TOKENATLAS_NEO4J_PASSWORD).
        create: make the store when it does not exist yet.
        read_only: refuse writes.

    Raises:
        InputError: an unknown scheme (the known ones are listed) or a malformed URL.
        StoreUnavailable: the file or server cannot be opened.
        SchemaMismatch: written by a newer program, or by an older one and to be opened for reading only.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite":
        from kg.sqlite_store import SqliteStore

        if not rest.startswith("/") or rest == "/":
            raise InputError(
                f"{url!r} names no file",
                where="--store",
                field="store",
                value=url,
                expected="sqlite:///PATH",
                hint="Write sqlite:///atlas.sqlite for a file here, sqlite:////full/path.sqlite for one elsewhere.",
            )
        return SqliteStore(url, Path(rest[1:]), create=create, read_only=read_only)
    if separator and scheme in SCHEMES:
        from kg.neo4j_store import Neo4jStore

        return Neo4jStore(url, create=create, read_only=read_only)
    raise InputError(
        f"{url!r} is not a store this program knows",
        where="--store",
        field="store",
        value=url,
        expected=", ".join(f"{known}://" for known in SCHEMES),
        hint="Write sqlite:///PATH for a file, neo4j://HOST:PORT for a server; known schemes: "
        + ", ".join(SCHEMES)
        + ".",
    )
