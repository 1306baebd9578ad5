"""Documents and code say the same."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re

import pytest

import kg
from kg.errors import AtlasError
from tests.conftest import ROOT
from tests.house.cli_reference import commands, parameters, parts, reference

COMMANDS = list(commands())


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_every_command_has_help_an_example_and_described_parameters(path, command) -> None:
    text, example = parts(command)
    assert text.endswith("."), path
    assert example.startswith(f"tokenatlas {' '.join(path)}"), "the example calls another command"
    for name, _, help_text in parameters(command):
        assert help_text, f"{name} has no help"
        assert not name.endswith("VALUE"), f"{name} does not say what it takes"


def test_the_command_reference_is_fresh() -> None:
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == reference() + "\n", "run `make docs` and commit docs/cli.md"


def test_kg_lists_exactly_its_records_errors_and_doors() -> None:
    public = set(kg.__all__)
    assert sorted(public) == kg.__all__, "keep the list sorted"
    for name in public:
        assert getattr(kg, name).__doc__, f"{name} has no docstring"
    model = importlib.import_module("kg.model")
    records = {name for name, value in vars(model).items() if dataclasses.is_dataclass(value)}
    assert records <= public, f"not exported: {records - public}"
    errors = importlib.import_module("kg.errors")
    family = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, AtlasError)}
    assert family <= public, f"not exported: {family - public}"


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "docs/cli.md", "docs/data.md", "docs/neo4j.md", "docs/protocol.md"]
)
def test_links_between_documents_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert (ROOT / name).parent.joinpath(target).exists(), f"{name} links to {target}"
