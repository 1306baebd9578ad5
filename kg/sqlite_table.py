"""Whole columns of the store as Arrow tables, and texts in batches. No Python record per row."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from json import loads
from typing import TYPE_CHECKING, Any

from kg.checks import check_table
from kg.tables import TABLES, schema_of, vectors

if TYPE_CHECKING:
    import pyarrow as pa

_CHUNK = 20_000

_QUERIES = {
    "papers": (
        "SELECT p.id, p.title, p.year, p.published, p.venue, p.include, p.decided, p.token_type, p.topics, d.cited_by,"
        " d.refs, m.cluster FROM papers AS p JOIN degrees AS d ON d.paper = p.n"
        " LEFT JOIN cluster_members AS m ON m.paper = p.n WHERE p.stub = 0 ORDER BY p.id"
    ),
    "specifications": (
        "SELECT p.id, p.year, s.quantity, s.value, s.status, s.role, s.subject, s.text FROM specifications AS s"
        " JOIN papers AS p ON p.n = s.paper WHERE p.stub = 0 ORDER BY p.id, s.position"
    ),
    "quantizers": (
        "SELECT DISTINCT p.id, q.kind FROM quantizers AS q JOIN papers AS p ON p.n = q.paper WHERE p.stub = 0"
        " ORDER BY p.id, q.kind"
    ),
    "ids": "SELECT p.id, a.id FROM aliases AS a JOIN papers AS p ON p.n = a.paper ORDER BY p.id, a.id",
    "authors": (
        "SELECT p.id, w.position, a.name FROM papers AS p JOIN wrote AS w ON w.record = p.authors_record"
        " JOIN authors AS a ON a.n = w.author WHERE p.stub = 0 ORDER BY p.id, w.position"
    ),
    "leads": (
        "SELECT p.id AS paper, l.id AS lead, 'references' AS kind FROM cites AS c JOIN papers AS p ON p.n = c.citing"
        " JOIN papers AS l ON l.n = c.cited WHERE p.stub = 0 AND l.stub = 1 UNION ALL SELECT p.id, l.id, 'citations'"
        " FROM cites AS c JOIN papers AS p ON p.n = c.cited JOIN papers AS l ON l.n = c.citing"
        " WHERE p.stub = 0 AND l.stub = 1 ORDER BY paper, kind, lead"
    ),
    "stated": (
        "SELECT p.id, r.source, max(r.references_stated), max(r.citations_stated) FROM records AS r"
        " JOIN papers AS p ON p.n = r.paper WHERE r.references_stated IS NOT NULL OR r.citations_stated IS NOT NULL"
        " GROUP BY p.id, r.source ORDER BY p.id, r.source"
    ),
    "fetches": (
        "SELECT p.id, f.source, f.what, f.state, f.got, f.stated, f.time FROM fetches AS f"
        " JOIN papers AS p ON p.n = f.paper ORDER BY p.id, f.source, f.what, f.time, f.work"
    ),
    "found": (
        "SELECT p.id, f.how, f.source, f.detail, min(f.time) FROM found AS f JOIN papers AS p ON p.n = f.paper"
        " GROUP BY p.id, f.how, f.source, f.detail ORDER BY p.id, f.how, f.source, f.detail"
    ),
    "changes": (
        "SELECT c.run, p.id, c.kind, c.field, c.old, c.new, c.time FROM changes AS c JOIN papers AS p ON p.n = c.paper"
        " ORDER BY c.n"
    ),
    "records": (
        "SELECT p.id, r.source, r.title, r.published, CASE WHEN r.author_count IS NOT NULL THEN"
        " (SELECT json_group_array(name) FROM (SELECT x.name FROM wrote AS w JOIN authors AS x ON x.n = w.author"
        " WHERE w.record = r.n ORDER BY w.position)) END FROM records AS r JOIN papers AS p ON p.n = r.paper"
        " WHERE p.stub = 0 ORDER BY p.id, r.n"
    ),
}

_VECTORS = (
    "SELECT id, model, floats FROM (SELECT p.id, v.model, v.floats,"
    " row_number() OVER (PARTITION BY v.paper, v.model ORDER BY v.work <> v.paper, v.work) AS place"
    " FROM vectors AS v JOIN papers AS p ON p.n = v.paper) WHERE place = 1 ORDER BY id, model"
)
"""A paper shows the embedding of its own work before those of the works it absorbed."""

_CITATIONS = "SELECT citing, cited, younger, influential, sources, intents FROM cites"

TEXTS = (
    "SELECT p.id, p.title, r.abstract FROM papers AS p LEFT JOIN records AS r ON r.n = p.abstract_record"
    " WHERE p.stub = 0 AND p.id > :after {condition} ORDER BY p.id LIMIT :batch"
)
_UNREAD = (
    " AND NOT EXISTS (SELECT 1 FROM {table} AS t WHERE t.paper = p.n AND t.rules = {rules} AND (t.text_sha256 ="
    " p.text_sha256 OR (p.abstract_record IS NULL AND instr(t.fields_read, 'abstract') > 0)))"
)


def table(con: sqlite3.Connection, name: str) -> pa.Table:
    """A whole table, sorted by its key. Raises InputError for an unknown name."""
    import pyarrow as pa

    check_table(name, TABLES)
    if name == "citations":
        return _citations(con)
    if name == "vectors":
        rows = con.execute(_VECTORS).fetchall()
        return vectors(*zip(*rows, strict=True)) if rows else schema_of(name).empty_table()
    schema = schema_of(name)
    reading = [_reader(field.type) for field in schema]
    cursor = con.execute(_QUERIES[name])
    batches = []
    while rows := cursor.fetchmany(_CHUNK):
        columns = zip(*rows, strict=True)
        batches.append(
            pa.record_batch(
                [
                    pa.array(read(column), type=field.type)
                    for read, column, field in zip(reading, columns, schema, strict=True)
                ],
                schema=schema,
            )
        )
    return pa.Table.from_batches(batches, schema=schema)


def _citations(con: sqlite3.Connection) -> pa.Table:
    """Citations between papers, by ids. Joined and sorted as numbers: as text that takes ten times as long."""
    import numpy as np
    import pyarrow as pa

    schema = schema_of("citations")
    papers = con.execute("SELECT n, id FROM papers WHERE stub = 0 ORDER BY id").fetchall()
    ids = pa.array([id for _, id in papers], type=pa.string())
    ranks = np.full(con.execute("SELECT coalesce(max(n), 0) + 1 FROM papers").fetchone()[0], -1, dtype=np.int32)
    ranks[np.fromiter((n for n, _ in papers), dtype=np.int64, count=len(papers))] = np.arange(len(papers))
    lists: dict[str | None, int] = {}
    parts: list[list[Any]] = [[] for _ in schema]
    cursor = con.execute(_CITATIONS)
    while rows := cursor.fetchmany(_CHUNK):
        column = tuple(zip(*rows, strict=True))
        parts[0].append(ranks[np.array(column[0])])
        parts[1].append(ranks[np.array(column[1])])
        parts[2].append(np.array(column[2], dtype=np.int8))
        parts[3].append(_codes(column[4], lists))
        parts[4].append(np.array([-1 if each is None else each for each in column[3]], dtype=np.int8))
        parts[5].append(_codes(column[5], lists))
    if not papers or not parts[0]:
        return schema.empty_table()
    citing, cited, younger, sources, influential, intents = (np.concatenate(part) for part in parts)
    kept = np.flatnonzero((citing >= 0) & (cited >= 0))
    order = kept[np.lexsort((cited[kept], citing[kept]))]
    values = pa.array([None if text is None else loads(text) for text in lists], type=pa.list_(pa.string()))
    columns = [
        ids.take(pa.array(citing[order])),
        ids.take(pa.array(cited[order])),
        pa.array(younger[order] == 1),
        values.take(pa.array(sources[order])),
        pa.array(influential[order] == 1, mask=influential[order] < 0),
        values.take(pa.array(intents[order])),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _codes(column: tuple[str | None, ...], known: dict[str | None, int]) -> Any:
    """Numbers for the different values of a column; a column has few."""
    import numpy as np

    for text in set(column).difference(known):
        known[text] = len(known)
    return np.fromiter(map(known.__getitem__, column), dtype=np.int32, count=len(column))


def _reader(kind: Any) -> Callable[[tuple[Any, ...]], Any]:
    import pyarrow as pa

    if pa.types.is_list(kind):
        return _lists
    if pa.types.is_boolean(kind):
        return lambda column: [None if value is None else value == 1 for value in column]
    return lambda column: column


def _lists(column: tuple[str | None, ...]) -> list[list[str] | None]:
    # A column has few different lists, so each is parsed once.
    known: dict[str | None, list[str] | None] = {text: None if text is None else loads(text) for text in set(column)}
    return [known[text] for text in column]


def texts(
    con: sqlite3.Connection, after: str, batch: int, unjudged_by: str | None, unmeasured_by: str | None
) -> list[tuple[str, str | None, str | None]]:
    """The next texts after an id.

    Rules that read a title together with an abstract that is not kept here have read the title too.
    """
    sql = ""
    if unjudged_by is not None:
        sql += _UNREAD.format(table="judgements", rules=":judge")
    if unmeasured_by is not None:
        sql += _UNREAD.format(table="measured", rules=":measure")
    found: list[tuple[str, str | None, str | None]] = con.execute(
        TEXTS.format(condition=sql),
        {"after": after, "batch": batch, "judge": unjudged_by, "measure": unmeasured_by},
    ).fetchall()
    return found
