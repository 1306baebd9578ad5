"""Reads the streams of a source into a store: every page and the position behind it in one transaction.

What was asked is known from the store alone: a search by its cursor, a paper by its fetches. So a killed run repeats at
most the request in flight, a second run asks nothing that has not expired, and two stores never share what they know.
A run that goes on with an unfinished one of the same command takes over the moment at which that one began, so
`--refresh` asks everything once, however often it is interrupted.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.source import Kind, Page, Source, Stream, Unusable
from kg.answers import Upserted
from kg.model import Batch, Cursor, Found, How
from kg.store import GraphStore

EXPIRY: Mapping[Kind, timedelta] = {
    "search": timedelta(days=1),
    "papers": timedelta(days=90),
    "references": timedelta(days=30),
    "citations": timedelta(days=30),
}
"""How long an answer is believed. A search is for what is new; references hardly change, citations grow slowly."""

WARNINGS_KEPT = 100
SETTLED = "settled"
"""The source of the cursors that hold what commands settled."""

_INSTEAD = "instead:"


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a run is, for a progress bar."""

    source: str
    what: Kind
    streams: int
    of_streams: int
    papers: int
    of_papers: int | None


@dataclass(slots=True)
class Fetched:
    """What reading came to; `unknown` are works that the source does not know, `asked_before` counts fresh streams.

    `short` counts streams that ended before the service's own count, which the same command asks for again.
    """

    pages: int = 0
    papers: int = 0
    asked_before: int = 0
    short: int = 0
    written: Upserted = field(default_factory=Upserted)
    unknown: list[str] = field(default_factory=list)
    unusable: list[Unusable] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    stopped: bool = False

    def add(self, other: Fetched) -> None:
        """Count another reading in."""
        self.pages += other.pages
        self.papers += other.papers
        self.asked_before += other.asked_before
        self.short += other.short
        self.written = self.written + other.written
        self.unknown += other.unknown
        self.unusable += other.unusable
        self.warnings += other.warnings[: WARNINGS_KEPT - len(self.warnings)]
        self.stopped = self.stopped or other.stopped


@dataclass(frozen=True, slots=True)
class Session:
    """What all readings of one run share.

    Args:
        number: of the run in the store; changes are kept on its account. 0 for a session that only plans.
        began: when this run began, or the unfinished one that it goes on with (UTC, as `clock` tells).
        refresh: nothing fetched before `began` counts as fresh.
        stop: asked after every page.
        command: as the run is named.
        resumes: an unfinished run of this command left work behind, also what follows reading (joining, judging).
        total: what all readings came to so far, also when one of them ended with an error.
    """

    store: GraphStore
    number: int
    began: str
    clock: Callable[[], str]
    refresh: bool = False
    stop: Callable[[], bool] = lambda: False
    report: Callable[[Reached], None] = lambda reached: None
    command: str = ""
    resumes: bool = False
    total: Fetched = field(default_factory=Fetched)

    def fresh_since(self, kind: Kind) -> str:
        """The moment from which on an answer still counts."""
        if self.refresh:
            return self.began
        moment = datetime.fromisoformat(self.began) - EXPIRY[kind]
        return moment.astimezone(UTC).isoformat(timespec="seconds")

    def settled(self, what: str, make: Callable[[], Any]) -> Any:
        """What this command settled when it began, the same when it goes on after it was killed.

        What is asked may follow from what is in the store, which grows by what is asked.

        Args:
            what: names it within the command.
            make: gives it, as a value that JSON keeps as it is.
        """
        if not self.number:
            return make()
        stream = f"{self.command}: {what}"
        cursor = self.store.cursor(SETTLED, stream)
        if cursor is not None and self.resumes and cursor.time >= self.began:
            return json.loads(cursor.position)
        value = make()
        position = json.dumps(value, ensure_ascii=False)
        self.store.upsert(Batch(run=self.number), Cursor(SETTLED, stream, position, self.clock(), False))
        return value


def begin(
    store: GraphStore,
    command: str,
    *,
    rules: str | None,
    protocol: str | None,
    clock: Callable[[], str],
    refresh: bool = False,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[Reached], None] = lambda reached: None,
) -> Session:
    """Open a run, going on where unfinished runs of the same command began."""
    now = clock()
    began, resumes = now, False
    for earlier in store.runs():
        if earlier.command == command:
            if earlier.state == "done":
                break
            began, resumes = earlier.started, True
    number = store.begin(command, rules=rules, protocol=protocol, time=now)
    return Session(store, number, began, clock, refresh, stop, report, command, resumes)


Finding = Callable[[Stream, str], tuple[How, str] | None]
"""How the paper with this id was found by this stream; `None` keeps no finding."""


def by_query(stream: Stream, id: str) -> tuple[How, str]:
    """A paper that answers a search was found by its query."""
    return "query", stream.query


def read(
    session: Session,
    source: Source,
    streams: Sequence[Stream],
    *,
    finding: Finding | None = None,
    take: Callable[[Page], Page] = lambda page: page,
) -> Fetched:
    """Read streams to their ends.

    Args:
        finding: kept for every id in `Page.found`.
        take: what of a page is written; the position moves on all the same.

    Raises:
        SourceError: the service could not be had; what was read before is kept and the same call goes on.
        StoreError: the store failed; as above.
    """
    reading = _Reading(session, source, finding, take, deque(streams))
    try:
        while reading.queue and not reading.done.stopped:
            reading.next_stream()
    finally:
        session.total.add(reading.done)
    return reading.done


@dataclass(slots=True)
class _Reading:
    session: Session
    source: Source
    finding: Finding | None
    take: Callable[[Page], Page]
    queue: deque[Stream]
    done: Fetched = field(default_factory=Fetched)
    finished: int = 0

    def next_stream(self) -> None:
        """Read the first stream of the queue from where the store stands."""
        session = self.session
        if session.stop():
            self.done.stopped = True
            return
        stream = self.queue.popleft()
        cursor = session.store.cursor(stream.source, stream.key)
        if cursor is not None and cursor.time < session.fresh_since(stream.kind):
            cursor = None
        if cursor is not None and cursor.done and stream.kind != "search":
            # Fetches tell what is fresh of papers and lists; what is asked all the same is asked anew.
            cursor = None
        if cursor is not None and cursor.done:
            self.done.asked_before += 1
        elif cursor is not None and cursor.position.startswith(_INSTEAD):
            self.queue.extendleft(reversed(_streams(cursor.position)))
        else:
            position: str | None = cursor.position if cursor else ""
            while position is not None:
                position = self._page(stream, position)
                if position is not None and session.stop():
                    self.done.stopped = True
                    return
        self.finished += 1

    def _page(self, stream: Stream, position: str) -> str | None:
        """Read a page and commit it; returns the position behind it, `None` at the end."""
        page = self.source.read(stream, position)
        time = self.session.clock()
        behind = _INSTEAD + _dumped(page.instead) if page.instead else (page.next or position)
        ended = page.next is None and not page.instead and not page.short
        cursor = Cursor(stream.source, stream.key, behind, time, ended)
        written = self.session.store.upsert(self._batch(stream, self.take(page), time), cursor)
        done = self.done
        done.written = done.written + written
        done.pages += 1
        done.papers += len(page.found)
        done.short += page.short
        unknown = [fetch.paper for fetch in page.fetches if fetch.state == "unknown"]
        works = self.session.store.resolve(unknown) if unknown else {}
        done.unknown += [works.get(id, id) for id in unknown]
        done.unusable += page.unusable
        done.warnings += page.warnings[: max(0, WARNINGS_KEPT - len(done.warnings))]
        self.queue.extendleft(reversed(page.instead))
        alone = not self.queue and not self.finished
        self.session.report(
            Reached(
                stream.source,
                stream.kind,
                streams=self.finished + (page.next is None),
                of_streams=self.finished + 1 + len(self.queue),
                papers=done.papers,
                of_papers=page.total if alone else None,
            )
        )
        return page.next

    def _batch(self, stream: Stream, page: Page, time: str) -> Batch:
        ways = ((id, self.finding(stream, id)) for id in page.found) if self.finding else ()
        return Batch(
            papers=page.papers,
            citations=page.citations,
            fetches=tuple(replace(fetch, time=time) for fetch in page.fetches),
            found=tuple(Found(id, way[0], stream.source, way[1], time) for id, way in ways if way is not None),
            vectors=page.vectors or None,
            run=self.session.number,
        )


def _dumped(streams: Iterable[Stream]) -> str:
    return json.dumps([asdict(stream) for stream in streams], ensure_ascii=False)


def _streams(position: str) -> list[Stream]:
    return [Stream(**{**each, "ids": tuple(each["ids"])}) for each in json.loads(position.removeprefix(_INSTEAD))]


class Asked:
    """What one source was asked about one subject, per paper, and by which id it is best asked.

    Made for the papers of one reading: columns of the store are filtered before anything becomes a Python object.
    """

    def __init__(self, store: GraphStore, source: Source, what: Kind, papers: Sequence[str]) -> None:
        wanted = pa.array(papers, pa.string())
        ids = store.table("ids")
        ids = ids.filter(pc.is_in(ids["paper"], wanted))
        of: dict[str, list[str]] = {}
        for paper, id in zip(ids["paper"].to_pylist(), ids["id"].to_pylist(), strict=True):
            of.setdefault(paper, []).append(id)
        self.askable = {
            paper: id for paper in papers if (id := source.askable(of.get(paper, [paper]))) is not None
        }  # fmt: skip
        about = "metadata" if what == "papers" else what
        fetches = store.table("fetches")
        fetches = fetches.filter((pc.field("source") == source.name) & (pc.field("what") == about))
        fetches = fetches.filter(pc.is_in(fetches["paper"], wanted))
        self.fetches = {row["paper"]: row for row in fetches.to_pylist()}

    def stale(self, papers: Iterable[str], since: str) -> list[str]:
        """Those of the papers that can be asked about and were not since then, in the order given."""
        return [
            paper
            for paper in papers
            if paper in self.askable and ((row := self.fetches.get(paper)) is None or row["time"] < since)
        ]
