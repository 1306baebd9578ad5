"""What is asked, in which order, and what of the answers is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.fetching import Session, begin
from ingest.pipeline import leads, plan_links, plan_papers, run_leads, run_links, run_list, second_opinion
from ingest.source import Page
from kg.model import Batch, Citation, Fetch, Paper
from kg.store import GraphStore, open_store
from tests.conftest import EmptyStore
from tests.ingest.scripted import Scripted, paper, told

A, B, C = (f"arxiv:2101.0000{n}" for n in range(1, 4))
DOI, NUMBER = "doi:10.5555/b", "openalex:W7"


@pytest.fixture
def store(empty_store: EmptyStore) -> Iterator[GraphStore]:
    with open_store(empty_store("sqlite")) as opened:
        yield opened


def session(store: GraphStore) -> Session:
    return begin(store, "test", rules=None, protocol=None, clock=lambda: "2026-11-01T00:00:00+00:00")


def references(citing: str, *papers: Paper) -> Page:
    """A list of references with light records of what is cited."""
    return Page(
        papers=papers,
        found=tuple(each.ids[0] for each in papers),
        citations=tuple(Citation(citing, each.ids[0], "scripted") for each in papers),
        fetches=(Fetch(citing, "scripted", "references", "complete", len(papers), len(papers), ""),),
    )


def test_a_list_brings_citations_and_no_papers(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(A),)))
    source = Scripted({(f"references:{A}", ""): references(A, paper(B), paper(C))})
    done = run_links(session(store), plan_links(session(store), source, [A], "references"))
    assert (done.written.citations_new, store.counts().papers, store.counts().stubs) == (2, 1, 2)


def test_a_paper_known_by_another_id_is_recognised_in_a_list(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(A), paper(DOI, "On B"))))
    source = Scripted({(f"references:{A}", ""): references(A, Paper((B, DOI), "On B", source="scripted"))})
    run_links(session(store), plan_links(session(store), source, [A], "references"))
    assert store.resolve([B]) == {B: DOI}
    assert (store.counts().papers, store.counts().stubs, store.links([A, DOI])) == (2, 0, 1)


def test_what_is_fresh_and_what_cannot_be_asked_are_left_out(store: GraphStore) -> None:
    store.upsert(
        Batch(
            papers=(paper(A), paper(B), paper("openalex:W9")),
            fetches=(Fetch(A, "scripted", "references", "complete", 0, 0, "2026-10-31T00:00:00+00:00"),),
        )
    )
    plan = plan_links(session(store), Scripted(), [A, B, "openalex:W9"], "references")
    assert ([stream.ids for stream in plan.streams], plan.unaskable, plan.fresh) == ([(B,)], ("openalex:W9",), 1)


def test_an_old_fetch_is_asked_again(store: GraphStore) -> None:
    store.upsert(
        Batch(
            papers=(paper(A),),
            fetches=(Fetch(A, "scripted", "references", "complete", 0, 0, "2026-09-01T00:00:00+00:00"),),
        )
    )
    assert len(plan_links(session(store), Scripted(), [A], "references").streams) == 1


def test_the_id_that_the_source_is_best_asked_by(store: GraphStore) -> None:
    store.upsert(Batch(papers=(Paper((NUMBER, DOI), "On B", source="openalex"),)))
    plan = plan_papers(session(store), Scripted(), [NUMBER])
    assert [stream.ids for stream in plan.streams] == [(DOI,)]


def test_papers_of_a_list_keep_its_name(store: GraphStore) -> None:
    source = Scripted({(f"papers:{A}", ""): told(paper(A))})
    run_list(session(store), plan_papers(session(store), source, [A]), "mine.txt")
    assert [(each.how, each.detail) for each in store.paper(A).found] == [("list", "mine.txt")]


def test_a_second_source_is_asked_where_the_first_has_gaps(store: GraphStore) -> None:
    states = {A: "complete", B: "truncated", C: "empty"}
    store.upsert(
        Batch(
            papers=(paper(A), paper(B), paper(C)),
            fetches=tuple(
                Fetch(id, "scripted", "references", state, 1, 1, "2026-10-31T00:00:00+00:00")  # type: ignore[arg-type]
                for id, state in states.items()
            ),
        )
    )
    assert second_opinion(store, [A, B, C], "scripted", "references") == [B, C]
    assert second_opinion(store, [A, B, C], "scripted", "citations") == []


def test_a_lead_that_is_a_known_paper_becomes_it(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(A), paper(DOI, "On B")), citations=(Citation(A, NUMBER, "openalex"),)))
    source = Scripted({(f"papers:{NUMBER}", ""): told(Paper((NUMBER, DOI), "On B", source="scripted"))})
    source.askable = lambda ids: next((id for id in ids if id.startswith("openalex:")), None)  # type: ignore[method-assign]
    run_leads(session(store), plan_papers(session(store), source, [NUMBER]), leads(store, [A], ("references",)))
    assert store.resolve([NUMBER]) == {NUMBER: DOI}
    assert (store.counts().papers, store.counts().stubs, store.links([A, DOI])) == (2, 0, 1)
    assert [(each.how, each.detail) for each in store.paper(DOI).found] == [("references", A)]


def test_references_of_a_lead_make_no_new_leads(store: GraphStore) -> None:
    store.upsert(Batch(papers=(paper(A),), citations=(Citation(A, B, "scripted"),)))
    page = told(paper(B))
    page = Page(page.papers, (Citation(B, A, "scripted"), Citation(B, C, "scripted")), page.fetches, page.found)
    source = Scripted({(f"papers:{B}", ""): page})
    run_leads(session(store), plan_papers(session(store), source, [B]), leads(store, [A], ("references",)))
    assert (store.counts().papers, store.counts().stubs, store.links([A, B])) == (2, 0, 2)
