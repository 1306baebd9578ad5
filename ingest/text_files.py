"""Text files of unknown encoding, plain or gzip: their first bytes, their encoding, and their bytes up to any damage.

Text is UTF-8, or what its byte-order mark says; a file that is neither is Windows-1252, or Latin-1 where even that has
no character for a byte.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from pathlib import Path
from typing import IO, Any, cast

from kg.errors import InputError

SAMPLE = 1 << 16
_READ = 1 << 20
_BYTE_ORDER = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class UpToDamage(io.RawIOBase):
    """The bytes of a plain or gzip file, which end where the gzip data is broken."""

    def __init__(self, raw: IO[bytes]) -> None:
        self.damage: str | None = None
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        self._file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if compressed else raw

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        try:
            found = self._file.read(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.damage = str(error)
            return 0
        buffer[: len(found)] = found
        return len(found)


def head(path: Path) -> bytes:
    """The first bytes of a file, uncompressed. Raises InputError: it cannot be read."""
    try:
        with path.open("rb") as raw:
            magic = raw.read(2)
            raw.seek(0)
            return gzip.GzipFile(fileobj=raw).read(SAMPLE) if magic == b"\x1f\x8b" else raw.read(SAMPLE)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise unreadable(path, f"the gzip data is broken: {error}") from error
    except OSError as error:
        raise unreadable(path, error.strerror or str(error)) from error


def marked_encoding(head: bytes) -> str | None:
    """The encoding that a byte-order mark tells of, `None` without one."""
    return next((name for mark, name in _BYTE_ORDER.items() if head.startswith(mark)), None)


def encoding_of(path: Path) -> str:
    """The encoding of a whole file: what its byte-order mark says, else UTF-8 where it is that, else Windows-1252.

    Raises:
        InputError: it cannot be read.
    """
    decoders = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8", "cp1252")}
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if compressed else raw
            first = True
            while piece := file.read(_READ):
                if first and (marked := marked_encoding(piece)):
                    return marked
                first = False
                for name in list(decoders):
                    try:
                        decoders[name].decode(piece)
                    except UnicodeDecodeError:
                        del decoders[name]
            try:
                if "utf-8" in decoders:
                    decoders["utf-8"].decode(b"", final=True)
            except UnicodeDecodeError:
                del decoders["utf-8"]
    except (EOFError, zlib.error, gzip.BadGzipFile):
        pass  # the reader meets the damage again and says so
    except OSError as error:
        raise unreadable(path, error.strerror or str(error)) from error
    return next(iter(decoders), "latin-1")


def unreadable(path: Path, problem: str) -> InputError:
    """The error of a file that cannot be read."""
    return InputError(
        f"The file cannot be read: {problem}",
        where=str(path),
        field="file",
        value=path,
        hint="Check the path and that you may read it.",
        code="input.file",
    )


def undecodable(path: Path, encoding: str, error: UnicodeError) -> InputError:
    """The error of a file that is not in the encoding named."""
    return InputError(
        f"The file is not {encoding}: {error}",
        where=str(path),
        field="encoding",
        value=encoding,
        hint="Name its encoding with --encoding, or leave the option out to have it found.",
        code="input.encoding",
    )
