"""Where a visitor is: the URL, the session and the open store. Nothing else touches them.

Rules:
- What a page shows is a function of its URL. Widgets are set from it before they are drawn and write it in their
  callbacks, which is what makes the browser's Back and Forward work.
- Session state holds widget values, the language and one-time messages only; nothing is made at import.
- Results are cached by store URL, revision and arguments, never by time.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

import streamlit as st

from kg.paper_filter import PaperFilter
from kg.store import GraphStore, default_store_url, open_store
from ui import text

LANGUAGE = "lang"
_EVERYWHERE = frozenset({LANGUAGE, "embed", "embed_options"})


# The URL


def query() -> dict[str, str]:
    """Parameters of the URL, one value each, without those that belong to every page."""
    return {name: value for name, value in st.query_params.to_dict().items() if name not in _EVERYWHERE}


def write_query(parameters: Mapping[str, str]) -> None:
    """Make these the parameters of the URL; one entry in the browser's history."""
    kept = {name: value for name, value in st.query_params.to_dict().items() if name in _EVERYWHERE}
    wanted = dict(parameters) | kept
    if wanted != st.query_params.to_dict():
        st.query_params.from_dict(wanted)


def change_query(**changes: str | None) -> None:
    """Change some parameters of the URL; `None` takes one away."""
    changed = query() | {name: value for name, value in changes.items() if value is not None}
    write_query({name: value for name, value in changed.items() if changes.get(name, value) is not None})


def filter_from_url(own: Sequence[str] = ()) -> PaperFilter:
    """The filter that the URL means; parameters in `own` belong to the page, any other unknown one is named."""
    mine = set(own)
    where, unknown = PaperFilter.from_query({name: value for name, value in query().items() if name not in mine})
    name_ignored(unknown)
    return where


def name_ignored(parameters: Sequence[str]) -> None:
    """Say which parameters of the URL mean nothing here."""
    if parameters:
        listed = ", ".join(text.plain(text.short(name, 40)) for name in parameters[:8])
        st.warning(text.t("app.ignored", names=listed, n=len(parameters)), icon=":material/link_off:")


def check_query(known: Sequence[str]) -> dict[str, str]:
    """The URL's parameters that a page knows; any other is named on the page and ignored."""
    parameters = query()
    name_ignored([name for name in parameters if name not in known])
    return {name: value for name, value in parameters.items() if name in known}


def write_filter(where: PaperFilter, own: Mapping[str, str] | None = None) -> None:
    """Put a filter into the URL, beside parameters that belong to the page."""
    write_query(where.to_query() | dict(own or {}))


def choice(parameter: str, allowed: Sequence[str], default: str) -> str:
    """One of `allowed` from the URL; an impossible value is named and the default taken."""
    value = query().get(parameter, default)
    if value in allowed:
        return value
    name_ignored([parameter])
    return default


def number(parameter: str, low: int, high: int, default: int) -> int:
    """A whole number from the URL within bounds; an impossible value is named and the default taken."""
    value = query().get(parameter)
    if value is None:
        return default
    if value.isdecimal() and len(value) < 10 and low <= int(value) <= high:
        return int(value)
    name_ignored([parameter])
    return default


# Pages


def register(pages: Mapping[str, Any]) -> None:
    """Remember the pages by name, so that one can open another."""
    st.session_state["_pages"] = dict(pages)


def open_page(name: str, parameters: Mapping[str, str] | None = None) -> NoReturn:
    """Go to another page with these parameters."""
    st.switch_page(st.session_state["_pages"][name], query_params=dict(parameters or {}) | _language_parameter())


def go(name: str, parameters: Mapping[str, str] | None = None) -> None:
    """Go to another page from a callback, where Streamlit cannot switch: `follow` does so as the run begins."""
    st.session_state["_going"] = (name, dict(parameters or {}))


def follow(here: str) -> None:
    """Carry out what a callback asked for with `go`; `here` is the `url_path` of the page that the URL names.

    Streamlit puts the parameters of a switch on the page that is left before it changes the page, so the browser's
    history holds that mixture and Back lands on it. It is remembered, and what was there before is put in its place:
    in a run that Back began, Streamlit replaces the entry, so that Back and Forward lead on from there.
    """
    left: dict[tuple[str, frozenset[tuple[str, str]]], dict[str, str]] = st.session_state.setdefault("_left", {})
    going = st.session_state.pop("_going", None)
    if going is not None:
        name, parameters = going
        if parameters and here != st.session_state["_pages"][name].url_path:
            left[here, frozenset(parameters.items())] = query()
        open_page(name, parameters)
    before = left.get((here, frozenset(query().items())))
    if before is not None:
        write_query(before)


def link(
    name: str, label: str, parameters: Mapping[str, str] | None = None, *, beside: str = "", icon: str | None = None
) -> None:
    """A link to a page with parameters, and grey words beside its label.

    Both are Markdown, so outside text in them is escaped by the caller.
    """
    st.page_link(
        st.session_state["_pages"][name],
        label=f":blue[{label}]" + (f" :gray[{beside}]" if beside else ""),
        icon=icon,
        query_params=dict(parameters or {}) | _language_parameter(),
    )


# Widgets and messages


def put(key: str, value: object) -> str:
    """Give a widget its value before it is drawn; returns the key."""
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    return key


def value(key: str, default: Any = None) -> Any:
    """What a widget or component holds; meant for its callback."""
    return st.session_state.get(key, default)


def forget(key: str) -> None:
    """Clear what a widget or component holds, so that the same choice can be made again."""
    st.session_state.pop(key, None)


def leave_message(place: str, message: str, undo: tuple[Callable[..., None], tuple[Any, ...]] | None = None) -> None:
    """A message for the next drawing of a place on the page, with what would undo the deed."""
    st.session_state["_message"] = (place, message, undo)


def take_message(place: str) -> tuple[str, tuple[Callable[..., None], tuple[Any, ...]] | None] | None:
    """The message that the last deed left for this place, once."""
    held = st.session_state.get("_message")
    if held is None or held[0] != place:
        return None
    del st.session_state["_message"]
    return held[1], held[2]


def later(deed: Callable[..., None], *arguments: Any) -> None:
    """Callback for whatever writes to the store: `carry_out` does it as the run begins, where errors are shown."""
    st.session_state.setdefault("_deeds", []).append((deed, arguments))


def carry_out() -> None:
    """Do what callbacks asked for. Raises AtlasError when the store refuses."""
    for deed, arguments in st.session_state.pop("_deeds", []):
        deed(*arguments)


# Language


def language() -> str:
    """The visitor's language: `?lang=`, else what this session chose, else `TOKENATLAS_LANG`, else English."""
    known = text.languages()
    asked = st.query_params.get(LANGUAGE)
    if asked in known:
        st.session_state["_language"] = asked
        return asked
    preset = os.environ.get("TOKENATLAS_LANG", text.DEFAULT)
    return st.session_state.get("_language", preset if preset in known else text.DEFAULT)


def _language_parameter() -> dict[str, str]:
    asked = st.query_params.get(LANGUAGE)
    return {LANGUAGE: asked} if asked in text.languages() else {}


def start() -> None:
    """Prepare a run: from here on `t` speaks the visitor's language."""
    text.speak(language)


def check_language() -> None:
    """Say so when the URL asks for a language that has no catalogue."""
    asked = st.query_params.get(LANGUAGE)
    if asked is not None and asked not in text.languages():
        name_ignored([LANGUAGE])


# The store


@st.cache_resource(show_spinner=False)
def _opened(url: str) -> GraphStore:
    return open_store(url)


def store() -> GraphStore:
    """The open store, one for all visitors; made empty when it does not exist yet."""
    return _opened(default_store_url())


def store_option() -> str:
    """What a command in a terminal needs to mean the same store: nothing where that is the one it takes anyway."""
    return f" --store {shlex.quote(store().url)}" if os.environ.get("TOKENATLAS_STORE") else ""


def version() -> tuple[str, int]:
    """Store URL and revision: what every cache is keyed by."""
    opened = store()
    return opened.url, opened.revision()


def now() -> str:
    """UTC, to the second, for what a person does."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def reviewer() -> str:
    """Who decides: `TOKENATLAS_REVIEWER`, else the login name, else "reviewer"."""
    return os.environ.get("TOKENATLAS_REVIEWER") or os.environ.get("USER") or os.environ.get("USERNAME") or "reviewer"
