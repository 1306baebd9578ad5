"""Files of reference managers into the graph: BibTeX, RIS, CSL-JSON, tables, and what `export` writes.

Which format a file has is told by its ending and its first characters (`recognise`); the formats themselves are read
in `kg.exchange`. Every entry is loaded or listed with its line and reason, by the guarantees of `ingest.runs`: a batch
and the position behind it are one transaction, so the same file twice changes nothing and a killed run goes on.

How text is encoded is found by `ingest.text_files`; a file that is not Unicode is read as Windows-1252, which is said.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self, TextIO

from ingest.records import Refused
from ingest.runs import Ingested, Progress, Taken, run_over
from ingest.text_files import SAMPLE, UpToDamage, encoding_of, head, marked_encoding, undecodable, unreadable
from kg.errors import InputError
from kg.exchange.entries import Entry
from kg.model import Batch, Paper
from kg.store import GraphStore

Format = Literal["bibtex", "ris", "csl", "csv", "jsonl"]
ENDINGS: Mapping[str, Format] = {
    ".bib": "bibtex", ".bibtex": "bibtex", ".ris": "ris", ".csv": "csv", ".tsv": "csv", ".tab": "csv",
}  # fmt: skip
KEY_SHOWN = 200
_KEYS_REMEMBERED = 200_000
_REMARKS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is: its format, how its text is encoded, and whether that was told (`stated`) or found."""

    format: Format
    encoding: str
    stated: bool = False


def recognise(
    path: Path, *, encoding: str | None = None, columns: Mapping[str, str] | None = None
) -> Recognised | None:
    """The format of a file of references; `None` for JSON Lines of arXiv or OpenAlex records and anything unknown.

    Args:
        path: the file, plain or gzip.
        encoding: how its text is encoded; found out when absent.
        columns: a mapping for tables; given, the file is a table, and its header is checked against it.

    Raises:
        InputError: the file cannot be read, is not in the encoding named, or is a table without the columns needed.
    """
    first = head(path)
    known = encoding or marked_encoding(first) or "utf-8"
    try:
        codecs.lookup(known)
        start = first.decode(known, "ignore").removeprefix("\ufeff")
    except LookupError as error:
        raise InputError(
            f"There is no text encoding {known!r}",
            where="--encoding",
            field="encoding",
            value=known,
            hint="Write utf-8, latin-1, cp1252, gb18030, big5, shift_jis or another that Python knows.",
            code="input.encoding",
        ) from error
    except UnicodeError as error:
        raise undecodable(path, known, error) from error
    format = "csv" if columns else _format(path, start)
    if format is None:
        return None
    found = Recognised(format, encoding or encoding_of(path), stated=encoding is not None)
    if format == "csv":
        from kg.exchange.csv import layout

        header = next((line for line in start.splitlines() if line.strip()), "")
        if header:
            layout(header, name=str(path), columns=columns)
    return found


def ingest_references(
    store: GraphStore,
    path: Path,
    found: Recognised,
    *,
    columns: Mapping[str, str] | None = None,
    rejects: Path | None = None,
    clock: Callable[[], str],
    batch: int = 1000,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Ingested:
    """Load a file of references. An entry without any id is known by its title.

    Args:
        store: where the papers go.
        path: the file.
        found: what `recognise` found it to be.
        columns: field to column name, for tables.
        rejects: list of refused entries; default `<file name>.rejects.jsonl` in the current folder, made when needed.
        clock: gives the time (UTC, ISO 8601) that is stored with each batch.
        batch: entries per transaction.
        progress: called after each batch.
        stop: asked between entries; true ends the run after those read so far are written.

    Raises:
        InputError: the file as a whole cannot be read, or the list of rejects not written.
        StoreError: the store failed; what was committed before stays and the same call goes on.
    """
    readers: list[_EntryReader] = []

    def opened(line: int, position: int) -> _EntryReader:
        readers.append(_EntryReader(path, found, columns, position))
        return readers[0]

    done = run_over(
        opened,
        _Papers(_kind(found, columns)),
        store,
        path,
        rejects=rejects or Path(f"{path.name}.rejects.jsonl"),
        clock=clock,
        batch=batch,
        progress=progress,
        stop=stop,
    )
    return replace(done, notes=tuple(readers[0].notes()))


class _Papers:
    """Entries to papers."""

    first = 0

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._papers: list[Paper] = []

    def take(self, content: Entry) -> bool:
        """Take an entry in. Raises Refused."""
        if content.paper is None:
            fault = content.fault
            assert fault is not None
            raise Refused(fault.field, fault.reason, fault.value, entry=content.key[:KEY_SHOWN])
        self._papers.append(content.paper)
        return True

    def flush(self, time: str) -> Taken:
        """What was taken since the last flush."""
        papers, self._papers = tuple(self._papers), []
        return Taken(Batch(papers=papers))


@dataclass(frozen=True, slots=True)
class _Unit:
    number: int
    end: int
    content: Entry
    blank: bool = False


class _EntryReader:
    """Iterates the entries of a file behind a position, which is the sum of the sizes of the entries before it."""

    def __init__(self, path: Path, found: Recognised, columns: Mapping[str, str] | None, position: int) -> None:
        self._cut: str | None = None
        self._path, self._found, self._columns, self._position = path, found, columns, position
        self._remarks: list[str] = []
        self._remarked = 0
        self._keys: set[str] = set()
        self._repeated = 0
        try:
            self._raw: IO[bytes] = path.open("rb")
            self._size = os.fstat(self._raw.fileno()).st_size
        except OSError as error:
            raise unreadable(path, error.strerror or str(error)) from error
        self._bytes = UpToDamage(self._raw)
        self._text: TextIO = io.TextIOWrapper(io.BufferedReader(self._bytes), encoding=found.encoding, newline="")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._text.close()
        self._raw.close()

    @property
    def damage(self) -> str | None:
        """Why reading ended before the end of the file."""
        return self._cut or self._bytes.damage

    @property
    def fraction(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return min(1.0, self._raw.tell() / self._size) if self._size else 1.0

    def __iter__(self) -> Iterator[_Unit]:
        """Entries in order.

        Raises:
            InputError: the text is not in its encoding, the file holds no entry at all, or the disk fails.
        """
        end = read = 0
        try:
            for entry in self._entries():
                read += 1
                end += max(entry.size, 1)
                self._note(entry)
                if end > self._position:
                    yield _Unit(entry.line, end, entry)
        except UnicodeError as error:
            if self._bytes.damage is None:  # a file cut off in the middle of a character is no news
                raise undecodable(self._path, self._found.encoding, error) from error
        except EOFError as error:
            self._cut = str(error)
        except OSError as error:
            raise unreadable(self._path, error.strerror or str(error)) from error
        if not read and self.damage is None and self._found.format in ("bibtex", "ris", "jsonl"):
            self._refuse_nothing()

    def notes(self) -> Iterator[str]:
        """Sentences about the file as a whole."""
        if self._found.encoding == "cp1252" and not self._found.stated:
            yield "It is not UTF-8 and was read as Windows-1252; if names look wrong, say how with --encoding"
        elif self._found.encoding == "latin-1" and not self._found.stated:
            yield "It is not UTF-8 and was read as Latin-1; if names look wrong, say how with --encoding"
        if self._repeated:
            yield f"{self._repeated:,} entries have a key that an earlier one has; each was read"
        if self._remarked:
            more = f" and {self._remarked - len(self._remarks):,} more" if self._remarked > len(self._remarks) else ""
            yield f"Passed over: {'; '.join(self._remarks)}{more}"

    def _note(self, entry: Entry) -> None:
        for remark in entry.remarks:
            self._remarked += 1
            if len(self._remarks) < _REMARKS_SHOWN:
                self._remarks.append(f"line {entry.line:,}: {remark}")
        if entry.key and self._found.format in ("bibtex", "csl"):
            self._repeated += entry.key in self._keys
            if len(self._keys) < _KEYS_REMEMBERED:
                self._keys.add(entry.key)

    def _entries(self) -> Iterator[Entry]:
        from kg.exchange import bibtex, csl, csv, jsonl, ris

        name = self._path.name
        match self._found.format:
            case "bibtex":
                return bibtex.read_papers(self._text, name=name)
            case "ris":
                return ris.read_papers(self._text, name=name)
            case "csl":
                return csl.read_papers(self._text, name=name)
            case "jsonl":
                return jsonl.read_papers(self._text, name=name)
            case "csv":
                return csv.read_papers(self._text, name=name, columns=self._columns)

    def _refuse_nothing(self) -> None:
        self._text.seek(0)
        if self._text.read(SAMPLE).strip("\ufeff \t\r\n"):
            expected = {"bibtex": "@article{key, ...}", "ris": "TY  - JOUR ... ER  -"}.get(self._found.format, "JSON")
            raise InputError(
                f"No {self._found.format} entry was found in the file",
                where=str(self._path),
                field="file",
                expected=expected,
                hint="Check that it is the file you mean; the ending should say its format.",
                code="input.file",
            )


def _format(path: Path, start: str) -> Format | None:
    """By content where that is beyond doubt, else by ending."""
    from kg.exchange.jsonl import is_own

    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    text = start.lstrip()
    told = ENDINGS.get(ending)
    if told == "csv":
        return told
    if re.match(r"TY {1,3}-", text):
        return "ris"
    if text.startswith("["):
        return "csl" if told is None and ending in ("", ".json", ".csl", ".txt", ".csljson") else told
    if text.startswith("{"):
        line, _, rest = text.partition("\n")
        if ending == ".json" and rest and not line.rstrip().endswith("}"):
            raise InputError(
                "A JSON file of references is an array of items, and this is an object",
                where=str(path),
                at="line 1",
                value=line,
                expected="[ and a list of items, or one object a line",
                hint="Export it as CSL JSON from Zotero or Better BibTeX.",
                code="input.csl",
            )
        return "jsonl" if is_own(line) else told
    if re.match(r"(?:%[^\n]*\s+)*@\s*[A-Za-z]+\s*[{(]", text):
        return "bibtex"
    return told


def _kind(found: Recognised, columns: Mapping[str, str] | None) -> str:
    """Names the reading: read in another way, a file is read anew."""
    options = [found.encoding] if found.stated else []
    options += [f"{field}={column}" for field, column in sorted((columns or {}).items())]
    if not options:
        return found.format
    return f"{found.format}-{hashlib.sha256(chr(0).join(options).encode('utf-8', 'replace')).hexdigest()[:8]}"
