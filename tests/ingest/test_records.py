"""What `ingest.records` promises: a line becomes a record or a reason, never a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.contradictions import dated
from ingest.records import Refused, parse_record
from kg.model import Author, Manifestation, PartialDate

ARXIV = {
    "arxiv_id": "2107.03312v2",
    "title": "A Codec",
    "abstract": "We build a codec.",
    "authors": ["Ada Example", "Example, Ada", "Ben Sample", "?"],
    "categories": ["cs.SD", "eess.AS"],
    "published": "2021-07-07",
}
OPENALEX = {
    "openalex_id": "W3186843219",
    "doi": "https://doi.org/10.1109/TASLP.2021.3129994",
    "arxiv_id": "2107.03312",
    "arxiv_id_via": "title",
    "title": "A Codec",
    "abstract": None,
    "publication_date": "2021-11-23",
    "referenced_works": ["W12", "https://openalex.org/W7", "W12"],
    "source": "somewhere@1:list.csv",
}


def line(record: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({**record, **changes}).encode()


def test_an_arxiv_record_is_read_whole() -> None:
    record = parse_record(line(ARXIV), "here.jsonl")
    assert record.source == "arxiv"
    assert record.ids == ("arxiv:2107.03312",)
    assert record.proposed is None
    assert (record.title, record.abstract) == ("A Codec", "We build a codec.")
    assert record.published == PartialDate("2021-07-07", "arxiv")
    assert record.categories == ("cs.SD", "eess.AS")
    assert record.authors == (
        Author("name:ada-example", "Ada Example", name_only=True),
        Author("name:ben-sample", "Ben Sample", name_only=True),
    )
    assert record.manifestations == (Manifestation("arxiv", "2107.03312", 2, "arxiv"),)
    assert record.references is None
    assert record.provenance == "here.jsonl"


def test_an_openalex_record_is_read_whole() -> None:
    record = parse_record(line(OPENALEX), "here.jsonl")
    assert record.source == "openalex"
    assert record.ids == ("doi:10.1109/taslp.2021.3129994", "openalex:W3186843219")
    assert record.proposed == "arxiv:2107.03312"
    assert record.abstract is None
    assert record.authors is None
    assert record.references == ("openalex:W12", "openalex:W7")
    assert record.provenance == "somewhere@1:list.csv"


def test_an_arxiv_id_by_doi_is_exact() -> None:
    record = parse_record(line(OPENALEX, doi="10.48550/arXiv.2107.03312", arxiv_id_via="doi"), "")
    assert record.ids == ("arxiv:2107.03312", "openalex:W3186843219")
    assert record.proposed is None


def test_a_missing_date_is_the_month_of_the_arxiv_id() -> None:
    assert parse_record(line(ARXIV, published=None), "").published == PartialDate("2021-07", "arxiv id")
    assert parse_record(line(OPENALEX, publication_date=None), "").published is None


@pytest.mark.parametrize(
    ("written", "stated"),
    [("2023-01-01", "2023"), ("2023-04-01", "2023-04"), ("2023-04-02", "2023-04-02"), ("2023-11-11", "2023-11-11")],
)
def test_an_openalex_date_loses_the_day_it_was_filled_up_with(written: str, stated: str) -> None:
    assert parse_record(line(OPENALEX, publication_date=written), "").published == PartialDate(stated, "openalex")
    assert parse_record(line(ARXIV, published=written), "").published == PartialDate(written, "arxiv")


def test_unknown_is_not_empty() -> None:
    record = parse_record(line(OPENALEX, referenced_works=[], abstract="  ", categories=None), "")
    assert record.references is None
    assert record.abstract is None
    assert record.categories is None
    assert parse_record(line(ARXIV, authors=[]), "").authors == ()


def test_an_abstract_stays_as_given() -> None:
    abstract = " A  Codec\\n\nwith \\textbf{S}pace "
    assert parse_record(line(ARXIV, abstract=abstract), "").abstract == abstract


def test_further_ids_are_read() -> None:
    record = parse_record(line({"title": "A", "s2_id": "ab" * 20, "corpus_id": 12, "cited_by_count": 0}), "f")
    assert record.ids == ("s2:" + "ab" * 20, "corpusid:12")
    assert record.source == "file"
    assert record.citations_stated == 0


def test_a_datetime_gives_its_day() -> None:
    assert parse_record(line(ARXIV, published="2021-07-07T09:00:00Z"), "").published == PartialDate(
        "2021-07-07", "arxiv"
    )


@pytest.mark.parametrize(
    ("content", "field", "says"),
    [
        (b"", "line", "not JSON"),
        (b"{", "line", "not JSON"),
        (b"[1]", "line", "object"),
        (b'"text"', "line", "object"),
        (b'{"title": "\xff"}', "line", "not UTF-8 at byte 12"),
        (b'{"title": "a\0"}', "line", "NUL"),
        (b"[" * 100_000, "line", "nested"),
        (b'{"corpus_id": ' + b"9" * 5000 + b"}", "line", "not JSON"),
        (line({"title": "A"}), "id", "no id"),
        (line(ARXIV, arxiv_id=""), "id", "no id"),
        (line(ARXIV, arxiv_id=2107.03312), "arxiv_id", "wrong type"),
        (line(ARXIV, arxiv_id=True), "arxiv_id", "wrong type"),
        (line(ARXIV, arxiv_id="2113.00001"), "arxiv_id", "no arXiv id"),
        (line(ARXIV, arxiv_id="10.1109/5.771073"), "arxiv_id", "another kind"),
        (line({"title": "A", "arxiv_id": "2107.03312", "arxiv_id_via": "title"}), "arxiv_id", "no exact id"),
        (line(OPENALEX, openalex_id="A5023888391"), "openalex_id", "no id"),
        (line(OPENALEX, doi="doi"), "doi", "no id"),
        (line(ARXIV, title=None), "title", "no title"),
        (line(ARXIV, title="  "), "title", "no title"),
        (line(ARXIV, title=["A"]), "title", "wrong type"),
        (line(ARXIV, title="a\0b"), "title", "NUL"),
        (line(ARXIV, abstract="\ud800"), "abstract", "surrogate"),
        (line(ARXIV, abstract=7), "abstract", "wrong type"),
        (line(ARXIV, authors="Ada Example"), "authors", "wrong type"),
        (line(ARXIV, authors=[{"name": "Ada"}]), "authors", "wrong type"),
        (line(ARXIV, authors=["Ada\0"]), "authors", "NUL"),
        (line(ARXIV, categories="cs.SD"), "categories", "wrong type"),
        (line(ARXIV, published="last year"), "published", "not a date"),
        (line(ARXIV, published="2021-02-30"), "published", "not a date"),
        (line(ARXIV, published=2021), "published", "wrong type"),
        (line(OPENALEX, referenced_works=["W1", "x"]), "referenced_works", "no id"),
        (line(OPENALEX, referenced_works={"W1": 1}), "referenced_works", "wrong type"),
        (line(OPENALEX, cited_by_count=-1), "cited_by_count", "whole number"),
    ],
)
def test_what_is_no_record_is_refused_with_its_field(content: bytes, field: str, says: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_record(content, "here.jsonl")
    assert caught.value.field == field
    assert says in caught.value.reason


def test_a_record_without_title_keeps_what_it_tells() -> None:
    with pytest.raises(Refused) as caught:
        parse_record(line(OPENALEX, title=None), "here.jsonl")
    assert caught.value.record is not None
    assert caught.value.record.ids == ("doi:10.1109/taslp.2021.3129994", "openalex:W3186843219")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["W1", "2107.03312"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
fields = st.sampled_from([*ARXIV, *OPENALEX, "s2_id", "corpus_id", "venue", "cited_by_count"])


@given(st.binary(max_size=80))
@example(b"\xef\xbb\xbf{}")
def test_no_bytes_crash_the_parser(content: bytes) -> None:
    with pytest.raises(Refused):
        parse_record(content, "here.jsonl")


@given(st.sampled_from([ARXIV, OPENALEX]), st.dictionaries(fields, values, max_size=4))
def test_no_json_crashes_the_parser(record: dict[str, Any], changes: dict[str, Any]) -> None:
    try:
        found = parse_record(line(record, **changes), "here.jsonl")
    except Refused as refused:
        told = (refused.field, refused.reason)
    else:
        told = (found.ids[0], (found.title or "").strip())
    assert all(told)


def test_a_line_break_in_a_title_is_one_space_however_it_is_written() -> None:
    title = " A codec\\n  for\n speech \\names "
    record = parse_record(json.dumps({"arxiv_id": "2101.00001", "title": title}).encode(), "f")
    assert record.title == "A codec for speech \\names"


def test_without_a_date_the_year_in_a_doi_is_taken_and_said() -> None:
    content = {"openalex_id": "W1", "doi": "10.1109/taslp.2021.3129353", "title": "T", "publication_date": None}
    record = dated(parse_record(json.dumps(content).encode(), "f"))
    assert record.published is not None
    assert (record.published.value, record.published.source) == ("2021", "year in the DOI")


def test_a_plain_id_counts_when_it_is_a_known_kind_of_id() -> None:
    assert parse_record(b'{"id": "http://arxiv.org/abs/2101.00001v2", "title": "T"}', "f").ids == ("arxiv:2101.00001",)
    assert parse_record(b'{"id": "row 7", "doi": "10.1000/x", "title": "T"}', "f").ids == ("doi:10.1000/x",)
    with pytest.raises(Refused) as refused:
        parse_record(b'{"id": "row 7", "title": "T"}', "f")
    assert refused.value.field == "id"
