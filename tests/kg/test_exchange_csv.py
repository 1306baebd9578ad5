"""CSV cells are defused on the way out and come back as they were."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.exchange.csv import defuse, read_rows, undefuse, write_rows


@given(st.text())
def test_reading_gives_back_what_was_written(text: str) -> None:
    assert undefuse(defuse(text)) == text


@given(st.text())
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not defuse(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "+1", "-1", "@SUM", "\tx", "\rx", "'=x"])
def test_a_risky_cell_gets_one_apostrophe(cell: str) -> None:
    assert defuse(cell) == f"'{cell}"


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])), min_size=1))
def test_rows_survive_the_round_trip(cells: list[str]) -> None:
    target = io.StringIO(newline="")
    assert write_rows(target, ["title"], [[cell] for cell in cells if cell]) == len([c for c in cells if c])
    target.seek(0)
    assert [row["title"] for row in read_rows(target)] == [cell for cell in cells if cell]


def test_unknown_is_empty_and_zero_is_not() -> None:
    target = io.StringIO(newline="")
    write_rows(target, ["a", "b", "c", "d", "e"], [[None, 0, 0.1, ("S1", "S3"), True]])
    assert target.getvalue().splitlines()[1] == ",0,0.1,S1; S3,yes"
