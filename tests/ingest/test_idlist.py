"""Lists of ids as people keep them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.idlist import LIST_BYTES, read_ids
from kg.errors import InputError
from kg.identity import normalise


def written(folder: Path, content: bytes) -> Path:
    path = folder / "list.txt"
    path.write_bytes(content)
    return path


def test_a_mark_comments_blank_lines_and_any_spelling(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        b"\xef\xbb\xbf# codecs to read\r\n\r\n2107.03312v2  # SoundStream\r\n"
        b"https://doi.org/10.1109/TASLP.2021.3129994\r\n  W2618500857\tignored\r\n",
    )
    listed = read_ids(path)
    assert listed.ids == ("arxiv:2107.03312", "doi:10.1109/taslp.2021.3129994")
    assert [(each.line, each.value) for each in listed.refused] == [(5, "W2618500857\tignored")]


def test_an_id_counts_once_in_the_order_given(tmp_path: Path) -> None:
    listed = read_ids(written(tmp_path, b"2209.03143\n2107.03312\narXiv:2209.03143v1\n"))
    assert listed.ids == ("arxiv:2209.03143", "arxiv:2107.03312")


def test_a_number_sign_within_a_doi_is_no_comment(tmp_path: Path) -> None:
    listed = read_ids(written(tmp_path, b"10.1000/a#b # a comment\n"))
    assert listed.ids == (normalise("10.1000/a#b"),)


def test_lines_that_are_no_ids_are_named(tmp_path: Path) -> None:
    listed = read_ids(written(tmp_path, b"2107.03312\nnot an id\n9999.99999\n"))
    assert listed.ids == ("arxiv:2107.03312",)
    assert [each.line for each in listed.refused] == [2, 3]
    assert all(each.reason for each in listed.refused)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"caf\xe9\n"])
def test_what_is_no_text_says_so(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match="not UTF-8") as failed:
        read_ids(written(tmp_path, content))
    assert failed.value.hint


def test_a_missing_file_and_one_that_is_too_large(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_ids(tmp_path / "none.txt")
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(LIST_BYTES + 1)
    with pytest.raises(InputError, match="larger than"):
        read_ids(large)


@given(st.text(max_size=200))
def test_any_text_is_read_or_named(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("ids") / "list.txt"
    path.write_text(text, encoding="utf-8", errors="replace", newline="")
    listed = read_ids(path)
    assert len(set(listed.ids)) == len(listed.ids)
    assert all(each.line >= 1 and each.value for each in listed.refused)
