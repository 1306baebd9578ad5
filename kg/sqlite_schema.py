"""Tables of the embedded store, and how an older file becomes today's.

Works have a number (`n`) inside one file; ids are text in `aliases`. What a source says of a work stands in `records`
as it was told; `papers` holds what follows from the records together (`kg.combine`) and what lists show, so a page is
read from one table. Long texts and authors are not copied: `papers` names the record they come from. A work that was
merged into another keeps its number in `work` columns, so that everything can go back; `paper` is where it counts now.

Every migration runs in one transaction with its note. A released one never changes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

APPLICATION = 0x544B4154
"""Marks a file as ours ("TKAT")."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: the schema version it leads to, what it does in words, and doing it."""

    version: int
    note: str
    apply: Callable[[sqlite3.Connection], None]


_SCHEMA_1 = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('revision', 0), ('search_text', NULL), ('last_ingest', NULL);

CREATE TABLE migrations (version INTEGER PRIMARY KEY, note TEXT NOT NULL, time TEXT NOT NULL) STRICT;

CREATE TABLE papers (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    stub INTEGER NOT NULL CHECK (stub IN (0, 1)),
    title TEXT,
    sort_title TEXT,
    published TEXT,
    published_source TEXT,
    year INTEGER,
    venue TEXT,
    first_author TEXT,
    author_count INTEGER,
    references_stated INTEGER,
    citations_stated INTEGER,
    abstract_record INTEGER,
    authors_record INTEGER,
    text_sha256 TEXT,
    include TEXT CHECK (include IN ('include', 'exclude', 'unclear')),
    decided INTEGER NOT NULL DEFAULT 0,
    token_type TEXT,
    topics TEXT NOT NULL DEFAULT '[]',
    quantizers TEXT NOT NULL DEFAULT '[]',
    bitrates TEXT NOT NULL DEFAULT '[]',
    lowest_bitrate REAL,
    CHECK (stub = 1 OR title IS NOT NULL)
) STRICT;
CREATE INDEX papers_newest ON papers (published DESC, id) WHERE stub = 0;
CREATE INDEX papers_verdict ON papers (include, published DESC, id) WHERE stub = 0;

CREATE TABLE degrees (
    paper INTEGER PRIMARY KEY REFERENCES papers (n),
    cited_by INTEGER NOT NULL DEFAULT 0,
    refs INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE aliases (
    id TEXT PRIMARY KEY,
    paper INTEGER NOT NULL REFERENCES papers (n),
    work INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_paper ON aliases (paper);

CREATE TABLE records (
    n INTEGER PRIMARY KEY,
    paper INTEGER NOT NULL REFERENCES papers (n),
    work INTEGER NOT NULL,
    source TEXT NOT NULL,
    provenance TEXT,
    time TEXT NOT NULL,
    title TEXT,
    abstract TEXT,
    published TEXT,
    published_source TEXT,
    venue TEXT,
    categories TEXT,
    manifestations TEXT,
    author_count INTEGER,
    references_stated INTEGER,
    citations_stated INTEGER
) STRICT;
CREATE INDEX records_paper ON records (paper, source);

CREATE TABLE authors (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_only INTEGER NOT NULL
) STRICT;

CREATE TABLE wrote (
    record INTEGER NOT NULL REFERENCES records (n),
    position INTEGER NOT NULL,
    author INTEGER NOT NULL REFERENCES authors (n),
    PRIMARY KEY (record, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX wrote_author ON wrote (author);

CREATE TABLE cites (
    citing INTEGER NOT NULL REFERENCES papers (n),
    cited INTEGER NOT NULL REFERENCES papers (n),
    younger INTEGER NOT NULL,
    influential INTEGER,
    intents TEXT,
    sources TEXT NOT NULL,
    PRIMARY KEY (citing, cited),
    CHECK (citing <> cited)
) STRICT, WITHOUT ROWID;
CREATE INDEX cites_cited ON cites (cited);

CREATE TABLE told (
    citing INTEGER NOT NULL,
    cited INTEGER NOT NULL,
    influential INTEGER,
    intents TEXT,
    sources TEXT NOT NULL,
    PRIMARY KEY (citing, cited)
) STRICT, WITHOUT ROWID;
CREATE INDEX told_cited ON told (cited);

CREATE VIRTUAL TABLE search USING fts5 (search_text, content = '', tokenize = "ascii tokenchars '.'");

CREATE TABLE judgements (
    paper INTEGER PRIMARY KEY REFERENCES papers (n),
    include TEXT NOT NULL,
    look INTEGER NOT NULL,
    token_type TEXT,
    token_type_evidence TEXT NOT NULL,
    rules TEXT NOT NULL,
    fields_read TEXT NOT NULL,
    text_sha256 TEXT NOT NULL
) STRICT;

CREATE TABLE verdicts (
    paper INTEGER NOT NULL REFERENCES papers (n),
    criterion TEXT NOT NULL,
    position INTEGER,
    verdict TEXT,
    decided TEXT,
    evidence TEXT,
    reason TEXT,
    confidence REAL,
    effective TEXT GENERATED ALWAYS AS (coalesce(decided, verdict)) VIRTUAL,
    PRIMARY KEY (paper, criterion)
) STRICT, WITHOUT ROWID;
CREATE INDEX verdicts_effective ON verdicts (criterion, effective);

CREATE TABLE tags (
    paper INTEGER NOT NULL REFERENCES papers (n),
    topic TEXT NOT NULL,
    position INTEGER NOT NULL,
    evidence TEXT NOT NULL,
    score REAL,
    PRIMARY KEY (paper, topic)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_topic ON tags (topic);

CREATE TABLE quantizers (
    paper INTEGER NOT NULL REFERENCES papers (n),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    field TEXT NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (paper, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX quantizers_kind ON quantizers (kind);

CREATE TABLE measured (
    paper INTEGER PRIMARY KEY REFERENCES papers (n),
    rules TEXT NOT NULL,
    fields_read TEXT NOT NULL,
    text_sha256 TEXT NOT NULL
) STRICT;

CREATE TABLE specifications (
    paper INTEGER NOT NULL REFERENCES papers (n),
    position INTEGER NOT NULL,
    quantity TEXT NOT NULL,
    value REAL NOT NULL,
    status TEXT NOT NULL,
    role TEXT NOT NULL,
    subject TEXT,
    field TEXT,
    start INTEGER,
    "end" INTEGER,
    text TEXT,
    PRIMARY KEY (paper, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX specifications_bitrate ON specifications (paper, value)
    WHERE quantity = 'bitrate_kbps' AND role = 'own';

CREATE TABLE decisions (
    n INTEGER PRIMARY KEY,
    paper INTEGER NOT NULL REFERENCES papers (n),
    work INTEGER NOT NULL,
    criterion TEXT NOT NULL,
    verdict TEXT,
    reviewer TEXT NOT NULL,
    reason TEXT NOT NULL,
    time TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_paper ON decisions (paper, criterion, time, n);

CREATE TABLE merges (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kept INTEGER NOT NULL,
    kept_id TEXT NOT NULL,
    absorbed INTEGER NOT NULL,
    absorbed_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    time TEXT NOT NULL,
    undone TEXT
) STRICT;
CREATE INDEX merges_kept ON merges (kept);
CREATE INDEX merges_absorbed ON merges (absorbed);

CREATE TABLE absorbed (
    work INTEGER PRIMARY KEY,
    paper INTEGER NOT NULL REFERENCES papers (n)
) STRICT;
CREATE INDEX absorbed_paper ON absorbed (paper);

CREATE TABLE readings (
    work INTEGER NOT NULL,
    kind TEXT NOT NULL,
    rows TEXT NOT NULL,
    PRIMARY KEY (work, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE lists (
    name TEXT NOT NULL,
    work INTEGER NOT NULL,
    paper INTEGER NOT NULL REFERENCES papers (n),
    PRIMARY KEY (name, work)
) STRICT, WITHOUT ROWID;
CREATE INDEX lists_paper ON lists (paper);

CREATE TABLE clusters (
    number INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    label TEXT NOT NULL,
    terms TEXT NOT NULL,
    size INTEGER NOT NULL,
    stability REAL
) STRICT;

CREATE TABLE cluster_members (
    paper INTEGER PRIMARY KEY REFERENCES papers (n),
    cluster INTEGER NOT NULL
) STRICT;
CREATE INDEX cluster_members_cluster ON cluster_members (cluster);

CREATE TABLE cursors (
    source TEXT NOT NULL,
    stream TEXT NOT NULL,
    position TEXT NOT NULL,
    time TEXT NOT NULL,
    done INTEGER NOT NULL,
    PRIMARY KEY (source, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    n INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    title TEXT,
    reason TEXT NOT NULL,
    provenance TEXT,
    time TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX quarantine_once
    ON quarantine (source, id, reason, coalesce(title, ''), coalesce(provenance, ''));
"""


_SCHEMA_2 = """
ALTER TABLE papers ADD COLUMN standing TEXT;
ALTER TABLE papers ADD COLUMN open_access TEXT;
ALTER TABLE papers ADD COLUMN tldr INTEGER;
ALTER TABLE records ADD COLUMN standing TEXT;
ALTER TABLE records ADD COLUMN open_access TEXT;
ALTER TABLE records ADD COLUMN tldr INTEGER;
ALTER TABLE told ADD COLUMN contexts TEXT;

CREATE TABLE contexts (
    citing INTEGER NOT NULL,
    cited INTEGER NOT NULL,
    contexts TEXT NOT NULL,
    PRIMARY KEY (citing, cited),
    FOREIGN KEY (citing, cited) REFERENCES cites (citing, cited) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE fetches (
    work INTEGER NOT NULL,
    paper INTEGER NOT NULL REFERENCES papers (n),
    source TEXT NOT NULL,
    what TEXT NOT NULL,
    state TEXT NOT NULL,
    got INTEGER,
    stated INTEGER,
    time TEXT NOT NULL,
    PRIMARY KEY (work, source, what)
) STRICT, WITHOUT ROWID;
CREATE INDEX fetches_paper ON fetches (paper);

CREATE TABLE found (
    work INTEGER NOT NULL,
    paper INTEGER NOT NULL REFERENCES papers (n),
    how TEXT NOT NULL,
    source TEXT NOT NULL,
    detail TEXT NOT NULL,
    time TEXT NOT NULL,
    PRIMARY KEY (work, how, source, detail)
) STRICT, WITHOUT ROWID;
CREATE INDEX found_paper ON found (paper);

CREATE TABLE vectors (
    work INTEGER NOT NULL,
    paper INTEGER NOT NULL REFERENCES papers (n),
    model TEXT NOT NULL,
    floats BLOB NOT NULL,
    PRIMARY KEY (work, model)
) STRICT;
CREATE INDEX vectors_paper ON vectors (paper);

CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    command TEXT NOT NULL,
    started TEXT NOT NULL,
    ended TEXT,
    state TEXT NOT NULL,
    rules TEXT,
    protocol TEXT,
    counts TEXT NOT NULL
) STRICT;

CREATE TABLE changes (
    n INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (number),
    paper INTEGER NOT NULL REFERENCES papers (n),
    work INTEGER NOT NULL,
    kind TEXT NOT NULL,
    field TEXT NOT NULL,
    old TEXT,
    new TEXT,
    time TEXT NOT NULL
) STRICT;
CREATE INDEX changes_paper ON changes (paper);
CREATE INDEX changes_run ON changes (run);
"""
"""Sentences stand apart from the citations: walks read many of these, and none of the sentences."""


def run_script(con: sqlite3.Connection, script: str) -> None:
    """Run statements one by one; unlike `executescript` this stays inside the open transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            con.execute(statement)
            statement = ""


MIGRATIONS = (
    Migration(1, "first tables", lambda con: run_script(con, _SCHEMA_1)),
    Migration(2, "fetches, findings, vectors, runs and changes", lambda con: run_script(con, _SCHEMA_2)),
)
SCHEMA = MIGRATIONS[-1].version


def migrate(con: sqlite3.Connection, found: int, time: str, steps: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Bring the open database from version `found` to the last of `steps`; call it inside a transaction per step.

    Each step commits on its own, so an interruption leaves a version that the next opening goes on from.
    """
    for step in steps:
        if step.version <= found:
            continue
        con.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have made this very step while we waited for the lock.
            if con.execute("PRAGMA user_version").fetchone()[0] < step.version:
                step.apply(con)
                con.execute("INSERT INTO migrations VALUES (?, ?, ?)", (step.version, step.note, time))
                con.execute(f"PRAGMA application_id = {APPLICATION}")
                con.execute(f"PRAGMA user_version = {step.version}")
        except BaseException:
            con.execute("ROLLBACK")
            raise
        con.execute("COMMIT")
