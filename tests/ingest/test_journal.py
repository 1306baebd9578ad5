"""What `ingest.journal` promises: a stream is its content, and the list of rejects follows the cursor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.journal import Rejects, stream_of
from kg.errors import InputError


def entries(path: Path) -> list[tuple[str, int]]:
    return [(entry["file"], entry["line"]) for entry in map(json.loads, path.read_text(encoding="utf-8").splitlines())]


def refuse(path: Path, read_from: Path, *lines: int, after: int = 0) -> Rejects:
    rejects = Rejects(path, read_from, line=after)
    for line in lines:
        rejects.add(line, "title", "no title", "\ud800" * 100)
    rejects.sync()
    rejects.close()
    return rejects


def test_a_stream_is_named_by_name_and_content(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    names = set()
    for content in (b"", b"a\n", b"b\n", b"x" * 70_000, b"x" * 69_999 + b"y", b"y" + b"x" * 69_999):
        path.write_bytes(content)
        names.add(stream_of(path, "papers"))
        assert stream_of(path, "papers") == stream_of(path, "papers")
    names.add(stream_of(path, "citations"))
    other = tmp_path / "b.jsonl"
    other.write_bytes(path.read_bytes())
    names.add(stream_of(other, "papers"))
    assert len(names) == 8


def test_a_stream_of_nothing_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError) as caught:
            stream_of(path, "papers")
        assert caught.value.where == str(path)


def test_a_list_of_rejects_is_made_when_needed(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    assert refuse(path, tmp_path / "in").count == 0
    assert not path.exists()
    assert refuse(path, tmp_path / "in", 3, 7).count == 2
    first = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    assert first == {
        "file": str(tmp_path / "in"),
        "line": 3,
        "field": "title",
        "reason": "no title",
        "value": "\ud800" * 80,
    }


def test_resuming_cuts_the_list_back_to_the_cursor(tmp_path: Path) -> None:
    path, one, other = tmp_path / "list.jsonl", tmp_path / "one", tmp_path / "other"
    refuse(path, one, 3, 7, 12)
    refuse(path, other, 5, 20)
    refuse(path, one, 8, after=7)
    assert entries(path) == [(str(one), 3), (str(one), 7), (str(other), 5), (str(other), 20), (str(one), 8)]
    refuse(path, other)
    assert entries(path) == [(str(one), 3), (str(one), 7), (str(one), 8)]
    refuse(path, one)
    assert not path.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_line_cut_off_while_it_was_written_is_taken_out(tmp_path: Path) -> None:
    path, one = tmp_path / "list.jsonl", tmp_path / "one"
    refuse(path, one, 3, 7)
    path.write_bytes(path.read_bytes()[:-10])
    refuse(path, one, 7, after=3)
    assert entries(path) == [(str(one), 3), (str(one), 7)]


def test_what_others_wrote_into_the_list_stays(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text("a note\n[1]\n", encoding="utf-8")
    refuse(path, tmp_path / "one", 3)
    assert path.read_text(encoding="utf-8").startswith("a note\n[1]\n{")


def test_a_list_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        refuse(tmp_path / "absent" / "list.jsonl", tmp_path / "one", 3)
    assert caught.value.field == "rejects"
    with pytest.raises(InputError):
        refuse(tmp_path, tmp_path / "one", 3)
