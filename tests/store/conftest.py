"""The contract suite runs on every engine: each test gets an empty, open store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kg.store import GraphStore, open_store

ENGINES = ("sqlite",)


@pytest.fixture(params=ENGINES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Gives the URL of another empty store at every call."""
    made: list[str] = []

    def url() -> str:
        assert request.param == "sqlite"
        made.append(f"sqlite:///{(tmp_path / f'store-{len(made)}.sqlite').as_posix()}")
        return made[-1]

    return url


@pytest.fixture
def store(empty_url: Callable[[], str]) -> Iterator[GraphStore]:
    with open_store(empty_url()) as opened:
        yield opened
