"""One paper with everything known of it."""

from __future__ import annotations

import sqlite3

from kg.answers import PaperDetails
from kg.batch_readings import judgement, measured
from kg.details import NEAREST, details
from kg.details import nearest as nearest_of
from kg.errors import InputError, NotFound
from kg.identity import normalise
from kg.model import Author, Decision, Fetch, Found, Judgement, Measured
from kg.paper_filter import PaperFilter
from kg.sqlite_read import ROW, ROW_JOINS, paper_row, papers

_ROW_WIDTH = 18

PAPER = (
    f"SELECT {ROW}, p.n, p.published_source, p.references_stated, p.standing, p.open_access, p.tldr, r.abstract"
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
    "SELECT criterion, position, verdict, evidence, reason, confidence FROM verdicts WHERE paper = ?"
    " AND verdict IS NOT NULL ORDER BY position"
)
TAGS = "SELECT topic, position, evidence, score FROM tags WHERE paper = ? ORDER BY position"
QUANTIZERS = 'SELECT position, kind, field, start, "end", text FROM quantizers WHERE paper = ? ORDER BY position'
MEASURED = "SELECT rules, fields_read, text_sha256 FROM measured WHERE paper = ?"
SPECIFICATIONS = (
    'SELECT position, quantity, value, status, role, subject, field, start, "end", text FROM specifications'
    " WHERE paper = ? ORDER BY position"
)
DECISIONS = (
    "SELECT criterion, verdict, reviewer, reason, time FROM decisions WHERE paper = ? ORDER BY time DESC, n DESC"
)
LISTS = "SELECT DISTINCT name FROM lists WHERE paper = ? ORDER BY name"
MERGED = (
    "SELECT m.absorbed_id FROM absorbed AS b JOIN merges AS m ON m.absorbed = b.work AND m.undone IS NULL"
    " WHERE b.paper = ? ORDER BY m.absorbed_id"
)
FETCHES = "SELECT source, what, state, got, stated, time FROM fetches WHERE paper = ? ORDER BY source, what, time, work"
FOUND = (
    "SELECT how, source, detail, min(time) FROM found WHERE paper = ? GROUP BY how, source, detail"
    " ORDER BY min(time), how, source, detail"
)
_JUDGED = (("verdicts", VERDICTS), ("tags", TAGS), ("quantizers", QUANTIZERS))
BY_NUMBER = (
    IDS, RECORDS, AUTHORS, VERDICTS, TAGS, QUANTIZERS, SPECIFICATIONS, DECISIONS, LISTS, MERGED, FETCHES, FOUND,
)  # fmt: skip


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
    n, published_source, references_stated, standing, open_access, tldr, abstract = found[_ROW_WIDTH:]
    return details(
        row,
        ids=[each for (each,) in con.execute(IDS, (n,))],
        abstract=abstract,
        published_source=published_source,
        references_stated=references_stated,
        standing=standing,
        open_access=open_access,
        tldr=None if tldr is None else tldr == 1,
        records=con.execute(RECORDS, (n,)).fetchall(),
        authors=[Author(id, name, name_only == 1) for id, name, name_only in con.execute(AUTHORS, (n,))],
        judgement=_judgement(con, n),
        measured=_measured(con, n),
        history=[Decision(row.id, *each) for each in con.execute(DECISIONS, (n,))],
        lists=[name for (name,) in con.execute(LISTS, (n,))],
        merged=[each for (each,) in con.execute(MERGED, (n,))],
        fetches=[Fetch(row.id, *each) for each in con.execute(FETCHES, (n,))],
        found=[Found(row.id, *each) for each in con.execute(FOUND, (n,))],
    )


def nearest(con: sqlite3.Connection, id: str) -> list[str]:
    """Work ids whose spelling comes closest: those that share the longest beginning."""
    around = [
        *con.execute(
            "SELECT a.id, p.id FROM aliases AS a JOIN papers AS p ON p.n = a.paper WHERE a.id >= ?"
            " ORDER BY a.id LIMIT ?",
            (id, NEAREST),
        ),
        *con.execute(
            "SELECT a.id, p.id FROM aliases AS a JOIN papers AS p ON p.n = a.paper WHERE a.id < ?"
            " ORDER BY a.id DESC LIMIT ?",
            (id, NEAREST),
        ),
    ]
    return nearest_of(id, around)


def _by_words(con: sqlite3.Connection, text: str) -> list[str]:
    found = papers(con, PaperFilter(text=text, include=()), "relevance", 0, NEAREST) if text.strip() else None
    return [] if found is None else [row.id for row in found.rows]


def _judgement(con: sqlite3.Connection, n: int) -> Judgement | None:
    found = con.execute(JUDGEMENT, (n,)).fetchall()
    if not found:
        return None
    of = {name: con.execute(sql, (n,)).fetchall() for name, sql in _JUDGED}
    return judgement({"judgements": found, **of})


def _measured(con: sqlite3.Connection, n: int) -> Measured | None:
    found = con.execute(MEASURED, (n,)).fetchall()
    return (
        measured({"measured": found, "specifications": con.execute(SPECIFICATIONS, (n,)).fetchall()}) if found else None
    )
