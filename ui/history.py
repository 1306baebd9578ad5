"""Commands that tell what was fetched and what changed: runs, coverage, diff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from kg.model import Run
from ui import reports, terminal
from ui.options import AsJson, Store, opened

app = typer.Typer()

SHOWN = 20
"""Rows of a kind on a terminal; --json names them all."""


@app.command()
def runs(
    limit: Annotated[int, typer.Option(min=1, help="How many to show, the newest first.", metavar="N")] = 20,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """The commands that fetched, with their times, their state and what they reported.

    Example: tokenatlas runs --limit 5
    """
    with opened(store, read_only=True) as source:
        found = source.runs()[:limit]
    if as_json:
        terminal.print_json({"schema": 1, "runs": [{**asdict(run), "counts": dict(run.counts)} for run in found]})
    elif found:
        terminal.print_table(
            ("run", "command", "started", "took", "state", "report"),
            [
                (
                    run.number,
                    run.command,
                    run.started[:16].replace("T", " "),
                    _took(run),
                    run.state,
                    reports.told(run.counts) or "-",
                )
                for run in found
            ],
        )
    else:
        terminal.say("Nothing was fetched yet: tokenatlas ingest --help, tokenatlas complete --dry-run")


def _took(run: Run) -> str:
    if run.ended is None:
        return "-"
    seconds = (datetime.fromisoformat(run.ended) - datetime.fromisoformat(run.started)).total_seconds()
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


@app.command()
def coverage(
    lists: Annotated[
        list[Path] | None,
        typer.Option("--list", help="CSV with id, arxiv_id or doi: how much of it is here.", metavar="CSV"),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", help="Only rows with a label that begins so.", metavar="LABEL,...")
    ] = None,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """What is missing: lists that sources could not give whole, papers never asked about, listed papers not here.

    Example: tokenatlas coverage --list codecs.csv --label codec,tokenizer
    """
    from analysis.coverage import coverage as measure

    labels = [each.strip() for each in (label or "").split(",") if each.strip()]
    with opened(store, read_only=True) as source:
        found = measure(source, lists or (), labels=labels)
    if as_json:
        terminal.print_json({"schema": 1, **asdict(found)})
        return
    terminal.print_table(
        ("source", "list", "states", "not asked", "resolved", "stated", "oldest", "newest"),
        [
            (
                each.source, each.what, terminal.flat(each.states), each.not_asked,
                _count(each.resolved), _count(each.stated), _day(each.oldest), _day(each.newest),
            )
            for each in found.asked
        ],
        title=f"What was asked about the {found.included:,} included papers",
    )  # fmt: skip
    terminal.print_table(
        ("source", "citations", "from it alone", "of all"),
        [
            (name, f"{count:,}", f"{found.single.get(name, 0):,}", f"{found.single.get(name, 0) / found.citations:.1%}")
            for name, count in found.by_source.items()
        ],
        title=f"{found.citations:,} citations between papers of the atlas",
    )
    for recall in found.lists:
        terminal.print_table(
            ("id", "title", "why it is missing"),
            [(each.id, each.title, each.why) for each in recall.missing[:SHOWN]],
            title=f"{recall.name}: {recall.included:,} of {recall.listed:,} included, {recall.known:,} known",
        )
        if len(recall.missing) > SHOWN:
            terminal.say(f"{len(recall.missing) - SHOWN:,} more; --json names them all")


@app.command()
def diff(
    since: Annotated[str, typer.Option("--since", help="A run's number, or a day.", metavar="RUN|DATE")],
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """What changed since a run or a day: new papers, fields, verdicts, what to look at again, what is gone.

    Example: tokenatlas diff --since 2026-11-01
    """
    from analysis.differences import diff as compare

    with opened(store, read_only=True) as source:
        found = compare(source, since)
        papers = source.table("papers").select(["id", "year", "title"]).to_pydict()
    if as_json:
        document = asdict(found)
        document["runs"] = [{**asdict(run), "counts": dict(run.counts)} for run in found.runs]
        terminal.print_json({"schema": 1, **document})
        return
    new = reports.counted(len(found.new), "new paper", "new papers")
    terminal.say(
        f"{reports.counted(len(found.runs), 'run', 'runs')}; {new}, {len(found.new_included):,} of them included"
    )
    known = {id: (str(year or "?"), title) for id, year, title in zip(*papers.values(), strict=True)}

    def named(ids: Sequence[str]) -> list[tuple[object, ...]]:
        return [(id, *known.get(id, ("?", "(only cited)"))) for id in ids]

    described = ("paper", "year", "title")
    for title, columns, rows in (
        ("New and included", described, named(found.new_included)),
        ("Changed", ("paper", "field", "was", "is"), [(c.paper, c.field, c.old, c.new) for c in found.fields]),
        ("Verdicts", ("paper", "on", "was", "is"), [(c.paper, c.field, c.old, c.new) for c in found.verdicts]),
        ("Look again", ("paper", "why"), [(each.paper, each.reason) for each in found.look_again]),
        ("Not known to their source any more", described, named(found.vanished)),
        ("Withdrawn or retracted", described, named(found.withdrawn)),
    ):
        if rows:
            of = f", the first {SHOWN} (--json names them all)" if len(rows) > SHOWN else ""
            terminal.print_table(columns, rows[:SHOWN], title=f"{title}: {len(rows):,}{of}")


def _count(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _day(moment: str | None) -> str:
    return moment[:10] if moment else "-"
