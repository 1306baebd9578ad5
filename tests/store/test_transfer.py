"""A store copied to another engine and back is the same row by row, and stays usable."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kg.errors import InputError, Interrupted
from kg.model import Batch, Citation, Cursor, Fetch, Found, Vector
from kg.store import GraphStore, open_store
from kg.tables import TABLES
from kg.transfer import SECTIONS, Row, copy
from tests.conftest import ENGINES, ROOT, EmptyStore
from tests.store.records import EVERYTHING, TIME, arxiv, cites, decision, doi, judgement, measured, paper, papers
from tests.store.test_filters import fill

PAIRS = [pair for pair in itertools.product(ENGINES, repeat=2) if pair != ("neo4j", "neo4j")]


def rich(store: GraphStore) -> None:
    """Everything that a store can hold."""
    fill(store, 40)
    known = store.ids(EVERYTHING)
    store.upsert(Batch(citations=cites((1, 900), (900, 2), (901, 900), source="s2")), Cursor("file", "a", "7", "2025"))
    store.upsert(Batch(citations=cites((1, 900), (2, 1), (3, 1))), Cursor("file", "b", "1", "2025", done=True))
    store.upsert(
        Batch(
            papers=(paper(arxiv(950), title="One work"), paper(doi(950), title="Another", source="openalex")),
            judgements={
                arxiv(950): judgement("unclear", topics=("S2",), fields=("title",)),
                doi(950): judgement("include", topics=("S3",), criteria=(("R1", "met"),), quantizers=("VQ",)),
            },
            measured={doi(950): measured(1.5, 6)},
            citations=cites((950, 1), (2, 950)),
        )
    )
    store.add_to_list("later", [arxiv(950), doi(950)])
    store.decide(decision(950, "exclude"))
    first = store.merge(arxiv(950), doi(950), "the same")
    second = store.merge(known[0], known[1], "by mistake")
    store.unmerge(second.number)
    store.merge(known[2], arxiv(950), "all one")
    assert first.number == 1
    store.upsert(Batch(papers=(paper(arxiv(960), arxiv(961), title=" "),)))
    fetched(store)


def fetched(store: GraphStore) -> None:
    """What a run leaves, on works that are one and on one that was."""
    run = store.begin("ingest s2", rules="rules 1", protocol=None, time=TIME)
    store.upsert(
        Batch(
            papers=(
                paper(arxiv(950), title="One work", source="s2", standing="withdrawn", tldr=True),
                paper(doi(950), title="Another", source="s2", open_access="https://a.test/950", tldr=False),
                paper(arxiv(951), standing="retracted", abstract="Words."),
            ),
            citations=(
                Citation(arxiv(1), arxiv(951), "s2", contexts=("We follow it.", "語音")),
                Citation(arxiv(2), doi(950), "s2", contexts=("And this.",)),
            ),
            judgements={arxiv(951): judgement("include", criteria=(("R1", "met"),))},
            fetches=(
                Fetch(arxiv(950), "s2", "references", "truncated", 9, 10, TIME),
                Fetch(doi(950), "s2", "references", "complete", 3, 3, TIME),
                Fetch(arxiv(970), "openalex", "metadata", "unknown", None, None, TIME),
            ),
            found=(
                Found(doi(950), "query", "arxiv", 'abs:"speech"', TIME),
                Found(arxiv(950), "query", "arxiv", 'abs:"speech"', TIME),
                Found(arxiv(970), "list", "file", "mine.csv", TIME),
            ),
            vectors={doi(950): Vector("specter_v2", (0.1, -2.5)), arxiv(951): Vector("specter_v2", (1.0,))},
            run=run,
        ),
        Cursor("s2", "references", "500", TIME),
    )
    store.end(run, "stopped", {"papers_new": 1, "requests": 4}, time=TIME)
    again = store.begin("ingest again", rules=None, protocol="audio 2", time=TIME)
    store.upsert(Batch(papers=(paper(arxiv(951), title="Another title"),), run=again))


def rows(store: GraphStore) -> dict[str, list[Row]]:
    """Everything, section by section."""
    found: dict[str, list[Row]] = {}
    for section in SECTIONS:
        last: int | None = 0
        while last is not None:
            page, last = store.transfer().dump(section, last)
            found.setdefault(section, []).extend(page)
    return found


def answers(store: GraphStore) -> list[object]:
    """What the two stores are asked."""
    known = store.ids(EVERYTHING)
    return [
        [store.paper(id) for id in known],
        [store.table(name).to_pylist() for name in TABLES],
        store.neighbourhood(known, where=EVERYTHING, limit=1_000).links if known else (),
        store.runs(),
        store.cursors(),
        store.papers(EVERYTHING, sort="cited", limit=100),
        store.facets(EVERYTHING),
        store.counts(),
        store.merges(),
        store.decisions(),
        store.reading_lists(),
        store.clusters(),
        store.quarantined(),
        store.cursor("file", "a"),
        store.cursor("file", "b"),
    ]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_copy_is_equal_and_a_second_one_changes_nothing(empty_store: EmptyStore, one: str, other: str) -> None:
    with open_store(empty_store(one)) as source, open_store(empty_store(other)) as target:
        rich(source)
        assert copy(source, target)
        assert rows(target) == rows(source)
        assert answers(target) == answers(source)
        revision = target.revision()
        assert not copy(source, target)
        assert target.revision() == revision


@pytest.mark.parametrize(("one", "other"), [pair for pair in PAIRS if "neo4j" in pair])
def test_a_copy_lives_on_as_the_original(empty_store: EmptyStore, one: str, other: str) -> None:
    with open_store(empty_store(one)) as source, open_store(empty_store(other)) as target:
        rich(source)
        copy(source, target)
        for store in (source, target):
            store.unmerge(1)
            store.upsert(Batch(papers=(*papers(970), paper(doi(971))), citations=cites((970, 1), (970, 980))))
            store.decide(decision(970, "include"))
            run = store.begin("later", rules=None, protocol=None, time=TIME)
            store.upsert(
                Batch(
                    papers=(paper(doi(950), title="Another", source="s2", citations_stated=5), *papers(990)),
                    fetches=(Fetch(doi(950), "s2", "references", "empty", 0, 0, TIME),),
                    found=(Found(arxiv(990), "file", "ris", "mine.ris", TIME),),
                    run=run,
                ),
                Cursor("s2", "references", "1000", TIME),
            )
        before = rows(source)
        after = rows(target)
        for section in (
            "records", "papers", "citations", "merges", "decisions", "readings", "told", "fetches", "found", "vectors",
            "changes", "runs",
        ):  # fmt: skip
            assert [row[:3] for row in after[section]] == [row[:3] for row in before[section]], section


@pytest.mark.parametrize(("one", "other"), [pair for pair in PAIRS if "neo4j" in pair])
def test_an_interrupted_copy_goes_on_where_it_was(empty_store: EmptyStore, one: str, other: str) -> None:
    def stop_at(page: int):  # type: ignore[no-untyped-def]
        seen = itertools.count(1)

        def report(section: str, rows: int) -> None:
            if next(seen) == page:
                raise Interrupted("Stopped")

        return report

    with open_store(empty_store(one)) as source, open_store(empty_store(other)) as target:
        rich(source)
        for page in (3, 4, 5, 6):
            with pytest.raises(Interrupted):
                copy(source, target, report=stop_at(page))
        told = target.transfer().mark()
        assert told is not None
        assert json.loads(told)["section"] == "cursors"
        assert copy(source, target)
        assert rows(target) == rows(source)
        assert answers(target) == answers(source)


def test_a_source_that_moves_is_copied_again(empty_store: EmptyStore) -> None:
    with open_store(empty_store("sqlite")) as source, open_store(empty_store("sqlite")) as target:
        source.upsert(Batch(papers=papers(1, 2)))
        moved = []

        def report(section: str, rows: int) -> None:
            if not moved:
                moved.append(source.upsert(Batch(papers=papers(3))))

        assert copy(source, target, report=report)
        assert rows(target) == rows(source)
        source.upsert(Batch(papers=papers(4)))
        assert copy(source, target)
        assert rows(target) == rows(source)


def test_what_somebody_works_with_is_never_overwritten(empty_store: EmptyStore) -> None:
    with open_store(empty_store("sqlite")) as source, open_store(empty_store("sqlite")) as target:
        source.upsert(Batch(papers=papers(1)))
        target.upsert(Batch(papers=papers(2)))
        with pytest.raises(InputError, match="something else"):
            copy(source, target)
        assert target.ids(EVERYTHING) == [arxiv(2)]
        with open_store(empty_store("sqlite")) as fresh:
            copy(source, fresh)
            fresh.decide(decision(1, "include"))
            with pytest.raises(InputError, match="something else"):
                copy(source, fresh)
        with pytest.raises(InputError, match="itself"):
            copy(source, source)


def test_a_file_that_is_copied_can_be_opened_to_read_only(empty_store: EmptyStore, tmp_path: Path) -> None:
    url = empty_store("sqlite")
    with open_store(url) as source:
        source.upsert(Batch(papers=papers(1)))
    with (
        open_store(url, read_only=True) as source,
        open_store(f"sqlite:///{(tmp_path / 'copy.sqlite').as_posix()}") as target,
    ):
        assert copy(source, target)


def test_the_bundled_corpus_goes_to_a_server_and_comes_back_equal(empty_store: EmptyStore) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "import cli; cli.main()", *arguments],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    first, server, last = empty_store("sqlite"), empty_store("neo4j"), empty_store("sqlite")
    run("load", "--store", first)
    run("copy", "--from", first, "--to", server)
    run("copy", "--from", server, "--to", last)
    told = [json.loads(run("status", "--json", "--store", url)) for url in (first, server, last)]
    for status in told:
        del status["store"], status["engine"], status["last_ingest"]
    assert told[0]["papers"] > 1_000
    assert told[0] == told[1] == told[2]
    with open_store(first) as one, open_store(server) as middle, open_store(last) as other:
        assert rows(one) == rows(middle) == rows(other)
