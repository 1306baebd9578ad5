"""CSV whose cells no spreadsheet runs as a formula.

A text cell that begins with one of `=`, `+`, `-`, `@`, tab, carriage return or line feed, or with apostrophes before
one of them, gets one apostrophe in front; `undefuse` takes exactly that one away, so writing and reading gives the
same text. Numbers are written as they are. Unknown is an empty cell; several values are joined with `; `.

Papers: columns are found by a mapping, or by the names that Zotero, Scopus, Web of Science and others give them. A
file of ours is known by its columns `ids` and `author_names`; it is taken at its word. A list in a cell is separated by
`; `, with a backslash before a semicolon or backslash that belongs to a text.

Sources: OWASP, "CSV Injection"; RFC 4180.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from kg.errors import InputError
from kg.exchange.entries import (
    ENTRY_CHARACTERS,
    Draft,
    Entry,
    Unusable,
    date_in,
    joined,
    names_of,
    own_ids,
    pieces,
    said,
    separated,
    turned,
)
from kg.model import Paper, PartialDate

PAPER_COLUMNS = (
    "ids", "title", "author_names", "published", "date_source", "venue", "categories", "citations_stated", "abstract",
)  # fmt: skip
"""Columns of a file of ours."""

FIELDS = (
    "title", "abstract", "authors", "date", "year", "venue", "doi", "arxiv", "openalex", "s2", "corpusid", "url",
    "keywords", "note", "key",
)  # fmt: skip
"""What a column may be mapped to."""

_USUAL: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "article title", "document title", "primary_title", "paper title", "display_name"),
    "abstract": ("abstract", "abstract note", "notes_abstract", "summary"),
    "authors": ("authors", "author", "author full names", "author names", "author_names", "first_authors", "creators"),
    "date": ("date", "published", "publication date", "publication_date", "online date", "date added to ieee xplore"),
    "year": ("year", "publication year", "publication_year", "py"),
    "venue": ("venue", "journal", "publication title", "source title", "journal/book", "booktitle", "secondary_title",
              "container-title", "source"),
    "doi": ("doi", "doi link"),
    "arxiv": ("arxiv", "arxiv_id", "arxiv id", "arxivid", "eprint"),
    "openalex": ("openalex", "openalex_id", "openalex id"),
    "s2": ("s2", "s2_id", "s2id", "paperid", "semantic scholar id"),
    "corpusid": ("corpusid", "corpus_id", "corpus id"),
    "url": ("url", "urls", "link", "article link", "pdf link", "id"),
    "keywords": ("categories", "keywords", "author keywords", "manual tags", "tags"),
    "note": ("extra", "note", "notes"),
    "key": ("key", "citation key", "citekey", "eid", "record number", "article number"),
}  # fmt: skip
_ID_FIELDS = ("doi", "arxiv", "openalex", "s2", "corpusid", "url")
_DELIMITERS = ",;\t|"
_AHEAD_LINES = 5_000

_RISKY = re.compile(r"'*[=+\-@\t\r\n]")
_DEFUSED = re.compile(r"'+[=+\-@\t\r\n]")


def defuse(cell: str) -> str:
    """The cell as it may stand in a CSV file.

    Example:
        >>> defuse("=1+1"), defuse("RVQ"), defuse("'=x")
        ("'=1+1", 'RVQ', "''=x")
    """
    return f"'{cell}" if _RISKY.match(cell) else cell


def undefuse(cell: str) -> str:
    """The text that `defuse` was given."""
    return cell[1:] if _DEFUSED.match(cell) else cell


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return defuse("; ".join(f"{part:.10g}" if isinstance(part, float) else str(part) for part in value))
    return defuse(str(value))


def write_rows(target: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a header and rows to a text stream opened with `newline=""`; returns the number of rows."""
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow([defuse(column) for column in columns])
    count = 0
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        count += 1
    return count


def read_rows(source: TextIO) -> Iterator[dict[str, str]]:
    """Rows of a CSV file with a header, apostrophes of `defuse` taken away."""
    for row in csv.DictReader(source, strict=True):
        yield {undefuse(name): undefuse(value or "") for name, value in row.items() if name is not None}


def paper_values(paper: Paper) -> tuple[object, ...]:
    """The values of `PAPER_COLUMNS` for one paper. Raises InputError: no id, or one that is none."""
    date = paper.published
    return (
        own_ids(paper),
        said(paper.title),
        joined(names_of(paper)) or None,
        date.value if date else None,
        said(date.source) if date else None,
        said(paper.venue),
        joined(each for each in paper.categories or () if said(each)) or None,
        paper.citations_stated,
        said(paper.abstract),
    )


def write_papers(target: TextIO, papers: Iterable[Paper]) -> int:
    """Write papers as rows of `PAPER_COLUMNS`, to a text stream opened with `newline=""`; returns how many.

    Raises:
        InputError: a paper without id, or with one that is none.
    """
    return write_rows(target, PAPER_COLUMNS, (paper_values(paper) for paper in papers))


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is laid out: its delimiter, its columns in order, and the place of each field that is read."""

    delimiter: str
    columns: tuple[str, ...]
    places: Mapping[str, int]
    own: bool


def layout(header: str, *, name: str, columns: Mapping[str, str] | None = None) -> Layout:
    """The layout that a header line tells of.

    Args:
        header: the first line of the file.
        name: what errors call the file.
        columns: field to column name, for columns with unusual names; the rest is guessed.

    Raises:
        InputError: a mapped field or column does not exist, or no column holds a title; names those there are.
    """
    header = header.removeprefix("\ufeff").strip("\r\n")
    candidates = [(_cells(header, each), each) for each in _DELIMITERS]
    known = {usual for names in _USUAL.values() for usual in names} | set(PAPER_COLUMNS)
    known |= {mapped.casefold() for mapped in (columns or {}).values()}
    cells, delimiter = max(
        candidates, key=lambda each: (sum(cell.strip().casefold() in known for cell in each[0]), len(each[0]))
    )
    named = tuple(undefuse(cell).strip() for cell in cells)
    places = {column.casefold(): place for place, column in reversed(list(enumerate(named)))}
    if not columns and "ids" in places and "author_names" in places:
        return Layout(delimiter, named, {each: places[each] for each in PAPER_COLUMNS if each in places}, own=True)
    found: dict[str, int] = {}
    for field in FIELDS:
        place = next((places[usual] for usual in _USUAL[field] if usual in places), None)
        if place is not None and place not in found.values():
            found[field] = place
    for field, column in (columns or {}).items():
        if field not in FIELDS:
            raise InputError(
                f"There is no field {field!r} to map a column to",
                where="--columns",
                field=field,
                value=column,
                expected=", ".join(FIELDS),
                hint=f"Write FIELD=COLUMN with one of {', '.join(FIELDS)}.",
                code="input.columns",
            )
        if column.casefold() not in places:
            raise InputError(
                f"The table has no column {column!r}",
                where=name,
                at="line 1",
                field=field,
                value=column,
                expected=", ".join(named),
                hint=f"Name one of its columns: {', '.join(named)}.",
                code="input.columns",
            )
        found[field] = places[column.casefold()]
    if "title" not in found:
        raise InputError(
            "No column holds a title, as far as the header tells",
            where=name,
            at="line 1",
            field="title",
            value=header,
            expected=", ".join(_USUAL["title"]),
            hint=f"Say which one does, e.g. --columns title=NAME; the columns are {', '.join(named)}.",
            code="input.columns",
        )
    return Layout(delimiter, named, found, own=False)


def read_papers(source: TextIO, *, name: str, columns: Mapping[str, str] | None = None) -> Iterator[Entry]:
    """Rows of a table, one at a time, delimiter and columns found by its header.

    Args:
        source: a text stream opened with `newline=""`.
        name: what provenance says before the row's key or line, usually the file name.
        columns: as for `layout`.

    Raises:
        InputError: as `layout`.
    """
    lines = pieces(source)
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        return
    shape = layout(first[1], name=name, columns=columns)
    for number, text, closed in _rows(lines):
        if not closed or len(text) > ENTRY_CHARACTERS:
            reason = "a quote is opened and not closed" if not closed else "oversized"
            yield Entry(number, "", len(text), fault=Unusable("row", reason, text))
            continue
        key = ""
        try:
            cells = _row(text, shape)
            key = _at(cells, shape, "key") or ""
            draft = _draft(cells, shape, f"{name}: {key}" if key else f"{name}: line {number}")
            paper = draft.paper()
        except Unusable as fault:
            yield Entry(number, key, len(text), fault=fault)
        else:
            yield Entry(number, key, len(text), paper, remarks=tuple(draft.remarks))


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _rows(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str, bool]]:
    """(first line, text, whether its quotes are closed) of each row; an open quote costs its own line only."""
    waiting: deque[tuple[int, str]] = deque()
    while True:
        taken = waiting.popleft() if waiting else next(lines, None)
        if taken is None:
            return
        number, text = taken
        if not text.strip():
            continue
        behind: list[tuple[int, str]] = []
        size, quotes = len(text), text.count('"')
        while quotes % 2 and len(behind) < _AHEAD_LINES and size <= ENTRY_CHARACTERS:
            following = waiting.popleft() if waiting else next(lines, None)
            if following is None:
                break
            behind.append(following)
            size += len(following[1])
            quotes += following[1].count('"')
        if quotes % 2:
            waiting.extendleft(reversed(behind))
            yield number, text, False
        else:
            yield number, "".join([text, *(each for _, each in behind)]), True


def _row(text: str, shape: Layout) -> list[str]:
    # The reader wants lines and joins them again; a row is one string, so that it needs to see no line end in quotes.
    try:
        rows = list(csv.reader([text.rstrip("\r\n")], delimiter=shape.delimiter, strict=True))
    except csv.Error as error:
        raise Unusable("row", f"not a row of CSV: {error}", text) from None
    cells = [undefuse(cell) for cell in rows[0]] if rows else []
    if len(cells) > len(shape.columns) and any(cells[len(shape.columns) :]):
        raise Unusable("row", f"{len(cells)} cells under {len(shape.columns)} columns", text)
    return cells


def _at(cells: Sequence[str], shape: Layout, field: str) -> str | None:
    place = shape.places.get(field)
    return said(cells[place]) if place is not None and place < len(cells) else None


def _draft(cells: Sequence[str], shape: Layout, provenance: str) -> Draft:
    def at(field: str) -> str | None:
        return _at(cells, shape, field)

    draft = Draft("csv", provenance, title=at("title"), abstract=at("abstract"), venue=at("venue"))
    if shape.own:
        ids, names, date, stated = at("ids"), at("author_names"), at("published"), at("citations_stated")
        if ids is None:
            raise Unusable("ids", "no ids")
        draft.own_ids = ids
        draft.names = separated(names) if names else None
        draft.categories = separated(at("categories") or "")
        draft.citations_stated = int(stated) if stated and re.fullmatch(r"[0-9]{1,15}", stated) else None
        if date is not None:
            try:
                draft.published = PartialDate(date, at("date_source"))
            except ValueError as error:
                raise Unusable("published", str(error), date) from None
        return draft
    names = at("authors")
    if names is not None:
        draft.names = [turned(each) for each in _people(names)]
    draft.published = date_in(at("date"), "csv") or date_in(at("year"), "csv")
    draft.categories = [each.strip() for each in re.split(r"[;,|]", at("keywords") or "")]
    for field in _ID_FIELDS:
        text = at(field)
        if text is not None:
            prefixed = field in ("arxiv", "corpusid") and text[:1].isdigit()
            draft.exact.append((field, f"{field}:{text}" if prefixed else text))
    draft.loose = [text for field in ("note", "venue", "url") if (text := at(field))]
    return draft


def _people(cell: str) -> list[str]:
    """Names of a cell: separated by semicolons, line ends or "and"; by commas only where no name has one inside."""
    cell = re.sub(r"[ \t]+", " ", cell)
    for separator in (r"[;|\r\n]", r" and | & "):
        parts = [part for part in re.split(separator, cell) if part.strip(" ")]
        if len(parts) > 1:
            # "Ada Example, Bo Sample and Cy Third"
            return [name for part in parts for name in (_people(part) if _spoken_list(part) else [part])]
    return [part for part in cell.split(",") if part.strip()] if _spoken_list(cell) else [cell]


def _spoken_list(text: str) -> bool:
    """Whether commas separate whole names ("Ada Example, Bo Sample") and not parts of one ("Example, Ada")."""
    parts = [part.split() for part in text.split(",")]
    return len(parts) > 1 and all(len(part) > 1 for part in parts)
