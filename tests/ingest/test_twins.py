"""Works of a store that are one are joined once, for a reason, and can be taken apart for good."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.files import ingest_papers
from ingest.twins import conflicts, join_twins, taken_apart
from kg.model import Batch, Citation, Paper
from kg.store import GraphStore, open_store
from tests.conftest import ENGINES, EmptyStore
from tests.store.records import EVERYTHING, arxiv, doi, paper

TITLE = "Quiet Brook: a codec for speech tokens"
ANN = ("Ann Example", "Bo Sample")
W1, W2 = "openalex:W1", "openalex:W2"


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, empty_store: EmptyStore) -> Iterator[GraphStore]:
    with open_store(empty_store(request.param)) as opened:
        yield opened


def published(*ids: str, title: str = TITLE, published: str | None = "2021", **told: object) -> Paper:
    told.setdefault("source", "openalex")
    return paper(*ids, title=title, published=published, **told)  # type: ignore[arg-type]


def fill(store: GraphStore, *papers: Paper) -> None:
    for each in papers:
        store.upsert(Batch(papers=(each,)))


PREPRINT = published(arxiv(1), published="2020-01-05", source="arxiv", authors=ANN)


def test_works_become_one_with_a_reason_and_a_second_call_changes_nothing(store: GraphStore) -> None:
    fill(store, published(W1), published(doi(1), authors=("A. Example",)), PREPRINT, published(arxiv(2), title="Other"))
    done = join_twins(store)
    assert (done.works, done.merged, done.held_back, done.stopped) == (4, 2, (), False)
    assert store.ids(EVERYTHING) == [arxiv(1), arxiv(2)]
    assert {merge.absorbed: merge.reason for merge in store.merges()} == {
        W1: "same title, years 2020 and 2021, authors not listed for both",
        doi(1): "same title and first author (ann example), years 2020 and 2021",
    }
    revision = store.revision()
    assert join_twins(store).merged == 0
    assert store.revision() == revision


def test_one_arxiv_paper_in_several_openalex_works_is_one_work(store: GraphStore) -> None:
    fill(store, published(arxiv(1), W1, published="2020"), published(W2, doi(2)), published("openalex:W3"))
    assert join_twins(store).merged == 2
    assert store.ids(EVERYTHING) == [arxiv(1)]
    assert set(store.resolve([W1, W2, "openalex:W3", doi(2), arxiv(1)]).values()) == {arxiv(1)}


def test_counts_are_taken_per_source_and_never_summed(store: GraphStore) -> None:
    fill(
        store,
        published(arxiv(1), published="2020", source="s2", authors=ANN, citations_stated=40, references_stated=30),
        published(W1, citations_stated=25, references_stated=31),
        published(W2, doi(2), citations_stated=12, references_stated=None),
        published(arxiv(8), title="Citing"),
        published(arxiv(9), title="Cited"),
    )
    store.upsert(
        Batch(
            citations=(
                Citation(arxiv(8), arxiv(1), "s2"),
                Citation(arxiv(8), W1, "openalex"),
                Citation(arxiv(8), W2, "openalex"),
                Citation(W1, arxiv(9), "openalex"),
                Citation(W2, arxiv(9), "openalex"),
                Citation(W1, W2, "openalex"),
            )
        )
    )
    assert join_twins(store).merged == 2
    row = store.paper(arxiv(1)).row
    assert (row.citations_stated, store.paper(arxiv(1)).paper.references_stated) == (40, 31)
    assert (row.cited_by, row.references) == (1, 1)
    assert [(row["citing"], row["cited"], row["sources"]) for row in store.table("citations").to_pylist()] == [
        (arxiv(1), arxiv(9), ["openalex"]),
        (arxiv(8), arxiv(1), ["openalex", "s2"]),
    ]
    assert (store.counts().papers, store.counts().citations) == (3, 2)


def test_what_was_taken_apart_is_not_joined_again_by_anyone(store: GraphStore) -> None:
    fill(store, PREPRINT, published(W1))
    join_twins(store)
    store.unmerge(store.merges()[0].number)
    assert taken_apart(store) == {(arxiv(1), W1)}
    done = join_twins(store)
    assert (done.merged, [each.kind for each in done.held_back]) == (0, ["taken apart"])
    assert conflicts(store).pairs == ()
    fill(store, published(W1, title=TITLE.upper()), published("openalex:W3"))
    assert join_twins(store).merged == 0
    assert {each.kind for each in conflicts(store).pairs} == {"ambiguous"}
    store.merge(arxiv(1), W1, "a person changed their mind")
    assert taken_apart(store) == set()
    assert join_twins(store).merged == 1


def test_a_split_holds_after_its_works_were_joined_to_others(store: GraphStore) -> None:
    fill(store, PREPRINT, published(W1))
    number = store.merge(arxiv(1), W1, "tried").number
    store.unmerge(number)
    fill(store, published(doi(5), title="Another title altogether here"))
    store.merge(doi(5), W1, "the same work, says a person")
    assert taken_apart(store) == {(arxiv(1), doi(5))}
    assert join_twins(store).merged == 0


def test_stopping_keeps_what_was_joined_and_the_same_call_goes_on(store: GraphStore) -> None:
    fill(store, PREPRINT, published(W1), published(W2))
    seen: list[tuple[int, int]] = []
    done = join_twins(store, progress=lambda *each: seen.append(each), stop=lambda: bool(seen))
    assert (done.merged, done.stopped, seen) == (1, True, [(1, 2)])
    assert join_twins(store).merged == 1
    assert store.ids(EVERYTHING) == [arxiv(1)]


def test_conflicts_name_both_works_and_records_whose_ids_contradict(store: GraphStore) -> None:
    fill(
        store,
        PREPRINT,
        published(arxiv(2), authors=ANN, published="2020"),
        published(doi(7), title="A wholly other title"),
        published(arxiv(1), doi(7), provenance="file"),
    )
    found = conflicts(store)
    (pair,) = found.pairs
    assert (pair.kind, pair.one.id, pair.other.id) == ("arxiv", arxiv(1), arxiv(2))
    assert (pair.one.title, pair.one.year, pair.other.year) == (TITLE, 2020, 2020)
    assert [record.reason[:20] for record in found.records] == ["Its ids belong to pa"]
    assert found.joinable == 0


@pytest.mark.realdata
def test_every_arxiv_id_of_the_research_data_is_one_work_but_for_two_that_are_named(
    shared_data: Path, tmp_path: Path
) -> None:
    with open_store(f"sqlite:///{tmp_path}/x.sqlite") as store:
        for name in ("arxiv_audio.jsonl.gz", "openalex_works.jsonl.gz"):
            ingest_papers(store, shared_data / name, rejects=tmp_path / "rejects", clock=lambda: "2025-01-01")
        join_twins(store)
        several: dict[str, set[str]] = {}
        with gzip.open(shared_data / "openalex_works.jsonl.gz", "rt", encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                if record["arxiv_id"]:
                    several.setdefault(f"arxiv:{record['arxiv_id']}", set()).add(f"openalex:{record['openalex_id']}")
        several = {arxiv: works for arxiv, works in several.items() if len(works) > 1}
        assert len(several) == 151
        now = store.resolve(sorted({*several, *(work for works in several.values() for work in works)}))
        apart = {arxiv for arxiv, works in several.items() if {now[work] for work in works} != {now[arxiv]}}
        # One was given another title between its versions; of the other, OpenAlex tells the DOI and date of a deposit.
        assert apart == {"arxiv:2107.08661", "arxiv:1502.03167"}
        listed = {(each.one.id, each.other.id) for each in conflicts(store).pairs}
        assert ("arxiv:2107.08661", "openalex:W3186843219") in listed
        assert "doi:10.57702/o9raffed" in {record.id for record in store.quarantined()}
