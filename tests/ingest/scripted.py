"""A source that gives the pages it was made with, and writes down what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from ingest.source import Page, Stated, Stream
from kg.model import Fetch, Paper


class Scripted:
    """Pages by stream key and position. Of a list each is given (or raised) once, the last one always."""

    def __init__(
        self, pages: Mapping[tuple[str, str], Page | list[Page | Exception]] | None = None, name: str = "scripted"
    ) -> None:
        self.name = name
        self.pages = dict(pages or {})
        self.asked: list[tuple[str, str]] = []
        self.before: Callable[[], None] = lambda: None

    def search(self, query: str, *, since: str | None = None, limit: int | None = None) -> Sequence[Stream]:
        return (Stream(self.name, "search", f"search:{query}", query=query, since=since, limit=limit),)

    def papers(self, ids: Sequence[str]) -> Sequence[Stream]:
        return tuple(Stream(self.name, "papers", f"papers:{id}", (id,)) for id in ids)

    def links(self, papers: Mapping[str, Stated], kind: Literal["references", "citations"]) -> Sequence[Stream]:
        return tuple(Stream(self.name, kind, f"{kind}:{id}", (id,)) for id in papers)

    def askable(self, ids: Sequence[str]) -> str | None:
        return next((id for id in ids if id.startswith(("arxiv:", "doi:"))), None)

    def requests(self, stream: Stream, total: int | None = None) -> int | None:
        if stream.kind == "search":
            return None if total is None else max(1, total)
        return 1

    def count(self, stream: Stream) -> int | None:
        return 7

    def read(self, stream: Stream, position: str) -> Page:
        self.before()
        self.asked.append((stream.key, position))
        given = self.pages[stream.key, position]
        page = (given.pop(0) if len(given) > 1 else given[0]) if isinstance(given, list) else given
        if isinstance(page, Exception):
            raise page
        return page


def paper(id: str, title: str | None = None, abstract: str | None = None, source: str = "scripted") -> Paper:
    """A record of a paper."""
    return Paper((id,), title or f"On the subject of {id}", abstract, source=source)


def told(*papers: Paper, next: str | None = None, total: int | None = None) -> Page:
    """A page of described papers."""
    ids = tuple(each.ids[0] for each in papers)
    fetches = tuple(Fetch(id, "scripted", "metadata", "complete", None, None, "") for id in ids)
    return Page(papers=papers, found=ids, fetches=fetches, next=next, total=total)
