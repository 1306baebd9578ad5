"""arXiv as a source: searches in windows of days, papers by id in hundreds, and no answer believed unchecked.

arXiv gives empty pages under totals that are not, other pages than were asked for, lists that move while they are
read, and fewer papers than it counts. So every page is held against the count, the place and the ids that were asked
for; what does not fit is asked again, and what still does not fit is said.

A search is read by day of submission, oldest first; papers that arrive or are revised meanwhile then move to the end,
where they are read again. With a limit it is read newest first. Pages overlap by one paper: when that paper is not
where it was, the list has moved, and the page is read again from further back.

Sources: info.arxiv.org/help/api/user-manual.html (3.1.1, 5.1); what the service does beside it is described in the
issues 43, 82, 129, 175 and 203 of github.com/lukasschwab/arxiv.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

from ingest import arxiv_query
from ingest.arxiv_checks import EmptyPage, Place, Rest, check_list, check_search, place, rest, unfit
from ingest.arxiv_records import paper
from ingest.source import Page, Stated, Stream, Unusable
from kg.errors import InputError, RequestRefused, SourceUnavailable
from kg.identity import parse
from kg.model import Fetch, FetchState, Paper

if TYPE_CHECKING:
    from ingest.arxiv_feed import Asked, Feed
    from ingest.transport import Transport

PAGE = 2000
"""Papers a request of a search: the most that arXiv gives. A page that fails at this size is asked for in smaller ones,
which fail less, so that the rule costs the fewest requests that the service allows."""

SMALL_PAGE = 500
LIST = 100
"""Ids a request. Longer lists make longer addresses; this is also what the `arxiv` package asks for."""

WINDOW = 9_000
"""A search with more papers is read in windows of days."""

DEEPEST = 10_000
"""No page reaches further. arXiv documents 30,000, but deep pages come late, empty or as an error. What a search grows
by while it is read fits between the two."""

TRIES = 3
"""How often a list is asked for papers that arXiv counts and does not give."""

BACK = 100
"""Papers that are read again when a list moved: more than arXiv revises of one subject between two pages."""


@dataclass(slots=True)
class _Walk:
    """The search being read: stream and position, the ids and pages that it gave. Forgotten when the process ends."""

    key: str = ""
    position: str = ""
    seen: set[str] = field(default_factory=set)
    pages: set[tuple[str, ...]] = field(default_factory=set)


class ArxivSource:
    """arXiv behind `Source`. It has papers and searches, and knows nothing of citations.

    Args:
        transport: through which everything is asked.
        today: the day, UTC, by which open windows are divided.
    """

    def __init__(self, transport: Transport, *, today: Callable[[], date] = lambda: datetime.now(UTC).date()) -> None:
        self._transport = transport
        self._today = today
        self._walk = _Walk()
        self._totals: dict[str, int] = {}

    @property
    def name(self) -> Literal["arxiv"]:
        """As in `Paper.source`."""
        return "arxiv"

    def search(self, query: str, *, since: str | None = None, limit: int | None = None) -> list[Stream]:
        """The stream that answers a query; `ingest.arxiv_query` says which queries there are.

        Args:
            since: a day, month or year; papers submitted from its first day on.
            limit: so many of the newest papers.

        Raises:
            InputError: a query, date or limit that cannot be used.
        """
        if limit is not None and limit < 1:
            raise InputError(
                "A limit is at least 1", field="limit", value=limit, expected="a whole number from 1",
                hint="Leave the limit out to read everything.",
            )  # fmt: skip
        day = arxiv_query.first_day(since) if since is not None else None
        return [_search(arxiv_query.built(query), day, None, limit)]

    def papers(self, ids: Sequence[str]) -> list[Stream]:
        """Streams of up to `LIST` papers; ids that are not arXiv's are in none, a version in an id is left away."""
        values = dict.fromkeys(id for each in ids if (id := self.askable([each])) is not None)
        return [_papers(chunk) for chunk in _chunks(list(values), LIST)]

    def links(self, papers: Mapping[str, Stated], kind: Literal["references", "citations"]) -> list[Stream]:
        """None: arXiv has no lists of references or citations."""
        return []

    def askable(self, ids: Sequence[str]) -> str | None:
        """The arXiv id among the ids of a work, the first by spelling when a merge gave it several."""
        found = []
        for each in ids:
            try:
                parsed = parse(each)
            except InputError:
                continue
            if parsed.scheme == "arxiv":
                found.append(parsed.id)
        return min(found, default=None)

    def requests(self, stream: Stream, total: int | None = None) -> int | None:
        """Requests that a stream needs when all goes well.

        Args:
            total: what `count` said of a search; what this source counted itself when left out.
        """
        if stream.kind != "search":
            return 1
        if total is None:
            total = self._totals.get(stream.key)
        if total is None:
            return 1 if stream.limit is not None and stream.limit <= PAGE else None
        if not total and not (stream.since or stream.until):
            return 2  # that there is nothing is asked twice
        needed = min(total, stream.limit or total)
        pages = max(1, -(-(needed - 1) // (PAGE - 1)))
        # Every window but the last was cut off a larger one, which took a request to find out.
        return pages if needed <= WINDOW else pages + 2 * -(-needed // WINDOW)

    def count(self, stream: Stream) -> int | None:
        """Ask how many papers answer a search, whatever its limit; None for a list of ids.

        Raises:
            SourceError: as `read`.
        """
        if stream.kind != "search":
            return None
        feed = self._ask(self._asked(stream, 0, 1), lambda feed: check_search(feed, 0))
        return self._counted(stream, feed)

    def read(self, stream: Stream, position: str) -> Page:
        """One page of a search or list.

        Raises:
            SourceError: arXiv refused, could not be had within the transport's patience, or its answer contradicts
                itself however often it is asked.
            InputError: a position that is none.
        """
        return self._list(stream, position) if stream.kind == "papers" else self._search(stream, position)

    # Searches

    def _search(self, stream: Stream, position: str) -> Page:
        at = place(position) if position else Place()
        if not position or (self._walk.key, self._walk.position) != (stream.key, position):
            self._walk = _Walk(stream.key, position)
        feed = self._search_page(stream, at)
        total = self._counted(stream, feed)
        if not position and (windows := self._windows(stream, total)):
            return Page(instead=windows, total=total)
        self._walk.pages.add(feed.ids)
        warnings: list[str] = []
        begin = at.start
        if at.last and at.last not in feed.ids:
            begin, feed, warnings = self._further_back(stream, at, feed)
        begin, feed = _from(at.last, begin, feed)
        seen = self._walk.seen
        papers, notes = _read(feed, lambda id: id not in seen and id != at.last)
        if stream.limit is not None:
            papers = dict(list(papers.items())[: stream.limit - at.got])
        seen.update(papers)
        end = begin + feed.given
        got, bad = at.got + len(papers), at.bad + len(feed.unusable)
        enough = stream.limit is not None and got >= stream.limit
        done = enough or end >= min(total, DEEPEST)
        if done and not enough and got + bad != min(total, stream.limit or total):
            notes.append(f"arXiv counts {total:,} papers for {stream.query} and gave {got + bad:,}.")
        # The next page begins with the last paper of this one, unless what stands there cannot be recognised.
        known = bool(papers) and feed.given == len(feed.ids) and feed.ids[-1] in papers
        behind = Place(end - 1, feed.ids[-1], got, bad) if known else Place(end, "", got, bad)
        self._walk.position = behind.position()
        return Page(
            papers=tuple(papers.values()),
            fetches=tuple(_fetch(id, "complete") for id in papers),
            found=tuple(papers),
            unusable=feed.unusable,
            next=None if done else behind.position(),
            total=total,
            warnings=(*warnings, *notes),
        )

    def _search_page(self, stream: Stream, at: Place) -> Feed:
        """The entries from a place on, checked."""
        size = min(PAGE, DEEPEST - at.start)
        if stream.limit is not None:
            size = min(size, stream.limit - at.got + bool(at.last))
        feed = self._page(stream, at.start, size, at.last)
        if not (feed.given or at.start or stream.since or stream.until):
            # arXiv now and then says that nothing at all was ever written about something.
            feed = self._page(stream, 0, size, "")
        return feed

    def _page(self, stream: Stream, start: int, size: int, last: str) -> Feed:
        before = self._walk.pages

        def ask(size: int, *, patient: bool) -> Feed:
            def check(feed: Feed) -> None:
                check_search(feed, start, overlap=bool(last), patient=patient)
                if len(feed.ids) > 1 and feed.ids in before:
                    raise unfit("arXiv sent a page that it had sent before", "the next page", "one of those before")

            return self._ask(self._asked(stream, start, size), check)

        if size > SMALL_PAGE:
            try:
                return ask(size, patient=False)
            except EmptyPage:
                pass
            except SourceUnavailable as error:
                if error.status not in (500, 502, 504):
                    raise
        return ask(min(size, SMALL_PAGE), patient=True)

    def _further_back(self, stream: Stream, at: Place, feed: Feed) -> tuple[int, Feed, list[str]]:
        """The page from further back on, since the paper that it should begin with was not there."""
        begin = max(0, at.start - BACK)
        asked = self._asked(stream, begin, min(PAGE, DEEPEST - begin))
        earlier = self._ask(asked, lambda feed: check_search(feed, begin))
        if at.last not in earlier.ids:
            lost = f"The list for {stream.query} changed while it was read; papers may be missing. Read it again."
            return at.start, feed, [lost]
        return begin, earlier, []

    def _asked(self, stream: Stream, start: int, size: int) -> Asked:
        from ingest.arxiv_feed import Asked

        query = arxiv_query.with_window(stream.query, stream.since, stream.until, self._today())
        return Asked(query=query, start=start, size=size, newest=stream.limit is not None)

    def _windows(self, stream: Stream, total: int) -> tuple[Stream, ...]:
        """The streams to read instead of one that is longer than `WINDOW`, in their order; none when it is not."""
        if min(total, stream.limit or total) <= WINDOW:
            return ()
        halves = arxiv_query.halves(stream.since, stream.until, self._today())
        if halves is None:
            return ()
        streams = [_search(stream.query, since, until, stream.limit) for since, until in halves]
        if stream.limit is None:
            return tuple(streams)
        older, newer = streams
        left = stream.limit - min(stream.limit, self.count(newer) or 0)
        return (newer, replace(older, limit=left, key=_key(older.query, older.since, older.until, left)))[
            : 1 + (left > 0)
        ]

    def _counted(self, stream: Stream, feed: Feed) -> int:
        assert feed.total is not None, "a feed without a total is no answer"
        self._totals[stream.key] = feed.total
        return feed.total

    # Lists of ids

    def _list(self, stream: Stream, position: str) -> Page:
        at = rest(position) if position else Rest(stream.ids)
        try:
            feed = self._ask(_asked_ids(at.ids), lambda feed: check_list(feed, at.ids, first=not position))
        except RequestRefused as error:
            return _without_refused(at.ids, error)
        wanted = frozenset(at.ids)
        papers, notes = _read(feed, wanted.__contains__)
        if foreign := [id for id in feed.ids if id not in wanted]:
            notes.append(f"arXiv gave {len(foreign)} papers that were not asked for ({foreign[0]} is one).")
        broken = {each.id for each in feed.unusable}
        missing = tuple(id for id in at.ids if id not in papers and id not in broken)
        # A count above what came says that some are to come; that there is nothing at all is only believed twice.
        short = (feed.total or 0) > feed.given
        doubtful = short or (not feed.given and len(at.ids) > 1 and not position)
        tries = 0 if papers else at.tries + 1
        again = bool(missing) and doubtful and tries < TRIES
        if missing and short and not again:
            notes.append(f"arXiv counts {feed.total} papers in a list of {len(at.ids)} and gives {feed.given}.")
        unknown = () if again else missing
        return Page(
            papers=tuple(papers.values()),
            fetches=(*(_fetch(id, "complete") for id in papers), *(_fetch(id, "unknown") for id in unknown)),
            found=tuple(papers),
            unusable=feed.unusable,
            next=Rest(missing, tries).position() if again else None,
            total=len(stream.ids),
            warnings=tuple(notes),
        )

    def _ask(self, asked: Asked, check: Callable[[Feed], None]) -> Feed:
        from ingest.arxiv_feed import ask

        return ask(self._transport, asked, check)


def _search(query: str, since: str | None, until: str | None, limit: int | None) -> Stream:
    return Stream(
        "arxiv", "search", _key(query, since, until, limit), query=query, since=since, until=until, limit=limit
    )


def _key(query: str, since: str | None, until: str | None, limit: int | None) -> str:
    return f"search {since or ''}..{until or ''} {'all' if limit is None else limit} {query}"


def _papers(ids: Sequence[str]) -> Stream:
    digest = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:24]
    return Stream("arxiv", "papers", f"papers {len(ids)} {digest}", ids=tuple(ids))


def _without_refused(asked: Sequence[str], error: RequestRefused) -> Page:
    """One id that arXiv takes for malformed fails a whole list: the others are asked for without it.

    Raises:
        RequestRefused: the refusal names none of the ids.
    """
    named = [id for id in asked if re.search(rf"(?<![\w./]){re.escape(_value(id))}(?![\w/])", error.said)]
    if not named:
        raise error
    if len(asked) == 1:
        refused = Unusable(asked[0], "id", f"arXiv says: {error.said}")
        return Page(fetches=(_fetch(asked[0], "unknown"),), unusable=(refused,), total=1)
    others = [id for id in asked if id not in named]
    return Page(instead=(*(_papers([id]) for id in named), *([_papers(others)] if others else [])))


def _asked_ids(ids: Sequence[str]) -> Asked:
    from ingest.arxiv_feed import Asked

    return Asked(ids=tuple(map(_value, ids)), size=LIST)


def _from(last: str, begin: int, feed: Feed) -> tuple[int, Feed]:
    """A page without the entries before a paper, which were read; as it is where entries cannot be counted by ids."""
    at = feed.ids.index(last) if last in feed.ids and not feed.unusable else 0
    return begin + at, replace(feed, given=feed.given - at, ids=feed.ids[at:], results=feed.results[at:])


def _read(feed: Feed, wanted: Callable[[str], bool]) -> tuple[dict[str, Paper], list[str]]:
    """The papers of a page by id, each once, and sentences about what was left out of them."""
    papers: dict[str, Paper] = {}
    notes: list[str] = []
    for id, result in zip(feed.ids, feed.results, strict=True):
        if not wanted(id) or id in papers:
            continue
        papers[id], said = paper(id, result, undated=id in feed.undated)
        notes += said
        if id in feed.undated:
            notes.append(f"{id}: its date cannot be read ({feed.undated[id]!r}); the month in its id stands in.")
    return papers, notes


def _fetch(id: str, state: FetchState) -> Fetch:
    return Fetch(id, "arxiv", "metadata", state, None, None, "")


def _value(id: str) -> str:
    return id.partition(":")[2]


def _chunks(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))
