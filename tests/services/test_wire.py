"""The server speaks the services' own formats: their clients' models read it, and it keeps their limits."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import arxiv
import numpy as np
import pytest
from arxiv import _feed
from semanticscholar.Paper import Paper

from ingest.transport import Transport
from kg.errors import RequestRefused, SourceError, SourceUnavailable
from tests.services.asked import Asked
from tests.services.faults import ENDPOINTS, FAULTS, table
from tests.services.recorded import Recorded
from tests.services.s2_query import matches
from tests.services.s2_wire import EDGE, FLAT
from tests.services.server import Services
from tests.services.world import fold

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def transport(services: Services):
    with Transport(environ=services.environment) as opened:
        yield opened


def feed(transport: Transport, **params: Any) -> _feed.ParsedFeed:
    return _feed.parse(transport.get("arxiv", "/api/query", params, accept="atom").atom())


def s2(transport: Transport, path: str, **params: Any) -> Any:
    return transport.get("s2", f"/graph/v1/paper/{path}", params).json()


def batch(transport: Transport, ids: list[str], fields: str) -> Any:
    return transport.post("s2", "/graph/v1/paper/batch", {"fields": fields}, json={"ids": ids}).json()


def test_pages_of_a_search_give_every_match_once(transport, services) -> None:
    world = services.world
    query = 'all:"discrete audio tokens" OR (ti:codec ANDNOT cat:cs.DS)'
    expected = {
        id for row, id in enumerate(world.arxiv)
        if id and (" discrete audio tokens " in world.words[row] or "codec" in fold(world.title(row)).split())
    }  # fmt: skip
    found: list[str] = []
    for start in range(0, 400, 25):
        page = feed(transport, search_query=query, start=start, max_results=25, sortBy="submittedDate")
        assert page.header.total_results == len(expected)
        found += [result.get_short_id().rpartition("v")[0] for result in page.results]
        if start + 25 >= len(expected):
            break
    assert Counter(found) == Counter(expected)
    assert len(expected) > 50


def test_windows_of_dates_part_a_search(transport) -> None:
    whole = feed(transport, search_query="all:tokens", max_results=0).header.total_results
    windows = [f"[{year}01010000 TO {year}12312359]" for year in range(1996, 2026)]
    parts = [
        feed(transport, search_query=f"all:tokens AND submittedDate:{each}", max_results=0).header.total_results
        for each in windows
    ]
    assert sum(parts) == whole > 50


def test_an_entry_holds_what_the_paper_is(transport, services) -> None:
    world = services.world
    row = next(row for row, doi in enumerate(world.doi) if doi and world.arxiv[row] and world.drawn[row, 11] % 10 < 7)
    (result,) = feed(transport, id_list=world.arxiv[row]).results
    assert (result.title, result.doi) == (world.title(row), world.doi[row])
    assert [author.name for author in result.authors] == [name for _, name in world.authors(row)]
    assert result.published.date() == world.date(row)
    assert result.get_short_id() == f"{world.arxiv[row]}v{world.versions[row]}"
    assert result.primary_category == result.categories[0]
    assert result.pdf_url.endswith(result.get_short_id())


def test_id_lists_know_versions_old_ids_and_leave_out_the_unknown(transport, services) -> None:
    world = services.world
    row = next(row for row, id in enumerate(world.arxiv) if id and world.versions[row] > 1)
    old = next(id for id in world.arxiv if id and "/" in id)
    page = feed(transport, id_list=f"{world.arxiv[row]}v1,{old},2512.99999,{world.arxiv[row]}v9", max_results=10)
    assert [result.get_short_id().rpartition("v")[0] for result in page.results] == [world.arxiv[row], old]
    assert page.results[0].get_short_id().endswith("v1")
    assert page.header.total_results == 2


def test_withdrawn_papers_say_so(make_services) -> None:
    services = make_services(papers=1_500)
    world = services.world
    row = int(np.flatnonzero(world.withdrawn)[0])
    with Transport(environ=services.environment) as transport:
        (result,) = feed(transport, id_list=world.arxiv[row]).results
    assert "withdrawn" in result.summary
    assert isinstance(result, arxiv.Result)


def test_what_arxiv_cannot_give_is_an_error(transport) -> None:
    for params in ({"max_results": 2001}, {"start": "x"}, {"search_query": "(all:a"}, {"search_query": "zz:a"}):
        with pytest.raises(RequestRefused):
            feed(transport, **{"search_query": "all:a"} | params)
    with Transport(environ=dict(_environment(transport)), patience_s=0) as hasty, pytest.raises(SourceUnavailable):
        feed(hasty, search_query="all:tokens", start=9_999, max_results=100)


def _environment(transport: Transport) -> dict[str, str]:
    base = transport.access("arxiv").base
    return {"TOKENATLAS_ARXIV_URL": base, "TOKENATLAS_PACE": "arxiv=0.001", "TOKENATLAS_CACHE": str(transport._folder)}


def test_a_paper_holds_only_the_fields_asked_for(transport, services) -> None:
    id = services.world.s2[5]
    assert set(s2(transport, id)) == {"paperId", "title"}
    whole = s2(transport, id, fields=",".join(FLAT))
    assert set(whole) == FLAT
    assert Paper(whole).title == services.world.title(5)
    assert set(s2(transport, id, fields="citations.year,references")) == {"paperId", "citations", "references"}
    with pytest.raises(RequestRefused, match="Unrecognized or unsupported fields"):
        s2(transport, id, fields="title,colour")
    vector = s2(transport, id, fields="embedding.specter_v2")["embedding"]
    assert (vector["model"], len(vector["vector"])) == ("specter_v2", 768)


def test_every_spelling_of_an_id_finds_its_paper(transport, services) -> None:
    world = services.world
    row = next(row for row, doi in enumerate(world.doi) if doi and world.arxiv[row])
    for id in (
        f"ARXIV:{world.arxiv[row]}", f"arxiv:{world.arxiv[row]}v1", f"DOI:{world.doi[row].upper()}", world.doi[row],
        f"CorpusId:{world.corpus[row]}", world.s2[row],
    ):  # fmt: skip
        assert s2(transport, id)["paperId"] == world.s2[row]


def test_a_batch_has_a_null_for_the_unknown_and_falls_silent(make_services) -> None:
    services = make_services(nested=40)
    world = services.world
    order = np.argsort(-world.citations_at_s2)[:3]
    with Transport(environ=services.environment) as transport:
        told = batch(
            transport, [world.s2[row] for row in order] + ["ARXIV:2512.99999"], "citationCount,citations.paperId"
        )
        with pytest.raises(RequestRefused, match="1 to 500"):
            batch(transport, ["ARXIV:2512.99999"] * 501, "title")
        with pytest.raises(RequestRefused, match="1 to 500"):
            batch(transport, [], "title")
    assert told[3] is None
    assert [len(each["citations"]) for each in told[:3]] == [40, 0, 0]
    assert [each["citationCount"] for each in told[:3]] == [int(world.citations_at_s2[row]) for row in order]


def test_lists_page_to_the_count_that_the_paper_states(transport, services) -> None:
    fields = "title,intents,isInfluential,contexts"
    world = services.world
    for row in range(150, 170):
        told = s2(transport, world.s2[row], fields="citationCount,referenceCount")
        for name in ("citation", "reference"):
            found: list[Any] = []
            offset: int | None = 0
            while offset is not None:
                page = s2(transport, f"{world.s2[row]}/{name}s", fields=fields, offset=offset, limit=7)
                if page["data"] is None:
                    assert world.elided[row]
                    break
                found += page["data"]
                offset = page.get("next")
            else:
                assert len(found) == told[f"{name}Count"]
                other = "citingPaper" if name == "citation" else "citedPaper"
                assert all(set(each) == {other, "intents", "isInfluential", "contexts"} for each in found)


def test_references_that_a_publisher_holds_back_are_null(transport, services) -> None:
    world = services.world
    row = int(np.flatnonzero(world.elided)[0])
    assert s2(transport, f"{world.s2[row]}/references")["data"] is None
    assert s2(transport, world.s2[row], fields="references.title")["references"] is None


def test_lists_end_where_the_service_stops(make_services) -> None:
    services = make_services(deepest=50)
    id = services.world.s2[int(services.world.citations_at_s2.argmax())]
    with Transport(environ=services.environment) as transport:
        assert len(s2(transport, f"{id}/citations", offset=0, limit=49)["data"]) == 49
        with pytest.raises(RequestRefused, match="must be < 50"):
            s2(transport, f"{id}/citations", offset=1, limit=49)


def test_a_bulk_search_goes_on_by_its_token(make_services) -> None:
    services = make_services(papers=2_500)
    found: list[str] = []
    with Transport(environ=services.environment) as transport:
        token: str | None = ""
        while token is not None:
            page = s2(
                transport, "search/bulk", query="a | of | we", fields="year", **({"token": token} if token else {})
            )
            found += [each["paperId"] for each in page["data"]]
            token = page["token"]
        assert page["total"] == len(found) == len(set(found)) > 2_000
        with pytest.raises(RequestRefused, match="token"):
            s2(transport, "search/bulk", query="a", token="stale")
        assert s2(transport, "search/bulk", query="zzzz") == {"total": 0, "token": None, "data": []}
        dated = s2(
            transport, "search/bulk", query="a | of | we", fields="year", publicationDateOrYear="2023-01:2023-12"
        )
        assert {each["year"] for each in dated["data"]} == {2023}


def test_the_query_language_of_the_bulk_search() -> None:
    texts = [" a neural audio codec ", " audio tokens for codecs ", " graph colouring "]
    for query, found in (
        ('"audio codec"', [0]), ("codec*", [0, 1]), ("audio -tokens", [0]), ("audio + tokens", [1]),
        ("neural | graph", [0, 2]), ("audio (neural | tokens)", [0, 1]), ('"audio codec"~3', [0]), ("-audio", [2]),
    ):  # fmt: skip
        assert np.flatnonzero(matches(query, texts)).tolist() == found, query


def test_works_are_found_by_id_and_doi(transport, services) -> None:
    world = services.world
    row = next(row for row, ids in enumerate(world.openalex) if len(ids) == 2 and world.references(row).stop)
    published, preprint = world.openalex[row]
    first = transport.get("openalex", f"/works/{published}").json()
    second = transport.get("openalex", f"/works/doi:10.48550/arXiv.{world.arxiv[row]}").json()
    assert (first["id"], second["id"]) == (f"https://openalex.org/{published}", f"https://openalex.org/{preprint}")
    assert transport.get("openalex", f"/works/doi:{world.doi[row].upper()}").json() == first
    assert first["doi"] == f"https://doi.org/{world.doi[row].lower()}"
    assert first["referenced_works_count"] == len(first["referenced_works"])
    assert set(transport.get("openalex", f"/works/{published}", {"select": "id,doi"}).json()) == {"id", "doi"}
    assert transport.get("openalex", "/works/W1", missing_ok=True).missing


def test_a_fault_comes_when_it_is_due(services) -> None:
    services.fault("s2.paper", "500", times=2, after=1)
    services.fault("s2.paper", "429", times=1)
    url = f"{services.url}/s2/graph/v1/paper/{services.world.s2[0]}"
    seen = []
    for _ in range(5):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                seen.append(answer.status)
        except urllib.error.HTTPError as error:
            seen.append(error.code)
            error.close()
    assert seen == [200, 500, 500, 429, 200]
    assert services.requests == {"s2.paper": 5}
    services.reset()
    assert (services.requests, services.log) == ({}, [])


def test_the_same_page_comes_twice(transport, services) -> None:
    first = s2(transport, "search/bulk", query="a")
    services.fault("s2.search", "same-page")
    assert s2(transport, "search/bulk", query="graph") == first
    assert s2(transport, "search/bulk", query="graph") != first


def test_nulls_and_numbers_stand_where_papers_and_titles_were(transport, services) -> None:
    ids = services.world.s2[:4]
    services.fault("s2.batch", "null-papers")
    assert [each is None for each in batch(transport, ids, "title")] == [True, False, True, False]
    services.fault("s2.batch", "wrong-type")
    assert {each["title"] for each in batch(transport, ids, "title")} == {12345}
    services.fault("arxiv.query", "empty-page")
    page = feed(transport, search_query="all:tokens", max_results=5)
    assert (page.results, page.header.total_results > 50) == ([], True)


def test_the_table_has_every_fault_and_every_endpoint() -> None:
    rows = list(table())
    assert {kind for kind, _ in rows} == set(FAULTS) - {"moved"}
    assert {endpoint for _, endpoint in rows} == set(ENDPOINTS)


def test_an_unknown_endpoint_is_named(transport) -> None:
    with pytest.raises(RequestRefused, match="No such endpoint: GET /graph/v2/x"):
        transport.get("s2", "/graph/v2/x")


def test_people_can_start_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.services.server", "--papers", "50", "--port", "0"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        environ = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines[1:])
        with urllib.request.urlopen(
            f"{environ['TOKENATLAS_S2_URL']}/graph/v1/paper/search/bulk?query=a", timeout=5
        ) as answer:
            assert json.load(answer)["total"] > 10
        process.terminate()
    assert set(environ) == {"TOKENATLAS_ARXIV_URL", "TOKENATLAS_S2_URL", "TOKENATLAS_OPENALEX_URL", "TOKENATLAS_PACE"}


@pytest.mark.realdata
def test_recorded_exchanges_come_back_over_the_socket(shared_data, tmp_path) -> None:
    recorded = Recorded(shared_data / "recorded")
    outcomes: Counter[str] = Counter()
    with Services(recorded, cache=tmp_path) as services, Transport(environ=services.environment) as transport:
        for asked in recorded.asked:
            try:
                outcomes[str(_made_again(transport, asked))] += 1
            except SourceError as error:
                outcomes[f"{type(error).__name__} {error.status}"] += 1
        with pytest.raises(RequestRefused, match="Not recorded"):
            transport.get("s2", "/graph/v1/paper/never")
    assert len(recorded.unknown) == 1
    assert recorded.unused() == 0
    # Of 162, what was recorded as an error: one malformed arXiv id, two wrong fields, two unknown ids, one forbidden.
    assert outcomes.pop("200") > 150
    assert {name.split()[0] for name in outcomes} == {"RequestRefused"}


def _made_again(transport: Transport, asked: Asked) -> int:
    service = asked.endpoint.partition(".")[0]
    if asked.method == "POST":
        return transport.post(service, asked.path, asked.params, json=json.loads(asked.body)).status
    return transport.get(service, asked.path, asked.params, accept="atom" if service == "arxiv" else "json").status


@pytest.mark.realdata
def test_the_wire_has_the_fields_of_recorded_answers(shared_data, transport, services) -> None:
    folder = shared_data / "recorded" / "semanticscholar_py"
    paper = json.loads((folder / "Paper.json").read_text())
    assert set(paper) - {"citations", "references"} <= FLAT
    citation = json.loads((folder / "Citation.json").read_text())
    assert set(citation) == EDGE | {"citingPaper"}
    world = services.world
    row = int(world.citations_at_s2.argmax())
    (ours,) = s2(transport, f"{world.s2[row]}/citations", fields=",".join(EDGE), limit=1)["data"]
    assert set(ours) == set(citation)
    for name in ("authors", "externalIds", "openAccessPdf", "tldr", "journal", "citationStyles", "s2FieldsOfStudy"):
        told = next(value for row in range(100, 300) if (value := s2(transport, world.s2[row], fields=name)[name]))
        theirs = paper[name] or {"url": "", "status": "GREEN"}
        if isinstance(told, list):
            told, theirs = told[0], theirs[0]
        assert {type(each) for each in told.values()} <= {str, int, type(None)}, name
        assert set(told) & set(theirs), name


@pytest.mark.realdata
def test_our_feed_is_built_as_the_recorded_ones(shared_data, transport, services) -> None:
    path = next((shared_data / "recorded" / "arxiv_py").glob("q_testing_s0_m10_*.json"))
    body = json.loads(path.read_text(encoding="utf-8"))["body"]
    row = next(row for row, doi in enumerate(services.world.doi) if doi and services.world.arxiv[row])
    ours = transport.get("arxiv", "/api/query", {"id_list": services.world.arxiv[row]}, accept="atom").body.decode()
    assert _elements(ours) <= _elements(body)
    assert ours.splitlines()[:2] == body.splitlines()[:2]


def _elements(feed_text: str) -> set[str]:
    return set(re.findall(r"<([a-z:A-Z_]+)[ >/]", feed_text))
