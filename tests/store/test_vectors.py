"""Embeddings of papers: float32, one per paper and model."""

from __future__ import annotations

import struct

import pytest

from kg.errors import InputError, NotFound
from kg.model import Batch, Vector
from kg.store import GraphStore
from tests.store.records import arxiv, doi, paper, papers


def single(value: float) -> float:
    """The nearest float32."""
    rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return rounded


def table(store: GraphStore) -> list[tuple[str, str, list[float]]]:
    return [(row["paper"], row["model"], row["values"]) for row in store.table("vectors").to_pylist()]


def test_a_vector_is_kept_in_single_precision(store: GraphStore) -> None:
    values = (0.1, -1.5, 3e38, 1e-40, 0.0)
    store.upsert(Batch(papers=papers(1, 2), vectors={arxiv(2): Vector("specter_v2", values)}))
    assert table(store) == [(arxiv(2), "specter_v2", [single(each) for each in values])]
    assert str(store.table("vectors").schema.field("values").type) == "list<item: float>"


def test_the_same_again_changes_nothing_and_another_replaces(store: GraphStore) -> None:
    batch = Batch(papers=papers(1), vectors={arxiv(1): Vector("specter_v2", (0.1, 0.2))})
    store.upsert(batch)
    revision = store.revision()
    store.upsert(batch)
    assert store.revision() == revision
    store.upsert(Batch(vectors={arxiv(1): Vector("specter_v2", (0.5,))}))
    store.upsert(Batch(vectors={arxiv(1): Vector("other", (1.0, 2.0))}))
    assert table(store) == [(arxiv(1), "other", [1.0, 2.0]), (arxiv(1), "specter_v2", [0.5])]


def test_a_paper_shows_its_own_before_that_of_a_work_it_absorbed(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1)), paper(doi(1)))))
    store.upsert(Batch(vectors={doi(1): Vector("m", (2.0,))}))
    number = store.merge(arxiv(1), doi(1), "the same").number
    assert table(store) == [(arxiv(1), "m", [2.0])]
    store.upsert(Batch(vectors={arxiv(1): Vector("m", (1.0,))}))
    assert table(store) == [(arxiv(1), "m", [1.0])]
    store.unmerge(number)
    assert table(store) == [(arxiv(1), "m", [1.0]), (doi(1), "m", [2.0])]


@pytest.mark.parametrize("values", [(), (float("nan"),), (float("inf"), 1.0), (1e300,)])
def test_what_is_no_vector_is_refused_whole(store: GraphStore, values: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="cannot be stored"):
        store.upsert(Batch(papers=papers(1), vectors={arxiv(1): Vector("m", values)}))
    assert store.counts().papers == 0


def test_a_vector_needs_a_paper_and_goes_with_one_that_was_kept_out(store: GraphStore) -> None:
    with pytest.raises(NotFound):
        store.upsert(Batch(vectors={arxiv(1): Vector("m", (1.0,))}))
    done = store.upsert(Batch(papers=(paper(arxiv(1), title=" "),), vectors={arxiv(1): Vector("m", (1.0,))}))
    assert (done.quarantined, table(store)) == (1, [])
