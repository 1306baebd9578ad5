"""Follows citations from the papers that belong, round by round, as long as that brings papers that belong.

A round reads the lists of its frontier, asks for what those name and the atlas does not know, and lets the rules judge
it. Everything judged stays, with its verdict and the paper that led to it, so that nothing is screened twice and a
person can look at what was left out; only what is included is followed in the next round.

Where a snowball stands is kept in the store as a cursor: a killed one goes on in the round and stage it was in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from ingest.fetching import Fetched, Session
from ingest.pipeline import Direction, leads, plan_links, plan_papers, run_leads, run_links, second_opinion
from ingest.source import Source
from kg.model import Batch, Cursor
from kg.paper_filter import PaperFilter
from kg.store import GraphStore

SOURCE = "snowball"
THRESHOLD = 0.01
"""Share of included among what a round screened, below which another round is not worth its requests."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round: papers followed, unknown papers that their lists name, of those described, of those included."""

    number: int
    followed: int
    named: int
    screened: int
    included: int

    @property
    def gain(self) -> float:
        """Share of included among the screened, 0 when nothing was."""
        return self.included / self.screened if self.screened else 0.0


@dataclass(slots=True)
class Snowballed:
    """What a snowball came to; `why` says in words why it ended, "" when it was stopped."""

    rounds: list[Round]
    fetched: Fetched
    why: str = ""


@dataclass(slots=True)
class _State:
    number: int
    frontier: list[str]
    stage: str = "links"
    named: dict[str, Sequence[str]] = field(default_factory=dict)
    rounds: list[dict[str, int]] = field(default_factory=list)


def snowball(
    session: Session,
    lists: Sequence[Source],
    describer: Source,
    *,
    rounds: int,
    directions: Sequence[Direction],
    seeds: Sequence[str] | None,
    conclude: Callable[[], bool],
    threshold: float = THRESHOLD,
    key: str = "",
    on_round: Callable[[Round], None] = lambda round: None,
) -> Snowballed:
    """Follow citations for a number of rounds.

    Args:
        lists: sources of references and citers; a later one is asked where an earlier one could not give all.
        describer: the source that papers are described by.
        seeds: work ids to start from, else the included papers.
        conclude: judges what the store has not judged yet; false when it was stopped.
        threshold: stop after a round whose gain is lower.
        key: names this snowball in the store; another key starts anew.

    Raises:
        SourceError, StoreError: as `ingest.fetching.read`; the same call goes on.
    """
    store = session.store
    state = _resumed(session, key) or _State(1, list(seeds) if seeds is not None else store.ids(PaperFilter()))
    done = Fetched()
    _keep(session, key, state)
    while True:
        if state.stage == "links":
            for direction in directions:
                done.add(_read_lists(session, lists, state.frontier, direction))
                if done.stopped:
                    return Snowballed(_rounds(state), done)
            state.named = {**leads(store, state.frontier, directions)}
            state.stage = "papers"
            _keep(session, key, state)
        if state.stage == "papers":
            done.add(run_leads(session, plan_papers(session, describer, list(state.named)), state.named))
            if done.stopped:
                return Snowballed(_rounds(state), done)
            state.stage = "judge"
            _keep(session, key, state)
        if not conclude():
            done.stopped = True
            return Snowballed(_rounds(state), done)
        included = _included(store, list(state.named))
        described = _described(store, list(state.named))
        this = Round(state.number, len(state.frontier), len(state.named), described, len(included))
        state.rounds.append(asdict(this))
        on_round(this)
        why = _ended(this, rounds, threshold)
        state = _State(state.number + 1, included, rounds=state.rounds)
        _keep(session, key, state, done=bool(why))
        if why:
            return Snowballed(_rounds(state), done, why)


def _ended(this: Round, rounds: int, threshold: float) -> str:
    if not this.named:
        return "the lists name nothing that the atlas does not know"
    if not this.included:
        return "nothing that belongs came of the last round"
    if this.gain < threshold:
        return f"the last round's gain, {this.gain:.1%}, is below {threshold:.1%}"
    return f"{rounds} rounds were asked for" if this.number >= rounds else ""


def _read_lists(session: Session, lists: Sequence[Source], papers: Sequence[str], direction: Direction) -> Fetched:
    done = Fetched()
    asked = list(papers)
    for place, source in enumerate(lists):
        done.add(run_links(session, plan_links(session, source, asked, direction)))
        if done.stopped or place + 1 == len(lists):
            break
        asked = second_opinion(session.store, asked, source.name, direction)
    return done


def _included(store: GraphStore, named: Sequence[str]) -> list[str]:
    works = set(store.resolve(named).values())
    return [id for id in store.ids(PaperFilter()) if id in works]


def _described(store: GraphStore, named: Sequence[str]) -> int:
    works = set(store.resolve(named).values())
    return len(works.intersection(store.ids(PaperFilter(include=()))))


def _rounds(state: _State) -> list[Round]:
    return [Round(**each) for each in state.rounds]


def _keep(session: Session, key: str, state: _State, *, done: bool = False) -> None:
    cursor = Cursor(SOURCE, key, json.dumps(asdict(state)), session.clock(), done)
    session.store.upsert(Batch(run=session.number), cursor)


def _resumed(session: Session, key: str) -> _State | None:
    """Where an unfinished snowball of this key stands."""
    cursor = session.store.cursor(SOURCE, key)
    if cursor is None or cursor.done or cursor.time < session.began:
        return None
    return _State(**json.loads(cursor.position))
