"""Dirt in citations: to oneself, told twice, to a younger paper. What is kept of each."""

from __future__ import annotations

import pytest

from kg.answers import Link, Upserted
from kg.model import Batch, Citation
from kg.store import GraphStore
from tests.store.records import EVERYTHING, arxiv, cites, doi, paper, papers


def links(store: GraphStore) -> list[Link]:
    shown = store.ids(EVERYTHING)
    return list(store.neighbourhood(shown, where=EVERYTHING, limit=len(shown)).links)


def test_a_citation_to_oneself_is_dropped_and_counted(store: GraphStore) -> None:
    done = store.upsert(
        Batch(papers=(paper(arxiv(1), doi(1)),), citations=(*cites((1, 1)), Citation(doi(1), arxiv(1), "s")))
    )
    assert done == Upserted(papers_new=1, self_citations=2)
    assert links(store) == []


def test_sources_of_one_citation_are_united(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1, 2), citations=(*cites((1, 2), source="b"), *cites((1, 2), source="c"))))
    done = store.upsert(Batch(citations=(*cites((1, 2), source="a"), *cites((1, 2), source="b"))))
    assert done == Upserted(duplicates=2)
    assert [link.sources for link in links(store)] == [("a", "b", "c")]
    assert store.counts().citations == 1


def test_what_one_source_knows_of_a_citation_another_does_not_erase(store: GraphStore) -> None:
    store.upsert(
        Batch(papers=papers(1, 2), citations=(Citation(arxiv(1), arxiv(2), "s2", True, ("method", "result")),))
    )
    store.upsert(Batch(citations=cites((1, 2), source="lists")))
    store.upsert(Batch(citations=(Citation(arxiv(1), arxiv(2), "s2"),)))
    assert links(store) == [Link(arxiv(1), arxiv(2), False, ("lists", "s2"), True, ("method", "result"))]


def test_a_sources_newer_word_on_a_citation_counts(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1, 2), citations=(Citation(arxiv(1), arxiv(2), "s2", False),)))
    store.upsert(Batch(citations=(Citation(arxiv(1), arxiv(2), "s2", True, ()),)))
    assert (links(store)[0].influential, links(store)[0].intents) == (True, ())


@pytest.mark.parametrize(
    ("citing", "cited", "younger"),
    [
        ("2020-01-05", "2020-01-06", True),
        ("2020-01-05", "2020-01-05", False),
        ("2020-01-05", "2020-02", True),
        ("2020-01-05", "2020-01", False),
        ("2020", "2020-12-31", False),
        ("2020", "2021-01", True),
        ("2020-02", "2019-12-31", False),
        (None, "2021-01", False),
    ],
)
def test_a_citation_to_a_younger_paper_is_kept_and_flagged(
    store: GraphStore, citing: str | None, cited: str, younger: bool
) -> None:
    old, new = paper(doi(1), published=citing), paper(doi(2), published=cited)
    done = store.upsert(Batch(papers=(old, new), citations=(Citation(doi(1), doi(2), "lists"),)))
    assert (done.citations_new, done.younger) == (1, int(younger))
    assert [link.younger for link in links(store)] == [younger]
    assert store.table("citations")["younger"].to_pylist() == [younger]


def test_the_flag_follows_a_date_that_comes_later(store: GraphStore) -> None:
    told = Batch(
        papers=(paper(doi(1)), paper(doi(2), published="2020")), citations=(Citation(doi(1), doi(2), "lists"),)
    )
    assert store.upsert(told).younger == 0
    store.upsert(Batch(papers=(paper(doi(1), published="2019-05"),)))
    assert [link.younger for link in links(store)] == [True]
    store.upsert(Batch(papers=(paper(doi(2), published="2018"),)))
    assert [link.younger for link in links(store)] == [False]


def test_the_flag_knows_the_date_of_a_stub(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(doi(1), published="2019-05"),), citations=(Citation(doi(1), arxiv(2), "lists"),)))
    assert [link.younger for link in store.neighbourhood([doi(1)], where=EVERYTHING).links] == [True]
    store.upsert(Batch(papers=(paper(arxiv(2), published="2019-04-01"),)))
    assert [link.younger for link in links(store)] == [False]


def test_a_citation_through_another_id_is_the_same_citation(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), doi(1)), paper(arxiv(2), doi(2))), citations=cites((1, 2))))
    assert store.upsert(Batch(citations=(Citation(doi(1), doi(2), "lists"),))) == Upserted(duplicates=1)


def test_counts_and_columns_agree(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1, 2, 3, 4), citations=cites((1, 2), (1, 3), (2, 3), (3, 1), (4, 3), (1, 9))))
    table = store.table("citations")
    assert list(zip(table["citing"].to_pylist(), table["cited"].to_pylist(), strict=True)) == [
        (arxiv(1), arxiv(2)), (arxiv(1), arxiv(3)), (arxiv(2), arxiv(3)), (arxiv(3), arxiv(1)), (arxiv(4), arxiv(3)),
    ]  # fmt: skip
    assert store.counts().citations == 5
    assert [(row.cited_by, row.references) for row in store.papers(EVERYTHING, sort="oldest").rows] == [
        (1, 2), (1, 1), (3, 1), (0, 1),
    ]  # fmt: skip


def test_two_sources_told_again_change_nothing(store: GraphStore) -> None:
    store.upsert(Batch(citations=(Citation(arxiv(1), arxiv(2), "arxiv", influential=True),)))
    both = Batch(
        citations=(
            Citation(arxiv(1), arxiv(2), "arxiv"),
            Citation(arxiv(1), arxiv(2), "openalex", influential=False, intents=("method",)),
        )
    )
    store.upsert(both)
    revision = store.revision()
    store.upsert(both)
    assert store.revision() == revision
    link = store.neighbourhood([arxiv(1), arxiv(2)], where=EVERYTHING).links[0]
    assert (link.sources, link.influential, link.intents) == (("arxiv", "openalex"), True, ("method",))


SENTENCES = ("We follow it.", "They differ in 語音.")


def test_sentences_that_cite_are_kept_with_the_citation(store: GraphStore) -> None:
    told = Citation(arxiv(1), arxiv(2), "s2", contexts=SENTENCES)
    store.upsert(Batch(papers=papers(1, 2, 3), citations=(told, *cites((1, 3)))))
    revision = store.revision()
    store.upsert(Batch(citations=(told, Citation(arxiv(1), arxiv(2), "s2"), *cites((1, 3)))))
    assert store.revision() == revision
    assert [link.contexts for link in links(store)] == [SENTENCES, None]
    store.upsert(Batch(citations=(Citation(arxiv(1), arxiv(3), "lists", contexts=()),)))
    assert [link.contexts for link in links(store)] == [SENTENCES, ()]
    path = store.path(arxiv(1), arxiv(2), where=EVERYTHING)
    assert path is not None
    assert path.links[0].contexts == SENTENCES


def test_of_several_sources_the_sentences_of_the_first_stay(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1, 2), citations=(Citation(arxiv(1), arxiv(2), "s2", contexts=("One.",)),)))
    store.upsert(Batch(citations=(Citation(arxiv(1), arxiv(2), "s2", contexts=("Two.",)),)))
    assert links(store)[0].contexts == ("Two.",)
    store.upsert(Batch(citations=(Citation(arxiv(1), arxiv(2), "openalex", contexts=("Three.",)),)))
    store.upsert(Batch(citations=(Citation(arxiv(1), arxiv(2), "s2", contexts=("Four.",)),)))
    assert (links(store)[0].sources, links(store)[0].contexts) == (("openalex", "s2"), ("Two.",))


def test_sentences_follow_a_merge_and_go_back(store: GraphStore) -> None:
    store.upsert(
        Batch(
            papers=(*papers(1, 2), paper(doi(2))),
            citations=(
                Citation(arxiv(1), arxiv(2), "lists"),
                Citation(arxiv(1), doi(2), "s2", contexts=SENTENCES),
            ),
        )
    )
    number = store.merge(arxiv(2), doi(2), "the same").number
    assert [(link.sources, link.contexts) for link in links(store)] == [(("lists", "s2"), SENTENCES)]
    store.upsert(Batch(citations=(Citation(doi(2), arxiv(1), "s2", contexts=("Back.",)),)))
    store.unmerge(number)
    assert sorted((link.citing, link.cited, link.contexts) for link in links(store) if link.contexts) == [
        (arxiv(1), doi(2), SENTENCES), (doi(2), arxiv(1), ("Back.",)),
    ]  # fmt: skip
    assert [link.contexts for link in links(store) if link.cited == arxiv(2)] == [None]
