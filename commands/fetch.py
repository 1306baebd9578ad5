"""The commands that ask services: ingest arxiv, s2, ids and references, snowball, complete.

A command is a list of steps. Each plans from what the store then holds, so `--dry-run` can say what it would ask and
how long that takes; then it reads. At the end works that turned out to be one are joined, what is new is judged, and
the run is closed with its report. Ctrl-C and SIGTERM end a command after the page in flight.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.job import Job, Step, run
from kg.errors import InputError
from kg.paper_filter import PaperFilter
from kg.store import GraphStore
from ui import terminal
from ui.options import AsJson, Store

if TYPE_CHECKING:
    from ingest.fetching import Fetched
    from ingest.pipeline import Direction, Plan
    from ingest.transport import Transport

SOURCES = ("arxiv", "s2", "openalex")
TERMS = {"arxiv": "arxiv", "s2": "semantic_scholar"}
"""What the protocol calls the sources in its search terms."""

Query = Annotated[str | None, typer.Option("--query", help="What to search, in the service's own syntax.", metavar="Q")]
ByProtocol = Annotated[bool, typer.Option("--protocol", help="Search the terms of the protocol; so without --query.")]
Since = Annotated[str | None, typer.Option("--since", help="Only what appeared since this day.", metavar="YYYY-MM-DD")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many papers per query.", metavar="N")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many requests and how long; change nothing.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Ask again what was asked lately.")]
NoJudge = Annotated[bool, typer.Option("--no-judge", help="Only store; judge later with `screen` and `specs`.")]
DirectionOption = Annotated[
    str, typer.Option("--direction", help="references, citations or both.", metavar="DIRECTION")
]

ingest_app = typer.Typer()
app = typer.Typer()


@ingest_app.command("arxiv")
def ingest_arxiv(
    query: Query = None,
    protocol: ByProtocol = False,
    since: Since = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    refresh: Refresh = False,
    no_judge: NoJudge = False,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """Papers from arXiv, one request in three seconds, then judge what is new.

    Example: tokenatlas ingest arxiv --since 2026-01-01 --dry-run
    """
    step = _search("arxiv", query, protocol, since, limit)
    words = _words("ingest arxiv", query=query, since=since, limit=limit)
    run(words, [step], store, dry_run=dry_run, refresh=refresh, judge=not no_judge, as_json=as_json)


@ingest_app.command("s2")
def ingest_s2(
    query: Query = None,
    protocol: ByProtocol = False,
    since: Since = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    refresh: Refresh = False,
    no_judge: NoJudge = False,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """Papers from Semantic Scholar; faster with a key in S2_API_KEY. Then judge what is new.

    Example: tokenatlas ingest s2 --query '"audio tokenizer" | "speech tokenizer"' --limit 500
    """
    step = _search("s2", query, protocol, since, limit)
    words = _words("ingest s2", query=query, since=since, limit=limit)
    run(words, [step], store, dry_run=dry_run, refresh=refresh, judge=not no_judge, as_json=as_json)


@ingest_app.command("ids")
def ingest_ids(
    file: Annotated[Path, typer.Argument(help="One id or URL a line; # begins a comment.", metavar="FILE")],
    source: Annotated[str, typer.Option("--source", help="arxiv, s2 or openalex.", metavar="SOURCE")] = "s2",
    dry_run: DryRun = False,
    refresh: Refresh = False,
    no_judge: NoJudge = False,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """Papers of a list of ids, then judge what is new. Lines that are no ids are named and passed over.

    Example: tokenatlas ingest ids reading-list.txt --source arxiv
    """
    from ingest.pipeline import plan_papers, run_list

    _known("--source", source, SOURCES)
    ids, refused = _listed(file)
    step = Step(
        f"papers of {file.name}",
        lambda job: [plan_papers(job.session, job.source(source), ids)],
        lambda job, plans: run_list(job.session, plans[0], file.name),
    )
    run(
        f"ingest ids {file.name} --source {source}", [step], store,
        dry_run=dry_run, refresh=refresh, judge=not no_judge, as_json=as_json, refused=refused,
    )  # fmt: skip


@ingest_app.command("references")
def ingest_references(
    of: Annotated[str, typer.Option("--of", help="included, all, or a file of ids.", metavar="WHICH")] = "included",
    direction: DirectionOption = "both",
    dry_run: DryRun = False,
    refresh: Refresh = False,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """What papers cite and what cites them, from Semantic Scholar, and from OpenAlex where that has gaps.

    Example: tokenatlas ingest references --of included --direction references
    """
    _known("--direction", direction, ("references", "citations", "both"))
    words = _words("ingest references", of=of, direction=direction)
    steps = _lists(lambda store: _of(store, of), _directions(direction))
    run(words, steps, store, dry_run=dry_run, refresh=refresh, judge=False, as_json=as_json)


@app.command()
def complete(dry_run: DryRun = False, refresh: Refresh = False, as_json: AsJson = False, store: Store = None) -> None:
    """What a first start lacks: abstracts, verdicts and numbers from them, references and citers of the included.

    Example: tokenatlas complete --dry-run
    """
    from ingest.completing import included, without_abstract
    from ingest.pipeline import plan_papers, run_details

    abstracts = Step(
        "abstracts",
        lambda job: [plan_papers(job.session, job.source("arxiv"), job.settled("abstracts", without_abstract))],
        lambda job, plans: run_details(job.session, plans[0]),
        judge=True,
    )
    steps = [abstracts, *_lists(included, ("references", "citations"))]
    run("complete", steps, store, dry_run=dry_run, refresh=refresh, judge=True, as_json=as_json)


@app.command()
def snowball(
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How many rounds at most.", metavar="N")] = 1,
    direction: DirectionOption = "references",
    seeds: Annotated[
        Path | None, typer.Option("--seeds", help="A file of ids to start from; else the included.", metavar="FILE")
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            "--threshold", min=0, max=1, help="Stop after a round with a lower share of included.", metavar="SHARE"
        ),
    ] = 0.01,
    dry_run: DryRun = False,
    refresh: Refresh = False,
    as_json: AsJson = False,
    store: Store = None,
) -> None:
    """Follow citations from what belongs: describe what they name, judge it, and go on from what is included.

    Example: tokenatlas snowball --rounds 2 --direction both
    """
    from ingest import snowball as following
    from ingest.pipeline import plan_links

    _known("--direction", direction, ("references", "citations", "both"))
    directions = _directions(direction)
    named = None if seeds is None else _listed(seeds)[0]
    words = _words("snowball", rounds=rounds, direction=direction, seeds=seeds and seeds.name, threshold=threshold)

    def plan(job: Job) -> list[Plan]:
        frontier = job.store.ids(PaperFilter()) if named is None else _works(job.store, named)
        return [plan_links(job.session, job.source("s2"), frontier, each) for each in directions]

    def go(job: Job, plans: list[Plan]) -> Fetched:
        def told(this: following.Round) -> None:
            terminal.say(
                f"Round {this.number}: followed {this.followed:,}, {this.named:,} named and not known before, "
                f"{this.screened:,} screened, {this.included:,} included ({this.gain:.1%})"
            )

        done = following.snowball(
            job.session,
            [job.source("s2"), job.source("openalex")],
            job.source("s2"),
            rounds=rounds,
            directions=directions,
            seeds=None if named is None else _works(job.store, named),
            conclude=job.judge,
            threshold=threshold,
            key=words,
            on_round=told,
        )
        if done.why:
            terminal.say(f"The snowball ended: {done.why}.")
        return done.fetched

    first = Step("lists", plan, go, then="What they name, and further rounds, come on top.")
    run(words, [first], store, dry_run=dry_run, refresh=refresh, judge=True, as_json=as_json)


def _search(name: str, query: str | None, protocol: bool, since: str | None, limit: int | None) -> Step:
    from ingest.pipeline import plan_search, run_search

    if query is not None and protocol:
        raise typer.BadParameter("it is one or the other", param_hint="--query, --protocol")

    def plan(job: Job) -> list[Plan]:
        queries = [query] if query is not None else list(job.protocol.search_terms.get(TERMS[name], ()))
        if not queries:
            raise InputError(
                f"The protocol has no search terms for {name}",
                where=job.protocol.id,
                field=f"search_terms.{TERMS[name]}",
                hint="Give --query, or add terms to the protocol.",
            )
        return plan_search(job.source(name), queries, since=since, limit=limit)

    def check(transport: Transport) -> None:
        from ingest.sources import SOURCES

        if query is not None or since is not None:
            SOURCES[name](transport).search(query if query is not None else "anything", since=since, limit=limit)

    return Step("search", plan, lambda job, plans: run_search(job.session, plans), check=check)


def _lists(whose: Callable[[GraphStore], list[str]], directions: Sequence[Direction]) -> list[Step]:
    """Semantic Scholar's lists, then OpenAlex for the references that it could not give whole, and what they are."""
    from ingest.pipeline import leads, plan_links, plan_papers, run_leads, run_links, second_opinion

    def papers(job: Job) -> list[str]:
        return job.settled("papers", whose)

    def named(job: Job) -> dict[str, list[str]]:
        """OpenAlex names references by its own numbers alone, so it is asked which papers they are."""
        found: dict[str, list[str]] = job.settled(
            "leads",
            lambda store: {
                id: [*led]
                for id, led in leads(store, papers(job), ("references",)).items()
                if id.startswith("openalex:")
            },
        )
        return found

    def asks(direction: Direction) -> Step:
        return Step(
            direction,
            lambda job: [plan_links(job.session, job.source("s2"), papers(job), direction)],
            lambda job, plans: run_links(job.session, plans[0]),
        )

    def gaps(job: Job) -> list[Plan]:
        short = second_opinion(job.store, papers(job), "s2", "references")
        return [plan_links(job.session, job.source("openalex"), short, "references")]

    steps = [asks(direction) for direction in directions]
    if "references" in directions:
        steps += [
            Step(
                "references that are missing",
                gaps,
                lambda job, plans: run_links(job.session, plans[0]),
                then="Where lists turn out to be short, OpenAlex is asked, and what it names is asked for.",
            ),
            Step(
                "what those references are",
                lambda job: [plan_papers(job.session, job.source("openalex"), list(named(job)))],
                lambda job, plans: run_leads(job.session, plans[0], named(job)),
            ),
        ]
    return steps


def _words(verb: str, **options: object) -> str:
    """The command as its run is named: what changes what is asked, in a fixed order."""
    said = (
        f"--{name} {json.dumps(value) if isinstance(value, str) else value}"
        for name, value in options.items()
        if value is not None
    )
    return " ".join((verb, *said))


def _directions(direction: str) -> tuple[Direction, ...]:
    if direction == "both":
        return ("references", "citations")
    return ("references",) if direction == "references" else ("citations",)


def _known(option: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(known)}", param_hint=option)


def _of(store: GraphStore, which: str) -> list[str]:
    from ingest.completing import included, newest

    if which == "included":
        return included(store)
    return newest(store) if which == "all" else _works(store, _listed(Path(which))[0])


def _listed(file: Path) -> tuple[tuple[str, ...], bool]:
    """The ids of a file, and whether lines of it were refused, which are named."""
    from ingest.idlist import read_ids

    listed = read_ids(file)
    for each in listed.refused:
        terminal.say(f"{file}, line {each.line}: {each.reason}: {each.value}")
    if not listed.ids:
        raise InputError(
            "The list holds no id",
            where=str(file),
            field="id",
            hint="Write one arXiv id, DOI, Semantic Scholar or OpenAlex id, or a URL of one, on each line.",
        )
    return listed.ids, bool(listed.refused)


def _works(store: GraphStore, ids: Sequence[str]) -> list[str]:
    """The works of ids that the store knows; the others are named and left out."""
    known = store.resolve(ids)
    for id in ids:
        if id not in known:
            terminal.say(f"{id} is not in the atlas: tokenatlas ingest ids brings it in")
    return list(dict.fromkeys(known[id] for id in ids if id in known))
