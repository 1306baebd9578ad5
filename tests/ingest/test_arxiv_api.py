"""arXiv searched over a real socket: windows, limits, positions, and what the package must have."""

from __future__ import annotations

import inspect

import arxiv
import pytest
import requests

from ingest import arxiv_api
from ingest.arxiv_api import ArxivSource
from ingest.source import Source, Stated
from ingest.sources import SOURCES
from kg.errors import InputError
from tests.ingest.arxiv_made import (
    EVERYTHING,
    MADE,
    Ask,
    ids,
    pages,
    params,
    present,
    warnings,
)
from tests.services.server import Services


def test_the_private_names_of_the_package_are_where_they_were() -> None:
    client = arxiv.Client(page_size=7, delay_seconds=0, num_retries=0)
    assert isinstance(client._session, requests.Session)
    assert list(inspect.signature(client._format_url).parameters) == ["search", "start", "page_size"]
    assert next(iter(inspect.signature(client._parse_feed).parameters)) == "url"
    address = client._format_url(arxiv.Search(query="ti:x", id_list=["2107.03312", "cs/0112017"]), 3, 7)
    assert address == (
        "https://export.arxiv.org/api/query?search_query=ti%3Ax&id_list=2107.03312%2Ccs%2F0112017"
        "&sortBy=relevance&sortOrder=descending&start=3&max_results=7"
    )
    assert {"results", "header"} <= set(arxiv._feed.ParsedFeed.__dataclass_fields__)
    assert arxiv._feed.parse((MADE / "records.xml").read_bytes()).results[0].get_short_id() == "2403.00011v4"


def test_it_is_a_source_and_registered(server: Services, ask: Ask) -> None:
    source: Source = ask(server)
    assert source.name == "arxiv"
    assert SOURCES["arxiv"] is ArxivSource
    assert not source.links({"arxiv:2107.03312": Stated()}, "references")
    assert server.requests.total() == 0


@pytest.mark.usefixtures("small")
def test_a_search_gives_every_paper_once_oldest_first(server: Services, ask: Ask) -> None:
    source = ask(server)
    found = pages(source, source.search(EVERYTHING))
    assert ids(found) == present(server)
    assert [len(page.papers) for page in found] == [50, 49, len(present(server)) - 99]
    assert {page.total for page in found} == {len(present(server))}
    assert not warnings(found)
    assert [fetch.paper for page in found for fetch in page.fetches] == ids(found)
    assert {(fetch.source, fetch.what, fetch.state) for page in found for fetch in page.fetches} == {
        ("arxiv", "metadata", "complete")
    }
    assert [each["start"] for each in params(server)] == ["0", "49", "98"]
    assert {each["sortBy"] for each in params(server)} == {"submittedDate"}


@pytest.mark.usefixtures("small")
def test_another_process_goes_on_from_a_position(server: Services, ask: Ask) -> None:
    (stream,) = ask(server).search(EVERYTHING)
    first = ask(server).read(stream, "")
    assert first.next is not None
    second = ask(server).read(stream, first.next)
    assert ids([first, second]) == present(server)[:99]
    # A page that was read and not kept is read again.
    source = ask(server)
    assert source.read(stream, first.next) == second == source.read(stream, first.next)


def test_what_a_search_needs_is_known_before(server: Services, ask: Ask) -> None:
    source = ask(server)
    (stream,) = source.search(EVERYTHING)
    assert source.requests(stream) is None
    assert source.count(stream) == len(present(server))
    assert params(server)[0]["max_results"] == "1"
    assert source.requests(stream) == 1
    assert source.requests(stream, 4000) == 3
    assert source.requests(stream, 9000) == 5
    assert source.requests(stream, 30_000) == 24
    (limited,) = source.search(EVERYTHING, limit=50)
    assert source.requests(limited) == 1
    assert source.requests(source.papers(["arxiv:2107.03312"])[0]) == 1
    assert source.count(source.papers(["arxiv:2107.03312"])[0]) is None


@pytest.mark.usefixtures("small")
def test_requests_are_as_many_as_were_told(server: Services, ask: Ask) -> None:
    source = ask(server)
    (stream,) = source.search(EVERYTHING)
    told = source.requests(stream, source.count(stream))
    server.reset()
    pages(source, [stream])
    assert server.requests["arxiv.query"] == told


def test_since_narrows_a_search_to_a_window(server: Services, ask: Ask) -> None:
    source = ask(server)
    whole = pages(source, source.search(EVERYTHING))
    recent = pages(source, source.search(EVERYTHING, since="2023-06"))
    since = [paper for page in whole for paper in page.papers if paper.published and paper.published.value >= "2023-06"]
    assert 0 < len(since) < len(ids(whole))
    assert ids(recent) == [paper.ids[0] for paper in since]
    assert params(server)[-1]["search_query"] == f"({EVERYTHING}) AND submittedDate:[202306010000 TO 202612310000]"


@pytest.mark.usefixtures("small")
def test_a_limit_gives_the_newest(server: Services, ask: Ask) -> None:
    source = ask(server)
    found = pages(source, source.search(EVERYTHING, limit=70))
    assert ids(found) == present(server)[::-1][:70]
    assert not warnings(found)
    assert [each["max_results"] for each in params(server)] == ["50", "21"]


def test_what_cannot_be_asked_is_refused_before_anything_is_sent(server: Services, ask: Ask) -> None:
    source = ask(server)
    for wrong in (
        lambda: source.search("  "),
        lambda: source.search("codec", limit=0),
        lambda: source.search("codec", since="soon"),
        lambda: source.read(source.search("codec")[0], "nowhere"),
        lambda: source.read(source.search("codec")[0], '{"start": "0"}'),
        lambda: source.read(source.papers(["arxiv:2107.03312"])[0], '{"ids": 7}'),
    ):
        with pytest.raises(InputError):
            wrong()
    assert server.requests.total() == 0


@pytest.mark.usefixtures("small")
def test_a_search_that_is_too_long_is_read_in_windows(
    server: Services, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arxiv_api, "WINDOW", 30)
    monkeypatch.setattr(arxiv_api, "DEEPEST", 40)
    source = ask(server)
    (stream,) = source.search(EVERYTHING)
    first = source.read(stream, "")
    assert not first.papers
    assert first.next is None
    assert first.total == len(present(server))
    assert [(each.since, each.until) for each in first.instead] == [(None, "2016-12-31"), ("2017-01-01", None)]
    found = pages(source, [stream])
    # A paper of the first minute of a day can be in two windows, never in none.
    assert list(dict.fromkeys(ids(found))) == present(server)
    assert len(ids(found)) - len(present(server)) <= 2
    assert all(page.total is not None and page.total <= 30 for page in found if page.papers)
    assert not warnings(found)
    assert len({each.key for page in found for each in page.instead}) == sum(len(page.instead) for page in found)


@pytest.mark.usefixtures("small")
def test_a_limit_holds_over_windows(server: Services, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arxiv_api, "WINDOW", 30)
    source = ask(server)
    found = pages(source, source.search(EVERYTHING, limit=70))
    assert ids(found) == present(server)[::-1][:70]


def test_no_hits_are_believed_when_they_are_said_twice(server: Services, ask: Ask) -> None:
    source = ask(server)
    (page,) = pages(source, source.search("zzzabsent"))
    assert (page.papers, page.total, page.next, page.warnings) == ((), 0, None, ())
    assert server.requests["arxiv.query"] == 2
    server.reset()
    (page,) = pages(source, source.search("zzzabsent", since="2024"))
    assert (page.papers, page.total) == ((), 0)
    assert server.requests["arxiv.query"] == 1
