"""JSON Lines of our own: what a list shows of a paper, and beside it the whole record, one object a line.

A file of ours is known by the fields `ids` and `author_names` of its lines. The other fields that `export` writes are
conclusions of a store (verdict, topics, counts) and are not read back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO

from kg.exchange.entries import ENTRY_CHARACTERS, Draft, Entry, Unusable, names_of, own_ids, pieces, said
from kg.model import Paper, PartialDate


def paper_document(paper: Paper) -> dict[str, Any]:
    """The record of one paper as plain values. Raises InputError: no id, or one that is none."""
    date = paper.published
    return {
        "ids": own_ids(paper).split(),
        "title": said(paper.title),
        "author_names": None if paper.authors is None else names_of(paper),
        "date": None if date is None else {"value": date.value, "source": date.source},
        "venue": said(paper.venue),
        "categories": list(paper.categories) if paper.categories else None,
        "citations_stated": paper.citations_stated,
        "abstract": said(paper.abstract),
    }


def write_papers(target: TextIO, papers: Iterable[Paper]) -> int:
    """Write papers as one object a line; returns how many.

    Raises:
        InputError: a paper without id, or with one that is none.
    """
    count = 0
    for paper in papers:
        target.write(json.dumps(paper_document(paper), ensure_ascii=False) + "\n")
        count += 1
    return count


def is_own(line: str) -> bool:
    """Whether a line is one of ours."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {"ids", "author_names"} <= found.keys()


def read_papers(source: TextIO, *, name: str) -> Iterator[Entry]:
    """Lines of a file of ours.

    Args:
        source: a text stream.
        name: what provenance says before the first id, usually the file name.
    """
    for number, line in _lines(source):
        if len(line) > ENTRY_CHARACTERS:
            reason = f"oversized: more than {ENTRY_CHARACTERS:,} characters"
            yield Entry(number, "", len(line), fault=Unusable("line", reason))
            continue
        try:
            found = _object(line)
            draft = _draft(found, name)
            paper = draft.paper()
        except Unusable as fault:
            yield Entry(number, "", len(line), fault=fault)
        else:
            yield Entry(number, paper.ids[0], len(line), paper)


def _lines(source: TextIO) -> Iterator[tuple[int, str]]:
    parts: list[str] = []
    size = begun = 0
    for number, piece in pieces(source):
        if number != begun and parts:
            yield begun, "".join(parts)
            parts, size = [], 0
        begun = number
        if size <= ENTRY_CHARACTERS and (piece.strip() or parts):
            parts.append(piece)
            size += len(piece)
    if parts:
        yield begun, "".join(parts)


def _object(line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except RecursionError:
        raise Unusable("line", "JSON nested too deeply", line) from None
    except ValueError as error:
        raise Unusable("line", f"not JSON: {error}", line) from None
    if not isinstance(found, dict):
        raise Unusable("line", "a JSON object is expected", line)
    return found


def _draft(found: Mapping[str, Any], name: str) -> Draft:
    ids = _texts(found, "ids")
    if not ids:
        raise Unusable("ids", "no ids", found.get("ids"))
    date, stated = found.get("date"), found.get("citations_stated")
    published = None
    if isinstance(date, dict) and isinstance(date.get("value"), str):
        source = date.get("source")
        try:
            published = PartialDate(date["value"], source if isinstance(source, str) else None)
        except ValueError as error:
            raise Unusable("date", str(error), date["value"]) from None
    return Draft(
        "jsonl",
        f"{name}: {ids[0]}",
        title=_text(found, "title"),
        abstract=_text(found, "abstract"),
        names=_texts(found, "author_names"),
        published=published,
        venue=_text(found, "venue"),
        categories=_texts(found, "categories"),
        citations_stated=stated if type(stated) is int and 0 <= stated < 2**53 else None,
        own_ids=" ".join(ids),
    )


def _text(found: Mapping[str, Any], field: str) -> str | None:
    value = found.get(field)
    if value is not None and not isinstance(value, str):
        raise Unusable(field, "wrong type: text is expected", value)
    return value


def _texts(found: Mapping[str, Any], field: str) -> list[str] | None:
    value = found.get(field)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Unusable(field, "wrong type: a list of text is expected", value)
    return value
