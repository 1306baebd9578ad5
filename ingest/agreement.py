"""What speaks for and against two works being one: ids, titles, authors and years, account by account.

Each source's account of a work is compared on its own. So joining works never makes two others agree that did not agree
before, and what contradicts one account contradicts the work.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ingest.names import may_be_one, name_words
from ingest.titles import is_distinct, is_generic, match_key, signs
from kg.identity import date_from_arxiv_id

YEARS = 1
"""Years between a preprint and its published version."""

PREPRINTS = {
    "10.1101": "bioRxiv or medRxiv",
    "10.2139": "SSRN",
    "10.20944": "Preprints.org",
    "10.21203": "Research Square",
    "10.22541": "Authorea",
    "10.26434": "ChemRxiv",
    "10.31219": "OSF Preprints",
    "10.31234": "PsyArXiv",
    "10.33774": "Cambridge Open Engage",
    "10.35542": "EdArXiv",
    "10.36227": "TechRxiv",
    "10.51094": "JxIV",
}
"""Registrants whose DOIs are of preprints; a published version has another DOI. An arXiv DOI is an arXiv id."""

Kind = Literal[
    "taken apart", "arxiv", "doi", "number", "authors", "year", "short", "ambiguous", "common", "reply", "name", "word"
]
"""What holds two works apart."""


@dataclass(frozen=True, slots=True)
class Account:
    """What one source told of a work. Authors in order; `None` and `()` are both "not listed"."""

    title: str
    year: int | None = None
    authors: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A work of the store: its id, every exact id, and what its sources told of it."""

    id: str
    ids: tuple[str, ...]
    accounts: tuple[Account, ...]


class Clash(NamedTuple):
    """Why two works are not one (`hard`), or not known to be one."""

    kind: Kind
    reason: str
    hard: bool


class Tie(NamedTuple):
    """Why two works are one; `strong` when first authors agree, else authors are not listed for both."""

    strong: bool
    confidence: float
    reason: str


class Told(NamedTuple):
    """An account made ready for comparing; years are calendar years, authors the words of their names."""

    key: str
    title: str
    year: int | None
    authors: tuple[tuple[str, ...], ...]


class Ready(NamedTuple):
    """A work made ready for comparing; DOIs without version, those of preprints by registrant."""

    id: str
    told: tuple[Told, ...]
    arxiv: frozenset[str]
    published: frozenset[str]
    preprints: dict[str, set[str]]

    @property
    def years(self) -> tuple[int, int] | None:
        """First and last year told, `None` when none is known."""
        known = [told.year for told in self.told if told.year is not None]
        return (min(known), max(known)) if known else None


def ready(work: Work) -> Ready:
    """Take a work apart. An account without a year has that of the work's arXiv id."""
    months = [date.year for id in work.ids if id.startswith("arxiv:") and (date := date_from_arxiv_id(id)) is not None]
    given = min(months, default=None)
    told = {
        Told(
            key,
            account.title,
            given if account.year is None else account.year,
            tuple([spelt for name in account.authors or () if (spelt := name_words(name))]),
        )
        for account in work.accounts
        if (key := match_key(account.title))
    }
    published: set[str] = set()
    preprints: dict[str, set[str]] = {}
    for id in work.ids:
        scheme, _, value = id.partition(":")
        if scheme == "doi":
            stem = _ELIFE.sub(r"\1", _VERSION.sub("", value))
            registrant = stem.partition("/")[0]
            group = preprints.setdefault(registrant, set()) if registrant in PREPRINTS else published
            group.add(stem)
    return Ready(
        work.id,
        tuple(sorted(told, key=lambda each: (each.key, each.title, each.year or 0, each.authors))),
        frozenset(id for id in work.ids if id.startswith("arxiv:")),
        frozenset(published),
        preprints,
    )


def compare(one: Ready, other: Ready, apart: Collection[frozenset[str]] = ()) -> Tie | Clash:
    """What is known of two works; a hard clash outweighs every tie.

    Args:
        apart: pairs of work ids that a person took apart.
    """
    return by_ids(one, other, apart) or _by_accounts(one, other)


def by_ids(one: Ready, other: Ready, apart: Collection[frozenset[str]] = ()) -> Clash | None:
    """Whether ids, or a person, say that two works are two."""
    if frozenset((one.id, other.id)) in apart:
        return Clash("taken apart", "a person took them apart", hard=True)
    if one.arxiv and other.arxiv and not one.arxiv & other.arxiv:
        return Clash("arxiv", f"two arXiv papers: {min(one.arxiv)[6:]} / {min(other.arxiv)[6:]}", hard=True)
    if one.published and other.published and not one.published & other.published:
        return Clash("doi", f"two DOIs of published works: {min(one.published)} / {min(other.published)}", hard=True)
    for registrant in sorted(one.preprints.keys() & other.preprints.keys()):
        a, b = one.preprints[registrant], other.preprints[registrant]
        if not a & b:
            return Clash("doi", f"two preprints at {PREPRINTS[registrant]}: {min(a)} / {min(b)}", hard=True)
    return None


def may_share_authors(one: Ready, other: Ready) -> bool:
    """Whether an account of each lists authors that agree, in years that fit, or one lists none in the same year."""
    return any(
        (_other_authors(a, b) is None and _gap(a, b) <= YEARS)
        if a.authors and b.authors
        else a.year is not None and a.year == b.year
        for a in one.told
        for b in other.told
    )


_VERSION = re.compile(r"[./]v[0-9]+$")
_ELIFE = re.compile(r"^(10\.7554/elife\.[0-9]+)\.[0-9]+$")
_COAUTHORS = 2
_READ = 30
_SAME_YEAR = 0.03


def _by_accounts(one: Ready, other: Ready) -> Tie | Clash:
    ties: list[Tie] = []
    clash = Clash("word", "no title in common", hard=False)
    for a in one.told:
        for b in other.told:
            reason = _other_authors(a, b) if a.authors and b.authors else None
            if reason is not None:
                return Clash("authors", reason, hard=True)
            if a.key != b.key:
                continue
            found = _of_one_title(a, b)
            if isinstance(found, Tie):
                ties.append(found)
            elif found.hard:
                return found
            else:
                clash = found
    return max(ties, default=clash)


def _of_one_title(a: Told, b: Told) -> Tie | Clash:
    marks = signs(a.title), signs(b.title)
    if marks[0] != marks[1]:
        shown = [" ".join(each) or "none" for each in marks]
        return Clash("number", f"other numbers or signs in the title: {shown[0]} / {shown[1]}", hard=True)
    if _gap(a, b) > YEARS:
        return Clash("year", f"same title, but {_gap(a, b)} years apart: {a.year} / {b.year}", hard=False)
    sure = _SAME_YEAR if a.year is not None and a.year == b.year else 0.0
    if a.authors and b.authors:
        if is_generic(a.title):
            return Clash("short", "the title names a kind of text, not a work", hard=False)
        return Tie(True, 0.96 + sure, f"same title and first author ({' '.join(a.authors[0])}), {_years(a, b)}")
    if not is_distinct(a.title):
        return Clash("short", "authors are not listed for both, and the title alone is too short", hard=False)
    return Tie(False, 0.9 + sure, f"same title, {_years(a, b)}, authors not listed for both")


def _gap(a: Told, b: Told) -> int:
    """Years between two accounts, 0 when one is not known."""
    return 0 if a.year is None or b.year is None else abs(a.year - b.year)


def _years(a: Told, b: Told) -> str:
    if a.year is None or b.year is None:
        return "no year that contradicts"
    return f"same year ({a.year})" if a.year == b.year else f"years {min(a.year, b.year)} and {max(a.year, b.year)}"


def _other_authors(a: Told, b: Told) -> str | None:
    """How two lists of authors contradict each other, `None` when they do not."""
    first = " / ".join(" ".join(each.authors[0]) for each in (a, b))
    if not may_be_one(a.authors[0], b.authors[0]):
        return f"other first authors: {first}"
    rest, others = a.authors[1 : 1 + _READ], b.authors[1 : 1 + _READ]
    if min(len(rest), len(others)) >= _COAUTHORS and not any(may_be_one(x, y) for x in rest for y in others):
        return f"first authors may be one ({first}), but no other author is in common"
    return None
