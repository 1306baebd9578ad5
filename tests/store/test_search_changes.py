"""Full text follows what changes, and searches every field."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from kg.model import Batch
from kg.paper_filter import PaperFilter
from kg.store import GraphStore
from tests.store import naive
from tests.store.queries import queries
from tests.store.records import arxiv, doi, paper, papers
from tests.strategies import dirty_titles


@given(title=dirty_titles().filter(lambda title: title.isprintable() and title.strip()), query=queries)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # titles follow each other in one store
def test_any_title_is_found_as_its_tokens_say(store: GraphStore, title: str, query: str) -> None:
    store.upsert(Batch(papers=(paper(doi(1), title=title),)))
    where = PaperFilter(text=query, include=())
    assert store.ids(where) == [each.row.id for each in naive.matching([store.paper(doi(1))], where)]


def test_authors_venue_and_ids_are_searched_and_no_phrase_runs_across(store: GraphStore) -> None:
    told = paper(
        arxiv(1), doi(1), title="A codec", abstract="Model text.", venue="Some Venue", authors=("Ann B", "Cy D")
    )
    store.upsert(Batch(papers=(told,)))
    for query in ("ann", '"cy d"', "venue", "2001.00001", "10.1000/paper.1", "arXiv:2001.00001", '"model text"'):
        assert store.papers(PaperFilter(text=query, include=())).total == 1, query
    for query in ('"codec model"', '"b cy"', '"text ann"', "¶"):
        assert store.papers(PaperFilter(text=query, include=())).total == 0, query


def test_the_index_follows_every_change(store: GraphStore) -> None:
    def total(query: str) -> int:
        return store.papers(PaperFilter(text=query, include=()), sort="relevance").total

    store.upsert(Batch(papers=(paper(arxiv(1), title="First words", abstract="Older text."), *papers(2))))
    store.upsert(
        Batch(papers=(paper(arxiv(1), doi(1), title="Other words", abstract="Newer text.", authors=("Ann B",)),))
    )
    assert [total(query) for query in ("first", "older", "other newer", "ann", "10.1000/paper.1")] == [0, 0, 1, 1, 1]
    number = store.merge(arxiv(2), arxiv(1), "tried").number
    assert (total("newer"), total("2001.00001 2001.00002"), total("words")) == (1, 1, 1)
    store.unmerge(number)
    assert (total("newer"), total("2001.00001 2001.00002"), total("words")) == (1, 0, 1)
