"""The contract suite runs on every engine: each test gets an empty, open store."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kg.store import GraphStore, open_store
from tests.conftest import ENGINES, EmptyStore

HISTORIES = {"sqlite": 30, "neo4j": 8}
"""How many random histories an engine goes through: a server answers each question over the network."""


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The engine that a test runs on."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def empty_url(engine: str, empty_store: EmptyStore) -> Callable[[], str]:
    """Gives the URL of another empty store at every call. On a server the one before is gone then."""
    return lambda: empty_store(engine)


@pytest.fixture(scope="session")
def histories(engine: str) -> int:
    """How many random histories to go through."""
    return HISTORIES[engine]


@pytest.fixture
def store(empty_url: Callable[[], str]) -> Iterator[GraphStore]:
    with open_store(empty_url()) as opened:
        yield opened
