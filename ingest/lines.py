"""Lines of a plain or gzip file, one at a time: bounded memory, resumable by byte, honest about a damaged end."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from kg.errors import InputError

LINE_BYTES = 4_000_000
"""A longer line is no record; it is passed over without being kept in memory."""

_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b\x08"
_SKIPPED_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; `content` is `None` when it is oversized. `end` is the byte where the next begins."""

    number: int
    end: int
    content: bytes | None

    @property
    def blank(self) -> bool:
        """Whether there is nothing to read."""
        return self.content is not None and not self.content.strip()


class LineReader:
    """Iterates the lines of a file from a position on.

    After iterating, `damage` says why reading ended early, `None` when the file was read whole. What stands after the
    last whole line of a damaged file is not delivered.
    """

    def __init__(self, path: Path, *, line: int = 0, byte: int = 0) -> None:
        """Open `path` to go on after `line` lines and `byte` bytes (uncompressed).

        Raises:
            InputError: missing, a folder, not readable, or named .gz and no gzip at all.
        """
        self.path = path
        self.damage: str | None = None
        self._number, self._byte = line, byte
        try:
            self._raw: IO[bytes] = path.open("rb")
            self._size = os.fstat(self._raw.fileno()).st_size
        except OSError as error:
            raise _unreadable(path, error.strerror or str(error)) from error
        magic = self._raw.read(len(_GZIP))
        self._raw.seek(0)
        self._compressed = magic == _GZIP
        if path.suffix == ".gz" and not self._compressed:
            self._raw.close()
            raise _unreadable(path, "it is named .gz and holds no gzip data", "Download it again, or rename it.")
        self._file: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=self._raw) if self._compressed else self._raw

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._raw.close()

    @property
    def fraction(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return min(1.0, self._raw.tell() / self._size) if self._size else 1.0

    def __iter__(self) -> Iterator[Line]:
        """Lines in order.

        Raises:
            InputError: the file breaks off before its first line, or the disk fails.
        """
        try:
            if self._byte:
                self._file.seek(self._byte)
            yield from self._lines()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            if self._number == 0:
                raise _unreadable(self.path, f"the gzip data is broken: {error}", "Download it again.") from error
            self.damage = str(error)
        except OSError as error:
            raise _unreadable(self.path, error.strerror or str(error)) from error

    def _lines(self) -> Iterator[Line]:
        while content := self._file.readline(LINE_BYTES + 1):
            length = len(content)
            oversized = length > LINE_BYTES and not content.endswith(b"\n")
            if oversized:
                content = b""
                length += self._skip()
            self._number += 1
            self._byte += length
            if self._number == 1:
                content = content.removeprefix(_BOM)
            yield Line(self._number, self._byte, None if oversized else content.rstrip(b"\r\n"))

    def _skip(self) -> int:
        skipped = 0
        while piece := self._file.readline(_SKIPPED_AT_ONCE):
            skipped += len(piece)
            if piece.endswith(b"\n"):
                break
        return skipped


def _unreadable(path: Path, problem: str, hint: str = "Check the path and that you may read it.") -> InputError:
    return InputError(
        f"The file cannot be read: {problem}", where=str(path), field="file", value=path, hint=hint, code="input.file"
    )
