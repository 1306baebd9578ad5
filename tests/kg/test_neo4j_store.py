"""What is particular to a server: who may come in, what is refused, and what happens when the connection breaks."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from neo4j import Driver, GraphDatabase
from neo4j.exceptions import Neo4jError

from kg import neo4j_engine
from kg.errors import CommitUnknown, InputError, SchemaMismatch, StoreError, StoreUnavailable
from kg.model import Batch, Cursor
from kg.neo4j_engine import DATABASE, PASSWORD, USER, parsed, translated
from kg.neo4j_schema import SCHEMA
from kg.neo4j_store import Neo4jStore
from kg.paper_filter import PaperFilter
from kg.store import open_store
from tests.conftest import EmptyStore
from tests.neo4j_server.cut import Wire
from tests.neo4j_server.server import Server, first_login, free_port, launch
from tests.store.records import EVERYTHING, arxiv, cites, papers
from tests.store.test_transfer import rich, rows

pytestmark = pytest.mark.neo4j


@pytest.fixture
def url(empty_store: EmptyStore) -> str:
    return empty_store("neo4j")


@pytest.fixture
def driver(neo4j_server: Server, url: str) -> Iterator[Driver]:
    with GraphDatabase.driver(neo4j_server.url, auth=(neo4j_server.user, neo4j_server.password)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("neo4j://127.0.0.1:7687", ("neo4j://127.0.0.1:7687", "neo4j")),
        ("neo4j+s://graph.example.org", ("neo4j+s://graph.example.org", "neo4j")),
        ("bolt+ssc://[::1]:7687/atlas", ("bolt+ssc://[::1]:7687", "atlas")),
        ("bolt://localhost/atlas/", ("bolt://localhost", "atlas")),
    ],
)
def test_a_url_names_server_and_database(text: str, expected: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATABASE, raising=False)
    assert parsed(text) == expected


def test_the_environment_names_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE, "team")
    assert parsed("neo4j://localhost")[1] == "team"
    assert parsed("neo4j://localhost/mine")[1] == "mine"


@pytest.mark.parametrize("text", ["neo4j://", "neo4j:///atlas", "neo4j://host/a/b", "neo4j://host?x=1"])
def test_a_url_without_a_server_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="names no server") as caught:
        open_store(text)
    assert caught.value.field == "store"


def test_a_password_in_a_url_is_refused_and_never_shown() -> None:
    with pytest.raises(InputError) as caught:
        open_store("neo4j://me:secret@localhost:7687")
    assert PASSWORD in caught.value.hint
    assert USER in caught.value.hint
    assert "secret" not in f"{caught.value} {vars(caught.value)}"


def test_a_missing_password_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD, raising=False)
    with pytest.raises(StoreUnavailable, match=PASSWORD):
        open_store("neo4j://127.0.0.1:1")


def test_no_server_says_what_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "something")
    start = time.monotonic()
    with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
        open_store(f"neo4j://127.0.0.1:{free_port()}")
    assert "docker compose up" in caught.value.hint
    assert caught.value.retryable
    assert time.monotonic() - start < neo4j_engine.CONNECT_S + 5


def test_a_wrong_password_says_where_it_is_set(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "wrong-secret")
    with pytest.raises(StoreUnavailable, match=PASSWORD) as caught:
        open_store(url)
    assert not caught.value.retryable
    assert "wrong-secret" not in f"{caught.value} {vars(caught.value)}"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_an_expired_password_says_how_to_change_it(url: str, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    with driver.session(database="system") as session:
        session.run("CREATE USER newcomer IF NOT EXISTS SET PASSWORD 'changeme-1' CHANGE REQUIRED").consume()
    monkeypatch.setenv(USER, "newcomer")
    monkeypatch.setenv(PASSWORD, "changeme-1")
    with pytest.raises(StoreUnavailable, match="ALTER CURRENT USER SET PASSWORD"):
        open_store(url)


def test_an_unknown_database_is_named(url: str) -> None:
    with pytest.raises(StoreUnavailable, match=DATABASE):
        open_store(f"{url}/nowhere")


def test_a_server_that_is_too_old_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neo4j_engine, "OLDEST", (99, 0))
    with pytest.raises(StoreUnavailable, match="too old"):
        open_store(url)


def test_somebody_elses_graph_is_not_touched(url: str, driver: Driver) -> None:
    driver.execute_query("CREATE (:Paper {id: 'mine', title: 'Not yours'})", database_="neo4j")
    with pytest.raises(StoreUnavailable, match="another program"):
        open_store(url)
    found = driver.execute_query("MATCH (n) RETURN labels(n), properties(n)", database_="neo4j").records
    assert [tuple(each) for each in found] == [(["Paper"], {"id": "mine", "title": "Not yours"})]


def test_nothing_is_made_where_nothing_shall_be(url: str, driver: Driver) -> None:
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(StoreUnavailable, match="no store here"):
            open_store(url, **options)
    assert driver.execute_query("MATCH (n) RETURN count(n)", database_="neo4j").records[0][0] == 0


def test_a_newer_schema_is_refused(url: str, driver: Driver) -> None:
    open_store(url).close()
    driver.execute_query("MATCH (m:TokenAtlas) SET m.schema = 99", database_="neo4j")
    with pytest.raises(SchemaMismatch) as caught:
        open_store(url)
    assert (caught.value.found, caught.value.supported) == (99, SCHEMA)


def test_a_store_opened_to_read_refuses_writes(url: str) -> None:
    open_store(url).close()
    with open_store(url, read_only=True) as store:
        with pytest.raises(StoreError, match="reading only"):
            store.upsert(Batch(papers=papers(1)))
        assert store.ids(EVERYTHING) == []


@pytest.mark.parametrize(
    ("code", "words", "retryable"),
    [
        ("Neo.ClientError.Security.Forbidden", "right to write", False),
        ("Neo.ClientError.General.ForbiddenOnReadOnlyDatabase", "read-only", True),
        ("Neo.TransientError.Transaction.DeadlockDetected", "try again", True),
    ],
)
def test_a_refusal_of_the_server_says_what_to_do(code: str, words: str, retryable: bool) -> None:
    with pytest.raises(StoreError, match=words) as caught, translated("upsert", "neo4j://host"):
        raise Neo4jError._hydrate_neo4j(code=code, message="No.\nSecond line")
    assert caught.value.retryable == retryable
    assert "Second line" not in str(caught.value)


def test_a_closed_store_says_so(url: str) -> None:
    store = open_store(url)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.counts()


def test_a_backup_names_the_ways_there_are(url: str, tmp_path: Path) -> None:
    with open_store(url) as store, pytest.raises(StoreError, match="tokenatlas copy --from"):
        store.backup(tmp_path / "backup.sqlite")


def test_keys_and_the_index_are_there(url: str, driver: Driver) -> None:
    open_store(url).close()
    keys = driver.execute_query("SHOW CONSTRAINTS YIELD name, type RETURN name, type", database_="neo4j").records
    assert {name for name, kind in keys if kind == "UNIQUENESS"} >= {"tokenatlas_paper_id", "tokenatlas_alias"}
    index = driver.execute_query(
        "SHOW FULLTEXT INDEXES YIELD name, state, options WHERE name = 'tokenatlas_search' RETURN state, options",
        database_="neo4j",
    ).records
    assert index[0]["state"] == "ONLINE"
    assert index[0]["options"]["indexConfig"] == {
        "fulltext.analyzer": "whitespace", "fulltext.eventually_consistent": False
    }  # fmt: skip


def test_every_node_has_a_name_that_browser_shows(url: str, driver: Driver) -> None:
    with open_store(url) as store:
        rich(store)
    nameless = driver.execute_query("MATCH (n) WHERE n.name IS NULL RETURN DISTINCT labels(n)", database_="neo4j")
    assert nameless.records == []


def test_hot_reads_use_their_index(url: str, driver: Driver) -> None:
    from kg.neo4j_paper import PAPER
    from kg.neo4j_write import LOOK_UP

    open_store(url).close()
    for statement, values in ((PAPER, {"id": "x"}), (LOOK_UP, {"ids": ["x"]})):
        summary = driver.execute_query(f"EXPLAIN {statement}", values, database_="neo4j").summary
        plan = str(summary.plan)
        assert "NodeUniqueIndexSeek" in plan
        assert "NodeByLabelScan" not in plan
        assert "AllNodesScan" not in plan


@pytest.fixture
def wire(neo4j_server: Server) -> Iterator[Wire]:
    port = urlsplit(neo4j_server.url).port
    assert port is not None
    made = Wire(port)
    yield made
    made.close()


@pytest.mark.parametrize("fate", ["stored", "lost"])
def test_a_commit_of_unknown_fate_is_looked_up(url: str, wire: Wire, fate: str) -> None:
    with open_store(f"bolt://127.0.0.1:{wire.port}") as store:
        store.upsert(Batch(papers=papers(1)), Cursor("file", "a", "1", "2025"))
        before = store.revision()
        wire.cut(fate)  # type: ignore[arg-type]
        done = store.upsert(Batch(papers=papers(2), citations=cites((2, 1))), Cursor("file", "a", "2", "2025"))
        assert wire.cuts == 1
        assert (done.papers_new, done.citations_new) == (1, 1)
        assert store.revision() == before + 1
        assert store.paper(arxiv(1)).row.cited_by == 1
        cursor = store.cursor("file", "a")
        assert cursor is not None
        assert cursor.position == "2"
        assert store.papers(PaperFilter(text="2001.00002", include=())).total == 1


def test_a_commit_whose_fate_nobody_tells_is_an_error(url: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neo4j_engine, "RETRY_S", 1.0)
    with open_store(f"bolt://127.0.0.1:{wire.port}") as store:
        wire.cut("stored", dead=True)
        with pytest.raises(CommitUnknown) as caught:
            store.upsert(Batch(papers=papers(2)), Cursor("file", "a", "2", "2025"))
    assert caught.value.batch == "the batch of file up to 2"
    with open_store(url) as store:
        assert store.ids(EVERYTHING) == [arxiv(2)]


def batches(store: Neo4jStore, first: int) -> None:
    """Batches from one on, each with its cursor."""
    for n in range(first, 40):
        store.upsert(Batch(papers=papers(n), citations=cites((n, n // 2), (n, 90))), Cursor("f", "a", str(n), "2025"))


def test_a_killed_server_leaves_whole_batches(
    neo4j_server: Server, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(url) as undisturbed:
        batches(undisturbed, 1)  # type: ignore[arg-type]
        expected = rows(undisturbed)
    monkeypatch.setattr(neo4j_engine, "RETRY_S", 1.0)
    port = free_port()
    server = first_login(launch(tmp_path / "home", port))
    monkeypatch.setenv(PASSWORD, server.password)
    failures: list[StoreError] = []

    def write() -> None:
        with open_store(server.url) as store:
            try:
                batches(store, 1)  # type: ignore[arg-type]
            except StoreError as error:
                failures.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        with open_store(server.url) as watching:
            while watching.cursor("f", "a") is None:
                time.sleep(0.02)
        server.kill()
        thread.join(timeout=60)
        assert failures
        again = launch(tmp_path / "home", port)
        try:
            with open_store(server.url) as store:
                cursor = store.cursor("f", "a")
                assert cursor is not None
                batches(store, int(cursor.position) + 1)  # type: ignore[arg-type]
                found = rows(store)
        finally:
            again.kill()
    finally:
        server.kill()
        thread.join(timeout=60)
    timeless = [{name: [row[:3] for row in each] for name, each in whole.items()} for whole in (found, expected)]
    assert timeless[0] == timeless[1]
