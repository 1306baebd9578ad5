"""compose.yaml is well-formed and keeps its promises; there is no container engine here to run it."""

from __future__ import annotations

import re

import yaml

from kg.neo4j_errors import OLDEST, PASSWORD
from tests.conftest import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVER = COMPOSE["services"]["neo4j"]


def test_the_image_is_a_long_term_release_that_we_support() -> None:
    found = re.fullmatch(r"neo4j:(\d+)\.(\d+)-community", SERVER["image"])
    assert found is not None
    assert (int(found[1]), int(found[2])) == OLDEST == (5, 26)


def test_the_password_comes_from_the_environment_and_must_be_there() -> None:
    assert SERVER["environment"]["NEO4J_AUTH"].startswith(f"neo4j/${{{PASSWORD}:?")


def test_ports_are_open_to_this_machine_only() -> None:
    assert {port.rpartition(":")[2] for port in SERVER["ports"]} == {"7687", "7474"}
    assert all(port.startswith("127.0.0.1:") for port in SERVER["ports"])


def test_the_graph_outlives_the_container_and_its_health_is_asked() -> None:
    volume, _, place = SERVER["volumes"][0].partition(":")
    assert place == "/data"
    assert volume in COMPOSE["volumes"]
    assert SERVER["healthcheck"]["test"][0] == "CMD"
    assert SERVER["healthcheck"]["retries"] > 1
