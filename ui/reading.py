"""Commands that only read: status, papers, paper, export, quarantine, backup, copy and the protocol."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from kg.paper_filter import SORTS, PaperFilter
from ui import terminal
from ui.options import AsJson, Out, Store, opened, with_filter

app = typer.Typer()
FORMATS = ("csv", "jsonl", "bibtex", "ris", "csl")
protocol_app = typer.Typer(help="The review protocol: topics, criteria and how they combine.", no_args_is_help=True)
app.add_typer(protocol_app, name="protocol")


def protocol_name() -> str:
    """Id and version of the bundled protocol."""
    from kg.protocol import load_protocol

    protocol = load_protocol()
    return f"{protocol.id}@{protocol.version}"


@app.command()
def status(as_json: AsJson = False, store: Store = None) -> None:
    """What is in the store.

    Example: tokenatlas status --json
    """
    from kg.exchange.documents import status_document

    with opened(store, read_only=True) as source:
        counts = source.counts()
        document = status_document(
            counts, store=source.url, engine=source.engine, store_schema=source.schema, protocol=protocol_name()
        )
    if as_json:
        terminal.print_json(document)
        return
    terminal.print_table(("", ""), [(name.replace("_", " "), terminal.flat(value)) for name, value in document.items()])
    if counts.quarantined:
        terminal.say(f"{counts.quarantined:,} records are kept out: tokenatlas quarantine")
    if counts.unjudged:
        terminal.say(f"{counts.unjudged:,} papers are not judged yet: tokenatlas screen")


@app.command()
@with_filter
def papers(
    where: PaperFilter,
    sort: Annotated[str, typer.Option(help="One of " + ", ".join(SORTS) + ".", metavar="ORDER")] = "newest",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many to show.", metavar="N")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="How many to pass over.", metavar="N")] = 0,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """List papers; included ones unless --include says otherwise.

    Example: tokenatlas papers --topic S1 --from 2023 --sort cited
    """
    from kg.exchange.documents import page_document

    if sort not in SORTS:
        raise typer.BadParameter(f"{sort!r} is not one of {', '.join(SORTS)}", param_hint="--sort")
    with opened(store, read_only=True) as source:
        page = source.papers(where, sort=sort, offset=offset, limit=limit)  # type: ignore[arg-type]  # checked above
    if as_json:
        terminal.print_json(page_document(page))
    else:
        terminal.print_page(page)


@app.command()
def paper(
    id: Annotated[str, typer.Argument(metavar="ID", help="arXiv id, DOI, OpenAlex or Semantic Scholar id, or a URL.")],
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """One paper with its verdicts, evidence, numbers and citations; any spelling of an id or its URL.

    Example: tokenatlas paper 2209.03143
    """
    from kg.exchange.documents import details_document

    with opened(store, read_only=True) as source:
        details = source.paper(id)
        if as_json:
            terminal.print_json(details_document(details))
            return
        everything = PaperFilter(include=())
        references = source.references(id, where=everything, limit=10)
        citers = source.citers(id, where=everything, limit=10)
    terminal.print_details(details, references.rows, citers.rows)


@app.command()
@with_filter
def export(
    where: PaperFilter,
    format: Annotated[
        str, typer.Option("--format", help="One of " + ", ".join(FORMATS) + ".", metavar="FORMAT")
    ] = "csv",
    records: Annotated[
        bool, typer.Option("--records", help="CSV and JSON Lines without verdicts and counts: what can be read again.")
    ] = False,
    sort: Annotated[str, typer.Option(help="One of " + ", ".join(SORTS) + ".", metavar="ORDER")] = "newest",
    out: Out = None,
    store: Store = None,
) -> None:
    """Write papers for reference managers, spreadsheets (cells that one would run are defused) and programs.

    Example: tokenatlas export --format bibtex --topic S4 --out trade-offs.bib
    """
    from kg.exchange import bibtex, csl, csv, jsonl, ris
    from kg.exchange.documents import ROW_COLUMNS, row_document, row_values

    if format not in FORMATS:
        raise typer.BadParameter(f"{format!r} is not one of {', '.join(FORMATS)}", param_hint="--format")
    if sort not in SORTS:
        raise typer.BadParameter(f"{sort!r} is not one of {', '.join(SORTS)}", param_hint="--sort")
    with opened(store, read_only=True) as source, terminal.writing(out) as target:
        told = ((row, source.paper(row.id).paper) for row in terminal.every_row(source, where, sort))
        if format == "csv" and not records:
            # What a list shows, then what it lacks of the record, by which the file can be read again.
            own = [place for place, column in enumerate(csv.PAPER_COLUMNS) if column not in ROW_COLUMNS]
            values = ((row_values(row), csv.paper_values(paper)) for row, paper in told)
            count = csv.write_rows(
                target,
                (*ROW_COLUMNS, *(csv.PAPER_COLUMNS[place] for place in own)),
                ((*shown, *(record[place] for place in own)) for shown, record in values),
            )
        elif format == "jsonl" and not records:
            documents = ({**row_document(row), **jsonl.paper_document(paper)} for row, paper in told)
            count = sum(1 for each in documents if target.write(json.dumps(each, ensure_ascii=False) + "\n"))
        else:
            written_as = {"bibtex": bibtex, "ris": ris, "csl": csl, "csv": csv, "jsonl": jsonl}
            count = written_as[format].write_papers(target, (paper for _, paper in told))
    terminal.say(f"{count:,} papers written.")


@app.command()
def quarantine(as_json: AsJson = False, store: Store = None) -> None:
    """Records that contradict themselves and were kept out of the graph, with the reason.

    Example: tokenatlas quarantine
    """
    with opened(store, read_only=True) as source:
        records = source.quarantined()
    if as_json:
        terminal.print_json({"schema": 1, "quarantined": [asdict(record) for record in records]})
    elif records:
        terminal.print_quarantined(records)
    else:
        terminal.say("Nothing was kept out.")


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A file that does not exist yet.", metavar="FILE")], store: Store = None
) -> None:
    """Write a consistent copy of the store while others read and write.

    Example: tokenatlas backup atlas-copy.sqlite
    """
    with opened(store, read_only=True) as source:
        source.backup(target)
    terminal.say(f"Copied to {target}")


@app.command("copy")
def copy_store(
    source: Annotated[str, typer.Option("--from", help="Store to copy.", metavar="URL")],
    target: Annotated[str, typer.Option("--to", help="An empty store, or an earlier copy.", metavar="URL")],
) -> None:
    """Make one store equal to another, from a file to a server or back; stopped early, the same command goes on.

    Example: tokenatlas copy --from sqlite:///atlas.sqlite --to neo4j://127.0.0.1:7687
    """
    from kg.transfer import copy

    with opened(source, read_only=True) as original, opened(target, create=True) as other:
        with terminal.progress("copied rows") as update:
            rows = 0

            def report(section: str, page: int) -> None:
                nonlocal rows
                rows += page
                update(rows, None)

            done = copy(original, other, report=report)
        counts = other.counts()
    said = "Copied" if done else "Nothing to do:"
    terminal.say(f"{said} {counts.papers:,} papers, {counts.stubs:,} stubs, {counts.citations:,} citations")


@protocol_app.command("show")
def protocol_show(
    file: Annotated[
        Path | None, typer.Argument(help="A protocol; the bundled one if absent.", metavar="[FILE]")
    ] = None,
    language: Annotated[str, typer.Option(help="en or zh-Hant.", metavar="LANGUAGE")] = "en",
    as_json: AsJson = False,
) -> None:
    """The protocol as Markdown.

    Example: tokenatlas protocol show --language zh-Hant
    """
    from kg.protocol import load_protocol, to_markdown

    protocol = load_protocol(file)
    if as_json:
        terminal.print_json({"schema": 1, **asdict(protocol)})
    else:
        print(to_markdown(protocol, language))


@protocol_app.command("check")
def protocol_check(
    file: Annotated[Path, typer.Argument(help="The protocol to check.", metavar="FILE")], as_json: AsJson = False
) -> None:
    """Every fault of a protocol file at once: line, field, value, fix.

    Example: tokenatlas protocol check my-field.yaml
    """
    from kg.protocol import check_protocol

    faults = check_protocol(file)
    if as_json:
        terminal.print_json({"schema": 1, "faults": [asdict(fault) for fault in faults]})
    else:
        for fault in faults:
            print(fault)
    terminal.say(f"{file}: {len(faults)} faults" if faults else f"{file}: no fault found")
    if faults:
        raise typer.Exit(2)
