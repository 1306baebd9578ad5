"""Searches and papers of Semantic Scholar over a real socket: what they cost, what they tell, and misbehaviour."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from semanticscholar.ApiRequester import ApiRequester
from semanticscholar.PaginatedResults import PaginatedResults

from ingest import s2_client
from ingest.semantic_scholar import RESTARTS, SemanticScholarSource
from ingest.source import Stated
from ingest.sources import SOURCES
from ingest.transport import Transport
from kg.errors import BadAnswer, InputError, RequestRefused, SourceError
from tests.services.asked import Asked, Given, given_json
from tests.services.clock import OwnClock
from tests.services.fixtures import MakeServices
from tests.services.scripted import read_all, scripted
from tests.services.server import Services

KEY = "a-key-that-nobody-may-see"
QUERY = "audio | speech"
HITS = 1290
SOME = Stated(5, 5)


def sha(number: int) -> str:
    return f"{number:040x}"


def record(number: int) -> dict[str, Any]:
    return {"paperId": sha(number), "title": f"Paper {number}", "externalIds": {"CorpusId": number + 1}}


def bulk(asked: Asked) -> object:
    """A search with 1,290 hits in pages of a thousand."""
    start = int(asked.params.get("token", "0"))
    page = [record(number) for number in range(start, min(HITS, start + 1000))]
    return {"total": HITS, "token": str(start + 1000) if start + 1000 < HITS else None, "data": page}


@pytest.fixture
def hits(tmp_path: Path) -> Iterator[Services]:
    with scripted(bulk, tmp_path) as (services, _):
        yield services


@pytest.fixture
def searching(hits: Services, tmp_path: Path) -> Iterator[SemanticScholarSource]:
    environ = hits.environment | {"TOKENATLAS_CACHE": str(tmp_path)}
    with Transport(environ=environ, clock=OwnClock(), chance=lambda: 0.5) as made:
        yield SemanticScholarSource(made)


@pytest.fixture
def transport(services: Services) -> Iterator[Transport]:
    with Transport(environ=services.environment, clock=OwnClock(), chance=lambda: 0.5) as made:
        yield made


@pytest.fixture
def source(transport: Transport) -> SemanticScholarSource:
    return SemanticScholarSource(transport)


def test_the_package_has_what_is_used_of_it() -> None:
    pager = PaginatedResults(None, dict, "/path", query="q", fields=["title"], limit=100, max_results=10**7)
    for name in ("_offset", "_next", "_limit", "_continuation_token"):
        assert hasattr(pager, name), name
    assert callable(pager._async_get_next_page)
    assert callable(ApiRequester(None, False).get_data_async)


def test_it_is_registered() -> None:
    assert SOURCES["s2"] is SemanticScholarSource


def test_a_search_gives_every_paper_once(services: Services, source: SemanticScholarSource) -> None:
    (stream,) = source.search(QUERY)
    total = source.count(stream)
    services.reset()
    pages = read_all(source, [stream])
    found = [id for page in pages for id in page.found]
    assert total is not None
    assert total > 100
    assert len(found) == len(set(found)) == total
    assert services.requests == {"s2.search": source.requests(stream, total)}
    assert [paper.ids[0] for page in pages for paper in page.papers] == found
    assert all(page.total == total and not page.warnings for page in pages)
    assert services.log[0].params["query"] == QUERY


def test_a_search_stops_at_its_limit(services: Services, source: SemanticScholarSource) -> None:
    (stream,) = source.search(QUERY, limit=7)
    (page,) = read_all(source, [stream])
    assert len(page.found) == 7
    assert page.warnings == ()
    assert source.requests(stream, 5000) == 1
    assert source.requests(stream) is None


def test_a_search_since_a_day(services: Services, source: SemanticScholarSource) -> None:
    (stream,) = source.search(QUERY, since="2025-01-15")
    pages = read_all(source, [stream])
    world = services.world
    days = {f"s2:{world.s2[row]}": world.date(row).isoformat() for row in range(len(world))}
    found = [next(id for id in paper.ids if id in days) for page in pages for paper in page.papers]
    assert found
    assert all(days[id] >= "2025-01-15" for id in found)
    assert services.log[0].params["publicationDateOrYear"] == "2025-01-15:"


def test_a_query_is_data(services: Services, source: SemanticScholarSource) -> None:
    query = 'codec&fields=title&token=x#"a + b" %41'
    source.read(source.search(query)[0], "")
    assert services.log[0].params["query"] == query
    assert "token" not in services.log[0].params


def test_streams_that_ask_differently_have_different_names(transport: Transport) -> None:
    source = SemanticScholarSource(transport)
    searches = [
        source.search("a"),
        source.search("b"),
        source.search("a", since="2024-01-01"),
        source.search("a", limit=5),
    ]
    papers = [
        source.papers(["arxiv:2107.03312"]),
        SemanticScholarSource(transport, vectors=True).papers(["arxiv:2107.03312"]),
    ]
    keys = [stream.key for streams in (*searches, *papers) for stream in streams]
    assert len(set(keys)) == len(keys)
    assert source.search("  a ")[0].key == source.search("a")[0].key


@pytest.mark.parametrize("query", ["", "  ", '""', "|"])
def test_an_empty_query_is_refused(source: SemanticScholarSource, query: str) -> None:
    with pytest.raises(InputError) as error:
        source.search(query)
    assert error.value.hint


@pytest.mark.parametrize("since", ["2024", "yesterday", "2024-13-01", "20240101"])
def test_a_since_that_is_no_day_is_refused(source: SemanticScholarSource, since: str) -> None:
    with pytest.raises(InputError, match="no day"):
        source.search("a", since=since)


def test_a_query_that_the_service_cannot_read(services: Services, source: SemanticScholarSource) -> None:
    services.fault("s2.search", "400")
    with pytest.raises(InputError, match="The request cannot be read") as error:
        source.read(source.search("((a")[0], "")
    assert error.value.value == "((a"


def test_a_search_without_hits_ends(source: SemanticScholarSource) -> None:
    (page,) = read_all(source, source.search("zebrafish"))
    assert (page.found, page.total, page.next, page.warnings) == ((), 0, None, ())


def test_a_stale_token_starts_the_search_again(hits: Services, searching: SemanticScholarSource) -> None:
    (stream,) = searching.search(QUERY)
    hits.fault("s2.search", "400", after=1)
    pages = read_all(searching, [stream])
    found = [id for page in pages for id in page.found]
    assert len(found) == len(set(found)) == pages[0].total
    assert any("starts again" in warning for page in pages for warning in page.warnings)
    assert hits.requests == {"s2.search": 4}


def test_a_token_that_is_always_stale_is_an_error_in_the_end(tmp_path: Path) -> None:
    def answer(asked: Asked) -> object:
        if "token" in asked.params:
            return given_json({"error": "The token has expired"}, 400)
        return {"total": 4, "token": "t", "data": [record(1), record(2)]}

    with scripted(answer, tmp_path) as (services, transport):
        source = SemanticScholarSource(transport)
        with pytest.raises(RequestRefused, match="The token has expired"):
            read_all(source, source.search("a"))
        assert services.requests["s2.search"] == 2 * (RESTARTS + 1)


def test_a_search_goes_on_in_another_process(hits: Services, searching: SemanticScholarSource, tmp_path: Path) -> None:
    (stream,) = searching.search(QUERY)
    first = searching.read(stream, "")
    assert first.next is not None
    environ = hits.environment | {"TOKENATLAS_CACHE": str(tmp_path)}
    with Transport(environ=environ, clock=OwnClock()) as transport:
        second = SemanticScholarSource(transport).read(stream, first.next)
    assert second.next is None
    assert second.warnings == ()
    assert len({*first.found, *second.found}) == first.total


@pytest.mark.parametrize("fault", ["same-page", "empty-page"])
def test_a_doubtful_page_is_asked_for_again(hits: Services, searching: SemanticScholarSource, fault: str) -> None:
    (stream,) = searching.search(QUERY)
    hits.fault("s2.search", fault, after=1)
    pages = read_all(searching, [stream])
    assert sum(len(page.found) for page in pages) == pages[0].total
    assert not any(page.warnings for page in pages)
    assert hits.requests == {"s2.search": 3}


@pytest.mark.parametrize("fault", ["same-page", "empty-page"])
def test_a_page_that_stays_doubtful_ends_the_search_and_is_told(
    hits: Services, searching: SemanticScholarSource, fault: str
) -> None:
    (stream,) = searching.search(QUERY)
    hits.fault("s2.search", fault, after=1, times=None)
    pages = read_all(searching, [stream])
    assert len(pages) == 2
    assert sum(len(page.found) for page in pages) == 1000
    assert f"said {pages[0].total:,} papers, gave 1,000" in pages[1].warnings[-1]
    assert hits.requests == {"s2.search": 2 + s2_client.AGAIN}


def test_the_first_page_of_another_search_again_is_asked_for_again(
    hits: Services, searching: SemanticScholarSource
) -> None:
    read_all(searching, searching.search("audio", limit=5))
    hits.fault("s2.search", "same-page")
    (page,) = read_all(searching, searching.search("speech", limit=5))
    assert hits.requests == {"s2.search": 3}
    assert not page.warnings


def test_tokens_that_never_end_are_noticed(tmp_path: Path) -> None:
    def answer(asked: Asked) -> object:
        turn = int(asked.params.get("token", "0"))
        return {"total": 4, "token": str(turn + 1), "data": [record(turn % 2), record(turn % 2 + 2)]}

    with scripted(answer, tmp_path) as (services, transport):
        source = SemanticScholarSource(transport)
        pages = read_all(source, source.search("a"))
        assert [id for page in pages for id in page.found] == [f"s2:{sha(number)}" for number in (0, 2, 1, 3)]
        assert "came before" in pages[-1].warnings[0]
        assert services.requests["s2.search"] == 3 + s2_client.AGAIN


def test_a_search_that_gives_more_than_it_said_ends(tmp_path: Path) -> None:
    def answer(asked: Asked) -> object:
        turn = int(asked.params.get("token", "0"))
        return {"total": 4, "token": str(turn + 1), "data": [record(1000 * turn + each) for each in range(1000)]}

    with scripted(answer, tmp_path) as (_, transport):
        source = SemanticScholarSource(transport)
        pages = read_all(source, source.search("a"))
        assert len(pages) == 2
        assert pages[-1].warnings == ("a: Semantic Scholar said 4 papers, gave 2,000",)


def test_two_records_of_one_work_are_both_counted(tmp_path: Path) -> None:
    twins = [record(number) | {"externalIds": {"ArXiv": "2107.03312"}} for number in (1, 2)]
    with scripted(lambda asked: {"total": 2, "token": None, "data": twins}, tmp_path) as (_, transport):
        source = SemanticScholarSource(transport)
        (page,) = read_all(source, source.search("a"))
    assert page.found == ("arxiv:2107.03312", "arxiv:2107.03312")
    assert page.warnings == ()


def test_papers_come_five_hundred_at_a_time(make_services: MakeServices) -> None:
    services = make_services(papers=1100, seed=2, citations=2000)
    world = services.world
    ids = [f"s2:{id}" for id in world.s2[:1100]]
    with Transport(environ=services.environment, clock=OwnClock()) as transport:
        source = SemanticScholarSource(transport)
        streams = source.papers([*ids, "openalex:W1", "title:something", ids[0]])
        pages = read_all(source, streams)
    assert [len(stream.ids) for stream in streams] == [500, 500, 100]
    assert [source.requests(stream) for stream in streams] == [1, 1, 1]
    assert services.requests == {"s2.batch": 3}
    papers = {paper.ids[-2]: paper for page in pages for paper in page.papers}
    for row, id in enumerate(ids):
        paper = papers[id]
        assert paper.title == world.title(row)
        assert paper.abstract == (world.abstract(row) if world.abstract_at_s2[row] else None)
        assert paper.references_stated == world.references_at_s2[row]
        assert (f"arxiv:{world.arxiv[row]}" in paper.ids) == (world.arxiv[row] is not None)
    assert [id for page in pages for id in page.found] == ids
    assert {fetch.state for page in pages for fetch in page.fetches} == {"complete"}
    assert {(fetch.source, fetch.what, fetch.time) for page in pages for fetch in page.fetches} == {
        ("s2", "metadata", "")
    }
    assert all(not page.vectors for page in pages)


def test_papers_come_with_vectors_when_asked(services: Services, transport: Transport) -> None:
    source = SemanticScholarSource(transport, vectors=True)
    many = source.papers([f"corpusid:{number}" for number in range(1, 402)])
    assert [len(stream.ids) for stream in many] == [400, 1], "so that an answer stays under 10 MB"
    (page,) = read_all(source, source.papers([f"corpusid:{services.world.corpus[7]}"]))
    ((id, vector),) = page.vectors.items()
    assert id == page.papers[0].ids[0]
    assert (vector.model, len(vector.values)) == ("specter_v2", 768)


def test_ids_are_spelt_as_the_service_does(services: Services, source: SemanticScholarSource) -> None:
    ids = [f"s2:{sha(1)}", "corpusid:7", "arxiv:cs/0112017", "doi:10.5555/a(b)c"]
    (page,) = read_all(source, source.papers(ids))
    assert services.log[0].body == (
        f'{{"ids":["{sha(1)}","CorpusId:7","ARXIV:cs/0112017","DOI:10.5555/a(b)c"]}}'.encode()
    )
    assert [(fetch.paper, fetch.state) for fetch in page.fetches] == [(id, "unknown") for id in ids]
    assert page.found == ()


@pytest.mark.parametrize(
    ("ids", "best"),
    [
        (["arxiv:2107.03312", "doi:10.5555/a", f"s2:{sha(1)}", "corpusid:7"], f"s2:{sha(1)}"),
        (["arxiv:2107.03312", "doi:10.5555/a", "corpusid:7"], "corpusid:7"),
        (["doi:10.5555/a", "arxiv:2107.03312"], "arxiv:2107.03312"),
        (["doi:10.5555/../x", "openalex:W1"], None),
        (["doi:10.5555/../x", "doi:10.5555/x"], "doi:10.5555/x"),
        (["title:something"], None),
        ([], None),
    ],
)
def test_the_best_id_to_ask_by(source: SemanticScholarSource, ids: list[str], best: str | None) -> None:
    assert source.askable(ids) == best


def test_a_list_of_which_nothing_is_known(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Given:
        return given_json({"error": "No valid paper ids given"}, 400)

    with scripted(answer, tmp_path) as (_, transport):
        source = SemanticScholarSource(transport)
        (page,) = read_all(source, source.papers(["corpusid:1", "corpusid:2"]))
    assert [fetch.state for fetch in page.fetches] == ["unknown", "unknown"]


@pytest.mark.parametrize("status", [400, 413])
def test_a_list_whose_answer_is_too_large_is_halved(tmp_path: Path, status: int) -> None:
    def answer(asked: Asked) -> object:
        ids = [int(each) for each in asked.body.decode().replace('"', "").replace("CorpusId:", "")[6:-2].split(",")]
        if len(ids) > 3:
            return given_json({"error": "Response would exceed the maximum size"}, status)
        return [record(each - 1) for each in ids]

    with scripted(answer, tmp_path) as (services, transport):
        source = SemanticScholarSource(transport)
        pages = read_all(source, source.papers([f"corpusid:{number}" for number in range(1, 11)]))
    assert [id for page in pages for id in page.found] == [f"corpusid:{number}" for number in range(1, 11)]
    assert services.requests["s2.batch"] == 7


def test_a_refused_list_that_is_not_too_large_is_an_error(services: Services, source: SemanticScholarSource) -> None:
    services.fault("s2.batch", "400")
    with pytest.raises(RequestRefused):
        read_all(source, source.papers(["corpusid:1", "corpusid:2"]))
    assert services.requests == {"s2.batch": 1}


def test_null_papers_are_unknown_and_the_rest_is_kept(services: Services, source: SemanticScholarSource) -> None:
    ids = [f"s2:{id}" for id in services.world.s2[:10]]
    services.fault("s2.batch", "null-papers")
    (page,) = read_all(source, source.papers(ids))
    assert [fetch.state for fetch in page.fetches] == ["unknown", "complete"] * 5
    assert page.found == tuple(ids[1::2])


def test_a_number_where_a_title_was(services: Services, source: SemanticScholarSource) -> None:
    ids = [f"s2:{id}" for id in services.world.s2[:3]]
    services.fault("s2.batch", "wrong-type")
    (page,) = read_all(source, source.papers(ids))
    assert [paper.title for paper in page.papers] == [None] * 3
    assert [(fault.id, fault.field) for fault in page.unusable] == [(id, "title") for id in ids]
    assert [fetch.state for fetch in page.fetches] == ["complete"] * 3


def test_records_that_are_none_are_named_and_asked_for_another_time(tmp_path: Path) -> None:
    with scripted(lambda asked: [7, {"paperId": None}, record(2)], tmp_path) as (_, transport):
        source = SemanticScholarSource(transport)
        (page,) = read_all(source, source.papers(["corpusid:1", "corpusid:2", "corpusid:3"]))
    assert [(fetch.paper, fetch.state) for fetch in page.fetches] == [
        ("corpusid:2", "complete"),
        ("corpusid:3", "complete"),
    ]
    assert [fault.id for fault in page.unusable] == ["corpusid:1"]


def test_a_list_of_other_papers_is_asked_for_again_and_never_believed(
    services: Services, source: SemanticScholarSource
) -> None:
    ids = [f"s2:{id}" for id in services.world.s2[:20]]
    first, second = source.papers(ids[:10])[0], source.papers(ids[10:])[0]
    source.read(first, "")
    services.fault("s2.batch", "same-page")
    page = source.read(second, "")
    assert page.found == tuple(ids[10:])
    assert services.requests == {"s2.batch": 3}
    services.fault("s2.batch", "same-page", times=None)
    page = source.read(first, "")
    assert page.fetches == ()
    assert not {id for paper in page.papers for id in paper.ids} & set(ids[:10]), "nobody gets another paper's id"
    assert len(page.unusable) == 10


def test_a_joined_paper_comes_under_both_ids(tmp_path: Path) -> None:
    with scripted(lambda asked: [record(9), record(2)], tmp_path) as (_, transport):
        source = SemanticScholarSource(transport)
        (page,) = read_all(source, source.papers([f"s2:{sha(1)}", f"s2:{sha(2)}"]))
    assert page.papers[0].ids == (f"s2:{sha(1)}", f"s2:{sha(9)}", "corpusid:10")
    assert [fetch.state for fetch in page.fetches] == ["complete", "complete"]


HEALING = (
    "429-seconds", "429-date", "429", "500", "502-html", "503-empty", "504", "200-html", "200-empty", "truncated",
    "reset", "closed",
)  # fmt: skip


@pytest.mark.parametrize("fault", HEALING)
@pytest.mark.parametrize("endpoint", ["s2.search", "s2.batch"])
def test_what_heals_costs_one_request_and_nothing_else(
    services: Services, source: SemanticScholarSource, endpoint: str, fault: str
) -> None:
    ids = [f"s2:{id}" for id in services.world.s2[:5]]
    plan = source.search(QUERY, limit=9) if endpoint == "s2.search" else source.papers(ids)
    before = read_all(source, plan)
    services.reset()
    services.fault(endpoint, fault)
    after = read_all(source, plan)
    assert [page.papers for page in after] == [page.papers for page in before]
    assert services.requests == {endpoint: 2}


@pytest.mark.parametrize("answer", [{"data": {}}, {"total": 3}, [], "text", None, {"error": "no"}, [1, 2]])
@pytest.mark.parametrize("kind", ["search", "papers"])
def test_json_of_another_form_is_an_error_that_can_be_resumed(tmp_path: Path, answer: object, kind: str) -> None:
    with scripted(lambda asked: answer, tmp_path) as (_, transport):
        source = SemanticScholarSource(transport)
        plan = source.search("a") if kind == "search" else source.papers(["corpusid:1"])
        with pytest.raises(BadAnswer) as error:
            read_all(source, plan)
    assert error.value.retryable
    assert error.value.hint
    assert error.value.where.startswith("http://127.0.0.1")


@pytest.mark.parametrize("position", ["nonsense", "[]", '{"token": 7, "read": "x"}', '{"read": -1}'])
def test_a_position_that_cannot_be_read_is_the_start(source: SemanticScholarSource, position: str) -> None:
    (stream,) = source.search(QUERY, limit=5)
    assert source.read(stream, position).found == source.read(stream, "").found


def asking(services: Services, transport: Transport) -> None:
    source = SemanticScholarSource(transport)
    read_all(source, source.search(QUERY, limit=5))
    read_all(source, source.papers([f"s2:{services.world.s2[0]}"]))
    read_all(source, source.links({f"s2:{services.world.s2[200]}": SOME}, "references"))
    read_all(source, source.links({f"s2:{services.world.s2[0]}": SOME}, "citations"))


def test_the_key_goes_with_every_request_and_into_nothing_else(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    environ = services.environment | {"S2_API_KEY": KEY}
    with Transport(environ=environ, clock=OwnClock()) as transport:
        asking(services, transport)
        services.fault("*", "401", times=None)
        with pytest.raises(SourceError) as error:
            SemanticScholarSource(transport).read(SemanticScholarSource(transport).search("a")[0], "")
    assert {asked.endpoint for asked in services.log} == {"s2.search", "s2.batch", "s2.references", "s2.citations"}
    assert {asked.headers.get("x-api-key") for asked in services.log} == {KEY}
    assert KEY not in caplog.text
    assert KEY not in f"{error.value} {error.value.__dict__}"
    assert not any(KEY in str(asked.params) + asked.path for asked in services.log)


def test_no_key_is_needed(services: Services, transport: Transport) -> None:
    asking(services, transport)
    assert all("x-api-key" not in asked.headers for asked in services.log)


def test_a_stop_during_a_request_is_not_swallowed(tmp_path: Path) -> None:
    class Stopped(BaseException):
        pass

    def stop() -> bool:
        raise Stopped

    with scripted(lambda asked: Given(503, b"", "text/plain"), tmp_path) as (services, _):
        environ = services.environment | {"TOKENATLAS_CACHE": str(tmp_path)}
        with Transport(environ=environ, clock=OwnClock(), stop=stop) as transport:
            source = SemanticScholarSource(transport)
            with pytest.raises(Stopped):
                source.read(source.search("a")[0], "")
