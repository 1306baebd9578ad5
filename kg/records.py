"""What a store keeps of a work per source, and the values that a paper shows because of it. Every engine shares it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kg.combine import Account, Whole
from kg.identity import text_sha256
from kg.model import Standing
from kg.search_text import tokens


class Stored(NamedTuple):
    """One record of the store: its number, the work it was told of, and what was told."""

    n: int
    work: int
    account: Account


class Shown(NamedTuple):
    """What follows for a paper from its records; `abstract_record` and `authors_record` are numbers of records."""

    title: str | None
    sort_title: str | None
    published: str | None
    published_source: str | None
    year: int | None
    venue: str | None
    first_author: str | None
    author_count: int | None
    references_stated: int | None
    citations_stated: int | None
    abstract_record: int | None
    authors_record: int | None
    text_sha256: str
    standing: Standing | None
    open_access: str | None
    tldr: bool | None


def shown(whole: Whole, first_author: str | None, accounts: Sequence[Stored]) -> Shown:
    """The values of a paper as its records together give it."""
    abstract = None if whole.abstract_from is None else accounts[whole.abstract_from]
    authors = None if whole.authors_from is None else accounts[whole.authors_from]
    return Shown(
        whole.title,
        None if whole.title is None else " ".join(tokens(whole.title)),
        whole.published,
        whole.published_source,
        None if whole.published is None else int(whole.published[:4]),
        whole.venue,
        first_author,
        None if authors is None else len(authors.account.authors or ()),
        whole.references_stated,
        whole.citations_stated,
        None if abstract is None else abstract.n,
        None if authors is None else authors.n,
        text_sha256(whole.title, None if abstract is None else abstract.account.abstract),
        whole.standing,
        whole.open_access,
        whole.tldr,
    )
