"""What several sources say of one work, as one paper: the rules every engine applies.

One source: what it says later replaces what it said before, but what it no longer says stays.
Several sources, in the order in which they first told of the work:
- title: the first; a longer one that begins with it is taken instead (the first was cut).
- abstract: the longest, of equals the first.
- date: what arXiv or an arXiv id says before what others say, because it is when the work appeared and a journal's
  date may be years later; then the most precise (day over month over year), of equals the first.
- venue, categories: the first. Authors: the first list that is not empty.
- stated counts of references and citations: the largest, since lists are cut more often than padded.
- standing: any source that says something wins over those that do not; "retracted" over "withdrawn".
- where it is free to read: the first. Whether there is a summary: yes when any source says so.

Sources of one citation are united; whether it is influential, what it is for and in which sentences: the first that
said so, and the newest word of that source while it is the only one.

A judgement or measurement stands on the text it was made from. One from less text never replaces one from more; the
same rules over the same text change nothing; one that fits the present text stays before one that does not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from kg.identity import date_from_arxiv_id
from kg.model import Citation, Paper, Standing

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Account(NamedTuple):
    """What one source says of a work. Lists are JSON text, authors numbers or ids in order; `None` is not said."""

    source: str
    provenance: str | None
    title: str | None
    abstract: str | None
    published: str | None
    published_source: str | None
    venue: str | None
    categories: str | None
    manifestations: str | None
    authors: tuple[int, ...] | None
    references_stated: int | None
    citations_stated: int | None
    standing: Standing | None = None
    open_access: str | None = None
    tldr: bool | None = None


class Whole(NamedTuple):
    """A paper as all accounts together give it; `abstract_from` and `authors_from` point into the accounts."""

    title: str | None
    published: str | None
    published_source: str | None
    venue: str | None
    references_stated: int | None
    citations_stated: int | None
    abstract_from: int | None
    authors_from: int | None
    standing: Standing | None = None
    open_access: str | None = None
    tldr: bool | None = None


def account(paper: Paper, authors: tuple[int, ...] | None) -> Account:
    """What a record says; blank text says nothing."""
    return Account(
        paper.source,
        paper.provenance,
        _said(paper.title),
        _said(paper.abstract),
        paper.published.value if paper.published else None,
        paper.published.source if paper.published else None,
        _said(paper.venue),
        None if paper.categories is None else listed(paper.categories),
        _manifestations(paper),
        authors,
        paper.references_stated,
        paper.citations_stated,
        paper.standing,
        _said(paper.open_access),
        paper.tldr,
    )


def updated(old: Account, new: Account) -> Account:
    """One source's account after it told again. Where only the provenance differs nothing changes."""
    if new == old:
        return old
    later = Account._make([before if now is None else now for before, now in zip(old, new, strict=True)])
    if new.published is not None:
        later = later._replace(published_source=new.published_source)
    if old.manifestations and new.manifestations and old.manifestations != new.manifestations:
        later = later._replace(manifestations=_united(old.manifestations, new.manifestations))
    return old if later._replace(provenance=old.provenance) == old else later


def combined(accounts: Sequence[Account], ids: Sequence[str]) -> Whole:
    """The whole paper from the accounts of its sources, oldest first, and all its ids."""
    title = published = published_source = venue = open_access = None
    standing: Standing | None = None
    tldr: bool | None = None
    references = citations = abstract_from = authors_from = None
    longest = -1
    for place, each in enumerate(accounts):
        if each.title is not None and (title is None or (each.title != title and each.title.startswith(title))):
            title = each.title
        if each.abstract is not None and len(each.abstract) > longest:
            longest, abstract_from = len(each.abstract), place
        if each.published is not None and (
            published is None or _weight(each.published, each.published_source) > _weight(published, published_source)
        ):
            published, published_source = each.published, each.published_source
        if venue is None:
            venue = each.venue
        if open_access is None:
            open_access = each.open_access
        if standing is None or each.standing == "retracted":
            standing = each.standing
        tldr = tldr or each.tldr if each.tldr is not None else tldr
        if each.authors is not None and (authors_from is None or (each.authors and not accounts[authors_from].authors)):
            authors_from = place
        references = _larger(references, each.references_stated)
        citations = _larger(citations, each.citations_stated)
    if published is None or published_source not in _ARXIV:
        month, month_source = month_of_ids(ids)
        if month is not None:
            published, published_source = month, month_source
    return Whole(
        title, published, published_source, venue, references, citations, abstract_from, authors_from, standing,
        open_access, tldr,
    )  # fmt: skip


def month_of_ids(ids: Sequence[str]) -> tuple[str | None, str | None]:
    """Date and its source as the earliest arXiv id among `ids` tells them."""
    months = [date for id in ids if id.startswith("arxiv:") and (date := date_from_arxiv_id(id)) is not None]
    if not months:
        return None, None
    first = min(months)
    return first.value, first.source


def is_younger(cited: str | None, citing: str | None) -> bool:
    """Whether the cited paper is dated after the citing one, compared as precisely as both are known."""
    if cited is None or citing is None or cited <= citing:
        return False
    common = min(len(cited), len(citing))
    return cited[:common] > citing[:common]


Kept = tuple[str, bool | None, str | None, str | None]
"""A citation as it is kept: sources (JSON), influential, intents (JSON), contexts (JSON)."""


def told_once(citation: Citation) -> Kept:
    """As `folded`, for a pair that one citation tells of."""
    intents, contexts = citation.intents, citation.contexts
    return (
        listed((citation.source,)),
        citation.influential,
        None if intents is None else listed(intents),
        None if contexts is None else unshared(contexts),
    )


def folded(citations: Sequence[Citation]) -> Kept:
    """What several citations tell of one pair, in any order."""
    in_order = sorted(citations, key=lambda each: each.source)
    return (
        listed(tuple(sorted({each.source for each in citations}))),
        next((each.influential for each in in_order if each.influential is not None), None),
        next((listed(each.intents) for each in in_order if each.intents is not None), None),
        next((unshared(each.contexts) for each in in_order if each.contexts is not None), None),
    )


def united(old: Kept, new: Kept) -> Kept:
    """A stored citation after it was told again; the same object when that changes nothing."""
    same_sources = old[0] == new[0]
    alone = same_sources and _is_one(new[0])
    influential = new[1] if new[1] is not None and (alone or old[1] is None) else old[1]
    intents = new[2] if new[2] is not None and (alone or old[2] is None) else old[2]
    contexts = new[3] if new[3] is not None and (alone or old[3] is None) else old[3]
    sources = old[0] if same_sources else _sources(old[0], new[0])
    both = (sources, influential, intents, contexts)
    return old if both == old else both


def reading(
    new: tuple[Sequence[str], str, str], old: tuple[Sequence[str], str, str], present: str | None
) -> Literal["replace", "same", "less"]:
    """Whether a judgement or measurement replaces the one that stands.

    Args:
        new, old: (fields read, rules, digest of the text read).
        present: digest of the paper's text as it is now.
    """
    if set(new[0]) < set(old[0]):
        return "less"
    if new[1:] == old[1:] and set(new[0]) == set(old[0]):
        return "same"
    if old[2] == present != new[2] and set(new[0]) == set(old[0]):
        return "less"
    return "replace"


_ARXIV = ("arxiv", "arxiv id")


def _weight(date: str, source: str | None) -> tuple[bool, int]:
    return source in _ARXIV, len(date)


@lru_cache(maxsize=4096)
def listed(texts: tuple[str, ...]) -> str:
    """A list as JSON text, in the one spelling that is compared."""
    # Sources and categories come in few combinations, each of them often.
    return _encode(texts)


def unshared(texts: Sequence[str]) -> str:
    """A list as JSON text, of texts that are hardly met twice."""
    return _encode(texts)


@lru_cache(maxsize=4096)
def _is_one(sources: str) -> bool:
    return len(json.loads(sources)) == 1


def _said(text: str | None) -> str | None:
    return text if text and not text.isspace() else None


def _larger(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def _sources(one: str, other: str) -> str:
    return listed(tuple(sorted({*json.loads(one), *json.loads(other)})))


def _manifestations(paper: Paper) -> str | None:
    if not paper.manifestations:
        return None
    return _encode(sorted([[m.scheme, m.value, m.version, m.source] for m in paper.manifestations], key=_named))


def _named(manifestation: list[Any]) -> tuple[str, str]:
    return manifestation[0], manifestation[1]


def _united(old: str, new: str) -> str:
    known = {(scheme, value): [version, source] for scheme, value, version, source in json.loads(old)}
    for scheme, value, version, source in json.loads(new):
        before = known.get((scheme, value), [None, None])
        known[scheme, value] = [before[0] if version is None else version, source]
    return _encode([[*key, *rest] for key, rest in sorted(known.items())])
