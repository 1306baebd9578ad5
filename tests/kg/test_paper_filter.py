"""What `kg.paper_filter` promises: URL and filter say the same, and what a URL cannot mean is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.model import QUANTIZERS, TOPICS
from kg.paper_filter import PaperFilter


def some(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=3, unique=True).map(tuple)


words = st.text("abcdefghij -_.:音", min_size=1, max_size=12)
names = st.text("abcdefghij-_.", min_size=1, max_size=8)
years = st.none() | st.integers(1000, 9999)
# Shown with six significant digits, which is what a URL keeps of a bitrate.
rates = st.none() | st.integers(0, 999_999).map(lambda thousandths: thousandths / 1000)
verdicts = st.sampled_from(("met", "not_met", "unclear"))
filters = st.builds(
    PaperFilter,
    text=st.none() | words.filter(str.strip),
    topics=some(TOPICS),
    criteria=st.lists(st.tuples(st.sampled_from(("R1", "A1", "X3")), verdicts), max_size=3).map(tuple),
    include=some(("include", "exclude", "unclear")),
    token_types=some(("semantic", "acoustic", "hybrid", "none")),
    quantizers=some(QUANTIZERS),
    bitrate_min=rates,
    bitrate_max=rates,
    year_min=years,
    year_max=years,
    sources=st.lists(names, max_size=2, unique=True).map(tuple),
    cluster=st.none() | st.integers(-1, 99),
    reading_list=st.none() | words.filter(str.strip),
)


@given(filters)
def test_a_filter_survives_its_url(chosen: PaperFilter) -> None:
    assert PaperFilter.from_query(chosen.to_query()) == (chosen, ())


def test_the_default_filter_is_an_empty_url() -> None:
    assert PaperFilter().to_query() == {}
    assert PaperFilter.from_query({}) == (PaperFilter(), ())


def test_any_verdict_is_told_apart_from_the_default() -> None:
    assert PaperFilter(include=()).to_query() == {"include": "any"}
    assert PaperFilter.from_query({"include": "any"})[0].include == ()


def test_a_url_reads_as_written() -> None:
    query = {
        "q": "neural codec",
        "topic": "S1,S3",
        "criteria": "R1:met,X1:not_met",
        "include": "include,unclear",
        "type": "hybrid",
        "quantizer": "RVQ,FSQ",
        "kbps_min": "0.5",
        "kbps_max": "6",
        "from": "2021",
        "to": "2025",
        "source": "arxiv",
        "cluster": "3",
        "list": "to read",
    }
    chosen, unknown = PaperFilter.from_query(query)
    assert unknown == ()
    assert chosen == PaperFilter(
        text="neural codec",
        topics=("S1", "S3"),
        criteria=(("R1", "met"), ("X1", "not_met")),
        include=("include", "unclear"),
        token_types=("hybrid",),
        quantizers=("RVQ", "FSQ"),
        bitrate_min=0.5,
        bitrate_max=6.0,
        year_min=2021,
        year_max=2025,
        sources=("arxiv",),
        cluster=3,
        reading_list="to read",
    )
    assert chosen.to_query() == query


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", "red"),
        ("text", "field names are not URL names"),
        ("topic", "S9"),
        ("topic", ""),
        ("criteria", "R1"),
        ("criteria", "R1:perhaps"),
        ("criteria", ":met"),
        ("criteria", ""),
        ("include", "maybe"),
        ("type", "any"),
        ("quantizer", "XYZ"),
        ("kbps_min", "-1"),
        ("kbps_max", "inf"),
        ("kbps_min", "nan"),
        ("kbps_min", "six"),
        ("from", "99"),
        ("to", "20205"),
        ("cluster", "x"),
        ("q", "  "),
        ("source", ","),
    ],
)
def test_what_a_url_cannot_mean_is_named_and_ignored(name: str, value: str) -> None:
    chosen, unknown = PaperFilter.from_query({name: value, "from": "2020"} if name != "from" else {name: value})
    assert unknown == (name,)
    assert chosen == (PaperFilter(year_min=2020) if name != "from" else PaperFilter())


@given(st.dictionaries(st.sampled_from(["q", "topic", "criteria", "include", "from", "kbps_min", "x"]), st.text()))
def test_no_url_crashes_and_what_was_understood_round_trips(query: dict[str, str]) -> None:
    chosen, unknown = PaperFilter.from_query(query)
    assert set(unknown) <= set(query)
    again, left = PaperFilter.from_query(chosen.to_query())
    assert left == ()
    assert again.to_query() == chosen.to_query()
