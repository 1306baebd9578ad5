"""Commands about which records are one work: conflicts to look at, merging, taking apart, and the merges made.

What looks like one work is found in a room that this one does not know; the door hands it in (`commands`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Protocol

import typer

from kg.answers import Merge, Quarantined
from kg.errors import InputError
from kg.identity import normalise
from kg.store import GraphStore
from ui import terminal
from ui.options import AsJson, Store, opened


class Side(Protocol):
    """One work of a conflict."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str | None: ...
    @property
    def year(self) -> int | None: ...


class Conflict(Protocol):
    """Two works that look like one."""

    @property
    def kind(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def one(self) -> Side: ...
    @property
    def other(self) -> Side: ...


class Conflicts(Protocol):
    """What a person should look at; `joinable` works are joined by the next ingest."""

    @property
    def joinable(self) -> int: ...
    @property
    def pairs(self) -> Sequence[Conflict]: ...
    @property
    def records(self) -> Sequence[Quarantined]: ...


Work = Annotated[str, typer.Argument(metavar="ID", help="Any id of the work, in any spelling.")]


def commands(find: Callable[[GraphStore], Conflicts]) -> typer.Typer:
    """The group `works`; `find` lists the conflicts of a store."""
    app = typer.Typer(help="Which records are one work: conflicts, merges, and undoing them.", no_args_is_help=True)
    app.command("merge")(merge)
    app.command("split")(split)
    app.command("list")(list_merges)

    @app.command()
    def conflicts(as_json: AsJson = False, store: Store = None) -> None:
        """Works that look like one and were not joined, with what holds them apart, and records whose ids contradict.

        Example: tokenatlas works conflicts --json
        """
        with opened(store, read_only=True) as source:
            found = find(source)
        if as_json:
            pairs = [
                {"kind": each.kind, "reason": each.reason, "works": [_side(each.one), _side(each.other)]}
                for each in found.pairs
            ]
            records = [asdict(record) for record in found.records]
            terminal.print_json({"schema": 1, "joinable": found.joinable, "pairs": pairs, "records": records})
            return
        if found.pairs:
            terminal.print_table(
                ("one", "other", "titles", "held back because"),
                [(_dated(each.one), _dated(each.other), _titles(each), each.reason) for each in found.pairs],
            )
            terminal.say(f"{len(found.pairs):,} pairs. One work after all: tokenatlas works merge KEPT ABSORBED")
        else:
            terminal.say("No two works look like one.")
        if found.joinable:
            terminal.say(f"Nothing contradicts {found.joinable:,} more: the next ingest joins them.")
        if found.records:
            terminal.print_quarantined(found.records)

    return app


def merge(
    kept: Annotated[str, typer.Argument(metavar="KEPT", help="The work whose id stays; any of its ids.")],
    absorbed: Annotated[str, typer.Argument(metavar="ABSORBED", help="The work that becomes part of it.")],
    reason: Annotated[
        str, typer.Option(help="Why they are one work; kept with the merge.", metavar="TEXT")
    ] = "a person says that they are one work",
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """Make two works one. Everything told of either counts for the first; undo it with `works split`.

    Example: tokenatlas works merge 2107.08661 W3186843219 --reason "the title changed between versions"
    """
    if not reason.strip():
        raise typer.BadParameter("it needs some words", param_hint="--reason")
    with opened(store) as into:
        done = into.merge(kept, absorbed, reason.strip())
    if as_json:
        terminal.print_json({"schema": 1, "merge": asdict(done)})
    terminal.say(f"{done.absorbed} is part of {done.kept} now. To undo it: tokenatlas works split {done.number}")


def split(
    which: Annotated[str, typer.Argument(metavar="NUMBER|ID", help="Number of a merge, or an id of the work.")],
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """Undo a merge: all that was told of the absorbed work, also since, goes back to it. They are not joined again.

    Example: tokenatlas works split W3186843219
    """
    with opened(store) as into:
        number = int(which) if which.isascii() and which.isdigit() else _merge_of(into, which)
        into.unmerge(number)
        done = next(each for each in into.merges() if each.number == number)
    if as_json:
        terminal.print_json({"schema": 1, "merge": asdict(done)})
    terminal.say(f"{done.absorbed} and {done.kept} are two works again.")


def list_merges(
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only merges of this work.")] = None,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """Every merge with its reason, newest first, undone ones included.

    Example: tokenatlas works list 2107.08661
    """
    with opened(store, read_only=True) as source:
        merges = source.merges() if id is None else _merges_of(source, source.paper(id).row.id)
    if as_json:
        terminal.print_json({"schema": 1, "merges": [asdict(each) for each in merges]})
    elif merges:
        terminal.print_table(
            ("merge", "kept", "absorbed", "reason", "time", "undone"),
            [(str(m.number), m.kept, m.absorbed, m.reason, m.time, m.undone or "-") for m in merges],
        )
    else:
        terminal.say("No works were merged." if id is None else f"Nothing was merged with {id}.")


def _merges_of(store: GraphStore, work: str) -> list[Merge]:
    """Merges with an end in a work as it is now, newest first."""
    merges = store.merges()
    now = store.resolve(sorted({end for merge in merges for end in (merge.kept, merge.absorbed)}))
    return [merge for merge in merges if work in (now.get(merge.kept), now.get(merge.absorbed))]


def _merge_of(store: GraphStore, id: str) -> int:
    """The one merge that `id` can mean: the one that absorbed this very work, else the only one of its work."""
    work = store.paper(id).row.id
    standing = [merge for merge in _merges_of(store, work) if merge.undone is None]
    if not standing:
        raise InputError(
            f"Nothing was merged with {id}",
            field="which",
            value=id,
            expected="a work made of several",
            hint="See the merges there are: tokenatlas works list.",
        )
    spelt = normalise(id)
    chosen = [merge for merge in standing if merge.absorbed == spelt] or standing
    if len(chosen) > 1:
        numbers = [str(merge.number) for merge in chosen]
        listed = "; ".join(f"{merge.number} took in {merge.absorbed} ({merge.reason})" for merge in chosen)
        raise InputError(
            f"{work} was made in {len(chosen)} merges: {listed}",
            field="which",
            value=id,
            expected=", ".join(numbers),
            hint=f"Name one by its number, e.g. tokenatlas works split {numbers[0]}.",
        )
    return chosen[0].number


def _side(side: Side) -> dict[str, object]:
    return {"id": side.id, "title": side.title, "year": side.year}


def _dated(side: Side) -> str:
    return f"{side.id} ({side.year or 'unknown year'})"


def _titles(conflict: Conflict) -> str:
    one, other = conflict.one.title or "", conflict.other.title or ""
    return one if one.casefold() == other.casefold() else f"{one} / {other}"
