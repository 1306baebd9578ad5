"""Full text finds what reading token by token finds: membership and totals, not ranks, are promised."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given

from kg.answers import PaperDetails
from kg.model import Batch
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store
from tests.store import naive
from tests.store.queries import queries
from tests.store.records import EVERYTHING, paper

TEXTS = (
    "Speech at 1.5 kbps, and 24kHz music",
    "Version 1 5 of vq_wav2vec",
    "wav2vec 2.0 and wav2vec2.0",
    "A naïve étude by Größe; ﬁne",
    "Don't stop: the speaker’s words",
    "語音標記 and 標語 音",
    "テレビ と ガード",
    "Text-to-speech (TTS) codecs",
    "codec codecs codecs",
    "word ¶ boundary",
    "İstanbul ΣΑΣ σας",
)


def found(number: int) -> str:
    """Id of a text; its own token is no word of a query."""
    return f"openalex:W{1000 + number}"


QUERIES = (
    ("1.5", {0}),
    ("5", {1}),
    ("kbps 1.5", {0}),
    ("1.5kbps", {0}),
    ("24 khz", {0}),
    ("wav2vec", {1, 2}),
    ("vq_wav2vec", {1}),
    ("wav2*", {1, 2}),
    ("wav2vec2.0", {2}),
    ("naïve", {3}),
    ("naive ETUDE", {3}),
    ("grosse", {3}),
    ("fine", {3}),
    ("don't", {4}),
    ("don’t", {4}),
    ("speaker", {4}),
    ("語音", {5}),
    ("標語", {5}),
    ("音語", set()),
    ("ガ", {6}),
    ("カ", set()),
    ('"text to speech"', {7}),
    ("text-to-speech", {7}),
    ('"speech text"', set()),
    ("codec", {8}),
    ("codec*", {7, 8}),
    ("codec* -tts", {8}),
    ("tts OR 語音 OR nothing", {5, 7}),
    ("wav2vec -vq", {2}),
    ("-the -a -and", {1, 6, 7, 8, 9, 10}),
    ("istanbul", {10}),
    ("σασ", {10}),
    ("?!", set()),
    ("-?!", set()),
    ("OR", set()),
    ('"', set()),
)


@pytest.fixture(scope="module")
def filled(empty_url: Callable[[], str]) -> Iterator[GraphStore]:
    with open_store(empty_url()) as store:
        store.upsert(Batch(papers=tuple(paper(found(n), title=text) for n, text in enumerate(TEXTS))))
        yield store


@pytest.fixture(scope="module")
def known(filled: GraphStore) -> list[PaperDetails]:
    return [filled.paper(id) for id in filled.ids(EVERYTHING)]


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_a_query_finds(filled: GraphStore, query: str, expected: set[int]) -> None:
    where = PaperFilter(text=query, include=())
    assert set(filled.ids(where)) == {found(n) for n in expected}
    assert filled.papers(where, sort="relevance").total == len(expected)


def test_blank_text_is_no_condition(filled: GraphStore) -> None:
    assert filled.papers(PaperFilter(text=" \n", include=()), sort="relevance").total == len(TEXTS)


@given(query=queries)
def test_any_text_is_a_query_and_means_what_its_tokens_say(
    filled: GraphStore, known: list[PaperDetails], query: str
) -> None:
    where = PaperFilter(text=query, include=())
    expected = [each.row.id for each in naive.matching(known, where)]
    page = filled.papers(where, sort="relevance", limit=100)
    assert sorted(row.id for row in page.rows) == filled.ids(where) == sorted(expected)
    assert page.total == len(expected)


def test_a_very_long_query_is_answered(filled: GraphStore) -> None:
    long = " ".join(f"codec{n}" for n in range(3_000))
    assert filled.papers(PaperFilter(text=long, include=()), sort="relevance").total == 0
    assert filled.papers(PaperFilter(text=long.replace(" ", " OR ") + " OR codec", include=())).total == 1
    assert filled.papers(PaperFilter(text=long.replace(" ", " -") + " -codec*", include=())).total == 0
