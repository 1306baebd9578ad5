"""Works that are one: what is united, what stays apart, and that everything can be undone."""

from __future__ import annotations

import pytest

from kg.answers import Upserted
from kg.errors import InputError, NotFound
from kg.model import Batch, Citation, Cluster
from kg.store import GraphStore
from tests.store.records import EVERYTHING, arxiv, cites, decision, doi, judgement, measured, paper, papers


def everything(store: GraphStore) -> object:
    """All answers about all works, merges themselves and the revision left out."""
    known = [row.id for id in store.ids(EVERYTHING) for row in (store.paper(id).row,)]
    seen = dict.fromkeys(known)
    for id in known:
        seen |= dict.fromkeys(row.id for row in store.references(id, where=EVERYTHING, limit=99).rows)
        seen |= dict.fromkeys(row.id for row in store.citers(id, where=EVERYTHING, limit=99).rows)
    return (
        store.counts(),
        [store.paper(id) for id in seen],
        store.table("citations").to_pylist(),
        store.table("specifications").to_pylist(),
        store.neighbourhood(list(seen), where=EVERYTHING, limit=99).links,
        store.decisions(),
        store.reading_lists(),
        {word: store.papers(_text(word), sort="relevance").total for word in ("codec", "model", "venue", "preprint")},
    )


def _text(word: str):  # type: ignore[no-untyped-def]
    from kg.paper_filter import PaperFilter

    return PaperFilter(text=word, include=())


def test_a_record_with_ids_of_a_stub_and_a_paper_joins_them(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(2), citations=(Citation(arxiv(2), doi(1), "lists"),)))
    store.upsert(Batch(papers=(paper(arxiv(1), title="A"),)))
    done = store.upsert(Batch(papers=(paper(arxiv(1), doi(1), title="A", source="openalex"),)))
    assert done == Upserted(papers_changed=1, merges=1)
    assert store.paper(doi(1)).row.id == arxiv(1)
    assert store.paper(arxiv(1)).row.cited_by == 1
    assert store.paper(arxiv(1)).merged == (doi(1),)
    [merge] = store.merges()
    assert (merge.kept, merge.absorbed, merge.undone) == (arxiv(1), doi(1), None)
    assert "One record" in merge.reason


def test_a_real_work_is_kept_over_an_older_stub(store: GraphStore) -> None:
    store.upsert(Batch(citations=(Citation(doi(8), doi(9), "lists"),)))
    store.upsert(Batch(papers=(paper(arxiv(1), title="A"),)))
    store.upsert(Batch(papers=(paper(doi(9), arxiv(1), title="A", source="openalex"),)))
    assert store.paper(doi(9)).row.id == arxiv(1)


def test_of_two_papers_with_one_title_the_older_is_kept(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(doi(1), title="One Codec", venue="Venue"),)))
    store.upsert(Batch(papers=(paper(arxiv(1), title="one codec", abstract="Text."),)))
    assert store.upsert(Batch(papers=(paper(arxiv(1), doi(1), title="One codec", source="openalex"),))).merges == 1
    found = store.paper(arxiv(1))
    assert (found.row.id, found.paper.venue, found.paper.abstract) == (doi(1), "Venue", "Text.")
    assert store.counts().papers == 1


def test_papers_with_different_titles_are_not_merged_by_a_record(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), title="One codec"), paper(doi(1), title="Another thing"))))
    bridge = paper(arxiv(1), doi(1), title="One codec", source="openalex", provenance="file")
    assert store.upsert(Batch(papers=(bridge,))) == Upserted(quarantined=1)
    assert store.upsert(Batch(papers=(bridge,))) == Upserted()
    assert store.counts().papers == 2
    [listed] = store.quarantined()
    assert (listed.source, listed.id, listed.title, listed.provenance) == ("openalex", arxiv(1), "One codec", "file")
    assert "different titles" in listed.reason
    assert store.merges() == []


def test_works_told_apart_and_joined_in_one_batch_are_one_work(store: GraphStore) -> None:
    done = store.upsert(
        Batch(
            papers=(
                paper(doi(1), title="A"),
                paper(arxiv(1), title="A"),
                paper(arxiv(1), doi(1), title="A", source="s2"),
            )
        )
    )
    assert done == Upserted(papers_new=1)
    assert store.merges() == []
    assert store.paper(doi(1)).row.id == arxiv(1)


def fill(store: GraphStore) -> None:
    store.upsert(
        Batch(
            papers=(
                paper(arxiv(1), title="A codec", abstract="Preprint text.", published="2020-01-01", authors=("Ann B",)),
                paper(doi(1), title="The codec", venue="Venue", published="2021", source="openalex", authors=("Cy D",)),
                *papers(2, 3, 4),
            ),
            citations=(
                *cites((2, 1), (1, 4), (3, 4)),
                Citation(arxiv(2), doi(1), "other"),
                Citation(doi(1), arxiv(3), "other", True, ("method",)),
                Citation(doi(1), arxiv(1), "other"),
                Citation(doi(1), doi(77), "other"),
            ),
            judgements={
                arxiv(1): judgement("include", topics=("S1",), token_type="acoustic", quantizers=("RVQ",)),
                doi(1): judgement("exclude", fields=("title",), criteria=(("R1", "not_met"),)),
            },
            measured={doi(1): measured(3.0), arxiv(1): measured(6.0, fields=("title",))},
        )
    )
    store.decide(decision(1, "unclear", time="2025-01-01"))
    store.decide(decision(3, "include", criterion="include", time="2025-01-02"))
    store.add_to_list("mine", [doi(1), arxiv(2)])
    store.put_clusters("run", [Cluster("run", 4, "codec", ("codec",), 2)], {doi(1): 4, arxiv(2): 4})


def test_a_merge_unites_everything(store: GraphStore) -> None:
    fill(store)
    merge = store.merge(doi(1), arxiv(1), "the same work")
    assert (merge.number, merge.kept, merge.absorbed, merge.reason) == (1, doi(1), arxiv(1), "the same work")
    found = store.paper(arxiv(1))
    assert found.paper.ids == (doi(1), arxiv(1))
    assert (found.row.title, found.paper.abstract, found.paper.venue) == ("A codec", "Preprint text.", "Venue")
    assert (found.row.published, found.row.cited_by, found.row.references) == ("2020-01-01", 1, 2)
    assert found.judgement is not None
    assert found.measured is not None
    assert (found.judgement.include, found.row.include, found.row.decided) == ("include", "unclear", True)
    assert (found.row.topics, found.row.bitrates) == (("S1",), (3.0,))
    assert found.lists == ("mine",)
    assert store.counts().papers == 4
    [link] = [link for link in store.table("citations").to_pylist() if link["cited"] == doi(1)]
    assert (link["citing"], link["sources"]) == (arxiv(2), ["lists", "other"])
    assert store.papers(_text("preprint")).rows[0].id == doi(1)


@pytest.mark.parametrize(
    ("kept", "absorbed"), [(doi(1), arxiv(1)), (arxiv(1), doi(1)), (arxiv(1), doi(77)), (doi(77), doi(1))]
)
def test_an_undone_merge_leaves_everything_as_it_was(store: GraphStore, kept: str, absorbed: str) -> None:
    fill(store)
    before = everything(store)
    merge = store.merge(kept, absorbed, "tried")
    assert everything(store) != before
    store.unmerge(merge.number)
    assert everything(store) == before
    assert [(each.number, each.undone is not None) for each in store.merges()] == [(merge.number, True)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_merges_within_merges_are_undone_in_any_order(store: GraphStore, order: tuple[int, int]) -> None:
    fill(store)
    before = everything(store)
    numbers = [store.merge(arxiv(1), doi(1), "first").number, store.merge(arxiv(2), arxiv(1), "second").number]
    assert store.paper(doi(1)).row.id == arxiv(2)
    assert store.paper(arxiv(2)).merged == (arxiv(1), doi(1))
    for place in order:
        store.unmerge(numbers[place])
    assert everything(store) == before


def test_what_comes_after_a_merge_goes_back_with_its_id(store: GraphStore) -> None:
    fill(store)
    number = store.merge(doi(1), arxiv(1), "tried").number
    store.upsert(
        Batch(
            papers=(paper(arxiv(1), title="A codec", venue="New venue", source="s2"), paper(arxiv(5))),
            citations=(Citation(arxiv(5), arxiv(1), "s2"), Citation(arxiv(5), doi(1), "lists")),
        )
    )
    assert store.paper(arxiv(1)).row.cited_by == 2
    store.unmerge(number)
    assert store.paper(arxiv(1)).paper.venue == "New venue"
    assert store.paper(doi(1)).paper.venue == "Venue"
    rows = {(row["citing"], row["cited"]): row["sources"] for row in store.table("citations").to_pylist()}
    assert (rows[arxiv(5), arxiv(1)], rows[arxiv(5), doi(1)]) == (["s2"], ["lists"])
    assert store.paper(arxiv(1)).row.cited_by == 3


def test_a_record_does_not_join_again_what_a_person_took_apart(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), title="A"), paper(doi(1), title="A"))))
    bridge = Batch(papers=(paper(arxiv(1), doi(1), title="A", source="openalex"),))
    assert store.upsert(bridge).merges == 1
    store.unmerge(store.merges()[0].number)
    done = store.upsert(bridge)
    assert (done.merges, done.quarantined) == (0, 1)
    assert "took apart" in store.quarantined()[0].reason
    assert store.counts().papers == 2


def test_a_merge_of_one_work_with_itself_is_refused(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), doi(1)),)))
    before = store.revision()
    with pytest.raises(InputError, match="same work"):
        store.merge(arxiv(1), doi(1), "no")
    with pytest.raises(NotFound):
        store.merge(arxiv(1), arxiv(2), "no")
    with pytest.raises(NotFound):
        store.unmerge(5)
    assert store.revision() == before


def test_a_merge_is_undone_once(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1, 2)))
    number = store.merge(arxiv(1), arxiv(2), "tried").number
    store.unmerge(number)
    with pytest.raises(InputError, match="undone"):
        store.unmerge(number)
