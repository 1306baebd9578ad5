"""A page of arXiv's answers, read by the `arxiv` package over our transport, with everything checked that it does not.

The package's session gets an adapter that asks through `ingest.transport` (pace, retries, limits; a document type never
reaches a parser), its own delay and retries are off. Before the package parses a feed, the entries that would fail the
whole list or vanish without a word are taken out and named: no id, arXiv's own error entries, no title, no date.

The private names that this needs (`_session`, `_format_url`, `_parse_feed`) are held by a test.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree

import arxiv  # type: ignore[import-untyped]
import requests
from requests.adapters import BaseAdapter

from ingest.replies import Reply, plain
from ingest.source import Unusable
from kg.errors import BadAnswer, InputError
from kg.identity import parse

if TYPE_CHECKING:
    from ingest.transport import Transport

_ATOM = "{http://www.w3.org/2005/Atom}"
_OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
_NO_DATE = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request asks: `size` entries from `start` on, of a query's answers or of a list of ids (arXiv's own).

    Answers to a query are sorted by day of submission, oldest first, so that what arrives while pages are read comes at
    the end; `newest` turns that round.
    """

    query: str = ""
    ids: tuple[str, ...] = ()
    start: int = 0
    size: int = 1
    newest: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """One page. `ids` are the canonical ids of its usable entries, in order; `given` counts all entries.

    `total` and `start` are what arXiv says, None when it says no number. `undated` holds, by id, what stood where a
    date belongs; the date in that result means nothing. `results` are the package's, one for each of `ids`.
    """

    total: int | None
    start: int | None
    given: int
    ids: tuple[str, ...]
    unusable: tuple[Unusable, ...]
    undated: Mapping[str, str]
    results: tuple[arxiv.Result, ...] = ()


def ask(transport: Transport, asked: Asked, check: Callable[[Feed], None]) -> Feed:
    """One page of answers.

    Args:
        check: looks at counts and ids, before `results` are there; it raises BadAnswer with `retryable` when another
            try may bring a better page.

    Raises:
        SourceError: as `Transport.get`; RequestRefused holds arXiv's words when it sends its error feed.
    """
    adapter = _Adapter(transport, check)
    client = arxiv.Client(page_size=asked.size, delay_seconds=0, num_retries=0)
    client._session.trust_env = False
    client._session.mount("https://", adapter)
    search = arxiv.Search(query=asked.query, id_list=list(asked.ids))
    if not asked.ids:
        search.sort_by = arxiv.SortCriterion.SubmittedDate
        search.sort_order = arxiv.SortOrder.Descending if asked.newest else arxiv.SortOrder.Ascending
    parsed = client._parse_feed(client._format_url(search, asked.start, asked.size))
    feed = adapter.feed
    assert feed is not None, "the package answered without asking"
    results = tuple(parsed.results)
    if len(results) != len(feed.ids):
        raise BadAnswer(
            f"Of {len(feed.ids)} entries of arXiv {len(results)} could be read",
            source="arxiv", expected="every entry", came=f"{len(results)} of {len(feed.ids)}",
            hint="Report this with the version of the `arxiv` package.",
        )  # fmt: skip
    return replace(feed, results=results)


def screen(body: bytes) -> tuple[Feed, bytes]:
    """Look at a feed before the package does.

    Args:
        body: a well-formed feed without a document type.

    Returns:
        What it says, and the same feed with nothing in it that the package would stumble over.
    """
    root = ElementTree.fromstring(body)  # noqa: S314 - the transport lets no document type through
    ids: list[str] = []
    unusable: list[Unusable] = []
    undated: dict[str, str] = {}
    entries = root.findall(f"{_ATOM}entry")
    for entry in entries:
        id = _id(entry)
        if isinstance(id, Unusable):
            unusable.append(id)
            root.remove(entry)
            continue
        ids.append(id)
        published = _text(entry, "published")
        if not _is_time(published):
            undated[id] = plain(published, 40)
            _put(entry, "published", _NO_DATE)
        # Nothing here reads it, but the package needs it.
        if not _is_time(_text(entry, "updated")):
            _put(entry, "updated", _NO_DATE)
    feed = Feed(
        total=_number(root, "totalResults"),
        start=_number(root, "startIndex"),
        given=len(entries),
        ids=tuple(ids),
        unusable=tuple(unusable),
        undated=undated,
    )
    # Written anew even when nothing changed: the package's parser then sees what this one saw.
    return feed, ElementTree.tostring(root, "utf-8")


class _Adapter(BaseAdapter):
    """Answers the package's session from the transport."""

    def __init__(self, transport: Transport, check: Callable[[Feed], None]) -> None:
        super().__init__()
        self._transport = transport
        self._check = check
        self._body = b""
        self.feed: Feed | None = None

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        """One request of the package; SourceError passes through it untouched."""
        url = urlsplit(request.url or "")
        reply = self._transport.get(
            "arxiv",
            unquote(url.path),
            dict(parse_qsl(url.query, keep_blank_values=True)),
            accept="atom",
            check=self._look,
        )
        response = requests.Response()
        response.status_code = reply.status
        response.url = reply.url
        response.request = request
        response.raw = io.BytesIO(self._body)
        return response

    def close(self) -> None:
        """Nothing is open: connections are the transport's."""

    def _look(self, reply: Reply) -> None:
        self.feed, self._body = screen(reply.atom())
        self._check(self.feed)


def _id(entry: ElementTree.Element) -> str | Unusable:
    """The canonical id of an entry, or why it is no paper."""
    said = _text(entry, "id")
    shown = plain(said, 80)
    if not said:
        return Unusable(plain(_text(entry, "title"), 80), "id", "the entry has no id")
    if "/api/errors" in said:
        return Unusable(shown, "id", f"arXiv says: {plain(_text(entry, 'summary')) or 'an error'}")
    try:
        found = parse(said)
    except InputError as error:
        return Unusable(shown, "id", error.message)
    if found.scheme != "arxiv":
        return Unusable(shown, "id", "this is no arXiv id")
    if not _text(entry, "title"):
        return Unusable(found.id, "title", "the entry has no title")
    return found.id


def _text(entry: ElementTree.Element, name: str) -> str:
    return (entry.findtext(f"{_ATOM}{name}") or "").strip()


def _put(entry: ElementTree.Element, name: str, text: str) -> None:
    element = entry.find(f"{_ATOM}{name}")
    if element is None:
        element = ElementTree.SubElement(entry, f"{_ATOM}{name}")
    element.text = text


def _is_time(text: str) -> bool:
    """Whether the package can read it: one that it cannot read fails its whole list."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC).year > 1900
    except (ValueError, OverflowError):
        return False


def _number(root: ElementTree.Element, name: str) -> int | None:
    text = (root.findtext(f"{_OPENSEARCH}{name}") or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
