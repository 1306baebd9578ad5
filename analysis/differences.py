"""What changed in a store since a run or a date: new papers, fields, verdicts, and papers that sources took back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from kg.errors import InputError
from kg.model import Change, Run
from kg.store import GraphStore

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:]{5,8}(?:\+00:00|Z)?)?")


@dataclass(frozen=True, slots=True)
class LookAgain:
    """A paper whose verdict should be looked at again, and why."""

    paper: str
    reason: str


@dataclass(frozen=True, slots=True)
class Diff:
    """Changes of the `runs`. A paper changed twice is told of once, from its first value to its last.

    - new: papers that came, with the included ones among them in `new_included`.
    - fields: metadata that changed. - verdicts: the rules' verdict on a paper ("include") or a criterion that changed.
    - look_again: papers that a person decided on, or the rules judged, from a text or protocol that is another now.
    - vanished: papers that their source does not know any more. - withdrawn: those now withdrawn or retracted.
    """

    since: str
    runs: tuple[Run, ...]
    new: tuple[str, ...]
    new_included: tuple[str, ...]
    fields: tuple[Change, ...]
    verdicts: tuple[Change, ...]
    look_again: tuple[LookAgain, ...]
    vanished: tuple[str, ...]
    withdrawn: tuple[str, ...]


def diff(store: GraphStore, since: str) -> Diff:
    """What changed since a run's number (that run included) or a date (UTC, that day included).

    Raises:
        InputError: neither a number nor a date, or no such run.
    """
    runs, moment = _runs(store, since)
    changes = store.table("changes")
    if runs is not None:
        changes = changes.filter(pc.is_in(changes["run"], pa.array([run.number for run in runs], changes["run"].type)))
    else:
        changes = changes.filter(pc.greater_equal(changes["time"], moment))
        numbers = set(changes["run"].to_pylist())
        runs = [run for run in store.runs() if run.number in numbers or run.started >= moment]
    told = _folded([Change(**row) for row in changes.to_pylist()])
    new = tuple(change.paper for change in told if change.kind == "new")
    fresh = set(new)
    verdicts = tuple(
        change for change in told if change.kind in ("include", "verdict") and change.paper not in fresh and change.old
    )
    fields = tuple(change for change in told if change.kind == "field" and change.paper not in fresh)
    included = set(store.resolve([c.paper for c in told if c.kind == "include" and c.new == "include"]))
    begun = min((run.started for run in runs), default=moment)
    return Diff(
        since,
        tuple(runs),
        new,
        tuple(id for id in new if id in included),
        tuple(change for change in fields if change.field != "standing"),
        verdicts,
        tuple(_look_again(store, fields, verdicts)),
        tuple(_vanished(store, begun)),
        tuple(change.paper for change in fields if change.field == "standing" and change.new),
    )


def _runs(store: GraphStore, since: str) -> tuple[list[Run] | None, str]:
    runs = store.runs()
    if since.isdecimal():
        chosen = [run for run in runs if run.number >= int(since)]
        if not any(run.number == int(since) for run in runs):
            raise InputError(
                f"There is no run {since}",
                where=store.url,
                field="--since",
                value=since,
                expected=f"1 to {runs[0].number}" if runs else "a date",
                hint="`tokenatlas runs` lists the runs.",
            )
        return chosen, ""
    if not _DATE.fullmatch(since):
        raise InputError(
            "That is neither a run nor a date",
            field="--since",
            value=since,
            expected="a run's number, or YYYY-MM-DD",
            hint="Give a day, YYYY-MM-DD, or a run's number: `tokenatlas runs` lists them.",
        )
    return None, since.replace("Z", "+00:00")


def _folded(changes: Sequence[Change]) -> list[Change]:
    """Each field of a paper once, from its first value to its last; what came back to where it was is no change."""
    first: dict[tuple[str, str, str], Change] = {}
    for change in changes:
        key = (change.paper, change.kind, change.field)
        before = first.get(key)
        first[key] = (
            change
            if before is None
            else Change(change.run, change.paper, change.kind, change.field, before.old, change.new, change.time)
        )
    return [change for change in first.values() if change.kind == "new" or change.old != change.new]


def _look_again(store: GraphStore, fields: Sequence[Change], verdicts: Sequence[Change]) -> list[LookAgain]:
    """Decisions that were made before the text or the rules' verdict changed."""
    decided: dict[str, str] = {}
    for decision in store.decisions():
        if decision.criterion == "include":
            decided[decision.paper] = decision.time if decision.verdict is not None else ""
    reasons: dict[str, str] = {}
    for change in (*fields, *verdicts):
        if change.paper in decided and "" < decided[change.paper] < change.time:
            if change.kind == "include":
                reasons[change.paper] = f"the rules say {change.new} now, not {change.old}"
            elif change.kind == "verdict":
                reasons.setdefault(change.paper, f"{change.field} is {change.new} now, not {change.old}")
            elif change.field in ("title", "abstract"):
                reasons.setdefault(change.paper, f"its {change.field} changed after the decision")
            elif change.field == "standing" and change.new:
                reasons[change.paper] = f"it is {change.new}"
    return [LookAgain(paper, reason) for paper, reason in sorted(reasons.items())]


def _vanished(store: GraphStore, since: str) -> list[str]:
    """Papers (not stubs) that a source told of once and does not know any more."""
    papers = set(store.table("papers")["id"].to_pylist())
    fetches = store.table("fetches")
    gone = fetches.filter(
        (pc.field("what") == "metadata") & (pc.field("state") == "unknown") & (pc.field("time") >= since)
    )
    return sorted(
        {
            row["paper"]
            for row in gone.to_pylist()
            if row["paper"] in papers
            and any(told.source == row["source"] for told in store.paper(row["paper"]).sources)
        }
    )
