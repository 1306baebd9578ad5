"""arXiv as a source, over a real socket: the seeded world, lists that we make, and recorded exchanges."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import arxiv
import pytest
import requests

from ingest import arxiv_api
from ingest.arxiv_api import ArxivSource
from ingest.arxiv_checks import EmptyPage
from ingest.source import Page, Source, Stated, Stream
from ingest.sources import SOURCES
from ingest.transport import ATTEMPTS, Limits, Transport
from kg.errors import BadAnswer, InputError, RequestRefused, SourceUnavailable
from tests.services.arxiv_wire import error_feed
from tests.services.asked import ATOM, Asked, Given
from tests.services.clock import OwnClock
from tests.services.recorded import Recorded
from tests.services.server import Services, serving

TODAY = date(2025, 12, 1)
EVERYTHING = "all:the OR all:a OR all:of OR all:and OR all:we OR all:in"
MADE = Path(__file__).parents[1] / "recorded" / "arxiv"
SHORT = Limits(connect_s=2, read_s=0.4, whole_s=0.8, sent_bytes=2_000_000, unpacked_bytes=4_000_000)
HEALING = (
    "429-seconds", "429-date", "429", "500", "502-html", "503-empty", "504", "200-html", "200-empty", "truncated",
    "timeout", "drip", "reset", "closed", "empty-page", "same-page", "wrong-type",
)  # fmt: skip
FINAL = {
    "400": RequestRefused, "403": RequestRefused, "404": RequestRefused, "error-feed": RequestRefused,
    "doctype": BadAnswer, "bomb": BadAnswer, "huge-stated": BadAnswer, "redirect": BadAnswer,
}  # fmt: skip

Ask = Callable[[Services], ArxivSource]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """A source that asks a server, without waiting."""
    with ExitStack() as stack:

        def made(server: Services) -> ArxivSource:
            environ = server.environment | {"TOKENATLAS_CACHE": str(tmp_path)}
            transport = Transport(environ=environ, clock=OwnClock(), chance=lambda: 0.5, limits=SHORT)
            return ArxivSource(stack.enter_context(transport), today=lambda: TODAY)

        yield made


@pytest.fixture(scope="module")
def world() -> Iterator[Services]:
    with serving(papers=160, seed=11) as server:
        yield server


@pytest.fixture
def server(world: Services) -> Iterator[Services]:
    """The world, with a clean log and no faults."""
    world.reset()
    yield world
    world.reset()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of 50 instead of 2,000, so that a small world has several."""
    monkeypatch.setattr(arxiv_api, "PAGE", 50)
    monkeypatch.setattr(arxiv_api, "SMALL_PAGE", 20)
    monkeypatch.setattr(arxiv_api, "BACK", 10)


def present(server: Services) -> list[str]:
    """The ids of the world's papers at arXiv, oldest first as arXiv sorts."""
    rows = [row for row, id in enumerate(server.world.arxiv) if id is not None]
    stamp = {row: (server.world.date(row), row * 397 % 1440, row) for row in rows}
    return [f"arxiv:{server.world.arxiv[row]}" for row in sorted(rows, key=stamp.__getitem__)]


def pages(source: ArxivSource, streams: Sequence[Stream]) -> list[Page]:
    """Every page of streams, those that stand in for others included."""
    queue, found = list(streams), []
    while queue:
        stream = queue.pop(0)
        position: str | None = ""
        while position is not None:
            page = source.read(stream, position)
            found.append(page)
            position = page.next
            queue[:0] = page.instead
            assert len(found) < 400, "reading does not end"
    return found


def ids(found: Sequence[Page]) -> list[str]:
    return [id for page in found for id in page.found]


def warnings(found: Sequence[Page]) -> list[str]:
    return [sentence for page in found for sentence in page.warnings]


def params(server: Services) -> list[dict[str, str]]:
    return [dict(each.params) for each in server.log]


# What the package must have


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


# Searches


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


# Faults


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("kind", HEALING)
def test_a_fault_that_heals_changes_no_search(kind: str, after: int, server: Services, ask: Ask) -> None:
    source = ask(server)
    server.fault("arxiv.query", kind, 1, after=after)
    found = pages(source, source.search(EVERYTHING))
    assert ids(found) == present(server)
    assert not warnings(found)
    healed = server.requests["arxiv.query"]
    # The same page before any page is the first page itself; an empty page is asked for again in smaller ones.
    assert healed == 3 if (kind, after) == ("same-page", 0) else healed in (4, 5)


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("kind", HEALING)
def test_a_fault_that_heals_changes_no_list(kind: str, after: int, server: Services, ask: Ask) -> None:
    source = ask(server)
    asked = present(server)[::-1]
    server.fault("arxiv.query", kind, 1, after=after)
    found = pages(source, source.papers(asked))
    assert sorted(ids(found)) == sorted(asked)
    assert not warnings(found)
    assert {fetch.state for page in found for fetch in page.fetches} == {"complete"}
    assert server.requests["arxiv.query"] == 2 + ((kind, after) != ("same-page", 0))


@pytest.mark.parametrize("kind", sorted(FINAL))
def test_a_fault_that_does_not_heal_ends_at_once(kind: str, server: Services, ask: Ask) -> None:
    source = ask(server)
    for streams in (source.search(EVERYTHING), source.papers(present(server)[:3])):
        server.reset()
        server.fault("arxiv.query", kind, None)
        with pytest.raises(FINAL[kind]) as refused:
            pages(source, streams)
        assert refused.value.source == "arxiv"
        assert server.requests["arxiv.query"] == 1


def test_empty_pages_under_a_total_are_never_no_hits(server: Services, ask: Ask) -> None:
    source = ask(server)
    server.fault("arxiv.query", "empty-page", None)
    with pytest.raises(EmptyPage, match=f"counts {len(present(server))} papers and gave none") as refused:
        pages(source, source.search(EVERYTHING))
    assert refused.value.retryable
    assert refused.value.resume_at
    assert server.requests["arxiv.query"] == 1 + ATTEMPTS
    assert [each["max_results"] for each in params(server)] == ["2000"] + ["500"] * ATTEMPTS
    server.reset()
    server.fault("arxiv.query", "empty-page", None)
    with pytest.raises(EmptyPage, match="counts 3 papers of a list and gave none"):
        pages(source, source.papers(present(server)[:3]))


def test_a_page_that_fails_when_large_is_asked_for_in_small_ones(
    server: Services, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ask(server)
    monkeypatch.setattr(arxiv_api, "SMALL_PAGE", 60)
    server.fault("arxiv.query", "500", ATTEMPTS)
    found = pages(source, source.search(EVERYTHING))
    assert ids(found) == present(server)
    assert [each["max_results"] for each in params(server)[:ATTEMPTS]] == ["2000"] * ATTEMPTS
    assert [each["max_results"] for each in params(server)[ATTEMPTS:]] == ["60", "2000"]
    server.fault("arxiv.query", "503-empty", None)
    with pytest.raises(SourceUnavailable):
        source.read(source.search(EVERYTHING)[0], "")


# Lists that we make


@dataclass
class Made:
    """Serves a list of ids, sorted as it stands; `before` may change it ahead of each answer."""

    ids: list[str]
    total: int | str | None = None
    most: int = 2000
    tell_start: bool = True
    hidden: set[str] = field(default_factory=set)
    before: Callable[[Made, Asked], Given | None] = lambda made, asked: None

    def answer(self, asked: Asked) -> Given:
        given = self.before(self, asked)
        if given is not None:
            return given
        listed = asked.params.get("id_list", "")
        ids = [id for id in listed.split(",") if id in self.ids] if listed else self.ids
        start, most = int(asked.params["start"]), min(int(asked.params["max_results"]), self.most)
        shown = [id for id in ids[start : start + most] if id not in self.hidden]
        return made_feed(shown, len(ids) if self.total is None else self.total, start if self.tell_start else None)


def made_feed(ids: Sequence[str], total: int | str, start: int | None) -> Given:
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/{id}v1</id><title>Made {id}</title><summary>Made.</summary>"
        "<updated>2024-03-05T00:00:00Z</updated><published>2024-03-05T00:00:00Z</published>"
        "<author><name>Ada Testwright</name></author></entry>"
        for id in ids
    )
    told = "" if start is None else f"<opensearch:startIndex>{start}</opensearch:startIndex>"
    body = (
        '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns="http://www.w3.org/2005/Atom">'
        f"<opensearch:totalResults>{total}</opensearch:totalResults>{told}{entries}</feed>"
    )
    return Given(200, body.encode(), ATOM)


def numbered(count: int, first: int = 1) -> list[str]:
    return [f"2403.{number:05d}" for number in range(first, first + count)]


@pytest.fixture
def serve() -> Iterator[Callable[[Made], Services]]:
    with ExitStack() as stack:
        yield lambda made: stack.enter_context(Services(made))


Serve = Callable[[Made], Services]


def canonical(ids: Sequence[str]) -> list[str]:
    return [f"arxiv:{id}" for id in ids]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("moved", [1, 7])
@pytest.mark.parametrize("told", [True, False])
def test_a_list_that_moves_while_it_is_read_loses_nothing(moved: int, told: bool, serve: Serve, ask: Ask) -> None:
    """Papers that are revised go from where they were to the end; those behind them move up."""

    def revise(made: Made, asked: Asked) -> None:
        if asked.params["start"] == "49" and made.ids[0] == numbered(1)[0]:
            made.ids = made.ids[moved:] + made.ids[:moved]

    source = ask(serve(Made(numbered(120), before=revise, tell_start=told)))
    found = pages(source, source.search("ti:made"))
    assert sorted(ids(found)) == canonical(numbered(120))
    assert not warnings(found)


@pytest.mark.usefixtures("small")
def test_a_list_that_moves_too_far_says_so(serve: Serve, ask: Ask) -> None:
    def revise(made: Made, asked: Asked) -> None:
        if asked.params["start"] == "49" and made.ids[0] == numbered(1)[0]:
            made.ids = made.ids[30:] + made.ids[:30]

    source = ask(serve(Made(numbered(120), before=revise)))
    found = pages(source, source.search("ti:made"))
    assert warnings(found) == [
        "The list for ti:made changed while it was read; papers may be missing. Read it again.",
        f"arXiv counts 120 papers for ti:made and gave {len(ids(found))}.",
    ]


@pytest.mark.usefixtures("small")
def test_papers_that_arrive_while_the_newest_are_read_double_nothing(serve: Serve, ask: Ask) -> None:
    def arrive(made: Made, asked: Asked) -> None:
        if asked.params["start"] == "49":
            made.ids = [*numbered(3, 900), *made.ids]

    server = serve(Made(numbered(200), before=arrive))
    source = ask(server)
    found = pages(source, source.search("ti:made", limit=80))
    assert ids(found) == canonical(numbered(80))
    assert not warnings(found)


@pytest.mark.usefixtures("small")
def test_short_pages_are_read_on_from_where_they_ended(serve: Serve, ask: Ask) -> None:
    source = ask(serve(Made(numbered(120), most=13)))
    found = pages(source, source.search("ti:made"))
    assert ids(found) == canonical(numbered(120))
    assert not warnings(found)


@pytest.mark.usefixtures("small")
def test_a_page_that_was_there_before_is_asked_for_again(serve: Serve, ask: Ask) -> None:
    """Without a start index in the feed, only the ids tell."""
    times = []

    def repeat(made: Made, asked: Asked) -> Given | None:
        times.append(asked.params["start"])
        return made_feed(numbered(50), 120, None) if times.count("49") in (1, 2) and times[-1] == "49" else None

    source = ask(serve(Made(numbered(120), before=repeat, tell_start=False)))
    found = pages(source, source.search("ti:made"))
    assert ids(found) == canonical(numbered(120))
    assert times == ["0", "49", "49", "49", "98"]


@pytest.mark.usefixtures("small")
def test_a_count_that_is_not_reached_is_said(serve: Serve, ask: Ask) -> None:
    source = ask(serve(Made(numbered(120), hidden=set(numbered(2, 60)))))
    found = pages(source, source.search("ti:made"))
    assert sorted(ids(found)) == canonical([id for id in numbered(120) if id not in numbered(2, 60)])
    assert warnings(found) == ["arXiv counts 120 papers for ti:made and gave 118."]


@pytest.mark.parametrize("total", ["", "many", -3, 10**20, 2])
def test_a_total_that_makes_no_sense_is_no_answer(total: int | str, serve: Serve, ask: Ask) -> None:
    server = serve(Made(numbered(5), total=total))
    with pytest.raises(BadAnswer) as refused:
        ask(server).read(ask(server).search("ti:made")[0], "")
    assert refused.value.retryable
    assert server.requests["arxiv.query"] == ATTEMPTS


def test_entries_that_are_no_papers_are_counted_and_named(serve: Serve, ask: Ask) -> None:
    body = (MADE / "odd_entries.xml").read_bytes()
    source = ask(serve(Made([], before=lambda made, asked: Given(200, body, ATOM))))
    (page,) = pages(source, source.search("ti:odd"))
    assert len(page.papers) == 6
    assert len(page.unusable) == 5
    assert [sentence for sentence in page.warnings if "counts" in sentence] == []
    assert [sentence.partition(":")[2][:14] for sentence in page.warnings] == [
        "2403.00003: it",
        "2403.00004: it",
        "2403.00006: it",
    ]


# Lists of ids


def test_ids_are_asked_for_in_hundreds(server: Services, ask: Ask) -> None:
    source = ask(server)
    asked = present(server)
    streams = source.papers([*asked, asked[0], "doi:10.5555/other", "not an id", f"{asked[1]}v1", "s2:" + "0" * 40])
    assert [len(each.ids) for each in streams] == [100, len(asked) - 100]
    found = pages(source, streams)
    assert ids(found) == asked
    assert server.requests["arxiv.query"] == 2
    assert {each["max_results"] for each in params(server)} == {"100"}
    assert [each.key for each in source.papers(asked[:5])] == [each.key for each in source.papers(asked[4::-1])]
    assert source.papers(["doi:10.5555/other", "2107.033", "cs/9913001"]) == []


def test_old_ids_versions_and_unknown_ids_are_told_apart(server: Services, ask: Ask) -> None:
    source = ask(server)
    old = next(id for id in present(server) if "/" in id)
    several = next(row for row, id in enumerate(server.world.arxiv) if id and server.world.versions[row] > 1)
    (page,) = pages(source, source.papers([old, "arxiv:2401.99999", f"arxiv:{server.world.arxiv[several]}"]))
    assert [(fetch.paper, fetch.state) for fetch in page.fetches] == [
        (old, "complete"),
        (f"arxiv:{server.world.arxiv[several]}", "complete"),
        ("arxiv:2401.99999", "unknown"),
    ]
    assert page.papers[1].manifestations[0].version == server.world.versions[several]
    assert not page.warnings
    assert server.requests["arxiv.query"] == 1


def test_a_list_that_is_cut_short_is_asked_for_the_rest(serve: Serve, ask: Ask) -> None:
    server = serve(Made(numbered(60), most=25))
    source = ask(server)
    found = pages(source, source.papers(canonical([*numbered(60), "2403.99999"])))
    assert sorted(ids(found)) == canonical(numbered(60))
    assert [fetch.paper for page in found for fetch in page.fetches if fetch.state == "unknown"] == ["arxiv:2403.99999"]
    assert not warnings(found)
    assert [len(each["id_list"].split(",")) for each in params(server)] == [61, 36, 11]


def test_papers_that_are_counted_and_never_given_end_as_unknown_and_said(serve: Serve, ask: Ask) -> None:
    server = serve(Made(numbered(5), hidden={numbered(5)[4]}))
    source = ask(server)
    found = pages(source, source.papers(canonical(numbered(5))))
    assert ids(found) == canonical(numbered(4))
    assert [fetch.paper for page in found for fetch in page.fetches if fetch.state == "unknown"] == ["arxiv:2403.00005"]
    assert warnings(found) == ["arXiv counts 1 papers in a list of 1 and gives 0."]
    assert server.requests["arxiv.query"] == 1 + arxiv_api.TRIES


def test_that_a_whole_list_is_unknown_is_asked_twice(serve: Serve, ask: Ask) -> None:
    calls = []

    def nothing_first(made: Made, asked: Asked) -> Given | None:
        calls.append(asked)
        return made_feed([], 0, 0) if len(calls) == 1 else None

    source = ask(serve(Made(numbered(5), before=nothing_first)))
    found = pages(source, source.papers(canonical(numbered(5))))
    assert ids(found) == canonical(numbered(5))
    assert len(calls) == 2
    unknown = ask(serve(Made([])))
    found = pages(unknown, unknown.papers(canonical(numbered(2))))
    assert [fetch.state for page in found for fetch in page.fetches] == ["unknown", "unknown"]


def test_one_id_that_arxiv_refuses_does_not_fail_its_list(serve: Serve, ask: Ask) -> None:
    bad = "2403.00003"

    def refuse(made: Made, asked: Asked) -> Given | None:
        return error_feed(f"incorrect id format for {bad}") if bad in asked.params["id_list"] else None

    server = serve(Made(numbered(5), before=refuse))
    source = ask(server)
    found = pages(source, source.papers(canonical(numbered(5))))
    assert sorted(ids(found)) == canonical([id for id in numbered(5) if id != bad])
    assert [fetch.paper for page in found for fetch in page.fetches if fetch.state == "unknown"] == [f"arxiv:{bad}"]
    assert [each.reason for page in found for each in page.unusable] == [f"arXiv says: incorrect id format for {bad}"]
    assert server.requests["arxiv.query"] == 3


def test_a_paper_whose_record_is_broken_is_neither_had_nor_unknown(serve: Serve, ask: Ask) -> None:
    body = (MADE / "odd_entries.xml").read_bytes()
    source = ask(serve(Made([], before=lambda made, asked: Given(200, body, ATOM))))
    (page,) = pages(source, source.papers(canonical(["2403.00001", "2403.00002", "2403.00099"])))
    assert [(fetch.paper, fetch.state) for fetch in page.fetches] == [
        ("arxiv:2403.00001", "complete"),
        ("arxiv:2403.00099", "unknown"),
    ]
    assert "arxiv:2403.00002" in {each.id for each in page.unusable}


def test_other_papers_than_were_asked_for_are_left_out(serve: Serve, ask: Ask) -> None:
    def add(made: Made, asked: Asked) -> Given:
        return made_feed([*numbered(2), "2403.77777", numbered(2)[0]], 4, 0)

    source = ask(serve(Made([], before=add)))
    (page,) = pages(source, source.papers(canonical(numbered(2))))
    assert list(page.found) == canonical(numbered(2))
    assert page.warnings == ("arXiv gave 1 papers that were not asked for (arxiv:2403.77777 is one).",)
    other = ask(serve(Made([], before=lambda made, asked: made_feed(["2403.77777"], 1, 0))))
    with pytest.raises(BadAnswer, match="other papers"):
        pages(other, other.papers(canonical(numbered(2))))


def test_of_all_ids_of_a_work_arxivs_is_askable(server: Services, ask: Ask) -> None:
    source = ask(server)
    assert source.askable(["doi:10.5555/x", "arxiv:2107.03312", "openalex:W1"]) == "arxiv:2107.03312"
    assert source.askable(["doi:10.48550/arxiv.2107.03312"]) == "arxiv:2107.03312"
    assert source.askable(["arxiv:2107.03312", "arxiv:2104.00001"]) == "arxiv:2104.00001"
    assert source.askable(["doi:10.5555/x", "title:something"]) is None
    assert source.askable([]) is None


# Recorded exchanges


@pytest.fixture(scope="module")
def recordings(shared_data: Path) -> Recorded:
    return Recorded(shared_data / "recorded", cassettes=())


@pytest.mark.realdata
def test_recorded_lists_are_read(recordings: Recorded, ask: Ask) -> None:
    with Services(recordings) as server:
        source = ask(server)
        states = {}
        for asked in recordings.asked:
            listed = [f"arxiv:{id}" for id in asked.params.get("id_list", "").split(",") if re.search(r"[0-9]v?", id)]
            if not listed or "v" in asked.params["id_list"] or "0000.0000" in asked.params["id_list"]:
                continue
            for page in pages(source, source.papers(listed)):
                states |= {fetch.paper: fetch.state for fetch in page.fetches}
                assert all(paper.title and paper.authors and paper.categories for paper in page.papers)
        # 0808.05394, which was asked for too, has a digit too many for its month and is never sent.
        assert states == {
            "arxiv:1605.08386": "complete",
            "arxiv:1707.08567": "complete",
            "arxiv:astro-ph/0601001": "complete",
        }
        assert not recordings.unknown


@pytest.mark.realdata
def test_recorded_title_searches_are_read(recordings: Recorded, ask: Ask) -> None:
    with Services(recordings) as server:
        source = ask(server)
        found = {}
        for asked in recordings.asked:
            if asked.params["search_query"].startswith("ti:"):
                (page,) = pages(source, source.search(asked.params["search_query"], limit=5))
                found[asked.params["search_query"]] = page
                assert len(page.papers) == page.total
                assert (page.warnings, page.unusable) == ((), ())
        assert (len(found), sum(page.total == 0 for page in found.values())) == (45, 9)
        soundstream = found['ti:"soundstream an end to end neural audio codec"'].papers[0]
        assert soundstream.ids[0] == "arxiv:2107.03312"
        assert soundstream.published is not None
        assert soundstream.published.value == "2021-07-07"
        assert not recordings.unknown


@pytest.mark.realdata
def test_recorded_searches_and_their_first_pages_are_read(recordings: Recorded, ask: Ask) -> None:
    with Services(recordings) as server:
        source = ask(server)
        for limit in (10, 15, 100):
            page = source.read(Stream("arxiv", "search", f"testing {limit}", query="testing", limit=limit), "")
            assert len(page.found) == len(set(page.found)) == limit
            assert page.total == 214_881
            assert (page.warnings, page.unusable) == ((), ())
            assert all(paper.published and paper.abstract for paper in page.papers)


@pytest.mark.realdata
def test_a_recorded_error_feed_is_a_refusal(recordings: Recorded, ask: Ask) -> None:
    with Services(recordings) as server:
        source = ask(server)
        # No stream of ours names such an id; this is what would happen.
        page = source.read(Stream("arxiv", "papers", "malformed", ids=("arxiv:abc",)), "")
        assert [(fetch.paper, fetch.state) for fetch in page.fetches] == [("arxiv:abc", "unknown")]
        assert [each.reason for each in page.unusable] == ["arXiv says: incorrect id format for abc"]
