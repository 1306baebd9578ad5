"""One line of a file to one record, or the reason why not. Knows the shapes of arXiv and OpenAlex records.

Titles and abstracts stay exactly as given (offsets of evidence count in them); what no text can hold, a NUL or half a
surrogate pair, is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kg.errors import InputError
from kg.identity import ParsedId, author_id, date_from_arxiv_id, normalise, ordered, parse
from kg.model import Author, Manifestation, PartialDate

_WRITTEN_BREAK = re.compile(r"\\n(?=\s)")
_ID_FIELDS = ("arxiv_id", "doi", "openalex_id", "s2_id", "corpus_id")
_SCHEME_OF = {"arxiv_id": "arxiv", "openalex_id": "openalex", "s2_id": "s2", "corpus_id": "corpusid"}


class Refused(Exception):
    """A line that is no record: which field, why, and what stood there. `record` is set when it had an id.

    `entry` is what a file of references calls it, `None` in files whose lines are the records.
    """

    def __init__(
        self,
        field: str,
        reason: str,
        value: object = None,
        record: Record | None = None,
        *,
        entry: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason
        self.value = value
        self.record = record
        self.entry = entry


@dataclass(frozen=True, slots=True)
class Record:
    """A work as one line tells of it. `ids` are exact; `proposed` is an arXiv id that only a title match suggests."""

    source: str
    ids: tuple[str, ...]
    proposed: str | None
    title: str | None
    abstract: str | None
    published: PartialDate | None
    venue: str | None
    categories: tuple[str, ...] | None
    authors: tuple[Author, ...] | None
    manifestations: tuple[Manifestation, ...]
    references: tuple[str, ...] | None
    citations_stated: int | None
    provenance: str | None


def parse_json(content: bytes) -> dict[str, Any]:
    """The object on a line. Raises Refused: not UTF-8, not JSON, not an object."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("line", f"not UTF-8 at byte {error.start + 1}", content[error.start : error.start + 8]) from None
    if "\0" in text:
        raise Refused("line", "holds a NUL byte", text)
    try:
        found = json.loads(text)
    except RecursionError:
        raise Refused("line", "JSON nested too deeply", text) from None
    except ValueError as error:
        raise Refused("line", f"not JSON: {error}", text) from None
    if not isinstance(found, dict):
        raise Refused("line", "a JSON object is expected", text)
    return found


def parse_record(content: bytes, provenance: str) -> Record:
    """The record on a line of JSON.

    Args:
        content: the line, without its end.
        provenance: where the file is from; a record's own `source` field is preferred.

    Raises:
        Refused: no record of a known shape; for a record without a title `record` holds what it does tell.
    """
    found = parse_json(content)
    ids, proposed, versions = _ids(found)
    source = "openalex" if found.get("openalex_id") else "arxiv" if found.get("arxiv_id") else "file"
    references = _ids_listed(found, "referenced_works")
    record = Record(
        source=source,
        ids=ids,
        proposed=proposed,
        title=clean_title(text_of(found, "title")),
        abstract=text_of(found, "abstract"),
        published=_date(found, ids, source),
        venue=text_of(found, "venue"),
        categories=texts_of(found, "categories"),
        authors=_authors(found),
        manifestations=tuple(_manifestation(id, versions, source) for id in ids),
        references=references,
        citations_stated=count_of(found, "cited_by_count"),
        provenance=text_of(found, "source") or provenance,
    )
    if record.title is None:
        raise Refused("title", "no title", found.get("title"), record)
    return record


def clean_title(title: str | None) -> str | None:
    """A title on one line. Some lists write a line break as a backslash and an n, which would show on every page."""
    if title is None:
        return None
    return " ".join(_WRITTEN_BREAK.sub(" ", title).split()) or None


def _ids(found: dict[str, Any]) -> tuple[tuple[str, ...], str | None, dict[str, int]]:
    parsed: list[ParsedId] = []
    proposed: str | None = None
    by_title = found.get("arxiv_id_via") == "title"
    for field in _ID_FIELDS:
        value = found.get(field)
        if value is None or value == "":
            continue
        if isinstance(value, int) and not isinstance(value, bool) and field == "corpus_id":
            value = f"corpusid:{value}"
        if not isinstance(value, str):
            raise Refused(field, "wrong type: text is expected", value)
        scheme = _SCHEME_OF.get(field)
        try:
            id = parse(value)
            if scheme not in (None, id.scheme):
                raise Refused(field, f"an id of another kind ({id.scheme})", value)
        except InputError as error:
            raise Refused(field, error.message, value) from None
        if field == "arxiv_id" and by_title:
            proposed = id.id
        else:
            parsed.append(id)
    if not parsed and isinstance(found.get("id"), str):
        # `id` is any source's own name for a record; it counts when it is an id that we know.
        try:
            parsed.append(parse(found["id"]))
        except InputError as error:
            raise Refused("id", error.message, error.value) from None
    if not parsed:
        if proposed is None:
            raise Refused("id", f"no id: none of {', '.join((*_ID_FIELDS, 'id'))}")
        raise Refused("arxiv_id", "no exact id: a title match alone names no work", proposed)
    versions = {id.id: id.version for id in parsed if id.version is not None}
    return ordered(id.id for id in parsed), proposed, versions


def _manifestation(id: str, versions: dict[str, int], source: str) -> Manifestation:
    scheme, _, value = id.partition(":")
    return Manifestation(scheme, value, versions.get(id), source)


def _date(found: dict[str, Any], ids: tuple[str, ...], source: str) -> PartialDate | None:
    for field in ("published", "publication_date"):
        value = text_of(found, field)
        if value is not None:
            try:
                date = PartialDate(value[:10] if value[10:11] in ("T", " ") else value, source)
            except ValueError:
                raise Refused(field, "not a date: YYYY, YYYY-MM or YYYY-MM-DD is expected", value) from None
            return as_stated(date) if source == "openalex" else date
    return next((month for id in ids if (month := date_from_arxiv_id(id)) is not None), None)


def as_stated(date: PartialDate) -> PartialDate:
    """A date of OpenAlex or Semantic Scholar without the day it was filled up with.

    Both write 1 January where a publisher states a year, the first where it states a month. In our corpus 17 % of
    OpenAlex's dates are a 1 January and of the others 15 % a first of the month, where chance gives 0.3 and 3 %. Of a
    thousand dates of Semantic Scholar's 1.5 % are a 1 January and 22 % a first of another month.
    """
    if date.value.endswith("-01-01"):
        return PartialDate(date.value[:4], date.source)
    return PartialDate(date.value[:7], date.source) if date.value[7:] == "-01" else date


def _authors(found: dict[str, Any]) -> tuple[Author, ...] | None:
    names = texts_of(found, "authors")
    if names is None:
        return None
    authors: dict[str, Author] = {}
    for name in names:
        try:
            id = author_id(name)
        except InputError:
            continue
        authors.setdefault(id, Author(id, name.strip(), name_only=True))
    return tuple(authors.values())


def _ids_listed(found: dict[str, Any], field: str) -> tuple[str, ...] | None:
    listed = texts_of(found, field)
    # An empty list of references means that the source knows none, which is not the same as a paper without any.
    if not listed:
        return None
    try:
        return tuple(dict.fromkeys(normalise(id) for id in listed))
    except InputError as error:
        raise Refused(field, error.message, error.value) from None


def text_of(found: Mapping[str, Any], field: str) -> str | None:
    """Text as given; `None` when absent, null or blank. Raises Refused: another type, or nothing a store can hold."""
    value = found.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Refused(field, "wrong type: text is expected", value)
    check_storable(field, value)
    return value if value.strip() else None


def texts_of(found: Mapping[str, Any], field: str) -> tuple[str, ...] | None:
    """A list of text without its blank entries; `None` when absent or null. Raises Refused as `text_of`."""
    value = found.get(field)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Refused(field, "wrong type: a list of text is expected", value)
    check_storable(field, " ".join(value))
    return tuple(each for each in value if each.strip())


def count_of(found: Mapping[str, Any], field: str) -> int | None:
    """A whole number from 0; `None` when absent or null. Raises Refused for anything else."""
    value = found.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise Refused(field, "wrong type: a whole number from 0 is expected", value)
    return value


def check_storable(field: str, value: str) -> None:
    """Raises Refused for what no store can hold: a NUL, half a surrogate pair."""
    if "\0" in value:
        raise Refused(field, "holds a NUL character", value)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise Refused(field, "holds half a surrogate pair, which is no character", value) from None
