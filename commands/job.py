"""A command that asks services: its steps are planned, estimated or read, and its run is closed with its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typer

from kg.clock import utc_now
from kg.errors import AtlasError, Interrupted, NoStore, SourceError, StoreError
from kg.model import RunState
from kg.store import GraphStore, open_store
from ui import reports, terminal, work
from ui.options import opened

if TYPE_CHECKING:
    from ingest.estimates import Estimate
    from ingest.fetching import Fetched, Reached, Session
    from ingest.pipeline import Plan
    from ingest.source import Source
    from ingest.transport import Transport
    from kg.protocol import Protocol

REJECTS, STOPPED, INTERRUPTED = 3, 4, 130
WORTH_SAYING_S = 1.0
"""A pause that is shorter needs no line."""

SHOWN = 5
"""How many ids, records and warnings are named on a terminal; --json names them all."""


@dataclass(slots=True)
class Job:
    """One command at work on a store."""

    session: Session
    transport: Transport
    protocol: Protocol
    sources: dict[str, Source] = field(default_factory=dict)
    judged: int = 0
    _settled: dict[str, Any] = field(default_factory=dict)

    @property
    def store(self) -> GraphStore:
        """The store that is written to."""
        return self.session.store

    def source(self, name: str) -> Source:
        """The source with this name."""
        from ingest.sources import SOURCES

        if name not in self.sources:
            self.sources[name] = SOURCES[name](self.transport)
        return self.sources[name]

    def settled(self, what: str, make: Callable[[GraphStore], Any]) -> Any:
        """As `ingest.fetching.Session.settled`; made once for all steps."""
        if what not in self._settled:
            self._settled[what] = self.session.settled(what, lambda: make(self.store))
        return self._settled[what]

    def judge(self) -> bool:
        """Judge what the rules have not read; false when it was stopped."""
        done = work.judge_store(self.store, self.session.stop, run=self.session.number)
        self.judged += done.read
        return not done.stopped


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a command: `plan` asks nothing, `go` reads what was planned.

    With `judge` the store is judged after it, because a later step follows what is included. `check` looks at what was
    asked for before a store is opened or made. `then` says what cannot be planned before it was read.
    """

    title: str
    plan: Callable[[Job], list[Plan]]
    go: Callable[[Job, list[Plan]], Fetched]
    judge: bool = False
    check: Callable[[Transport], object] = lambda transport: None
    then: str = ""


@dataclass(slots=True)
class Report:
    """What a command did, as it is stored with the run and shown."""

    run: int
    fetched: Fetched
    requests: Mapping[tuple[str, str], int]
    """Requests sent, by service and endpoint."""
    unaskable: list[str] = field(default_factory=list)
    fresh: int = 0
    joined: int = 0
    held_back: int = 0
    judged: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of it."""
        return {
            "requests": sum(self.requests.values()),
            "pages": self.fetched.pages,
            "papers": self.fetched.papers,
            **asdict(self.fetched.written),
            "unknown": len(self.unknown),
            "unusable": len(self.fetched.unusable),
            "unaskable": len(self.unaskable),
            "short": self.fetched.short,
            "fresh": self.fresh,
            "joined": self.joined,
            "held_back": self.held_back,
            "judged": self.judged,
        }

    @property
    def unknown(self) -> list[str]:
        """Ids that a source does not know, each once."""
        return list(dict.fromkeys(self.fetched.unknown))

    @property
    def unfinished(self) -> bool:
        """Whether the same command has something left to do."""
        return self.fetched.stopped or self.fetched.short > 0

    def document(self, command: str) -> dict[str, Any]:
        """All of it, for --json."""
        return {
            "schema": 1,
            "run": self.run,
            "command": command,
            "state": "stopped" if self.unfinished else "done",
            "requests": {f"{service} {endpoint}": n for (service, endpoint), n in sorted(self.requests.items())},
            **{name: count for name, count in self.counts.items() if name != "requests"},
            "unknown_ids": self.unknown,
            "unaskable_ids": self.unaskable,
            "unusable_records": [asdict(each) for each in self.fetched.unusable],
            "warnings": self.fetched.warnings,
        }

    def say(self) -> None:
        """The same for a person, on stderr."""
        counts, done = self.counts, self.fetched
        named = {"unknown", "unusable", "unaskable", "short"}
        if not counts["requests"]:
            named.add("fresh")
        told = reports.told({name: count for name, count in counts.items() if name not in named})
        if not told:
            fresh = self.fresh or done.asked_before
            told = "Nothing to ask: everything is fresh (--refresh asks again)." if fresh else "Nothing to ask."
        terminal.say("Stopped before anything was asked." if done.stopped and not counts["requests"] else told)
        records = [f"{each.id or '?'} ({each.field}: {each.reason})" for each in done.unusable]
        _name(self.unknown, "not known to the source")
        _name(self.unaskable, "without an id that the source can be asked by")
        _name(records, "records that cannot be used")
        _name(done.warnings, "notes")
        if self.held_back:
            terminal.say(f"{self.held_back:,} pairs may be one work and were left apart: tokenatlas works conflicts")
        if done.stopped:
            terminal.say("Stopped early; what arrived is kept, the same command goes on.")
        elif done.short:
            terminal.say("What is missing is asked for by the same command; what arrived is kept.")


def _name(entries: Sequence[str], what: str) -> None:
    """How many, and the first of them, a line each where they are sentences."""
    if not entries:
        return
    if what != "notes":
        more = f" and {len(entries) - SHOWN:,} more (--json)" if len(entries) > SHOWN else ""
        terminal.say(f"{len(entries):,} {what}: {', '.join(entries[:SHOWN])}{more}")
        return
    for each in entries[:SHOWN]:
        terminal.say(f"Note: {each}")
    if len(entries) > SHOWN:
        terminal.say(f"Note: {len(entries) - SHOWN:,} more like these; --json names them")


def run(
    words: str,
    steps: Sequence[Step],
    url: str | None,
    *,
    dry_run: bool,
    refresh: bool,
    judge: bool,
    as_json: bool,
    refused: bool = False,
) -> None:
    """Plan, or plan and read, every step; join, judge, report; leave with the exit code that says how it went."""
    with work.stoppable(keys=True) as asked, _job(words, steps, url, asked, dry_run=dry_run, refresh=refresh) as job:
        if dry_run:
            try:
                _show_estimate(job, steps, as_json=as_json)
            except Interrupted:
                raise typer.Exit(INTERRUPTED if asked.by_key else STOPPED) from None
            return
        report = Report(job.session.number, job.session.total, job.transport.requests)
        try:
            try:
                _work(job, steps, report, asked, judge=judge)
            except Interrupted:  # while it waited for a service
                report.fetched.stopped = True
        except BaseException as error:
            report.judged = job.judged
            if isinstance(error, AtlasError) and report.requests:
                report.say()
            # A store that failed may fail again, and that is not what went wrong first.
            with suppress(StoreError):
                job.store.end(report.run, _state(error), report.counts, time=utc_now())
            raise
        report.judged = job.judged
        job.store.end(report.run, "stopped" if report.unfinished else "done", report.counts, time=utc_now())
    report.say()
    if as_json:
        terminal.print_json(report.document(words))
    if asked.by_key:
        raise typer.Exit(INTERRUPTED)
    if report.unfinished:
        raise typer.Exit(STOPPED)
    if refused or report.fetched.unusable:
        raise typer.Exit(REJECTS)


def _state(error: BaseException) -> RunState:
    healing = isinstance(error, SourceError) and error.retryable
    return "stopped" if healing or isinstance(error, KeyboardInterrupt) else "failed"


def _work(job: Job, steps: Sequence[Step], report: Report, asked: work.Asked, *, judge: bool) -> None:
    from ingest.twins import join_twins

    for step in steps:
        plans = step.plan(job)
        report.unaskable = list(dict.fromkeys((*report.unaskable, *(id for plan in plans for id in plan.unaskable))))
        report.fresh += sum(plan.fresh for plan in plans)
        with terminal.progress(step.title) as bar:
            job.session = replace(job.session, report=lambda reached, bar=bar: bar(*_place(reached)))  # type: ignore[misc]
            stopped = step.go(job, plans).stopped
        if stopped or (step.judge and not job.judge()):
            report.fetched.stopped = True
            return
    # A run that was killed may have written everything and joined nothing.
    if job.session.resumes or report.fetched.written.papers_new or report.fetched.written.papers_changed:
        joined = join_twins(job.store, stop=asked.is_set)
        report.joined, report.held_back = joined.merged, len(joined.held_back)
        if joined.stopped:
            report.fetched.stopped = True
            return
    if judge and not job.judge():
        report.fetched.stopped = True


def _show_estimate(job: Job, steps: Sequence[Step], *, as_json: bool) -> None:
    from ingest.estimates import estimate, in_words
    from ingest.services import SERVICES

    pace = {name: job.transport.access(name).pace_s for name in SERVICES}
    estimates = [(step.title, each) for step in steps for each in estimate(step.plan(job), pace) if each.requests]
    requests, seconds = sum(each.requests for _, each in estimates), sum(each.seconds for _, each in estimates)
    if not estimates:
        said = "Nothing to ask: everything is fresh (--refresh asks again)."
    else:
        then = "".join(f" {step.then}" for step in steps if step.then)
        said = f"In all {reports.counted(requests, 'request', 'requests')}: {in_words(seconds)}.{then}"
    if as_json:
        steps_said = [
            {"step": title, **asdict(each), "seconds": round(each.seconds, 1), "said": _estimated(title, each)}
            for title, each in estimates
        ]
        terminal.print_json(
            {"schema": 1, "requests": requests, "seconds": round(seconds, 1), "said": said, "steps": steps_said}
        )
        return
    for title, each in estimates:
        terminal.say(_estimated(title, each))
    terminal.say(said)


def _estimated(title: str, each: Estimate) -> str:
    from ingest.services import SERVICES

    return f"{title}, {SERVICES[each.source].title}: {each}"


@contextmanager
def _job(
    words: str, steps: Sequence[Step], url: str | None, asked: work.Asked, *, dry_run: bool, refresh: bool
) -> Iterator[Job]:
    from analysis.screening import Judge
    from ingest.fetching import Session, begin
    from ingest.transport import Transport
    from kg.protocol import load_protocol

    protocol = load_protocol()
    # What is wrong with the environment or with what was asked for is said before a store is made.
    with Transport(stop=asked.is_set, on_wait=_waiting) as transport:
        for step in steps:
            step.check(transport)
        with _planned_on(url) if dry_run else opened(url, create=True) as store:
            if dry_run:
                session = Session(store, 0, utc_now(), utc_now, refresh)
            else:
                session = begin(
                    store,
                    words,
                    rules=Judge().rules,
                    protocol=f"{protocol.id}@{protocol.version}",
                    clock=utc_now,
                    refresh=refresh,
                    stop=asked.is_set,
                )
            yield Job(session, transport, protocol)


@contextmanager
def _planned_on(url: str | None) -> Iterator[GraphStore]:
    """The store to plan on; where none is yet, an empty one, since a plan makes none."""
    try:
        store = opened(url, read_only=True)
    except NoStore:
        with TemporaryDirectory() as folder, open_store(f"sqlite:///{Path(folder).as_posix()}/empty.sqlite") as empty:
            yield empty
        return
    with store:
        yield store


def _place(reached: Reached) -> tuple[int, int | None]:
    """Papers of a search, of as many as the service says there are; else lists read of lists to read."""
    if reached.what == "search":
        return reached.papers, reached.of_papers
    return reached.streams, reached.of_streams


def _waiting(service: str, seconds: float, why: str) -> None:
    if seconds >= WORTH_SAYING_S:
        terminal.say(f"{service}: {why}, waiting {seconds:.0f} s")
