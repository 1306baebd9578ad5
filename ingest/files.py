"""Papers and citations from files into the graph: every line is loaded, refused with its reason, or kept out.

Reading is streaming and resumable (see `ingest.journal`): a batch and the position behind it are one transaction, so
the same file twice changes nothing and a killed run goes on. Records that contradict themselves are listed as
quarantined (`ingest.contradictions`). Exact ids decide; an arXiv id that only a title match proposes is taken when
nothing speaks against it and left out otherwise.

Papers are written before the references of any: a work that an earlier line cites would else be minted under the
citing line's id of it, and work ids would depend on the order of lines.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ingest.contradictions import Ahead, contradiction, dated, read_ahead
from ingest.lines import Line, LineReader
from ingest.records import Record, Refused, parse_record
from ingest.runs import Ingested, Progress, Taken, run
from kg.answers import Quarantined
from kg.errors import InputError
from kg.identity import date_from_arxiv_id, normalise, ordered, title_key
from kg.model import Batch, Citation, Manifestation, Paper
from kg.store import GraphStore

__all__ = ["COLUMNS", "PROPOSED_YEARS", "Ingested", "Progress", "ingest_citations", "ingest_papers"]

PROPOSED_YEARS = 3
"""An arXiv id proposed by title is left out when it was given more years than this from the work's date."""

COLUMNS = (("citing_openalex", "cited_openalex"), ("citing_arxiv", "cited_arxiv"), ("citing", "cited"))
"""Pairs of columns that name a citation, first that is there wins."""


def ingest_papers(
    store: GraphStore,
    path: Path,
    *,
    rejects: Path | None = None,
    clock: Callable[[], str],
    batch: int = 1000,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Ingested:
    """Load papers from JSON Lines (plain or gzip), one arXiv or OpenAlex record a line; references become citations.

    Args:
        store: where they go.
        path: the file.
        rejects: list of refused lines; default `<file name>.rejects.jsonl` in the current folder, made when needed.
        clock: gives the time (UTC, ISO 8601) that is stored with each batch.
        batch: lines per transaction.
        progress: called after each batch.
        stop: asked between lines; true ends the run after the lines read so far are written.

    Raises:
        InputError: the file as a whole cannot be read, or the list of rejects not written.
        StoreError: the store failed; what was committed before stays and the same call goes on.
    """
    file = _WorksFile(path)
    listed = rejects or Path(f"{path.name}.rejects.jsonl")
    papers = _Papers(store, file)
    first = run(papers, store, path, rejects=listed, clock=clock, batch=batch, progress=progress, stop=stop)
    if first.stopped:
        return first

    def told(now: Progress) -> None:
        if progress is not None:
            progress(replace(now, step="references", read=first.read, rejected=first.rejected))

    second = run(_References(file), store, path, rejects=None, clock=clock, batch=batch, progress=told, stop=stop)
    return replace(first, written=first.written_and(second), stopped=second.stopped)


def ingest_citations(
    store: GraphStore,
    path: Path,
    *,
    rejects: Path | None = None,
    clock: Callable[[], str],
    batch: int = 5000,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Ingested:
    """Load citation pairs from CSV (plain or gzip) whose header names one of `COLUMNS`; other columns are not read.

    Where OpenAlex and arXiv columns stand side by side, an OpenAlex id that the store does not know gives way to the
    arXiv id beside it. Arguments and errors are those of `ingest_papers`.

    Raises:
        InputError: also when the header names no such pair of columns.
    """
    listed = rejects or Path(f"{path.name}.rejects.jsonl")
    pairs = _Citations(store, path)
    return run(pairs, store, path, rejects=listed, clock=clock, batch=batch, progress=progress, stop=stop)


class _WorksFile:
    """A file of works: its records, and what it says as a whole, read ahead when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def ahead(self) -> Ahead:
        return read_ahead(self._lines)

    def record(self, content: bytes) -> Record:
        return dated(parse_record(content, self._path.name))

    def contradiction(self, record: Record) -> str | None:
        return contradiction(record, self.ahead)

    def _lines(self) -> Iterator[Line]:
        with LineReader(self._path) as reader:
            yield from reader


class _Papers:
    """Lines to papers, without their references."""

    kind = "papers"
    first = 0

    def __init__(self, store: GraphStore, file: _WorksFile) -> None:
        self._store = store
        self._file = file
        self._records: list[Record] = []
        self._kept_out: list[tuple[Record, str]] = []

    def take(self, content: bytes) -> bool:
        """Take a line in; false when it is a record that is kept out. Raises Refused."""
        try:
            record = self._file.record(content)
        except Refused as refused:
            if refused.record is not None:
                self._kept_out.append((refused.record, "No title"))
            raise
        reason = self._file.contradiction(record)
        if reason is not None:
            self._kept_out.append((record, reason))
            return False
        self._records.append(record)
        return True

    def flush(self, time: str) -> Taken:
        """What was taken since the last flush."""
        titles = self._titles()
        papers: list[Paper] = []
        left_out = 0
        for record in self._records:
            believed = None
            if record.proposed is not None:
                if _believable(record, titles.get(record.proposed)):
                    believed = record.proposed
                    titles[believed] = titles.get(believed) or record.title
                else:
                    left_out += 1
            papers.append(_paper(record, believed))
        kept_out = [
            Quarantined(record.source, record.ids[0], record.title, reason, record.provenance, time)
            for record, reason in self._kept_out
        ]
        self._records, self._kept_out = [], []
        return Taken(Batch(papers=tuple(papers)), tuple(kept_out), left_out)

    def _titles(self) -> dict[str, str | None]:
        """Titles known for the arXiv ids that a title match proposes: from the store, else from this file."""
        proposals = {record.proposed for record in self._records if record.proposed is not None}
        known = self._store.resolve(sorted(proposals)) if proposals else {}
        titles: dict[str, str | None] = {id: self._store.paper(work).row.title for id, work in known.items()}
        for id in proposals:
            titles[id] = titles.get(id) or self._file.ahead.titles.get(id)
        return titles


class _References:
    """Lines to the references of their records; what is no record has been refused before."""

    kind = "references"
    first = 0

    def __init__(self, file: _WorksFile) -> None:
        self._file = file
        self._citations: list[Citation] = []

    def take(self, content: bytes) -> bool:
        """Take a line in. Raises Refused."""
        if b'"referenced_works"' not in content:
            return False
        record = self._file.record(content)
        if record.references is None or self._file.contradiction(record) is not None:
            return False
        self._citations += [Citation(record.ids[0], cited, record.source) for cited in record.references]
        return True

    def flush(self, time: str) -> Taken:
        """What was taken since the last flush."""
        citations, self._citations = tuple(self._citations), []
        return Taken(Batch(citations=citations))


class _Citations:
    """Lines of a table to citations."""

    kind = "citations"
    first = 1

    def __init__(self, store: GraphStore, path: Path) -> None:
        self._store = store
        self._dialect, self._columns, self._beside = _header(path)
        openalex = self._columns[0][0] == "citing_openalex"
        self._source = "openalex" if openalex else path.name.partition(".")[0]
        self._pairs: list[tuple[tuple[str, str | None], tuple[str, str | None]]] = []

    def take(self, content: bytes) -> bool:
        """Take a line in. Raises Refused."""
        try:
            (row,) = csv.reader([content.decode("utf-8")], delimiter=self._dialect, strict=True)
        except UnicodeDecodeError as error:
            raise Refused("line", f"not UTF-8 at byte {error.start + 1}") from None
        except (csv.Error, ValueError) as error:
            raise Refused("line", f"not a row of CSV: {error}") from None
        citing, cited = (self._end(row, side) for side in (0, 1))
        self._pairs.append((citing, cited))
        return True

    def flush(self, time: str) -> Taken:
        """What was taken since the last flush."""
        unsure = {id for pair in self._pairs for id, beside in pair if beside is not None}
        known = self._store.resolve(sorted(unsure)) if unsure else {}

        def chosen(end: tuple[str, str | None]) -> str:
            id, beside = end
            return id if beside is None or id in known else beside

        citations = tuple(Citation(chosen(citing), chosen(cited), self._source) for citing, cited in self._pairs)
        self._pairs = []
        return Taken(Batch(citations=citations))

    def _end(self, row: list[str], side: int) -> tuple[str, str | None]:
        name, place = self._columns[side]
        text = row[place].strip() if place < len(row) else ""
        if not text:
            raise Refused(name, "no id", ",".join(row))
        other = self._beside[side] if self._beside else None
        beside = row[other].strip() if other is not None and other < len(row) else ""
        try:
            return normalise(text), normalise(beside) if beside else None
        except InputError as error:
            raise Refused(name, error.message, error.value) from None


def _paper(record: Record, believed: str | None) -> Paper:
    ids, manifestations, published = record.ids, record.manifestations, record.published
    if believed is not None:
        ids = ordered((*ids, believed))
        _, _, value = believed.partition(":")
        manifestations = (*manifestations, Manifestation("arxiv", value, None, f"{record.source} (title match)"))
        published = published or date_from_arxiv_id(believed)
    return Paper(
        ids=ids,
        title=record.title,
        abstract=record.abstract,
        published=published,
        venue=record.venue,
        categories=record.categories,
        authors=record.authors,
        manifestations=manifestations,
        references_stated=None if record.references is None else len(record.references),
        citations_stated=record.citations_stated,
        source=record.source,
        provenance=record.provenance,
    )


def _believable(record: Record, known_title: str | None) -> bool:
    """Whether nothing speaks against an arXiv id that a title match proposed: the title known for it, the year."""
    assert record.proposed is not None
    if known_title is not None and title_key(known_title) != title_key(record.title or ""):
        return False
    month = date_from_arxiv_id(record.proposed)
    if month is None or any(id.startswith("arxiv:") and id != record.proposed for id in record.ids):
        return False
    return record.published is None or abs(record.published.year - month.year) <= PROPOSED_YEARS


def _header(path: Path) -> tuple[str, tuple[tuple[str, int], tuple[str, int]], tuple[int, int] | None]:
    """The delimiter, the two columns with their places, and the places of arXiv columns beside OpenAlex ones."""
    with LineReader(path) as reader:
        first = next(iter(reader), None)
    text = (first.content or b"").decode("utf-8", "replace") if first else ""
    for delimiter in (",", "\t", ";"):
        names = [name.strip().strip('"').lower() for name in text.split(delimiter)]
        for citing, cited in COLUMNS:
            if citing in names and cited in names:
                beside = None
                if citing == "citing_openalex" and {"citing_arxiv", "cited_arxiv"} <= set(names):
                    beside = names.index("citing_arxiv"), names.index("cited_arxiv")
                return delimiter, ((citing, names.index(citing)), (cited, names.index(cited))), beside
    expected = "; ".join(",".join(pair) for pair in COLUMNS)
    raise InputError(
        "The first line names no citing and cited column",
        where=str(path),
        at="line 1",
        field="header",
        value=text,
        expected=expected,
        hint=f"Begin the file with a header that has one of these pairs: {expected}.",
        code="input.header",
    )
