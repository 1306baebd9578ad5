"""When titles are one, when they only look alike, and whose names can be one person's."""

from __future__ import annotations

import pytest
from hypothesis import given

from ingest.names import may_be_one, name_words
from ingest.titles import difference, is_distinct, is_generic, match_key, signs
from tests.strategies import dirty_titles

TITLE = "Coding quiet speech on small devices"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("β-Brook for speech &amp; audio", "Beta-Brook for Speech and Audio"),
        (r"$\beta$-Brook for speech \& audio", "β-Brook for speech & audio"),
        ("Don&amp;#8217;t wait for tokens", "Don’t wait for tokens"),
        ("Über naïve µ-law", "Uber naive mu-law"),
        ("brook2vec 2.0: tokens at 24kHz", "Brook2vec 2.0: Tokens at 24 kHz"),
        ("A corpus of 10,000 hours", "A corpus of 10000 hours"),
        ("<i>Brook</i>: x² units", "Brook: x2 units"),
        ("Brook: one token*", "Brook: One Token"),
        ("Łódź tokens", "Lodz tokens"),
    ],
)
def test_spellings_of_one_title_are_one(one: str, other: str) -> None:
    assert match_key(one) == match_key(other)
    assert signs(one) == signs(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Speech at 1.5 kbps", "Speech at 15 kbps"),
        ("A tool in C++", "A tool in C"),
        ("Brook+", "Brook"),
        ("A* over tokens", "A over tokens"),
        ("Tokens with A*", "Tokens with A"),
        ("Speech at -5 dB", "Speech at 5 dB"),
        ("Tokens from 10-20 ms", "Tokens from 1020 ms"),
    ],
)
def test_numbers_and_signs_that_a_key_drops_are_still_seen(one: str, other: str) -> None:
    assert match_key(one) == match_key(other)
    assert signs(one) != signs(other)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (f"{TITLE}, Part I", f"{TITLE}, Part II", "number"),
        (f"{TITLE} II", TITLE, "number"),
        (f"{TITLE} v2", TITLE, "number"),
        ("Brook 2", "Brook 3", "number"),
        (f"Reply to: {TITLE}", TITLE, "reply"),
        (f"Comment on '{TITLE}'", TITLE, "reply"),
        (f"Erratum to {TITLE}", TITLE, "reply"),
        (f"{TITLE} (corrected)", TITLE, "reply"),
        (f"Brook: {TITLE}", TITLE, "name"),
        (f"{TITLE}: a first look", TITLE, "name"),
        ("Brook: words of its own", "Brook: quite another line", "name"),
        (TITLE, TITLE.replace("quiet", "loud"), "word"),
        (f"A survey of {TITLE}", TITLE, "word"),
    ],
)
def test_what_sets_two_titles_apart_is_named(one: str, other: str, kind: str) -> None:
    found, back = difference(one, other), difference(other, one)
    assert found is not None
    assert back is not None
    assert (found.kind, back.kind) == (kind, kind)
    assert (found.one, found.other) == (back.other, back.one)


@pytest.mark.parametrize(
    "other", [TITLE.upper(), "Something else stands here", "", f"Error correction for {TITLE} with a map"]
)
def test_titles_that_are_one_or_have_little_in_common_have_no_difference(other: str) -> None:
    assert difference(TITLE, other) is None


def test_a_title_that_names_no_work_is_known() -> None:
    assert all(map(is_generic, ["Editorial", "Guest editorial", "The Introduction", "Table of Contents", "ERRATUM"]))
    assert not is_generic("Editorial board games played by machines")


@pytest.mark.parametrize(
    ("title", "distinct"),
    [
        (TITLE, True),
        ("Speech tokens", False),
        ("On a new way", False),
        ("End-to-end speech recognition", False),
        ("語音標記與離散單元的表示", True),
        ("語音標記", False),
        ("", False),
    ],
)
def test_a_title_names_one_work_alone_from_four_words(title: str, distinct: bool) -> None:
    assert is_distinct(title) == distinct


@given(dirty_titles(), dirty_titles())
def test_any_two_titles_can_be_compared(one: str, other: str) -> None:
    assert match_key(one) == match_key(one.swapcase().swapcase()) or one != one.swapcase().swapcase()
    found, back = difference(one, other), difference(other, one)
    assert (found is None) == (back is None)
    assert signs(one) == signs(one)
    assert difference(one, one) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ann Example", "Example, Ann", True),
        ("A. Example", "Ann Example", True),
        ("Ann B. Example", "Ann Example", True),
        ("Ann-Bo Example", "Annbo Example", True),
        ("A.-B. Example", "Ann-Bo Example", True),
        ("Example AB", "Ann-Bo Example", True),
        ("Renée Größe", "Renee Grosse", True),
        ("Ann Example", "Ann Sample", False),
        ("Ann Example", "Bo Example", False),
        ("A. Example", "B. Example", False),
        ("A. E.", "A. Example", False),
        ("Ann Ann", "Ann Bo", False),
    ],
)
def test_names_that_can_be_one_persons(one: str, other: str, same: bool) -> None:
    assert may_be_one(name_words(one), name_words(other)) == same
    assert may_be_one(name_words(other), name_words(one)) == same


def test_what_names_nobody_has_no_words() -> None:
    assert (name_words("et al."), name_words("..."), name_words("others")) == ((), (), ())
