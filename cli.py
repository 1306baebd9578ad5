"""The terminal door: one command per verb.

stdout is data, stderr is for people. Exit codes: 0 done; 1 failed; 2 wrong usage or unreadable input; 3 rejects were
written and the rest is kept; 4 stopped early, the same command resumes; 130 interrupted. An error is three lines: what,
where, fix; anything unforeseen writes its trace to a log file and names it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from kg.errors import AtlasError, InputError, Interrupted
from kg.paper_filter import SORTS, PaperFilter
from kg.store import GraphStore, default_store_url, open_store
from ui import terminal
from ui.filter_options import with_filter

ROOT = Path(__file__).resolve().parent
BUNDLE = ROOT / "data" / "corpus"
FAILED, USAGE, REJECTS, STOPPED, INTERRUPTED = 1, 2, 3, 4, 130

Store = Annotated[
    str | None,
    typer.Option("--store", help="URL of the store; else TOKENATLAS_STORE, else your own data folder.", metavar="URL"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Rejects = Annotated[Path | None, typer.Option(help="Where lines that cannot be used are listed, with the reason.")]
NoJudge = Annotated[bool, typer.Option("--no-judge", help="Only store; judge later with `screen` and `specs`.")]

app = typer.Typer(
    help="Token Atlas: a living map of research on discrete audio tokens.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
ingest_app = typer.Typer(help="Bring papers and citations in from files.", no_args_is_help=True)
protocol_app = typer.Typer(help="The review protocol: topics, criteria and how they combine.", no_args_is_help=True)
snapshot_app = typer.Typer(help="The bundled corpus.", no_args_is_help=True)
app.add_typer(ingest_app, name="ingest")
app.add_typer(protocol_app, name="protocol")
app.add_typer(snapshot_app, name="snapshot")


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def opened(url: str | None, *, create: bool = False) -> GraphStore:
    """The store of a command; reading commands do not make one."""
    return open_store(url or default_store_url(), create=create)


@contextmanager
def stoppable() -> Iterator[threading.Event]:
    """An event that SIGTERM sets, so that long work ends after the batch in flight."""
    asked = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)


def _stopped(stopped: bool, what: str) -> None:
    if stopped:
        raise Interrupted(f"{what} stopped early; everything up to here is kept", hint="Run the same command again.")


@app.command()
def load(
    update: Annotated[
        bool, typer.Option("--update", help="Merge a newer bundle into a store that has papers.")
    ] = False,
    source: Annotated[Path, typer.Option("--from", help="Folder of the bundle.")] = BUNDLE,
    store: Store = None,
) -> None:
    """Load the bundled corpus. Decisions, merges, lists and fetched text stay as they are.

    Example: tokenatlas load --update
    """
    from ingest.bundle import load_bundle

    with opened(store, create=True) as into, stoppable() as asked, terminal.progress("Loading papers") as update_bar:
        done = load_bundle(into, source, update=update, clock=now, progress=update_bar, stop=asked.is_set)
    _stopped(done.stopped, "Loading")
    if done.up_to_date:
        terminal.say(f"The store already holds this corpus: {done.papers:,} papers.")
    else:
        terminal.say(f"Loaded {done.papers:,} papers and {done.citations:,} citations into {into.url}")


def _judge(into: GraphStore, asked: threading.Event) -> None:
    from analysis.judging import measure_store, screen_store
    from analysis.screening import Judge
    from analysis.specifications import Extractor

    with terminal.progress("Judging") as bar:
        screened = screen_store(into, Judge(), progress=lambda n: bar(n, None), stop=asked.is_set)
    _stopped(screened.stopped, "Judging")
    with terminal.progress("Reading numbers") as bar:
        measured = measure_store(into, Extractor(), progress=lambda n: bar(n, None), stop=asked.is_set)
    _stopped(measured.stopped, "Reading numbers")
    kept = f"; {screened.kept:,} keep a verdict made from more text" if screened.kept else ""
    terminal.say(f"Judged {screened.read:,} papers{kept}.")


def _ingest(paths: list[Path], store: str | None, rejects: Path | None, judge: bool, citations: bool) -> None:
    from ingest.files import ingest_citations, ingest_papers

    verb = ingest_citations if citations else ingest_papers
    rejected = quarantined = 0
    with opened(store, create=True) as into, stoppable() as asked:
        for path in paths:
            with terminal.progress(path.name) as bar:
                done = verb(
                    into, path, rejects=rejects, clock=now, progress=lambda p: bar(p.read, None), stop=asked.is_set
                )
            rejected += done.rejected
            quarantined += done.quarantined
            terminal.say(f"{path.name}: {terminal.sentence(done)}")
            _stopped(done.stopped, path.name)
        if judge and not citations:
            _judge(into, asked)
    if quarantined:
        terminal.say(f"{quarantined:,} records contradict themselves and were kept out: tokenatlas quarantine")
    if rejected:
        raise typer.Exit(REJECTS)


@ingest_app.command("files")
def ingest_files(
    paths: Annotated[list[Path], typer.Argument(help="JSON Lines, plain or .gz.", metavar="PATH...")],
    rejects: Rejects = None,
    no_judge: NoJudge = False,
    store: Store = None,
) -> None:
    """Papers from JSON Lines (arXiv or OpenAlex records), then judge what is new.

    Example: tokenatlas ingest files papers.jsonl.gz
    """
    _ingest(paths, store, rejects, judge=not no_judge, citations=False)


@ingest_app.command("citations")
def ingest_citation_pairs(
    paths: Annotated[list[Path], typer.Argument(help="CSV with a citing and a cited column.", metavar="CSV...")],
    rejects: Rejects = None,
    store: Store = None,
) -> None:
    """Citation pairs from CSV, plain or .gz.

    Example: tokenatlas ingest citations edges.csv.gz
    """
    _ingest(paths, store, rejects, judge=False, citations=True)


File = Annotated[Path | None, typer.Argument(help="JSON Lines to read instead of the store.", metavar="[FILE]")]
Out = Annotated[Path | None, typer.Option("--out", help="Where to write; - or nothing is stdout.")]


@app.command()
def screen(file: File = None, out: Out = None, rejects: Rejects = None, store: Store = None) -> None:
    """Judge papers against the protocol: a file without any store, or what the store has not judged yet.

    Example: tokenatlas screen papers.jsonl.gz --out verdicts.jsonl
    """
    from analysis.judging import screen_store
    from analysis.screening import Judge, to_record

    judge = Judge()
    if file:
        _read_file(file, out, rejects, "Judging", lambda id, *text: to_record(id, judge.judge(*text)))
        return
    with opened(store) as into, stoppable() as asked, terminal.progress("Judging") as bar:
        done = screen_store(into, judge, progress=lambda n: bar(n, None), stop=asked.is_set)
    _stopped(done.stopped, "Judging")
    terminal.say(
        f"Judged {done.read:,} papers by rules {judge.rules}; {done.kept:,} keep a verdict made from more text."
    )


@app.command()
def specs(file: File = None, out: Out = None, rejects: Rejects = None, store: Store = None) -> None:
    """Read bitrates, frame rates, codebooks and other numbers: from a file, or from the store.

    Example: tokenatlas specs papers.jsonl.gz --out numbers.jsonl
    """
    from analysis.judging import measure_store
    from analysis.specifications import Extractor, to_record

    extractor = Extractor()
    if file:
        _read_file(file, out, rejects, "Reading numbers", lambda id, *text: to_record(id, extractor.extract(*text)))
        return
    with opened(store) as into, stoppable() as asked, terminal.progress("Reading numbers") as bar:
        done = measure_store(into, extractor, progress=lambda n: bar(n, None), stop=asked.is_set)
    _stopped(done.stopped, "Reading numbers")
    terminal.say(f"Read the numbers of {done.read:,} papers by rules {extractor.rules}.")


def _read_file(file: Path, out: Path | None, rejects: Path | None, what: str, conclude: Any) -> None:
    from ingest.files import read_texts

    with terminal.writing(out) as target, terminal.progress(what) as bar:
        texts = read_texts(file, rejects=rejects)
        for number, (id, title, abstract) in enumerate(texts, 1):
            target.write(json.dumps(conclude(id, title, abstract), ensure_ascii=False) + "\n")
            bar(number, None)
    if texts.rejected:
        terminal.say(f"{texts.rejected:,} lines could not be used; they are listed in {texts.rejects}")
        raise typer.Exit(REJECTS)


@app.command()
def cluster(
    k: Annotated[
        int | None, typer.Option("--k", min=2, help="Number of clusters; chosen by silhouette if absent.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same clusters.")] = 0,
    store: Store = None,
) -> None:
    """Group the included papers by what their texts say, with labels made of their terms.

    Example: tokenatlas cluster --k 12
    """
    from analysis.judging import cluster_store

    with opened(store) as into:
        found, bare = cluster_store(into, k=k, seed=seed)
    if bare:
        terminal.say(f"{bare:,} of {len(found.ids):,} papers have no abstract in this store: grouped by title alone.")
    terminal.print_table(("cluster", "papers", "terms"), [(c.number, c.size, c.terms) for c in found.clusters])


def _protocol() -> str:
    from kg.protocol import load_protocol

    protocol = load_protocol()
    return f"{protocol.id}@{protocol.version}"


@app.command()
def status(as_json: AsJson = False, store: Store = None) -> None:
    """What is in the store.

    Example: tokenatlas status --json
    """
    from kg.exchange.documents import status_document

    with opened(store) as source:
        counts = source.counts()
        document = status_document(
            counts, store=source.url, engine=source.engine, store_schema=source.schema, protocol=_protocol()
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
    sort: Annotated[str, typer.Option(help="One of " + ", ".join(SORTS) + ".")] = "newest",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """List papers; included ones unless --include says otherwise.

    Example: tokenatlas papers --topic S1 --from 2023 --sort cited
    """
    from kg.exchange.documents import page_document

    if sort not in SORTS:
        raise typer.BadParameter(f"{sort!r} is not one of {', '.join(SORTS)}", param_hint="--sort")
    with opened(store) as source:
        page = source.papers(where, sort=sort, offset=offset, limit=limit)  # type: ignore[arg-type]  # checked above
    if as_json:
        terminal.print_json(page_document(page))
    else:
        terminal.print_page(page)


@app.command()
def paper(id: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False, store: Store = None) -> None:
    """One paper with its verdicts, evidence, numbers and citations; any spelling of an id or its URL.

    Example: tokenatlas paper 2209.03143
    """
    from kg.exchange.documents import details_document

    with opened(store) as source:
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
    format: Annotated[str, typer.Option("--format", help="csv or jsonl.")] = "csv",
    sort: Annotated[str, typer.Option(help="One of " + ", ".join(SORTS) + ".")] = "newest",
    out: Out = None,
    store: Store = None,
) -> None:
    """Write papers as CSV (cells that a spreadsheet would run are defused) or JSON Lines.

    Example: tokenatlas export --format csv --topic S4 --out trade-offs.csv
    """
    from kg.exchange.csv import write_rows
    from kg.exchange.documents import ROW_COLUMNS, row_document, row_values

    if format not in ("csv", "jsonl"):
        raise typer.BadParameter(f"{format!r} is not csv or jsonl", param_hint="--format")
    if sort not in SORTS:
        raise typer.BadParameter(f"{sort!r} is not one of {', '.join(SORTS)}", param_hint="--sort")
    with opened(store) as source, terminal.writing(out) as target:
        rows = terminal.every_row(source, where, sort)
        if format == "csv":
            count = write_rows(target, ROW_COLUMNS, (row_values(row) for row in rows))
        else:
            count = sum(1 for row in rows if target.write(json.dumps(row_document(row), ensure_ascii=False) + "\n"))
    terminal.say(f"{count:,} papers written.")


@app.command()
def quarantine(as_json: AsJson = False, store: Store = None) -> None:
    """Records that contradict themselves and were kept out of the graph, with the reason.

    Example: tokenatlas quarantine
    """
    from dataclasses import asdict

    with opened(store) as source:
        records = source.quarantined()
    if as_json:
        terminal.print_json({"schema": 1, "quarantined": [asdict(record) for record in records]})
    elif records:
        terminal.print_quarantined(records)
    else:
        terminal.say("Nothing was kept out.")


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A file that does not exist yet.")], store: Store = None
) -> None:
    """Write a consistent copy of the store while others read and write.

    Example: tokenatlas backup atlas-copy.sqlite
    """
    with opened(store) as source:
        source.backup(target)
    terminal.say(f"Copied to {target}")


@protocol_app.command("show")
def protocol_show(
    file: Annotated[
        Path | None, typer.Argument(help="A protocol; the bundled one if absent.", metavar="[FILE]")
    ] = None,
    language: Annotated[str, typer.Option(help="en or zh-Hant.")] = "en",
    as_json: AsJson = False,
) -> None:
    """The protocol as Markdown.

    Example: tokenatlas protocol show --language zh-Hant
    """
    from dataclasses import asdict

    from kg.protocol import load_protocol, to_markdown

    protocol = load_protocol(file)
    if as_json:
        terminal.print_json({"schema": 1, **asdict(protocol)})
    else:
        print(to_markdown(protocol, language))


@protocol_app.command("check")
def protocol_check(
    file: Annotated[Path, typer.Argument(help="The protocol to check.")], as_json: AsJson = False
) -> None:
    """Every fault of a protocol file at once: line, field, value, fix.

    Example: tokenatlas protocol check my-field.yaml
    """
    from dataclasses import asdict

    from kg.protocol import check_protocol

    faults = check_protocol(file)
    if as_json:
        terminal.print_json({"schema": 1, "faults": [asdict(fault) for fault in faults]})
    else:
        for fault in faults:
            print(fault)
    terminal.say(f"{file}: {len(faults)} faults" if faults else f"{file}: no fault found")
    if faults:
        raise typer.Exit(USAGE)


@snapshot_app.command("build")
def snapshot_build(
    source: Annotated[Path, typer.Option("--from", help="Folder with the research data.")],
    target: Annotated[Path, typer.Option("--to", help="Folder of the bundle.")] = BUNDLE,
    date: Annotated[str | None, typer.Option(help="Date written into the manifest; today (UTC) if absent.")] = None,
) -> None:
    """Make the bundled corpus: included papers, their citation neighbours, all citations between them; no abstracts.

    Example: tokenatlas snapshot build --from ../shared/data
    """
    from analysis.judging import cluster_store
    from ingest.snapshot import build

    def conclude(scratch: GraphStore) -> None:
        _judge(scratch, threading.Event())
        cluster_store(scratch)

    manifest, coverage = build(
        source,
        target,
        built=date or now()[:10],
        protocol=_protocol(),
        clock=now,
        conclude=conclude,
        progress=terminal.say,
    )
    terminal.print_table(("year", "included", "with a citation to or from another included paper", "share"), coverage)
    terminal.say(", ".join(f"{count:,} {name}" for name, count in manifest.counts.items()) + f" in {target}")


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8501, store: Store = None
) -> None:
    """Open the app on 127.0.0.1.

    Example: tokenatlas serve --port 8502
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            terminal.say(f"Port {port} is taken: stop what uses it, or choose another (make run PORT={port + 1}).")
            raise typer.Exit(FAILED) from None
    if store:
        os.environ["TOKENATLAS_STORE"] = store
    terminal.say(f"Token Atlas: http://127.0.0.1:{port} (Ctrl-C stops it)")
    sys.stdout.flush()
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), f"--server.port={port}"]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter and file, no shell


def _log_unforeseen(error: Exception) -> Path:
    from platformdirs import user_log_path

    path = user_log_path("tokenatlas", appauthor=False, ensure_exists=True) / "tokenatlas.log"
    with path.open("a", encoding="utf-8") as log:
        log.write(f"{now()} tokenatlas {' '.join(sys.argv[1:])}\n")
        log.write("".join(traceback.format_exception(error)) + "\n")
    return path


def main() -> None:
    """Run a command; every error ends here as three lines and an exit code."""
    as_json = "--json" in sys.argv
    try:
        app()
    except Interrupted as error:
        terminal.show_error(error, as_json=as_json)
        sys.exit(STOPPED)
    except InputError as error:
        terminal.show_error(error, as_json=as_json)
        sys.exit(USAGE)
    except AtlasError as error:
        terminal.show_error(error, as_json=as_json)
        sys.exit(FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except Exception as error:  # noqa: BLE001 - the one last resort: the trace goes to a file that the message names
        unforeseen = AtlasError(
            f"Something unforeseen happened: {type(error).__name__}: {error}",
            code="unforeseen",
            where=f"the trace is in {_log_unforeseen(error)}",
            hint="Report it with that file; your store is as it was after the last whole batch.",
        )
        terminal.show_error(unforeseen, as_json=as_json)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
