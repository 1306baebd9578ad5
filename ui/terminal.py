"""What the terminal door shows: tables and messages, progress on stderr, an error in three lines.

stdout is data, stderr everything else. Text from outside is never read as Rich markup.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from kg.answers import PaperDetails, PaperPage, PaperRow, Quarantined
from kg.errors import AtlasError, InputError, NotFound, SourceError, StoreError
from kg.exchange.documents import paper_url
from kg.paper_filter import PaperFilter, Sort
from kg.store import GraphStore
from ui.text import visible

Update = Callable[[int, int | None], None]

EVERY_S = 30.0
"""Where there is no bar, no more than this passes between two lines as long as something arrives."""


def say(message: str) -> None:
    """One line for the person, on stderr."""
    print(visible(message), file=sys.stderr, flush=True)


def fancy() -> bool:
    """Bars and colour belong on a terminal that wants them."""
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ


@contextmanager
def progress(description: str) -> Iterator[Update]:
    """A bar on a terminal, else one plain line now and then; call it with (done, total or None)."""
    if not fancy():
        shown, began = 0, time.monotonic()
        said_at = began

        def plain(done: int, total: int | None = None) -> None:
            nonlocal shown, said_at
            now = time.monotonic()
            whole = total is not None and done >= total
            if done > shown and (done >= shown + 1_000 or whole or now >= said_at + EVERY_S):
                shown, said_at = done, now
                left = (now - began) * ((total or 0) - done) / done
                remaining = f", about {left / 60:.0f} minutes left" if left > 90 else ""
                say(f"{description}: {done:,}" + (f" of {total:,}{remaining}" if total else ""))

        yield plain
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(description, total=None)
        yield lambda done, total=None: bars.update(task, completed=done, total=total)


def error_document(error: AtlasError) -> dict[str, object]:
    """The fields of an error, as `--json` prints them on stderr."""
    document: dict[str, object] = {
        "schema": 1,
        "error": error.code,
        "message": error.message,
        "where": _place(error),
        "hint": error.hint,
        "retryable": error.retryable,
    }
    if isinstance(error, InputError):
        document |= {"at": error.at, "field": error.field, "value": error.value, "expected": error.expected}
    if isinstance(error, NotFound):
        document |= {"kind": error.kind, "id": error.id, "nearest": list(error.nearest)}
    if isinstance(error, SourceError):
        document |= {"source": error.source, "status": error.status, "resume_at": error.resume_at}
    if isinstance(error, StoreError):
        document |= {"engine": error.engine, "operation": error.operation}
    return document


def _place(error: AtlasError) -> str:
    parts = [error.where]
    if isinstance(error, InputError):
        parts += [error.at, f"field {error.field}" if error.field else ""]
    if isinstance(error, StoreError):
        parts += [f"{error.engine}, {error.operation}"]
    return ", ".join(part for part in parts if part)


def show_error(error: AtlasError, *, as_json: bool) -> None:
    """What, where, fix: three lines on stderr, or the same fields as one JSON object."""
    if as_json:
        say(json.dumps(error_document(error), ensure_ascii=False))
        return
    say(f"Error: {_one_line(error.message)}")
    say(f"Where: {_one_line(_place(error)) or 'the command given'}")
    say(f"Fix:   {_one_line(error.hint) or 'see tokenatlas --help'}")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def print_json(document: object) -> None:
    """One document on stdout."""
    print(json.dumps(document, ensure_ascii=False, indent=1))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> None:
    """A table on stdout; a column whose values are all numbers stands right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[number], int | float) or row[number] is None for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_shown(value)) for value in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, 160))
    if title:  # a title of the table would be folded to the table's width
        console.print(Text(title, style="bold"))
    console.print(table)


def _shown(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and abs(value) > 9_999:
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else visible(str(value))


def print_page(page: PaperPage) -> None:
    """A page of papers and how many it is of how many."""
    print_table(
        ("id", "year", "title", "verdict", "topics", "type", "kbps", "cited by"),
        [_listed(row) for row in page.rows],
    )
    say(f"{len(page.rows):,} of {page.total:,} that match, of {page.of:,} papers")


def _listed(row: PaperRow) -> tuple[object, ...]:
    year = None if row.year is None else str(row.year)
    verdict = (row.include or "not judged") + (" (decided)" if row.decided else "")
    kbps = ", ".join(f"{value:g}" for value in row.bitrates) or "-"
    return row.id, year, row.title or "(no title)", verdict, row.topics or "-", row.token_type, kbps, row.cited_by


def print_details(details: PaperDetails, references: Sequence[PaperRow], citers: Sequence[PaperRow]) -> None:
    """A paper with its verdicts, numbers and nearest neighbours."""
    from rich.console import Console
    from rich.text import Text

    paper, row = details.paper, details.row
    console = Console(highlight=False)
    console.print(Text(visible(paper.title or "(no title)"), style="bold"))
    names = "unknown" if paper.authors is None else ", ".join(author.name for author in paper.authors)
    dated = f"{paper.published.value} ({paper.published.source or 'stated'})" if paper.published else "unknown"
    for label, value in (
        ("authors", names),
        ("date", dated),
        ("venue", paper.venue or "unknown"),
        ("ids", ", ".join(paper.ids)),
        ("read at", paper_url(row.id) or "unknown"),
        ("verdict", (row.include or "not judged") + (" (a person's decision)" if row.decided else "")),
        ("topics", ", ".join(row.topics) or "-"),
        ("token type", row.token_type or "unknown"),
        ("quantizers", ", ".join(row.quantizers) or "-"),
        ("citations", f"cites {row.references:,} and is cited by {row.cited_by:,} papers of this atlas"),
    ):
        console.print(Text(visible(f"{label:>11}  {value}")))
    if details.judgement:
        print_table(
            ("criterion", "verdict", "evidence", "reason"),
            [
                (
                    each.criterion,
                    each.verdict.replace("_", " "),
                    [span.text for span in each.evidence] or "-",
                    each.reason,
                )
                for each in details.judgement.verdicts
            ],
        )
    if details.measured and details.measured.specifications:
        print_table(
            ("quantity", "value", "status", "role", "as written"),
            [
                (each.quantity, each.value, each.status, each.role, each.span.text if each.span else "derived")
                for each in details.measured.specifications
            ],
        )
    for title, rows in (("Cites", references), ("Cited by", citers)):
        if rows:
            print_table(
                ("id", "year", "title"), [(each.id, str(each.year or "?"), each.title) for each in rows], title=title
            )


def print_quarantined(records: Sequence[Quarantined]) -> None:
    """What was kept out of the graph, and why."""
    print_table(
        ("source", "id", "title", "reason"), [(each.source, each.id, each.title, each.reason) for each in records]
    )


@contextmanager
def writing(out: Path | None, *, reading: Path | None = None) -> Iterator[TextIO]:
    """A text stream to a file, or to stdout for None and `-`. A regular file appears whole or not at all.

    Args:
        reading: the input of the same command, which must not be written over.

    Raises:
        InputError: the file cannot be written, or is the input.
    """
    if out is None or str(out) == "-":
        yield sys.stdout
        return
    target = out.resolve()
    if reading is not None and target.exists() and target.samefile(reading):
        raise InputError(
            "The output would be written over the input", where=str(out), field="--out", hint="Name another file."
        )
    # A pipe or a device is written to, never replaced.
    special = target.exists() and not target.is_file()
    partial = target if special else target.with_name(target.name + ".part")
    with _unwritable(out):
        stream = partial.open("w", encoding="utf-8", newline="")
    try:
        with stream:
            yield stream
        if not special:
            with _unwritable(out):
                partial.replace(target)
    except BaseException:
        if not special:
            partial.unlink(missing_ok=True)
        raise


@contextmanager
def _unwritable(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"The file cannot be written: {error.strerror}",
            where=str(out),
            field="--out",
            hint="Name a file in a folder that you may write to.",
        ) from error


def every_row(store: GraphStore, where: PaperFilter, sort: Sort, *, size: int = 1_000) -> Iterator[PaperRow]:
    """Every paper under a filter, page by page."""
    offset = 0
    while rows := store.papers(where, sort=sort, offset=offset, limit=size).rows:
        yield from rows
        offset += len(rows)


def flat(value: object) -> str:
    """A value of `status` in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items()) or "none"
    return _shown(value)
