"""The contract suite runs on every engine: each test gets an empty, open store."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kg.store import GraphStore, open_store
from tests.conftest import ENGINES, EmptyStore


@pytest.fixture(scope="session", params=ENGINES)
def empty_url(request: pytest.FixtureRequest, empty_store: EmptyStore) -> Callable[[], str]:
    """Gives the URL of another empty store at every call. On a server the one before is gone then."""
    return lambda: empty_store(request.param)


@pytest.fixture
def store(empty_url: Callable[[], str]) -> Iterator[GraphStore]:
    with open_store(empty_url()) as opened:
        yield opened
