"""What a person decides is kept beside the rules' verdict, wins, can be withdrawn, and stays in the history."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kg.errors import InputError, NotFound
from kg.model import Batch
from kg.paper_filter import PaperFilter
from kg.store import GraphStore
from tests.store.records import arxiv, decision, doi, judgement, paper, papers


@pytest.fixture
def judged(store: GraphStore) -> GraphStore:
    store.upsert(
        Batch(
            papers=(paper(arxiv(1), doi(1)), *papers(2)),
            judgements={arxiv(n): judgement("include", criteria=(("R1", "met"), ("R2", "unclear"))) for n in (1, 2)},
        )
    )
    return store


def test_a_decision_wins_and_the_verdict_stays_beside_it(judged: GraphStore) -> None:
    judged.decide(decision(1, "exclude"))
    found = judged.paper(arxiv(1))
    assert found.judgement is not None
    assert (found.row.include, found.row.decided, found.judgement.include) == ("exclude", True, "include")
    assert dict(found.decisions) == {"include": decision(1, "exclude")}
    assert judged.ids(PaperFilter()) == [arxiv(2)]
    assert (judged.counts().include["include"], judged.counts().include["exclude"]) == (1, 1)
    assert judged.table("papers")["decided"].to_pylist() == [True, False]


def test_new_rules_do_not_undo_a_decision(judged: GraphStore) -> None:
    judged.decide(decision(1, "exclude"))
    judged.decide(decision(1, "not_met", criterion="R1"))
    judged.upsert(Batch(judgements={arxiv(1): judgement("include", rules="rules 2", criteria=(("R1", "met"),))}))
    assert judged.paper(arxiv(1)).row.include == "exclude"
    assert judged.ids(PaperFilter(include=(), criteria=(("R1", "not_met"),))) == [arxiv(1)]


def test_a_withdrawn_decision_gives_the_rules_their_word_back(judged: GraphStore) -> None:
    first, second = decision(1, "exclude", time="2025-01-01"), decision(1, None, time="2025-01-02")
    judged.decide(first)
    judged.decide(second)
    found = judged.paper(arxiv(1))
    assert (found.row.include, found.row.decided, dict(found.decisions)) == ("include", False, {})
    assert found.history == (second, first)
    assert judged.decisions() == [first, second]


def test_the_last_decision_counts(judged: GraphStore) -> None:
    for verdict, time in (("exclude", "2025-01-01"), ("unclear", "2025-01-03"), ("include", "2025-01-02")):
        judged.decide(decision(1, verdict, time=time))
    assert judged.paper(arxiv(1)).row.include == "unclear"
    assert [each.verdict for each in judged.decisions()] == ["exclude", "include", "unclear"]


def test_a_decision_on_one_criterion_counts_in_filters_and_facets(judged: GraphStore) -> None:
    judged.decide(decision(1, "met", criterion="R2"))
    judged.decide(decision(2, "not_met", criterion="X1"))
    assert judged.ids(PaperFilter(criteria=(("R1", "met"), ("R2", "met")))) == [arxiv(1)]
    assert judged.ids(PaperFilter(criteria=(("X1", "not_met"),))) == [arxiv(2)]
    counted = judged.facets(PaperFilter()).criteria
    assert counted == {("R1", "met"): 2, ("R2", "met"): 1, ("R2", "unclear"): 1, ("X1", "not_met"): 1}
    found = judged.paper(arxiv(1))
    assert found.judgement is not None
    assert [(each.criterion, each.verdict) for each in found.judgement.verdicts] == [("R1", "met"), ("R2", "unclear")]
    assert found.row.include == "include"
    judged.decide(decision(1, None, criterion="R2", time="2026"))
    judged.decide(decision(2, None, criterion="X1", time="2026"))
    assert judged.facets(PaperFilter()).criteria == {("R1", "met"): 2, ("R2", "unclear"): 2}


def test_a_paper_nobody_judged_can_be_decided(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1)))
    store.decide(decision(1, "include"))
    assert store.paper(arxiv(1)).row.include == "include"
    store.decide(decision(1, None, time="2026"))
    assert store.paper(arxiv(1)).row.include is None


def test_the_very_same_decision_is_stored_once(judged: GraphStore) -> None:
    judged.decide(decision(1, "exclude"))
    revision = judged.revision()
    judged.decide(replace(decision(1, "exclude"), paper=doi(1)))
    assert (judged.revision(), len(judged.decisions())) == (revision, 1)
    judged.decide(decision(1, "exclude", time="2026"))
    assert (judged.revision(), len(judged.decisions())) == (revision + 1, 2)


def test_only_verdicts_are_decided_and_only_of_known_papers(judged: GraphStore) -> None:
    before = judged.revision()
    for wrong in (decision(1, "perhaps"), decision(1, "met"), decision(1, "include", criterion="R1")):
        with pytest.raises(InputError, match="verdict"):
            judged.decide(wrong)
    with pytest.raises(NotFound):
        judged.decide(decision(9, "include"))
    assert judged.revision() == before
