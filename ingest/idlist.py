"""Lists of ids as people keep them: one a line, any spelling or URL, comments behind #, perhaps a byte-order mark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kg.errors import VALUE_SHOWN, InputError
from kg.identity import normalise

LIST_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class RefusedId:
    """A line that is no id."""

    line: int
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class IdList:
    """Canonical ids in the order given, each once, and the lines that are none."""

    ids: tuple[str, ...]
    refused: tuple[RefusedId, ...]


def read_ids(path: Path) -> IdList:
    """Read a list of ids.

    Raises:
        InputError: the file cannot be read, is too large for a list, or is not text in UTF-8.
    """
    try:
        if path.stat().st_size > LIST_BYTES:
            raise _unreadable(path, f"it is larger than {LIST_BYTES // 1_000_000} MB", "Split it.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error), "Check the path and that you may read it.") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"byte {error.start} is not UTF-8", "Save it as plain text in UTF-8.") from error
    ids: dict[str, None] = {}
    refused = []
    for number, line in enumerate(text.splitlines(), 1):
        # An id holds no blank, but a DOI may hold a #: a comment stands alone or behind a blank.
        said = "" if line.lstrip().startswith("#") else line.partition(" #")[0].partition("\t#")[0].strip()
        if not said:
            continue
        try:
            ids[normalise(said)] = None
        except InputError as error:
            refused.append(RefusedId(number, said[:VALUE_SHOWN], error.message))
    return IdList(tuple(ids), tuple(refused))


def _unreadable(path: Path, problem: str, hint: str) -> InputError:
    return InputError(
        f"The list cannot be read: {problem}", where=str(path), field="file", value=path, hint=hint, code="input.file"
    )
