"""A seeded world of papers and citations, of any size, that the test server serves in each service's own format.

Everything is drawn at once as columns; words are made when somebody asks for them. What each source knows of a paper or
a citation differs, as outside: ids, abstracts, dates and references are missing here and there, one work has several
records, some papers are withdrawn. The truth stands in the columns, so tests can compare.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tests.services import texts

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NEW_STYLE = datetime.date(2007, 4, 1).toordinal()
FIRST = datetime.date(1996, 1, 8).toordinal()
LAST = datetime.date(2025, 11, 20).toordinal()
RECENT = datetime.date(2019, 1, 7).toordinal()
TODAY = datetime.date(2025, 12, 1)
PREFIX = "10.5555"


@dataclass(frozen=True)
class Edges:
    """Citations as columns, each pair once, sorted by citing then cited; both are row numbers of papers.

    `s2` and `openalex` say which source knows the citation; at least one does. `contexts` counts sentences.
    """

    citing: Ints
    cited: Ints
    s2: Flags
    openalex: Flags
    influential: Flags
    contexts: Ints

    def __len__(self) -> int:
        return len(self.citing)


@dataclass(frozen=True)
class World:
    """Papers as columns, oldest first, and their citations.

    `text` is the row whose words a paper has: its own, or the preprint's that it is the published twin of. `arxiv` is
    the id without a version (None when the paper is not there), `versions` how many there are. `openalex` lists the
    works for it: none, one, or two (the published one first). `unresolved` counts references that Semantic Scholar
    states without an id; `elided` are papers whose references a publisher holds back.
    """

    seed: int
    day: Ints
    kind: Ints
    drawn: Ints
    text: Ints
    arxiv: list[str | None]
    versions: Ints
    doi: list[str | None]
    s2: list[str]
    corpus: Ints
    openalex: list[tuple[str, ...]]
    dated: Flags
    abstract_at_s2: Flags
    withdrawn: Flags
    elided: Flags
    unresolved: Ints
    author_start: Ints
    author: Ints
    edges: Edges

    def __len__(self) -> int:
        return len(self.day)

    def title(self, row: int) -> str:
        """Title; no two papers share one unless they are twins."""
        own = int(self.text[row])
        return texts.title(own, int(self.kind[own]), self.drawn[own])

    def abstract(self, row: int) -> str:
        """Abstract as the authors wrote it, whether or not a source gives it."""
        own = int(self.text[row])
        return texts.abstract(own, int(self.kind[own]), self.drawn[own])

    def venue(self, row: int) -> str:
        """Where it appeared; empty for a preprint and where no source says."""
        return texts.venue(self.drawn[row]) if self.doi[row] is not None else ""

    def authors(self, row: int) -> list[tuple[int, str]]:
        """Number and name of each author, in order."""
        own = int(self.text[row])
        numbers = self.author[self.author_start[own] : self.author_start[own + 1]]
        return [(int(each), texts.author(int(each))) for each in numbers]

    def date(self, row: int) -> datetime.date:
        """Day of the first version."""
        return datetime.date.fromordinal(int(self.day[row]))

    def twins(self) -> list[tuple[int, int]]:
        """Preprint and published version of one work that every source keeps as two."""
        return [(int(own), row) for row, own in enumerate(self.text) if own != row]

    def references(self, row: int) -> slice:
        """The part of `edges` in which a paper is the citing one."""
        return slice(int(self._out[row]), int(self._out[row + 1]))

    def citations(self, row: int) -> Ints:
        """The positions in `edges` in which a paper is the cited one, by citing paper."""
        return self._into[self._in[row] : self._in[row + 1]]

    @cached_property
    def citations_at_s2(self) -> Ints:
        """How many citations Semantic Scholar knows of each paper."""
        return np.bincount(self.edges.cited[self.edges.s2], minlength=len(self))

    @cached_property
    def citations_at_openalex(self) -> Ints:
        """The same at OpenAlex."""
        return np.bincount(self.edges.cited[self.edges.openalex], minlength=len(self))

    @cached_property
    def references_at_s2(self) -> Ints:
        """References that Semantic Scholar states for each paper, those without an id included."""
        return np.bincount(self.edges.citing[self.edges.s2], minlength=len(self)) + self.unresolved

    @cached_property
    def influential_at_s2(self) -> Ints:
        """Influential citations of each paper."""
        return np.bincount(self.edges.cited[self.edges.s2 & self.edges.influential], minlength=len(self))

    @cached_property
    def by_arxiv(self) -> dict[str, int]:
        """Rows by arXiv id."""
        return {id: row for row, id in enumerate(self.arxiv) if id is not None}

    @cached_property
    def by_doi(self) -> dict[str, int]:
        """Rows by DOI in lower case, arXiv's own DOIs included."""
        known = {id.lower(): row for row, id in enumerate(self.doi) if id is not None}
        return {f"10.48550/arxiv.{id}".lower(): row for id, row in self.by_arxiv.items()} | known

    @cached_property
    def by_s2(self) -> dict[str, int]:
        """Rows by Semantic Scholar's id."""
        return {id: row for row, id in enumerate(self.s2)}

    @cached_property
    def by_corpus(self) -> dict[int, int]:
        """Rows by Semantic Scholar's number."""
        return {int(number): row for row, number in enumerate(self.corpus)}

    @cached_property
    def by_openalex(self) -> dict[str, tuple[int, int]]:
        """Row and which of its works, by OpenAlex id."""
        return {id: (row, which) for row, ids in enumerate(self.openalex) for which, id in enumerate(ids)}

    @cached_property
    def words(self) -> list[str]:
        """Title and abstract of each paper as lower-case words between single spaces, for searching."""
        return [f" {fold(self.title(row))} {fold(self.abstract(row))} " for row in range(len(self))]

    def matching(self, test: Callable[[str], bool]) -> Ints:
        """Rows whose words pass."""
        return np.array([row for row, words in enumerate(self.words) if test(words)], dtype=np.int64)

    @cached_property
    def _out(self) -> Ints:
        return np.searchsorted(self.edges.citing, np.arange(len(self) + 1))

    @cached_property
    def _into(self) -> Ints:
        return np.argsort(self.edges.cited, kind="stable")

    @cached_property
    def _in(self) -> Ints:
        return np.searchsorted(self.edges.cited[self._into], np.arange(len(self) + 1))


def fold(text: str) -> str:
    """Lower-case letters and digits between single spaces."""
    return " ".join("".join(each if each.isalnum() else " " for each in text.lower()).split())


def build(seed: int = 1, papers: int = 300, citations: int | None = None) -> World:
    """A world.

    Args:
        seed: the same seed and sizes give the same world.
        papers: how many, twins included.
        citations: how many pairs; eight for each paper by default. Fewer where so many do not fit.
    """
    random = np.random.default_rng(seed)
    old = random.random(papers) < 0.08
    span = np.where(old, RECENT - FIRST, LAST - RECENT)
    day = np.sort(np.where(old, FIRST, RECENT) + (random.random(papers) ** 0.6 * span).astype(np.int64))
    kind = np.where(day < RECENT, random.integers(1, 3, papers), random.choice(3, papers, p=(0.5, 0.25, 0.25))).astype(
        np.int64
    )
    drawn = random.integers(0, 840, (papers, texts.CHOICES))
    text, twin = _twins(random, day)
    place = random.random(papers)
    # The published twin has a DOI alone, its preprint an arXiv id alone.
    published = twin == 2
    on_arxiv = ((place < 0.78) | (twin == 1)) & ~published
    has_doi = ((place < 0.30) | ((place >= 0.78) & (place < 0.94)) | published) & (twin != 1)
    authors, starts = _authors(random, papers)
    return World(
        seed=seed,
        day=day,
        kind=kind[text],
        drawn=drawn,
        text=text,
        arxiv=_arxiv_ids(day, on_arxiv, kind),
        versions=1 + random.geometric(0.6, papers).clip(1, 5) // 2,
        doi=_dois(random, day, has_doi),
        s2=[hashlib.sha1(f"{seed}/{row}".encode()).hexdigest() for row in range(papers)],
        corpus=200_000_000 + random.permutation(papers * 3)[:papers],
        openalex=_openalex_ids(random, papers, on_arxiv & has_doi),
        dated=random.random(papers) > 0.06,
        abstract_at_s2=random.random(papers) > 0.15,
        withdrawn=on_arxiv & (random.random(papers) < 0.01),
        elided=has_doi & (random.random(papers) < 0.05),
        unresolved=random.geometric(0.5, papers) - 1,
        author_start=starts,
        author=authors,
        edges=_edges(random, kind[text], 8 * papers if citations is None else citations),
    )


def _twins(random: np.random.Generator, day: Ints) -> tuple[Ints, Ints]:
    """The row whose words each paper has, and 1 for preprints, 2 for published twins, 0 for the rest."""
    papers = len(day)
    text, twin = np.arange(papers), np.zeros(papers, dtype=np.int64)
    for first in random.permutation(np.flatnonzero(day > NEW_STYLE))[: papers * 3 // 100]:
        later = int(np.searchsorted(day, day[first] + random.integers(60, 330)))
        if later < papers and later != first and not twin[first] and not twin[later]:
            text[later], twin[first], twin[later] = first, 1, 2
    return text, twin


def _arxiv_ids(day: Ints, on_arxiv: Flags, kind: Ints) -> list[str | None]:
    ids: list[str | None] = [None] * len(day)
    taken: dict[tuple[int, int], int] = {}
    for row in np.flatnonzero(on_arxiv):
        date = datetime.date.fromordinal(int(day[row]))
        number = taken[date.year, date.month] = taken.get((date.year, date.month), 0) + 1
        month = f"{date.year % 100:02d}{date.month:02d}"
        if day[row] < NEW_STYLE:
            ids[row] = f"{('cs', 'cs', 'math')[kind[row]]}/{month}{number:03d}"
        else:
            # New ids have four digits until 2014 and five since.
            ids[row] = f"{month}.{number:04d}" if date.year < 2015 else f"{month}.{number:05d}"
    return ids


def _dois(random: np.random.Generator, day: Ints, has_doi: Flags) -> list[str | None]:
    ids: list[str | None] = [None] * len(day)
    shape = random.integers(0, 3, len(day))
    for row in np.flatnonzero(has_doi):
        year = datetime.date.fromordinal(int(day[row])).year
        ids[row] = (
            f"{PREFIX}/QuietSig.{year}.{row:07d}",
            f"{PREFIX}/s0167-{row // 10_000:04d}({year % 100:02d}){row % 10_000:05d}-x",
            f"{PREFIX}/spoken.{year}-{row}",
        )[shape[row]]
    return ids


def _openalex_ids(random: np.random.Generator, papers: int, both: Flags) -> list[tuple[str, ...]]:
    numbers = 4_000_000_000 + random.permutation(papers * 4)[: 2 * papers]
    chance = random.random(papers)
    two = both & (chance > 0.6)
    known = chance > 0.05
    return [
        (f"W{numbers[2 * row]}", f"W{numbers[2 * row + 1]}")
        if two[row]
        else (f"W{numbers[2 * row]}",) * int(known[row])
        for row in range(papers)
    ]


def _authors(random: np.random.Generator, papers: int) -> tuple[Ints, Ints]:
    counts = random.poisson(3.2, papers).clip(1, 30)
    starts = np.concatenate(([0], np.cumsum(counts)))
    pool = max(20, papers)
    # A few people write a lot.
    return (random.random(int(starts[-1])) ** 2 * pool).astype(np.int64), starts


def _edges(random: np.random.Generator, kind: Ints, wanted: int) -> Edges:
    """Citations to older papers, by fitness with a heavy tail, papers on tokens mostly to their like."""
    papers = len(kind)
    fitness = random.pareto(1.2, papers) + 0.05
    eagerness = random.gamma(2.0, 1.0, papers) * (np.arange(papers) > 0)
    pairs = np.empty(0, dtype=np.int64)
    # Pairs drawn twice count once, so draw again until there are enough; small worlds may have no room.
    for _ in range(6):
        missing = wanted - len(pairs)
        if missing <= 0 or papers < 2:
            break
        citing = np.repeat(np.arange(papers), random.multinomial(int(missing * 1.3) + 8, eagerness / eagerness.sum()))
        cited = _older(random, fitness, citing)
        alike = _older(random, fitness * (kind == texts.TOKENS), citing)
        cited = np.where(
            (kind[citing] == texts.TOKENS) & (random.random(len(citing)) < 0.75) & (alike >= 0), alike, cited
        )
        # Real lists hold a few that cite a younger paper.
        young = random.random(len(citing)) < 0.003
        cited = np.where(young, random.integers(0, papers, len(citing)), cited)
        good = (cited >= 0) & (cited != citing)
        pairs = np.union1d(pairs, citing[good] * papers + cited[good])
    pairs = np.sort(random.permutation(pairs)[:wanted])
    count = len(pairs)
    s2 = random.random(count) < 0.93
    return Edges(
        citing=pairs // papers if papers else pairs,
        cited=pairs % papers if papers else pairs,
        s2=s2,
        openalex=~s2 | (random.random(count) < 0.85),
        influential=random.random(count) < 0.08,
        contexts=random.poisson(1.2, count).clip(0, 6),
    )


def _older(random: np.random.Generator, weights: NDArray[np.float64], citing: Ints) -> Ints:
    """For each citing row a row before it, with chances in proportion to the weights; -1 where none has a weight."""
    sums = np.concatenate(([0.0], np.cumsum(weights)))
    before = sums[citing]
    found = np.searchsorted(sums, random.random(len(citing)) * before, side="right") - 1
    return np.where(before > 0, np.minimum(found, citing - 1), -1)
