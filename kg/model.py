"""Frozen records that cross rooms: what is known about papers, citations, verdicts, numbers and decisions.

A record knows no store. Unknown is `None`, never 0, "" or an empty list: `authors=None` means that no source gave
authors, `authors=()` that a source says there are none. Dates keep the precision in which they were stated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

Include = Literal["include", "exclude", "unclear"]
Met = Literal["met", "not_met", "unclear"]
TokenType = Literal["semantic", "acoustic", "hybrid", "none"]
Precision = Literal["year", "month", "day"]
Field = Literal["title", "abstract"]
Status = Literal["stated", "derived", "disputed"]
Standing = Literal["withdrawn", "retracted"]
Asked = Literal["metadata", "references", "citations"]
FetchState = Literal["complete", "truncated", "empty", "unknown", "withheld"]
How = Literal["bundle", "file", "query", "list", "references", "citations"]
ChangeKind = Literal["new", "field", "include", "verdict"]
RunState = Literal["running", "done", "stopped", "failed"]
Role = Literal["own", "compared", "context"]

TOPICS = ("S1", "S2", "S3", "S4")
QUANTITIES = (
    "bitrate_kbps",
    "frame_rate_hz",
    "tokens_per_s",
    "n_codebooks",
    "codebook_size",
    "sample_rate_khz",
    "latency_ms",
    "params_m",
)
QUANTIZERS = (
    "VQ",
    "RVQ",
    "GVQ",
    "PQ",
    "FSQ",
    "LFQ",
    "BSQ",
    "SQ",
    "kmeans",
    "gumbel",
    "single-codebook",
    "multi-codebook",
)

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


@dataclass(frozen=True, slots=True, order=True)
class PartialDate:
    """A date as precise as it was stated: `value` is "2024", "2024-05" or "2024-05-13"."""

    value: str
    source: str | None = None

    def __post_init__(self) -> None:
        found = _DATE.fullmatch(self.value)
        if not found:
            raise ValueError(f"not a date: {self.value!r} (expected YYYY, YYYY-MM or YYYY-MM-DD)")
        year, month, day = found.groups()
        date(int(year), int(month or 1), int(day or 1))

    @property
    def precision(self) -> Precision:
        """How exact the date is."""
        if len(self.value) == 4:
            return "year"
        return "month" if len(self.value) == 7 else "day"

    @property
    def year(self) -> int:
        """The calendar year."""
        return int(self.value[:4])


@dataclass(frozen=True, slots=True)
class Author:
    """A person as a source names them. `id` is a source id, else `name:<key>` with `name_only` set."""

    id: str
    name: str
    name_only: bool


@dataclass(frozen=True, slots=True)
class Manifestation:
    """One id under which a work appears: scheme "arxiv", "doi", "s2", "corpusid" or "openalex"."""

    scheme: str
    value: str
    version: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """One work as a source describes it, before or after it entered a store.

    `ids` holds every exact id known, the work id's own first (canonical spelling, see `kg.identity`).
    """

    ids: tuple[str, ...]
    title: str | None
    abstract: str | None = None
    published: PartialDate | None = None
    venue: str | None = None
    categories: tuple[str, ...] | None = None
    authors: tuple[Author, ...] | None = None
    manifestations: tuple[Manifestation, ...] = ()
    references_stated: int | None = None
    citations_stated: int | None = None
    source: str = ""
    provenance: str | None = None
    standing: Standing | None = None
    """What the source says of its validity; `None` is not said."""
    open_access: str | None = None
    """Where the source says that the full text is free to read."""
    tldr: bool | None = None
    """Whether the source has a one-sentence summary (the sentence itself is not kept)."""


@dataclass(frozen=True, slots=True)
class Citation:
    """`citing` cites `cited` (any known id of either work)."""

    citing: str
    cited: str
    source: str
    influential: bool | None = None
    intents: tuple[str, ...] | None = None
    younger: bool = False
    """The cited paper is dated after the citing one; set by the store, both dates known."""
    contexts: tuple[str, ...] | None = None
    """Sentences in which the citing paper cites; kept in the user's own store, never in a bundle."""


@dataclass(frozen=True, slots=True)
class Span:
    """Exact place of evidence: `text == record[field][start:end]`, offsets in characters."""

    field: Field
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one criterion, with the spans it rests on and the reason in words."""

    criterion: str
    verdict: Met
    evidence: tuple[Span, ...] = ()
    reason: str = ""
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """One of the protocol's topics, with evidence."""

    topic: str
    evidence: tuple[Span, ...] = ()
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Specification:
    """One number in a text.

    `value` is in the canonical unit that the quantity's name carries (1,000 bits per second = 1 kbps); the span
    holds the number and unit as written. A derived value has no span of its own.
    """

    quantity: str
    value: float
    status: Status
    role: Role
    span: Span | None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Quantizer:
    """A quantiser kind named for audio, one of `QUANTIZERS`, with its span."""

    kind: str
    span: Span


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything the rules concluded about one paper from the fields named in `fields_read`.

    `token_type` is `None` when no text was read; `look` marks a paper whose exclusion rests on silence alone.
    `text_sha256` is that of `kg.identity.text_sha256(title, abstract)`: offsets hold only where it matches.
    """

    include: Include
    look: bool
    verdicts: tuple[Verdict, ...]
    topics: tuple[Tag, ...]
    token_type: TokenType | None
    quantizers: tuple[Quantizer, ...]
    rules: str
    fields_read: tuple[Field, ...]
    text_sha256: str
    token_type_evidence: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """The specifications found in one paper's text, by which rules, in which text."""

    specifications: tuple[Specification, ...]
    rules: str
    fields_read: tuple[Field, ...]
    text_sha256: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided. `criterion` is a criterion id, or "include" for the paper as a whole.

    `verdict` is `None` when an earlier decision is withdrawn; history is kept.
    """

    paper: str
    criterion: str
    verdict: str | None
    reviewer: str
    reason: str
    time: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a stream of a source has been read; committed in the transaction of the batch it belongs to."""

    source: str
    stream: str
    position: str
    time: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class Fetch:
    """What a source was asked about a paper and what came: `got` records of `stated`, both `None` when not told.

    - complete: the list was read to its end, and is as long as stated where that is known.
    - truncated: the source stopped before the count that it states.
    - empty: the source answered and says that there are none.
    - unknown: the source does not know the paper (any more).
    - withheld: the source says that a publisher does not let it give the list.

    That a source was never asked has no record.
    """

    paper: str
    source: str
    what: Asked
    state: FetchState
    got: int | None
    stated: int | None
    time: str


@dataclass(frozen=True, slots=True)
class Found:
    """How a paper came to the atlas: by whom and through what.

    `detail` is the query, the name of the file or list, or the id of the paper whose references or citations named it.
    """

    paper: str
    how: How
    source: str
    detail: str
    time: str


@dataclass(frozen=True, slots=True)
class Vector:
    """An embedding of a paper by the model named (e.g. "specter_v2")."""

    model: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One command that changed the store; `counts` is what it reported.

    Times are UTC; `ended` is `None` while it runs, and for one that was killed.
    """

    number: int
    command: str
    started: str
    ended: str | None
    state: RunState
    rules: str | None
    protocol: str | None
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Change:
    """What a run changed about a paper: that it is new, a field, the verdict on the paper or on a criterion.

    `field` is "" for a new paper, else the field ("title"), "include", or the criterion.
    """

    run: int
    paper: str
    kind: ChangeKind
    field: str
    old: str | None
    new: str | None
    time: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction writes. Order inside a batch does not matter.

    `run` names the run on whose account changes are kept; without one no changes are kept.
    """

    papers: tuple[Paper, ...] = ()
    citations: tuple[Citation, ...] = ()
    judgements: Mapping[str, Judgement] | None = None
    measured: Mapping[str, Measured] | None = None
    fetches: tuple[Fetch, ...] = ()
    found: tuple[Found, ...] = ()
    vectors: Mapping[str, Vector] | None = None
    run: int | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group of papers of one clustering run."""

    run: str
    number: int
    label: str
    terms: tuple[str, ...]
    size: int
    stability: float | None = None
