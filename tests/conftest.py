"""Fixtures every room shares: the research data, and empty stores on either engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.neo4j_server.server import Server, Unavailable, empty, running
from tests.services.fixtures import make_services, services

__all__ = ["make_services", "services"]

ROOT = Path(__file__).resolve().parents[1]
ENGINES = ("sqlite", "neo4j")

# How long an example takes depends on what else the machine does; whole tests are timed elsewhere.
settings.register_profile("tokenatlas", deadline=None)
settings.load_profile("tokenatlas")

EmptyStore = Callable[[str], str]
"""The URL of an empty store on an engine. There is one database on the server, so one store on it at a time."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engines",
        help="engines that the store tests run on, e.g. sqlite,neo4j; one that is named here and cannot be had is a"
        " failure, otherwise its tests are skipped (never with CI=true)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of engines that `--engines` does not name."""
    named = _named(config)
    if named is None:
        return
    unknown = set(named).difference(ENGINES)
    if unknown:
        raise pytest.UsageError(f"--engines: no engine {', '.join(sorted(unknown))}; known: {', '.join(ENGINES)}")
    left = [item for item in items if _engine(item) not in {*named, None}]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def _named(config: pytest.Config) -> list[str] | None:
    option = config.getoption("--engines")
    return option.split(",") if option else None


def _engine(item: pytest.Item) -> str | None:
    if item.get_closest_marker("neo4j"):
        return "neo4j"
    parameters = getattr(item, "callspec", None)
    values = parameters.params.values() if parameters else ()
    return next((each for each in values if isinstance(each, str) and each in ENGINES), None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The research data beside a developer's checkout; the test is skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not (folder / "arxiv_audio.jsonl.gz").is_file():
        pytest.skip("research data absent: put it at ../shared/data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def neo4j_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real server for the whole run, with its user and password in the environment."""
    try:
        with running(tmp_path_factory.mktemp("neo4j")) as server, pytest.MonkeyPatch.context() as patch:
            patch.setenv("TOKENATLAS_NEO4J_USER", server.user)
            patch.setenv("TOKENATLAS_NEO4J_PASSWORD", server.password)
            patch.delenv("TOKENATLAS_NEO4J_DATABASE", raising=False)
            yield server
            assert server.process.poll() is None, f"The server died:\n{server.output()}"
    except Unavailable as error:
        if os.environ.get("CI") == "true" or "neo4j" in (_named(request.config) or ()):
            raise
        pytest.skip(f"no Neo4j server: {error}")


@pytest.fixture(scope="session")
def empty_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> EmptyStore:
    """Makes empty stores."""

    def url(engine: str) -> str:
        if engine == "neo4j":
            server: Server = request.getfixturevalue("neo4j_server")
            empty(server)
            return server.url
        return f"sqlite:///{(tmp_path_factory.mktemp('store') / 'store.sqlite').as_posix()}"

    return url
