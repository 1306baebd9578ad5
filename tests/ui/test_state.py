"""The URL is where a visitor is: read with care, written by callbacks, shared between pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from kg.store import GraphStore
from tests.ui.world import CODEC
from ui import state

Visit = Callable[..., AppTest]


@pytest.mark.parametrize("page", ["overview", "papers", "citations", "trends", "protocol"])
def test_an_unknown_parameter_is_named_and_ignored(world: GraphStore, visit: Visit, page: str) -> None:
    app = visit(page, wibble="1")
    assert not app.exception
    assert any("wibble" in each.value for each in app.warning)


@pytest.mark.parametrize(
    ("page", "parameter", "value"),
    [
        ("papers", "topic", "S9"),
        ("papers", "sort", "sideways"),
        ("papers", "page", "zero"),
        ("papers", "page", "-1"),
        ("papers", "page", "99999999999999999999"),
        ("papers", "kbps_min", "nan"),
        ("citations", "hops", "7"),
        ("citations", "direction", "up"),
        ("citations", "include", "maybe"),
        ("trends", "left", "colour"),
        ("protocol", "text", "fr"),
        ("overview", "gap", "teeth"),
    ],
)
def test_an_impossible_value_is_named_and_ignored(
    world: GraphStore, visit: Visit, page: str, parameter: str, value: str
) -> None:
    app = visit(page, **{parameter: value})
    assert not app.exception
    assert any(parameter.replace("_", r"\_") in each.value for each in app.warning)


def test_a_parameter_name_is_shown_as_text(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", **{"<b>*x*": "1"})
    assert any(r"\<b\>\*x\*" in each.value for each in app.warning)


def test_a_language_without_catalogue_is_named(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", lang="tlh")
    assert any("lang" in each.value for each in app.warning)
    assert app.title[0].value == "Papers"


def test_a_known_language_is_no_unknown_parameter(world: GraphStore, visit: Visit) -> None:
    assert not visit("papers", lang="en").warning


def test_the_page_follows_the_store(world: GraphStore, visit: Visit) -> None:
    """A write by another process raises the revision, so no cache can answer with old numbers."""
    app = visit("papers", include="any", list="to read")
    before = [each.value for each in app.markdown if "**2**" in each.value]
    world.remove_from_list("to read", ["2209.03143"])
    app.run()
    assert before
    assert any("**1** paper" in each.value for each in app.markdown)


@pytest.mark.parametrize("before", [{}, {"include": "any"}])
def test_back_to_the_page_that_was_left_shows_what_was_there(
    world: GraphStore, visit: Visit, before: dict[str, str]
) -> None:
    """The browser's history holds the page that was left with the parameters of the page that was opened."""
    app = visit("trends", **before)
    trends = app._page_hash
    app.session_state["_going"] = ("papers", {"paper": CODEC})
    app.run()
    assert app.query_params == {"paper": CODEC}
    assert "Verdict per criterion" in [each.value for each in app.subheader]
    app._page_hash = trends
    app.run()
    assert app.title[0].value == "Trends"
    assert app.query_params == before
    assert not app.warning


def test_the_reviewer_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENATLAS_REVIEWER", "ada")
    assert state.reviewer() == "ada"
    for name in ("TOKENATLAS_REVIEWER", "USER", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    assert state.reviewer() == "reviewer"
