"""Every engine has exactly the methods of the contract, with its parameters."""

from __future__ import annotations

import inspect

import pytest

from kg.neo4j_store import Neo4jStore
from kg.sqlite_store import SqliteStore
from kg.store import GraphStore

ENGINES = (SqliteStore, Neo4jStore)
METHODS = [name for name, value in vars(GraphStore).items() if inspect.isfunction(value) and not name.startswith("_")]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_as_the_contract_says(engine: type, name: str) -> None:
    ours, promised = inspect.signature(getattr(engine, name)), inspect.signature(getattr(GraphStore, name))
    assert list(ours.parameters.values()) == list(promised.parameters.values())
    assert ours.return_annotation == promised.return_annotation


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_has_nothing_public_beside_the_contract(engine: type) -> None:
    public = {name for name in vars(engine) if not name.startswith("_")}
    assert public == {name for name in vars(GraphStore) if not name.startswith("_")}
