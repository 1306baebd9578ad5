"""The locks are made from pyproject.toml as it stands, and hold on every Python that we promise."""

from __future__ import annotations

import tomllib

import pytest
from packaging.requirements import Requirement

from tests.house.locks import DEV, PEERS, PEERS_IN, ROOT, RUN, compile_lock, header

PYTHONS = ("3.11", "3.12", "3.13")


def pins(name: str, python: str) -> dict[str, str]:
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    found: dict[str, str] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", line
            assert requirement.name not in found, f"{requirement.name} pinned twice for Python {python}"
            found[requirement.name] = specifier.version
    return found


@pytest.mark.parametrize("name", [RUN, DEV])
def test_a_lock_was_made_from_the_present_dependencies(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8").startswith(header()), "run `make lock` and commit the result"


def test_the_lock_of_the_peers_was_made_from_their_list() -> None:
    assert (ROOT / PEERS).read_text(encoding="utf-8").startswith(header(PEERS_IN)), "run `make lock`"


@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_is_pinned_inside_its_bounds(python: str) -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    run, dev = pins(RUN, python), pins(DEV, python)
    for text, lock in [(d, run) for d in document["project"]["dependencies"]] + [
        (d, dev) for d in document["dependency-groups"]["dev"]
    ]:
        requirement = Requirement(text)
        assert lock[requirement.name] in requirement.specifier, text
    assert run.items() <= dev.items(), "the tests must run with what users get"


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    for dependency in document["project"]["dependencies"] + document["dependency-groups"]["dev"]:
        (line,) = [line for line in text.splitlines() if f'"{dependency}"' in line]
        assert "# " in line, f"{dependency} has no reason"


@pytest.mark.parametrize("name", [RUN, DEV, PEERS, PEERS_IN, "pyproject.toml"])
def test_no_registry_address_is_written_down(name: str) -> None:
    assert "://" not in (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.long
def test_resolving_anew_gives_the_same_locks(tmp_path) -> None:
    for name, options in ((RUN, ()), (DEV, ("--group", "dev", "--constraints", RUN))):
        target = tmp_path / name
        target.write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
        compile_lock(target, *options)
        assert target.read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8")
