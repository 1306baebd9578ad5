"""How far a file has been read, and what of it was refused.

The journal is the store's own cursor: it is committed in the transaction of the batch it describes, so work killed at
any moment goes on where the store stands. A stream is named by file name and content, so a changed file is read anew.
Rejects are written before their batch is committed and cut back to the cursor when work resumes: none is lost, none
is listed twice.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import IO

from kg.errors import VALUE_SHOWN, InputError
from kg.model import Cursor
from kg.store import GraphStore

SOURCE = "file"
_SAMPLE = 1 << 16


def stream_of(path: Path, kind: str) -> str:
    """Name of a file's content read as `kind`: file name, size, digest of its first and last 64 KiB.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.sha256(file.read(_SAMPLE))
            file.seek(max(0, size - _SAMPLE))
            digest.update(file.read(_SAMPLE))
    except OSError as error:
        raise InputError(
            f"The file cannot be read: {error.strerror or error}",
            where=str(path),
            field="file",
            value=path,
            hint="Check the path and that you may read it.",
            code="input.file",
        ) from error
    return f"{kind}:{path.name}@{size}-{digest.hexdigest()[:16]}"


class Journal:
    """The cursor of one stream. A position is the number of lines and of (uncompressed) bytes behind it."""

    def __init__(self, store: GraphStore, stream: str) -> None:
        self._stream = stream
        found = store.cursor(SOURCE, stream)
        self.done = found is not None and found.done
        self.line, self.byte = (int(part) for part in found.position.split(":")) if found else (0, 0)

    def cursor(self, line: int, byte: int, *, time: str, done: bool = False) -> Cursor:
        """The record to commit with a batch that ends here."""
        return Cursor(SOURCE, self._stream, f"{line}:{byte}", time, done)


class Rejects:
    """The list of refused lines, as JSON Lines: file, line, field, reason, value (its first 80 characters).

    Where several records may stand on one line, `entry` names the record and `position` is where it ends. The file is
    made with the first reject. Entries of other inputs in it stay.
    """

    def __init__(self, path: Path, read_from: Path, *, line: int, position: int = 0) -> None:
        """`path` is the list, `read_from` the input, of which what is behind `line` is taken out to be made again.

        Where entries have a position, what is behind `position` is.
        """
        self.path = path
        self.count = 0
        self._name = str(read_from)
        self._file: IO[str] | None = None
        self._position = position
        if path.exists():
            self._cut_back(line)

    def add(
        self,
        line: int,
        field: str,
        reason: str,
        value: object = None,
        *,
        entry: str | None = None,
        position: int | None = None,
    ) -> None:
        """Refuse one line, or the entry that begins there."""
        if self._file is None:
            try:
                self._file = self.path.open("a", encoding="utf-8")
            except OSError as error:
                raise self._unwritable(error) from error
        shown = None if value is None else str(value)[:VALUE_SHOWN]
        refused = {"file": self._name, "line": line, "field": field, "reason": reason, "value": shown}
        if entry is not None:
            refused |= {"entry": entry, "position": position}
        # ASCII, so that a lone surrogate in the value cannot make the list unreadable.
        self._file.write(json.dumps(refused, ensure_ascii=True) + "\n")
        self.count += 1

    def sync(self) -> None:
        """Make what was added last; call it before the batch is committed."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the list."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _cut_back(self, line: int) -> None:
        part = self.path.with_name(self.path.name + ".part")
        kept = dropped = 0
        try:
            with self.path.open("rb") as old, part.open("wb") as new:
                for entry in old:
                    if self._stale(entry, line):
                        dropped += 1
                    else:
                        new.write(entry)
                        kept += 1
            if not dropped:
                part.unlink()
            elif kept:
                part.replace(self.path)
            else:
                part.unlink()
                self.path.unlink()
        except OSError as error:
            raise self._unwritable(error) from error

    def _stale(self, entry: bytes, line: int) -> bool:
        """Whether an entry is of this input and behind the cursor, or was cut off while it was written."""
        try:
            found = json.loads(entry)
        except ValueError:
            return not entry.endswith(b"\n")
        if not isinstance(found, dict) or os.path.abspath(str(found.get("file"))) != os.path.abspath(self._name):
            return False
        if isinstance(found.get("position"), int):
            return bool(found["position"] > self._position)
        return isinstance(found.get("line"), int) and found["line"] > line

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(
            f"The list of rejects cannot be written: {error.strerror or error}",
            where=str(self.path),
            field="rejects",
            value=self.path,
            hint="Name another file with --rejects.",
        )
