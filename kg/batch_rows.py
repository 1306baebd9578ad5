"""What an engine does for one batch: the questions that are asked of it and the writes, all of them sets.

Everything else about a batch is decided in `kg.batch` and the modules beside it, once for every engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from kg.combine import Kept
from kg.model import Asked, Author, ChangeKind, FetchState, How, Include, Judgement, Measured, Standing
from kg.records import Shown, Stored

Names = Mapping[str, tuple[int, str]]
"""Number and name of every author of a batch, by id."""

Pair = tuple[int, int]
"""Numbers of a citing and a cited paper."""

Alias = tuple[str, int, int]
"""An id, the paper it counts for now, and the work it was given to."""

Place = tuple[int, int]
"""Where an id leads: the paper it counts for now, and the work it was given to."""


class Hit(NamedTuple):
    """A known id, where it leads, and what is there."""

    id: str
    paper: int
    work: int
    stub: bool
    published: str | None


class StubRow(NamedTuple):
    """A paper of which only the id is known."""

    n: int
    id: str
    published: str | None
    published_source: str | None
    year: int | None


class Fresh(NamedTuple):
    """A paper that the store has not met: its values, its records, the authors it shows, and its search text."""

    n: int
    id: str
    values: Shown
    stored: tuple[Stored, ...]
    abstract: str | None
    authors: tuple[int, ...]
    search_text: str


class CitationRow(NamedTuple):
    """A new citation; lists are JSON text."""

    citing: int
    cited: int
    younger: int
    influential: bool | None
    intents: str | None
    sources: str


class Reading(NamedTuple):
    """From which fields, by which rules and from which text (a digest) something was concluded."""

    fields: tuple[str, ...]
    rules: str
    text_sha256: str


class FetchRow(NamedTuple):
    """What a source was asked about a work and what came; the first two are the work and the paper it counts for."""

    work: int
    paper: int
    source: str
    what: Asked
    state: FetchState
    got: int | None
    stated: int | None
    time: str


FetchKey = tuple[int, str, str]
"""Work, source, and what was asked."""


class FoundRow(NamedTuple):
    """How a work was found; the first two are the work and the paper it counts for."""

    work: int
    paper: int
    how: How
    source: str
    detail: str
    time: str


class VectorRow(NamedTuple):
    """An embedding of a work, as little-endian float32; the first two are the work and the paper it counts for."""

    work: int
    paper: int
    model: str
    values: bytes


class Face(NamedTuple):
    """What a paper shows, as far as changes of it are logged; `authors` are names."""

    stub: bool
    title: str | None
    abstract: str | None
    published: str | None
    venue: str | None
    authors: tuple[str, ...] | None
    standing: Standing | None
    references_stated: int | None
    citations_stated: int | None
    open_access: str | None


Judged = tuple[Include, Mapping[str, str]]
"""What rules say of a paper, and of it by criterion."""


class ChangeRow(NamedTuple):
    """A line of the log, on the account of the paper's own work."""

    paper: int
    kind: ChangeKind
    field: str
    old: str | None
    new: str | None


class Rows(Protocol):
    """What an engine does within the transaction of one batch. Numbers of works and records are those of one store."""

    next_paper: int
    """The number that the next new work gets."""

    def look_up(self, ids: Sequence[str]) -> Iterable[Hit]:
        """Those of the canonical ids that are known."""

    def title(self, paper: int) -> str | None:
        """The title of a paper of the store."""

    def separated(self, papers: Sequence[int]) -> int | None:
        """Number of an undone merge between two of these papers, `None` when there is none."""

    def merge(self, kept: int, absorbed: int, reason: str) -> None:
        """Let `absorbed` count for `kept`."""

    def refuse(self, source: str, id: str, title: str | None, reason: str, provenance: str | None) -> bool:
        """List a record as kept out; returns whether that is new."""

    def add_stubs(self, rows: Sequence[StubRow]) -> None:
        """Write papers of which nothing but an id is known, with that id as their alias."""

    def add_authors(self, authors: Mapping[str, Author]) -> Names:
        """Number and name of these authors, those that are new written."""

    def next_record(self) -> int:
        """The number that the next new record gets."""

    def add_papers(self, fresh: Sequence[Fresh], aliases: Sequence[Alias]) -> None:
        """Write new papers."""

    def records(self, papers: Sequence[int]) -> Mapping[int, list[Stored]]:
        """Every record of these papers, oldest first."""

    def change_papers(
        self,
        papers: Sequence[int],
        aliases: Sequence[Alias],
        new: Sequence[tuple[int, Stored]],
        changed: Sequence[tuple[Stored, Stored]],
    ) -> tuple[list[int], Mapping[int, tuple[bool, str | None]]]:
        """Write ids and records of known papers and make these anew.

        Args:
            new: records with the paper they count for.
            changed: records before and after.

        Returns:
            Papers that were stubs until now; (is a stub, date) of each paper.
        """

    def citations(self, pairs: Mapping[Pair, object]) -> Mapping[Pair, Kept]:
        """Those of the pairs that are stored."""

    def add_citations(
        self,
        rows: Sequence[CitationRow],
        cited_by: Mapping[int, int],
        refs: Mapping[int, int],
        contexts: Mapping[Pair, str],
    ) -> None:
        """Write new citations, how many more each paper has now, and the contexts (JSON) of those that have some."""

    def change_citations(self, kept: Mapping[Pair, Kept]) -> None:
        """Write what stored citations carry."""

    def merged_works(self) -> frozenset[int]:
        """Works that took part in a merge, undone ones included."""

    def told(self, pairs: Sequence[Pair]) -> Mapping[Pair, Kept]:
        """What was told of these pairs of works, as far as it is kept."""

    def put_told(self, kept: Mapping[Pair, Kept]) -> None:
        """Keep what was told of pairs of works."""

    def read_by(self, kind: str, papers: Sequence[int]) -> Mapping[int, Reading]:
        """On what the judgements or measurements ("judgements", "measured") that stand rest."""

    def texts(self, papers: Sequence[int]) -> Mapping[int, str | None]:
        """Digest of the present text of each paper."""

    def put_judgements(self, chosen: Mapping[int, Judgement]) -> None:
        """Write judgements, replacing what stands; decisions of persons stay."""

    def put_measured(self, chosen: Mapping[int, Measured]) -> None:
        """Write measurements, replacing what stands."""

    def fetched(self, works: Sequence[int]) -> Mapping[FetchKey, FetchRow]:
        """What sources were asked about these works."""

    def put_fetches(self, rows: Sequence[FetchRow]) -> None:
        """Write fetches, replacing what stands under the same key."""

    def add_found(self, rows: Sequence[FoundRow]) -> int:
        """Write findings that are not there yet; returns how many are new."""

    def vectors(self, works: Sequence[int]) -> Mapping[tuple[int, str], bytes]:
        """The embeddings of these works, by work and model."""

    def put_vectors(self, rows: Sequence[VectorRow]) -> None:
        """Write embeddings, replacing what stands for the same work and model."""

    def has_run(self, run: int) -> bool:
        """Whether a run has this number."""

    def faces(self, papers: Sequence[int]) -> Mapping[int, Face]:
        """What those of the papers show that there are."""

    def judged(self, papers: Sequence[int]) -> Mapping[int, Judged]:
        """What rules say of those of the papers that are judged."""

    def add_changes(self, run: int, rows: Sequence[ChangeRow]) -> None:
        """Write lines of the log, in order."""
