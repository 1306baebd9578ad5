"""Works whose title, DOI and date cannot all be true; they are kept out of the graph, each with its reason in words.

OpenAlex sometimes merges a much cited paper with an unrelated deposit, and the title, DOI and date of the deposit win:
the work then stands as the goal of hundreds of citations older than itself. No record shows that alone, so the file is
read ahead for who cites what (`read_ahead`). Rules, first that holds:

1. Two ids name different arXiv papers.
2. The arXiv DOI was given years after the date.
3. The year written in the DOI is years after the date.
4. The DOI is that of a data deposit, dated years after the arXiv id, after the year in which the record's own OpenAlex
   number was given, or after works that cite it.
5. Works that cite it are years older, and not just a few of them.

What is no contradiction: a journal version years after the preprint (the arXiv id explains earlier citations), a DOI
whose year differs by a little, a few early citations (the citing date may be wrong), and a DOI year well *before* the
date: publishers date scanned proceedings by the scan, so `dated` takes the year in the DOI instead.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ingest.lines import Line
from ingest.records import Record, Refused, parse_record
from kg.identity import date_from_arxiv_id
from kg.model import PartialDate

YEARS_APART = 3
"""An arXiv or DOI year this much after the date contradicts it; this much before, the DOI's year is taken."""

EARLY_YEARS = 2
"""A citing work this many calendar years older than the cited one is early: a preprint may explain a single year."""

EARLY_WORKS = 3
EARLY_SHARE = 0.05
"""Early works contradict a date when there are this many and they are this share of the dated ones that cite it."""

DEPOSIT_YEARS = 2
DEPOSIT_EARLY_SHARE = 0.1
"""A data deposit has no preprint: one calendar year older counts as early, from this share on."""

_DEPOSITS = {
    "10.5281": "Zenodo",
    "10.57702": "the TIB data manager",
    "10.6084": "figshare",
    "10.5061": "Dryad",
    "10.17632": "Mendeley Data",
    "10.7910": "Dataverse",
    "10.21227": "IEEE DataPort",
}
# DOI forms whose year is that of the meeting or of the acceptance: IEEE, ISCA, Dagstuhl. In others a number that
# looks like a year is often a running number (10.18653/v1/d18-2012 is of 2018).
_DOI_YEAR = re.compile(
    r"doi:10\.(?:1109/[a-z0-9-]+\.(\d{4})\.\d+|21437/[a-z_-]+\.(\d{4})-\d+|4230/[a-z]+\.[a-z-]+\.(\d{4})\.\d+)"
)
# OpenAlex numbers works in the order in which it (before 2022 Microsoft Academic) first met them. Upper ends of the
# numbers given by the end of a year; 99 of 100 dated works of our corpus are older than that or at most a year younger.
_NUMBERED = (
    (2_500_000_000, 2016),
    (2_780_000_000, 2017),
    (2_910_000_000, 2018),
    (3_000_000_000, 2019),
    (3_120_000_000, 2020),
    (4_210_000_000, 2021),
    (4_315_000_000, 2022),
    (4_391_000_000, 2023),
    (4_406_000_000, 2024),
)


@dataclass(frozen=True, slots=True)
class Citers:
    """The dated works of a file that cite one work: how many, how many by year of publication, ascending."""

    total: int
    years: tuple[tuple[int, int], ...]

    def until(self, year: int) -> int:
        """How many are of `year` or older."""
        return sum(works for each, works in self.years if each <= year)


class Ahead:
    """What a file says as a whole: who cites its OpenAlex works, by year, and the titles of proposed arXiv ids.

    Memory: 20 bytes per work, and what is early or proposed.
    """

    def __init__(
        self,
        works: NDArray[np.int64],
        totals: NDArray[np.int64],
        early: dict[int, dict[int, int]],
        titles: dict[str, str],
    ) -> None:
        self._works = works
        self._totals = totals
        self._early = early
        self.titles = titles

    def citers(self, ids: Iterable[str]) -> Citers:
        """Dated works that cite the work with one of these ids; years are listed up to the cited work's own."""
        total, years = 0, dict[int, int]()
        for number in map(_number, ids):
            place = int(np.searchsorted(self._works, number)) if number is not None else len(self._works)
            if place < len(self._works) and self._works[place] == number:
                total += int(self._totals[place])
                for year, works in self._early.get(place, {}).items():
                    years[year] = years.get(year, 0) + works
        return Citers(total, tuple(sorted(years.items())))


NOTHING_AHEAD = Ahead(np.empty(0, np.int64), np.empty(0, np.int64), {}, {})


def read_ahead(lines: Callable[[], Iterable[Line]]) -> Ahead:
    """Read a file twice: the works it holds with their years, then who cites them.

    `titles` gives, for each arXiv id that a title match proposes anywhere in the file, the title of the first record
    that has it as an exact id: so what is believed does not depend on the order of lines.

    Args:
        lines: starts a new pass over the file.
    """
    numbers, dates = array("q"), array("h")
    proposed: set[str] = set()
    for record in _openalex(lines()):
        if record.proposed is not None:
            proposed.add(record.proposed)
        for number in map(_number, record.ids):
            if number is not None and record.published is not None:
                numbers.append(number)
                dates.append(record.published.year)
    works, first = np.unique(np.frombuffer(numbers, dtype=np.int64), return_index=True)
    years = np.frombuffer(dates, dtype=np.int16)[first]
    totals = np.zeros(len(works), dtype=np.int64)
    early: dict[int, dict[int, int]] = {}
    titles: dict[str, str] = {}
    if not len(works) and not proposed:
        return NOTHING_AHEAD
    for record in _openalex(lines()):
        for id in proposed.intersection(record.ids):
            if record.title is not None:
                titles.setdefault(id, record.title)
        if record.published is not None and record.references is not None:
            citing = record.published.year
            places = _places(works, record)
            totals[places] += 1
            for place in places[years[places] > citing].tolist():
                of_work = early.setdefault(place, {})
                of_work[citing] = of_work.get(citing, 0) + 1
    return Ahead(works, totals, early, titles)


def dated(record: Record) -> Record:
    """The record, with the year in its DOI for date when it has none, or one so late that it is that of a scan."""
    stated = _doi_year(record)
    if stated is None or (record.published is not None and record.published.year - stated[1] < YEARS_APART):
        return record
    return replace(record, published=PartialDate(str(stated[1]), "year in the DOI"))


def contradiction(record: Record, ahead: Ahead = NOTHING_AHEAD) -> str | None:
    """Why a record cannot be true as it stands, `None` when nothing contradicts. Takes a record after `dated`."""
    arxiv = [id for id in record.ids if id.startswith("arxiv:")]
    if len(arxiv) > 1:
        return f"Its ids name different arXiv papers: {', '.join(arxiv)}"
    if record.published is None:
        return None
    day, year = record.published.value, record.published.year
    given = date_from_arxiv_id(arxiv[0]) if arxiv else None
    if given is not None and given.year - year >= YEARS_APART:
        return f"Dated {day}, while its arXiv id {arxiv[0]} was given in {given.value}"
    stated = _doi_year(record)
    if stated is not None and stated[1] - year >= YEARS_APART:
        return f"Dated {day}, while its DOI {stated[0]} is of {stated[1]}"
    proposed = date_from_arxiv_id(record.proposed) if record.proposed else None
    preprint = given or proposed
    citers = ahead.citers(record.ids)
    deposit = _deposit(record)
    if deposit is not None:
        reason = _deposit_reason(record, *deposit, preprint=preprint, citers=citers)
        if reason is not None:
            return reason
    known = min(year, preprint.year) if preprint is not None else year
    early = citers.until(known - EARLY_YEARS)
    if early >= EARLY_WORKS and early >= EARLY_SHARE * citers.total:
        return (
            f"Dated {day}, while {early} of the {citers.total} dated works that cite it are at least "
            f"{EARLY_YEARS} years older, the first of {citers.years[0][0]}"
        )
    return None


def _deposit_reason(
    record: Record, doi: str, keeper: str, *, preprint: PartialDate | None, citers: Citers
) -> str | None:
    assert record.published is not None
    day, year = record.published.value, record.published.year
    so = f"Its DOI {doi} is a deposit at {keeper} dated {day}"
    if preprint is not None and year - preprint.year >= DEPOSIT_YEARS:
        return f"{so}, its title that of an arXiv paper of {preprint.value}"
    numbered = min((_numbered(id) for id in record.ids if id.startswith("openalex:")), default=year)
    if year - numbered >= DEPOSIT_YEARS:
        return f"{so}, while OpenAlex has numbered this work by {numbered}"
    early = citers.until(year - 1)
    if early >= EARLY_WORKS and early >= DEPOSIT_EARLY_SHARE * citers.total:
        return f"{so}, while {early} of the {citers.total} dated works that cite it are of earlier years"
    return None


def _openalex(lines: Iterable[Line]) -> Iterable[Record]:
    for line in lines:
        # Only OpenAlex records count here; the cheap test spares an arXiv file from being parsed three times.
        if line.content is None or b'"openalex_id"' not in line.content:
            continue
        try:
            record = parse_record(line.content, "")
        except Refused as refused:
            if refused.record is None:
                continue
            record = refused.record
        yield dated(record)


def _places(works: NDArray[np.int64], record: Record) -> NDArray[np.int64]:
    """Where the works that a record cites stand in the sorted `works`; not those that it is itself."""
    cited = {number for number in map(_number, record.references or ()) if number is not None}
    wanted = np.array(sorted(cited.difference(map(_number, record.ids))), dtype=np.int64)
    places = np.searchsorted(works, wanted)
    inside = places < len(works)
    places, wanted = places[inside], wanted[inside]
    found: NDArray[np.int64] = places[works[places] == wanted]
    return found


def _number(id: str | None) -> int | None:
    if id is None or not id.startswith("openalex:W"):
        return None
    number = int(id[len("openalex:W") :])
    return number if number < 2**63 else None


def _numbered(id: str) -> int:
    number = _number(id)
    for upper, year in _NUMBERED:
        if number is not None and number <= upper:
            return year
    return 9999


def _doi_year(record: Record) -> tuple[str, int] | None:
    for id in record.ids:
        found = _DOI_YEAR.fullmatch(id)
        if found:
            year = int(found[found.lastindex or 1])
            if 1900 <= year <= 2100:
                return id.removeprefix("doi:"), year
    return None


def _deposit(record: Record) -> tuple[str, str] | None:
    for id in record.ids:
        scheme, _, value = id.partition(":")
        keeper = _DEPOSITS.get(value.partition("/")[0])
        if scheme == "doi" and keeper is not None:
            return value, keeper
    return None
