"""A work keeps the id it was minted with; every other id, in any spelling, leads to it."""

from __future__ import annotations

import pytest

from kg.answers import Upserted
from kg.errors import NotFound
from kg.model import Batch
from kg.store import GraphStore
from tests.store.records import EVERYTHING, arxiv, cites, doi, paper, papers


def test_a_work_is_minted_from_its_first_id(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), doi(1)), paper("openalex:W7"))))
    assert store.ids(EVERYTHING) == [arxiv(1), "openalex:W7"]


def test_a_better_id_that_comes_later_is_only_another_name(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper("openalex:W7", title="A"),)))
    store.upsert(Batch(papers=(paper(arxiv(1), "openalex:W7", title="A"),)))
    assert store.ids(EVERYTHING) == ["openalex:W7"]
    assert store.paper(arxiv(1)).paper.ids == ("openalex:W7", arxiv(1))


@pytest.mark.parametrize(
    "spelling",
    [
        "2001.00001",
        "arXiv:2001.00001v3",
        "https://arxiv.org/pdf/2001.00001",
        "10.48550/arXiv.2001.00001",
        "10.1000/PAPER.1",
    ],
)
def test_any_spelling_is_understood(store: GraphStore, spelling: str) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), doi(1)), *papers(2)), citations=cites((2, 1))))
    assert store.resolve([spelling]) == {spelling: arxiv(1)}
    assert store.paper(spelling).row.id == arxiv(1)
    assert store.citers(spelling, where=EVERYTHING).total == 1
    assert store.neighbourhood([spelling], where=EVERYTHING).seeds == (arxiv(1),)
    assert store.links([spelling, arxiv(2)]) == 1
    path = store.path(spelling, arxiv(2), where=EVERYTHING)
    assert path is not None
    assert path.rows[0].id == arxiv(1)


def test_ids_nobody_knows_are_left_out(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1)))
    asked = [arxiv(1), arxiv(2), "no id at all", "", "\ud800"]
    assert store.resolve(asked) == {arxiv(1): arxiv(1)}
    assert store.resolve([]) == {}


def test_a_cited_id_is_a_stub_until_a_record_tells_of_it(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1), citations=cites((1, 2))))
    stub = store.paper(arxiv(2))
    assert (stub.row.stub, stub.row.title, stub.row.cited_by) == (True, None, 1)
    assert (stub.row.year, stub.row.published) == (2020, "2020-01")
    assert (store.counts().papers, store.counts().stubs) == (1, 1)
    assert store.ids(EVERYTHING) == [arxiv(1)]

    done = store.upsert(Batch(papers=(paper(arxiv(2), title="Told now"),)))
    assert done == Upserted(papers_new=1)
    told = store.paper(arxiv(2))
    assert (told.row.stub, told.row.title, told.row.cited_by) == (False, "Told now", 1)
    assert store.paper(arxiv(1)).row.references == 1
    assert store.counts().stubs == 0


def test_only_papers_count_as_citing_and_cited(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1), citations=cites((1, 2), (3, 1), (3, 2))))
    assert (store.paper(arxiv(1)).row.references, store.paper(arxiv(1)).row.cited_by) == (0, 0)
    assert store.paper(arxiv(2)).row.cited_by == 1
    store.upsert(Batch(papers=papers(2, 3)))
    assert (store.paper(arxiv(1)).row.references, store.paper(arxiv(1)).row.cited_by) == (1, 1)
    assert (store.paper(arxiv(2)).row.cited_by, store.paper(arxiv(3)).row.references) == (2, 2)
    assert store.counts().citations == 3


def test_a_paper_without_date_takes_the_month_of_its_arxiv_id(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1)), paper(doi(2)))))
    dated = store.paper(arxiv(1)).paper.published
    assert dated is not None
    assert (dated.value, dated.precision, dated.source) == ("2020-01", "month", "arxiv id")
    assert store.paper(doi(2)).row.published is None
    store.upsert(Batch(papers=(paper(doi(2), "arxiv:1812.00009"),)))
    assert store.paper(doi(2)).row.published == "2018-12"


def test_an_unknown_paper_is_named_with_its_neighbours(store: GraphStore) -> None:
    store.upsert(Batch(papers=(*papers(10, 12, 500), paper("doi:10.1000/x", title="Speech codec"))))
    with pytest.raises(NotFound) as caught:
        store.paper("2001.00011")
    assert caught.value.kind == "paper"
    assert set(caught.value.nearest[:2]) == {arxiv(10), arxiv(12)}
    with pytest.raises(NotFound) as caught:
        store.paper("speech codec")
    assert caught.value.nearest == ("doi:10.1000/x",)
    with pytest.raises(NotFound):
        store.references(arxiv(77), where=EVERYTHING)
