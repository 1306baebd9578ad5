"""The browser door: navigation, and errors as what, where and fix. Nothing else."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from kg.errors import AtlasError
from ui import state
from ui.pages import citations, overview, papers, protocol, trends
from ui.text import t
from ui.welcome import empty_store, show_error

STYLE = Path(__file__).resolve().parent / "ui" / "style.css"
PAGES = (
    ("overview", overview.page, ":material/travel_explore:"),
    ("papers", papers.page, ":material/article:"),
    ("citations", citations.page, ":material/hub:"),
    ("trends", trends.page, ":material/trending_up:"),
    ("protocol", protocol.page, ":material/gavel:"),
)


def main() -> None:
    """Draw the page that the URL names."""
    st.set_page_config(page_title=t("app.name"), page_icon=":material/hub:", layout="wide")
    st.html(STYLE)
    state.start()
    pages = {
        name: st.Page(draw, title=t(f"nav.{name}"), icon=icon, url_path=name, default=name == "overview")
        for name, draw, icon in PAGES
    }
    state.register(pages)
    current = st.navigation(list(pages.values()), position="top")
    state.follow()
    try:
        if state.store().revision() == 0 and current.url_path != "protocol":
            empty_store()
        else:
            current.run()
    except AtlasError as error:
        show_error(error)


main()
