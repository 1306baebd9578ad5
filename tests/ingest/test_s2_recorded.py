"""Semantic Scholar's own answers, recorded by others, read through the source and over a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingest import s2_client
from ingest.s2_records import read_link, read_paper
from ingest.semantic_scholar import SemanticScholarSource
from ingest.source import Stated
from ingest.transport import Transport
from kg.errors import RequestRefused
from kg.model import Fetch
from tests.services.asked import Asked
from tests.services.clock import OwnClock
from tests.services.recorded import Recorded
from tests.services.scripted import read_all, scripted
from tests.services.server import Services

pytestmark = pytest.mark.realdata


class Translated:
    """Recordings that answer requests for the same in other words: more fields, larger pages, ids prefixed."""

    def __init__(self, recorded: Recorded, translate: Callable[[Asked], Asked]) -> None:
        self.recorded = recorded
        self._translate = translate

    def answer(self, asked: Asked) -> Any:
        """The recorded answer."""
        return self.recorded.answer(self._translate(asked))


@contextmanager
def replaying(
    shared_data: Path, cassette: str, cache: Path, translate: Callable[[Asked], Asked] = lambda asked: asked
) -> Iterator[Transport]:
    recorded = Recorded(shared_data / "recorded", (cassette,))
    exchanges = sum(asked.path.startswith("/graph/v1/paper/") for asked in recorded.asked)
    with Services(Translated(recorded, translate), cache=cache) as services:
        with Transport(environ=services.environment, clock=OwnClock(), chance=lambda: 0.5) as transport:
            yield transport
        assert recorded.unknown == []
        assert sum(services.requests.values()) == exchanges, "every recorded exchange was asked for, once"


def first(shared_data: Path, cassette: str) -> Asked:
    """The first request of a recording of Semantic Scholar."""
    asked = Recorded(shared_data / "recorded", (cassette,)).asked
    return next(each for each in asked if each.endpoint.startswith("s2."))


def paged(path: str, limit: int) -> Callable[[Asked], Asked]:
    """Ask for pages as small as those recorded, under the path recorded."""

    def translate(asked: Asked) -> Asked:
        return replace(asked, path=path, params={**asked.params, "fields": "title", "limit": str(limit)})

    return translate


def test_references_of_which_a_third_has_no_id(shared_data: Path, tmp_path: Path) -> None:
    translate = paged("/graph/v1/paper/10.2139/ssrn.2250500/references", 50)
    with replaying(shared_data, "test_get_paper_references", tmp_path, translate) as transport:
        source = SemanticScholarSource(transport)
        pages = read_all(source, source.links({"doi:10.2139/ssrn.2250500": Stated(67, None)}, "references"))
    assert [len(page.citations) for page in pages] == [40, 4]
    assert pages[1].fetches == (Fetch("doi:10.2139/ssrn.2250500", "s2", "references", "complete", 44, 67, ""),)
    assert not any(page.unusable or page.warnings for page in pages)


def test_citations_over_nineteen_pages(shared_data: Path, tmp_path: Path) -> None:
    translate = paged("/graph/v1/paper/CorpusID:14514057/citations", 100)
    with replaying(shared_data, "test_get_paper_citations", tmp_path, translate) as transport:
        source = SemanticScholarSource(transport)
        pages = read_all(source, source.links({"corpusid:14514057": Stated()}, "citations"))
    assert len(pages) == 19
    links = {(citation.citing, citation.cited) for page in pages for citation in page.citations}
    (fetch,) = pages[-1].fetches
    assert (fetch.state, fetch.stated) == ("complete", None)
    assert fetch.got == len(links)
    assert 1800 < len(links) <= 1881


def test_a_bulk_search_over_three_pages(shared_data: Path, tmp_path: Path) -> None:
    def translate(asked: Asked) -> Asked:
        # The recorded pager counts an offset up that the service does not look at.
        offset = str(100 * (0 if "token" not in asked.params else 1))
        return replace(asked, params={**asked.params, "fields": "title", "limit": "100", "offset": offset})

    cassette = "test_search_paper_bulk_retrieval_traversing_results"
    with replaying(shared_data, cassette, tmp_path, translate) as transport:
        source = SemanticScholarSource(transport)
        pages = read_all(source, source.search("kubernetes"))
    assert [len(page.found) for page in pages] == [1000, 1000, 674]
    assert {page.total for page in pages} == {2674}
    assert len({id for page in pages for id in page.found}) == 2674
    assert not any(page.unusable or page.warnings for page in pages)


def test_a_batch_with_a_paper_that_is_not_known(shared_data: Path, tmp_path: Path) -> None:
    ids = [
        "corpusid:211530585",
        "corpusid:470667",
        "doi:10.2139/ssrn.2250500",
        f"s2:{'0f40b1f08821e22e859c6050916cec3667778613'}",
    ]
    recorded = first(shared_data, "test_get_papers_not_found_warning")

    def translate(asked: Asked) -> Asked:
        body = json.loads(asked.body)
        assert body["ids"] == ["CorpusId:211530585", "CorpusId:470667", "DOI:10.2139/ssrn.2250500", ids[3][3:]]
        return replace(asked, params=recorded.params, body=recorded.body)

    with replaying(shared_data, "test_get_papers_not_found_warning", tmp_path, translate) as transport:
        source = SemanticScholarSource(transport)
        (page,) = read_all(source, source.papers(ids))
    assert [fetch.state for fetch in page.fetches] == ["unknown", "complete", "complete", "complete"]
    assert page.unusable == ()
    assert [(paper.references_stated, paper.citations_stated) for paper in page.papers] == [
        (30, 10670),
        (67, 2185),
        (2, 0),
    ]
    assert [str(paper.published and paper.published.value) for paper in page.papers] == [
        "2001-10",
        "2013-04-10",
        "2023",
    ]
    assert [paper.open_access is not None for paper in page.papers] == [True, True, False]
    assert page.papers[1].ids[0] == "doi:10.2139/ssrn.2250500"


def test_a_search_without_hits(shared_data: Path, tmp_path: Path) -> None:
    def translate(asked: Asked) -> Asked:
        return replace(
            asked, path="/graph/v1/paper/search",
            params={"query": "n0 r3sult s3arch t3rm", "fields": "title", "offset": "0", "limit": "100"},
        )  # fmt: skip

    with replaying(shared_data, "test_empty_paginated_results", tmp_path, translate) as transport:
        source = SemanticScholarSource(transport)
        (page,) = read_all(source, source.search("n0 r3sult s3arch t3rm"))
    assert (page.found, page.total, page.warnings) == ((), 0, ())


def test_a_paper_that_is_not_found(shared_data: Path, tmp_path: Path) -> None:
    def translate(asked: Asked) -> Asked:
        return replace(asked, path="/graph/v1/paper/0", params={"fields": "t,i,t,l,e"})

    with replaying(shared_data, "test_not_found", tmp_path, translate) as transport:
        source = SemanticScholarSource(transport)
        (page,) = read_all(source, source.links({"corpusid:1": Stated(1, 1)}, "references"))
    assert [fetch.state for fetch in page.fetches] == ["unknown"]


def test_fields_that_do_not_exist_are_refused_in_the_services_words(shared_data: Path, tmp_path: Path) -> None:
    def translate(asked: Asked) -> Asked:
        return replace(asked, path="/graph/v1/paper/10.1093/mind/lix.236.433", params={"fields": "unknown"})

    with (
        replaying(shared_data, "test_bad_query_parameters", tmp_path, translate) as transport,
        pytest.raises(RequestRefused) as error,
    ):
        s2_client.list_page(transport, "corpusid:1", "references", ("unknown",), dict, offset=0, limit=1)
    assert error.value.said == "Unrecognized or unsupported fields: [unknown]"


def test_a_key_that_is_no_good_is_refused(shared_data: Path, tmp_path: Path) -> None:
    recorded = first(shared_data, "test_debug")

    def translate(asked: Asked) -> Asked:
        return replace(asked, params=recorded.params, body=recorded.body)

    with replaying(shared_data, "test_debug", tmp_path, translate) as transport:
        source = SemanticScholarSource(transport)
        with pytest.raises(RequestRefused) as error:
            read_all(source, source.papers(["corpusid:470667", "corpusid:1", "corpusid:2"]))
    assert error.value.status == 403


def test_a_paper_with_everything_in_it(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "recorded" / "semanticscholar_py"
    whole = json.loads((folder / "Paper.json").read_text(encoding="utf-8"))
    with scripted(lambda asked: [whole], tmp_path) as (_, transport):
        source = SemanticScholarSource(transport, contexts=False, vectors=True)
        (page,) = read_all(source, source.papers(["corpusid:14636783"]))
        (listed,) = read_all(source, source.links({"corpusid:14636783": Stated(14, None)}, "references"))
        (stream,) = source.links({"corpusid:14636783": Stated(None, 9000)}, "citations")
        short = source.read(stream, "")
    (paper,) = page.papers
    assert paper.ids[0] == "doi:10.1093/mind/lix.236.433"
    assert (paper.tldr, paper.open_access, paper.citations_stated) == (True, None, 10059)
    assert len(page.vectors[paper.ids[0]].values) == 768
    assert listed.fetches[0].state == "complete"
    assert (listed.fetches[0].got, listed.fetches[0].stated, len(listed.citations)) == (8, 14, 8)
    assert (short.fetches, short.citations) == ((), ()), "1,000 of 10,059: to be read alone"
    assert [each.query for each in short.instead] == ["paged 10059"]
    assert not any(each.unusable for each in (page, listed, short))


def test_every_recorded_record_is_read_whole(shared_data: Path) -> None:
    folder = shared_data / "recorded" / "semanticscholar_py"
    whole = json.loads((folder / "Paper.json").read_text(encoding="utf-8"))
    for found in whole["citations"]:
        told = read_paper(found)
        assert told.unusable == ()
        assert told.paper is not None
        assert told.paper.published is not None
    nulls = read_paper(json.loads((folder / "PaperWithNullValues.json").read_text(encoding="utf-8")))
    assert nulls.paper is not None
    assert (nulls.paper.authors, nulls.paper.title, nulls.unusable) == (None, None, ())
    for name, kind, other in (
        ("Citation", "citations", "doi:10.1109/lra.2022.3229266"),
        ("Reference", "references", "arxiv:1402.0030"),
    ):
        link = read_link(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")), kind)  # type: ignore[arg-type]
        assert link.paper is not None
        assert (link.state, link.paper.ids[0], link.unusable) == ("named", other, ())
        assert link.intents
        assert link.contexts
