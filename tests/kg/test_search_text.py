"""What `kg.search_text` promises: tokens for any whitespace index, and a query language that takes any text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kg.search_text import BOUNDARY, Clause, Term, matches, parse_query, search_text, tokens
from tests.strategies import dirty_titles

TEXTS = st.one_of(st.text(max_size=60), dirty_titles(), st.text("aB1.2-_' 語\u0301é", max_size=20))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Speech at 1.5 kbps.", "speech at 1.5 kbps"),
        ("1.5kbps 24kHz 8x8", "1.5 kbps 24 khz 8 x8"),
        ("vq_wav2vec wav2vec2.0 v1.5.2", "vq wav2vec wav2vec2 0 v1 5.2"),
        ("10.1109/5.771073 arXiv:2107.03312v2", "10.1109 5.771073 arxiv 2107.03312 v2"),
        ("1.2.3.4 .5 5. ...", "1.2.3 4 5 5"),
        ("Don't don’t", "don t don t"),
        ("naïve NAÏVE e\u0301tude Größe ﬁne", "naive naive etude grosse fine"),
        ("İstanbul ΣΑΣ σας", "istanbul σασ σασ"),
        ("語音 abc語1.5音", "語 音 abc 語 1.5 音"),
        ("ガード 한국", "ガ ー ド 한 국"),
        ("²x １２ Ⅳ", "2 x 12 iv"),
        ("", ""),
        ("?! \ud800 \x00 \u200b", ""),
    ],
)
def test_text_falls_into_tokens(text: str, expected: str) -> None:
    assert tokens(text) == expected.split()


@given(TEXTS)
@example("\U0003134b")
def test_tokens_stand_alone(text: str) -> None:
    found = tokens(text)
    assert tokens(" ".join(found)) == found
    for token in found:
        assert not any(character.isspace() for character in token)
        # The ideograph planes hold places that this Python's Unicode does not name yet ("Cn").
        assert all(c.isalnum() or c == "." or unicodedata.category(c) == "Cn" for c in token)
        token.encode("utf-8")


@given(st.text("abAB12.-_' /x", max_size=30), st.sampled_from(["é", "語", "¶"]))
def test_the_quick_way_for_ascii_is_the_same_way(text: str, other: str) -> None:
    assert [*tokens(text), *tokens(other)] == tokens(f"{text} {other}")


def test_fields_and_authors_are_kept_apart() -> None:
    searched = search_text("A Codec", "It codes.", ["Ann B", "Cy D"], "Venue", ["arxiv:2107.03312", "title:acodec"])
    assert (
        searched.split()
        == (
            f"a codec {BOUNDARY} it codes {BOUNDARY} ann b {BOUNDARY} cy d {BOUNDARY} venue {BOUNDARY} arxiv 2107.03312"
        ).split()
    )
    assert search_text(None, None, [], None, []) == ""


def term(*words: str, prefix: bool = False) -> Term:
    return Term(words, prefix)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Neural codec", (Clause((term("neural"), term("codec")), ()),)),
        ('"neural codec" 1.5', (Clause((term("neural", "codec"), term("1.5")), ()),)),
        ("vq_wav2vec", (Clause((term("vq", "wav2vec"),), ()),)),
        ("wav2*", (Clause((term("wav2", prefix=True),), ()),)),
        ("vq_wav*", (Clause((term("vq"), term("wav", prefix=True)), ()),)),
        ("codec -speech", (Clause((term("codec"),), ((term("speech"),),)),)),
        ('codec -"speech codec"', (Clause((term("codec"),), ((term("speech", "codec"),),)),)),
        ("-vq_wav*", (Clause((), ((term("vq"), term("wav", prefix=True)),)),)),
        ("a b OR c", (Clause((term("a"), term("b")), ()), Clause((term("c"),), ()))),
        ("or OR OR", (Clause((term("or"),), ()),)),
        ("a a OR a", (Clause((term("a"),), ()),)),
        ('"never closed', (Clause((term("never", "closed"),), ()),)),
        ("語音", (Clause((term("語", "音"),), ()),)),
        ('?! -?! * "" OR -', ()),
        ("", ()),
    ],
)
def test_a_query_is_parsed(query: str, expected: tuple[Clause, ...]) -> None:
    assert parse_query(query) == expected


@given(st.text(max_size=60))
def test_any_text_is_a_query(text: str) -> None:
    for clause in parse_query(text):
        assert clause.wanted or clause.unwanted
        for each in (*clause.wanted, *(term for group in clause.unwanted for term in group)):
            assert each.tokens
            assert len(each.tokens) == 1 or not each.prefix


@given(TEXTS, TEXTS)
def test_a_text_is_found_by_its_own_words(title: str, other: str) -> None:
    searched = search_text(title, other, [], None, [])
    for word in tokens(title):
        assert matches(parse_query(word), searched)
        assert matches(parse_query(f"{word[:-1]}*"), searched) or not tokens(word[:-1])
        assert not matches(parse_query(f"-{word}"), searched)
        assert matches(parse_query(f'nothinglikeit OR "{word}"'), searched)


@given(TEXTS)
def test_a_text_is_found_as_a_phrase_by_itself(title: str) -> None:
    query = '"' + title.replace('"', " ") + '"'
    assert matches(parse_query(query), search_text(title, None, [], None, [])) or not tokens(title)
