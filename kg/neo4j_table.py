"""Whole columns of the graph as Arrow tables, and texts in batches. Rows come collected, many in one record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kg.batch_told import packed
from kg.checks import check_table
from kg.neo4j_engine import Transaction
from kg.tables import TABLES, schema_of, vectors

if TYPE_CHECKING:
    import pyarrow as pa

_CHUNK = 5_000

_QUERIES = {
    "papers": (
        "MATCH (p:Paper) WHERE NOT p:Stub AND p.id > $after WITH p ORDER BY p.id LIMIT $chunk"
        " RETURN collect(p.id), collect([p.title]), collect([p.year]), collect([p.published]), collect([p.venue]),"
        " collect([p.include]), collect(p.decided), collect([p.token_type]), collect(coalesce(p.topics, [])),"
        " collect(p.cited_by), collect(p.references), collect([p.cluster])"
    ),
    "specifications": (
        "MATCH (p:Paper)-[x:REPORTS]->(y) WHERE NOT p:Stub WITH p, x, y ORDER BY p.id, x.position"
        " RETURN p.id, p.year, collect([y.id, x.value, x.status, x.role, x.subject, x.text])"
    ),
    "quantizers": (
        "MATCH (p:Paper)-[:QUANTIZES]->(y) WHERE NOT p:Stub WITH DISTINCT p, y ORDER BY p.id, y.id"
        " RETURN p.id, collect(y.id)"
    ),
}

_OF_PAPERS = {
    "ids": "[[p.id]] + COLLECT { MATCH (x:Alias)-[:NAMES]->(p) RETURN [x.id] }",
    "authors": "COLLECT { MATCH (x:Author)-[w:WROTE]->(p) RETURN [w.position, x.name] }",
    "records": (
        "COLLECT { MATCH (x:Record)-[:DESCRIBES]->(p) RETURN [x.n, x.source, x.title, x.published, x.authors]"
        " ORDER BY x.n }"
    ),
    "leads": (
        "COLLECT { MATCH (p)-[:CITES]->(x:Stub) RETURN ['references', x.id] }"
        " + COLLECT { MATCH (p)<-[:CITES]-(x:Stub) RETURN ['citations', x.id] }"
    ),
    "stated": (
        "COLLECT { MATCH (x:Record)-[:DESCRIBES]->(p) WITH x.source AS source, max(x.references_stated) AS references,"
        " max(x.citations_stated) AS citations WHERE references IS NOT NULL OR citations IS NOT NULL"
        " RETURN [source, references, citations] }"
    ),
    "fetches": (
        "COLLECT { MATCH (x:Fetch)-[:ASKED]->(p) RETURN [x.source, x.what, x.time, x.work, x.state, x.got, x.stated] }"
    ),
    "found": (
        "COLLECT { MATCH (x:Finding)-[:FOUND]->(p) WITH x.how AS how, x.source AS source, x.detail AS detail,"
        " min(x.time) AS time RETURN [how, source, detail, time] }"
    ),
    "vectors": "COLLECT { MATCH (x:Vector)-[:PLACES]->(p) RETURN [x.model, x.work <> p.n, x.work, x.values] }",
}
"""Tables of which a paper has several rows, and what gives those of one `p`, its key first."""

_NOT_OF_STUBS = {"authors", "records", "leads"}

CHANGES = (
    "MATCH (x:Run)-[c:CHANGED]->(p:Paper) RETURN x.number, p.id, c.kind, c.field, c.old, c.new, c.time ORDER BY c.n"
)

IDS = "MATCH (p:Paper) WHERE NOT p:Stub RETURN collect(p.n), collect(p.id), max(p.n)"
CITATIONS = (
    "MATCH (a:Paper)-[c:CITES]->(b:Paper) WHERE NOT a:Stub AND NOT b:Stub"
    " RETURN a.n, c.sources, c.intents, c.influential, collect(b.n), collect(c.younger)"
)
"""Collected per paper and per combination of what citations carry, of which there are few."""

_UNREAD = (
    " AND NOT (coalesce(p.{rules} = ${name}, false) AND (coalesce(p.{digest} = p.text_sha256, false)"
    " OR (p.abstract IS NULL AND coalesce(p.{fields} CONTAINS 'abstract', false))))"
)


def table(tx: Transaction, name: str) -> pa.Table:
    """A whole table, sorted by its key. Raises InputError for an unknown name."""
    check_table(name, TABLES)
    if name in _OF_PAPERS:
        return _of_papers(tx, name)
    return {
        "papers": _papers, "citations": _citations, "specifications": _specifications, "quantizers": _quantizers,
        "changes": _changes,
    }[name](tx)  # fmt: skip


def _papers(tx: Transaction) -> pa.Table:
    import pyarrow as pa

    schema = schema_of("papers")
    batches: list[pa.RecordBatch] = []
    after = ""
    while True:
        columns = tx.rows(_QUERIES["papers"], after=after, chunk=_CHUNK)[0]
        if not columns[0]:
            return pa.Table.from_batches(batches, schema=schema)
        after = columns[0][-1]
        # collect() leaves out null, so what may be unknown comes in lists of one.
        arrays = [
            pa.array(_opened(column) if field.name in _UNKNOWN else column, type=field.type)
            for column, field in zip(columns, schema, strict=True)
        ]
        batches.append(pa.record_batch(arrays, schema=schema))


_UNKNOWN = {"title", "year", "published", "venue", "include", "token_type", "cluster"}


def _opened(column: Sequence[Sequence[Any]]) -> list[Any]:
    return [value for (value,) in column]


def _citations(tx: Transaction) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    schema = schema_of("citations")
    numbers, names, last = tx.rows(IDS)[0]
    rows = tx.rows(CITATIONS)
    if not rows:
        return schema.empty_table()
    order = sorted(range(len(names)), key=names.__getitem__)
    ids = pa.array([names[at] for at in order], type=pa.string())
    ranks = np.full(last + 1, -1, dtype=np.int64)
    ranks[np.array(numbers, dtype=np.int64)[order]] = np.arange(len(order))
    lengths = [len(row[4]) for row in rows]
    citing = np.repeat(ranks[[row[0] for row in rows]], lengths)
    cited = ranks[np.fromiter((n for row in rows for n in row[4]), dtype=np.int64, count=sum(lengths))]
    younger = np.fromiter((each for row in rows for each in row[5]), dtype=np.bool_, count=sum(lengths))
    carried = np.repeat(np.arange(len(rows)), lengths)
    by = np.lexsort((cited, citing))
    from_row = pa.array(carried[by])
    columns = [
        ids.take(pa.array(citing[by])),
        ids.take(pa.array(cited[by])),
        pa.array(younger[by]),
        pa.array([row[1] for row in rows], type=pa.list_(pa.string())).take(from_row),
        pa.array([row[3] for row in rows], type=pa.bool_()).take(from_row),
        pa.array([row[2] for row in rows], type=pa.list_(pa.string())).take(from_row),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _specifications(tx: Transaction) -> pa.Table:
    rows = [(id, year, *each) for id, year, several in tx.rows(_QUERIES["specifications"]) for each in several]
    return _rows("specifications", rows)


def _quantizers(tx: Transaction) -> pa.Table:
    import pyarrow as pa

    rows = [(id, kind) for id, kinds in tx.rows(_QUERIES["quantizers"]) for kind in kinds]
    columns = list(zip(*rows, strict=True)) if rows else [(), ()]
    schema = schema_of("quantizers")
    return pa.Table.from_arrays([pa.array(column, type=pa.string()) for column in columns], schema=schema)


def _changes(tx: Transaction) -> pa.Table:
    return _rows("changes", tx.rows(CHANGES))


def _of_papers(tx: Transaction, name: str) -> pa.Table:
    """A table of which a paper has several rows."""
    if name == "vectors":
        return _vectors(tx)
    names = dict(tx.rows("MATCH (a:Author) RETURN a.n, a.name")) if name == "records" else {}
    rows: list[tuple[object, ...]] = []
    for paper, several in _in_chunks(tx, name):
        for each in sorted(several, key=_KEYS.get(name, _first)):
            if name == "records":
                _, *told, authors = each
                each = [*told, None if authors is None else [names[n] for n in authors]]
            elif name == "leads":
                each = each[::-1]
            elif name == "fetches":
                source, what, time, _, state, got, stated = each
                each = [source, what, state, got, stated, time]
            rows.append((paper, *each))
    return _rows(name, rows)


def _first(row: Sequence[Any]) -> Any:
    return row[0]


_KEYS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "leads": tuple, "found": tuple, "fetches": lambda row: tuple(row[:4])
}  # fmt: skip


def _vectors(tx: Transaction) -> pa.Table:
    """A paper shows the embedding of its own work before those of the works it absorbed."""
    rows = []
    for paper, several in _in_chunks(tx, "vectors"):
        known: set[str] = set()
        for model, _, _, values in sorted(several, key=lambda row: row[:3]):
            if model not in known:
                known.add(model)
                rows.append((paper, model, packed(paper, values)))
    return vectors(*zip(*rows, strict=True)) if rows else schema_of("vectors").empty_table()


def _in_chunks(tx: Transaction, name: str) -> Iterator[list[Any]]:
    """(id, rows) of the papers, by id."""
    stubs = " AND NOT p:Stub" if name in _NOT_OF_STUBS else ""
    after = ""
    while rows := tx.rows(
        f"MATCH (p:Paper) WHERE p.id > $after{stubs} WITH p ORDER BY p.id LIMIT $chunk RETURN p.id, {_OF_PAPERS[name]}",
        after=after,
        chunk=_CHUNK,
    ):
        yield from rows
        after = rows[-1][0]


def _rows(name: str, rows: Sequence[Sequence[object]]) -> pa.Table:
    import pyarrow as pa

    schema = schema_of(name)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.Table.from_arrays(
        [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def texts(
    tx: Transaction, after: str, batch: int, unjudged_by: str | None, unmeasured_by: str | None
) -> list[tuple[str, str | None, str | None]]:
    """The next texts after an id.

    Rules that read a title together with an abstract that is not kept here have read the title too.
    """
    unread = ""
    if unjudged_by is not None:
        unread += _UNREAD.format(rules="rules", name="judge", digest="judged_sha256", fields="fields_read")
    if unmeasured_by is not None:
        unread += _UNREAD.format(
            rules="measured_rules", name="measure", digest="measured_sha256", fields="measured_fields"
        )
    return [
        (id, title, abstract)
        for id, title, abstract in tx.rows(
            f"MATCH (p:Paper) WHERE p.id > $after AND NOT p:Stub{unread}"
            " RETURN p.id, p.title, p.abstract ORDER BY p.id LIMIT $batch",
            after=after,
            batch=batch,
            judge=unjudged_by,
            measure=unmeasured_by,
        )
    ]
