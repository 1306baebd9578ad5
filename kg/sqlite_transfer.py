"""A SQLite store as rows of `kg.transfer`, and back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from json import dumps, loads

from kg.batch_readings import JUDGED, MEASURED
from kg.combine import listed
from kg.sqlite_engine import Engine
from kg.sqlite_judge import redecide
from kg.sqlite_papers import put_contexts, refresh
from kg.sqlite_readings import put, rows_of_reading, summarise
from kg.transfer import Page, Row

Changing = Callable[[str], AbstractContextManager[tuple[sqlite3.Connection, list[bool]]]]

PAGE = 2_000
"""Papers, authors or records of one page."""

_PAGED = {
    "authors": "SELECT n, n, id, name, name_only FROM authors WHERE n > ? ORDER BY n LIMIT ?",
    "papers": "SELECT n, n, id FROM papers WHERE n > ? ORDER BY n LIMIT ?",
    "records": (
        "SELECT r.n, r.n, r.paper, r.work, r.time, r.source, r.provenance, r.title, r.abstract, r.published,"
        " r.published_source, r.venue, r.categories, r.manifestations, CASE WHEN r.author_count IS NOT NULL THEN"
        " (SELECT json_group_array(author) FROM (SELECT author FROM wrote WHERE record = r.n ORDER BY position)) END,"
        " r.references_stated, r.citations_stated, r.standing, r.open_access, r.tldr FROM records AS r WHERE r.n > ?"
        " ORDER BY r.n LIMIT ?"
    ),
    "changes": (
        "SELECT n, n, run, paper, work, kind, field, old, new, time FROM changes WHERE n > ? ORDER BY n LIMIT ?"
    ),
}
"""First the position, then the columns of the section."""

_OF_PAPERS = {
    "aliases": (
        "SELECT a.id, a.paper, a.work FROM aliases AS a JOIN papers AS p ON p.n = a.paper"
        " WHERE a.paper BETWEEN ? AND ? AND a.id <> p.id ORDER BY a.paper, a.id"
    ),
    "citations": (
        "SELECT c.citing, c.cited, c.younger, c.sources, c.influential, c.intents, x.contexts FROM cites AS c"
        " LEFT JOIN contexts AS x ON x.citing = c.citing AND x.cited = c.cited WHERE c.citing BETWEEN ? AND ?"
        " ORDER BY c.citing, c.cited"
    ),
    "fetches": (
        "SELECT work, paper, source, what, state, got, stated, time FROM fetches WHERE paper BETWEEN ? AND ?"
        " ORDER BY paper, work, source, what"
    ),
    "found": (
        "SELECT work, paper, how, source, detail, time FROM found WHERE paper BETWEEN ? AND ?"
        " ORDER BY paper, work, how, source, detail"
    ),
    "vectors": (
        "SELECT work, paper, model, floats FROM vectors WHERE paper BETWEEN ? AND ? ORDER BY paper, work, model"
    ),
}
_PART = "SELECT max(n) FROM (SELECT n FROM papers WHERE n > ? ORDER BY n LIMIT ?)"

_WHOLE = {
    "decisions": "SELECT n, paper, work, criterion, verdict, reviewer, reason, time FROM decisions ORDER BY n",
    "merges": (
        "SELECT m.number, m.kept, m.kept_id, m.absorbed, m.absorbed_id, m.reason, m.time, m.undone, a.paper"
        " FROM merges AS m LEFT JOIN absorbed AS a ON a.work = m.absorbed AND m.undone IS NULL ORDER BY m.number"
    ),
    "told": "SELECT citing, cited, sources, influential, intents, contexts FROM told ORDER BY citing, cited",
    "readings": "SELECT work, kind, rows FROM readings ORDER BY work, kind",
    "lists": "SELECT name, work, paper FROM lists ORDER BY name, work",
    "clusters": "SELECT number, run, label, terms, size, stability FROM clusters ORDER BY number",
    "members": "SELECT paper, cluster FROM cluster_members ORDER BY paper",
    "cursors": "SELECT source, stream, position, time, done FROM cursors ORDER BY source, stream",
    "quarantined": "SELECT n, source, id, title, reason, provenance, time FROM quarantine ORDER BY n",
    "runs": "SELECT number, command, started, ended, state, rules, protocol, counts FROM runs ORDER BY number",
    "meta": "SELECT value FROM meta WHERE name = 'last_ingest'",
}

_BOOLEAN = {"authors": (3,), "records": (18,), "citations": (2, 4), "told": (3,), "cursors": (4,)}
"""Positions of truth values, which SQLite keeps as numbers."""

_INSERT: dict[str, tuple[tuple[str, tuple[int, ...]], ...]] = {
    "authors": (("INSERT INTO authors (n, id, name, name_only)", (0, 1, 2, 3)),),
    "aliases": (("INSERT INTO aliases (id, paper, work)", (0, 1, 2)),),
    "citations": (("INSERT INTO cites (citing, cited, younger, sources, influential, intents)", (0, 1, 2, 3, 4, 5)),),
    "decisions": (
        (
            "INSERT INTO decisions (n, paper, work, criterion, verdict, reviewer, reason, time)",
            (0, 1, 2, 3, 4, 5, 6, 7),
        ),
    ),
    "merges": (
        (
            "INSERT INTO merges (number, kept, kept_id, absorbed, absorbed_id, reason, time, undone)",
            (0, 1, 2, 3, 4, 5, 6, 7),
        ),
    ),
    "told": (("INSERT INTO told (citing, cited, sources, influential, intents, contexts)", (0, 1, 2, 3, 4, 5)),),
    "readings": (("INSERT INTO readings (work, kind, rows)", (0, 1, 2)),),
    "lists": (("INSERT INTO lists (name, work, paper)", (0, 1, 2)),),
    "clusters": (("INSERT INTO clusters (number, run, label, terms, size, stability)", (0, 1, 2, 3, 4, 5)),),
    "members": (("INSERT INTO cluster_members (paper, cluster)", (0, 1)),),
    "cursors": (("INSERT INTO cursors (source, stream, position, time, done)", (0, 1, 2, 3, 4)),),
    "quarantined": (
        ("INSERT INTO quarantine (n, source, id, title, reason, provenance, time)", (0, 1, 2, 3, 4, 5, 6)),
    ),
    "runs": (
        (
            "INSERT INTO runs (number, command, started, ended, state, rules, protocol, counts)",
            (0, 1, 2, 3, 4, 5, 6, 7),
        ),
    ),
    "changes": (
        (
            "INSERT INTO changes (n, run, paper, work, kind, field, old, new, time)",
            (0, 1, 2, 3, 4, 5, 6, 7, 8),
        ),
    ),
    "fetches": (
        (
            "INSERT INTO fetches (work, paper, source, what, state, got, stated, time)",
            (0, 1, 2, 3, 4, 5, 6, 7),
        ),
    ),
    "found": (("INSERT INTO found (work, paper, how, source, detail, time)", (0, 1, 2, 3, 4, 5)),),
    "vectors": (("INSERT INTO vectors (work, paper, model, floats)", (0, 1, 2, 3)),),
}
"""Statements of a section, each with the columns that it takes."""

_TABLES = (
    "changes", "runs", "fetches", "found", "vectors", "contexts", "wrote", "records", "authors", "cites", "told",
    *JUDGED, *MEASURED, "readings", "decisions", "absorbed", "merges", "lists", "cluster_members", "clusters",
    "cursors", "quarantine", "aliases", "degrees", "papers",
)  # fmt: skip
"""Every table of ours, those that refer before those that are referred to."""


class SqliteTransfer:
    """One file, as rows."""

    def __init__(self, engine: Engine, changing: Changing) -> None:
        self._engine = engine
        self._changing = changing

    def mark(self) -> str | None:
        with self._engine.reading("mark") as con:
            found = con.execute("SELECT value FROM meta WHERE name = 'copy'").fetchone()
        return None if found is None else found[0]

    def wipe(self, mark: str) -> None:
        with self._changing("wipe") as (con, changed):
            for table in _TABLES:
                con.execute(f"DELETE FROM {table}")
            con.execute("DELETE FROM sqlite_sequence")
            con.execute("INSERT INTO search (search) VALUES ('delete-all')")
            con.execute("UPDATE meta SET value = NULL WHERE name = 'last_ingest'")
            _mark(con, mark)
            changed.append(True)

    def dump(self, section: str, after: int) -> Page:
        with self._engine.reading("dump") as con:
            if section in _PAGED:
                found = con.execute(_PAGED[section], (after, PAGE)).fetchall()
                last = found[-1][0] if len(found) == PAGE else None
                return [_plain(section, row[1:]) for row in found], last
            if section in _WHOLE:
                return [_plain(section, row) for row in con.execute(_WHOLE[section])], None
            (last,) = con.execute(_PART, (after, PAGE)).fetchone()
            if last is None:
                return [], None
            if section in _OF_PAPERS:
                return [_plain(section, row) for row in con.execute(_OF_PAPERS[section], (after + 1, last))], last
            tables = JUDGED if section == "judgements" else MEASURED
            papers = [
                n for (n,) in con.execute(
                    f"SELECT paper FROM {section} WHERE paper BETWEEN ? AND ? ORDER BY paper", (after + 1, last)
                )
            ]  # fmt: skip
            return [(n, dumps(rows_of_reading(con, tables, n), ensure_ascii=False)) for n in papers], last

    def restore(self, section: str, rows: Sequence[Row], mark: str) -> None:
        with self._changing("restore") as (con, changed):
            if section == "records":
                _insert_records(con, rows)
            elif section == "papers":
                con.executemany("INSERT INTO papers (n, id, stub) VALUES (?, ?, 1)", rows)
                con.executemany("INSERT INTO degrees (paper) VALUES (?)", [row[:1] for row in rows])
                con.executemany(
                    "INSERT INTO aliases (id, paper, work) VALUES (?, ?, ?)", [(r[1], r[0], r[0]) for r in rows]
                )
            elif section == "meta":
                con.executemany("UPDATE meta SET value = ? WHERE name = 'last_ingest'", rows)
            elif section in ("judgements", "measured"):
                for n, text in rows:
                    put(con, JUDGED if section == "judgements" else MEASURED, n, loads(text))
                    summarise(con, n)
            else:
                for statement, places in _INSERT[section]:
                    marks = ", ".join("?" * len(places))
                    con.executemany(f"{statement} VALUES ({marks})", [[row[at] for at in places] for row in rows])
                if section == "citations":
                    put_contexts(con, {row[:2]: row[6] for row in rows if row[6] is not None})
                if section == "merges":
                    standing = [(row[3], row[8]) for row in rows if row[8] is not None]
                    con.executemany("INSERT INTO absorbed (work, paper) VALUES (?, ?)", standing)
            _mark(con, mark)
            changed.append(True)

    def settle(self, after: int, mark: Callable[[int], str]) -> int | None:
        with self._changing("settle") as (con, changed):
            papers = [n for (n,) in con.execute("SELECT n FROM papers WHERE n > ? ORDER BY n LIMIT ?", (after, PAGE))]
            if papers:
                refresh(con, papers, {})
                redecide(con, papers)
                _mark(con, mark(papers[-1]))
                changed.append(True)
        return papers[-1] if papers else None


def _plain(section: str, row: tuple[object, ...]) -> Row:
    if section == "records":
        values = list(row)
        values[13] = None if values[13] is None else loads(str(values[13]))
        row = tuple(values)
    if section == "clusters":
        return (*row[:3], listed(tuple(loads(str(row[3])))), *row[4:])
    places = _BOOLEAN.get(section, ())
    return tuple([None if value is None else value == 1 if at in places else value for at, value in enumerate(row)])


def _insert_records(con: sqlite3.Connection, rows: Iterable[Row]) -> None:
    con.executemany(
        "INSERT INTO records (n, paper, work, time, source, provenance, title, abstract, published, published_source,"
        " venue, categories, manifestations, author_count, references_stated, citations_stated, standing, open_access,"
        " tldr) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*row[:13], None if row[13] is None else len(row[13]), *row[14:]) for row in rows],
    )
    con.executemany(
        "INSERT INTO wrote (record, position, author) VALUES (?, ?, ?)",
        [(row[0], at, author) for row in rows for at, author in enumerate(row[13] or ())],
    )


def _mark(con: sqlite3.Connection, mark: str) -> None:
    con.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('copy', ?)", (mark,))
