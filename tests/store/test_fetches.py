"""What a source was asked about a paper and what came: the latest answer of each, with the paper it counts for."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from kg.errors import InputError
from kg.model import Batch, Cursor, Fetch
from kg.store import GraphStore
from tests.store.records import EVERYTHING, arxiv, doi, judgement, paper, papers

ASKED = Fetch(arxiv(1), "s2", "references", "truncated", 118, 120, "2025-01-01T00:00:00+00:00")


def told(store: GraphStore, id: str = arxiv(1)) -> list[tuple[object, ...]]:
    return [(each.source, each.what, each.state, each.got, each.stated, each.time) for each in store.paper(id).fetches]


def test_every_answer_of_every_source_is_kept(store: GraphStore) -> None:
    asked = (
        ASKED,
        replace(ASKED, what="citations", state="withheld", got=None, stated=None),
        replace(ASKED, what="metadata", state="complete", got=None, stated=None),
        replace(ASKED, source="openalex", state="empty", got=0, stated=0),
    )
    store.upsert(Batch(papers=papers(1), fetches=asked))
    assert store.paper(arxiv(1)).fetches == (asked[3], asked[1], asked[2], asked[0])
    assert store.table("fetches").to_pylist() == [
        {
            "paper": each.paper, "source": each.source, "what": each.what, "state": each.state, "got": each.got,
            "stated": each.stated, "time": each.time,
        }
        for each in store.paper(arxiv(1)).fetches
    ]  # fmt: skip


def test_that_a_source_does_not_know_a_paper_is_kept_with_its_id_alone(store: GraphStore) -> None:
    done = store.upsert(Batch(fetches=(replace(ASKED, what="metadata", state="unknown", got=None, stated=None),)))
    assert (done.stubs_new, done.papers_new, store.ids(EVERYTHING)) == (1, 0, [])
    assert store.paper(arxiv(1)).row.stub
    assert [each.state for each in store.paper(arxiv(1)).fetches] == ["unknown"]
    assert store.table("fetches")["paper"].to_pylist() == [arxiv(1)]
    store.upsert(Batch(papers=papers(1)))
    assert [each.state for each in store.paper(arxiv(1)).fetches] == ["unknown"]


def test_the_same_answer_again_changes_nothing_but_a_newer_time_does(store: GraphStore) -> None:
    batch = Batch(fetches=(ASKED,))
    store.upsert(batch)
    revision = store.revision()
    store.upsert(batch)
    assert store.revision() == revision
    newer = replace(ASKED, time="2025-02-01T00:00:00+00:00")
    store.upsert(Batch(fetches=(newer,)))
    assert (store.revision(), store.paper(arxiv(1)).fetches) == (revision + 1, (newer,))


def test_the_latest_answer_stands_in_any_order(store: GraphStore) -> None:
    answers = [replace(ASKED, time=f"2025-01-0{n}", got=n) for n in range(1, 4)]
    answers.append(replace(answers[-1], state="complete"))
    expected = None
    for number, order in enumerate(itertools.permutations(answers)):
        here = [replace(each, paper=arxiv(number)) for each in order]
        store.upsert(Batch(fetches=tuple(here)))
        revision = store.revision()
        store.upsert(Batch(fetches=tuple(here[::-1])))
        assert store.revision() == revision
        expected = expected or told(store, arxiv(number))
        assert told(store, arxiv(number)) == expected
        assert expected[0][-1] == "2025-01-03"
    store.upsert(Batch(fetches=(replace(answers[0], paper=arxiv(0)),)))
    assert told(store, arxiv(0)) == expected


def test_answers_follow_a_merge_and_go_back(store: GraphStore) -> None:
    other = replace(ASKED, paper=doi(1), state="complete", got=3, stated=3)
    store.upsert(Batch(papers=(paper(arxiv(1)), paper(doi(1))), fetches=(ASKED, other)))
    number = store.merge(arxiv(1), doi(1), "the same").number
    assert [(each.paper, each.state) for each in store.paper(doi(1)).fetches] == [
        (arxiv(1), "truncated"), (arxiv(1), "complete"),
    ]  # fmt: skip
    assert store.table("fetches")["paper"].to_pylist() == [arxiv(1), arxiv(1)]
    newer = replace(other, state="empty", got=0, stated=0, time="2025-03")
    store.upsert(Batch(fetches=(newer,)))
    store.unmerge(number)
    assert store.paper(arxiv(1)).fetches == (ASKED,)
    assert store.paper(doi(1)).fetches == (newer,)


def test_an_answer_through_another_id_replaces_the_one_before(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), doi(1)),), fetches=(ASKED,)))
    store.upsert(Batch(fetches=(replace(ASKED, paper=doi(1), state="complete", time="2025-02"),)))
    assert [(each.paper, each.state) for each in store.paper(arxiv(1)).fetches] == [(arxiv(1), "complete")]


def test_works_joined_by_the_same_batch_take_their_answers_along(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), title="A"), paper(doi(1), title="A", source="s2")), fetches=(ASKED,)))
    done = store.upsert(
        Batch(
            papers=(paper(arxiv(1), doi(1), title="A", source="openalex"),),
            fetches=(replace(ASKED, paper=doi(1), what="citations"), replace(ASKED, paper=arxiv(1), what="metadata")),
        )
    )
    assert done.merges == 1
    assert [each.what for each in store.paper(doi(1)).fetches] == ["citations", "metadata", "references"]


def test_an_id_that_is_none_leaves_nothing_of_the_batch(store: GraphStore) -> None:
    with pytest.raises(InputError):
        store.upsert(
            Batch(papers=papers(1), fetches=(replace(ASKED, paper="no id at all"),)), Cursor("s2", "a", "1", "2025")
        )
    assert (store.counts().papers, store.cursor("s2", "a"), store.revision()) == (0, None, 0)


def test_asking_again_is_the_last_ingest(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1), fetches=(ASKED,)), Cursor("s2", "a", "1", "2025-01-01"))
    store.upsert(Batch(fetches=(ASKED,)), Cursor("s2", "a", "2", "2025-02-01"))
    assert store.counts().last_ingest == "2025-01-01"
    store.upsert(Batch(fetches=(replace(ASKED, time="2025-03-01"),)), Cursor("s2", "a", "3", "2025-03-01"))
    assert store.counts().last_ingest == "2025-03-01"


def test_what_is_concluded_of_a_paper_that_was_only_asked_about_is_kept_with_it(store: GraphStore) -> None:
    store.upsert(Batch(fetches=(ASKED,), judgements={arxiv(1): judgement("unclear")}))
    assert store.paper(arxiv(1)).row.include == "unclear"
