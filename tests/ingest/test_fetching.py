"""Streams into a store: pages and positions together, nothing asked twice, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ingest.fetching import EXPIRY, Session, begin, by_query, read
from ingest.source import Page, Stream
from kg.errors import SourceUnavailable
from kg.model import Fetch
from kg.store import GraphStore, open_store
from tests.conftest import EmptyStore
from tests.ingest.scripted import Scripted, paper, told


class Clock:
    """A minute passes at every look."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 1, tzinfo=UTC)

    def __call__(self) -> str:
        self.at += timedelta(minutes=1)
        return self.at.isoformat(timespec="seconds")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(empty_store: EmptyStore) -> Iterator[GraphStore]:
    with open_store(empty_store("sqlite")) as opened:
        yield opened


def session(store: GraphStore, clock: Clock, *, refresh: bool = False, command: str = "test") -> Session:
    return begin(store, command, rules=None, protocol=None, clock=clock, refresh=refresh)


SEARCH = Stream("scripted", "search", "search:tokens", query="tokens")


def two_pages() -> Scripted:
    return Scripted(
        {
            ("search:tokens", ""): told(paper("arxiv:2101.00001"), paper("arxiv:2101.00002"), next="2", total=3),
            ("search:tokens", "2"): told(paper("arxiv:2101.00003"), total=3),
        }
    )


def test_pages_arrive_with_what_was_found_and_how(store: GraphStore, clock: Clock) -> None:
    source = two_pages()
    done = read(session(store, clock), source, [SEARCH], finding=by_query)
    assert (done.pages, done.papers, done.written.papers_new, done.stopped) == (2, 3, 3, False)
    found = store.paper("2101.00003").found
    assert [(each.how, each.source, each.detail) for each in found] == [("query", "scripted", "tokens")]
    assert [(fetch.what, fetch.state) for fetch in store.paper("2101.00001").fetches] == [("metadata", "complete")]
    assert all(fetch.time.startswith("2026-11-01") for fetch in store.paper("2101.00001").fetches)


def test_a_second_run_asks_nothing_that_is_fresh(store: GraphStore, clock: Clock) -> None:
    source = two_pages()
    read(session(store, clock), source, [SEARCH])
    revision = len(source.asked)
    done = read(session(store, clock), source, [SEARCH])
    assert (done.pages, done.asked_before, len(source.asked)) == (0, 1, revision)


def test_what_expired_is_asked_again(store: GraphStore, clock: Clock) -> None:
    source = two_pages()
    first = session(store, clock)
    read(first, source, [SEARCH])
    store.end(first.number, "done", {}, time=clock())
    clock.at += EXPIRY["search"]
    assert read(session(store, clock), source, [SEARCH]).pages == 2


def test_an_error_keeps_what_came_and_the_next_run_goes_on_behind_it(store: GraphStore, clock: Clock) -> None:
    source = two_pages()
    source.pages["search:tokens", "2"] = [
        SourceUnavailable("It does not answer", source="scripted", retryable=True),
        told(paper("arxiv:2101.00003"), total=3),
    ]
    with pytest.raises(SourceUnavailable):
        read(session(store, clock), source, [SEARCH])
    assert store.counts().papers == 2
    done = read(session(store, clock), source, [SEARCH])
    assert (done.pages, store.counts().papers) == (1, 3)
    assert source.asked == [("search:tokens", ""), ("search:tokens", "2"), ("search:tokens", "2")]


def test_stopping_ends_after_the_page_in_flight(store: GraphStore, clock: Clock) -> None:
    source = two_pages()
    asked = False

    def ask() -> None:
        nonlocal asked
        asked = True

    source.before = ask
    done = read(replace(session(store, clock), stop=lambda: asked), source, [SEARCH])
    assert (done.stopped, done.pages, store.counts().papers) == (True, 1, 2)
    assert read(session(store, clock), source, [SEARCH]).pages == 1


def test_refresh_asks_once_however_often_it_is_interrupted(store: GraphStore, clock: Clock) -> None:
    source = two_pages()
    first = session(store, clock)
    read(first, source, [SEARCH])
    store.end(first.number, "done", {}, time=clock())
    asked = False

    def ask() -> None:
        nonlocal asked
        asked = True

    source.before = ask
    again = replace(session(store, clock, refresh=True), stop=lambda: asked)
    assert read(again, source, [SEARCH]).pages == 1  # and then killed: its run stays "running"
    source.before = lambda: None
    assert read(session(store, clock, refresh=True), source, [SEARCH]).pages == 1
    assert source.asked[2:] == [("search:tokens", ""), ("search:tokens", "2")]


def test_a_stream_that_is_too_large_is_read_in_parts_and_resumed_in_them(store: GraphStore, clock: Clock) -> None:
    parts = tuple(Stream("scripted", "search", f"search:tokens@{n}", query="tokens") for n in (1, 2))
    source = Scripted(
        {
            ("search:tokens", ""): Page(instead=parts),
            ("search:tokens@1", ""): told(paper("arxiv:2101.00001")),
            ("search:tokens@2", ""): [
                SourceUnavailable("It does not answer", source="scripted", retryable=True),
                told(paper("arxiv:2101.00002")),
            ],
        }
    )
    with pytest.raises(SourceUnavailable):
        read(session(store, clock), source, [SEARCH])
    done = read(session(store, clock), source, [SEARCH])
    assert (done.pages, done.asked_before, store.counts().papers) == (1, 1, 2)
    assert [key for key, _ in source.asked].count("search:tokens") == 1


def test_an_id_that_the_source_does_not_know_is_kept_as_that(store: GraphStore, clock: Clock) -> None:
    stream = Stream("scripted", "papers", "papers:x", ("arxiv:2101.00009",))
    source = Scripted(
        {
            ("papers:x", ""): Page(
                fetches=(Fetch("arxiv:2101.00009", "scripted", "metadata", "unknown", None, None, ""),),
                found=("arxiv:2101.00009",),
            )
        }
    )
    done = read(session(store, clock), source, [stream], finding=lambda stream, id: ("list", "mine.txt"))
    assert done.unknown == ["arxiv:2101.00009"]
    assert store.counts().stubs == 1
    fetches = store.table("fetches").to_pylist()
    assert [(row["paper"], row["state"]) for row in fetches] == [("arxiv:2101.00009", "unknown")]


def test_changes_stand_on_the_run_that_made_them(store: GraphStore, clock: Clock) -> None:
    stream = Stream("scripted", "papers", "papers:x", ("arxiv:2101.00001",))
    source = Scripted({("papers:x", ""): [told(paper("arxiv:2101.00001")), told(paper("arxiv:2101.00001", "Another"))]})
    first = session(store, clock)
    read(first, source, [stream])
    store.end(first.number, "done", {}, time=clock())
    second = session(store, clock, refresh=True)
    read(second, source, [stream])
    changes = store.table("changes").to_pylist()
    assert [(row["run"], row["kind"], row["field"]) for row in changes] == [
        (first.number, "new", ""),
        (second.number, "field", "title"),
    ]
