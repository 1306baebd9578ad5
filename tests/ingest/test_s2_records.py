"""Semantic Scholar's records: what is taken from them, what is named as broken, and that nothing in them can crash."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.s2_records import FULL, LIGHT, LINK, OTHER_END, read_link, read_listed, read_paper
from kg.identity import normalise
from kg.model import Author, Manifestation, PartialDate, Vector

SHA = "ab" * 20
OTHER = "cd" * 20
ARXIV = "arxiv:2107.03312"
WHOLE: dict[str, Any] = {
    "paperId": SHA,
    "corpusId": 204860,
    "externalIds": {"ArXiv": "2107.03312", "DOI": "10.1109/TASLP.2021.3129994", "CorpusId": 204860, "MAG": "77"},
    "title": "A  Codec That\nWe Made Up",
    "abstract": "  It codes 24 kHz audio at 6 kbps.",
    "year": 2021,
    "publicationDate": "2021-07-07",
    "venue": "Imagined Transactions",
    "referenceCount": 54,
    "citationCount": 0,
    "openAccessPdf": {"url": "https://example.org/a.pdf", "status": "GREEN"},
    "authors": [
        {"authorId": "1701", "name": "Ada Example"},
        {"authorId": None, "name": "Ben Sample"},
        {"authorId": "1701", "name": "Ada Example"},
        None,
    ],
    "tldr": {"model": "tldr@v2.0.0", "text": "One sentence."},
    "embedding": {"model": "specter_v2", "vector": [0.5, -1, 2]},
}


def without(name: str, value: Any = None) -> dict[str, Any]:
    return WHOLE | {name: value}


def test_a_whole_record_becomes_a_paper() -> None:
    told = read_paper(WHOLE)
    paper = told.paper
    assert paper is not None
    assert told.unusable == ()
    assert paper.ids == ("arxiv:2107.03312", "doi:10.1109/taslp.2021.3129994", f"s2:{SHA}", "corpusid:204860")
    assert paper.title == "A Codec That We Made Up"
    assert paper.abstract == "  It codes 24 kHz audio at 6 kbps.", "offsets of evidence count in it"
    assert paper.published == PartialDate("2021-07-07", "s2")
    assert paper.authors == (
        Author("s2author:1701", "Ada Example", name_only=False),
        Author("name:ben-sample", "Ben Sample", name_only=True),
    )
    assert (paper.references_stated, paper.citations_stated) == (54, 0)
    assert (paper.venue, paper.open_access, paper.tldr) == ("Imagined Transactions", "https://example.org/a.pdf", True)
    assert paper.manifestations[0] == Manifestation("arxiv", "2107.03312", None, "s2")
    assert (paper.source, paper.provenance, paper.categories) == ("s2", "api.semanticscholar.org", None)
    assert told.vector == Vector("specter_v2", (0.5, -1.0, 2.0))


@pytest.mark.parametrize(
    ("field", "value", "attribute", "expected"),
    [
        ("abstract", None, "abstract", None),
        ("abstract", " \n", "abstract", None),
        ("venue", "", "venue", None),
        ("venue", "arXiv.org", "venue", None),
        ("authors", None, "authors", None),
        ("authors", [], "authors", ()),
        ("tldr", None, "tldr", False),
        ("openAccessPdf", {"url": "", "status": "CLOSED"}, "open_access", None),
        ("openAccessPdf", {"url": "http://example.org/a b\".pdf?n=%20"}, "open_access",
         "http://example.org/a%20b%22.pdf?n=%20"),
        ("referenceCount", None, "references_stated", None),
        ("publicationDate", None, "published", PartialDate("2021", "s2")),
        ("publicationDate", "2021-01-01", "published", PartialDate("2021", "s2")),
        ("publicationDate", "2021-05-01", "published", PartialDate("2021-05", "s2")),
        ("externalIds", None, "ids", (f"s2:{SHA}", "corpusid:204860")),
        ("externalIds", {"DOI": "10.48550/arXiv.2107.03312"}, "ids", (ARXIV, f"s2:{SHA}", "corpusid:204860")),
        ("corpusId", None, "ids", (ARXIV, "doi:10.1109/taslp.2021.3129994", f"s2:{SHA}", "corpusid:204860")),
    ],
)  # fmt: skip
def test_what_is_not_said_stays_unknown(field: str, value: Any, attribute: str, expected: Any) -> None:
    told = read_paper(without(field, value))
    assert told.unusable == ()
    assert getattr(told.paper, attribute) == expected


def test_a_summary_that_was_not_asked_for_is_unknown() -> None:
    told = read_paper({name: value for name, value in WHOLE.items() if name != "tldr"})
    assert told.paper is not None
    assert told.paper.tldr is None


@pytest.mark.parametrize(
    ("field", "value", "named", "attribute"),
    [
        ("title", 12345, "title", "title"),
        ("abstract", ["a"], "abstract", "abstract"),
        ("abstract", "with a \0", "abstract", "abstract"),
        ("publicationDate", "July 2021", "publicationDate", None),
        ("publicationDate", "2021-13-40", "publicationDate", None),
        ("venue", {}, "venue", "venue"),
        ("referenceCount", -1, "referenceCount", "references_stated"),
        ("citationCount", True, "citationCount", "citations_stated"),
        ("openAccessPdf", "https://example.org", "openAccessPdf", "open_access"),
        ("openAccessPdf", {"url": "javascript:alert(1)"}, "openAccessPdf.url", "open_access"),
        ("openAccessPdf", {"url": "https:///a.pdf"}, "openAccessPdf.url", "open_access"),
        ("openAccessPdf", {"url": "https://example.org/" + "a" * 2000}, "openAccessPdf.url", "open_access"),
        ("authors", "Ada Example", "authors", "authors"),
        ("authors", [7], "authors", None),
        ("authors", [{"authorId": "1", "name": 7}], "authors.name", None),
        ("tldr", "One sentence.", "tldr", "tldr"),
        ("externalIds", {"DOI": "no doi"}, "externalIds.DOI", None),
        ("externalIds", {"ArXiv": "10.1109/5.771073"}, "externalIds.ArXiv", None),
        ("paperId", 7, "paperId", None),
        ("embedding", {"vector": [0.5, None]}, "embedding.vector", None),
        ("embedding", {"vector": [float("nan")]}, "embedding.vector", None),
        ("embedding", {"vector": [10**400]}, "embedding.vector", None),
        ("embedding", {"vector": "0.5"}, "embedding.vector", None),
    ],
)  # fmt: skip
def test_a_broken_field_is_named_and_costs_nothing_else(
    field: str, value: Any, named: str, attribute: str | None
) -> None:
    told = read_paper(without(field, value))
    assert told.paper is not None
    assert [fault.field for fault in told.unusable] == [named]
    assert told.paper.citations_stated == (None if attribute == "citations_stated" else 0)
    if attribute is not None:
        assert getattr(told.paper, attribute) is None


@pytest.mark.parametrize("year", ["2021", 21, 10**30, -2021, True])
def test_a_year_that_is_none_is_named(year: Any) -> None:
    told = read_paper(WHOLE | {"publicationDate": None, "year": year})
    assert told.paper is not None
    assert told.paper.published is None
    assert [fault.field for fault in told.unusable] == ["year"]


def test_a_record_without_an_id_is_no_paper() -> None:
    told = read_paper({"paperId": None, "title": "A report"})
    assert told.paper is None
    assert [fault.reason for fault in told.unusable] == ["no id"]


def test_the_id_asked_by_is_an_id_of_the_paper() -> None:
    merged = read_paper(WHOLE, asked=f"s2:{OTHER}")
    assert merged.paper is not None
    assert merged.paper.ids[2:] == (f"s2:{SHA}", f"s2:{OTHER}", "corpusid:204860")


@pytest.mark.parametrize(("asked", "aligned"), [("arxiv:2107.03313", True), (f"s2:{OTHER}", False)])
def test_an_answer_about_another_paper_gives_it_no_id(asked: str, aligned: bool) -> None:
    told = read_paper(WHOLE, asked=asked, aligned=aligned)
    assert told.paper is not None
    assert asked not in told.paper.ids
    assert told.unusable[0].id == asked
    assert "another paper came" in told.unusable[0].reason


def test_a_link_tells_what_it_is_for() -> None:
    link = read_link(
        {
            "isInfluential": True,
            "intents": ["methodology", None, "methodology"],
            "contexts": ["We follow them.", "We follow them."],
            "citedPaper": {"paperId": SHA, "title": "A codec"},
        },
        "references",
    )
    assert (link.state, link.influential, link.intents, link.contexts) == (
        "named", True, ("methodology",), ("We follow them.",),
    )  # fmt: skip
    assert link.paper is not None
    assert link.paper.ids == (f"s2:{SHA}",)


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        (None, "withheld"),
        ({"citingPaper": None}, "withheld"),
        ({"intents": []}, "withheld"),
        ({"citingPaper": {"paperId": None, "title": "A report"}}, "unresolved"),
        ({"citingPaper": {"paperId": None, "externalIds": {"ArXiv": "2107.03312"}}}, "named"),
        ({"citingPaper": {"paperId": "short"}}, "broken"),
        ({"citingPaper": "a paper"}, "broken"),
        ("a paper", "broken"),
    ],
)
def test_a_link_that_names_nobody_says_why(entry: Any, state: str) -> None:
    link = read_link(entry, "citations")
    assert link.state == state
    assert (link.state == "broken") == bool(link.unusable)


def test_no_text_read_is_not_no_intent() -> None:
    link = read_link(
        {"intents": [], "contexts": [], "isInfluential": False, "citedPaper": {"paperId": SHA}}, "references"
    )
    assert (link.intents, link.contexts, link.influential) == (None, None, False)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["url", "name", "authorId", "DOI", "ArXiv", "text", "vector"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
fields = sorted({*FULL, *LIGHT, *LINK, *OTHER_END.values(), "embedding", "citations"})


@given(st.dictionaries(st.sampled_from(fields), anything), st.booleans())
@example({"paperId": "x" * 41, "externalIds": {"DOI": "10.1/" + "(" * 5000}}, True)
@example({"paperId": SHA, "year": 10**30}, False)
def test_no_value_in_any_field_crashes(values: dict[str, Any], whole: bool) -> None:
    record = WHOLE | values if whole else values
    told = read_paper(record)
    if told.paper is None:
        assert told.unusable
    else:
        assert [normalise(id) for id in told.paper.ids] == list(told.paper.ids)
        assert told.paper.title is None or told.paper.title.strip()
        assert told.paper.references_stated is None or told.paper.references_stated >= 0
    for kind in OTHER_END:
        link = read_link(record | {OTHER_END[kind]: values}, kind)
        assert (link.paper is not None) == (link.state == "named")


@given(anything)
def test_no_value_in_place_of_a_record_crashes(value: Any) -> None:
    for link in (read_listed(value), read_link(value, "references"), read_link({"citedPaper": value}, "references")):
        assert (link.paper is not None) == (link.state == "named")
    if not isinstance(value, dict):
        assert read_paper(value).paper is None
