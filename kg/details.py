"""Puts together what a store answers about one paper, from what any engine read. Nothing here asks an engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from json import loads

from kg.answers import PaperDetails, PaperRow, SourceRecord
from kg.identity import ordered
from kg.model import (
    Author,
    Decision,
    Fetch,
    Found,
    Judgement,
    Manifestation,
    Measured,
    Paper,
    PartialDate,
    Standing,
)

NEAREST = 3
"""How many ids an error proposes."""

RecordRow = tuple[str, str | None, str, str | None, str | None]
"""Source, provenance, time, categories and manifestations (JSON text) of one record."""


def details(
    row: PaperRow,
    *,
    ids: Iterable[str],
    abstract: str | None,
    published_source: str | None,
    references_stated: int | None,
    standing: Standing | None,
    open_access: str | None,
    tldr: bool | None,
    records: Sequence[RecordRow],
    authors: Sequence[Author],
    judgement: Judgement | None,
    measured: Measured | None,
    history: Sequence[Decision],
    lists: Sequence[str],
    merged: Sequence[str],
    fetches: Sequence[Fetch],
    found: Sequence[Found],
) -> PaperDetails:
    """Everything known about one paper.

    Args:
        ids: all its ids, in any order.
        records: what sources told, oldest first.
        history: decisions, newest first.
        fetches: by source, subject and time.
        found: oldest first.
    """
    latest: dict[str, Decision] = {}
    for each in history:
        latest.setdefault(each.criterion, each)
    return PaperDetails(
        row=row,
        paper=Paper(
            ids=(row.id, *ordered(each for each in ids if each != row.id)),
            title=row.title,
            abstract=abstract,
            published=None if row.published is None else PartialDate(row.published, published_source),
            venue=row.venue,
            categories=next((tuple(loads(each[3])) for each in records if each[3] is not None), None),
            authors=None if row.authors is None else tuple(authors),
            manifestations=_manifestations([each[4] for each in records if each[4] is not None]),
            references_stated=references_stated,
            citations_stated=row.citations_stated,
            source=records[0][0] if records else "",
            provenance=records[0][1] if records else None,
            standing=standing,
            open_access=open_access,
            tldr=tldr,
        ),
        judgement=judgement,
        measured=measured,
        decisions={criterion: each for criterion, each in sorted(latest.items()) if each.verdict is not None},
        history=tuple(history),
        sources=tuple([SourceRecord(source, provenance, time) for source, provenance, time, _, _ in records]),
        lists=tuple(lists),
        merged=tuple(merged),
        fetches=tuple(fetches),
        found=tuple(found),
    )


def nearest(id: str, around: Iterable[tuple[str, str]]) -> list[str]:
    """Work ids whose spelling comes closest, of (id, work id) that stand round `id`: the longest shared beginning."""
    scheme = id.index(":") + 1
    shared = sorted((-_shared(alias, id), alias, work) for alias, work in around)
    return list(dict.fromkeys(work for length, _, work in shared if -length > scheme))[:NEAREST]


def _shared(one: str, other: str) -> int:
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )


def _manifestations(stored: Sequence[str]) -> tuple[Manifestation, ...]:
    """Every manifestation once, with its latest version, as the first source that told of it."""
    known: dict[tuple[str, str], Manifestation] = {}
    for text in stored:
        for scheme, value, version, source in loads(text):
            before = known.get((scheme, value))
            if before is None or (version or 0) > (before.version or 0):
                known[scheme, value] = Manifestation(scheme, value, version, before.source if before else source)
    return tuple([known[key] for key in sorted(known)])
