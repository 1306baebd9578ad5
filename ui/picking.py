"""Choosing one paper by typing: words of its title, an author, or any spelling of its id or its address."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from kg.paper_filter import PaperFilter
from ui import atlas, state, tables
from ui.text import t

OFFERED = 8


def paper_picker(key: str, label: str, where: PaperFilter, on_pick: Callable[[str], None]) -> None:
    """A search box; a click on one of the papers found calls `on_pick` with its id and empties the box."""
    typed = st.text_input(label, key=f"{key}.text", placeholder=t("pick.placeholder"), icon=":material/search:")
    words = (typed or "").strip()
    if not words:
        return
    exact = atlas.resolve(words)
    if exact is not None:
        rows = list(atlas.rows((exact,)).values())
    else:
        rows = list(atlas.papers(PaperFilter(text=words, include=where.include), sort="relevance", limit=OFFERED).rows)
    if not rows:
        st.caption(t("pick.none"))
        return
    with st.container(key=f"pick-{key}", gap="xsmall"):
        for row in rows:
            st.button(
                f"{tables.title_of(row, 90)} :gray[{tables.byline(row)}]",
                key=f"{key}.{row.id}",
                type="tertiary",
                on_click=_picked,
                args=(key, row.id, on_pick),
            )


def _picked(key: str, id: str, on_pick: Callable[[str], None]) -> None:
    state.forget(f"{key}.text")
    on_pick(id)
