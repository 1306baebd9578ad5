"""CSL-JSON as Zotero, Better BibTeX and Crossref write it: papers to items and back.

The file is one JSON array. Items are cut out one by one at their brackets, so a file of any size needs little memory
and an item that is no JSON costs only itself; unknown fields are passed over.

`custom.tokenatlas` is our own: `ids` (best first), `dated` (who says the date), `categories`.

Source: CSL-JSON schema 1.0.2 (docs.citationstyles.org).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO

from kg.errors import InputError
from kg.exchange.documents import paper_url
from kg.exchange.entries import (
    ENTRY_CHARACTERS,
    Draft,
    Entry,
    Keys,
    Unusable,
    date_in,
    dated,
    first_of,
    is_conference,
    names_of,
    one_line,
    own_ids,
    said,
    turned,
)
from kg.model import Paper, PartialDate

_READ = 1 << 16
_IN_TEXT = re.compile(r'\\.|"', re.DOTALL)
_INSIDE = re.compile(r'["{}\[\]]')
_BETWEEN = re.compile(r'["{}\[\],]')
_INLINE = re.compile(r"</?(?:i|b|sub|sup|sc|span)(?:\s[^<>]*)?>", re.IGNORECASE)
_PARTICLE = re.compile(r"[a-zà-ÿ][\w'’-]*", re.UNICODE)
_EXACT = (("doi", "DOI"), ("url", "URL"), ("url", "archive_location"), ("url", "archiveID"), ("url", "number"))
_LOOSE = ("note", "number", "archive_location", "archive", "URL", "publisher", "container-title", "genre")


def write_papers(target: TextIO, papers: Iterable[Paper]) -> int:
    """Write papers as one CSL-JSON array in the order given, an item a line; returns how many.

    Raises:
        InputError: a paper without id, or with one that is none.
    """
    keys = Keys()
    count = 0
    target.write("[")
    for paper in papers:
        item = json.dumps(_item(paper, keys.key(paper)), ensure_ascii=False)
        target.write(("," if count else "") + "\n" + item)
        count += 1
    target.write("\n]\n")
    return count


def read_papers(source: TextIO, *, name: str) -> Iterator[Entry]:
    """Items of a CSL-JSON file, one at a time.

    Args:
        source: a text stream.
        name: what provenance says before the item's `id`, usually the file name.

    Raises:
        InputError: the file is no array, or ends before the array does (items up to there have been given).
    """
    for line, text in _elements(source, name):
        if len(text) > ENTRY_CHARACTERS:
            reason = f"oversized: more than {ENTRY_CHARACTERS:,} characters"
            yield Entry(line, "", len(text), fault=Unusable("item", reason))
            continue
        key = ""
        try:
            item = _object(text)
            key = str(item.get("id") or item.get("citation-key") or "")[:200]
            draft = _draft(item, f"{name}: {key}" if key else f"{name}: line {line}")
            paper = draft.paper()
        except Unusable as fault:
            yield Entry(line, key, len(text), fault=fault)
        else:
            yield Entry(line, key, len(text), paper, remarks=tuple(draft.remarks))


def _item(paper: Paper, key: str) -> dict[str, Any]:
    ids = own_ids(paper)
    venue = said(paper.venue)
    doi, arxiv = first_of(paper, "doi"), first_of(paper, "arxiv")
    best = ids.split()[0]
    kind = "article" if venue is None else "paper-conference" if is_conference(venue) else "article-journal"
    names = [_name(name) for name in names_of(paper)]
    date = paper.published
    own = {"ids": ids.split(), "dated": dated(paper), "categories": list(paper.categories or ()) or None}
    item = {
        "id": key,
        "type": kind,
        "title": said(paper.title),
        "author": names or None,
        "issued": None if date is None else {"date-parts": [[int(part) for part in date.value.split("-")]]},
        "container-title": venue,
        "publisher": "arXiv" if venue is None and arxiv is not None else None,
        "number": f"arXiv:{arxiv}" if venue is None and arxiv is not None else None,
        "DOI": doi,
        "URL": paper_url(re.sub(r"v[0-9]+$", "", best) if best.startswith("arxiv:") else best),
        "keyword": ", ".join(paper.categories) if paper.categories else None,
        "abstract": said(paper.abstract),
        "custom": {"tokenatlas": {name: value for name, value in own.items() if value is not None}},
    }
    return {field: value for field, value in item.items() if value is not None}


def _name(name: str) -> dict[str, str]:
    """A name in parts where they put together give the name again, else as it is."""
    words = name.split(" ")
    if len(words) > 1 and all(words) and "," not in name:
        start = next((place for place in range(1, len(words) - 1) if _PARTICLE.fullmatch(words[place])), None)
        end = start if start is not None else len(words) - 1
        family = end
        while family < len(words) - 1 and _PARTICLE.fullmatch(words[family]):
            family += 1
        parts = {
            "family": " ".join(words[family:]),
            "given": " ".join(words[:end]),
            "non-dropping-particle": " ".join(words[end:family]),
        }
        parts = {part: text for part, text in parts.items() if text}
        if _spoken(parts) == name:
            return parts
    return {"literal": name}


def _spoken(parts: Mapping[str, str]) -> str:
    order = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix")
    return " ".join(parts[each] for each in order if parts.get(each))


def _object(text: str) -> dict[str, Any]:
    try:
        item = json.loads(text)
    except RecursionError:
        raise Unusable("item", "JSON nested too deeply", text) from None
    except ValueError as error:
        raise Unusable("item", f"not JSON: {error}", text) from None
    if not isinstance(item, dict):
        raise Unusable("item", "a JSON object is expected", text)
    return item


def _draft(item: Mapping[str, Any], provenance: str) -> Draft:
    custom = item.get("custom")
    own = custom.get("tokenatlas") if isinstance(custom, dict) else None
    if isinstance(own, dict):
        return _own(item, own, provenance)
    draft = Draft("csl", provenance, title=_plain(_text(item, "title")), abstract=_plain(_text(item, "abstract")))
    people = item.get("author")
    if people is not None:
        if not isinstance(people, list):
            raise Unusable("author", "wrong type: a list of names is expected", people)
        draft.names = [name for each in people if (name := _spelt(each))]
    draft.published = _issued(item.get("issued"), "csl")
    draft.venue = _plain(_text(item, "container-title") or _text(item, "event-title") or _text(item, "event"))
    keywords = item.get("keyword")
    if isinstance(keywords, list):
        draft.categories = [str(each) for each in keywords]
    else:
        draft.categories = re.split(r"\s*[,;]\s*", str(keywords)) if keywords else None
    draft.exact = [(name, text) for name, each in _EXACT if (text := _text(item, each))]
    draft.loose = [text for each in _LOOSE if (text := _text(item, each))]
    return draft


def _own(item: Mapping[str, Any], own: Mapping[str, Any], provenance: str) -> Draft:
    ids, categories = own.get("ids"), own.get("categories")
    if not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
        raise Unusable("custom", "our own ids are not a list of text", ids)
    draft = Draft(
        "csl",
        provenance,
        title=_text(item, "title"),
        abstract=_text(item, "abstract"),
        venue=_text(item, "container-title"),
        own_ids=" ".join(ids),
    )
    people = item.get("author")
    if isinstance(people, list) and all(isinstance(each, dict) for each in people):
        draft.names = [
            str(each["literal"]) if each.get("literal") else _spoken({k: str(v) for k, v in each.items()})
            for each in people
        ]
    source = own.get("dated")
    draft.published = _issued(item.get("issued"), source if isinstance(source, str) else None)
    if isinstance(categories, list):
        draft.categories = [str(each) for each in categories]
    return draft


def _spelt(person: object) -> str:
    if isinstance(person, str):
        return turned(person)
    if not isinstance(person, dict):
        return ""
    parts = {part: text for part, value in person.items() if isinstance(value, str) and (text := one_line(value))}
    if parts.get("literal"):
        return parts["literal"]
    # Zotero writes a Chinese name in parts; it is spoken family first.
    if turned(f"{parts.get('family', '')}, {parts.get('given', '')}") == f"{parts.get('family')}{parts.get('given')}":
        return f"{parts.get('family')}{parts.get('given')}"
    return _spoken(parts)


def _issued(issued: object, source: str | None) -> PartialDate | None:
    if isinstance(issued, str):
        return date_in(issued, source)
    if not isinstance(issued, dict):
        return None
    parts = issued.get("date-parts")
    if isinstance(parts, list) and parts and isinstance(parts[0], list) and parts[0]:
        numbers = [str(each).strip() for each in parts[0][:3]]
        if all(re.fullmatch(r"[0-9]{1,4}", each) for each in numbers):
            return date_in("-".join([numbers[0].zfill(4), *(each.zfill(2) for each in numbers[1:])]), source)
    for name in ("raw", "literal", "edtf"):
        if isinstance(issued.get(name), str):
            return date_in(issued[name], source)
    return None


def _text(item: Mapping[str, Any], field: str) -> str | None:
    value = item.get(field)
    if isinstance(value, list):  # Crossref lists titles, the first is the one
        value = value[0] if value else None
    if value is None or (isinstance(value, int | float) and field not in ("title", "abstract")):
        return None if value is None else str(value)
    if not isinstance(value, str):
        raise Unusable(field, "wrong type: text is expected", value)
    return value


def _plain(text: str | None) -> str | None:
    """Without the few tags that CSL allows in a title."""
    return html.unescape(_INLINE.sub("", text)) if text and ("<" in text or "&" in text) else text


def _elements(source: TextIO, name: str) -> Iterator[tuple[int, str]]:
    """(first line, text) of the elements of an array; of one that is too long no more than shows it is.

    Raises:
        InputError: no array begins here.
        EOFError: the array is not closed; what stood before has been given.
    """
    begun = _opened(source, name)
    parts: list[str] = []
    size = lines = depth = 0
    quoted, held = False, ""
    while text := source.read(_READ):
        text = held + text
        # A backslash and what it escapes are looked at together.
        odd = (len(text) - len(text.rstrip("\\"))) % 2
        text, held = (text[:-1], "\\") if odd else (text, "")
        start = place = 0
        while found := (_IN_TEXT if quoted else _INSIDE if depth else _BETWEEN).search(text, place):
            mark, place = found[0], found.end()
            if mark == '"':
                quoted = not quoted
            elif quoted:
                continue
            elif mark in "{[":
                depth += 1
            elif depth:
                depth -= 1
            elif mark in ",]":
                element = "".join([*parts, text[start : found.start()]])
                yield from _element(element, begun)
                begun += lines + text.count("\n", start, found.start())
                parts, size, lines, start = [], 0, 0, place
                if mark == "]":
                    return
        lines += text.count("\n", start)
        if size <= ENTRY_CHARACTERS:
            parts.append(text[start:])
            size += len(text) - start
    yield from _element("".join(parts), begun)
    raise EOFError("the array of items is not closed")


def _opened(source: TextIO, name: str) -> int:
    """The line on which the array begins, behind which reading goes on."""
    line = 1
    while character := source.read(1):
        if character == "[":
            return line
        if not character.isspace() and character != "\ufeff":
            break
        line += character == "\n"
    raise InputError(
        "The file is no CSL-JSON: it does not begin with an array",
        where=name,
        at=f"line {line}",
        expected="[ and a list of items",
        hint="Export it as CSL JSON from Zotero or Better BibTeX.",
        code="input.csl",
    )


def _element(element: str, begun: int) -> Iterator[tuple[int, str]]:
    text = element.lstrip()
    if text:
        yield begun + element.count("\n", 0, len(element) - len(text)), text.rstrip()
