"""Papers and citations from files into the graph: every line is loaded, refused with its reason, or kept out.

Reading is streaming and resumable (see `ingest.journal`): a batch and the position behind it are one transaction, so
the same file twice changes nothing and a killed run goes on. Records that contradict themselves are listed as
quarantined (`ingest.contradictions`). Exact ids decide; an arXiv id that only a title match proposes is taken when
nothing speaks against it and left out otherwise.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

from ingest.contradictions import Ahead, contradiction, dated, read_ahead
from ingest.journal import Journal, Rejects, stream_of
from ingest.lines import LINE_BYTES, Line, LineReader
from ingest.records import Record, Refused, parse_record
from kg.answers import Quarantined, Upserted
from kg.errors import InputError
from kg.identity import date_from_arxiv_id, normalise, ordered, title_key
from kg.model import Batch, Citation, Manifestation, Paper
from kg.store import GraphStore

BATCH_BYTES = 16_000_000
"""A batch ends at this many bytes of input even when it has few lines."""

STOP_EVERY = 100
"""Lines between two questions whether to stop."""

PROPOSED_YEARS = 3
"""An arXiv id proposed by title is left out when it was given more years than this from the work's date."""

COLUMNS = (("citing_openalex", "cited_openalex"), ("citing_arxiv", "cited_arxiv"), ("citing", "cited"))
"""Pairs of columns that name a citation, first that is there wins."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: lines read and refused, and the share of the file behind it (0 to 1)."""

    read: int
    rejected: int
    fraction: float


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a run did. `read` = `loaded` + `rejected` + `quarantined`; blank lines are no records.

    `written` sums what the store changed. `left_out` counts arXiv ids that only a title match proposed and that were
    not believed. `resumed_from` is the line behind which this run began. `truncated`: the file is damaged and what
    stood before the damage was kept. `stopped`: asked to stop; the same call goes on. `rejects` lists the refused
    lines, `None` when this run refused none.
    """

    file: str
    read: int
    loaded: int
    written: Upserted
    rejected: int
    quarantined: int
    left_out: int
    resumed_from: int
    truncated: bool
    stopped: bool
    rejects: Path | None


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
    work = _Papers(store, path)
    return _run(work, store, path, rejects=rejects, clock=clock, batch=batch, progress=progress, stop=stop)


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
    work = _Citations(store, path)
    return _run(work, store, path, rejects=rejects, clock=clock, batch=batch, progress=progress, stop=stop)


@dataclass(slots=True)
class _Written:
    """What one batch adds to the sums of a run."""

    batch: Batch
    kept_out: list[Quarantined] = field(default_factory=list)
    left_out: int = 0


class _Papers:
    """Lines to papers with their references."""

    kind = "papers"
    first = 0

    def __init__(self, store: GraphStore, path: Path) -> None:
        self._store = store
        self._path = path
        self._ahead: Ahead | None = None
        self._records: list[Record] = []
        self._kept_out: list[tuple[Record, str]] = []

    def take(self, content: bytes) -> bool:
        """Take a line in; false when it is a record that is kept out. Raises Refused."""
        if self._ahead is None:
            self._ahead = read_ahead(self._again)
        try:
            record = dated(parse_record(content, self._path.name))
        except Refused as refused:
            if refused.record is not None:
                self._kept_out.append((refused.record, "No title"))
            raise
        reason = contradiction(record, self._ahead)
        if reason is not None:
            self._kept_out.append((record, reason))
            return False
        self._records.append(record)
        return True

    def flush(self, time: str) -> _Written:
        """What was taken since the last flush."""
        titles = self._titles()
        papers: list[Paper] = []
        citations: list[Citation] = []
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
            citations += [Citation(record.ids[0], cited, record.source) for cited in record.references or ()]
        kept_out = [
            Quarantined(record.source, record.ids[0], record.title, reason, record.provenance, time)
            for record, reason in self._kept_out
        ]
        self._records, self._kept_out = [], []
        return _Written(Batch(papers=tuple(papers), citations=tuple(citations)), kept_out, left_out)

    def _again(self) -> Iterator[Line]:
        with LineReader(self._path) as reader:
            yield from reader

    def _titles(self) -> dict[str, str | None]:
        """Titles known for the arXiv ids that a title match proposes: from the store, else from this file."""
        proposals = {record.proposed for record in self._records if record.proposed is not None}
        known = self._store.resolve(sorted(proposals)) if proposals else {}
        titles: dict[str, str | None] = {id: self._store.paper(work).row.title for id, work in known.items()}
        if self._ahead is not None:
            for id in proposals:
                titles[id] = titles.get(id) or self._ahead.titles.get(id)
        return titles


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

    def flush(self, time: str) -> _Written:
        """What was taken since the last flush."""
        unsure = {id for pair in self._pairs for id, beside in pair if beside is not None}
        known = self._store.resolve(sorted(unsure)) if unsure else {}

        def chosen(end: tuple[str, str | None]) -> str:
            id, beside = end
            return id if beside is None or id in known else beside

        citations = tuple(Citation(chosen(citing), chosen(cited), self._source) for citing, cited in self._pairs)
        self._pairs = []
        return _Written(Batch(citations=citations))

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


def _run(
    work: _Papers | _Citations,
    store: GraphStore,
    path: Path,
    *,
    rejects: Path | None,
    clock: Callable[[], str],
    batch: int,
    progress: Callable[[Progress], None] | None,
    stop: Callable[[], bool] | None,
) -> Ingested:
    if batch < 1:
        raise InputError("A batch has at least one line", field="batch", value=batch, hint="Give a number above 0.")
    journal = Journal(store, stream_of(path, work.kind))
    read = loaded = quarantined = left_out = 0
    written = Upserted()
    line, byte, stopped = journal.line, journal.byte, False
    with LineReader(path, line=line, byte=byte) as reader:
        refused = Rejects(rejects or Path(f"{path.name}.rejects.jsonl"), path, line=line)

        def commit(*, done: bool = False) -> None:
            nonlocal written, quarantined, left_out
            refused.sync()
            time = clock()
            taken = work.flush(time)
            if taken.kept_out:
                store.quarantine(taken.kept_out)
            written = _sum(written, store.upsert(taken.batch, journal.cursor(line, byte, time=time, done=done)))
            left_out += taken.left_out
            if progress is not None:
                progress(Progress(read, refused.count, 1.0 if done else reader.fraction))

        committed = line, byte
        try:
            for each in () if journal.done else reader:
                line, byte = each.number, each.end
                if each.number > work.first and not (each.content is not None and not each.content.strip()):
                    read += 1
                    try:
                        if each.content is None:
                            raise Refused("line", f"oversized: more than {LINE_BYTES:,} bytes")
                        if work.take(each.content):
                            loaded += 1
                        else:
                            quarantined += 1
                    except Refused as reason:
                        refused.add(each.number, reason.field, reason.reason, reason.value)
                stopped = each.number % STOP_EVERY == 0 and stop is not None and stop()
                if stopped:
                    break
                if line - committed[0] >= batch or byte - committed[1] >= BATCH_BYTES:
                    commit()
                    committed = line, byte
            whole = not stopped and reader.damage is None
            if not journal.done and (whole or (line, byte) != committed):
                commit(done=whole)
        finally:
            refused.close()
        return Ingested(
            file=str(path),
            read=read,
            loaded=loaded,
            written=written,
            rejected=refused.count,
            quarantined=quarantined,
            left_out=left_out,
            resumed_from=journal.line,
            truncated=reader.damage is not None,
            stopped=stopped,
            rejects=refused.path if refused.count else None,
        )


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


def _sum(one: Upserted, other: Upserted) -> Upserted:
    return Upserted(**{each.name: getattr(one, each.name) + getattr(other, each.name) for each in fields(Upserted)})
