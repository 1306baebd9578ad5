"""Bodies as untrusted data: what counts as JSON and as a feed, and what a service's own words become."""

from __future__ import annotations

import gzip

import pytest

from ingest.failures import retry_after_s
from ingest.replies import Refusal, Unusable, check_atom, decoded, plain, read_json, said

FEED = (
    b'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><id>%s</id><summary>%s</summary></entry></feed>'
)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"NaN", b'{"a": Infinity}', b"{} {}", b"\xff", b"<html></html>", b'{"n": ' + b"1" * 5000 + b"}"]
)
def test_what_is_no_json_may_heal(body: bytes) -> None:
    with pytest.raises(Unusable) as raised:
        read_json(body)
    assert raised.value.again


def test_json_nested_beyond_sense_is_refused() -> None:
    with pytest.raises(Unusable, match="nested"):
        read_json(b"[" * 200_000)


def test_half_a_character_becomes_a_sign_for_it() -> None:
    value = read_json(b'{"title": "cut \\ud83d", "list": ["\\uDE00 tail"], "\\ud800": 1, "good": "\\ud83d\\ude00"}')
    assert value == {"title": "cut \ufffd", "list": ["\ufffd tail"], "\ufffd": 1, "good": "\U0001f600"}
    str(value).encode()


@pytest.mark.parametrize("body", [b"", b"<feed", b"<rss/>", FEED[:-5], b"{}", b"<html><p></html>"])
def test_what_is_no_feed_may_heal(body: bytes) -> None:
    with pytest.raises(Unusable) as raised:
        check_atom(body)
    assert raised.value.again


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_in_any_encoding(encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE feed [<!ENTITY a "b">]>'
    with pytest.raises(Unusable, match="document type") as raised:
        check_atom((head + (FEED % (b"x", b"&a;")).decode()).encode(encoding))
    assert not raised.value.again


def test_a_paper_about_errors_is_no_error_feed() -> None:
    check_atom(FEED % (b"http://arxiv.org/abs/2101.00001v1", b"error"))
    with pytest.raises(Refusal, match="no such id"):
        check_atom(FEED % (b"http://arxiv.org/api/errors#x", b"no such id"))


def test_a_body_is_unpacked_within_its_limits() -> None:
    packed = gzip.compress(b"a" * 1000, mtime=0)
    assert decoded([packed[:7], packed[7:]], "gzip", limit=1000, raw_limit=100) == b"a" * 1000
    for limit, raw_limit in ((999, 100), (1000, 10)):
        with pytest.raises(Unusable) as raised:
            decoded([packed], "gzip", limit=limit, raw_limit=raw_limit)
        assert not raised.value.again


@pytest.mark.parametrize("body", [gzip.compress(b"a" * 1000, mtime=0)[:-9], b"not gzip at all"])
def test_a_compressed_body_that_is_cut_or_broken_may_heal(body: bytes) -> None:
    with pytest.raises(Unusable) as raised:
        decoded([body], "gzip", limit=10_000, raw_limit=10_000)
    assert raised.value.again


def test_an_encoding_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(Unusable, match="'br'"):
        decoded([b"x"], "br", limit=10, raw_limit=10)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b'{"error": "no", "message": "why"}', "application/json", "no: why"),
        (b'{"error": {"deep": 1}}', "application/json", ""),
        (b"<html><title>Gone &amp; away</title></html>", "text/html", "Gone & away"),
        (b"<p>one <b>two</b></p>", "text/html", "one two"),
        (b"a\x1b[31mred\x00\r\nline", "text/plain", "a [31mred line"),
        (b"\xff\xfe", "text/plain", "��"),
    ],
)
def test_a_services_words_become_one_plain_line(body: bytes, kind: str, words: str) -> None:
    assert said(body, kind) == words


def test_words_are_cut() -> None:
    assert plain("x" * 500, 10) == "xxxxxxxxx…"


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [
        ("30", 30), (" 0 ", 0), ("Sun, 15 Jun 2025 15:07:10 GMT", 30), ("Sun, 15 Jun 2025 15:00:00 GMT", 0),
        ("", None), ("soon", None), ("-5", None), ("1.5", None), ("9" * 400, 999_999_999), ("²", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_both_forms(stated: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": stated}, 1_750_000_000.0) == seconds


def test_a_date_is_measured_by_the_services_own_clock() -> None:
    headers = {"retry-after": "Sun, 15 Jun 2025 15:07:10 GMT", "date": "Sun, 15 Jun 2025 15:07:00 GMT"}
    assert retry_after_s(headers, 0.0) == 10
