"""Trends: counts, shares and medians per year, with what is unknown kept apart from zero."""

from __future__ import annotations

import statistics
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.trends import APART, TYPES, numbers_per_year, papers_per_year_topic, token_type_share
from kg.errors import InputError
from kg.model import TOPICS

Row = dict[str, object]

YEARS = st.one_of(st.none(), st.integers(2015, 2026))
KINDS = st.sampled_from([None, "none", *TYPES])


def test_a_paper_counts_in_each_of_its_topics() -> None:
    topics = np.array([[1, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0]], dtype=bool)
    table = papers_per_year_topic(np.array([2023, 2023, 2025]), topics)
    assert table.schema.names == ["year", "topic", "papers"]
    found = {(row["year"], row["topic"]): row["papers"] for row in table.to_pylist()}
    assert found[2023, "S1"] == 2
    assert found[2023, "S3"] == 1
    assert found[2025, "S2"] == 1
    assert [found[2024, topic] for topic in TOPICS] == [0, 0, 0, 0]
    assert len(found) == 12


@pytest.mark.parametrize(
    "years",
    [np.array([2024, -1, -1]), np.array([2024, np.nan, np.nan]), pa.array([2024, None, None], pa.int32())],
)
def test_a_paper_without_a_year_is_in_no_row_and_is_counted(years: object) -> None:
    table = papers_per_year_topic(years, np.ones((3, 4), dtype=bool))  # type: ignore[arg-type]
    assert table["papers"].to_pylist() == [1, 1, 1, 1]
    assert table.schema.metadata == {b"without_year": b"2"}


def test_shares_leave_out_papers_that_name_no_type() -> None:
    table = token_type_share(np.array([2024] * 6), ["semantic", "acoustic", "acoustic", "hybrid", "none", None])
    found = {row["token_type"]: (row["papers"], row["share"]) for row in table.to_pylist()}
    assert found == {
        "semantic": (1, 0.25),
        "acoustic": (2, 0.5),
        "hybrid": (1, 0.25),
        "none": (1, None),
        "unknown": (1, None),
    }


def test_a_year_without_papers_has_no_share() -> None:
    table = token_type_share(np.array([2020, 2022, 2023]), ["semantic", "semantic", None])
    shares = {(row["year"], row["token_type"]): row["share"] for row in table.to_pylist()}
    assert shares[2020, "semantic"] == 1.0
    assert shares[2020, "acoustic"] == 0.0
    assert shares[2021, "semantic"] is None
    assert shares[2023, "semantic"] is None


def test_no_papers_give_empty_tables() -> None:
    assert papers_per_year_topic(np.array([]), np.zeros((0, 4), dtype=bool)).num_rows == 0
    assert token_type_share(np.array([np.nan]), ["semantic"]).num_rows == 0
    points, medians = numbers_per_year(numbers([]))
    assert points.num_rows == medians.num_rows == 0
    assert medians.schema.names == ["quantity", "year", "points", "papers", "median", "lower", "upper"]


def test_bad_columns_are_named() -> None:
    with pytest.raises(InputError, match="shape"):
        papers_per_year_topic(np.array([2024]), np.zeros((2, 4), dtype=bool))
    with pytest.raises(InputError) as caught:
        token_type_share(np.array([2024]), ["phonetic"])
    assert caught.value.value == "phonetic"
    with pytest.raises(InputError):
        token_type_share(np.array([2024]), [])
    with pytest.raises(InputError, match="quantity"):
        numbers_per_year(pa.table({"paper": ["a"], "year": [2024], "value": [1.0]}))


def numbers(rows: list[Row]) -> pa.Table:
    schema = pa.schema(
        [
            ("paper", pa.string()),
            ("year", pa.int32()),
            ("quantity", pa.string()),
            ("value", pa.float64()),
            ("role", pa.string()),
            ("status", pa.string()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def number(paper: str, year: int | None, value: float, quantity: str = "bitrate_kbps", role: str = "own") -> Row:
    return {"paper": paper, "year": year, "quantity": quantity, "value": value, "role": role, "status": "stated"}


def test_only_own_stated_values_become_points() -> None:
    derived = {**number("d", 2024, 9.0), "status": "derived"}
    points, medians = numbers_per_year(
        numbers([number("a", 2024, 6.0), number("b", 2024, 12.0, role="compared"), derived, number("c", None, 1.0)])
    )
    assert points.to_pylist() == [{"paper": "a", "year": 2024, "quantity": "bitrate_kbps", "value": 6.0}]
    assert points.schema.metadata == {b"without_year": b"1"}
    assert medians["median"].to_pylist() == [6.0]


def test_a_value_stated_twice_is_one_point() -> None:
    points, medians = numbers_per_year(numbers([number("a", 2024, 6.0)] * 2 + [number("a", 2024, 3.0)]))
    assert points["value"].to_pylist() == [3.0, 6.0]
    assert medians.select(["points", "papers", "median"]).to_pylist() == [{"points": 2, "papers": 1, "median": 4.5}]


def test_a_gap_year_has_no_median() -> None:
    _, medians = numbers_per_year(numbers([number("a", 2021, 6.0), number("b", 2023, 2.0)]))
    assert medians.select(["year", "points", "median", "lower"]).to_pylist() == [
        {"year": 2021, "points": 1, "median": 6.0, "lower": 6.0},
        {"year": 2022, "points": 0, "median": None, "lower": None},
        {"year": 2023, "points": 1, "median": 2.0, "lower": 2.0},
    ]


@given(st.lists(st.tuples(YEARS, st.lists(st.booleans(), min_size=4, max_size=4), KINDS), max_size=30), st.randoms())
@settings(max_examples=100, deadline=None)
def test_counts_equal_a_plain_count_in_any_order(
    papers: list[tuple[int | None, list[bool], str | None]], chance: object
) -> None:
    years = pa.array([year for year, _, _ in papers], pa.int32())
    topics = np.array([flags for _, flags, _ in papers], dtype=bool).reshape(-1, 4)
    kinds = [kind for _, _, kind in papers]
    per_topic, per_type = papers_per_year_topic(years, topics), token_type_share(years, kinds)
    slow = Counter(
        (year, topic)
        for year, flags, _ in papers
        for topic, flag in zip(TOPICS, flags, strict=True)
        if flag and year is not None
    )
    assert {(r["year"], r["topic"]): r["papers"] for r in per_topic.to_pylist() if r["papers"]} == dict(slow)
    kind_slow = Counter((year, kind or "unknown") for year, _, kind in papers if year is not None)
    assert {(r["year"], r["token_type"]): r["papers"] for r in per_type.to_pylist() if r["papers"]} == dict(kind_slow)
    for row in per_type.to_pylist():
        typed = sum(kind_slow[row["year"], kind] for kind in TYPES)
        wanted = None if row["token_type"] in APART or not typed else row["papers"] / typed
        assert row["share"] == wanted
    order = list(range(len(papers)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    assert papers_per_year_topic(years.take(pa.array(order, pa.int64())), topics[order]).equals(per_topic)
    assert token_type_share(years.take(pa.array(order, pa.int64())), [kinds[at] for at in order]).equals(per_type)


@given(
    st.lists(
        st.builds(
            number,
            st.sampled_from("abcdef"),
            YEARS,
            st.sampled_from([0.5, 1.0, 1.5, 3.0, 6.0, 24.0]),
            st.sampled_from(["bitrate_kbps", "frame_rate_hz"]),
        ),
        max_size=40,
    ),
    st.randoms(),
)
@settings(max_examples=100, deadline=None)
def test_medians_equal_a_plain_median_in_any_order(rows: list[Row], chance: object) -> None:
    points, medians = numbers_per_year(numbers(rows))
    distinct = {(r["quantity"], r["year"], r["value"], r["paper"]) for r in rows if r["year"] is not None}
    assert [(r["quantity"], r["year"], r["value"], r["paper"]) for r in points.to_pylist()] == sorted(distinct)  # type: ignore[type-var]
    for row in medians.to_pylist():
        values = [value for quantity, year, value, _ in distinct if (quantity, year) == (row["quantity"], row["year"])]
        assert row["points"] == len(values)
        assert row["median"] == (statistics.median(values) if values else None)  # type: ignore[type-var]
        if values:
            assert row["lower"] == pytest.approx(np.quantile(values, 0.25))  # type: ignore[call-overload]
            assert row["upper"] == pytest.approx(np.quantile(values, 0.75))  # type: ignore[call-overload]
            papers = {p for quantity, year, _, p in distinct if (quantity, year) == (row["quantity"], row["year"])}
            assert row["papers"] == len(papers)
    chance.shuffle(rows)  # type: ignore[attr-defined]
    again = numbers_per_year(numbers(rows))
    assert again[0].equals(points)
    assert again[1].equals(medians)
