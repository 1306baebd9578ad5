"""What only the embedded engine promises: plans, schema, migration, errors, connections."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kg import batch, sqlite_engine, sqlite_paper, sqlite_schema
from kg.errors import InputError, SchemaMismatch, StoreError, StoreUnavailable
from kg.model import Batch, Citation, Fetch
from kg.paper_filter import SORTS, PaperFilter
from kg.search_text import VERSION
from kg.sqlite_graph import linked_query, near_query
from kg.sqlite_read import page_query, total_query
from kg.sqlite_schema import APPLICATION, MIGRATIONS, SCHEMA, Migration, migrate
from kg.sqlite_store import SqliteStore
from kg.store import open_store
from tests.store.records import EVERYTHING, arxiv, cites, doi, paper, papers
from tests.store.test_filters import fill

SCHEMAS = Path(__file__).parent / "schemas"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore("sqlite:///store", path) as opened:
        yield opened


@pytest.fixture
def con(store: SqliteStore) -> Iterator[sqlite3.Connection]:
    opened = store._engine.connect()
    yield opened
    opened.close()


def plan(con: sqlite3.Connection, sql: str) -> list[str]:
    names = set(re.findall(r":([a-z_]+[0-9]*)", sql))
    values: object = dict.fromkeys(names) if names else (None,) * sql.count("?")
    return [row[3] for row in con.execute(f"EXPLAIN QUERY PLAN {sql}", values)]  # type: ignore[call-overload]


def scans(steps: list[str]) -> list[str]:
    """Steps that read a whole table of the store."""
    tables = "p|d|c|a|b|m|t|v|s|r|w|l|q|papers|cites|aliases|records|wrote|search"
    return [step for step in steps if re.match(rf"SCAN ({tables})\b(?! VIRTUAL TABLE INDEX 0:M)", step)]


# Plans


@pytest.mark.parametrize(
    "sql", [sqlite_paper.PAPER, sqlite_paper.JUDGEMENT, sqlite_paper.MEASURED, *sqlite_paper.BY_NUMBER]
)
def test_a_paper_is_read_through_indexes(con: sqlite3.Connection, sql: str) -> None:
    assert scans(plan(con, sql)) == []


def test_a_page_of_included_papers_is_read_in_order(con: sqlite3.Connection) -> None:
    sql, _ = page_query(PaperFilter(topics=("S1",), year_min=2020), "newest")
    steps = plan(con, sql)
    assert any("papers_verdict" in step for step in steps)
    assert not any("ORDER BY" in step for step in steps)
    sql, _ = page_query(EVERYTHING, "newest")
    steps = plan(con, sql)
    assert any("papers_newest" in step for step in steps)
    assert not any("ORDER BY" in step for step in steps)


def test_full_text_is_read_through_its_index(con: sqlite3.Connection) -> None:
    sql, chosen = page_query(PaperFilter(text="codec", include=()), "relevance")
    assert scans(plan(con, sql)) == []
    assert any("VIRTUAL TABLE INDEX" in step for step in plan(con, total_query(chosen)))


@pytest.mark.parametrize("where", [EVERYTHING, PaperFilter(topics=("S1",))])
def test_citations_are_walked_through_indexes(con: sqlite3.Connection, where: PaperFilter) -> None:
    for end, other in (("citing", "cited"), ("cited", "citing")):
        for sql in linked_query(where, end, other)[:2]:
            assert scans(plan(con, sql)) == [], sql
    for hop in (1, 2):
        for seeds in (1, 2):
            for sql in near_query(where, "both", hop, seeds)[:2]:
                assert scans(plan(con, sql)) == [], sql


def test_the_number_of_statements_does_not_grow_with_the_page(store: SqliteStore) -> None:
    fill(store, 60)

    def statements(limit: int) -> int:
        seen: list[str] = []
        with store._engine._borrowed() as con:
            con.set_trace_callback(seen.append)
        store.papers(EVERYTHING, limit=limit)
        store.neighbourhood([arxiv(1)], where=EVERYTHING, hops=2, limit=limit)
        with store._engine._borrowed() as con:
            con.set_trace_callback(None)
        return len(seen)

    assert statements(5) == statements(50)


# Schema


def test_every_table_is_strict_and_every_reference_holds(store: SqliteStore, con: sqlite3.Connection) -> None:
    fill(store)
    store.unmerge(store.merge(arxiv(1), arxiv(3), "tried").number)
    store.merge(arxiv(1), doi(2), "again")
    loose = con.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict"
        " AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    assert loose == []
    assert con.execute("PRAGMA foreign_key_check").fetchall() == []
    assert con.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    con.execute("INSERT INTO search (search) VALUES ('integrity-check')")


def test_the_settings_are_those_of_a_shared_file(con: sqlite3.Connection) -> None:
    settings = {name: con.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "foreign_keys")}
    assert settings == {"journal_mode": "wal", "foreign_keys": 1}


def test_migrations_are_recorded(store: SqliteStore, con: sqlite3.Connection) -> None:
    assert con.execute("SELECT version, note FROM migrations").fetchall() == [
        (step.version, step.note) for step in MIGRATIONS
    ]
    assert con.execute("PRAGMA user_version").fetchone()[0] == store.schema == SCHEMA
    assert con.execute("PRAGMA application_id").fetchone()[0] == APPLICATION


def test_a_migration_and_its_note_are_one_transaction(con: sqlite3.Connection) -> None:
    def fail(con: sqlite3.Connection) -> None:
        con.execute("CREATE TABLE half (x INTEGER) STRICT")
        raise RuntimeError("killed")

    def add(con: sqlite3.Connection) -> None:
        con.execute("CREATE TABLE whole (x INTEGER) STRICT")

    steps = (*MIGRATIONS, Migration(SCHEMA + 1, "adds whole", add), Migration(SCHEMA + 2, "fails", fail))
    with pytest.raises(RuntimeError):
        migrate(con, SCHEMA, "2025", steps)
    assert con.execute("PRAGMA user_version").fetchone()[0] == SCHEMA + 1
    assert con.execute("SELECT version, note FROM migrations").fetchall()[-1] == (SCHEMA + 1, "adds whole")
    names = {name for (name,) in con.execute("SELECT name FROM sqlite_schema")}
    assert ("whole" in names, "half" in names) == (True, False)
    migrate(con, SCHEMA, "2025", steps[:-1])


@pytest.mark.parametrize("version", range(1, SCHEMA + 1))
def test_a_store_of_every_released_schema_opens(path: Path, version: int) -> None:
    path.write_bytes(gzip.decompress((SCHEMAS / f"schema-{version}.sqlite.gz").read_bytes()))
    with open_store(f"sqlite:///{path.as_posix()}") as store:
        assert store.schema == SCHEMA
        found = store.paper(doi(1))
        assert (found.row.id, found.row.title, found.row.bitrates, found.row.cited_by) == (
            arxiv(1), "A codec", (1.5, 6.0), 2,
        )  # fmt: skip
        assert (found.merged, found.lists, found.row.cluster) == ((doi(1),), ("mine",), 0)
        assert store.ids(PaperFilter()) == [arxiv(1), arxiv(2)]
        assert store.ids(PaperFilter(text="語音", include=())) == [arxiv(1)]
        store.unmerge(1)
        store.upsert(Batch(papers=(paper(arxiv(1), abstract="Other words."),)))
        assert store.ids(PaperFilter(text="語音", include=())) == []
        assert (store.counts().papers, store.counts().stubs) == (4, 1)
        run = store.begin("ingest", rules=None, protocol=None, time="2025")
        store.upsert(
            Batch(
                papers=(paper(arxiv(1), standing="withdrawn"),),
                citations=(Citation(arxiv(2), arxiv(1), "s2", contexts=("We use it.",)),),
                fetches=(Fetch(arxiv(1), "s2", "references", "empty", 0, 0, "2025"),),
                run=run,
            )
        )
        found = store.paper(arxiv(1))
        assert (found.paper.standing, len(found.fetches)) == ("withdrawn", 1)
        assert store.table("changes")["field"].to_pylist()[-1] == "standing"


def test_an_older_store_opened_to_read_only_says_how_it_is_brought_up_to_date(path: Path) -> None:
    path.write_bytes(gzip.decompress((SCHEMAS / "schema-1.sqlite.gz").read_bytes()))
    before = path.read_bytes()
    with pytest.raises(SchemaMismatch, match="brought up to date") as caught:
        open_store(f"sqlite:///{path.as_posix()}", read_only=True)
    assert (caught.value.found, caught.value.supported) == (1, SCHEMA)
    assert path.read_bytes() == before


def test_bringing_a_store_up_to_date_keeps_everything(path: Path) -> None:
    path.write_bytes(gzip.decompress((SCHEMAS / "schema-1.sqlite.gz").read_bytes()))
    tables = ("papers", "records", "cites", "told", "aliases", "verdicts", "decisions", "merges", "readings", "cursors")

    def content() -> dict[str, list[tuple[object, ...]]]:
        with contextlib.closing(sqlite3.connect(path)) as con:
            return {name: con.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in tables}

    before = content()
    open_store(f"sqlite:///{path.as_posix()}").close()
    after = content()
    assert {name: [row[: len(old[0])] for row in after[name]] for name, old in before.items() if old} == {
        name: old for name, old in before.items() if old
    }
    assert sum(map(len, before.values())) > 20


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    SqliteStore("sqlite:///store", path).close()
    con = sqlite3.connect(path)
    con.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    con.close()
    with pytest.raises(SchemaMismatch) as caught:
        SqliteStore("sqlite:///store", path)
    assert (caught.value.found, caught.value.supported) == (SCHEMA + 1, SCHEMA)


def test_an_index_of_other_text_rules_is_made_anew(store: SqliteStore, con: sqlite3.Connection) -> None:
    store.upsert(Batch(papers=(paper(arxiv(1), title="A codec"), *papers(2))))
    con.execute("INSERT INTO search (search) VALUES ('delete-all')")
    con.execute("INSERT INTO search (rowid, search_text) VALUES (1, 'older rules')")
    con.execute("UPDATE meta SET value = 'older' WHERE name = 'search_text'")
    assert store.ids(PaperFilter(text="codec", include=())) == []
    store.upsert(Batch(papers=(paper(arxiv(1), title="A model"),)))
    assert store.ids(PaperFilter(text="model", include=())) == [arxiv(1)]
    assert store.ids(PaperFilter(text="older OR codec", include=())) == []
    assert con.execute("SELECT value FROM meta WHERE name = 'search_text'").fetchone() == (VERSION,)


# Errors


def test_a_missing_store_is_named_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no store") as caught:
        open_store(f"sqlite:///{tmp_path.as_posix()}/none.sqlite", create=False)
    assert "load" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path.as_posix()}/new/folder/atlas.sqlite") as store:
        assert store.counts().papers == 0


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StoreUnavailable, match="folder cannot be made"):
        open_store(f"sqlite:///{tmp_path.as_posix()}/file/atlas.sqlite")
    with pytest.raises(StoreUnavailable) as caught:
        open_store(f"sqlite:///{tmp_path.as_posix()}")
    assert (caught.value.engine, caught.value.operation) == ("sqlite", "open")


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("Dear diary, this is no database at all." * 50, encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match="not a database") as caught:
        SqliteStore("sqlite:///store", path)
    assert not caught.value.retryable
    assert path.read_bytes() == before


def test_somebody_elses_database_is_left_alone(path: Path) -> None:
    con = sqlite3.connect(path)
    con.execute("CREATE TABLE photos (name TEXT)")
    con.commit()
    con.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match="another program"):
        SqliteStore("sqlite:///store", path)
    assert path.read_bytes() == before


def test_a_writer_that_waits_too_long_may_try_again(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_engine, "WAIT_S", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with SqliteStore("sqlite:///store", path) as second:
        with pytest.raises(StoreError, match="locked") as caught:
            second.upsert(Batch(papers=papers(1)))
        assert caught.value.retryable
        assert second.counts().papers == 0
        other.execute("ROLLBACK")
        other.close()
        second.upsert(Batch(papers=papers(1)))
    assert store.counts().papers == 1


def test_a_full_disk_leaves_the_store_as_it_was(store: SqliteStore) -> None:
    store.upsert(Batch(papers=papers(1)))
    with store._engine._borrowed() as con:
        pages = con.execute("PRAGMA page_count").fetchone()[0]
        con.execute(f"PRAGMA max_page_count = {pages + 5}")
    large = Batch(papers=tuple(paper(arxiv(n), abstract="Words and words. " * 500) for n in range(2, 50)))
    with pytest.raises(StoreError, match="full") as caught:
        store.upsert(large)
    assert "make room" in caught.value.hint
    assert store.counts().papers == 1
    with store._engine._borrowed() as con:
        con.execute("PRAGMA max_page_count = 1000000")
    store.upsert(large)
    assert store.counts().papers == 49


def test_a_damaged_file_is_called_so(path: Path) -> None:
    with SqliteStore("sqlite:///store", path) as store:
        store.upsert(Batch(papers=tuple(paper(arxiv(n), abstract="Words. " * 200) for n in range(200))))
    with path.open("r+b") as file:
        for page in range(20, 200):
            file.seek(4096 * page)
            file.write(b"\xff" * 4096)
    with pytest.raises(StoreError, match="malformed") as caught, SqliteStore("sqlite:///store", path) as store:
        store.table("papers")
    assert "backup" in caught.value.hint


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite://atlas.sqlite"])
def test_a_url_without_a_path_is_explained(url: str) -> None:
    with pytest.raises(InputError, match="names no file"):
        open_store(url)


@pytest.mark.parametrize("url", ["neo5j://here", "atlas.sqlite", ""])
def test_an_unknown_scheme_lists_the_known_ones(url: str) -> None:
    with pytest.raises(InputError) as caught:
        open_store(url)
    assert "sqlite://" in caught.value.expected


# Connections


def open_files(path: Path) -> int:
    links = [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sum(os.path.realpath(each).startswith(str(path)) for each in links)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files through /proc")
def test_closing_leaves_no_file_open(path: Path) -> None:
    store = SqliteStore("sqlite:///store", path)
    reading = store.texts(batch=1)
    store.upsert(Batch(papers=papers(1, 2)))
    next(reading)
    assert open_files(path) > 0
    store.close()
    assert open_files(path) == 0
    with pytest.raises(StoreError, match="closed"):
        next(reading)


def test_a_store_nobody_closed_is_closed_without_a_warning(path: Path) -> None:
    program = (
        "import gc, sys; from pathlib import Path; from kg.sqlite_store import SqliteStore\n"
        "store = SqliteStore('sqlite:///store', Path(sys.argv[1])); store.counts(); del store; gc.collect()\n"
        "kept = SqliteStore('sqlite:///store', Path(sys.argv[1])); kept.counts()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", program, str(path)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_one_connection_serves_one_thread(store: SqliteStore) -> None:
    for n in range(20):
        store.upsert(Batch(papers=papers(n), citations=cites((n, 0))))
        store.papers(EVERYTHING, sort=SORTS[n % len(SORTS)])
    assert len(store._engine._all) == 1


def test_the_tables_named_in_the_schema_are_all_there_is(con: sqlite3.Connection) -> None:
    scripts = sqlite_schema._SCHEMA_1 + sqlite_schema._SCHEMA_2
    named = set(re.findall(r"CREATE (?:VIRTUAL )?TABLE (\w+)", scripts))
    found = {name for (name,) in con.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert {name for name in found if not name.startswith(("search_", "sqlite_"))} == named


def test_what_another_store_object_changed_is_noticed(store: SqliteStore, path: Path) -> None:
    store.upsert(Batch(papers=papers(1, 2, 3), citations=cites((3, 2))))
    with SqliteStore("sqlite:///store", path) as other:
        number = other.merge(arxiv(1), arxiv(2), "the same").number
        store.upsert(Batch(papers=papers(4), citations=cites((4, 2))))
        assert store.paper(arxiv(1)).row.cited_by == 2
        other.unmerge(number)
        store.upsert(Batch(papers=papers(5), citations=cites((5, 2), (5, 7))))
        assert (store.paper(arxiv(1)).row.cited_by, store.paper(arxiv(2)).row.cited_by) == (0, 3)
        other.upsert(Batch(papers=(paper(arxiv(7), published="2031"),)))
        assert store.upsert(Batch(citations=cites((1, 7)))).younger == 1
        assert store.paper(arxiv(1)).row.references == 1


def test_what_a_failed_batch_looked_up_is_forgotten(store: SqliteStore) -> None:
    store.upsert(Batch(papers=papers(1)))
    with pytest.raises(InputError):
        store.upsert(Batch(papers=(*papers(2), paper(arxiv(3), title="\ud800")), citations=cites((1, 2))))
    store.upsert(Batch(papers=papers(4), citations=cites((4, 2), (4, 1))))
    assert store.paper(arxiv(2)).row.stub
    assert store.paper(arxiv(1)).row.cited_by == 1


def test_memory_of_ids_has_an_end(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "KNOWN_IDS", 5)
    for n in range(10):
        store.upsert(Batch(papers=papers(2 * n, 2 * n + 1), citations=cites((2 * n, 2 * n + 1), (2 * n, 0))))
    assert len(store._known.places) <= 5
    assert store.paper(arxiv(0)).row.cited_by == 9


def test_no_numbered_parameter_is_bound_by_position() -> None:
    """Python 3.12 warns of it and a later one will refuse."""
    folder = Path(sqlite_schema.__file__).parent
    found = [path.name for path in folder.glob("sqlite_*.py") if re.search(r"\?\d", path.read_text(encoding="utf-8"))]
    assert found == []
