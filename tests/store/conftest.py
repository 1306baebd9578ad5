"""The contract suite runs on every engine: each test gets an empty, open store."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kg.store import GraphStore, open_store

ENGINES = ("sqlite",)


@pytest.fixture(scope="session", params=ENGINES)
def empty_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Gives the URL of another empty store at every call."""

    def url() -> str:
        assert request.param == "sqlite"
        return f"sqlite:///{(tmp_path_factory.mktemp('store') / 'store.sqlite').as_posix()}"

    return url


@pytest.fixture
def store(empty_url: Callable[[], str]) -> Iterator[GraphStore]:
    with open_store(empty_url()) as opened:
        yield opened
