"""References and citers from Semantic Scholar over a real socket: complete or named as not, with as few requests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ingest import s2_client, s2_links
from ingest.s2_records import Kind
from ingest.semantic_scholar import SemanticScholarSource
from ingest.source import Page, Stated, Stream
from ingest.transport import Transport
from kg.errors import BadAnswer
from kg.model import Citation, Fetch
from tests.services.asked import Asked, Given, given_json
from tests.services.clock import OwnClock
from tests.services.fixtures import MakeServices
from tests.services.scripted import read_all, scripted
from tests.services.server import Services
from tests.services.world import World

KINDS: tuple[Kind, Kind] = ("references", "citations")
OTHER = {"references": "citedPaper", "citations": "citingPaper"}
ONE = f"s2:{'e' * 40}"


def sha(number: int) -> str:
    return f"{number:040x}"


def own(citation: Citation, kind: Kind) -> tuple[str, str]:
    """The paper asked about, and the other."""
    return (citation.citing, citation.cited) if kind == "references" else (citation.cited, citation.citing)


def truth(world: World, kind: Kind) -> set[tuple[str, str]]:
    """What Semantic Scholar tells: (paper asked about, other paper), by its own ids."""
    edges = world.edges
    rows = ((int(a), int(b)) for a, b, known in zip(edges.citing, edges.cited, edges.s2, strict=True) if known)
    if kind == "references":
        return {(world.s2[a], world.s2[b]) for a, b in rows if not world.elided[a]}
    return {(world.s2[b], world.s2[a]) for a, b in rows}


def told(world: World, pages: list[Page], kind: Kind) -> set[tuple[str, str]]:
    """What the pages tell, by Semantic Scholar's own ids."""
    known = {f"arxiv:{id}": world.s2[row] for row, id in enumerate(world.arxiv) if id}
    known |= {f"doi:{id.lower()}": world.s2[row] for row, id in enumerate(world.doi) if id}
    pairs = (own(citation, kind) for page in pages for citation in page.citations)
    return {(asked.removeprefix("s2:"), known.get(other, other.removeprefix("s2:"))) for asked, other in pairs}


def stated(world: World) -> dict[str, Stated]:
    """What Semantic Scholar states of every paper."""
    return {
        f"s2:{id}": Stated(int(world.references_at_s2[row]), int(world.citations_at_s2[row]))
        for row, id in enumerate(world.s2)
    }


def fetches(pages: list[Page]) -> dict[str, Fetch]:
    """The one fetch of every paper."""
    found = [fetch for page in pages for fetch in page.fetches]
    assert len(found) == len({fetch.paper for fetch in found}), "one fetch per paper"
    return {fetch.paper: fetch for fetch in found}


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    return make_services(papers=160, seed=5, citations=1600)


@pytest.fixture
def transport(services: Services) -> Iterator[Transport]:
    with Transport(environ=services.environment, clock=OwnClock(), chance=lambda: 0.5) as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("contexts", [True, False])
def test_every_link_comes_and_costs_what_was_said(
    services: Services, transport: Transport, kind: Kind, contexts: bool
) -> None:
    world = services.world
    source = SemanticScholarSource(transport, contexts=contexts)
    papers = stated(world)
    streams = source.links(papers, kind)
    pages = read_all(source, streams)
    links = truth(world, kind)
    assert told(world, pages, kind) == links
    planned = sum(source.requests(stream) or 0 for stream in streams)
    made = sum(services.requests.values())
    # A list equal to the one before is asked for once more.
    assert planned <= made <= planned + 3
    if not contexts:
        assert services.requests == {"s2.batch": 1}
    states = fetches(pages)
    of = Counter(asked for asked, _ in links)
    assert set(states) == set(papers)
    for row, id in enumerate(world.s2):
        fetch = states[f"s2:{id}"]
        count = papers[f"s2:{id}"].references if kind == "references" else papers[f"s2:{id}"].citations
        named = of[id]
        held_back = kind == "references" and bool(world.elided[row]) and count
        expected = "withheld" if held_back else "complete" if count else "empty"
        assert (fetch.state, fetch.got, fetch.stated) == (expected, named, count), id
    assert {fetch.what for fetch in states.values()} == {kind}


def test_contexts_tell_what_a_link_is_for(services: Services, transport: Transport) -> None:
    world = services.world
    place = next(at for at in range(len(world.edges)) if world.edges.s2[at] and world.edges.contexts[at] > 1)
    citing, cited = int(world.edges.citing[place]), int(world.edges.cited[place])
    source = SemanticScholarSource(transport)
    pages = read_all(source, source.links({f"s2:{world.s2[cited]}": Stated()}, "citations"))
    papers = {id: paper.ids[0] for page in pages for paper in page.papers for id in paper.ids}
    citation = next(
        each for page in pages for each in page.citations if each.citing == papers[f"s2:{world.s2[citing]}"]
    )
    assert citation.contexts is not None
    assert len(citation.contexts) == world.edges.contexts[place]
    assert citation.intents
    assert citation.influential == bool(world.edges.influential[place])
    assert citation.source == "s2"


def test_lists_tell_only_that_a_link_is(services: Services, transport: Transport) -> None:
    source = SemanticScholarSource(transport, contexts=False)
    pages = read_all(source, source.links(stated(services.world), "citations"))
    assert {(each.intents, each.contexts, each.influential) for page in pages for each in page.citations} == {
        (None, None, None)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_lists_that_the_service_left_empty_without_a_word_are_read_alone(
    make_services: MakeServices, kind: Kind
) -> None:
    services = make_services(papers=300, seed=5, citations=3000, nested=700)
    world = services.world
    with Transport(environ=services.environment, clock=OwnClock()) as transport:
        source = SemanticScholarSource(transport, contexts=False)
        pages = read_all(source, source.links(stated(world), kind))
    assert told(world, pages, kind) == truth(world, kind)
    assert "truncated" not in {fetch.state for fetch in fetches(pages).values()}


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_that_nobody_states_are_found_out(services: Services, transport: Transport, kind: Kind) -> None:
    world = services.world
    source = SemanticScholarSource(transport, contexts=False)
    pages = read_all(source, source.links(dict.fromkeys(stated(world), Stated()), kind))
    assert told(world, pages, kind) == truth(world, kind)
    assert services.requests == {"s2.batch": 1}


def test_papers_are_put_together_by_their_links() -> None:
    with_counts = {
        f"corpusid:{n}": Stated(None, count) for n, count in enumerate([9000, 900, 100, 9999, 99, 10_000], 1)
    }
    links = s2_links.Links(None, contexts=False)  # type: ignore[arg-type]
    streams = links.plan(with_counts, "citations")
    assert [stream.ids for stream in streams] == [
        ("corpusid:1", "corpusid:2", "corpusid:5"),
        ("corpusid:3",),
        ("corpusid:4",),
        ("corpusid:6",),
    ]
    assert [stream.query for stream in streams] == ["lists", "lists", "lists", "paged 10000"]
    assert [s2_links.requests(stream) for stream in streams] == [1, 1, 1, 10]


def test_requests_stay_close_to_the_least_possible() -> None:
    counts = [int(20 * 1.7 ** (n % 11)) for n in range(5000)]
    papers = {f"corpusid:{n + 1}": Stated(None, count) for n, count in enumerate(counts)}
    links = s2_links.Links(None, contexts=False)  # type: ignore[arg-type]
    streams = links.plan(papers, "citations")
    assert sorted(id for stream in streams for id in stream.ids) == sorted(papers)
    assert all(len(stream.ids) <= 500 for stream in streams)
    assert sum(map(s2_links.requests, streams)) <= 1.1 * max(sum(counts) / 9999, len(counts) / 500)


def test_without_contexts_the_names_of_streams_tell_the_papers() -> None:
    links = s2_links.Links(None, contexts=False)  # type: ignore[arg-type]
    first = links.plan({"corpusid:1": Stated(1, 1)}, "citations")
    second = links.plan({"corpusid:2": Stated(1, 1)}, "citations")
    other = links.plan({"corpusid:1": Stated(1, 1)}, "references")
    again = links.plan({"corpusid:1": Stated(1, 2)}, "citations")
    assert len({first[0].key, second[0].key, other[0].key}) == 3
    assert again[0].key == first[0].key, "what is stated changes no answer"


def test_papers_said_to_have_none_are_asked_for_their_number_alone(services: Services, transport: Transport) -> None:
    world = services.world
    source = SemanticScholarSource(transport)
    none = [id for row, id in enumerate(world.s2) if not world.citations_at_s2[row]][:5]
    some = next(id for row, id in enumerate(world.s2) if world.citations_at_s2[row])
    pages = read_all(source, source.links({f"s2:{id}": Stated(None, 0) for id in (*none, some)}, "citations"))
    states = fetches(pages)
    assert {(states[f"s2:{id}"].state, states[f"s2:{id}"].stated) for id in none} == {("empty", 0)}
    assert states[f"s2:{some}"].state == "complete", "what was said is out of date"
    assert services.requests == {"s2.batch": 1, "s2.citations": 1}


@pytest.mark.parametrize("contexts", [True, False])
def test_a_paper_that_is_not_known_is_not_one_without_references(
    services: Services, transport: Transport, contexts: bool
) -> None:
    source = SemanticScholarSource(transport, contexts=contexts)
    pages = read_all(source, source.links({ONE: Stated(5, 5), "openalex:W1": Stated(5, 5)}, "references"))
    assert fetches(pages) == {ONE: Fetch(ONE, "s2", "references", "unknown", None, None, "")}


def test_a_missing_page_that_is_no_answer_of_the_service_is_an_error(tmp_path: Path) -> None:
    with scripted(lambda asked: Given(404, b"<html>Not Found</html>", "text/html"), tmp_path) as (_, transport):
        source = SemanticScholarSource(transport)
        with pytest.raises(BadAnswer, match="no lists") as error:
            read_all(source, source.links({ONE: Stated(5, 5)}, "references"))
    assert "TOKENATLAS_S2_URL" in error.value.hint


def entry(number: int, kind: Kind) -> dict[str, Any]:
    return {"contexts": [], "intents": [], "isInfluential": False, OTHER[kind]: {"paperId": sha(number), "title": "A"}}


def hub(total: int, kind: Kind, refuse: int = 10_000) -> Callable[[Asked], object]:
    """A paper with so many links, whose list is paged as the service does."""

    def answer(asked: Asked) -> object:
        offset, limit = int(asked.params["offset"]), int(asked.params["limit"])
        if offset + limit >= refuse:
            return given_json({"error": f"offset + limit must be < {refuse}"}, 400)
        end = min(total, offset + limit)
        more = {"next": end} if end < total else {}
        return {"offset": offset, "data": [entry(number, kind) for number in range(offset, end)]} | more

    return answer


def test_a_long_list_is_read_to_its_end(tmp_path: Path) -> None:
    with scripted(hub(2500, "citations"), tmp_path) as (services, transport):
        source = SemanticScholarSource(transport)
        (stream,) = source.links({ONE: Stated(None, 2500)}, "citations")
        pages = read_all(source, [stream])
    assert services.requests == {"s2.citations": 3}
    assert source.requests(stream) == 3
    assert [len(page.citations) for page in pages] == [1000, 1000, 500]
    assert [page.fetches for page in pages[:2]] == [(), ()]
    assert pages[2].fetches == (Fetch(ONE, "s2", "citations", "complete", 2500, 2500, ""),)


@pytest.mark.parametrize("stated_count", [12_345, None])
def test_a_hub_is_read_as_far_as_it_goes_and_called_truncated(tmp_path: Path, stated_count: int | None) -> None:
    with scripted(hub(12_345, "citations"), tmp_path) as (services, transport):
        source = SemanticScholarSource(transport)
        (stream,) = source.links({ONE: Stated(None, stated_count)}, "citations")
        pages = read_all(source, [stream])
    assert services.requests == {"s2.citations": 10}
    (fetch,) = pages[-1].fetches
    assert (fetch.state, fetch.got, fetch.stated) == ("truncated", 9999, stated_count)
    assert "9,999" in pages[-1].warnings[0]


def test_a_list_goes_on_in_another_process(tmp_path: Path) -> None:
    with scripted(hub(2500, "citations"), tmp_path) as (services, transport):
        (stream,) = SemanticScholarSource(transport).links({ONE: Stated(None, 2500)}, "citations")
        position: str | None = ""
        while position is not None:
            page = SemanticScholarSource(transport).read(stream, position)
            position = page.next
    assert services.requests == {"s2.citations": 3}
    assert (page.fetches[0].got, page.fetches[0].state) == (2500, "complete")


@pytest.mark.parametrize("fault", ["same-page", "empty-page"])
@pytest.mark.parametrize("after", [0, 1])
def test_a_doubtful_page_of_a_list_is_asked_for_again(tmp_path: Path, fault: str, after: int) -> None:
    with scripted(hub(2500, "citations"), tmp_path) as (services, transport):
        source = SemanticScholarSource(transport)
        other = source.links({f"s2:{'d' * 40}": Stated(None, 7)}, "citations")
        read_all(source, other)
        services.reset()
        services.fault("s2.citations", fault, after=after)
        pages = read_all(source, source.links({ONE: Stated(None, 2500)}, "citations"))
    assert services.requests["s2.citations"] in (3, 4), "the first page is the same for every paper of this server"
    assert sum(len(page.citations) for page in pages) == 2500
    assert pages[-1].fetches[0].state == "complete"


@pytest.mark.parametrize("fault", ["same-page", "empty-page"])
def test_a_list_that_stays_doubtful_is_truncated(tmp_path: Path, fault: str) -> None:
    with scripted(hub(2500, "citations"), tmp_path) as (services, transport):
        source = SemanticScholarSource(transport)
        services.fault("s2.citations", fault, after=1, times=None)
        pages = read_all(source, source.links({ONE: Stated(None, 2500)}, "citations"))
    assert services.requests == {"s2.citations": 2 + s2_client.AGAIN}
    (fetch,) = pages[-1].fetches
    assert (fetch.state, fetch.got, fetch.stated) == ("truncated", 1000, 2500)
    assert len(pages[-1].warnings) == 2


def test_an_empty_list_under_a_count_is_truncated_not_empty(tmp_path: Path) -> None:
    with scripted(lambda asked: {"offset": 0, "data": []}, tmp_path) as (services, transport):
        source = SemanticScholarSource(transport)
        pages = read_all(source, source.links({ONE: Stated(150, None)}, "references"))
    assert fetches(pages)[ONE] == Fetch(ONE, "s2", "references", "truncated", 0, 150, "")
    assert services.requests == {"s2.references": 1 + s2_client.AGAIN}


def test_an_empty_list_is_empty_where_nothing_else_is_said(tmp_path: Path) -> None:
    with scripted(lambda asked: {"offset": 0, "data": []}, tmp_path) as (services, transport):
        source = SemanticScholarSource(transport)
        pages = read_all(source, source.links({ONE: Stated()}, "references"))
    assert fetches(pages)[ONE] == Fetch(ONE, "s2", "references", "empty", 0, None, "")
    assert services.requests == {"s2.references": 1}


def test_pages_that_go_in_circles_end(tmp_path: Path) -> None:
    def answer(asked: Asked) -> object:
        return {"offset": 0, "next": int(asked.params["offset"]), "data": [entry(1, "references")]}

    with scripted(answer, tmp_path) as (_, transport):
        source = SemanticScholarSource(transport)
        pages = read_all(source, source.links({ONE: Stated(3, None)}, "references"))
    assert fetches(pages)[ONE].state == "truncated"


def test_more_links_than_stated_are_kept(tmp_path: Path) -> None:
    with scripted(hub(12, "references"), tmp_path) as (_, transport):
        source = SemanticScholarSource(transport)
        pages = read_all(source, source.links({ONE: Stated(9, None)}, "references"))
    assert fetches(pages)[ONE] == Fetch(ONE, "s2", "references", "complete", 12, 12, "")


def page_of(data: object, **more: object) -> Callable[[Asked], object]:
    return lambda asked: {"offset": 0, "data": data} | more


@pytest.mark.parametrize(
    ("data", "state", "got"),
    [
        (None, "withheld", 0),
        ([None, None, None], "withheld", 0),
        ([entry(1, "references"), {"citedPaper": None}, None], "withheld", 1),
        ([entry(1, "references"), {"citedPaper": {"paperId": None, "title": "A report"}}, entry(2, "references")],
         "complete", 2),
        ([entry(1, "references"), entry(1, "references"), entry(2, "references")], "complete", 2),
        ([entry(1, "references"), entry(2, "references")], "truncated", 2),
        ([entry(1, "references"), {"citedPaper": 7}, "text"], "complete", 1),
    ],
)  # fmt: skip
def test_what_a_list_of_three_comes_to(tmp_path: Path, data: object, state: str, got: int) -> None:
    info = {"openAccessPdf": {"url": "", "disclaimer": "Notice: {'references'} held back"}}
    with scripted(page_of(data, citingPaperInfo=info), tmp_path) as (_, transport):
        source = SemanticScholarSource(transport)
        (page,) = read_all(source, source.links({ONE: Stated(3, None)}, "references"))
    assert page.fetches == (Fetch(ONE, "s2", "references", state, got, 3, ""),)  # type: ignore[arg-type]
    assert len(page.citations) == len(page.found) == len(page.papers) == got
    assert bool(page.unusable) == (isinstance(data, list) and "text" in data)


@pytest.mark.parametrize("answer", [{"offset": 0}, {"data": 7}, [], "text", None, {"error": "no"}])
def test_a_list_of_another_form_is_an_error_that_can_be_resumed(tmp_path: Path, answer: object) -> None:
    with scripted(lambda asked: answer, tmp_path) as (_, transport):
        source = SemanticScholarSource(transport)
        with pytest.raises(BadAnswer) as error:
            read_all(source, source.links({ONE: Stated(3, None)}, "references"))
    assert error.value.retryable


def many(lists: Mapping[str, Any], kind: Kind) -> Callable[[Asked], object]:
    """A batch answer with these lists, by number of paper; anything else asked gives an empty list."""

    def answer(asked: Asked) -> object:
        if asked.endpoint != "s2.batch":
            return {"offset": 0, "data": []}
        ids = json.loads(asked.body)["ids"]
        found = []
        for id in ids:
            told = lists.get(id)
            found.append(told if not isinstance(told, dict) else {"externalIds": {"CorpusId": int(id[9:])}} | told)
        return found

    return answer


@pytest.mark.parametrize(
    ("told", "state", "got", "stated_count"),
    [
        ({"referenceCount": 2, "references": [{"paperId": sha(1)}, {"paperId": sha(2)}]}, "complete", 2, 2),
        ({"referenceCount": 2, "references": [{"paperId": sha(1)}, {"paperId": None, "title": "A"}]}, "complete", 1, 2),
        ({"referenceCount": 2, "references": [{"paperId": sha(1)}, None]}, "withheld", 1, 2),
        ({"referenceCount": 2, "references": None}, "withheld", 0, 2),
        ({"referenceCount": 2}, "withheld", 0, 2),
        ({"referenceCount": 0, "references": None}, "empty", 0, 0),
        ({"referenceCount": 0, "references": []}, "empty", 0, 0),
        ({"referenceCount": None, "references": []}, "empty", 0, None),
        ({"referenceCount": "2", "references": [{"paperId": sha(1)}]}, "complete", 1, None),
        ({"referenceCount": 1, "references": [{"paperId": sha(1)}, {"paperId": sha(2)}]}, "complete", 2, 2),
        ({"referenceCount": 3, "references": [{"paperId": sha(1)}]}, "truncated", 0, 3),
        ({"referenceCount": 3, "references": 7}, "truncated", 0, 3),
        (None, "unknown", None, None),
    ],
)  # fmt: skip
def test_what_a_list_in_a_batch_comes_to(
    tmp_path: Path, told: Any, state: str, got: int | None, stated_count: int | None
) -> None:
    with scripted(many({"CorpusId:1": told}, "references"), tmp_path) as (_, transport):
        source = SemanticScholarSource(transport, contexts=False)
        pages = read_all(source, source.links({"corpusid:1": Stated()}, "references"))
    assert fetches(pages) == {"corpusid:1": Fetch("corpusid:1", "s2", "references", state, got, stated_count, "")}  # type: ignore[arg-type]


def test_a_broken_record_among_many_costs_the_others_nothing(tmp_path: Path) -> None:
    good = {"citationCount": 1, "citations": [{"paperId": sha(1)}]}
    lists = {"CorpusId:1": good, "CorpusId:2": 7, "CorpusId:3": good}
    with scripted(many(lists, "citations"), tmp_path) as (_, transport):
        source = SemanticScholarSource(transport, contexts=False)
        pages = read_all(source, source.links({f"corpusid:{n}": Stated() for n in (1, 2, 3)}, "citations"))
    assert [id for id, fetch in fetches(pages).items() if fetch.state == "complete"] == ["corpusid:1", "corpusid:3"]
    assert [fault.id for page in pages for fault in page.unusable] == ["corpusid:2"]


@pytest.mark.parametrize("contexts", [True, False])
@pytest.mark.parametrize("fault", ["null-papers", "wrong-type"])
def test_a_fault_in_the_records_keeps_the_rest(
    services: Services, transport: Transport, contexts: bool, fault: str
) -> None:
    world = services.world
    row = max(range(len(world)), key=lambda each: int(world.citations_at_s2[each]))
    id, count = f"s2:{world.s2[row]}", int(world.citations_at_s2[row])
    source = SemanticScholarSource(transport, contexts=contexts)
    services.fault("s2.citations" if contexts else "s2.batch", fault, times=None)
    pages = read_all(source, source.links({id: Stated(None, count)}, "citations"))
    fetch = fetches(pages)[id]
    if fault == "wrong-type":
        assert (fetch.state, fetch.got) == ("complete", count)
        assert {fault.field for page in pages for fault in page.unusable} == {"title"}
    elif contexts:
        assert (fetch.state, fetch.got, fetch.stated) == ("withheld", count // 2, count)
    else:
        assert fetch.state == "unknown"


HEALING = (
    "429-seconds", "429", "500", "502-html", "503-empty", "200-html", "200-empty", "truncated", "reset", "closed",
)  # fmt: skip


@pytest.mark.parametrize("fault", HEALING)
@pytest.mark.parametrize("kind", KINDS)
def test_what_heals_costs_one_request_and_nothing_else(
    services: Services, transport: Transport, kind: Kind, fault: str
) -> None:
    world = services.world
    counts = world.references_at_s2 if kind == "references" else world.citations_at_s2
    row = next(row for row in range(50, 160) if counts[row] > 2 and not world.elided[row])
    source = SemanticScholarSource(transport)
    services.fault(f"s2.{kind}", fault)
    (page,) = read_all(source, source.links({f"s2:{world.s2[row]}": Stated()}, kind))
    assert page.fetches[0].state == "complete"
    assert services.requests == {f"s2.{kind}": 2}


def test_ids_with_a_slash_are_asked_about(services: Services, transport: Transport) -> None:
    world = services.world
    row = next(row for row in range(len(world)) if world.arxiv[row] and "/" in str(world.arxiv[row]))
    other = next(row for row in range(100, len(world)) if world.doi[row] and not world.arxiv[row])
    source = SemanticScholarSource(transport)
    ids = [f"arxiv:{world.arxiv[row]}", f"doi:{str(world.doi[other]).lower()}"]
    pages = read_all(source, source.links(dict.fromkeys(ids, Stated()), "citations"))
    assert Counter(fetch.state == "unknown" for fetch in fetches(pages).values()) == {False: 2}


def test_links_of_a_stream_that_was_stored_read_the_same(services: Services, transport: Transport) -> None:
    source = SemanticScholarSource(transport)
    (stream,) = source.links({f"s2:{services.world.s2[7]}": Stated(None, 4)}, "citations")
    stored = Stream(stream.source, stream.kind, stream.key, ids=stream.ids, query=stream.query)
    assert SemanticScholarSource(transport).read(stored, "") == source.read(stream, "")
