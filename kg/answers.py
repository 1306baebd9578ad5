"""Frozen records that a store answers with. Nothing here is written back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from kg.model import Cluster, Decision, Fetch, Found, Include, Judgement, Measured, Paper, TokenType


@dataclass(frozen=True, slots=True)
class PaperRow:
    """One paper as a list shows it.

    `include` is the effective verdict (a person wins), `None` when nothing judged it yet; `decided` says that a
    person did. `cited_by` counts papers of this graph, `citations_stated` is what a source states. `bitrates` are
    own values in kbps, ascending. A stub is an id that something cites and of which no source told more.
    """

    id: str
    title: str | None
    year: int | None
    published: str | None
    venue: str | None
    first_author: str | None
    authors: int | None
    include: Include | None
    decided: bool
    topics: tuple[str, ...]
    token_type: TokenType | None
    quantizers: tuple[str, ...]
    bitrates: tuple[float, ...]
    cited_by: int
    references: int
    citations_stated: int | None
    cluster: int | None
    stub: bool


@dataclass(frozen=True, slots=True)
class PaperPage:
    """A page of a filtered list: `rows` of `total` that match, of `of` papers in the atlas (stubs left out)."""

    rows: tuple[PaperRow, ...]
    total: int
    of: int
    offset: int


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """Which source told of a paper, from where, and when that was stored (UTC)."""

    source: str
    provenance: str | None
    time: str


@dataclass(frozen=True, slots=True)
class PaperDetails:
    """Everything known about one paper. `history` holds decisions, newest first, withdrawals included."""

    row: PaperRow
    paper: Paper
    judgement: Judgement | None
    measured: Measured | None
    decisions: Mapping[str, Decision]
    history: tuple[Decision, ...]
    sources: tuple[SourceRecord, ...]
    lists: tuple[str, ...]
    merged: tuple[str, ...]
    fetches: tuple[Fetch, ...] = ()
    found: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """One citation between two papers of an answer."""

    citing: str
    cited: str
    younger: bool
    sources: tuple[str, ...]
    influential: bool | None = None
    intents: tuple[str, ...] | None = None
    contexts: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """References or citers of a paper, ranked: `rows` of `total`."""

    rows: tuple[PaperRow, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Papers within one or two hops of the seeds: `shown` of `total` reachable under the filter (seeds counted).

    `hops[id]` is 0 for a seed. `links` are all citations between the papers shown. A second hop is counted up to
    `SECOND_HOP_COUNTED` papers; `at_least` says that there are more, so `total` is what is known to be reachable.
    """

    seeds: tuple[str, ...]
    rows: tuple[PaperRow, ...]
    hops: Mapping[str, int]
    links: tuple[Link, ...]
    shown: int
    total: int
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class CitationPath:
    """A shortest path: papers in order, and between neighbours the citation that joins them (in its own direction)."""

    rows: tuple[PaperRow, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts of papers under a filter. Each facet is counted with its own field of the filter lifted."""

    topics: Mapping[str, int]
    include: Mapping[str, int]
    token_types: Mapping[str, int]
    quantizers: Mapping[str, int]
    years: Mapping[int, int]
    sources: Mapping[str, int]
    clusters: Mapping[int, int]
    criteria: Mapping[tuple[str, str], int]
    unknown_year: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record that was kept out of the graph, and why."""

    source: str
    id: str
    title: str | None
    reason: str
    provenance: str | None
    time: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Two works that turned out to be one; `undone` is the time of the undoing."""

    number: int
    kept: str
    absorbed: str
    reason: str
    time: str
    undone: str | None


@dataclass(frozen=True, slots=True)
class Upserted:
    """What a batch changed."""

    papers_new: int = 0
    papers_changed: int = 0
    citations_new: int = 0
    self_citations: int = 0
    duplicates: int = 0
    younger: int = 0
    stubs_new: int = 0
    merges: int = 0
    quarantined: int = 0
    judgements: int = 0
    judgements_kept: int = 0
    """Judgements not written because one made from more text stands."""

    def __add__(self, other: Upserted) -> Upserted:
        """What both batches changed."""
        return Upserted(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """What `status` shows; citations are those between papers only, stubs left out."""

    papers: int
    stubs: int
    authors: int
    citations: int
    topics: Mapping[str, int]
    include: Mapping[str, int]
    specifications: int
    sources: Mapping[str, int]
    rules: str | None
    last_ingest: str | None
    quarantined: int
    unjudged: int


@dataclass(frozen=True, slots=True)
class Clusters:
    """The clustering run that the store keeps, `None` before the first."""

    run: str
    clusters: tuple[Cluster, ...]


SECOND_HOP_COUNTED = 10_000
"""Counting the second hop of a hub would mean reading most of the graph."""

Direction = Literal["references", "citers", "both"]
