"""Every fault at arXiv's end: what heals changes nothing, what does not says why, none is taken for no hits."""

from __future__ import annotations

import pytest

from ingest import arxiv_api
from ingest.arxiv_checks import EmptyPage
from ingest.transport import ATTEMPTS
from kg.errors import BadAnswer, RequestRefused, SourceUnavailable
from tests.ingest.arxiv_made import (
    EVERYTHING,
    MADE,
    Ask,
    Made,
    Serve,
    canonical,
    ids,
    made_feed,
    numbered,
    pages,
    params,
    present,
    warnings,
)
from tests.services.asked import ATOM, Asked, Given
from tests.services.server import Services

HEALING = (
    "429-seconds", "429-date", "429", "500", "502-html", "503-empty", "504", "200-html", "200-empty", "truncated",
    "timeout", "drip", "reset", "closed", "empty-page", "same-page", "wrong-type",
)  # fmt: skip
FINAL = {
    "400": RequestRefused, "403": RequestRefused, "404": RequestRefused, "error-feed": RequestRefused,
    "doctype": BadAnswer, "bomb": BadAnswer, "huge-stated": BadAnswer, "redirect": BadAnswer,
}  # fmt: skip


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
