"""The terminal door: one command per verb.

stdout is data, stderr is for people. Exit codes: 0 done; 1 failed; 2 wrong usage or unreadable input; 3 rejects were
written and the rest is kept; 4 stopped early, the same command resumes; 130 interrupted. An error is three lines: what,
where, fix; anything unforeseen writes its trace to a log file and names it.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from commands import fetch
from kg.clock import utc_now
from kg.errors import AtlasError, InputError, Interrupted, SourceError
from kg.store import GraphStore
from ui import history, process, reading, terminal, work, works
from ui.options import AsJson, Out, Store, opened

if TYPE_CHECKING:
    from analysis.judging import Judged
    from ingest.files import Ingested
    from ingest.twins import Conflicts

ROOT = Path(__file__).resolve().parent
BUNDLE = ROOT / "data" / "corpus"
FAILED, USAGE, REJECTS, STOPPED, INTERRUPTED = 1, 2, 3, 4, 130

Rejects = Annotated[
    Path | None, typer.Option(help="Where lines that cannot be used are listed, with the reason.", metavar="FILE")
]
NoJudge = Annotated[bool, typer.Option("--no-judge", help="Only store; judge later with `screen` and `specs`.")]

app = typer.Typer(
    help="Token Atlas: a living map of research on discrete audio tokens.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
ingest_app = typer.Typer(help="Bring papers and citations in, from files and from services.", no_args_is_help=True)
snapshot_app = typer.Typer(help="The bundled corpus.", no_args_is_help=True)
app.add_typer(reading.app)
app.add_typer(history.app)
app.add_typer(fetch.app)
ingest_app.add_typer(fetch.ingest_app)
app.add_typer(ingest_app, name="ingest")
app.add_typer(snapshot_app, name="snapshot")


def _conflicts(store: GraphStore) -> Conflicts:
    from ingest.twins import conflicts

    return conflicts(store)


app.add_typer(works.commands(_conflicts), name="works")


@app.command()
def load(
    update: Annotated[
        bool, typer.Option("--update", help="Merge a newer bundle into a store that has papers.")
    ] = False,
    source: Annotated[Path, typer.Option("--from", help="Folder of the bundle.", metavar="FOLDER")] = BUNDLE,
    store: Store = None,
) -> None:
    """Load the bundled corpus. Decisions, merges, lists and fetched text stay as they are.

    Example: tokenatlas load --update
    """
    from ingest.bundle import load_bundle
    from kg.exchange.bundle import read_manifest

    read_manifest(source)  # a wrong folder must not leave an empty store behind
    with opened(store, create=True) as into, work.stoppable() as asked, terminal.progress("Loading papers") as bar:
        done = load_bundle(into, source, update=update, clock=utc_now, progress=bar, stop=asked.is_set)
    work.stopped(done.stopped, "Loading")
    if done.up_to_date:
        terminal.say(f"The store already holds this corpus: {done.papers:,} papers.")
    else:
        terminal.say(f"Loaded {done.papers:,} papers and {done.citations:,} citations into {into.url}")


def _judge(into: GraphStore, asked: threading.Event) -> None:
    done = work.judge_store(into, asked.is_set)
    work.stopped(done.stopped, "Judging")
    kept = f"; {done.kept:,} keep a verdict made from more text" if done.kept else ""
    terminal.say(f"Judged {done.read:,} papers{kept}.")


def _ingest(
    paths: list[Path],
    store: str | None,
    rejects: Path | None,
    judge: bool,
    citations: bool,
    columns: dict[str, str] | None = None,
    encoding: str | None = None,
) -> None:
    from ingest.files import ingest_citations, ingest_papers
    from ingest.lines import LineReader
    from ingest.reference_files import ingest_references, recognise

    verbs: list[Callable[..., Ingested]] = []
    for path in paths:  # a mistyped second name must not be found out after an hour with the first
        with LineReader(path):
            pass
        found = None if citations else recognise(path, encoding=encoding, columns=columns)
        if found is not None:
            verbs.append(partial(ingest_references, found=found, columns=columns))
        else:
            verbs.append(ingest_citations if citations else ingest_papers)
    in_part = False
    quarantined = 0
    with opened(store, create=True) as into, work.stoppable() as asked:
        for path, verb in zip(paths, verbs, strict=True):
            with terminal.progress(path.name) as bar:
                done = verb(
                    into, path, rejects=rejects, clock=utc_now, progress=lambda p: bar(p.read, None), stop=asked.is_set
                )
            in_part = in_part or done.rejected > 0 or done.truncated
            quarantined += done.quarantined
            terminal.say(f"{path.name}: {_sentence(done)}")
            for note in done.notes:
                terminal.say(f"{path.name}: {note}")
            work.stopped(done.stopped, path.name)
        if judge and not citations:
            _judge(into, asked)
    if quarantined:
        terminal.say(f"{quarantined:,} records contradict themselves and were kept out: tokenatlas quarantine")
    if in_part:
        raise typer.Exit(REJECTS)


def _mapping(told: list[str]) -> dict[str, str] | None:
    """`FIELD=COLUMN` pairs; commas separate them where a field's name follows, so a column may have one in its name."""
    pairs: dict[str, str] = {}
    for each in (pair for text in told for pair in re.split(r",(?=\s*[A-Za-z0-9]+\s*=)", text)):
        field, equals, column = each.partition("=")
        if not equals or not column.strip():
            raise typer.BadParameter(f"{each!r} is not FIELD=COLUMN", param_hint="--columns")
        pairs[field.strip().lower()] = column.strip()
    return pairs or None


def _sentence(done: Ingested) -> str:
    written = done.written
    parts = [f"read {done.read:,}"]
    for count, what in (
        (written.papers_new, "new papers"),
        (written.papers_changed, "papers changed"),
        (written.citations_new, "new citations"),
        (written.stubs_new, "cited ids of which nothing more is known"),
        (written.merges, "works merged"),
        (written.self_citations, "self-citations dropped"),
        (written.younger, "citations to a younger paper flagged"),
        (done.left_out, "arXiv ids guessed from a title left out"),
        (done.quarantined, "kept out"),
    ):
        if count:
            parts.append(f"{count:,} {what}")
    if done.read == 0 and not done.rejected:
        parts = ["nothing new, it was read before"] if done.resumed_from else ["it is empty"]
    elif done.resumed_from:
        parts.append(f"going on after line {done.resumed_from:,}")
    if done.rejected:
        parts.append(f"{done.rejected:,} lines rejected, listed in {done.rejects}")
    if done.truncated:
        parts.append("the file is damaged and was read up to the damage")
    return "; ".join(parts)


@ingest_app.command("files")
def ingest_files(
    paths: Annotated[
        list[Path],
        typer.Argument(help="BibTeX, RIS, CSL-JSON, CSV, our exports or JSON Lines; plain or .gz.", metavar="PATH..."),
    ],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            help="Which columns of a table hold what, e.g. title=Titel,doi=DOI; usual names are known.",
            metavar="FIELD=COLUMN,...",
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="How the text of reference files is encoded; found out if absent.", metavar="NAME"),
    ] = None,
    rejects: Rejects = None,
    no_judge: NoJudge = False,
    store: Store = None,
) -> None:
    """Papers from files of reference managers, tables, or JSON Lines (arXiv or OpenAlex records); judge what is new.

    Example: tokenatlas ingest files library.bib papers.jsonl.gz
    """
    mapping = _mapping(columns or [])
    _ingest(paths, store, rejects, judge=not no_judge, citations=False, columns=mapping, encoding=encoding)


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


@app.command()
def screen(file: File = None, out: Out = None, rejects: Rejects = None, store: Store = None) -> None:
    """Judge papers against the protocol: a file without any store, or what the store has not judged yet.

    Example: tokenatlas screen papers.jsonl.gz --out verdicts.jsonl
    """
    from analysis.judging import screen_store
    from analysis.screening import Judge, to_record

    judge = Judge()
    done = _conclude(
        file, out, rejects, store, "Judging",
        of_text=lambda id, *text: to_record(id, judge.judge(*text)),
        of_store=lambda into, **how: screen_store(into, judge, **how),
    )  # fmt: skip
    if done:
        kept = f"{done.kept:,} keep a verdict made from more text"
        terminal.say(f"Judged {done.read:,} papers by rules {judge.rules}; {kept}.")


@app.command()
def specs(file: File = None, out: Out = None, rejects: Rejects = None, store: Store = None) -> None:
    """Read bitrates, frame rates, codebooks and other numbers: from a file, or from the store.

    Example: tokenatlas specs papers.jsonl.gz --out numbers.jsonl
    """
    from analysis.judging import measure_store
    from analysis.specifications import Extractor, to_record

    extractor = Extractor()
    done = _conclude(
        file, out, rejects, store, "Reading numbers",
        of_text=lambda id, *text: to_record(id, extractor.extract(*text)),
        of_store=lambda into, **how: measure_store(into, extractor, **how),
    )  # fmt: skip
    if done:
        terminal.say(f"Read the numbers of {done.read:,} papers by rules {extractor.rules}.")


def _conclude(
    file: Path | None,
    out: Path | None,
    rejects: Path | None,
    store: str | None,
    what: str,
    *,
    of_text: Callable[..., dict[str, Any]],
    of_store: Callable[..., Judged],
) -> Judged | None:
    """Work on a file, which needs no store, or on the store; `None` after a file."""
    if file:
        _read_file(file, out, rejects, what, of_text)
        return None
    if out or rejects:
        option = "--out" if out else "--rejects"
        raise typer.BadParameter("it goes with a FILE; without one the store is worked on", param_hint=option)
    with opened(store) as into, work.stoppable() as asked, terminal.progress(what) as bar:
        done = of_store(into, progress=lambda n: bar(n, None), stop=asked.is_set)
    work.stopped(done.stopped, what)
    return done


def _read_file(
    file: Path, out: Path | None, rejects: Path | None, what: str, conclude: Callable[..., dict[str, Any]]
) -> None:
    from ingest.texts import TextReader

    with (
        TextReader(file, rejects=rejects) as texts,
        terminal.writing(out, reading=file) as target,
        work.stoppable() as asked,
        terminal.progress(what) as bar,
    ):
        for number, (id, title, abstract) in enumerate(texts, 1):
            target.write(json.dumps(conclude(id, title, abstract), ensure_ascii=False) + "\n")
            bar(number, None)
            if asked.is_set():
                hint = "The same command starts again from the first line."
                raise Interrupted(f"{what} stopped early; no output was written", where=str(file), hint=hint)
    if texts.damage:
        terminal.say(f"{file} is damaged and was read up to the damage: {texts.damage}")
    if texts.rejected:
        terminal.say(f"{texts.rejected:,} lines could not be used; they are listed in {texts.rejects}")
    if texts.rejected or texts.damage:
        raise typer.Exit(REJECTS)


@app.command()
def cluster(
    k: Annotated[
        int | None, typer.Option("--k", min=2, help="Number of clusters; chosen by silhouette if absent.", metavar="N")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same clusters.", metavar="N")] = 0,
    titles: Annotated[bool, typer.Option("--titles", help="Group by title where most abstracts are absent.")] = False,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """Group the included papers by what their texts say, with labels made of their terms.

    Example: tokenatlas cluster --k 12
    """
    from dataclasses import asdict

    from analysis.judging import cluster_store

    with opened(store) as into:
        found, bare = cluster_store(into, k=k, seed=seed, titles=titles)
    if bare:
        terminal.say(f"{bare:,} of {len(found.ids):,} papers have no abstract in this store: grouped by title alone.")
    if as_json:
        terminal.print_json({"schema": 1, "run": found.run, "clusters": [asdict(each) for each in found.clusters]})
    else:
        terminal.print_table(("cluster", "papers", "terms"), [(c.number, c.size, c.terms) for c in found.clusters])


@snapshot_app.command("build")
def snapshot_build(
    source: Annotated[Path, typer.Option("--from", help="Folder with the research data.", metavar="FOLDER")],
    target: Annotated[Path, typer.Option("--to", help="Folder of the bundle.", metavar="FOLDER")] = BUNDLE,
    date: Annotated[
        str | None, typer.Option(help="Date written into the manifest; today (UTC) if absent.", metavar="DATE")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the bundled corpus: included papers, their citation neighbours, all citations between them; no abstracts.

    Example: tokenatlas snapshot build --from ../shared/data
    """
    from dataclasses import asdict

    from analysis.judging import cluster_store
    from ingest.snapshot import build

    def conclude(scratch: GraphStore) -> None:
        _judge(scratch, threading.Event())
        cluster_store(scratch)

    manifest, coverage = build(
        source,
        target,
        built=date or utc_now()[:10],
        protocol=reading.protocol_name(),
        clock=utc_now,
        conclude=conclude,
        progress=terminal.say,
    )
    columns = ("year", "included", "linked", "share")
    if as_json:
        rows = [dict(zip(columns, row, strict=True)) for row in coverage]
        terminal.print_json({"schema": 1, "manifest": asdict(manifest), "coverage": rows})
    else:
        terminal.say("Included papers with a citation to or from another included paper, per year:")
        terminal.print_table(columns, coverage)
    terminal.say(", ".join(f"{count:,} {name}" for name, count in manifest.counts.items()) + f" in {target}")


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.", metavar="PORT")] = 8501,
    store: Store = None,
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


def _log_unforeseen(error: Exception) -> str:
    """Write the trace where the platform keeps logs, else where temporary files go; says where it is."""
    from platformdirs import user_log_path

    command = re.sub(r"://[^/@\s]+@", "://***@", " ".join(sys.argv[1:]))
    entry = f"{utc_now()} tokenatlas {command}\n" + "".join(traceback.format_exception(error)) + "\n"
    for folder in (user_log_path("tokenatlas", appauthor=False), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "tokenatlas.log").open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(entry)
        except OSError:
            continue
        return f"the trace is in {folder / 'tokenatlas.log'}"
    return "no log could be written"


def _usage(error: TyperException) -> InputError:
    """What Typer refuses, in our own three lines."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "tokenatlas"
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    return InputError(message, where=path, code="input.usage", hint=f"See {path} --help.")


def _stop_now(*_: object) -> None:
    raise Interrupted(
        "Stopped early; everything up to the last whole batch is kept", hint="Run the same command again."
    )


def main() -> None:
    """Run a command; every error ends here as three lines and an exit code."""
    as_json = "--json" in sys.argv
    # A title in any script must not fail on a terminal that claims to know ASCII only.
    for stream, errors in ((sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    signal.signal(signal.SIGTERM, _stop_now)
    process.hold()
    try:
        sys.exit(app(standalone_mode=False, prog_name="tokenatlas"))
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error, file=sys.stderr)
        else:
            terminal.show_error(_usage(error), as_json=as_json)
        sys.exit(USAGE)
    except Interrupted as error:
        terminal.show_error(error, as_json=as_json)
        sys.exit(STOPPED)
    except InputError as error:
        terminal.show_error(error, as_json=as_json)
        sys.exit(USAGE)
    except AtlasError as error:
        terminal.show_error(error, as_json=as_json)
        sys.exit(STOPPED if isinstance(error, SourceError) and error.retryable else FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except Exception as error:  # noqa: BLE001 - the one last resort: the trace goes to a file that the message names
        unforeseen = AtlasError(
            f"Something unforeseen happened: {type(error).__name__}: {error}",
            code="unforeseen",
            where=_log_unforeseen(error),
            hint="Report it with that file; your store is as it was after the last whole batch.",
        )
        terminal.show_error(unforeseen, as_json=as_json)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
