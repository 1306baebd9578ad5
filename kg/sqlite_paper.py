"""One paper with everything known of it."""

from __future__ import annotations

import sqlite3
from json import loads
from typing import cast

from kg.answers import PaperDetails, SourceRecord
from kg.errors import InputError, NotFound
from kg.identity import normalise, ordered
from kg.model import (
    Author,
    Decision,
    Field,
    Judgement,
    Manifestation,
    Measured,
    Paper,
    PartialDate,
    Quantizer,
    Span,
    Specification,
    Tag,
    Verdict,
)
from kg.paper_filter import PaperFilter
from kg.sqlite_judge import spans
from kg.sqlite_papers import json_list
from kg.sqlite_read import ROW, ROW_JOINS, paper_row, papers

_ROW_WIDTH = 18
_NEAREST = 3

PAPER = (
    f"SELECT {ROW}, p.n, p.published_source, p.references_stated, r.abstract"
    f" FROM aliases AS a JOIN papers AS p ON p.n = a.paper {ROW_JOINS}"
    " LEFT JOIN records AS r ON r.n = p.abstract_record WHERE a.id = ?"
)
IDS = "SELECT id FROM aliases WHERE paper = ?"
RECORDS = (
    "SELECT source, provenance, time, categories, manifestations FROM records INDEXED BY records_paper"
    " WHERE paper = ? ORDER BY n"
)
AUTHORS = (
    "SELECT a.id, a.name, a.name_only FROM papers AS p JOIN wrote AS w ON w.record = p.authors_record"
    " JOIN authors AS a ON a.n = w.author WHERE p.n = ? ORDER BY w.position"
)
JUDGEMENT = (
    "SELECT include, look, token_type, token_type_evidence, rules, fields_read, text_sha256 FROM judgements"
    " WHERE paper = ?"
)
VERDICTS = (
    "SELECT criterion, verdict, evidence, reason, confidence FROM verdicts WHERE paper = ? AND verdict IS NOT NULL"
    " ORDER BY position"
)
TAGS = "SELECT topic, evidence, score FROM tags WHERE paper = ? ORDER BY position"
QUANTIZERS = 'SELECT kind, field, start, "end", text FROM quantizers WHERE paper = ? ORDER BY position'
MEASURED = "SELECT rules, fields_read, text_sha256 FROM measured WHERE paper = ?"
SPECIFICATIONS = (
    'SELECT quantity, value, status, role, field, start, "end", text, subject FROM specifications WHERE paper = ?'
    " ORDER BY position"
)
DECISIONS = (
    "SELECT criterion, verdict, reviewer, reason, time FROM decisions WHERE paper = ? ORDER BY time DESC, n DESC"
)
LISTS = "SELECT DISTINCT name FROM lists WHERE paper = ? ORDER BY name"
MERGED = (
    "SELECT m.absorbed_id FROM absorbed AS b JOIN merges AS m ON m.absorbed = b.work AND m.undone IS NULL"
    " WHERE b.paper = ? ORDER BY m.absorbed_id"
)
BY_NUMBER = (IDS, RECORDS, AUTHORS, VERDICTS, TAGS, QUANTIZERS, SPECIFICATIONS, DECISIONS, LISTS, MERGED)


def paper(con: sqlite3.Connection, spelling: str) -> PaperDetails:
    """Everything known of the paper that any of its ids names.

    Raises:
        NotFound: with ids of papers that the text could mean.
    """
    try:
        id = normalise(spelling)
    except InputError:
        raise NotFound("paper", spelling, nearest=_by_words(con, spelling)) from None
    found = con.execute(PAPER, (id,)).fetchone()
    if found is None:
        raise NotFound("paper", spelling, nearest=nearest(con, id))
    row = paper_row(found[:_ROW_WIDTH])
    n, published_source, references_stated, abstract = found[_ROW_WIDTH:]
    records = con.execute(RECORDS, (n,)).fetchall()
    history = tuple([Decision(row.id, *each) for each in con.execute(DECISIONS, (n,))])
    latest: dict[str, Decision] = {}
    for each in history:
        latest.setdefault(each.criterion, each)
    ids = [each for (each,) in con.execute(IDS, (n,)) if each != row.id]
    return PaperDetails(
        row=row,
        paper=Paper(
            ids=(row.id, *ordered(ids)),
            title=row.title,
            abstract=abstract,
            published=None if row.published is None else PartialDate(row.published, published_source),
            venue=row.venue,
            categories=next((json_list(each[3]) for each in records if each[3] is not None), None),
            authors=_authors(con, n, row.authors),
            manifestations=_manifestations([each[4] for each in records if each[4] is not None]),
            references_stated=references_stated,
            citations_stated=row.citations_stated,
            source=records[0][0] if records else "",
            provenance=records[0][1] if records else None,
        ),
        judgement=_judgement(con, n),
        measured=_measured(con, n),
        decisions={criterion: each for criterion, each in sorted(latest.items()) if each.verdict is not None},
        history=history,
        sources=tuple([SourceRecord(source, provenance, time) for source, provenance, time, _, _ in records]),
        lists=tuple([name for (name,) in con.execute(LISTS, (n,))]),
        merged=tuple([each for (each,) in con.execute(MERGED, (n,))]),
    )


def nearest(con: sqlite3.Connection, id: str) -> list[str]:
    """Work ids whose spelling comes closest: those that share the longest beginning."""
    around = [
        *con.execute(
            "SELECT a.id, p.id FROM aliases AS a JOIN papers AS p ON p.n = a.paper WHERE a.id >= ?"
            " ORDER BY a.id LIMIT ?",
            (id, _NEAREST),
        ),
        *con.execute(
            "SELECT a.id, p.id FROM aliases AS a JOIN papers AS p ON p.n = a.paper WHERE a.id < ?"
            " ORDER BY a.id DESC LIMIT ?",
            (id, _NEAREST),
        ),
    ]
    scheme = id.index(":") + 1
    shared = sorted((-_shared(alias, id), alias, work) for alias, work in around)
    return list(dict.fromkeys(work for length, _, work in shared if -length > scheme))[:_NEAREST]


def _by_words(con: sqlite3.Connection, text: str) -> list[str]:
    found = papers(con, PaperFilter(text=text, include=()), "relevance", 0, _NEAREST) if text.strip() else None
    return [] if found is None else [row.id for row in found.rows]


def _shared(one: str, other: str) -> int:
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )


def _authors(con: sqlite3.Connection, n: int, count: int | None) -> tuple[Author, ...] | None:
    if count is None:
        return None
    return tuple([Author(id, name, name_only == 1) for id, name, name_only in con.execute(AUTHORS, (n,))])


def _manifestations(stored: list[str]) -> tuple[Manifestation, ...]:
    """Every manifestation once, with its latest version, as the first source that told of it."""
    known: dict[tuple[str, str], Manifestation] = {}
    for text in stored:
        for scheme, value, version, source in loads(text):
            before = known.get((scheme, value))
            if before is None or (version or 0) > (before.version or 0):
                known[scheme, value] = Manifestation(scheme, value, version, before.source if before else source)
    return tuple([known[key] for key in sorted(known)])


def _judgement(con: sqlite3.Connection, n: int) -> Judgement | None:
    found = con.execute(JUDGEMENT, (n,)).fetchone()
    if found is None:
        return None
    include, look, token_type, token_type_evidence, rules, fields_read, digest = found
    return Judgement(
        include=include,
        look=look == 1,
        verdicts=tuple(
            [
                Verdict(criterion, verdict, spans(evidence), reason, confidence)
                for criterion, verdict, evidence, reason, confidence in con.execute(VERDICTS, (n,))
            ]
        ),
        topics=tuple([Tag(topic, spans(evidence), score) for topic, evidence, score in con.execute(TAGS, (n,))]),
        token_type=token_type,
        quantizers=tuple([Quantizer(kind, Span(*span)) for kind, *span in con.execute(QUANTIZERS, (n,))]),
        rules=rules,
        fields_read=_fields(fields_read),
        text_sha256=digest,
        token_type_evidence=spans(token_type_evidence),
    )


def _measured(con: sqlite3.Connection, n: int) -> Measured | None:
    found = con.execute(MEASURED, (n,)).fetchone()
    if found is None:
        return None
    rules, fields_read, digest = found
    return Measured(
        specifications=tuple(
            [
                Specification(quantity, value, status, role, None if span[0] is None else Span(*span), subject)
                for quantity, value, status, role, *span, subject in con.execute(SPECIFICATIONS, (n,))
            ]
        ),
        rules=rules,
        fields_read=_fields(fields_read),
        text_sha256=digest,
    )


def _fields(stored: str) -> tuple[Field, ...]:
    return tuple(cast(list[Field], stored.split(","))) if stored else ()
