"""What is shown instead of a page, or above it: an empty store, an error, the answer to a deed."""

from __future__ import annotations

import streamlit as st

from kg.errors import AtlasError, InputError, StoreError
from ui import state
from ui.text import plain, t


def empty_store() -> None:
    """A store without papers says exactly what to run."""
    st.title(t("empty.heading"), anchor=False)
    st.markdown(t("empty.text"))
    st.markdown(t("empty.bundle"))
    st.code(f"tokenatlas load{state.store_option()}", language="sh")
    st.markdown(t("empty.own"))
    st.code(f"tokenatlas ingest files papers.jsonl.gz{state.store_option()}", language="sh")
    st.caption(t("empty.where", url=plain(state.store().url)))
    st.button(t("empty.again"), icon=":material/refresh:")


def show_error(error: AtlasError) -> None:
    """What happened, where, and the fix."""
    place = [error.where]
    if isinstance(error, InputError):
        place += [error.at, error.field]
    if isinstance(error, StoreError):
        place += [error.engine, error.operation]
    lines = [
        f"**{plain(error.message)}**",
        t("error.where", where=plain(", ".join(part for part in place if part) or t("error.here"))),
        t("error.fix", fix=plain(error.hint or t("error.no_fix"))),
    ]
    st.error("  \n".join(lines), icon=":material/error:")
    st.button(t("error.retry"), icon=":material/refresh:")


def show_message(place: str) -> None:
    """The answer to the last deed done at this place, with its undoing."""
    message = state.take_message(place)
    if message is None:
        return
    said, undo = message
    with st.container(horizontal=True, vertical_alignment="center", key=f"message.{place}"):
        st.markdown(f":material/check_circle: {said}", width="content")
        if undo is not None:
            act, arguments = undo
            st.button(
                t("app.undo"), key=f"undo.{place}", icon=":material/undo:", on_click=state.later, args=(act, *arguments)
            )
