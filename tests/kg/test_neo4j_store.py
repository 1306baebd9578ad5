"""What is particular to a server: who may come in, what is refused, and what happens when the connection breaks."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from neo4j import Driver, GraphDatabase
from neo4j.exceptions import Neo4jError

from kg import neo4j_engine, neo4j_schema
from kg.errors import InputError, SchemaMismatch, StoreError, StoreUnavailable
from kg.model import Batch
from kg.neo4j_engine import parsed
from kg.neo4j_errors import DATABASE, PASSWORD, USER, translated
from kg.neo4j_schema import SCHEMA
from kg.protocol import load_protocol
from kg.store import open_store
from tests.conftest import ROOT, EmptyStore
from tests.neo4j_server.cut import Wire
from tests.neo4j_server.server import Server, free_port, version
from tests.store.records import EVERYTHING, arxiv, papers
from tests.store.test_transfer import rich

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


def test_a_server_that_is_too_old_is_refused(neo4j_server: Server, url: str) -> None:
    port = urlsplit(neo4j_server.url).port
    assert port is not None
    old = Wire(port, called=(f"Neo4j/{version()}".encode(), b"Neo4j/5.25.1".ljust(6 + len(version()), b"0")))
    try:
        with pytest.raises(StoreUnavailable, match=r"Neo4j 5\.25\.\d+, which is too old") as caught:
            open_store(f"bolt://127.0.0.1:{old.port}")
    finally:
        old.close()
    assert "5.26" in caught.value.hint


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"\0\0\0\0", "too old, or no Neo4j"),  # no version of the protocol in common
        (b"\0\0\0\x03", "too old"),  # Bolt 3, of Neo4j 3.5
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP"),
    ],
)
@pytest.mark.parametrize("scheme", ["neo4j", "bolt"])
def test_what_is_no_server_of_today_is_told(
    answer: bytes, message: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, "something")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reply() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(64)
                client.sendall(answer)

        thread = threading.Thread(target=reply, daemon=True)
        thread.start()
        with pytest.raises(StoreUnavailable, match=message):
            open_store(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        thread.join(timeout=10)


def test_nothing_but_three_lines_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import cli; cli.main()", "status", "--store", f"neo4j://127.0.0.1:{free_port()}"],
        cwd=ROOT, env={**os.environ, PASSWORD: "something"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode
    begin = [line.partition(":")[0] for line in done.stderr.splitlines()]
    assert begin == ["Error", "Where", "Fix"], done.stderr
    assert "refused" in done.stderr


@pytest.mark.parametrize("scheme", ["neo4j+s", "bolt+s"])
def test_an_encrypted_server_is_trusted_by_its_certificate(
    neo4j_server: Server, url: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypted = url.replace("neo4j", scheme, 1)
    with pytest.raises(StoreUnavailable, match="certificate of the server is not trusted") as caught:
        open_store(encrypted)
    assert "SSL_CERT_FILE" in caught.value.hint
    assert not caught.value.retryable
    with open_store(f"{encrypted.replace('+s', '+ssc')}") as store:
        store.upsert(Batch(papers=papers(1)))
    monkeypatch.setenv("SSL_CERT_FILE", str(neo4j_server.certificate))
    with open_store(encrypted) as store:
        assert store.ids(EVERYTHING) == [arxiv(1)]
        assert store.url == encrypted


def test_a_server_that_does_not_encrypt_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "something")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reply() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(1024)
                client.sendall(b"this is not what a handshake looks like")

        thread = threading.Thread(target=reply, daemon=True)
        thread.start()
        with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
            open_store(f"bolt+s://127.0.0.1:{listener.getsockname()[1]}")
        thread.join(timeout=10)
    assert "does not encrypt" in caught.value.hint


@pytest.mark.parametrize(
    "theirs",
    ["CREATE (:Paper {id: 'mine', title: 'Not yours'})", "CREATE (:TokenAtlas {name: 'another'})-[:HAS]->(:Thing)"],
)
def test_somebody_elses_graph_is_not_touched(url: str, driver: Driver, theirs: str) -> None:
    def whole() -> list[dict[str, object]]:
        asked = "MATCH (n) RETURN labels(n) AS labels, properties(n) AS properties, [(n)-[r]->(m) | type(r)] AS joined"
        return [each.data() for each in driver.execute_query(f"{asked} ORDER BY labels", database_="neo4j").records]

    def keys() -> list[str]:
        asked = "SHOW CONSTRAINTS YIELD name RETURN name ORDER BY name"
        return [each["name"] for each in driver.execute_query(asked, database_="neo4j").records]

    for name in keys():
        driver.execute_query(f"DROP CONSTRAINT `{name}`", database_="neo4j")
    driver.execute_query(theirs, database_="neo4j")
    before = whole()
    for options in ({}, {"create": False}, {"read_only": True}):
        with pytest.raises(StoreUnavailable, match="another program"):
            open_store(url, **options)
    assert whole() == before
    assert keys() == []


def test_a_read_only_database_is_read_and_says_what_it_is(neo4j_server: Server, url: str) -> None:
    with neo4j_server.read_only(), pytest.raises(StoreError, match="This database is read-only"):
        open_store(url)
    with open_store(url) as store:
        store.upsert(Batch(papers=papers(1)))
    with neo4j_server.read_only(), open_store(url) as store:
        assert store.ids(EVERYTHING) == [arxiv(1)]
        with pytest.raises(StoreError, match="This database is read-only") as caught:
            store.upsert(Batch(papers=papers(2)))
        assert not caught.value.retryable
        assert store.ids(EVERYTHING) == [arxiv(1)]
    with open_store(url) as store:
        store.upsert(Batch(papers=papers(2)))
        assert store.ids(EVERYTHING) == [arxiv(1), arxiv(2)]


def test_migrations_are_recorded_once(url: str, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def marker() -> dict[str, object]:
        found = driver.execute_query("MATCH (m:TokenAtlas) RETURN properties(m)", database_="neo4j").records
        assert len(found) == 1
        properties: dict[str, object] = found[0][0]
        return properties

    open_store(url).close()
    first = marker()
    notes = [f"{version} {note}" for version, note, _ in neo4j_schema.MIGRATIONS]
    assert (first["schema"], len(first["migrations"])) == (SCHEMA, len(notes))  # type: ignore[arg-type]
    assert all(str(each).startswith(note) for each, note in zip(first["migrations"], notes, strict=True))  # type: ignore[call-overload]
    open_store(url).close()
    assert marker() == first
    later = (SCHEMA + 1, "more", ("CREATE INDEX later_index IF NOT EXISTS FOR (x:Paper) ON (x.venue)",))
    monkeypatch.setattr(neo4j_schema, "MIGRATIONS", (*neo4j_schema.MIGRATIONS, later))
    for module in (neo4j_engine, neo4j_schema):
        monkeypatch.setattr(module, "SCHEMA", SCHEMA + 1)
    with pytest.raises(SchemaMismatch):
        open_store(url, read_only=True)
    try:
        open_store(url).close()
        told = marker()
        assert (told["schema"], told["revision"]) == (SCHEMA + 1, first["revision"])
        assert told["migrations"][:-1] == first["migrations"]  # type: ignore[index]
        assert str(told["migrations"][-1]).startswith(f"{SCHEMA + 1} more ")  # type: ignore[index]
        assert driver.execute_query("SHOW INDEXES YIELD name WHERE name = 'later_index'", database_="neo4j").records
    finally:
        driver.execute_query("DROP INDEX later_index IF EXISTS", database_="neo4j")


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
        ("Neo.ClientError.General.WriteOnReadOnlyAccessDatabase", "read-only", False),
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
    named = dict(
        driver.execute_query(
            "MATCH (n:Topic|Criterion) WHERE n.id IN ['S1', 'R1'] RETURN n.id, n.name", database_="neo4j"
        ).records
    )
    protocol = load_protocol()
    topic = next(each for each in protocol.topics if each.id == "S1")
    criterion = next(each for each in protocol.criteria if each.id == "R1")
    assert named["S1"] == f"S1 {topic.label.en}"
    assert named["R1"].startswith(f"R1 {criterion.text.en[:20]}")


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
