"""The two engines stay behind one contract: nobody else asks which one it is, or speaks to a server."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOORS = {"kg/store.py"}
"""Opens the one or the other by the scheme of the URL."""


def ours() -> Iterator[tuple[str, ast.Module]]:
    """Every module outside the engines, with its path."""
    rooms = ("kg", "ingest", "analysis", "ui")
    files = [*ROOT.glob("*.py"), *(file for room in rooms for file in (ROOT / room).rglob("*.py"))]
    for file in files:
        if not file.name.startswith(("neo4j_", "sqlite_")):
            yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def branches(tree: ast.Module) -> list[int]:
    """Lines that decide by the engine: a comparison or match of something called engine, or of a kind of store."""
    found = []
    for node in ast.walk(tree):
        asked: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
        elif isinstance(node, ast.Match):
            asked = [node.subject]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
            asked = [each for each in ast.walk(node.args[1]) if isinstance(each, ast.expr)]
        names = {getattr(each, "attr", getattr(each, "id", "")) for each in asked}
        if names & {"engine", "ENGINE", "SqliteStore", "Neo4jStore"}:
            found.append(node.lineno)
    return found


def test_nobody_outside_the_engines_asks_which_one_it_is() -> None:
    modules = dict(ours())
    assert "kg/store.py" in modules
    assert "app.py" in modules
    assert {path: found for path, tree in modules.items() if (found := branches(tree))} == {}


@pytest.mark.parametrize(
    "text", ["if store.engine == 'neo4j': pass", "x = engine in names", "isinstance(store, SqliteStore)"]
)
def test_such_a_question_would_be_found(text: str) -> None:
    assert branches(ast.parse(text)) == [1]


def test_only_the_engines_import_a_driver() -> None:
    for path, tree in ours():
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        drivers = {name for name in names if name.partition(".")[0] in {"neo4j", "sqlite3"}}
        engines = {name for name in names if name.startswith(("kg.neo4j_", "kg.sqlite_"))}
        assert not drivers, path
        assert not engines or path in DOORS, path


@pytest.mark.parametrize("automatic", [False, True])
def test_without_java_the_server_tests_are_skipped_aloud_or_fail(tmp_path: Path, automatic: bool) -> None:
    environment = {**os.environ, "PATH": str(tmp_path), "CI": "true" if automatic else ""}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
            "tests/kg/test_neo4j_store.py::test_an_unknown_database_is_named",
        ],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "apt install openjdk-17-jre-headless" in done.stdout
    assert ("1 error" if automatic else "1 skipped") in done.stdout
    assert bool(done.returncode) == automatic
