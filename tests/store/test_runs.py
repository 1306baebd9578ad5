"""Commands that changed the store, and the cursors they moved."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kg.errors import NotFound
from kg.model import Batch, Cursor, Run
from kg.store import GraphStore, open_store
from tests.store.records import papers


def test_a_run_is_open_until_it_is_closed(store: GraphStore) -> None:
    assert store.runs() == []
    number = store.begin("ingest arxiv", rules="rules 1", protocol="audio 2", time="2025-01-01T10:00:00+00:00")
    [run] = store.runs()
    assert run == Run(
        number, "ingest arxiv", "2025-01-01T10:00:00+00:00", None, "running", "rules 1", "audio 2", {}
    )  # fmt: skip
    store.end(number, "done", {"papers_new": 3, "requests": 2}, time="2025-01-01T10:05:00+00:00")
    [run] = store.runs()
    assert (run.state, run.ended) == ("done", "2025-01-01T10:05:00+00:00")
    assert run.counts == {"papers_new": 3, "requests": 2}


def test_runs_are_told_newest_first_and_numbers_grow(store: GraphStore) -> None:
    numbers = [store.begin(f"ingest {n}", rules=None, protocol=None, time="2025") for n in range(3)]
    assert numbers == sorted(set(numbers))
    assert [run.number for run in store.runs()] == numbers[::-1]
    assert [run.command for run in store.runs()] == ["ingest 2", "ingest 1", "ingest 0"]
    assert {(run.rules, run.protocol) for run in store.runs()} == {(None, None)}


def test_closing_again_replaces_what_was_reported(store: GraphStore) -> None:
    number = store.begin("ingest", rules=None, protocol=None, time="2025")
    store.end(number, "stopped", {"papers_new": 1}, time="2026")
    revision = store.revision()
    store.end(number, "stopped", {"papers_new": 1}, time="2026")
    assert store.revision() == revision
    store.end(number, "failed", {"errors": 1}, time="2027")
    assert store.revision() == revision + 1
    assert (store.runs()[0].state, store.runs()[0].ended, store.runs()[0].counts) == ("failed", "2027", {"errors": 1})


def test_a_run_that_never_began_cannot_be_closed_or_charged(store: GraphStore) -> None:
    with pytest.raises(NotFound, match="run '7'"):
        store.end(7, "done", {}, time="2025")
    with pytest.raises(NotFound, match="run '7'"):
        store.upsert(Batch(papers=papers(1), run=7), Cursor("arxiv", "a", "1", "2025"))
    assert (store.counts().papers, store.cursor("arxiv", "a"), store.revision()) == (0, None, 0)


def test_a_run_outlives_the_process_that_left_it_open(empty_url: Callable[[], str]) -> None:
    url = empty_url()
    with open_store(url) as store:
        number = store.begin("ingest", rules=None, protocol=None, time="2025")
        revision = store.revision()
    with open_store(url) as store:
        assert [(run.number, run.state, run.ended) for run in store.runs()] == [(number, "running", None)]
        assert store.begin("again", rules=None, protocol=None, time="2025") > number
        assert store.revision() == revision + 1


def test_cursors_are_told_by_source_and_stream(store: GraphStore) -> None:
    assert store.cursors() == []
    written = [
        Cursor("s2", "b", "2", "2025"),
        Cursor("arxiv", "z", "", "2025", True),
        Cursor("s2", "a", "token", "2026", True),
    ]
    for cursor in written:
        store.upsert(Batch(), cursor)
    assert store.cursors() == [written[1], written[2], written[0]]
    assert store.cursors("s2") == [written[2], written[0]]
    assert store.cursors("openalex") == []
