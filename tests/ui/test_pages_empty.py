"""Every page over an empty store, and the app over one that cannot be opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from kg.model import Decision
from ui import state
from ui.text import t

Visit = Callable[..., AppTest]


@pytest.mark.parametrize("page", ["overview", "papers", "citations", "trends"])
def test_an_empty_store_says_what_to_run(empty_url: str, visit: Visit, page: str) -> None:
    app = visit(page)
    assert not app.exception
    assert app.title[0].value == t("empty.heading")
    assert f"tokenatlas load --store {empty_url}" in [each.value for each in app.code]
    assert any(empty_url.rpartition("/")[2].split(".")[0] in each.value for each in app.caption)


def test_the_store_is_named_only_where_it_is_not_the_usual_one(
    empty_url: str, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKENATLAS_STORE")
    monkeypatch.setattr(state, "default_store_url", lambda: empty_url)
    commands = [each.value for each in visit("papers").code]
    assert commands == ["tokenatlas load", "tokenatlas ingest files papers.jsonl.gz"]


def test_the_protocol_can_be_read_without_papers(empty_url: str, visit: Visit) -> None:
    app = visit("protocol")
    assert not app.exception
    assert "Discrete audio tokens" in app.title[0].value


def test_a_deep_link_into_an_empty_store_says_what_to_run(empty_url: str, visit: Visit) -> None:
    app = visit("papers", paper="arxiv:2209.03143")
    assert app.title[0].value == t("empty.heading")


def test_a_store_that_cannot_be_opened_is_said_in_three_parts(
    empty_url: str, visit: Visit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.sqlite"
    broken.write_text("this is no database, and it says so at length " * 50)
    monkeypatch.setenv("TOKENATLAS_STORE", f"sqlite:///{broken.as_posix()}")
    app = visit("overview")
    assert not app.exception
    said = app.error[0].value
    assert "Where:" in said
    assert "What to do:" in said


def test_a_malformed_store_url_names_the_fix(empty_url: str, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENATLAS_STORE", "carrier-pigeon://coop")
    app = visit("papers")
    assert not app.exception
    assert "sqlite" in app.error[0].value


def test_a_deed_that_the_store_refuses_is_said_like_any_error(empty_url: str, visit: Visit) -> None:
    app = visit("protocol")
    decision = Decision("arxiv:2209.03143", "include", "exclude", "tester", "", "2026-01-01T00:00:00+00:00")
    app.session_state["_deeds"] = [(lambda: state.store().decide(decision), ())]
    app.run()
    assert not app.exception
    assert "2209" in app.error[0].value
    assert not app.title
    assert app.run().title, "the deed is not tried again"
