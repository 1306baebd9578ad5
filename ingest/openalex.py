"""OpenAlex behind `Source`: single works by id or DOI, which are free, as a second opinion on references and dates.

- One request tells a work's metadata and what it cites, so who asks for papers needs not ask for references.
- It lists works, not requests: searches and lists of citers cost money there and are not offered.
- An empty list of references says that it knows none, not that there are none: it is empty, with nothing stated.
- Abstracts come as the places of every word and are put together by `pyalex`. A preprint server is no venue.
- A work that was joined to another answers under the other's id; both are its ids then.

Source: developers.openalex.org (works, get a single work).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from pyalex import Work  # type: ignore[import-untyped]

from ingest.entries import Entry, author, authors
from ingest.records import Refused, check_storable, clean_title
from ingest.source import Page, Stated, Stream, Unusable
from ingest.transport import Reply, Transport
from kg.errors import BadAnswer, InputError
from kg.identity import normalise, ordered, parse
from kg.model import Asked, Author, Citation, Fetch, FetchState, Manifestation, Paper

SOURCE = "openalex"
PROVENANCE = "api.openalex.org"
FIELDS = (
    "id", "doi", "title", "display_name", "publication_date", "publication_year", "abstract_inverted_index",
    "authorships", "primary_location", "locations", "open_access", "cited_by_count", "referenced_works_count",
    "referenced_works", "is_retracted",
)  # fmt: skip
WORDS = 20_000
"""An abstract of more words is none."""

_ARXIV_DOI = "10.48550/arxiv."
# A DOI may hold what a path cannot: a step up.
_STEP = re.compile(r"[:/]\.\.?(?:/|$)")
_AUTHOR = re.compile(r"(?:https?://openalex\.org/)?(A[1-9][0-9]*)", re.IGNORECASE)
_REPOSITORY = re.compile(r"arxiv\b", re.IGNORECASE)


class OpenAlexSource:
    """OpenAlex. `transport` makes the requests and has the key, if there is one."""

    name = SOURCE

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(self, query: str, *, since: str | None = None, limit: int | None = None) -> Sequence[Stream]:
        """Raises InputError: searches are not offered."""
        raise InputError(
            "OpenAlex is asked for single works only", field="source", value=self.name, expected="arxiv or s2",
            hint="Search arXiv or Semantic Scholar; OpenAlex then adds what it knows of the papers found.",
        )  # fmt: skip

    def papers(self, ids: Sequence[str]) -> Sequence[Stream]:
        """As `Source.papers`: a stream and a request each. Its pages hold the references too."""
        return self._streams(ids, "papers")

    def links(self, papers: Mapping[str, Stated], kind: Literal["references", "citations"]) -> Sequence[Stream]:
        """As `Source.links`: references only. Who reads links may drop the metadata, so that counts as not asked."""
        return self._streams(papers, "references") if kind == "references" else ()

    def askable(self, ids: Sequence[str]) -> str | None:
        """As `Source.askable`: its own id before a DOI before arXiv's, which has a DOI of its own."""
        best = {id.partition(":")[0]: id for id in reversed(list(ids)) if not _STEP.search(id)}
        return next((best[scheme] for scheme in ("openalex", "doi", "arxiv") if scheme in best), None)

    def requests(self, stream: Stream, total: int | None = None) -> int | None:
        """As `Source.requests`."""
        return len(stream.ids)

    def count(self, stream: Stream) -> int | None:
        """`None`: there are no searches."""
        return None

    def read(self, stream: Stream, position: str) -> Page:
        """As `Source.read`."""
        (id,) = stream.ids
        reply = self._transport.get(
            self.name, f"/works/{_asked_as(id)}", {"select": ",".join(FIELDS)}, missing_ok=True, check=_check
        )
        if reply.missing:
            return Page(fetches=tuple(Fetch(id, self.name, what, "unknown", None, None, "") for what in _BOTH))
        return read_work(reply.json(), asked=id, listed=stream.kind != "papers")

    def _streams(
        self, ids: Sequence[str] | Mapping[str, Stated], kind: Literal["papers", "references"]
    ) -> list[Stream]:
        asked = [id for id in dict.fromkeys(ids) if self.askable((id,)) is not None]
        return [Stream(self.name, kind, f"{kind}:{id}", ids=(id,)) for id in asked]


_BOTH: tuple[Asked, Asked] = ("metadata", "references")


def read_work(found: object, asked: str, *, listed: bool) -> Page:
    """A page from the record of one work.

    Args:
        found: any JSON value.
        asked: the canonical id by which the service was asked; answering to it says that the work has this id, unless
            the record names another arXiv id, which no work has two of.
        listed: whether the page was asked for the list of references, so that `found` names what is on it; else it
            names the work.
    """
    if not isinstance(found, dict):
        return Page(unusable=(Unusable(asked, "", "not a record"),))
    entry = Entry(found, asked)
    ids = _ids(entry)
    if asked not in ids:
        if asked.startswith("arxiv:") and any(id.startswith("arxiv:") for id in ids):
            entry.refuse("doi", f"another work came ({', '.join(ids)})")
            return Page(unusable=tuple(entry.unusable))
        ids.append(asked)
    ids = list(ordered(ids))
    named = _referenced(entry)
    stated = entry.count("referenced_works_count") or len(named) or None
    retracted = entry.flag("is_retracted")
    paper = Paper(
        ids=tuple(ids),
        title=clean_title(entry.text("title") or entry.text("display_name")),
        abstract=_abstract(entry),
        published=entry.date("publication_date", "publication_year", SOURCE),
        venue=_venue(entry),
        authors=_authors(entry),
        manifestations=tuple(Manifestation(*id.partition(":")[::2], version=None, source=SOURCE) for id in ids),
        references_stated=stated,
        citations_stated=entry.count("cited_by_count"),
        source=SOURCE,
        provenance=PROVENANCE,
        standing="retracted" if retracted else None,
        open_access=_open_access(entry),
    )
    state: FetchState = "empty" if not named else "truncated" if stated and len(named) < stated else "complete"
    fetch = Fetch(asked, SOURCE, "references", state, len(named), stated, "")
    return Page(
        papers=(paper,),
        citations=tuple(Citation(citing=asked, cited=id, source=SOURCE) for id in named),
        fetches=(fetch,) if listed else (Fetch(asked, SOURCE, "metadata", "complete", None, None, ""), fetch),
        found=named if listed else (asked,),
        unusable=tuple(entry.unusable),
        total=stated if listed else None,
    )


def _asked_as(id: str) -> str:
    scheme, _, value = id.partition(":")
    return value if scheme == "openalex" else f"doi:{_ARXIV_DOI}{value}" if scheme == "arxiv" else f"doi:{value}"


def _check(reply: Reply) -> None:
    work = reply.json()
    if not isinstance(work, dict) or not isinstance(work.get("id"), str):
        raise BadAnswer(
            "OpenAlex sent JSON of another form instead of a work",
            source=SOURCE,
            expected="a work",
            came="JSON of another form",
            retryable=True,
            hint="The service may be in trouble.",
        )


def _ids(entry: Entry) -> list[str]:
    found = [entry.work_id("id", ("openalex",)), entry.work_id("doi", ("doi", "arxiv"))]
    pages = {id for place in entry.objects("locations") or () if (id := _arxiv_page(place)) is not None}
    # Where its places name several preprints, works were mixed up, and none of them is sure.
    if len(pages) == 1 and not any(id is not None and id.startswith("arxiv:") for id in found):
        found.append(pages.pop())
    return list(dict.fromkeys(normalise(id) for id in found if id is not None))


def _arxiv_page(place: Entry) -> str | None:
    address = place.found.get("landing_page_url")
    if not isinstance(address, str) or not re.match(r"https?://(?:www\.)?arxiv\.org/abs/", address, re.IGNORECASE):
        return None
    try:
        return parse(address).id
    except InputError:
        return None


def _referenced(entry: Entry) -> tuple[str, ...]:
    """Works cited, each once; what names none is left out and named."""
    ids: dict[str, None] = {}
    for each in entry.texts("referenced_works") or ():
        try:
            parsed = parse(each)
        except InputError as error:
            entry.refuse("referenced_works", error.message)
            continue
        if parsed.scheme == "openalex":
            ids[parsed.id] = None
        else:
            entry.refuse("referenced_works", f"an id of another kind ({parsed.scheme})")
    return tuple(ids)


def _abstract(entry: Entry) -> str | None:
    places = entry.found.get("abstract_inverted_index")
    if places is None:
        return None
    fits = isinstance(places, dict) and all(
        isinstance(at, list) and all(isinstance(each, int) and not isinstance(each, bool) for each in at)
        for at in places.values()
    )
    if not fits or sum(map(len, places.values())) > WORDS:
        entry.refuse("abstract_inverted_index", "wrong type: the places of words are expected")
        return None
    text: str = Work({"abstract_inverted_index": places})["abstract"]
    try:
        check_storable("abstract_inverted_index", text)
    except Refused as refused:
        entry.refuse(refused.field, refused.reason)
        return None
    return text if text.strip() else None


def _venue(entry: Entry) -> str | None:
    location = entry.object("primary_location")
    source = location.object("source") if location else None
    if source is None:
        return None
    name, kind = source.text("display_name"), source.text("type")
    return None if name is None or kind == "repository" or _REPOSITORY.match(name) else name


def _authors(entry: Entry) -> tuple[Author, ...] | None:
    people = entry.objects("authorships")
    if people is None:
        return None
    return authors(_author(each) for each in people)


def _author(authorship: Entry) -> Author | None:
    person = authorship.object("author")
    name = (person.text("display_name") if person else None) or authorship.text("raw_author_name")
    if name is None:
        return None
    known = _AUTHOR.fullmatch((person.text("id") if person else None) or "")
    return author("openalexauthor", known[1].upper() if known else None, name.strip())


def _open_access(entry: Entry) -> str | None:
    access = entry.object("open_access")
    return access.link("oa_url") if access else None
