"""How a paper came to the atlas: every way once, the first time it was found so."""

from __future__ import annotations

from dataclasses import replace

from kg.model import Batch, Found
from kg.store import GraphStore
from tests.store.records import arxiv, doi, paper, papers

QUERY = Found(arxiv(1), "query", "arxiv", 'abs:"speech tokens"', "2025-01-02")
NAMED = Found(arxiv(1), "references", "s2", arxiv(2), "2025-01-01")


def test_every_way_is_kept_oldest_first(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1), found=(QUERY, NAMED)))
    store.upsert(Batch(found=(replace(QUERY, how="list", source="file", detail="mine.csv", time="2025-01-03"),)))
    found = store.paper(arxiv(1)).found
    assert [(each.how, each.detail) for each in found] == [
        ("references", arxiv(2)), ("query", QUERY.detail), ("list", "mine.csv"),
    ]  # fmt: skip
    assert found[0] == NAMED
    assert store.table("found").to_pylist() == [
        {"paper": each.paper, "how": each.how, "source": each.source, "detail": each.detail, "time": each.time}
        for each in sorted(found, key=lambda each: each.how)
    ]


def test_a_way_is_kept_once_the_first(store: GraphStore) -> None:
    store.upsert(Batch(found=(replace(QUERY, time="2025-01-09"), QUERY, replace(QUERY, time="2025-01-05"))))
    revision = store.revision()
    store.upsert(Batch(found=(replace(QUERY, time="2026"), QUERY, replace(QUERY, time="2024"))))
    assert store.revision() == revision
    assert store.paper(arxiv(1)).found == (QUERY,)


def test_a_paper_of_which_nothing_else_is_known_becomes_a_stub(store: GraphStore) -> None:
    assert store.upsert(Batch(found=(NAMED,))).stubs_new == 1
    assert store.paper(arxiv(1)).row.stub
    assert store.table("found")["paper"].to_pylist() == [arxiv(1)]


def test_ways_follow_a_merge_and_go_back(store: GraphStore) -> None:
    other = replace(QUERY, paper=doi(1), time="2025-01-01")
    store.upsert(Batch(papers=(paper(arxiv(1)), paper(doi(1))), found=(QUERY, other, replace(NAMED, paper=doi(1)))))
    number = store.merge(arxiv(1), doi(1), "the same").number
    shown = store.paper(doi(1)).found
    assert shown == (replace(QUERY, time="2025-01-01"), NAMED)
    assert store.table("found").num_rows == 2
    store.upsert(Batch(found=(replace(other, time="2026"),)))
    store.unmerge(number)
    assert store.paper(arxiv(1)).found == (QUERY,)
    assert store.paper(doi(1)).found == (other, replace(NAMED, paper=doi(1)))


def test_a_detail_is_data_of_any_length(store: GraphStore) -> None:
    detail = "語音 OR 'token' \" ; DROP TABLE papers; MATCH (n) DELETE n " + "word " * 4_000
    store.upsert(Batch(papers=papers(1), found=(replace(QUERY, detail=detail),)))
    assert store.paper(arxiv(1)).found[0].detail == detail
    assert store.counts().papers == 1
