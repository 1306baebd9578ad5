"""A judgement stands on the text it was made from: less text never replaces more, the same again changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kg.answers import Upserted
from kg.model import Batch, Judgement, Measured
from kg.paper_filter import PaperFilter
from kg.store import GraphStore
from tests.store.records import arxiv, decision, doi, judgement, measured, paper, papers

TITLE, TEXT = "A codec", "It codes at 1.5 kbps."
BOTH: tuple[str, ...] = ("title", "abstract")


@pytest.fixture
def known(store: GraphStore) -> GraphStore:
    store.upsert(Batch(papers=(paper(arxiv(1), doi(1), title=TITLE, abstract=TEXT),)))
    return store


def judge(store: GraphStore, told: Judgement, id: str = arxiv(1)) -> Upserted:
    return store.upsert(Batch(judgements={id: told}))


def standing(store: GraphStore) -> Judgement | None:
    return store.paper(arxiv(1)).judgement


def test_a_judgement_from_less_text_does_not_replace_one_from_more(known: GraphStore) -> None:
    full, title_only = judgement("include"), judgement("exclude", fields=("title",), rules="rules 2")
    assert judge(known, full).judgements == 1
    revision = known.revision()
    assert judge(known, title_only) == Upserted(judgements_kept=1)
    assert (standing(known), known.revision()) == (full, revision)


def test_a_judgement_from_more_text_replaces_one_from_less(known: GraphStore) -> None:
    judge(known, judgement("exclude", fields=("title",), topics=("S1",), criteria=(("R1", "met"),)))
    full = judgement("include", topics=("S2",), criteria=(("R2", "met"),))
    assert judge(known, full).judgements == 1
    assert standing(known) == full
    assert known.paper(arxiv(1)).row.topics == ("S2",)


def test_newer_rules_replace_older_ones(known: GraphStore) -> None:
    judge(known, judgement("include", rules="rules 1"))
    judge(known, judgement("exclude", rules="rules 2"))
    assert known.paper(arxiv(1)).row.include == "exclude"


def test_the_same_rules_over_the_same_text_change_nothing(known: GraphStore) -> None:
    judge(known, judgement("include"))
    revision = known.revision()
    assert judge(known, judgement("include"), doi(1)) == Upserted()
    assert known.revision() == revision


def test_a_judgement_of_the_present_text_stays_before_one_of_another_text(known: GraphStore) -> None:
    fitting = judgement("include", title=TITLE, abstract=TEXT)
    judge(known, fitting)
    assert (
        judge(known, judgement("exclude", rules="rules 9", title=TITLE, abstract="Other words.")).judgements_kept == 1
    )
    assert standing(known) == fitting


def test_verdicts_come_back_with_their_evidence(known: GraphStore) -> None:
    told = judgement(criteria=(("R2", "unclear"), ("R1", "met")), topics=("S3", "S1"), token_type="semantic")
    judge(known, replace(told, look=True))
    assert standing(known) == replace(told, look=True)


def test_a_judgement_can_come_with_its_paper(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(1), judgements={"https://arxiv.org/abs/2001.00001": judgement()}))
    assert store.paper(arxiv(1)).row.include == "include"


def test_numbers_follow_the_same_rule(known: GraphStore) -> None:
    def rates(told: Measured) -> tuple[float, ...]:
        known.upsert(Batch(measured={arxiv(1): told}))
        return known.paper(arxiv(1)).row.bitrates

    assert rates(measured(6.0, 1.5, 6.0)) == (1.5, 6.0)
    assert rates(measured(3.0, fields=("title",), rules="numbers 2")) == (1.5, 6.0)
    assert rates(measured(3.0, role="compared", rules="numbers 2")) == ()
    assert known.counts().specifications == 1


def texts(store: GraphStore, **asked: str) -> list[str]:
    return [id for batch in store.texts(batch=2, **asked) for id, _, _ in batch]  # type: ignore[arg-type]


def test_only_what_the_rules_have_not_read_is_left_to_do(store: GraphStore) -> None:
    store.upsert(
        Batch(papers=(paper(arxiv(1), title=TITLE, abstract=TEXT), paper(arxiv(2), title=TITLE), *papers(3, 4, 5)))
    )
    assert texts(store) == [arxiv(n) for n in (1, 2, 3, 4, 5)]
    store.upsert(
        Batch(
            judgements={
                arxiv(1): judgement(title=TITLE, abstract=TEXT),
                arxiv(2): judgement(title=TITLE, fields=("title",)),
                arxiv(3): judgement(title="Another title"),
                arxiv(4): judgement(rules="rules 0", title="On 2001.00004"),
            },
            measured={arxiv(5): measured(title="On 2001.00005", fields=("title",))},
        )
    )
    # The third was judged from an abstract that is not kept here, so these rules have read more than its title.
    assert texts(store, unjudged_by="rules 1") == [arxiv(4), arxiv(5)]
    assert texts(store, unmeasured_by="numbers 1") == [arxiv(n) for n in (1, 2, 3, 4)]
    assert texts(store, unjudged_by="rules 1", unmeasured_by="numbers 1") == [arxiv(4)]
    store.upsert(Batch(papers=(paper(arxiv(1), title=TITLE, abstract=TEXT + " And more."),)))
    assert texts(store, unjudged_by="rules 1") == [arxiv(1), arxiv(4), arxiv(5)]


def test_texts_can_be_judged_while_they_are_read(store: GraphStore) -> None:
    store.upsert(Batch(papers=papers(*range(1, 8))))
    read: list[str] = []
    for batch in store.texts(batch=3, unjudged_by="rules 1"):
        read += [id for id, _, _ in batch]
        store.upsert(Batch(judgements={id: judgement(title=title) for id, title, _ in batch}))
    assert read == [arxiv(n) for n in range(1, 8)]
    assert texts(store, unjudged_by="rules 1") == []
    assert store.counts().unjudged == 0


def test_the_default_filter_shows_included_papers_only(store: GraphStore) -> None:
    store.upsert(
        Batch(papers=papers(1, 2, 3, 4), judgements={arxiv(1): judgement("include"), arxiv(2): judgement("unclear")})
    )
    store.decide(decision(3, "include"))
    assert store.ids(PaperFilter()) == [arxiv(1), arxiv(3)]
