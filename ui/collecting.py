"""The panel that completes the atlas: what a first start lacks, how long it takes, and the command at work."""

from __future__ import annotations

import streamlit as st

from kg.clock import utc_now
from kg.errors import AtlasError
from ui import process, state
from ui.text import plain, t

COMMAND = ("complete",)
LINES = 8
EVERY_S = 2.0


def panel() -> None:
    """What `tokenatlas complete` would do, a button that starts it, and what it says while it works."""
    st.subheader(t("complete.heading"), anchor=False)
    st.markdown(t("complete.text"))
    work = process.last(state.store().url)
    if work is not None and work.running:
        _at_work()
        return
    if work is not None:
        _said(work)
    with st.container(horizontal=True, vertical_alignment="center"):
        estimate = st.button(t("complete.estimate"), key="complete.estimate", icon=":material/schedule:")
        st.button(t("complete.start"), key="complete.start", icon=":material/cloud_download:", on_click=_start)
    if estimate:
        with st.spinner(t("complete.estimating")):
            st.session_state["complete.estimated"] = (state.version(), _estimated())
    known = st.session_state.get("complete.estimated")
    if known is not None and known[0] == state.version():
        for line in known[1]:
            st.markdown(line)
    st.caption(t("complete.terminal"))
    st.code(f"tokenatlas complete --dry-run{state.store_option()}", language="sh")


@st.fragment(run_every=EVERY_S)
def _at_work() -> None:
    """The command at work: its last lines, and a button that stops it after the request in flight."""
    work = process.last(state.store().url)
    if work is None or not work.running:
        st.rerun()
        return
    st.markdown(t("complete.running", command=plain(work.command), time=work.started.replace("T", " ")[:16]))
    _lines(work)
    st.button(t("complete.stop"), key="complete.stop", icon=":material/stop_circle:", on_click=_stop)


def _said(work: process.Work) -> None:
    st.markdown(t("complete.ended", command=plain(work.command), time=work.started.replace("T", " ")[:16]))
    _lines(work)


def _lines(work: process.Work) -> None:
    st.code("\n".join(work.said[-LINES:]) or t("complete.silent"), language=None, wrap_lines=True)


def _start() -> None:
    try:
        process.start(state.store().url, COMMAND, time=utc_now())
    except AtlasError as error:
        st.session_state["complete.estimated"] = (state.version(), [_refusal(error)])


def _stop() -> None:
    process.stop(state.store().url)


def _estimated() -> list[str]:
    """The estimate in the words of the terminal."""
    try:
        document = process.ask(state.store().url, (*COMMAND, "--dry-run"))
    except AtlasError as error:
        return [_refusal(error)]
    steps = document["steps"]
    lines = [plain(str(step["said"])) for step in steps] if isinstance(steps, list) else []
    return [*(f"- {line}" for line in lines), plain(str(document["said"]))]


def _refusal(error: AtlasError) -> str:
    return f":material/error: {plain(error.message)} {plain(error.hint)}"
