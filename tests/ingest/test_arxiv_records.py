"""Feeds that we made: what of an entry becomes a paper, and what is taken out before the package stumbles over it."""

from __future__ import annotations

import time
from pathlib import Path

import arxiv
import pytest

from ingest.arxiv_feed import Feed, screen
from ingest.arxiv_records import is_withdrawn, paper
from kg.model import Manifestation, Paper, PartialDate
from tests.services.arxiv_wire import Arxiv
from tests.services.world import build

MADE = Path(__file__).parents[1] / "recorded" / "arxiv"


def screened(name: str) -> tuple[Feed, list[arxiv.Result]]:
    feed, body = screen((MADE / f"{name}.xml").read_bytes())
    return feed, arxiv._feed.parse(body).results


def papers(name: str) -> dict[str, tuple[Paper, tuple[str, ...]]]:
    feed, results = screened(name)
    return {
        id: paper(id, result, undated=id in feed.undated) for id, result in zip(feed.ids, results, strict=True)
    }  # fmt: skip


def test_entries_that_are_no_papers_are_named_and_the_others_kept() -> None:
    feed, results = screened("odd_entries")
    assert (feed.total, feed.start, feed.given) == (11, 0, 11)
    assert [(each.id, each.field, each.reason) for each in feed.unusable] == [
        ("No id at all", "id", "the entry has no id"),
        ("http://arxiv.org/abs/not-an-id", "id", feed.unusable[1].reason),
        ("https://arxiv.org/api/errors#incorrect_id_format_for_zzz", "id", "arXiv says: incorrect id format for zzz"),
        ("arxiv:2403.00002", "title", "the entry has no title"),
        ("https://doi.org/10.5555/12345", "id", "this is no arXiv id"),
    ]
    assert "arXiv id" in feed.unusable[1].reason
    assert feed.ids == (
        "arxiv:2403.00001", "arxiv:2403.00003", "arxiv:2403.00004", "arxiv:2403.00005", "arxiv:2403.00006",
        "arxiv:cs/0601001",
    )  # fmt: skip
    assert [result.title for result in results][:2] == ["A sound record", "A date that is none"]
    assert len(results) == len(feed.ids)


def test_the_package_alone_fails_the_whole_list() -> None:
    """Why entries are taken out; when this fails, the package has learnt it and `screen` can shrink."""
    with pytest.raises(ValueError, match="soon"):
        arxiv._feed.parse((MADE / "odd_entries.xml").read_bytes())


def test_a_date_that_cannot_be_read_is_the_month_in_the_id() -> None:
    feed, _ = screened("odd_entries")
    assert dict(feed.undated) == {
        "arxiv:2403.00003": "soon",
        "arxiv:2403.00004": "",
        "arxiv:2403.00006": "0001-01-01T00:00:00+14:00",
    }
    dates = {id: found.published for id, (found, _) in papers("odd_entries").items()}
    assert dates["arxiv:2403.00003"] == PartialDate("2024-03", "arxiv id")
    assert dates["arxiv:2403.00005"] == PartialDate("2024-03-05", "arxiv")
    assert dates["arxiv:cs/0601001"] == PartialDate("2006-01-02", "arxiv")


def test_a_record_says_what_arxiv_says() -> None:
    found, notes = papers("records")["arxiv:2403.00011"]
    assert found.ids == ("arxiv:2403.00011", "doi:10.5555/first")
    assert found.title == "Codes for testing"
    assert found.abstract == "One line. Another line: 5 < 7 & 7 > 5."
    assert found.published == PartialDate("2024-03-05", "arxiv")
    assert found.venue == "J. Test. 12 (2024) 1-9"
    assert found.categories == ("eess.AS", "cs.SD", "cond-mat.mes-hall")
    assert found.authors is not None
    assert [(each.id, each.name, each.name_only) for each in found.authors] == [
        ("name:ada-testwright", "Ada Testwright", True),
        ("name:ase-ørsted", "Ørsted, Åse", True),
        ("name:the-probe-collaboration", "the Probe Collaboration", True),
    ]
    assert found.manifestations == (
        Manifestation("arxiv", "2403.00011", 4, "arxiv"),
        Manifestation("doi", "10.5555/first", None, "arxiv"),
    )
    assert found.open_access == "https://arxiv.org/pdf/2403.00011"
    assert (found.source, found.standing, found.citations_stated, found.references_stated) == (
        "arxiv",
        None,
        None,
        None,
    )
    assert notes == ("arxiv:2403.00011: an author's name has no letters ('?') and was left out.",)


def test_arxivs_own_doi_is_no_second_id() -> None:
    found, notes = papers("records")["arxiv:hep-th/9901001"]
    assert found.ids == ("arxiv:hep-th/9901001",)
    assert found.manifestations == (Manifestation("arxiv", "hep-th/9901001", 1, "arxiv"),)
    assert notes == ()


def test_what_is_not_stated_is_unknown() -> None:
    found, notes = papers("records")["arxiv:2403.00012"]
    assert (found.authors, found.venue, found.ids) == (None, None, ("arxiv:2403.00012",))
    assert notes == ("arxiv:2403.00012: its DOI cannot be read ('see') and was left out.",)


def test_a_withdrawn_paper_keeps_its_abstract_unless_that_is_the_notice() -> None:
    notice, kept = (papers("records")[id][0] for id in ("arxiv:2403.00013", "arxiv:2403.00014"))
    assert (notice.standing, notice.abstract, notice.open_access) == ("withdrawn", None, None)
    assert notice.published == PartialDate("2024-03-06", "arxiv")
    assert (kept.standing, kept.abstract) == ("withdrawn", "We test a codec for birds.")


@pytest.mark.parametrize(
    "comment",
    [
        "Withdrawn",
        "withdrawn due to a gap in lemma 2",
        "Paper withdrawn by the author",
        "This paper has been withdrawn by the authors.",
        "12 pages, 3 figures. This paper has been temporarily withdrawn",
        "This submission has been withdrawn by arXiv administrators due to an overlap",
        "The authors have withdrawn this paper because of an error",
        "We have withdrawn this manuscript",
        "The present article was withdrawn from arXiv",
        "[Withdrawn] see the new version",
    ],
)
def test_a_notice_in_the_comment_is_a_withdrawal(comment: str) -> None:
    assert is_withdrawn("A title", "An abstract.", comment)


@pytest.mark.parametrize(
    "text",
    [
        "12 pages, not withdrawn",
        "v2 was withdrawn by mistake and is back",
        "Replaces the withdrawn cs/0508041",
        "The previous version was withdrawn",
        "This paper was withdrawn from a conference",
        "This paper studies withdrawn and retracted papers",
        "Withdrawn consent in speech data",
        "This measure remains in use despite its withdrawal",
    ],
)
def test_a_paper_that_speaks_of_withdrawals_is_none(text: str) -> None:
    assert not is_withdrawn(text, text, text)


def test_the_largest_page_is_read_in_about_a_second() -> None:
    world = Arxiv(build(5, 2700))
    rows = [(row, 1) for row in range(len(world.world)) if world.world.arxiv[row] is not None][:2000]
    body = world.feed("many", rows, len(rows), 0, 2000).body
    began = time.process_time()
    feed, screened_body = screen(body)
    results = arxiv._feed.parse(screened_body).results
    found = [paper(id, result, undated=False)[0] for id, result in zip(feed.ids, results, strict=True)]
    taken = time.process_time() - began
    assert len({each.ids[0] for each in found}) == 2000
    assert taken < 5, f"{taken:.2f} s for {len(body) / 1e6:.1f} MB"
