"""Single works of OpenAlex over a real socket: what they tell, what they cost, and misbehaviour."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyalex import Work

from ingest.openalex import FIELDS, OpenAlexSource, read_work
from ingest.source import Stated
from ingest.sources import SOURCES
from ingest.transport import Transport
from kg.errors import BadAnswer, InputError, SourceError
from kg.identity import normalise
from kg.model import Author, Citation, Fetch, PartialDate
from tests.services.clock import OwnClock
from tests.services.scripted import read_all, scripted
from tests.services.server import Services

KEY = "a-key-that-nobody-may-see"
ID = "openalex:W2618500857"
WHOLE: dict[str, Any] = {
    "id": "https://openalex.org/W2618500857",
    "doi": "https://doi.org/10.5555/A.1",
    "title": "A codec\\n that we made up",
    "display_name": "Another spelling",
    "publication_date": "2021-07-07",
    "publication_year": 2021,
    "abstract_inverted_index": {"codes": [1], "It": [0], "and": [3], "audio": [2, 4]},
    "authorships": [
        {"author": {"id": "https://openalex.org/A5001", "display_name": "Ada Example"}, "raw_author_name": "A. E."},
        {"author": None, "raw_author_name": "Ben Sample"},
        {"author": {"id": "https://openalex.org/A5001", "display_name": "Ada Example"}},
        {"author": {"id": None, "display_name": None}},
    ],
    "primary_location": {"source": {"display_name": "Imagined Transactions", "type": "journal"}},
    "locations": [{"landing_page_url": "https://arxiv.org/abs/2107.03312"}, {"landing_page_url": None}],
    "open_access": {"is_oa": True, "oa_url": "https://example.org/a.pdf"},
    "cited_by_count": 7,
    "referenced_works_count": 2,
    "referenced_works": ["https://openalex.org/W2", "https://openalex.org/W1", "https://openalex.org/W2"],
    "is_retracted": False,
}


@pytest.fixture
def transport(services: Services) -> Iterator[Transport]:
    with Transport(environ=services.environment, clock=OwnClock(), chance=lambda: 0.5) as made:
        yield made


@pytest.fixture
def source(transport: Transport) -> OpenAlexSource:
    return OpenAlexSource(transport)


def test_the_package_has_what_is_used_of_it() -> None:
    assert Work({"abstract_inverted_index": {"b": [1], "a": [0]}})["abstract"] == "a b"


def test_a_fourth_source_is_a_file_and_a_line() -> None:
    assert SOURCES["openalex"] is OpenAlexSource


def test_a_whole_work_becomes_a_paper_with_its_references() -> None:
    page = read_work(WHOLE, asked=ID, listed=False)
    (paper,) = page.papers
    assert page.unusable == ()
    assert paper.ids == ("arxiv:2107.03312", "doi:10.5555/a.1", ID)
    assert paper.title == "A codec that we made up"
    assert paper.abstract == "It codes audio and audio"
    assert paper.published == PartialDate("2021-07-07", "openalex")
    assert paper.venue == "Imagined Transactions"
    assert paper.authors == (
        Author("openalexauthor:A5001", "Ada Example", name_only=False),
        Author("name:ben-sample", "Ben Sample", name_only=True),
    )
    assert (paper.references_stated, paper.citations_stated) == (2, 7)
    assert (paper.standing, paper.open_access, paper.tldr) == (None, "https://example.org/a.pdf", None)
    assert (paper.source, paper.provenance) == ("openalex", "api.openalex.org")
    assert page.citations == (Citation(ID, "openalex:W2", "openalex"), Citation(ID, "openalex:W1", "openalex"))
    assert page.fetches == (
        Fetch(ID, "openalex", "metadata", "complete", None, None, ""),
        Fetch(ID, "openalex", "references", "complete", 2, 2, ""),
    )
    assert page.found == (ID,)


def test_a_list_of_references_names_what_is_on_it_and_answers_nothing_else() -> None:
    page = read_work(WHOLE, asked=ID, listed=True)
    assert page.found == ("openalex:W2", "openalex:W1")
    assert [fetch.what for fetch in page.fetches] == ["references"], "who reads links may drop the metadata"


@pytest.mark.parametrize(
    ("field", "value", "attribute", "expected"),
    [
        ("is_retracted", True, "standing", "retracted"),
        ("is_retracted", None, "standing", None),
        ("publication_date", "2021-01-01", "published", PartialDate("2021", "openalex")),
        ("publication_date", "2021-07-01", "published", PartialDate("2021-07", "openalex")),
        ("publication_date", None, "published", PartialDate("2021", "openalex")),
        ("title", None, "title", "Another spelling"),
        ("abstract_inverted_index", None, "abstract", None),
        ("abstract_inverted_index", {}, "abstract", None),
        ("primary_location", None, "venue", None),
        ("primary_location", {"source": {"display_name": "A shelf", "type": "repository"}}, "venue", None),
        ("primary_location", {"source": {"display_name": "arXiv (Cornell University)"}}, "venue", None),
        ("doi", "https://doi.org/10.48550/arxiv.2107.03312", "ids", ("arxiv:2107.03312", ID)),
        ("locations", [{"landing_page_url": f"https://arxiv.org/abs/2107.0331{n}"} for n in (2, 3)], "ids",
         ("doi:10.5555/a.1", ID)),
        ("locations", [{"landing_page_url": "https://example.org/2107.03312"}], "ids", ("doi:10.5555/a.1", ID)),
        ("open_access", {"oa_url": None}, "open_access", None),
    ],
)  # fmt: skip
def test_what_is_taken_from_a_field(field: str, value: Any, attribute: str, expected: Any) -> None:
    page = read_work(WHOLE | {field: value}, asked=ID, listed=False)
    assert page.unusable == ()
    assert getattr(page.papers[0], attribute) == expected


def test_no_references_known_is_not_a_paper_without_any() -> None:
    page = read_work(WHOLE | {"referenced_works": [], "referenced_works_count": 0}, asked=ID, listed=True)
    assert page.fetches == (Fetch(ID, "openalex", "references", "empty", 0, None, ""),)
    assert page.papers[0].references_stated is None


def test_a_list_shorter_than_stated_is_truncated() -> None:
    page = read_work(WHOLE | {"referenced_works_count": 5}, asked=ID, listed=True)
    assert page.fetches == (Fetch(ID, "openalex", "references", "truncated", 2, 5, ""),)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("title", 12345, "title"),
        ("doi", "no doi", "doi"),
        ("publication_date", 2021, "publication_date"),
        ("abstract_inverted_index", {"It": 0}, "abstract_inverted_index"),
        ("abstract_inverted_index", {"It": [True]}, "abstract_inverted_index"),
        ("abstract_inverted_index", ["It"], "abstract_inverted_index"),
        ("abstract_inverted_index", {"a": list(range(20_001))}, "abstract_inverted_index"),
        ("abstract_inverted_index", {"a\0": [0]}, "abstract_inverted_index"),
        ("authorships", {}, "authorships"),
        ("cited_by_count", "7", "cited_by_count"),
        ("referenced_works", ["https://openalex.org/A5"], "referenced_works"),
        ("referenced_works", ["10.5555/x"], "referenced_works"),
        ("referenced_works", 7, "referenced_works"),
        ("open_access", {"oa_url": "javascript:alert(1)"}, "open_access.oa_url"),
        ("is_retracted", "no", "is_retracted"),
    ],
)
def test_a_broken_field_is_named_and_costs_nothing_else(field: str, value: Any, named: str) -> None:
    page = read_work(WHOLE | {field: value}, asked=ID, listed=False)
    assert [(fault.id, fault.field) for fault in page.unusable] == [(ID, named)]
    assert len(page.papers) == 1


def test_another_work_than_asked_for_is_not_taken() -> None:
    page = read_work(WHOLE, asked="arxiv:2107.03313", listed=False)
    assert (page.papers, page.fetches) == ((), ())
    assert "another work came" in page.unusable[0].reason


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["source", "display_name", "author", "id", "oa_url", "landing_page_url", "type"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), anything), st.booleans(), st.booleans())
def test_no_value_in_any_field_crashes(values: dict[str, Any], whole: bool, listed: bool) -> None:
    page = read_work(WHOLE | values if whole else values, asked=ID, listed=listed)
    for paper in page.papers:
        assert [normalise(id) for id in paper.ids] == list(paper.ids)
    assert len(page.fetches) == (1 if listed else 2) * len(page.papers)


def test_works_of_the_world(services: Services, source: OpenAlexSource) -> None:
    world = services.world
    rows = [row for row in range(len(world)) if len(world.openalex[row]) == 1][:30]
    ids = [f"openalex:{world.openalex[row][0]}" for row in rows]
    streams = source.papers(ids)
    pages = read_all(source, streams)
    assert services.requests == {"openalex.work": len(ids)}
    assert [source.requests(stream) for stream in streams] == [1] * len(ids)
    for row, page in zip(rows, pages, strict=True):
        (paper,) = page.papers
        known = world.edges.openalex[world.references(row)]
        cited = world.edges.cited[world.references(row)][known]
        listed = sum(bool(world.openalex[int(each)]) for each in cited)
        assert paper.title == world.title(row)
        assert paper.abstract in (None, " ".join(world.abstract(row).split()))
        assert (paper.standing == "retracted") == bool(world.withdrawn[row])
        assert page.fetches[1].got == listed
        assert page.fetches[1].state == ("complete" if listed else "empty")


def test_every_kind_of_id_is_spelt_as_the_service_does(services: Services, source: OpenAlexSource) -> None:
    world = services.world
    row = next(row for row in range(len(world)) if world.arxiv[row] and not world.doi[row] and world.openalex[row])
    other = next(row for row in range(len(world)) if world.doi[row] and not world.arxiv[row] and world.openalex[row])
    ids = [f"arxiv:{world.arxiv[row]}", f"doi:{str(world.doi[other]).lower()}"]
    pages = read_all(source, source.links(dict.fromkeys(ids, Stated()), "references"))
    assert [page.papers[0].title for page in pages] == [world.title(row), world.title(other)]
    assert services.log[0].path == f"/works/doi:10.48550/arxiv.{world.arxiv[row]}"
    assert all(set(asked.params) == {"select"} for asked in services.log)


def test_a_work_that_is_not_there_is_unknown(services: Services, source: OpenAlexSource) -> None:
    (page,) = read_all(source, source.papers(["openalex:W1"]))
    assert [(fetch.what, fetch.state) for fetch in page.fetches] == [("metadata", "unknown"), ("references", "unknown")]


def test_a_joined_work_has_both_ids(services: Services, source: OpenAlexSource) -> None:
    world = services.world
    row = next(row for row in range(len(world)) if len(world.openalex[row]) == 1)
    services.fault("openalex.work", "moved", to=f"{services.url}/openalex/works/{world.openalex[row][0]}")
    (page,) = read_all(source, source.papers(["openalex:W1"]))
    assert {"openalex:W1", f"openalex:{world.openalex[row][0]}"} <= set(page.papers[0].ids)


@pytest.mark.parametrize(
    ("ids", "best"),
    [
        (["arxiv:2107.03312", "doi:10.5555/a", "openalex:W1"], "openalex:W1"),
        (["arxiv:2107.03312", "doi:10.5555/a"], "doi:10.5555/a"),
        (["s2:" + "0" * 40, "arxiv:2107.03312"], "arxiv:2107.03312"),
        (["doi:10.5555/../a", "corpusid:1"], None),
    ],
)
def test_the_best_id_to_ask_by(source: OpenAlexSource, ids: list[str], best: str | None) -> None:
    assert source.askable(ids) == best


def test_lists_of_citers_are_not_offered(source: OpenAlexSource) -> None:
    assert source.links({ID: Stated(1, 1)}, "citations") == ()


def test_searches_are_not_offered(source: OpenAlexSource) -> None:
    with pytest.raises(InputError) as error:
        source.search("audio")
    assert error.value.hint


HEALING = (
    "429-seconds",
    "429",
    "500",
    "502-html",
    "503-empty",
    "200-html",
    "200-empty",
    "truncated",
    "reset",
    "closed",
)


@pytest.mark.parametrize("fault", HEALING)
def test_what_heals_costs_one_request(services: Services, source: OpenAlexSource, fault: str) -> None:
    row = next(row for row in range(len(services.world)) if services.world.openalex[row])
    plan = source.papers([f"openalex:{services.world.openalex[row][0]}"])
    (before,) = read_all(source, plan)
    services.fault("openalex.work", fault)
    (after,) = read_all(source, plan)
    assert after == before
    assert services.requests == {"openalex.work": 3}


@pytest.mark.parametrize("answer", [[], {"results": []}, "text", None, 7, {"id": 7}])
def test_json_of_another_form_is_an_error_that_can_be_resumed(tmp_path: Path, answer: object) -> None:
    with scripted(lambda asked: answer, tmp_path) as (_, transport):
        source = OpenAlexSource(transport)
        with pytest.raises(BadAnswer) as error:
            read_all(source, source.papers([ID]))
    assert error.value.retryable


def test_the_key_goes_with_every_request_and_into_nothing_else(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    environ = services.environment | {"OPENALEX_API_KEY": KEY}
    with Transport(environ=environ, clock=OwnClock()) as transport:
        source = OpenAlexSource(transport)
        read_all(source, source.papers([ID, "arxiv:2107.03312"]))
        services.fault("*", "401", times=None)
        with pytest.raises(SourceError) as error:
            read_all(source, source.papers([ID]))
    assert [asked.params.get("api_key") for asked in services.log] == [KEY] * 3
    assert KEY not in caplog.text
    assert KEY not in f"{error.value} {error.value.__dict__}"
