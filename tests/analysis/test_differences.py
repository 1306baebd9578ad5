"""What changed since a run or a date."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analysis.differences import diff
from kg.errors import InputError
from kg.identity import text_sha256
from kg.model import Batch, Decision, Fetch, Include, Judgement, Paper, RunState, Verdict
from kg.store import GraphStore, open_store
from tests.conftest import EmptyStore

A, B = "arxiv:2101.00001", "arxiv:2101.00002"


@pytest.fixture
def store(empty_store: EmptyStore) -> Iterator[GraphStore]:
    with open_store(empty_store("sqlite")) as opened:
        yield opened


def run(store: GraphStore, day: int, batch: Batch, state: RunState = "done") -> int:
    """One run on a day of November that writes a batch."""
    from dataclasses import replace

    number = store.begin("test", rules="1", protocol="p@1", time=f"2026-11-{day:02}T10:00:00+00:00")
    store.upsert(replace(batch, run=number))
    store.end(number, state, {"papers": len(batch.papers)}, time=f"2026-11-{day:02}T10:05:00+00:00")
    return number


def judgement(title: str, include: Include, rules: str, **verdicts: str) -> Judgement:
    return Judgement(
        include, False, tuple(Verdict(name, each) for name, each in verdicts.items()), (), None, (), rules,  # type: ignore[arg-type]
        ("title",), text_sha256(title, None),
    )  # fmt: skip


def test_new_papers_and_those_included_among_them(store: GraphStore) -> None:
    first = run(store, 1, Batch(papers=(Paper((A,), "One", source="arxiv"),)))
    second = run(
        store, 2,
        Batch(
            papers=(Paper((B,), "Two", source="arxiv"),),
            judgements={B: judgement("Two", "include", "1", R1="met")},
        ),
    )  # fmt: skip
    since = diff(store, str(second))
    assert (since.new, since.new_included, since.verdicts, since.fields) == ((B,), (B,), (), ())
    assert [each.number for each in since.runs] == [second]
    assert diff(store, str(first)).new == (A, B)


def test_a_field_that_changed_twice_is_told_once_from_first_to_last(store: GraphStore) -> None:
    run(store, 1, Batch(papers=(Paper((A,), "One", venue="Here", source="arxiv"),)))
    second = run(store, 2, Batch(papers=(Paper((A,), "Two", source="arxiv"),)))
    run(store, 3, Batch(papers=(Paper((A,), "Three", source="arxiv"),)))
    (change,) = diff(store, str(second)).fields
    assert (change.field, change.old, change.new) == ("title", "One", "Three")


def test_what_came_back_to_where_it_was_is_no_change(store: GraphStore) -> None:
    run(store, 1, Batch(papers=(Paper((A,), "One", source="arxiv"),)))
    second = run(store, 2, Batch(papers=(Paper((A,), "Two", source="arxiv"),)))
    run(store, 3, Batch(papers=(Paper((A,), "One", source="arxiv"),)))
    assert diff(store, str(second)).fields == ()


def test_verdicts_that_changed_and_decisions_to_look_at_again(store: GraphStore) -> None:
    run(
        store, 1,
        Batch(papers=(Paper((A,), "One", source="arxiv"),), judgements={A: judgement("One", "include", "1", A1="met")}),
    )  # fmt: skip
    store.decide(Decision(A, "include", "include", "me", "", "2026-11-01T12:00:00+00:00"))
    second = run(store, 2, Batch(judgements={A: judgement("One", "exclude", "2", A1="not_met")}))
    found = diff(store, str(second))
    assert {(each.field, each.old, each.new) for each in found.verdicts} == {
        ("include", "include", "exclude"),
        ("A1", "met", "not_met"),
    }
    assert [(each.paper, each.reason) for each in found.look_again] == [(A, "the rules say exclude now, not include")]


def test_papers_that_a_source_took_back(store: GraphStore) -> None:
    run(store, 1, Batch(papers=(Paper((A,), "One", source="s2"), Paper((B,), "Two", source="s2"))))
    second = run(
        store, 2,
        Batch(
            papers=(Paper((B,), "Two", standing="withdrawn", source="s2"),),
            fetches=(
                Fetch(A, "s2", "metadata", "unknown", None, None, "2026-11-02T10:01:00+00:00"),
                Fetch(B, "arxiv", "metadata", "unknown", None, None, "2026-11-02T10:01:00+00:00"),
            ),
        ),
    )  # fmt: skip
    found = diff(store, str(second))
    assert (found.vanished, found.withdrawn) == ((A,), (B,))


def test_a_date_or_a_run_or_a_clear_error(store: GraphStore) -> None:
    run(store, 1, Batch(papers=(Paper((A,), "One", source="arxiv"),)))
    assert diff(store, "2020-01-01").new == (A,)
    assert diff(store, "2100-01-01").new == ()
    for wrong in ("7", "yesterday", "2026-11"):
        with pytest.raises(InputError) as failed:
            diff(store, wrong)
        assert failed.value.hint
