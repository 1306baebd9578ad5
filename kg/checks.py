"""Refusals that are the same on every engine: a value that no store could act on, said before anything is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args

from kg.answers import Direction
from kg.errors import InputError, NotFound, StoreError
from kg.model import Cluster, Decision, Include, Met
from kg.paper_filter import SORTS, Sort

INCLUDE = "include"
"""The criterion that a decision on the paper as a whole names."""


def check_decision(decision: Decision) -> None:
    """Raises InputError for a verdict that does not exist for the criterion."""
    allowed = get_args(Include if decision.criterion == INCLUDE else Met)
    if decision.verdict is not None and decision.verdict not in allowed:
        raise InputError(
            f"{decision.verdict!r} is no verdict on {decision.criterion}",
            field="verdict",
            value=decision.verdict,
            expected=", ".join(allowed),
            hint=f"Decide one of {', '.join(allowed)}, or withdraw with none.",
        )


def check_page(sort: Sort, offset: int, limit: int) -> None:
    """Raises InputError for an order or a page that does not exist."""
    if sort not in SORTS:
        raise InputError(f"No order {sort!r}", field="sort", value=sort, expected=", ".join(SORTS))
    if offset < 0 or limit < 0:
        raise InputError(
            "A page starts at 0 or later and is not negative",
            field="offset" if offset < 0 else "limit",
            value=offset if offset < 0 else limit,
            expected="a whole number from 0",
        )


def check_list_name(name: str) -> None:
    """Raises InputError for a blank name."""
    if not name.strip():
        raise InputError("A reading list needs a name", field="name", value=name, expected="some text")


def check_clusters(run: str, clusters: Sequence[Cluster], placed: Iterable[int]) -> None:
    """Raises InputError when members point at clusters that are not given, or these belong to another run."""
    unknown = set(placed) - {each.number for each in clusters}
    if unknown or any(each.run != run for each in clusters):
        raise InputError(
            "The members and clusters do not fit together",
            field="members",
            value=sorted(unknown),
            expected=f"numbers of clusters of run {run}",
        )


def check_neighbourhood(hops: int, direction: Direction) -> None:
    """Raises InputError for a walk that is not offered."""
    if hops not in (1, 2):
        raise InputError(f"{hops} hops", field="hops", value=hops, expected="1 or 2", hint="Ask for 1 or 2 hops.")
    if direction not in get_args(Direction):
        raise InputError(
            f"No direction {direction!r}", field="direction", value=direction, expected="references, citers, both"
        )


def check_seeds(seeds: int, limit: int) -> None:
    """Raises InputError when there is no seed, or no room for all of them."""
    if limit < seeds or not seeds:
        raise InputError(
            f"A neighbourhood of {limit} cannot show {seeds} seeds" if seeds else "A neighbourhood needs a seed",
            field="limit" if seeds else "ids",
            value=limit if seeds else "",
            expected=f"at least {seeds}" if seeds else "at least one paper",
            hint="Give fewer papers or a larger limit.",
        )


def check_table(name: str, known: Iterable[str]) -> None:
    """Raises InputError for a table that does not exist."""
    names = ", ".join(known)
    if name not in names.split(", "):
        raise InputError(
            f"There is no table {name!r}", field="table", value=name, expected=names, hint=f"Ask for one of {names}."
        )


def one_work(absorbed: str) -> InputError:
    """The error of a merge whose two ids name the same work."""
    return InputError(
        "These two ids name the same work already",
        field="absorbed",
        value=absorbed,
        expected="an id of another work",
        hint="Nothing needs to be merged.",
    )


def no_merge(number: int) -> NotFound:
    """The error of undoing a merge that never was."""
    return NotFound("merge", str(number), hint="List the merges to see their numbers.")


def no_run(run: int) -> NotFound:
    """The error of a run that never began."""
    return NotFound("run", str(run), hint="Begin a run first; `runs` lists those there are.")


def undone_already(number: int, time: str) -> InputError:
    """The error of undoing a merge twice."""
    return InputError(
        f"Merge {number} was undone at {time}",
        field="number",
        value=number,
        expected="a merge that stands",
        hint="Nothing needs to be undone.",
    )


def reading_only(engine: str, operation: str, where: str) -> StoreError:
    """The error of writing to a store that was opened for reading."""
    return StoreError(
        "The store was opened for reading only",
        engine=engine,
        operation=operation,
        where=where,
        hint="Open it without read_only.",
    )


def closed(engine: str, where: str) -> StoreError:
    """The error of using a store after it was closed."""
    return StoreError("The store is closed", engine=engine, operation="use", where=where, hint="Open it again.")
