"""Reading lists and the one clustering that the store keeps."""

from __future__ import annotations

import pytest

from kg.errors import InputError, NotFound
from kg.model import Batch, Cluster
from kg.paper_filter import PaperFilter
from kg.store import GraphStore
from tests.store.records import EVERYTHING, arxiv, doi, paper, papers

CLUSTERS = (Cluster("run 1", 0, "codecs", ("codec", "bitrate"), 2, 0.1 + 0.2), Cluster("run 1", 7, "語音", (), 1))


@pytest.fixture
def filled(store: GraphStore) -> GraphStore:
    store.upsert(Batch(papers=(paper(arxiv(1), doi(1)), *papers(2, 3))))
    return store


def test_a_list_is_made_and_disappears_with_its_last_paper(filled: GraphStore) -> None:
    assert filled.add_to_list("mine", [arxiv(1), doi(1), arxiv(2)]) == 2
    assert filled.add_to_list("mine", [doi(1)]) == 0
    assert filled.reading_lists() == {"mine": 2}
    assert filled.paper(arxiv(1)).lists == ("mine",)
    assert filled.ids(PaperFilter(include=(), reading_list="mine")) == [arxiv(1), arxiv(2)]
    assert filled.remove_from_list("mine", [doi(1), arxiv(3)]) == 1
    assert filled.remove_from_list("mine", [arxiv(2)]) == 1
    assert filled.reading_lists() == {}


def test_nothing_is_listed_when_one_paper_is_unknown(filled: GraphStore) -> None:
    revision = filled.revision()
    with pytest.raises(NotFound):
        filled.add_to_list("mine", [arxiv(1), arxiv(9)])
    with pytest.raises(InputError):
        filled.add_to_list(" ", [arxiv(1)])
    assert (filled.reading_lists(), filled.revision()) == ({}, revision)


def test_a_clustering_replaces_the_one_before(filled: GraphStore) -> None:
    assert filled.clusters() is None
    filled.put_clusters("run 1", CLUSTERS, {doi(1): 0, arxiv(2): 0, arxiv(3): 7})
    kept = filled.clusters()
    assert kept is not None
    assert (kept.run, kept.clusters) == ("run 1", CLUSTERS)
    assert [row.cluster for row in filled.papers(EVERYTHING, sort="oldest").rows] == [0, 0, 7]
    assert filled.ids(PaperFilter(include=(), cluster=0)) == [arxiv(1), arxiv(2)]
    assert filled.facets(EVERYTHING).clusters == {0: 2, 7: 1}

    revision = filled.revision()
    filled.put_clusters("run 1", CLUSTERS, {arxiv(1): 0, arxiv(2): 0, arxiv(3): 7})
    assert filled.revision() == revision
    filled.put_clusters("run 2", [Cluster("run 2", 1, "all", (), 1)], {arxiv(3): 1})
    assert filled.table("papers")["cluster"].to_pylist() == [None, None, 1]


def test_members_need_a_cluster_and_must_be_known(filled: GraphStore) -> None:
    with pytest.raises(InputError):
        filled.put_clusters("run 1", CLUSTERS, {arxiv(1): 5})
    with pytest.raises(InputError):
        filled.put_clusters("run 9", CLUSTERS, {})
    with pytest.raises(NotFound):
        filled.put_clusters("run 1", CLUSTERS, {arxiv(9): 0})
    assert filled.clusters() is None
