"""The `semanticscholar` package's paging and models over our own transport.

Of the package (0.12) only what it does well is used: how a page is asked for, and how it goes on. Its client is not:
it configures the root logger, loses which id an answer belongs to, and sends no key with lists. Its requester opens a
connection for every request, takes an unknown status for an empty answer and logs headers, the key included; the one
here asks the transport.

Its pager runs coroutines in an event loop, which swallows Ctrl-C while a request is made. Nothing here awaits anything,
so coroutines are run to their end by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import parse_qsl, quote

from semanticscholar.ApiRequester import ApiRequester  # type: ignore[import-untyped]
from semanticscholar.PaginatedResults import PaginatedResults  # type: ignore[import-untyped]

from ingest.replies import Unusable, read_json
from ingest.s2_records import Told, ids_of, read_paper
from ingest.transport import Reply, Transport
from kg.errors import BadAnswer, RequestRefused

BATCH = "/graph/v1/paper/batch"
SEARCH = "/graph/v1/paper/search/bulk"
BULK_LIMIT = 10_000_000
"""Papers that one bulk search can give (api.semanticscholar.org/api-docs)."""

AGAIN = 2
"""How often a page that is well formed but doubtful is asked for again before it is believed."""

_ASKED_BY = {"s2": "", "corpusid": "CorpusId:", "arxiv": "ARXIV:", "doi": "DOI:"}
# A DOI may hold what a path cannot: a step up.
_STEP = re.compile(r"[:/]\.\.?(?:/|$)")
_NONE_KNOWN = re.compile(r"no valid paper ids", re.IGNORECASE)
_TOO_MUCH = re.compile(r"\b(?:size|large|exceed\w*|too many|reduce)\b", re.IGNORECASE)

_Item = TypeVar("_Item")
Doubt = Callable[[Any], str]
"""What is doubtful about a well-formed answer, in words; empty when nothing is."""


@dataclass(frozen=True, slots=True)
class Turned(Generic[_Item]):
    """One page of a list.

    `total` and `next` are as the service says, `None` when it does not. `withheld`: the service gave no list at all.
    `doubtful` is what stayed doubtful after it was asked for again.
    """

    items: tuple[_Item, ...] = ()
    total: int | None = None
    next: int | None = None
    token: str | None = None
    missing: bool = False
    withheld: bool = False
    doubtful: str = ""


@dataclass(slots=True)
class LastPage:
    """The last page of an endpoint, to notice when another stream is answered with it."""

    stream: str = ""
    page: str | None = None

    def see(self, stream: str, page: str) -> None:
        """Remember a page of a stream."""
        self.stream, self.page = stream, page

    def other_than(self, stream: str) -> str | None:
        """The page, when it belongs to another stream."""
        return None if self.stream == stream else self.page


class Requester(ApiRequester):  # type: ignore[misc]
    """Asks the transport where the package would open a connection of its own."""

    def __init__(self, transport: Transport, check: Callable[[Reply], None], *, missing_ok: bool = False) -> None:
        super().__init__(timeout=None, retry=False)
        self._transport = transport
        self._check = check
        self._missing_ok = missing_ok
        self.reply: Reply | None = None

    async def get_data_async(
        self, url: str, parameters: str, headers: Mapping[str, str] | None, payload: Any = None
    ) -> Any:
        """The answer's JSON. `url` is the service's own path; the key is the transport's to add."""
        params = dict(parse_qsl(parameters, keep_blank_values=True))
        if payload is None:
            self.reply = self._transport.get("s2", url, params, missing_ok=self._missing_ok, check=self._check)
        else:
            self.reply = self._transport.post("s2", url, params, json=payload, check=self._check)
        if self.reply.missing:
            _check_missing(self.reply)
            return {}
        answer = self.reply.json()
        # The pager counts what it finds in a list, and an answer from which a publisher had it removed has none.
        return {**answer, "data": []} if isinstance(answer, dict) and answer.get("data", []) is None else answer


class _Checked:
    """A check of replies: the form must be right, what is doubtful is asked for again a few times and then believed."""

    def __init__(self, form: Callable[[Any], str], doubt: Doubt) -> None:
        self._form = form
        self._doubt = doubt
        self._left = AGAIN
        self.doubtful = ""

    def __call__(self, reply: Reply) -> None:
        answer = reply.json()
        if expected := self._form(answer):
            raise _bad(expected, "JSON of another form")
        self.doubtful = self._doubt(answer)
        if self.doubtful and self._left:
            self._left -= 1
            raise _bad("another page", self.doubtful)


def askable(ids: Iterable[str]) -> str | None:
    """Of all ids of one work the one that it is best asked by: the service's own before arXiv's before a DOI."""
    best = {id.partition(":")[0]: id for id in reversed(list(ids)) if not _STEP.search(id)}
    return next((best[scheme] for scheme in _ASKED_BY if scheme in best), None)


def asked_as(id: str) -> str:
    """A canonical id as the service spells it."""
    scheme, _, value = id.partition(":")
    return _ASKED_BY[scheme] + value


def smaller(ids: Sequence[str], refused: RequestRefused) -> tuple[Sequence[str], Sequence[str]] | None:
    """Two halves of a list that was refused because its answer would be too large; `None` where that was not why."""
    too_much = refused.status == 413 or (refused.status == 400 and _TOO_MUCH.search(refused.said) is not None)
    if not too_much or len(ids) < 2:
        return None
    middle = len(ids) // 2
    return ids[:middle], ids[middle:]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came for the paper asked for by `id`.

    `state`: complete, or unknown to the service; `None` when the record says neither, because it is broken or about
    another paper.
    """

    id: str
    found: Mapping[str, Any]
    told: Told
    state: Literal["complete", "unknown"] | None


def batch(transport: Transport, ids: Sequence[str], fields: Sequence[str]) -> list[Answer]:
    """What the service says of papers (canonical ids), all in one request.

    Papers that the service has joined come under another id than they were asked by. Where that is so for most of a
    list, the list belongs to another request, and none of them is believed to have the id asked by.

    Raises:
        SourceError: as `Transport.post`.
    """

    def form(answer: Any) -> str:
        fits = isinstance(answer, list) and len(answer) == len(ids)
        return "" if fits else f"a list of {len(ids)} papers"

    def doubt(answer: Any) -> str:
        told = [(id, each) for id, each in zip(ids, answer, strict=True) if isinstance(each, dict)]
        named = sum(id in ids_of(each) for id, each in told)
        return "a list of other papers" if named * 2 < len(told) else ""

    check = _Checked(form, doubt)
    requester = Requester(transport, check)
    spelt = [asked_as(id) for id in ids]
    try:
        answer = _finished(requester.get_data_async(BATCH, f"fields={','.join(fields)}", None, {"ids": spelt}))
    except RequestRefused as refused:
        if refused.status == 400 and _NONE_KNOWN.search(refused.said):
            return [Answer(id, {}, Told(None), "unknown") for id in ids]
        raise
    return [_answered(id, found, not check.doubtful) for id, found in zip(ids, answer, strict=True)]


def _answered(id: str, found: Any, aligned: bool) -> Answer:
    if found is None:
        return Answer(id, {}, Told(None), "unknown")
    told = read_paper(found, asked=id, aligned=aligned)
    if told.paper is None or not isinstance(found, dict):
        return Answer(id, {}, told, None)
    if id in told.paper.ids:
        return Answer(id, found, told, "complete")
    return Answer(id, found, told, "unknown" if aligned else None)


def search_page(
    transport: Transport,
    query: str,
    fields: Sequence[str],
    read: Callable[[Any], _Item],
    *,
    dated: str = "",
    token: str | None = None,
    limit: int,
    doubt: Doubt = lambda answer: "",
) -> Turned[_Item]:
    """A page of a bulk search, from a token on.

    Args:
        query: in the service's language, as it was written.
        dated: the range of dates or years, e.g. `2024-01-01:`; empty for all.
        read: makes an item of any JSON value.
    """
    asked = quote(query, safe="")
    if dated:
        asked += f"&publicationDateOrYear={quote(dated, safe='')}"
    return _page(transport, SEARCH, _search_form, doubt, fields, read, query=asked, token=token, limit=limit)


def list_page(
    transport: Transport,
    id: str,
    kind: str,
    fields: Sequence[str],
    read: Callable[[Any], _Item],
    *,
    offset: int,
    limit: int,
    doubt: Doubt = lambda answer: "",
) -> Turned[_Item]:
    """A page of what a paper cites (`references`) or what cites it (`citations`).

    Args:
        id: canonical.
        read: makes an item of any JSON value.
    """
    return _page(
        transport, f"/graph/v1/paper/{asked_as(id)}/{kind}", _list_form, doubt, fields, read, offset=offset, limit=limit
    )  # fmt: skip


def _page(
    transport: Transport,
    url: str,
    form: Callable[[Any], str],
    doubt: Doubt,
    fields: Sequence[str],
    read: Callable[[Any], _Item],
    *,
    query: str | None = None,
    token: str | None = None,
    offset: int = 0,
    limit: int,
) -> Turned[_Item]:
    check = _Checked(form, doubt)
    requester = Requester(transport, check, missing_ok=form is _list_form)
    pager = PaginatedResults(
        requester, read, url, query=query, fields=list(fields), limit=limit, headers=None, max_results=BULK_LIMIT
    )
    # A pager of the package starts at the first page; ours goes on where an earlier run stopped.
    pager._offset = offset - limit
    pager._next = offset
    pager._continuation_token = quote(token, safe="") if token else None
    _finished(pager._async_get_next_page())
    assert requester.reply is not None
    if requester.reply.missing:
        return Turned(missing=True)
    answer = requester.reply.json()
    following = answer.get("next")
    token = answer.get("token")
    return Turned(
        items=tuple(pager.items),
        total=whole(answer.get("total")),
        next=whole(following),
        token=token if isinstance(token, str) and token else None,
        withheld="data" in answer and answer["data"] is None,
        doubtful=check.doubtful,
    )


def _search_form(answer: Any) -> str:
    # A search without hits has no list at all.
    listed = isinstance(answer, dict) and isinstance(answer.get("data", []), list | None)
    return "" if listed and ("data" in answer or whole(answer.get("total")) == 0) else "a page of papers"


def _list_form(answer: Any) -> str:
    listed = isinstance(answer, dict) and "data" in answer and isinstance(answer["data"], list | None)
    return "" if listed else "a page of a list"


def _check_missing(reply: Reply) -> None:
    """Raises BadAnswer for a 404 that says nothing of a paper: an address at which no such service is."""
    try:
        words = read_json(reply.body)
    except Unusable:
        words = None
    if not isinstance(words, dict) or not isinstance(words.get("error"), str):
        raise BadAnswer(
            "Semantic Scholar has no lists of papers at this address (HTTP 404)",
            source="s2",
            expected="a list, or that the paper is not known",
            came="HTTP 404",
            url=reply.url,
            status=404,
            attempts=reply.attempts,
            hint="Check TOKENATLAS_S2_URL if it is set.",
        )


def whole(value: object) -> int | None:
    """A whole number from 0, `None` for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _bad(expected: str, came: str) -> BadAnswer:
    return BadAnswer(
        f"Semantic Scholar sent {came} instead of {expected}",
        source="s2",
        expected=expected,
        came=came,
        retryable=True,
        hint="The service may be in trouble.",
    )


def _finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise RuntimeError("the package waits for something that is not ours")
