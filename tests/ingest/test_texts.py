"""Texts are read character for character; a line that cannot be used is listed and the rest goes on."""

from __future__ import annotations

import gzip
import json

import pytest

from ingest.texts import TextReader
from kg.errors import InputError


def read(path, rejects=None):
    with TextReader(path, rejects=rejects) as texts:
        return list(texts), texts


def test_the_first_id_field_names_the_record_verbatim(tmp_path) -> None:
    path = tmp_path / "in.jsonl"
    records = [
        {"id": "mine/1", "arxiv_id": "2101.00001", "title": " a\u00a0b\n", "abstract": "ﬁ \\n"},
        {"arxiv_id": "2101.00002v3", "title": None},
        {"openalex_id": "W1", "doi": "10.1/x", "abstract": ""},
        {"id": None, "doi": "10.1/X", "title": "t"},
    ]
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n\n", encoding="utf-8")
    found, texts = read(path)
    assert found == [
        ("mine/1", " a\u00a0b\n", "ﬁ \\n"),
        ("2101.00002v3", None, None),
        ("W1", None, ""),
        ("10.1/X", "t", None),
    ]
    assert texts.rejected == 0
    assert not texts.rejects.exists()


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"{", "line"),
        (b"[1]", "line"),
        (b'{"title": "no id"}', "id"),
        (b'{"id": 7, "title": "t"}', "id"),
        (b'{"id": "a", "title": 7}', "title"),
        (b'{"id": "a", "abstract": ["t"]}', "abstract"),
        (b'{"id": "a", "title": "\\ud800"}', "title"),
        (b'{"id": "\\ud800", "title": "t"}', "id"),
        (b'{"id": "a", "title": "\xff"}', "line"),
    ],
)
def test_a_line_that_cannot_be_used_is_listed(tmp_path, line, field) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"id": "a"}\n' + line + b'\n{"id": "b"}\n')
    found, texts = read(path, tmp_path / "rejects.jsonl")
    assert [id for id, *_ in found] == ["a", "b"]
    assert texts.rejected == 1
    (reject,) = [json.loads(each) for each in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert (reject["file"], reject["line"], reject["field"]) == (str(path), 2, field)
    assert reject["reason"]


def test_a_damaged_gzip_gives_what_stood_before_the_damage(tmp_path) -> None:
    path = tmp_path / "in.jsonl.gz"
    lines = "".join(json.dumps({"id": str(n), "title": f"{n * 7919} {n * 104729}"}) + "\n" for n in range(20_000))
    whole = gzip.compress(lines.encode())
    path.write_bytes(whole[: len(whole) // 2])
    found, texts = read(path)
    assert 0 < len(found) < 20_000
    assert texts.damage


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(InputError) as refused:
        TextReader(tmp_path / "absent.jsonl")
    assert "absent.jsonl" in refused.value.where
