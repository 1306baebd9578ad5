"""The browser door: navigation, and errors as what, where and fix. Nothing else."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from kg.errors import AtlasError
from ui import atlas, state
from ui.pages import citations, overview, papers, protocol, trends
from ui.text import t
from ui.welcome import empty_store, show_error

UI = Path(__file__).resolve().parent / "ui"
STYLE = UI / "style.css"
PAGES = (
    ("overview", overview.page),
    ("papers", papers.page),
    ("citations", citations.page),
    ("trends", trends.page),
    ("protocol", protocol.page),
)


def main() -> None:
    """Draw the page that the URL names."""
    state.start()
    st.set_page_config(page_title=t("app.name"), page_icon=UI / "assets" / "mark.svg", layout="wide")
    st.logo(UI / "assets" / "mark.svg", size="medium")
    st.html(STYLE)
    state.check_language()
    pages = {
        name: st.Page(draw, title=t(f"nav.{name}"), url_path=name, default=name == "overview") for name, draw in PAGES
    }
    state.register(pages)
    current = st.navigation(list(pages.values()), position="top")
    state.follow(current.url_path)
    try:
        state.carry_out()
        if current.url_path != "protocol" and atlas.counts().papers == 0:
            empty_store()
        else:
            current.run()
    except AtlasError as error:
        show_error(error)


main()
