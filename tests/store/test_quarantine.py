"""Records that cannot be true are kept out of the graph and listed once, with the reason."""

from __future__ import annotations

from dataclasses import replace

from kg.answers import Quarantined, Upserted
from kg.model import Batch
from kg.store import GraphStore
from tests.store.records import EVERYTHING, TIME, arxiv, cites, doi, judgement, paper, papers

LISTED = Quarantined("openalex", "openalex:W1", "A deposit", "Dated after its citers", "file", TIME)


def test_a_work_without_a_title_is_kept_out(store: GraphStore) -> None:
    told = Batch(papers=(replace(paper(arxiv(1)), title=None), replace(paper(arxiv(2)), title=" \n"), *papers(3)))
    assert store.upsert(told) == Upserted(papers_new=1, quarantined=2)
    assert store.upsert(told) == Upserted()
    assert store.ids(EVERYTHING) == [arxiv(3)]
    assert [(each.id, each.reason) for each in store.quarantined()] == [
        (arxiv(1), "It has no title"), (arxiv(2), "It has no title"),
    ]  # fmt: skip
    assert store.counts().quarantined == 2


def test_a_title_known_already_is_enough(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1)))
    bare = replace(paper(arxiv(1), venue="Venue", source="s2"), title=None)
    together = replace(paper(arxiv(2), venue="Venue", source="a"), title=None)
    assert store.upsert(Batch(papers=(bare, together, *papers(2)))) == Upserted(papers_new=1, papers_changed=1)
    assert (store.paper(arxiv(1)).paper.venue, store.paper(arxiv(2)).paper.venue) == ("Venue", "Venue")


def test_what_was_concluded_of_a_record_kept_out_is_left_out_too(store: GraphStore) -> None:
    done = store.upsert(
        Batch(
            papers=(replace(paper(arxiv(1)), title=None), *papers(2)),
            citations=cites((2, 1)),
            judgements={arxiv(2): judgement()},
        )
    )
    assert (done.quarantined, done.judgements, done.stubs_new) == (1, 1, 1)
    assert store.upsert(
        Batch(papers=(replace(paper(arxiv(5)), title=None),), judgements={arxiv(5): judgement()})
    ) == Upserted(quarantined=1)


def test_records_can_be_listed_by_others(store: GraphStore) -> None:
    other = replace(LISTED, id="openalex:W0", title=None, provenance=None)
    assert store.quarantine([LISTED, other, LISTED]) == 2
    revision = store.revision()
    assert store.quarantine([replace(LISTED, time="2026"), other]) == 0
    assert store.revision() == revision
    assert store.quarantined() == [other, LISTED]
    assert store.quarantine([]) == 0


def test_a_nameless_record_adds_to_the_paper_that_its_batch_makes_known(store: GraphStore) -> None:
    batch = Batch(
        papers=(
            paper(arxiv(1), title="A Codec", source="openalex", categories=()),
            paper(arxiv(1), doi(1), doi(2), title=" ", source="openalex", categories=("cs.SD",)),
            paper(doi(2), doi(3), title=" ", source="s2"),
            paper(doi(8), title=" ", source="s2"),
        )
    )
    done = store.upsert(batch)
    assert (done.papers_new, done.quarantined) == (1, 1)
    assert store.resolve([doi(1), doi(2), doi(3), doi(8)]) == dict.fromkeys([doi(1), doi(2), doi(3)], arxiv(1))
    revision = store.revision()
    store.upsert(batch)
    assert store.revision() == revision


def test_a_nameless_record_joins_no_stubs(store: GraphStore) -> None:
    nameless = Batch(papers=(paper(arxiv(1), arxiv(2), title=" "),), citations=cites((1, 2)))
    store.upsert(nameless)
    revision = store.revision()
    store.upsert(nameless)
    assert store.revision() == revision
    assert (store.counts().stubs, store.merges()) == (2, [])
