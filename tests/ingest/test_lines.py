"""What `ingest.lines` promises: every whole line once, from any position, in bounded memory."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.lines import LINE_BYTES, LineReader
from kg.errors import InputError


def read(path: Path, line: int = 0, byte: int = 0) -> tuple[list[tuple[int, int, bytes | None]], str | None]:
    with LineReader(path, line=line, byte=byte) as reader:
        return [(each.number, each.end, each.content) for each in reader], reader.damage


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


def noise(number: int) -> bytes:
    """A line that hardly compresses, the same in every run."""
    return b"%d %s\n" % (number, hashlib.sha256(b"%d" % number).hexdigest()[:16].encode())


pieces = st.lists(
    st.sampled_from([b"a", b"{}", b"\n", b"\r\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b" "]), max_size=30
)


@given(pieces.map(b"".join), st.sampled_from(["lines", "lines.gz"]))
def test_lines_are_what_splitting_gives(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str) -> None:
    path = written(tmp_path_factory.getbasetemp() / name, content)
    lines, damage = read(path)
    expected = content.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    if expected:
        expected[0] = expected[0].removeprefix(b"\xef\xbb\xbf")
    assert damage is None
    assert [line[2] for line in lines] == [each.rstrip(b"\r\n") for each in expected]
    assert [line[0] for line in lines] == list(range(1, len(lines) + 1))
    assert (lines[-1][1] if lines else 0) == len(content)
    for number, end, _ in lines:
        assert read(path, number, end)[0] == lines[number:]


@pytest.mark.parametrize("name", ["lines", "lines.gz"])
def test_an_oversized_line_is_passed_over_without_keeping_it(tmp_path: Path, name: str) -> None:
    size = LINE_BYTES * 5
    path = written(tmp_path / name, b"first\n" + b"x" * size + b"\nlast\n")
    tracemalloc.start()
    lines, _ = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(number, content) for number, _, content in lines] == [(1, b"first"), (2, None), (3, b"last")]
    assert lines[1][1] == len(b"first\n") + size + 1
    assert peak < LINE_BYTES * 3


def test_a_line_of_exactly_the_limit_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path / "lines", b"x" * LINE_BYTES + b"\n" + b"y" * (LINE_BYTES + 1) + b"\n" + b"z" * LINE_BYTES)
    assert [content and content[:1] for _, _, content in read(path)[0]] == [b"x", None, b"z"]


def test_a_truncated_gzip_gives_its_whole_lines_and_says_so(tmp_path: Path) -> None:
    content = b"".join(noise(n) for n in range(20_000))
    whole = gzip.compress(content)
    path = tmp_path / "lines.gz"
    path.write_bytes(whole[: len(whole) // 2])
    lines, damage = read(path)
    assert damage
    assert 0 < len(lines) < 20_000
    assert b"".join((line or b"") + b"\n" for _, _, line in lines) == content[: lines[-1][1]]
    number, end, _ = lines[-1]
    assert read(path, number, end) == ([], damage)


def test_damage_inside_a_gzip_is_said(tmp_path: Path) -> None:
    content = b"".join(noise(n) for n in range(50_000))
    whole = bytearray(gzip.compress(content))
    whole[len(whole) // 2 : len(whole) // 2 + 64] = b"\0" * 64
    path = tmp_path / "lines.gz"
    path.write_bytes(whole)
    lines, damage = read(path)
    assert damage
    assert len(lines) < 50_000


def test_gzip_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "named.jsonl"
    path.write_bytes(gzip.compress(b"a\nb\n"))
    assert [content for _, _, content in read(path)[0]] == [b"a", b"b"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.gz", b"no gzip at all\n"),
        ("empty.gz", b""),
        ("cut.gz", gzip.compress(b"a\n", mtime=0)[:5]),
        ("header.gz", gzip.compress(b"a\n", mtime=0)[:10]),
        ("broken.gz", b"\x1f\x8b" + b"\xff" * 50),
    ],
)
def test_a_file_that_is_no_gzip_is_refused_whole(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.where == str(path)
    assert caught.value.field == "file"
    assert caught.value.hint


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.jsonl"):
        with pytest.raises(InputError) as caught:
            read(path)
        assert caught.value.where == str(path)


def test_the_fraction_grows_to_one(tmp_path: Path) -> None:
    path = written(tmp_path / "lines", b"abc\n" * 100_000)
    with LineReader(path) as reader:
        seen = [reader.fraction for _ in reader]
    assert seen == sorted(seen)
    assert seen[0] < 0.5
    assert seen[-1] == 1.0
    with LineReader(written(tmp_path / "empty", b"")) as reader:
        assert list(reader) == []
        assert reader.fraction == 1.0
