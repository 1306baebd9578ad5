"""Stores for the pages: an empty one and the invented world, each test its own copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from kg.store import GraphStore, open_store
from tests.ui.world import fill

APP = Path(__file__).resolve().parents[2] / "app.py"
TIMEOUT_S = 20


def url_of(path: Path) -> str:
    return f"sqlite:///{path.as_posix()}"


@pytest.fixture(scope="session")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("world") / "world.sqlite"
    with open_store(url_of(path)) as store:
        fill(store)
        store.backup(path.with_name("copy.sqlite"))
    return path.with_name("copy.sqlite")


@pytest.fixture
def _fresh_caches() -> Iterator[None]:
    """Each test opens its own store; what another one cached must not answer."""
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def empty_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _fresh_caches: None) -> str:
    url = url_of(tmp_path / "empty.sqlite")
    monkeypatch.setenv("TOKENATLAS_STORE", url)
    monkeypatch.setenv("TOKENATLAS_REVIEWER", "tester")
    return url


@pytest.fixture
def world_url(tmp_path: Path, filled_file: Path, monkeypatch: pytest.MonkeyPatch, _fresh_caches: None) -> str:
    path = tmp_path / "world.sqlite"
    shutil.copyfile(filled_file, path)
    url = url_of(path)
    monkeypatch.setenv("TOKENATLAS_STORE", url)
    monkeypatch.setenv("TOKENATLAS_REVIEWER", "tester")
    return url


@pytest.fixture
def world(world_url: str) -> Iterator[GraphStore]:
    with open_store(world_url) as store:
        yield store


@pytest.fixture
def visit() -> Callable[..., AppTest]:
    """Open a page of the app with parameters, as a pasted link would."""

    def open_page(name: str, **parameters: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=TIMEOUT_S)
        for parameter, value in parameters.items():
            app.query_params[parameter.rstrip("_")] = value
        # AppTest names pages by file only; a page made of a function is known by the hash of its address.
        app._page_hash = calc_hash(name)
        return app.run()

    return open_page
