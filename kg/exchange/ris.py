"""RIS as Zotero, EndNote, Mendeley and Web of Science write it: papers to records and back.

A record begins at `TY` and ends at `ER`, or where the next begins when `ER` is missing. Lines that carry no tag go on
with the one before. What a record means is read by rispy, record by record, so that a file of any size needs little
memory and a damaged record costs only itself.

Tags of our own, in the places RIS leaves to its users: `U1` (`tokenatlas-ids:` and all ids, best first) and `U2`
(`tokenatlas-date:` and who says the date). A value is one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TextIO

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
    pieces,
    said,
    turned,
)
from kg.model import Paper, PartialDate

_OWN_IDS, _OWN_DATE = "tokenatlas-ids:", "tokenatlas-date:"

# EndNote and hand-made files put one space, or a tab, where the format has two.
_TAG = re.compile(r"\s{0,3}([A-Z][A-Z0-9])(?: {1,3}|\t)-(?:[ \t]|$)(.*)", re.DOTALL)
_TITLES = ("TI", "T1", "CT", "BT")
_VENUES = ("T2", "JF", "JO", "C3", "BT", "J2", "JA", "T3")
_EXACT = (("doi", "DO"), ("url", "UR"), ("url", "L1"), ("url", "L2"), ("url", "LK"), ("url", "AN"), ("url", "M3"))
_LOOSE = ("UR", "M1", "M2", "N1", "C1", "C7", "PB", "T2", "JO", "JF", "SE", "RN")


def write_papers(target: TextIO, papers: Iterable[Paper]) -> int:
    """Write papers as RIS records in the order given; returns how many.

    Raises:
        InputError: a paper without id, or with one that is none.
    """
    keys = Keys()
    count = 0
    for paper in papers:
        target.writelines(f"{tag}  - {value}\r\n" for tag, value in _lines(paper, keys.key(paper)))
        target.write("ER  - \r\n\r\n")
        count += 1
    return count


def read_papers(source: TextIO, *, name: str) -> Iterator[Entry]:
    """Records of a RIS file, one at a time.

    Args:
        source: a text stream.
        name: what provenance says before the record's `ID`, usually the file name.
    """
    for line, size, lines in _records(source):
        if lines is None:
            reason = f"oversized: more than {ENTRY_CHARACTERS:,} characters"
            yield Entry(line, "", size, fault=Unusable("record", reason))
            continue
        tags = _parsed(lines)
        key = next(iter(tags.get("ID", ())), "")
        try:
            draft = _draft(tags, f"{name}: {key}" if key else f"{name}: line {line}")
            paper = draft.paper()
        except Unusable as fault:
            yield Entry(line, key, size, fault=fault)
        else:
            yield Entry(line, key, size, paper, remarks=tuple(draft.remarks))


def _lines(paper: Paper, key: str) -> Iterator[tuple[str, str]]:
    ids = own_ids(paper)
    venue = said(one_line(paper.venue))
    doi, arxiv = first_of(paper, "doi"), first_of(paper, "arxiv")
    best = ids.split()[0]
    values: list[tuple[str, str | None]] = [("ID", key), ("TI", paper.title)]
    values += [("AU", name) for name in names_of(paper)]
    if paper.published:
        year, _, rest = paper.published.value.partition("-")
        values.append(("PY", year))
        if rest:
            values.append(("DA", f"{year}/{rest[:2]}/{rest[3:]}/"))
    values += [("T2", venue), ("DO", doi)]
    if arxiv is not None:
        values.append(("M1", f"arXiv:{arxiv}"))
    values.append(("UR", paper_url(re.sub(r"v[0-9]+$", "", best) if best.startswith("arxiv:") else best)))
    values += [("KW", each) for each in paper.categories or ()]
    values.append(("AB", paper.abstract))
    values.append(("U1", f"{_OWN_IDS} {ids}"))
    who = dated(paper)
    values.append(("U2", None if who is None else f"{_OWN_DATE} {who}"))
    kind = "CPAPER" if venue and is_conference(venue) else "JOUR" if venue else "UNPB" if arxiv else "GEN"
    yield "TY", kind
    for tag, value in values:
        shown = said(one_line(value))
        if shown is not None:
            yield tag, shown


def _records(source: TextIO) -> Iterator[tuple[int, int, list[str] | None]]:
    """(first line, characters, lines with their continuations) of each record; `None` for one that is too long."""
    begun, size = 0, 0
    lines: list[list[str]] | None = []
    for number, line in pieces(source):
        found = _TAG.match(line)
        tag = found[1] if found else None
        if tag == "TY":
            if begun:
                yield begun, size, _whole(lines)
            begun, size, lines = number, 0, []
        elif not begun:
            continue
        size += len(line)
        if tag == "ER":
            yield begun, size, _whole(lines)
            begun = 0
        elif size > ENTRY_CHARACTERS:
            lines = None
        elif lines is not None:
            if found:
                lines.append([f"{tag}  -", *found[2].split()])
            elif lines:
                lines[-1] += line.split()
    if begun:
        yield begun, size, _whole(lines)


def _whole(lines: list[list[str]] | None) -> list[str] | None:
    return None if lines is None else [" ".join(words) for words in lines]


def _parsed(lines: list[str]) -> Mapping[str, list[str]]:
    """Values by tag, in order. Every tag may be repeated, whether or not the format says so."""
    from rispy import RisParser  # type: ignore[import-untyped]
    from rispy.config import TAG_KEY_MAPPING  # type: ignore[import-untyped]

    tags = {line[:2] for line in lines} | set(TAG_KEY_MAPPING)
    parser = RisParser(
        mapping={tag: tag for tag in tags}, list_tags=sorted(tags - {"TY", "ER"}), delimiter_tags_mapping={}
    )
    (record,) = parser.parse("\n".join([*lines, "ER  - "]))
    return {tag: [each for each in value if each] for tag, value in record.items() if isinstance(value, list)}


def _draft(tags: Mapping[str, list[str]], provenance: str) -> Draft:
    def first(*wanted: str) -> str | None:
        return next((tags[tag][0] for tag in wanted if tags.get(tag)), None)

    marked = next((each for each in tags.get("U1", ()) if each.startswith(_OWN_IDS)), None)
    who = next((each for each in tags.get("U2", ()) if each.startswith(_OWN_DATE)), None)
    own = None if marked is None else marked.removeprefix(_OWN_IDS).strip()
    if own == "":
        raise Unusable("U1", "no ids", marked)
    draft = Draft("ris", provenance, title=first(*_TITLES), abstract=first("AB", "N2"), own_ids=own)
    names = [*tags.get("AU", ()), *tags.get("A1", ())]
    if names:
        draft.names = names if own else [turned(each) for each in names]
    if own is not None:
        draft.venue = first("T2")
        draft.categories = tags.get("KW")
        source = None if who is None else said(who.removeprefix(_OWN_DATE).strip())
        draft.published = date_in(first("DA", "PY"), source)
        return draft
    draft.venue = first(*_VENUES)
    draft.published = _published(tags)
    draft.categories = tags.get("KW")
    draft.exact = [(name, each) for name, tag in _EXACT for each in tags.get(tag, ())]
    draft.loose = [each for tag in _LOOSE for each in tags.get(tag, ())]
    return draft


def _published(tags: Mapping[str, list[str]]) -> PartialDate | None:
    """The most precise date; `DA` alone is a month or day in some exports and needs the year of `PY` or `Y1`."""
    years = [*tags.get("PY", ()), *tags.get("Y1", ())]
    stated = [*tags.get("DA", ()), *years]
    together = [f"{date} {year[:4]}" for date in tags.get("DA", ()) for year in years if year[:4] not in date]
    found = [date for each in (*stated, *together) if (date := date_in(each, "ris")) is not None]
    return max(found, key=lambda date: len(date.value), default=None)
