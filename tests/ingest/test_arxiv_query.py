"""Queries in arXiv's language and windows of days."""

from __future__ import annotations

import itertools
import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.arxiv_query import QUERY_LENGTH, built, first_day, halves, with_window
from kg.errors import InputError
from kg.protocol import load_protocol
from tests.services.arxiv_wire import Arxiv
from tests.services.world import build

TODAY = date(2025, 12, 1)
ARXIV = Arxiv(build(3, 40))


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("neural audio codec", "all:neural AND all:audio AND all:codec"),
        ('"audio codec" tokens', 'all:"audio codec" AND all:tokens'),
        ("“audio codec”  tokens", 'all:"audio codec" AND all:tokens'),
        ("text-to-speech", 'all:"text to speech"'),
        ("vq_wav2vec 1.5", 'all:"vq wav2vec" AND all:"1 5"'),
        ("f(x", 'all:f AND all:x'),
        ("codec: a survey", "all:codec AND all:a AND all:survey"),
        ("see https://example.org/a", 'all:see AND all:"https example org a"'),
        ('speech "', "all:speech"),
        ("speech and music", 'all:speech AND all:"and" AND all:music'),
        ("Wörter 語音 हिन्दी", "all:Wörter AND all:語音 AND all:हिन्दी"),
        ("a OR b", "all:a OR all:b"),
        ("a AND NOT b", "all:a ANDNOT all:b"),
        ("a NOT b NOT c", "(all:a ANDNOT all:b) ANDNOT all:c"),
        ("a b OR c", "(all:a AND all:b) OR all:c"),
        ("a OR b c", "(all:a OR all:b) AND all:c"),
        ('("audio codec" OR vocoder) AND tokens', '(all:"audio codec" OR all:vocoder) AND all:tokens'),
        ("tokens AND (a OR b)", "all:tokens AND (all:a OR all:b)"),
        ("((a))  OR ((b))", "all:a OR all:b"),
        ('all:"neural audio codec"', 'all:"neural audio codec"'),
        ('  (all:"a b" OR ti:c)\n AND cat:eess.AS ', '(all:"a b" OR ti:c) AND cat:eess.AS'),
        ("au:del_maestro ANDNOT ti:(x OR y)", "au:del_maestro ANDNOT ti:(x OR y)"),
        ('"ti:x" codec', 'all:"ti x" AND all:codec'),
        ("a\x00b\ud800c", "all:a AND all:b AND all:c"),
    ],
)  # fmt: skip
def test_words_become_a_query_and_queries_stay(given: str, asked: str) -> None:
    assert built(given) == asked
    assert built(asked) == asked


def test_the_bundled_protocols_queries_go_as_they_stand() -> None:
    queries = load_protocol().search_terms["arxiv"]
    assert queries
    assert [built(query) for query in queries] == list(queries)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "nothing to search for"),
        ("  \n", "nothing to search for"),
        ('"" ()', "nothing to search for"),
        ("?!", "nothing to search for"),
        ("AND", "nothing to search for"),
        ("a OR", "do not fit"),
        ("OR a", "do not fit"),
        ("(a OR b", "do not fit"),
        ("a OR b)", "do not fit"),
        ("a OR () b", "do not fit"),
        ("(" * 500 + "a OR b" + ")" * 500, "do not fit"),
        ('ti:"open', "not closed"),
        ("ti:x AND (cat:cs.SD", "not balanced"),
        ("ti:x) AND (cat:cs.SD", "not balanced"),
        ("ti:x AND", "joins nothing"),
        ("OR ti:x", "joins nothing"),
        ("(ti:x OR) AND ti:y", "joins nothing"),
        ("word " * 1000, f"more than {QUERY_LENGTH:,}"),
    ],
)
def test_a_query_that_cannot_be_read_says_why(given: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        built(given)
    assert refused.value.code == "input.query"
    assert refused.value.hint


@given(st.text(max_size=60))
def test_any_text_is_a_sound_query_or_refused(text: str) -> None:
    try:
        query = built(text)
    except InputError:
        return
    query.encode("utf-8")
    assert query.isprintable()
    bare = re.sub(r'"[^"]*"', '""', query)
    assert '"' not in bare.replace('""', "")
    assert bare.count("(") == bare.count(")")
    assert built(query) == query


words = st.sampled_from(["speech", "tokens", "codec", "music", "model", "the", "absent"])
trees = st.recursive(
    words, lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR", "NOT", ""]), inner), max_leaves=6
)


@given(trees)
def test_words_and_operators_mean_what_their_brackets_say(tree: object) -> None:
    """The stand-in reads what we send with arXiv's operators; the tree is evaluated here, paper by paper."""

    def written(node: object) -> str:
        if isinstance(node, str):
            return node
        left, operator, right = node  # type: ignore[misc]
        return f"({written(left)}) {operator} ({written(right)})"

    def holds(node: object, text: str) -> bool:
        if isinstance(node, str):
            return f" {node} " in text
        left, operator, right = node  # type: ignore[misc]
        if operator == "OR":
            return holds(left, text) or holds(right, text)
        return holds(left, text) and holds(right, text) != (operator == "NOT")

    def joined(node: object) -> bool:
        return not isinstance(node, str) and (bool(node[1]) or joined(node[0]) or joined(node[2]))  # type: ignore[index]

    if isinstance(tree, str) or joined(tree):
        query = built(written(tree))
        assert ARXIV._matches(query).tolist() == [holds(tree, text) for text in ARXIV.world.words]


days = st.dates(date(1985, 1, 1), date(2031, 1, 1))


@given(
    since=st.none() | days,
    length=st.none() | st.integers(0, 12_000),
    today=st.dates(date(2024, 1, 1), date(2030, 1, 1)),
)
def test_windows_cover_every_day_once_however_often_they_are_divided(
    since: date | None, length: int | None, today: date
) -> None:
    until = None if length is None else (since or date(1995, 5, 5)) + timedelta(days=length)
    begin, end = since and since.isoformat(), until and until.isoformat()
    windows = [(begin, end)]
    for _ in range(6):
        windows = [part for window in windows for part in (halves(*window, today) or (window,))]
    assert (windows[0][0], windows[-1][1]) == (begin, end)
    for (_, last), (first, _) in itertools.pairwise(windows):
        assert last is not None
        assert first is not None
        assert date.fromisoformat(last) + timedelta(days=1) == date.fromisoformat(first)
    for first, last in windows:
        assert not (first and last) or first <= last


def test_a_single_day_is_not_divided() -> None:
    assert halves("2024-05-13", "2024-05-13", TODAY) is None
    assert halves("2024-05-13", "2024-05-14", TODAY) == (("2024-05-13", "2024-05-13"), ("2024-05-14", "2024-05-14"))


def test_windows_are_the_same_all_year() -> None:
    assert halves(None, None, date(2025, 1, 1)) == halves(None, None, date(2025, 12, 31))


def test_a_window_is_written_as_arxiv_wants_it() -> None:
    assert with_window("ti:x", None, None, TODAY) == "ti:x"
    assert (
        with_window("ti:x OR ti:y", "2024-01-01", None, TODAY)
        == "(ti:x OR ti:y) AND submittedDate:[202401010000 TO 202612310000]"
    )
    assert with_window("ti:x", None, "2023-12-31", TODAY) == "(ti:x) AND submittedDate:[190001010000 TO 202401010000]"


def test_since_takes_a_year_a_month_or_a_day() -> None:
    assert [first_day(each) for each in ("2024", "2024-05", " 2024-05-13 ")] == [
        "2024-01-01",
        "2024-05-01",
        "2024-05-13",
    ]
    for wrong in ("", "yesterday", "2024-13", "13.5.2024", "2024-02-30"):
        with pytest.raises(InputError, match="no date"):
            first_day(wrong)
