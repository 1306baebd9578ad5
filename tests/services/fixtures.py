"""Fixtures of the test server; tests/conftest.py brings them to every room."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.server import Services, serving

MakeServices = Callable[..., Services]


@pytest.fixture
def make_services(tmp_path: Path) -> Iterator[MakeServices]:
    """Starts servers: make_services(papers=300, seed=1, citations=None, nested=9999, deepest=10000)."""
    with contextlib.ExitStack() as stack:

        def make(**chosen: Any) -> Services:
            return stack.enter_context(serving(cache=tmp_path / "cache", **chosen))

        yield make


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    """A server over a world of 300 papers; `services.environment` points the program at it."""
    return make_services()
