"""What papers cite and what cites them, from Semantic Scholar: planned, read, compared with what is stated.

See `ingest.semantic_scholar` for the two ways in which links are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ingest import s2_client
from ingest.positions import Position, digest, packed, unpacked
from ingest.s2_records import LIGHT, LINK, OTHER_END, SOURCE, Kind, Linked, read_link, read_listed
from ingest.source import Page, Stated, Stream, Unusable
from ingest.transport import Transport
from kg.errors import RequestRefused
from kg.model import Citation, Fetch, FetchState, Paper

PAGE = 1000
"""Links on a page."""

REACH = 9999
"""Links that one list can give, and that one request for many papers can give in all (offset + limit < 10,000)."""

BATCH = 500
GUESS = 40
"""Links planned for where nobody states a number; what comes is compared with the count that comes with it."""

OPEN = 50
"""Requests that are filled at once when papers are put together."""

PAGED, LISTS, COUNTS = "paged", "lists", "counts"


class Links:
    """Lists of references and citers. `contexts`: with intents and sentences, a request or more per paper."""

    def __init__(self, transport: Transport, *, contexts: bool) -> None:
        self._transport = transport
        self._contexts = contexts
        self._seen: dict[str, set[str]] = {}
        self._last: dict[Kind, s2_client.LastPage] = {kind: s2_client.LastPage() for kind in OTHER_END}

    def plan(self, papers: Mapping[str, Stated], kind: Kind) -> list[Stream]:
        """The streams for these papers, in their order as far as requests allow."""
        said = {id: stated.references if kind == "references" else stated.citations for id, stated in papers.items()}
        if not self._contexts:
            return _together(said, kind)
        paged = [_paged(id, count, kind) for id, count in said.items() if count != 0]
        none = [id for id, count in said.items() if count == 0]
        return [*paged, *(_many(none[start : start + BATCH], kind, COUNTS) for start in range(0, len(none), BATCH))]

    def read(self, stream: Stream, position: str) -> Page:
        """One page, as `Source.read`."""
        kind = _kind(stream)
        if stream.query in (LISTS, COUNTS):
            return self._read_many(stream, kind, stream.query)
        return self._read_paged(stream, kind, unpacked(position))

    def _read_many(self, stream: Stream, kind: Kind, way: str) -> Page:
        fields = (*LIGHT, *(f"{kind}.{name}" for name in LIGHT)) if way == LISTS else LIGHT
        try:
            answers = s2_client.batch(self._transport, stream.ids, fields)
        except RequestRefused as refused:
            parts = s2_client.smaller(stream.ids, refused)
            if parts is None:
                raise
            return Page(instead=tuple(_many(part, kind, way) for part in parts))
        reading = _Many(kind, way)
        for each in answers:
            reading.add(each)
        return reading.page()

    def _read_paged(self, stream: Stream, kind: Kind, at: Position) -> Page:
        (id,) = stream.ids
        stated = _stated(stream)
        offset = at.count("offset")
        before = at.text("page")
        seen = self._seen.setdefault(stream.key, set())
        if not offset:
            seen.clear()

        last = self._last[kind]
        suspected = None if offset else last.other_than(stream.key)

        def doubt(answer: Any) -> str:
            nonlocal suspected
            listed = answer["data"]
            if listed == [] and ("next" in answer or offset < min(stated or 0, REACH)):
                return "an empty page before the end"
            if isinstance(answer.get("offset"), int) and answer["offset"] != offset:
                return "a page of another place"
            if not listed:
                return ""
            page = _print(listed, kind)
            last.see(stream.key, page)
            # Two papers may have the same list, so where it comes again it is believed, if it is as long as it should
            # be; the first page of a longer list is no other paper's too.
            other = suspected
            if stated is None or len(listed) == stated:
                suspected = None
            return "the same page twice" if page in (before, other) else ""

        page = s2_client.list_page(
            self._transport,
            id,
            kind,
            (*LINK, *LIGHT),
            lambda found: (read_link(found, kind), found),
            offset=offset,
            limit=min(PAGE, REACH - offset),
            doubt=doubt,
        )
        if page.missing:
            return Page(fetches=(Fetch(id, SOURCE, kind, "unknown", None, None, ""),))
        # A page that came before brings nothing, however often it comes.
        items = () if page.doubtful else page.items
        links = [link for link, _ in items]
        papers, citations, found = _named(id, links, kind)
        new = [name for name in found if name not in seen]
        seen.update(new)
        got = at.count("got") + len(new)
        withheld = at.count("withheld") + sum(link.state == "withheld" for link in links) + page.withheld
        read = offset + len(items)
        goes_on = bool(items) and page.next is not None and page.next > offset
        following = page.next if goes_on and page.next is not None and page.next < REACH else None
        if following is not None:
            print_of = _print([raw for _, raw in items], kind)
            return Page(
                papers=papers, citations=citations, found=tuple(new), unusable=_broken(links), total=stated,
                next=packed(offset=following, got=got, withheld=withheld, page=print_of),
            )  # fmt: skip
        self._seen.pop(stream.key, None)
        short = goes_on or bool(page.doubtful) or (stated is not None and read < stated)
        state: FetchState = "withheld" if withheld else "truncated" if short else "complete" if read else "empty"
        warnings = [f"{id}: Semantic Scholar sent {page.doubtful}"] if page.doubtful else []
        if state == "truncated":
            of = "" if stated is None else f" of {stated:,}"
            warnings.append(f"{id}: Semantic Scholar gave {read:,}{of} {kind}")
        return Page(
            papers=papers, citations=citations, found=tuple(new), unusable=_broken(links), total=stated,
            fetches=(Fetch(id, SOURCE, kind, state, got, stated if stated is None else max(stated, read), ""),),
            warnings=tuple(warnings),
        )  # fmt: skip


class _Many:
    """What the answer about many papers tells, paper by paper, and what has to be asked for again."""

    def __init__(self, kind: Kind, way: str) -> None:
        self._kind = kind
        self._way = way
        self._papers: list[Paper] = []
        self._citations: list[Citation] = []
        self._found: list[str] = []
        self._fetches: list[Fetch] = []
        self._unusable: list[Unusable] = []
        self._again: dict[str, int | None] = {}
        self._stated = 0

    def add(self, answer: s2_client.Answer) -> None:
        """What came for a paper."""
        told = answer.told
        self._unusable += told.unusable
        if told.paper is not None:
            self._papers.append(told.paper)
        if answer.state == "unknown":
            self._fetch(answer.id, "unknown", None, None)
        if answer.state != "complete" or told.paper is None:
            return
        stated = told.paper.references_stated if self._kind == "references" else told.paper.citations_stated
        self._stated += stated or 0
        if self._way == LISTS:
            self._add_list(answer.id, answer.found.get(self._kind), stated)
        elif stated == 0:
            self._fetch(answer.id, "empty", 0, 0)
        else:
            self._again[answer.id] = stated

    def _add_list(self, id: str, listed: object, stated: int | None) -> None:
        if listed is None:
            self._fetch(id, "empty" if stated == 0 else "withheld", 0, stated)
        elif not isinstance(listed, list):
            self._unusable.append(Unusable(id, self._kind, "wrong type: a list is expected"))
            self._again[id] = stated
        elif stated is not None and len(listed) < stated:
            self._again[id] = stated
        else:
            links = [read_listed(each) for each in listed]
            papers, citations, found = _named(id, links, self._kind)
            self._papers += papers
            self._citations += citations
            self._found += found
            self._unusable += _broken(links)
            withheld = any(link.state == "withheld" for link in links)
            state: FetchState = "withheld" if withheld else "complete" if listed else "empty"
            self._fetch(id, state, len(found), stated if stated is None else max(stated, len(listed)))

    def page(self) -> Page:
        """All of it. What was short is asked for again: together where too much was asked for at once, else alone."""
        together = self._way == LISTS and self._stated > REACH
        again = (
            _together(self._again, self._kind)
            if together
            else [_paged(id, stated, self._kind) for id, stated in self._again.items()]
        )
        return Page(
            papers=tuple(self._papers),
            citations=tuple(self._citations),
            fetches=tuple(self._fetches),
            found=tuple(dict.fromkeys(self._found)),
            unusable=tuple(self._unusable),
            instead=tuple(again),
        )

    def _fetch(self, id: str, state: FetchState, got: int | None, stated: int | None) -> None:
        self._fetches.append(Fetch(id, SOURCE, self._kind, state, got, stated, ""))


def requests(stream: Stream) -> int:
    """Requests that a stream of links needs when every number stated holds."""
    if stream.query in (LISTS, COUNTS):
        return 1
    return max(1, -(-min(_stated(stream) or 1, REACH) // PAGE))


def _together(said: Mapping[str, int | None], kind: Kind) -> list[Stream]:
    """Papers put together so that a request stays within what it can give; those that fill one are paged alone.

    First fit: a paper goes into the first request that has room for its links, so a large one does not close a request
    that small ones could fill.
    """
    filled: list[tuple[list[str], int]] = []
    first = 0
    alone: list[Stream] = []
    for id, stated in said.items():
        links = GUESS if stated is None else stated
        if links > REACH:
            alone.append(_paged(id, stated, kind))
            continue
        for place in range(first, len(filled)):
            ids, sum_of = filled[place]
            if len(ids) < BATCH and sum_of + links <= REACH:
                ids.append(id)
                filled[place] = ids, sum_of + links
                break
        else:
            filled.append(([id], links))
            first = max(first, len(filled) - OPEN)
    return [*(_many(ids, kind, LISTS) for ids, _ in filled), *alone]


def _many(ids: Iterable[str], kind: Kind, way: str) -> Stream:
    ids = tuple(ids)
    return Stream(SOURCE, kind, f"{kind}:{way}:{digest(ids)}", ids=ids, query=way)


def _paged(id: str, stated: int | None, kind: Kind) -> Stream:
    return Stream(SOURCE, kind, f"{kind}:{id}", ids=(id,), query=PAGED if stated is None else f"{PAGED} {stated}")


def _stated(stream: Stream) -> int | None:
    number = stream.query.removeprefix(PAGED).strip()
    return int(number) if number.isdecimal() else None


def _kind(stream: Stream) -> Kind:
    return "references" if stream.kind == "references" else "citations"


def _named(id: str, links: Sequence[Linked], kind: Kind) -> tuple[tuple[Paper, ...], tuple[Citation, ...], list[str]]:
    """Papers, citations and ids of the links that name somebody, each other end once."""
    once = {link.paper.ids[0]: link for link in reversed(links) if link.paper is not None}
    named = [(name, once[name]) for name in reversed(once)]
    citations = tuple(
        Citation(
            citing=id if kind == "references" else name,
            cited=name if kind == "references" else id,
            source=SOURCE,
            influential=link.influential,
            intents=link.intents,
            contexts=link.contexts,
        )
        for name, link in named
    )
    return tuple(link.paper for _, link in named if link.paper is not None), citations, [name for name, _ in named]


def _broken(links: Iterable[Linked]) -> tuple[Unusable, ...]:
    return tuple(fault for link in links for fault in link.unusable)


def _print(listed: Iterable[object], kind: Kind) -> str:
    """What tells one page from another: the ids on it, in order."""
    ends = (each.get(OTHER_END[kind]) if isinstance(each, dict) else None for each in listed)
    return digest(str(end.get("paperId")) if isinstance(end, dict) else "" for end in ends)
