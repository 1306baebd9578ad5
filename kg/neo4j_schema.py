"""Labels, keys and indexes of the graph on a server, and how an older graph becomes today's.

    (:Paper {id})                     a work; `:Stub` too when only its id is known
    (:Author)-[:WROTE]->(:Paper)      as the list that the paper shows
    (:Paper)-[:CITES]->(:Paper)       younger, sources, influential, intents
    (:Paper)-[:ABOUT]->(:Topic)       evidence, score
    (:Paper)-[:JUDGED]->(:Criterion)  verdict of the rules, `decided` by a person, `effective` of both
    (:Paper)-[:REPORTS]->(:Quantity)  value in the unit of the quantity, status, role, the words
    (:Paper)-[:QUANTIZES]->(:Quantizer)
    (:Paper)-[:IN_CLUSTER]->(:Cluster)
    (:Reviewer)-[:DECIDED]->(:Paper)  criterion, verdict, reason, time
    (:ReadingList)-[:HOLDS]->(:Paper)
    (:Record)-[:DESCRIBES]->(:Paper)  what one source told
    (:Alias)-[:NAMES]->(:Paper)       every other id
    (:Merge)-[:INTO]->(:Paper)        a work that was absorbed; without INTO it was undone
    (:Fetch)-[:ASKED]->(:Paper)       what a source was asked about it, and what came
    (:Finding)-[:FOUND]->(:Paper)     how it came to the atlas
    (:Vector)-[:PLACES]->(:Paper)     where a model places it, float32
    (:Run)-[:CHANGED]->(:Paper)       what a command changed: kind, field, old, new

`Told`, `Reading`, `Cursor` and `Quarantined` stand alone, and one `(:TokenAtlas)` is the marker: schema, revision,
counters. Every node has a `name`, which Neo4j Browser shows. Numbers `n` are those of works, records and authors inside
one graph; `work` says to whom something was told before merges, so that everything can go back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, LiteralString

if TYPE_CHECKING:
    import neo4j

BEFORE = 0
"""The schema of an empty database."""

SEARCH = "tokenatlas_search"
"""Name of the full-text index."""

_SCHEMA_1: tuple[LiteralString, ...] = (
    "CREATE CONSTRAINT tokenatlas_marker IF NOT EXISTS FOR (x:TokenAtlas) REQUIRE x.name IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_paper_id IF NOT EXISTS FOR (x:Paper) REQUIRE x.id IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_paper_n IF NOT EXISTS FOR (x:Paper) REQUIRE x.n IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_alias IF NOT EXISTS FOR (x:Alias) REQUIRE x.id IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_author_id IF NOT EXISTS FOR (x:Author) REQUIRE x.id IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_author_n IF NOT EXISTS FOR (x:Author) REQUIRE x.n IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_record IF NOT EXISTS FOR (x:Record) REQUIRE x.n IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_topic IF NOT EXISTS FOR (x:Topic) REQUIRE x.id IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_criterion IF NOT EXISTS FOR (x:Criterion) REQUIRE x.id IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_quantity IF NOT EXISTS FOR (x:Quantity) REQUIRE x.id IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_quantizer IF NOT EXISTS FOR (x:Quantizer) REQUIRE x.id IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_cluster IF NOT EXISTS FOR (x:Cluster) REQUIRE x.number IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_reviewer IF NOT EXISTS FOR (x:Reviewer) REQUIRE x.name IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_list IF NOT EXISTS FOR (x:ReadingList) REQUIRE x.name IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_merge IF NOT EXISTS FOR (x:Merge) REQUIRE x.number IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_told IF NOT EXISTS FOR (x:Told) REQUIRE (x.citing, x.cited) IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_cursor IF NOT EXISTS FOR (x:Cursor) REQUIRE (x.source, x.stream) IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_quarantined IF NOT EXISTS FOR (x:Quarantined) REQUIRE x.key IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_reading IF NOT EXISTS FOR (x:Reading) REQUIRE (x.work, x.kind) IS UNIQUE",
    "CREATE INDEX tokenatlas_told_cited IF NOT EXISTS FOR (x:Told) ON (x.cited)",
    "CREATE INDEX tokenatlas_paper_include IF NOT EXISTS FOR (x:Paper) ON (x.include)",
    "CREATE FULLTEXT INDEX tokenatlas_search IF NOT EXISTS FOR (x:Paper) ON EACH [x.search_text] OPTIONS {indexConfig:"
    " {`fulltext.analyzer`: 'whitespace', `fulltext.eventually_consistent`: false}}",
)

_SCHEMA_2: tuple[LiteralString, ...] = (
    "CREATE CONSTRAINT tokenatlas_run IF NOT EXISTS FOR (x:Run) REQUIRE x.number IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_fetch IF NOT EXISTS FOR (x:Fetch) REQUIRE (x.work, x.source, x.what) IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_finding IF NOT EXISTS FOR (x:Finding) REQUIRE x.key IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_vector IF NOT EXISTS FOR (x:Vector) REQUIRE (x.work, x.model) IS UNIQUE",
    "CREATE CONSTRAINT tokenatlas_change IF NOT EXISTS FOR ()-[x:CHANGED]-() REQUIRE x.n IS UNIQUE",
    "CREATE INDEX tokenatlas_fetch_work IF NOT EXISTS FOR (x:Fetch) ON (x.work)",
    "CREATE INDEX tokenatlas_vector_work IF NOT EXISTS FOR (x:Vector) ON (x.work)",
)

MIGRATIONS: tuple[tuple[int, str, Sequence[LiteralString]], ...] = (
    (1, "first keys", _SCHEMA_1),
    (2, "keys of fetches, findings, vectors, runs and changes", _SCHEMA_2),
)
"""(version it leads to, what it does, statements that may run twice). A released one never changes."""

SCHEMA = MIGRATIONS[-1][0]

_MARK = (
    "MERGE (m:TokenAtlas {name: 'Token Atlas'})"
    " ON CREATE SET m.schema = 0, m.revision = 0, m.marks = [], m.migrations = []"
    " WITH m WHERE m.schema < $version"
    " SET m.schema = $version, m.migrations = m.migrations + $note"
)


def migrate(session: neo4j.Session, found: int, time: str) -> None:
    """Bring the graph from schema `found` to today's.

    Keys are made one by one, since a server takes no data and no key in one transaction; every statement may run
    twice, so an interruption leaves what the next opening goes on from, and two who open at once do not disturb each
    other (the server sends one of them back to try again).
    """
    for version, note, statements in MIGRATIONS:
        if version <= found:
            continue
        for statement in statements:
            session.execute_write(_run, statement)
        session.run("CALL db.awaitIndexes(300)").consume()
        session.execute_write(_mark, version, f"{version} {note} {time}")


def _run(tx: neo4j.ManagedTransaction, statement: LiteralString) -> None:
    tx.run(statement).consume()


def _mark(tx: neo4j.ManagedTransaction, version: int, note: str) -> None:
    tx.run(_MARK, version=version, note=note).consume()
