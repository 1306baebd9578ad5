"""Semantic Scholar behind `Source`: what it can be asked, within which limits, and how far its answers are believed.

- A search is a bulk search: up to 1,000 papers a page, a token for the next page. A token that has become stale is
  answered by starting again; papers given before are not given twice in one run.
- Papers are asked about 500 at a time.
- Links come in one of two ways. With contexts, every paper's list is paged (1,000 links a request, no more than 9,999
  of a paper) and tells intents and sentences. Without, the lists of many papers come in one request, which gives 9,999
  links in all and leaves lists after that empty without a word: so papers are put together by how many links they are
  said to have, every list is compared with the paper's own count, and one that is short is paged alone.
- A list ends complete only when it is as long as the service states; a page that is empty too early or comes twice is
  asked for again, then the list counts as truncated.

A stream of links says in `query` how it is read: `paged` and how many links are stated, `lists`, or `counts` (papers
said to have none: asked for that number alone).

Sources: api.semanticscholar.org/api-docs/graph (limits), github.com/allenai/s2-folks issues 27, 117 and 199.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ingest import s2_client, s2_links
from ingest.positions import digest, packed, unpacked
from ingest.s2_records import FULL, SEARCHED, SOURCE, VECTOR, Kind, Told, read_paper
from ingest.source import Page, Stated, Stream
from ingest.transport import Transport
from kg.errors import InputError, RequestRefused
from kg.model import Fetch, Paper

PAGE = 1000
"""Papers on a page of a search."""

BATCH = 500
"""Papers in a request; 400 with vectors, of which 500 come close to the 10 MB that an answer may have."""

VECTOR_BATCH = 400
RESTARTS = 3
"""How often a search begins again because its token went stale, before that is an error."""


class SemanticScholarSource:
    """Semantic Scholar.

    Args:
        transport: makes the requests; has the key, if there is one.
        contexts: links with intents and sentences, at a request or more per paper; else many papers per request.
        vectors: papers come with their SPECTER2 vector.
    """

    name = SOURCE

    def __init__(self, transport: Transport, *, contexts: bool = True, vectors: bool = False) -> None:
        self._transport = transport
        self._vectors = vectors
        self._links = s2_links.Links(transport, contexts=contexts)
        self._given: dict[str, _Given] = {}
        self._last = s2_client.LastPage()

    def search(self, query: str, *, since: str | None = None, limit: int | None = None) -> Sequence[Stream]:
        """As `Source.search`; the query in the syntax of the bulk search: `"a phrase" | (word + -other)`."""
        query = " ".join(query.split())
        if not re.search(r"\w", query):
            raise InputError(
                "The query is empty", field="query", value=query, expected="words, or phrases in quotation marks",
                hint='Write e.g. --query \'"neural audio codec" | "speech tokenizer"\'.',
            )  # fmt: skip
        _check_since(since)
        key = f"search:{query}" + (f"|since={since}" if since else "") + (f"|limit={limit}" if limit else "")
        return (Stream(self.name, "search", key, query=query, since=since, limit=limit),)

    def papers(self, ids: Sequence[str]) -> Sequence[Stream]:
        """As `Source.papers`."""
        asked = [id for id in dict.fromkeys(ids) if self.askable((id,)) is not None]
        size = VECTOR_BATCH if self._vectors else BATCH
        return tuple(self._papers(asked[start : start + size]) for start in range(0, len(asked), size))

    def links(self, papers: Mapping[str, Stated], kind: Kind) -> Sequence[Stream]:
        """As `Source.links`. What is stated must be Semantic Scholar's own word, or `None`."""
        return self._links.plan({id: stated for id, stated in papers.items() if self.askable((id,))}, kind)

    def askable(self, ids: Sequence[str]) -> str | None:
        """As `Source.askable`: its own ids before arXiv's before a DOI."""
        return s2_client.askable(ids)

    def requests(self, stream: Stream, total: int | None = None) -> int | None:
        """As `Source.requests`."""
        if stream.kind == "search":
            if total is None:
                return None
            wanted = total if stream.limit is None else min(total, stream.limit)
            return max(1, -(-wanted // PAGE))
        return 1 if stream.kind == "papers" else s2_links.requests(stream)

    def count(self, stream: Stream) -> int | None:
        """As `Source.count`."""
        if stream.kind != "search":
            return None
        return self._turn(stream, None, ("paperId",), lambda answer: "").total

    def read(self, stream: Stream, position: str) -> Page:
        """As `Source.read`."""
        if stream.kind == "search":
            return self._read_search(stream, position)
        if stream.kind == "papers":
            return self._read_papers(stream)
        return self._links.read(stream, position)

    def _papers(self, ids: Sequence[str]) -> Stream:
        key = f"papers:{digest(ids)}" + (f"+{VECTOR}" if self._vectors else "")
        return Stream(self.name, "papers", key, ids=tuple(ids))

    def _read_papers(self, stream: Stream) -> Page:
        try:
            fields = (*FULL, VECTOR) if self._vectors else FULL
            answers = s2_client.batch(self._transport, stream.ids, fields)
        except RequestRefused as refused:
            parts = s2_client.smaller(stream.ids, refused)
            if parts is None:
                raise
            return Page(instead=tuple(self._papers(part) for part in parts))
        told = [each.told for each in answers]
        return Page(
            papers=tuple(each.paper for each in told if each.paper is not None),
            fetches=tuple(
                Fetch(each.id, self.name, "metadata", each.state, None, None, "") for each in answers if each.state
            ),
            found=tuple(each.id for each in answers if each.state == "complete"),
            vectors={each.paper.ids[0]: each.vector for each in told if each.paper and each.vector},
            unusable=tuple(fault for each in told for fault in each.unusable),
        )

    def _read_search(self, stream: Stream, position: str) -> Page:
        at = unpacked(position)
        token, restarts = at.text("token"), at.count("restarts")
        given = self._given.setdefault(stream.key, _Given())
        if not position:
            given.turn.clear()
            given.ever.clear()
        before = at.count("read")
        suspected = None if position else self._last.other_than(stream.key)

        def doubt(answer: Any) -> str:
            nonlocal suspected
            ids = [each.get("paperId") for each in answer.get("data") or () if isinstance(each, dict)]
            if not ids:
                short = s2_client.whole(answer.get("total")) or 0
                return f"an empty page after {before:,} of {short:,} papers" if short > before else ""
            self._last.see(stream.key, digest(str(id) for id in ids))
            # Two queries may have the same answer, so where it comes again it is believed.
            other, suspected = suspected, None
            again = all(f"s2:{id}" in given.turn for id in ids) or self._last.page == other
            return "a page that came before" if again else ""

        try:
            page = self._turn(stream, token, SEARCHED, doubt)
        except RequestRefused as refused:
            if refused.status != 400:
                raise
            if token is None:
                raise InputError(
                    f"Semantic Scholar cannot read the query{': ' + refused.said if refused.said else ''}",
                    where=refused.url, field="query", value=stream.query, expected="the syntax of its bulk search",
                    hint='Words are joined by spaces (all), | (either), - (not); phrases stand in "quotation marks".',
                ) from None  # fmt: skip
            if restarts >= RESTARTS:
                raise
            given.turn.clear()
            return Page(
                next=packed(restarts=restarts + 1),
                warnings=(f"{stream.query}: Semantic Scholar no longer knew where it was; the search starts again",),
            )
        return self._searched(stream, page, given, before, restarts)

    def _searched(
        self, stream: Stream, page: s2_client.Turned[Told], given: _Given, before: int, restarts: int
    ) -> Page:
        left = len(page.items) if stream.limit is None else stream.limit - before
        turned = {_own(each.paper): each.paper for each in page.items if each.paper is not None}
        turned = {id: turned[id] for id in [id for id in turned if id not in given.turn][:left]}
        fresh = [paper for id, paper in turned.items() if id not in given.ever]
        given.add(turned)
        read = before + len(turned)
        broken = sum(each.paper is None for each in page.items)
        goes_on = (
            page.token is not None
            and bool(page.items)
            and not page.doubtful
            and (stream.limit is None or read < stream.limit)
            # What goes on for a page longer than it said it would never ends.
            and (page.total is None or read <= page.total + PAGE)
        )
        warnings = [f"{stream.query}: Semantic Scholar sent {page.doubtful}"] if page.doubtful else []
        wanted = page.total if stream.limit is None or page.total is None else min(page.total, stream.limit)
        if not goes_on:
            self._given.pop(stream.key, None)
            if wanted is not None and read + broken != wanted:
                warnings.append(f"{stream.query}: Semantic Scholar said {wanted:,} papers, gave {read:,}")
        return Page(
            papers=tuple(fresh),
            found=tuple(paper.ids[0] for paper in fresh),
            unusable=tuple(fault for each in page.items for fault in each.unusable),
            next=packed(token=page.token, read=read, restarts=restarts) if goes_on else None,
            short=bool(page.doubtful),
            total=page.total,
            warnings=tuple(warnings),
        )

    def _turn(
        self, stream: Stream, token: str | None, fields: Sequence[str], doubt: Callable[[Any], str]
    ) -> s2_client.Turned[Told]:
        dated = f"{stream.since or ''}:{stream.until or ''}" if stream.since or stream.until else ""
        return s2_client.search_page(
            self._transport, stream.query, fields, read_paper, dated=dated, token=token, limit=PAGE, doubt=doubt
        )


@dataclass(slots=True)
class _Given:
    """Papers that a search has given: since it last began, and ever in this run."""

    turn: set[str] = field(default_factory=set)
    ever: set[str] = field(default_factory=set)

    def add(self, ids: Iterable[str]) -> None:
        """Remember these."""
        self.turn.update(ids)
        self.ever.update(ids)


def _own(paper: Paper) -> str:
    """The service's own id of a paper: others may be shared by two of its records."""
    return next((id for id in paper.ids if id.startswith("s2:")), paper.ids[0])


def _check_since(since: str | None) -> None:
    try:
        fits = since is None or date.fromisoformat(since).isoformat() == since
    except ValueError:
        fits = False
    if not fits:
        raise InputError(
            "This is no day", field="since", value=since, expected="YYYY-MM-DD", hint="Write it like 2024-05-13."
        )
