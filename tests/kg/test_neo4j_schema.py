"""A graph that an older program made becomes today's, with every key, and loses nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from neo4j import Driver, GraphDatabase

from kg.errors import SchemaMismatch
from kg.model import Batch, Citation, Fetch, Found, Vector
from kg.neo4j_schema import _SCHEMA_1, MIGRATIONS, SCHEMA
from kg.paper_filter import PaperFilter
from kg.store import open_store
from tests.conftest import EmptyStore
from tests.kg.schemas.make import dump, restore
from tests.neo4j_server.server import Server
from tests.store.records import arxiv, doi, paper, papers

pytestmark = pytest.mark.neo4j

SCHEMAS = Path(__file__).parent / "schemas"


@pytest.fixture
def driver(neo4j_server: Server, empty_store: EmptyStore) -> Iterator[Driver]:
    empty_store("neo4j")
    with GraphDatabase.driver(neo4j_server.url, auth=(neo4j_server.user, neo4j_server.password)) as opened:
        yield opened


def keys(driver: Driver) -> set[str]:
    return {record["name"] for record in driver.execute_query("SHOW CONSTRAINTS YIELD name RETURN name").records}


def older(driver: Driver, version: int) -> None:
    """The graph as the program of that schema left it, with the keys that it made."""
    for name in keys(driver):
        driver.execute_query(f"DROP CONSTRAINT {name}")
    for _, _, statements in MIGRATIONS[:version]:
        for statement in statements:
            driver.execute_query(statement)
    restore(driver, json.loads((SCHEMAS / f"schema-{version}.graph.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("version", range(1, SCHEMA + 1))
def test_a_graph_of_every_released_schema_opens(neo4j_server: Server, driver: Driver, version: int) -> None:
    older(driver, version)
    with open_store(neo4j_server.url) as store:
        assert store.schema == SCHEMA
        found = store.paper(doi(1))
        assert (found.row.id, found.row.title, found.row.bitrates, found.row.cited_by) == (
            arxiv(1), "A codec", (1.5, 6.0), 2,
        )  # fmt: skip
        assert (found.merged, found.lists, found.row.cluster) == ((doi(1),), ("mine",), 0)
        assert store.ids(PaperFilter()) == [arxiv(1), arxiv(2)]
        assert store.ids(PaperFilter(text="語音", include=())) == [arxiv(1)]
        store.unmerge(1)
        run = store.begin("ingest", rules=None, protocol=None, time="2025")
        store.upsert(
            Batch(
                papers=(paper(arxiv(1), standing="withdrawn"), *papers(50)),
                citations=(Citation(arxiv(2), arxiv(1), "s2", contexts=("We use it.",)),),
                fetches=(Fetch(arxiv(50), "s2", "references", "empty", 0, 0, "2025"),),
                found=(Found(arxiv(50), "query", "s2", "speech", "2025"),),
                vectors={arxiv(50): Vector("m", (1.0,))},
                run=run,
            )
        )
        found = store.paper(arxiv(50))
        assert (store.paper(arxiv(1)).paper.standing, len(found.fetches), len(found.found)) == ("withdrawn", 1, 1)
        assert store.table("changes")["field"].to_pylist()[-2:] == ["standing", ""]
        assert (store.counts().papers, store.counts().stubs) == (5, 1)


def test_bringing_a_graph_up_to_date_makes_the_keys_and_touches_nothing_else(
    neo4j_server: Server, driver: Driver
) -> None:
    older(driver, 1)
    before = dump(driver)
    open_store(neo4j_server.url).close()
    after = dump(driver)
    markers = [
        [held for _, labels, held in graph["nodes"] if labels == ["TokenAtlas"]].pop() for graph in (before, after)
    ]
    assert [marker.pop("schema") for marker in markers] == [1, SCHEMA]
    assert [len(marker.pop("migrations")) for marker in markers] == [1, SCHEMA]
    assert after == before
    made = {name for _, _, steps in MIGRATIONS for step in steps for name in re.findall(r"CONSTRAINT (\w+)", step)}
    assert keys(driver) == made
    assert len(made) > sum("CONSTRAINT" in step for step in _SCHEMA_1)


def test_an_older_graph_opened_to_read_only_says_how_it_is_brought_up_to_date(
    neo4j_server: Server, driver: Driver
) -> None:
    older(driver, 1)
    before = dump(driver)
    with pytest.raises(SchemaMismatch, match="brought up to date") as caught:
        open_store(neo4j_server.url, read_only=True)
    assert (caught.value.found, caught.value.supported) == (1, SCHEMA)
    assert dump(driver) == before
    open_store(neo4j_server.url).close()
