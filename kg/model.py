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
class Batch:
    """What one transaction writes. Order inside a batch does not matter."""

    papers: tuple[Paper, ...] = ()
    citations: tuple[Citation, ...] = ()
    judgements: Mapping[str, Judgement] | None = None
    measured: Mapping[str, Measured] | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group of papers of one clustering run."""

    run: str
    number: int
    label: str
    terms: tuple[str, ...]
    size: int
    stability: float | None = None
