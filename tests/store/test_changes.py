"""What a run changed: new papers, fields of what a paper shows, what the rules say. Without a run nothing is logged."""

from __future__ import annotations

from typing import Any

import pytest

from kg.errors import NotFound
from kg.model import Batch, Citation, Cursor
from kg.store import GraphStore
from tests.store.records import TIME, arxiv, cites, decision, doi, judgement, measured, paper, papers

Change = tuple[str, str, str, str | None, str | None]


@pytest.fixture
def run(store: GraphStore) -> int:
    return store.begin("ingest", rules="rules 1", protocol=None, time=TIME)


def changes(store: GraphStore) -> list[Change]:
    return [
        (row["paper"], row["kind"], row["field"], row["old"], row["new"]) for row in store.table("changes").to_pylist()
    ]


def write(store: GraphStore, run: int, **parts: Any) -> list[Change]:
    """The lines that a batch adds; written again it adds none and changes nothing."""
    before = changes(store)
    store.upsert(Batch(**parts, run=run))
    after, revision = changes(store), store.revision()
    store.upsert(Batch(**parts, run=run))
    assert (changes(store), store.revision()) == (after, revision)
    assert after[: len(before)] == before
    return after[len(before) :]


def test_without_a_run_nothing_is_logged(store: GraphStore, run: int) -> None:
    store.upsert(Batch(papers=papers(1, 2), citations=cites((1, 2)), judgements={arxiv(1): judgement()}))
    store.upsert(Batch(papers=(paper(arxiv(1), title="Another"),)))
    store.merge(arxiv(1), arxiv(2), "the same")
    assert changes(store) == []


def test_a_new_paper_is_one_line_and_a_stub_none(store: GraphStore, run: int) -> None:
    assert write(store, run, papers=papers(1), citations=cites((1, 2))) == [(arxiv(1), "new", "", None, None)]
    assert write(store, run, papers=papers(2)) == [(arxiv(2), "new", "", None, None)]


def test_every_field_that_a_paper_shows_is_logged_with_old_and_new(store: GraphStore, run: int) -> None:
    store.upsert(
        Batch(papers=(paper(doi(1), title="A", venue="V", published="2020", authors=("Ann",), citations_stated=1),))
    )
    told = paper(
        doi(1), title="B", venue="W", published="2021", authors=("Ann", "Bo"), citations_stated=2,
        references_stated=0, standing="withdrawn", open_access="https://a.test/1.pdf", tldr=True, abstract="Words.",
        categories=("cs.SD",), provenance="page 2",
    )  # fmt: skip
    found = write(store, run, papers=(told,))
    assert [line for line in found if line[2] != "abstract"] == [
        (doi(1), "field", "title", "A", "B"),
        (doi(1), "field", "published", "2020", "2021"),
        (doi(1), "field", "venue", "V", "W"),
        (doi(1), "field", "authors", "Ann", "Ann; Bo"),
        (doi(1), "field", "standing", None, "withdrawn"),
        (doi(1), "field", "references_stated", None, "0"),
        (doi(1), "field", "citations_stated", "1", "2"),
        (doi(1), "field", "open_access", None, "https://a.test/1.pdf"),
    ]
    [abstract] = [line for line in found if line[2] == "abstract"]
    assert abstract[3] is None
    assert abstract[4] is not None
    assert abstract[4].startswith("6 characters, sha256 ")


def test_of_abstracts_and_long_lists_only_a_mark_is_logged(store: GraphStore, run: int) -> None:
    secret, other = "Nobody shall read this. " * 50, "Nobody shall find that. " * 50
    store.upsert(Batch(papers=(paper(arxiv(1), abstract=secret, authors=tuple(f"A {n}" for n in range(30))),)))
    found = write(store, run, papers=(paper(arxiv(1), abstract=other, authors=tuple(f"A {n}" for n in range(31))),))
    assert [line[2] for line in found] == ["abstract", "authors"]
    assert found[0][3] != found[0][4]
    assert all("Nobody" not in str(line) for line in found)
    assert (found[1][3] or "").endswith("A 9; and 20 more")
    assert (found[1][4] or "").endswith("A 9; and 21 more")


def test_what_a_second_source_says_is_logged_only_when_it_shows(store: GraphStore, run: int) -> None:
    store.upsert(Batch(papers=(paper(doi(1), title="A", venue="V", source="arxiv"),)))
    assert write(store, run, papers=(paper(doi(1), title="Z", venue="W", source="s2"),)) == []
    assert write(store, run, papers=(paper(doi(1), title="Z", standing="retracted", source="s2"),)) == [
        (doi(1), "field", "standing", None, "retracted")
    ]


def test_the_first_judgement_logs_the_paper_and_later_ones_every_criterion(store: GraphStore, run: int) -> None:
    store.upsert(Batch(papers=papers(1)))
    first = judgement("unclear", criteria=(("R1", "met"), ("R2", "unclear")), rules="rules 1")
    assert write(store, run, judgements={arxiv(1): first}) == [(arxiv(1), "include", "include", None, "unclear")]
    second = judgement("include", criteria=(("R1", "met"), ("R2", "met"), ("X1", "not_met")), rules="rules 2")
    assert write(store, run, judgements={arxiv(1): second}) == [
        (arxiv(1), "include", "include", "unclear", "include"),
        (arxiv(1), "verdict", "R2", "unclear", "met"),
        (arxiv(1), "verdict", "X1", None, "not_met"),
    ]
    third = judgement("include", criteria=(("R1", "met"), ("R2", "met")), rules="rules 3", topics=("S1",))
    assert write(store, run, judgements={arxiv(1): third}, measured={arxiv(1): measured(1.5)}) == [
        (arxiv(1), "verdict", "X1", "not_met", None)
    ]


def test_what_rules_say_is_logged_where_a_person_decided_otherwise(store: GraphStore, run: int) -> None:
    store.upsert(Batch(papers=papers(1), judgements={arxiv(1): judgement("include", criteria=(("R1", "met"),))}))
    store.decide(decision(1, "exclude"))
    store.decide(decision(1, "unclear", criterion="R1"))
    assert changes(store) == []
    again = judgement("unclear", criteria=(("R1", "not_met"),), rules="rules 2")
    assert write(store, run, judgements={arxiv(1): again}) == [
        (arxiv(1), "include", "include", "include", "unclear"),
        (arxiv(1), "verdict", "R1", "met", "not_met"),
    ]
    assert store.paper(arxiv(1)).row.include == "exclude"


def test_a_judgement_that_was_kept_back_is_not_logged(store: GraphStore, run: int) -> None:
    store.upsert(Batch(papers=papers(1), judgements={arxiv(1): judgement("include")}))
    assert write(store, run, judgements={arxiv(1): judgement("exclude", fields=("title",), rules="rules 2")}) == []


def test_a_new_paper_judged_at_once_is_two_lines(store: GraphStore, run: int) -> None:
    batch = {"papers": papers(2, 1), "judgements": {arxiv(1): judgement("exclude", criteria=(("R1", "not_met"),))}}
    assert write(store, run, **batch) == [
        (arxiv(1), "new", "", None, None),
        (arxiv(1), "include", "include", None, "exclude"),
        (arxiv(2), "new", "", None, None),
    ]


def test_what_a_record_that_joins_two_works_changes_is_logged(store: GraphStore, run: int) -> None:
    store.upsert(
        Batch(
            papers=(paper(arxiv(1), title="A"), paper(doi(1), title="A", venue="V", source="s2")),
            judgements={doi(1): judgement("include")},
            citations=(Citation(doi(1), doi(7), "s2"),),
        )
    )
    found = write(store, run, papers=(paper(arxiv(1), doi(1), title="A", source="openalex", citations_stated=4),))
    assert found == [
        (arxiv(1), "field", "venue", None, "V"),
        (arxiv(1), "field", "citations_stated", None, "4"),
        (arxiv(1), "include", "include", None, "include"),
    ]
    assert write(store, run, papers=(paper(doi(7), title="B"), paper(doi(7), doi(8), title="B", source="s2"))) == [
        (doi(7), "new", "", None, None)
    ]


def test_two_works_joined_of_which_one_is_a_stub_change_nothing_by_that(store: GraphStore, run: int) -> None:
    store.upsert(
        Batch(papers=papers(1), citations=(Citation(arxiv(1), doi(1), "s2"), Citation(arxiv(1), doi(2), "s2")))
    )
    assert write(store, run, papers=(paper(doi(1), doi(2), title="A", source="s2"),)) == [
        (doi(1), "new", "", None, None)
    ]


def test_changes_follow_a_merge_and_go_back(store: GraphStore, run: int) -> None:
    write(store, run, papers=(paper(arxiv(1)), paper(doi(1))))
    number = store.merge(arxiv(1), doi(1), "the same").number
    assert [line[0] for line in changes(store)] == [arxiv(1), arxiv(1)]
    store.unmerge(number)
    assert sorted(line[0] for line in changes(store)) == [arxiv(1), doi(1)]


def test_lines_name_their_run_and_the_time_of_the_batch(store: GraphStore, run: int) -> None:
    store.upsert(Batch(papers=papers(1), run=run), Cursor("arxiv", "a", "1", "2025-05-05"))
    later = store.begin("again", rules=None, protocol=None, time=TIME)
    store.upsert(Batch(papers=papers(2), run=later), Cursor("arxiv", "a", "2", "2025-06-06"))
    assert [(row["run"], row["time"]) for row in store.table("changes").to_pylist()] == [
        (run, "2025-05-05"), (later, "2025-06-06"),
    ]  # fmt: skip


def test_a_batch_that_fails_logs_nothing(store: GraphStore, run: int) -> None:
    with pytest.raises(NotFound):
        store.upsert(Batch(papers=papers(1), measured={arxiv(9): measured(1.5)}, run=run))
    assert changes(store) == []
