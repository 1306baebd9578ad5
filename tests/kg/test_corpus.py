"""What `kg.corpus.Corpus` promises: columns and matrix say the same as the store, positions follow the ids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kg.corpus import Corpus
from kg.model import TOPICS, Batch
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store
from tests.store.records import EVERYTHING, cites, paper
from tests.store.test_filters import fill


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"sqlite:///{(tmp_path / 'store.sqlite').as_posix()}") as opened:
        yield opened


@pytest.fixture
def corpus(store: GraphStore) -> Corpus:
    fill(store)
    store.upsert(Batch(papers=(paper("doi:10.1000/old", published="1990"),), citations=cites((1, 800), (1, 3))))
    return Corpus.load(store)


def test_the_matrix_holds_the_citations(store: GraphStore, corpus: Corpus) -> None:
    ids = store.ids(EVERYTHING)
    assert corpus.papers["id"].to_pylist() == ids
    assert (len(corpus), corpus.citations.shape) == (len(ids), (len(ids), len(ids)))
    rows, columns = corpus.citations.nonzero()
    found = {(ids[a], ids[b]) for a, b in zip(rows.tolist(), columns.tolist(), strict=True)}
    table = store.table("citations")
    assert found == set(zip(table["citing"].to_pylist(), table["cited"].to_pylist(), strict=True))
    assert corpus.citations.dtype == np.bool_
    assert corpus.younger.nnz == sum(table["younger"].to_pylist()) > 0
    assert (corpus.papers["cited_by"].to_numpy() == corpus.citations.sum(axis=0).A1).all()


def test_columns_are_those_of_the_papers(store: GraphStore, corpus: Corpus) -> None:
    rows = sorted(store.papers(EVERYTHING, limit=100).rows, key=lambda row: row.id)
    assert [None if np.isnan(year) else int(year) for year in corpus.years] == [row.year for row in rows]
    assert corpus.topics.tolist() == [[topic in row.topics for topic in TOPICS] for row in rows]
    assert corpus.included.tolist() == [row.include == "include" for row in rows]
    assert corpus.ids(corpus.included) == store.ids(PaperFilter())
    assert corpus.revision == store.revision()


def test_positions_and_ids_lead_back_to_each_other(corpus: Corpus) -> None:
    ids = corpus.papers["id"].to_pylist()
    assert corpus.index_of(ids[::-1]).tolist() == list(range(len(ids)))[::-1]
    assert corpus.index_of([ids[3], "arxiv:2001.00800", "nobody"]).tolist() == [3, -1, -1]
    assert corpus.ids(corpus.index_of(ids[5:8])) == ids[5:8]


def test_an_empty_store_is_an_empty_corpus(store: GraphStore) -> None:
    corpus = Corpus.load(store)
    assert (len(corpus), corpus.citations.shape, corpus.topics.shape) == (0, (0, 0), (0, 4))
    assert (corpus.years.shape, corpus.included.shape, corpus.index_of(["x"]).tolist()) == ((0,), (0,), [-1])


def test_tables_of_different_revisions_are_never_mixed(store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, 20)
    read = type(store).table
    writes = iter(["doi:10.1000/one", "doi:10.1000/two"])

    def table(self: GraphStore, name: str) -> object:
        found = read(self, name)
        if name == "papers" and (id := next(writes, None)):
            store.upsert(Batch(papers=(paper(id),)))
        return found

    monkeypatch.setattr(type(store), "table", table)
    corpus = Corpus.load(store)
    assert corpus.revision == store.revision()
    assert len(corpus) == store.counts().papers == 22
