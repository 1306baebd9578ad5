"""A command that asks services: its steps are planned, estimated or read, and its run is closed with its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typer

from kg.clock import utc_now
from kg.errors import NoStore, SourceError
from kg.model import RunState
from kg.store import GraphStore, open_store
from ui import terminal, work
from ui.options import opened

if TYPE_CHECKING:
    from ingest.fetching import Fetched, Reached, Session
    from ingest.pipeline import Plan
    from ingest.source import Source
    from ingest.transport import Transport
    from kg.protocol import Protocol

REJECTS, STOPPED, INTERRUPTED = 3, 4, 130
SHOWN = 5
"""How many ids, records and warnings are named on a terminal; --json names them all."""


@dataclass(slots=True)
class Job:
    """One command at work on a store."""

    session: Session
    transport: Transport
    protocol: Protocol
    sources: dict[str, Source] = field(default_factory=dict)

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


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a command: `plan` asks nothing, `go` reads what was planned.

    With `judge` the store is judged after it, because a later step follows what is included.
    """

    title: str
    plan: Callable[[Job], list[Plan]]
    go: Callable[[Job, list[Plan]], Fetched]
    judge: bool = False


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
            "unknown": len(self.fetched.unknown),
            "unusable": len(self.fetched.unusable),
            "unaskable": len(self.unaskable),
            "fresh": self.fresh,
            "joined": self.joined,
            "held_back": self.held_back,
            "judged": self.judged,
        }

    def document(self, command: str) -> dict[str, Any]:
        """All of it, for --json."""
        return {
            "schema": 1,
            "run": self.run,
            "command": command,
            "state": "stopped" if self.fetched.stopped else "done",
            "requests": {f"{service} {endpoint}": n for (service, endpoint), n in sorted(self.requests.items())},
            **{name: count for name, count in self.counts.items() if name != "requests"},
            "unknown_ids": self.fetched.unknown,
            "unaskable_ids": self.unaskable,
            "unusable_records": [asdict(each) for each in self.fetched.unusable],
            "warnings": self.fetched.warnings,
        }

    def say(self) -> None:
        """The same for a person, on stderr."""
        done, written = self.fetched, self.fetched.written
        parts = [
            f"{count:,} {what}"
            for count, what in (
                (sum(self.requests.values()), "requests"),
                (done.papers, "papers told of"),
                (written.papers_new, "new papers"),
                (written.papers_changed, "papers changed"),
                (written.citations_new, "new citations"),
                (written.stubs_new, "cited ids of which nothing more is known"),
                (self.joined, "works joined by title"),
                (self.judged, "judged"),
                (self.fresh, "asked lately and left out (--refresh asks again)"),
            )
            if count
        ]
        terminal.say("; ".join(parts) or "Nothing to ask: everything is fresh (--refresh asks again).")
        for what, entries in (
            ("not known to the source", done.unknown),
            ("without an id that the source can be asked by", self.unaskable),
            (
                "records that cannot be used",
                [f"{each.id or '?'} ({each.field}: {each.reason})" for each in done.unusable],
            ),
            ("", done.warnings),
        ):
            if entries:
                named = "; ".join(entries[:SHOWN]) + ("; ..." if len(entries) > SHOWN else "")
                terminal.say(f"{len(entries):,} {what}: {named}" if what else f"Note: {named}")
        if self.held_back:
            terminal.say(f"{self.held_back:,} pairs may be one work and were left apart: tokenatlas works conflicts")
        if done.stopped:
            terminal.say("Stopped early; what arrived is kept, the same command goes on.")


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
    with work.stoppable(keys=True) as asked, _job(words, url, asked, dry_run=dry_run, refresh=refresh) as job:
        if dry_run:
            _show_estimate(job, steps, as_json=as_json)
            return
        from ingest.fetching import Fetched

        report = Report(job.session.number, Fetched(), job.transport.requests)
        state: RunState = "failed"
        try:
            _work(job, steps, report, asked, judge=judge)
            state = "stopped" if report.fetched.stopped else "done"
        except SourceError as error:
            state = "stopped" if error.retryable else "failed"
            report.say()
            raise
        except KeyboardInterrupt:
            state = "stopped"
            raise
        finally:
            job.store.end(job.session.number, state, report.counts, time=utc_now())
    report.say()
    if as_json:
        terminal.print_json(report.document(words))
    if asked.by_key:
        raise typer.Exit(INTERRUPTED)
    if report.fetched.stopped:
        raise typer.Exit(STOPPED)
    if refused or report.fetched.unusable:
        raise typer.Exit(REJECTS)


def _work(job: Job, steps: Sequence[Step], report: Report, asked: work.Asked, *, judge: bool) -> None:
    from ingest.twins import join_twins

    for step in steps:
        plans = step.plan(job)
        report.unaskable += [id for plan in plans for id in plan.unaskable]
        report.fresh += sum(plan.fresh for plan in plans)
        report.fetched.add(step.go(job, plans))
        if step.judge and not report.fetched.stopped:
            _judge(job, report, asked)
        if report.fetched.stopped:
            return
    if report.fetched.written.papers_new or report.fetched.written.papers_changed:
        joined = join_twins(job.store, stop=asked.is_set)
        report.joined, report.held_back = joined.merged, len(joined.held_back)
    if judge:
        _judge(job, report, asked)


def _judge(job: Job, report: Report, asked: work.Asked) -> None:
    done = work.judge_store(job.store, asked.is_set, run=job.session.number)
    report.judged += done.read
    report.fetched.stopped = report.fetched.stopped or done.stopped


def _show_estimate(job: Job, steps: Sequence[Step], *, as_json: bool) -> None:
    from ingest.estimates import estimate, in_words
    from ingest.services import SERVICES

    pace = {name: job.transport.access(name).pace_s for name in SERVICES}
    estimates = [(step.title, each) for step in steps for each in estimate(step.plan(job), pace) if each.requests]
    requests, seconds = sum(each.requests for _, each in estimates), sum(each.seconds for _, each in estimates)
    if not estimates:
        said = "Nothing to ask: everything is fresh (--refresh asks again)."
    else:
        said = f"In all {requests:,} requests: {in_words(seconds)}"
    if as_json:
        steps_said = [
            {"step": title, **asdict(each), "seconds": round(each.seconds, 1), "said": f"{title}: {each}"}
            for title, each in estimates
        ]
        terminal.print_json(
            {"schema": 1, "requests": requests, "seconds": round(seconds, 1), "said": said, "steps": steps_said}
        )
        return
    for title, each in estimates:
        terminal.say(f"{title}: {each}")
    if len(estimates) != 1:
        terminal.say(said)


@contextmanager
def _job(words: str, url: str | None, asked: work.Asked, *, dry_run: bool, refresh: bool) -> Iterator[Job]:
    from analysis.screening import Judge
    from ingest.fetching import Session, begin
    from ingest.transport import Transport
    from kg.protocol import load_protocol

    protocol = load_protocol()
    with (
        _planned_on(url) if dry_run else opened(url, create=True) as store,
        terminal.progress(words) as bar,
        Transport(stop=asked.is_set, on_wait=_waiting) as transport,
    ):
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
                report=lambda reached: bar(*_place(reached)),
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
    terminal.say(f"{service}: {why}, waiting {seconds:.0f} s")
