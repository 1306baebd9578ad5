"""What a service must offer to be a source: questions planned without the network, answers read a page at a time.

A source knows a service's language and its limits; it knows no store, no journal and no pace. It plans `Stream`s, which
cost nothing, and reads one `Page` of a stream, which costs the requests that the service needs for it, made through
`ingest.transport`. Who reads the streams (`ingest.fetching`) commits every page together with the position behind it.

A new source is a module with a class that keeps this protocol, and one line in `ingest.sources`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from kg.model import Citation, Fetch, Paper, Vector

Kind = Literal["search", "papers", "references", "citations"]


@dataclass(frozen=True, slots=True)
class Stream:
    """One question that is answered in pages.

    `key` names it in the journal: everything that changes the answer is in it, and no secret. `ids` are canonical ids
    (see `kg.identity`) of the papers asked about, `query` is in the service's own language; `since` and `until` are
    days, YYYY-MM-DD, both included. `limit` ends a search after that many papers.
    """

    source: str
    kind: Kind
    key: str
    ids: tuple[str, ...] = ()
    query: str = ""
    since: str | None = None
    until: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Unusable:
    """A record of an answer that cannot be used: its id as far as it has one, the field, and why."""

    id: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """What one page told.

    - `fetches` say per paper asked about what came (also that the source does not know it). A list that needs several
      pages has its fetch on the last one. Their time is left "" and filled in by the reader.
    - `found` are the ids of the papers that answer a search, or that the lists name, in the order given.
    - `next` is the position to read on from, `None` at the end. A position is text that outlives the process.
    - `total` is what the service says that there is in all, `None` when it does not say.
    - `short`: the stream ends here although the service said that there is more, which the next run asks for.
    - `instead`: this stream is too large for the service; what else the page holds was read, read these for the rest.
    - `warnings` are short sentences for people about what was checked and did not hold ("said 120, gave 118").
    """

    papers: tuple[Paper, ...] = ()
    citations: tuple[Citation, ...] = ()
    fetches: tuple[Fetch, ...] = ()
    found: tuple[str, ...] = ()
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    unusable: tuple[Unusable, ...] = ()
    next: str | None = None
    total: int | None = None
    short: bool = False
    instead: tuple[Stream, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stated:
    """What is known of a paper before it is asked about: how many references and citations it is said to have."""

    references: int | None = None
    citations: int | None = None


class Source(Protocol):
    """A service, in its own language."""

    @property
    def name(self) -> str:
        """As in `Paper.source` and on the command line: "arxiv", "s2", "openalex"."""

    def search(self, query: str, *, since: str | None = None, limit: int | None = None) -> Sequence[Stream]:
        """The streams that answer a query. Raises InputError: an empty query, or one the service cannot read."""

    def papers(self, ids: Sequence[str]) -> Sequence[Stream]:
        """The streams that describe papers, in lists as long as the service takes.

        Ids that this service cannot be asked by are in no stream.
        """

    def links(self, papers: Mapping[str, Stated], kind: Literal["references", "citations"]) -> Sequence[Stream]:
        """The streams that give what papers cite, or what cites them.

        `papers` are named by the id that the service is best asked by (`askable`), with what each is said to have.
        Empty when the service has no such lists.
        """

    def askable(self, ids: Sequence[str]) -> str | None:
        """Of all ids of one work, the one that this service is best asked by; `None` when it knows none of them."""

    def requests(self, stream: Stream, total: int | None = None) -> int | None:
        """How many requests a stream needs, as far as can be said before asking; `None`: a search not yet counted.

        `total` is what `count` said of a search.
        """

    def count(self, stream: Stream) -> int | None:
        """Ask how many papers answer a search: one request. `None` when the service does not say."""

    def read(self, stream: Stream, position: str) -> Page:
        """One page of a stream from a position on ("" is the start).

        Raises:
            SourceError (see kg.errors): the service refused, or could not be had within the transport's patience.
        """
