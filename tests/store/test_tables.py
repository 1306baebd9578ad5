"""Whole columns and counts say the same as the papers one by one."""

from __future__ import annotations

import pyarrow as pa
import pytest

from kg.errors import InputError
from kg.model import TOPICS, Batch
from kg.store import GraphStore
from tests.store.records import EVERYTHING, TIME, arxiv, cites, doi, measured, paper, papers
from tests.store.test_filters import fill

COLUMNS = {
    "papers": [
        "id", "title", "year", "published", "venue", "include", "decided", "token_type", "topics", "cited_by",
        "references", "cluster",
    ],
    "citations": ["citing", "cited", "younger", "sources", "influential", "intents"],
    "specifications": ["paper", "year", "quantity", "value", "status", "role", "subject", "text"],
    "quantizers": ["paper", "kind"],
    "ids": ["paper", "id"],
    "authors": ["paper", "position", "name"],
    "fetches": ["paper", "source", "what", "state", "got", "stated", "time"],
    "found": ["paper", "how", "source", "detail", "time"],
    "changes": ["run", "paper", "kind", "field", "old", "new", "time"],
    "vectors": ["paper", "model", "values"],
    "leads": ["paper", "lead", "kind"],
    "stated": ["paper", "source", "references", "citations"],
    "records": ["paper", "source", "title", "published", "authors"],
}  # fmt: skip


@pytest.fixture
def filled(store: GraphStore) -> GraphStore:
    fill(store, 40)
    store.upsert(Batch(citations=cites((1, 900), (900, 1))))
    return store


def test_papers_are_rows_by_id(filled: GraphStore) -> None:
    rows = filled.papers(EVERYTHING, limit=100).rows
    expected = [
        {
            "id": row.id, "title": row.title, "year": row.year, "published": row.published, "venue": row.venue,
            "include": row.include, "decided": row.decided, "token_type": row.token_type, "topics": list(row.topics),
            "cited_by": row.cited_by, "references": row.references, "cluster": row.cluster,
        }
        for row in sorted(rows, key=lambda row: row.id)
    ]  # fmt: skip
    table = filled.table("papers")
    assert table.to_pylist() == expected
    assert table.schema.field("year").type == pa.int32()


def test_citations_are_those_between_papers(filled: GraphStore) -> None:
    known = filled.ids(EVERYTHING)
    links = filled.neighbourhood(known, where=EVERYTHING, limit=len(known)).links
    assert filled.table("citations").to_pylist() == [
        {
            "citing": link.citing, "cited": link.cited, "younger": link.younger, "sources": list(link.sources),
            "influential": link.influential, "intents": None if link.intents is None else list(link.intents),
        }
        for link in links
    ]  # fmt: skip
    assert filled.counts().citations == len(links) == filled.links(known)


def test_numbers_and_quantizers_are_those_of_the_papers(filled: GraphStore) -> None:
    details = [filled.paper(id) for id in filled.ids(EVERYTHING)]
    assert filled.table("specifications").to_pylist() == [
        {
            "paper": each.row.id, "year": each.row.year, "quantity": found.quantity, "value": found.value,
            "status": found.status, "role": found.role, "subject": found.subject,
            "text": found.span.text if found.span else None,
        }
        for each in details
        if each.measured
        for found in each.measured.specifications
    ]  # fmt: skip
    assert filled.table("quantizers").to_pylist() == [
        {"paper": each.row.id, "kind": kind} for each in details for kind in each.row.quantizers
    ]


def test_every_id_leads_to_its_paper_and_every_record_is_as_it_was_told(store: GraphStore) -> None:
    store.upsert(
        Batch(
            papers=(
                paper(arxiv(1), doi(1), title="One", published="2020-01", authors=("Bo Cy", "Ann Day")),
                paper(doi(1), title="One codec", published="2021", source="openalex", authors=()),
                paper(arxiv(2), title="Two", source="s2"),
            ),
            citations=cites((1, 900)),
        )
    )
    store.merge(arxiv(1), arxiv(2), "tried")
    assert store.table("ids").to_pylist() == [
        {"paper": arxiv(1), "id": arxiv(1)},
        {"paper": arxiv(1), "id": arxiv(2)},
        {"paper": arxiv(1), "id": doi(1)},
        {"paper": arxiv(900), "id": arxiv(900)},
    ]
    told = store.table("records").to_pylist()
    assert {row["paper"] for row in told} == {arxiv(1)}
    assert {row["source"]: [row["title"], row["published"], row["authors"]] for row in told} == {
        "arxiv": ["One", "2020-01", ["Bo Cy", "Ann Day"]],
        "openalex": ["One codec", "2021", []],
        "s2": ["Two", None, None],
    }


@pytest.mark.parametrize("name", COLUMNS)
def test_an_empty_store_has_every_column(store: GraphStore, name: str) -> None:
    table = store.table(name)
    assert (table.column_names, table.num_rows) == (COLUMNS[name], 0)


def test_an_unknown_table_is_refused_with_those_there_are(store: GraphStore) -> None:
    with pytest.raises(InputError, match="topics") as caught:
        store.table("topics")
    assert caught.value.expected == ", ".join(sorted(COLUMNS))


def test_leads_are_the_citations_between_a_paper_and_a_stub(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1, 2), citations=cites((1, 2), (1, 900), (901, 1), (900, 901), (2, 900))))
    assert store.table("leads").to_pylist() == [
        {"paper": arxiv(1), "lead": arxiv(901), "kind": "citations"},
        {"paper": arxiv(1), "lead": arxiv(900), "kind": "references"},
        {"paper": arxiv(2), "lead": arxiv(900), "kind": "references"},
    ]


def test_what_each_source_states_is_told_apart(store: GraphStore) -> None:
    store.upsert(
        Batch(
            papers=(
                paper(arxiv(1), source="s2", references_stated=12, citations_stated=3),
                paper(arxiv(1), source="openalex", citations_stated=0),
                paper(arxiv(1), source="arxiv"),
                paper(arxiv(2), source="s2", references_stated=7),
            )
        )
    )
    store.merge(arxiv(1), arxiv(2), "the same")
    assert store.table("stated").to_pylist() == [
        {"paper": arxiv(1), "source": "openalex", "references": None, "citations": 0},
        {"paper": arxiv(1), "source": "s2", "references": 12, "citations": 3},
    ]


def test_authors_are_those_that_the_papers_show(filled: GraphStore) -> None:
    details = [filled.paper(id) for id in filled.ids(EVERYTHING)]
    expected = [
        {"paper": each.row.id, "position": at, "name": author.name}
        for each in details
        for at, author in enumerate(each.paper.authors or ())
    ]
    assert expected
    assert filled.table("authors").to_pylist() == expected


def test_counts_are_those_of_the_papers(filled: GraphStore) -> None:
    details = [filled.paper(id) for id in filled.ids(EVERYTHING)]
    counts = filled.counts()
    included = [each for each in details if each.row.include == "include"]
    assert (counts.papers, counts.stubs) == (40, 21)
    assert counts.authors == len({author.id for each in details for author in each.paper.authors or ()})
    assert counts.topics == {topic: sum(topic in each.row.topics for each in included) for topic in TOPICS}
    assert counts.include == {
        verdict: sum(each.row.include == verdict for each in details) for verdict in ("include", "exclude", "unclear")
    }
    assert counts.unjudged == sum(each.row.include is None for each in details)
    assert counts.specifications == sum(len(each.measured.specifications) for each in details if each.measured)
    assert counts.sources == {
        source: sum(source in {told.source for told in each.sources} for each in details)
        for source in ("arxiv", "openalex", "s2")
    }
    assert (counts.rules, counts.quarantined) == ("rules 1", 0)


def test_an_empty_store_counts_nothing(store: GraphStore) -> None:
    counts = store.counts()
    assert (counts.papers, counts.citations, counts.rules, counts.last_ingest) == (0, 0, None, None)
    assert counts.topics == dict.fromkeys(TOPICS, 0)


def test_the_last_ingest_is_that_of_papers_not_of_judgements(store: GraphStore) -> None:
    from kg.model import Cursor

    store.upsert(Batch(papers=(paper(arxiv(1)),)), Cursor("file", "a", "1", TIME))
    store.upsert(Batch(measured={arxiv(1): measured(1.0)}), Cursor("specs", "a", "1", "2099-01-01T00:00:00+00:00"))
    assert store.counts().last_ingest == TIME


def test_texts_come_in_batches_by_id(filled: GraphStore) -> None:
    details = [filled.paper(id) for id in filled.ids(EVERYTHING)]
    batches = list(filled.texts(batch=7))
    assert [len(batch) for batch in batches] == [7, 7, 7, 7, 7, 5]
    assert [row for batch in batches for row in batch] == [
        (each.row.id, each.row.title, each.paper.abstract) for each in details
    ]
