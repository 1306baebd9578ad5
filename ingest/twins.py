"""Joins the works of a store that are one although no id says so, and lists the pairs that a person should look at.

What is one is decided in `ingest.matching`; exact ids have been joined by `GraphStore.upsert` before. Every merge keeps
its reason and can be undone, and what a person took apart stays apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ingest.agreement import Account, Kind, Work
from ingest.matching import HeldBack, Matched, match
from kg.answers import Quarantined
from kg.store import GraphStore


@dataclass(frozen=True, slots=True)
class Joined:
    """What joining did: works compared, works absorbed, pairs held back, and whether it was stopped early."""

    works: int
    merged: int
    held_back: tuple[HeldBack, ...]
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One work of a conflict."""

    id: str
    title: str | None
    year: int | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two works that look like one and stay two until a person says otherwise."""

    kind: Kind
    reason: str
    one: Side
    other: Side


@dataclass(frozen=True, slots=True)
class Conflicts:
    """What a person should look at: pairs of works, and records kept out because their ids contradict.

    `joinable` counts works that nothing contradicts and that the next `join_twins` joins.
    """

    joinable: int
    pairs: tuple[Conflict, ...]
    records: tuple[Quarantined, ...]


def join_twins(
    store: GraphStore,
    *,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Joined:
    """Merge works that are one; call it after each ingest. A second call changes nothing.

    Args:
        store: where they are.
        progress: called after each merge with (done, of).
        stop: asked before each merge; true ends the work, and the same call goes on.
    """
    works = works_of(store)
    found = _match(store, works, near=False)
    done = 0
    for proposal in found.proposals:
        if stop is not None and stop():
            return Joined(len(works), done, found.held_back, stopped=True)
        store.merge(proposal.kept, proposal.absorbed, proposal.reason)
        done += 1
        if progress is not None:
            progress(done, len(found.proposals))
    return Joined(len(works), done, found.held_back)


def conflicts(store: GraphStore) -> Conflicts:
    """Pairs of works held back, those that a person decided left out, and records whose ids contradict."""
    found = _match(store, works_of(store), near=True)
    held_back = [each for each in found.held_back if each.kind != "taken apart"]
    papers = store.table("papers").select(["id", "title", "year"])
    sides = {
        id: Side(id, title, year)
        for id, title, year in zip(*(papers[name].to_pylist() for name in papers.column_names), strict=True)
    }
    return Conflicts(
        len(found.proposals),
        tuple(Conflict(each.kind, each.reason, sides[each.one], sides[each.other]) for each in held_back),
        tuple(record for record in store.quarantined() if record.reason.startswith(_IDS)),
    )


def works_of(store: GraphStore) -> list[Work]:
    """Every paper of a store with all its ids and what each source told of it, by id."""
    records = store.table("records")
    accounts: dict[str, list[Account]] = {}
    for batch in records.select(["paper", "title", "published", "authors"]).to_batches():
        columns = [batch.column(name).to_pylist() for name in batch.schema.names]
        for paper, title, published, authors in zip(*columns, strict=True):
            told = accounts.setdefault(paper, [])
            if title is not None:
                year = None if published is None else int(published[:4])
                told.append(Account(title, year, None if authors is None else tuple(authors)))
    ids: dict[str, list[str]] = {}
    named = store.table("ids")
    for paper, id in zip(named["paper"].to_pylist(), named["id"].to_pylist(), strict=True):
        if paper in accounts:
            ids.setdefault(paper, []).append(id)
    return [Work(paper, tuple(ids.get(paper, (paper,))), tuple(told)) for paper, told in accounts.items()]


def taken_apart(store: GraphStore) -> set[tuple[str, str]]:
    """Pairs of works, by their present ids, between which a person undid a merge."""
    undone = [(merge.kept, merge.absorbed) for merge in store.merges() if merge.undone is not None]
    now = store.resolve(sorted({id for pair in undone for id in pair})) if undone else {}
    return {(now[kept], now[absorbed]) for kept, absorbed in undone if now[kept] != now[absorbed]}


_IDS = "Its ids "
"""How the reasons of `kg.batch` and `ingest.contradictions` begin that are about ids."""


def _match(store: GraphStore, works: list[Work], *, near: bool) -> Matched:
    return match(works, apart=taken_apart(store), near=near)
