"""The citation graph: a neighbourhood on a year axis, drawn on a canvas by `graph.js`.

Rules:
- What is selected belongs to the caller (the URL); the component reports what a person did and keeps the camera.
- Titles and ids are text: they reach the page through `textContent` and the canvas, never as HTML.
- What the browser sends back is believed only when it names a paper of the graph.

Streamlit runs the script again on every new `data` and does not clean up before; `graph.js` keeps one view per mount.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg.answers import CitationPath, Link, Neighbourhood, PaperRow
from ui import palette, state
from ui.graph.layout import Band, Layout, layout
from ui.text import t

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

__all__ = ["Band", "GraphEvent", "Layout", "citation_graph", "graph_data", "graph_strings", "layout", "short_name"]

TITLE_LENGTH = 240
_SHORT = 24
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_SPACE = re.compile(r"\s+")


_OWN = (
    "label",
    "help",
    "list",
    "tools",
    "fit",
    "zoom_in",
    "zoom_out",
    "legend",
    "undated",
    "untitled",
    "stub",
    "type",
    "context",
    "seed",
    "cites",
    "cited_by",
    "younger",
    "path",
    "size",
)
_COUNTED = ("cited_by_n", "references_n")
_TYPES = ("semantic", "acoustic", "hybrid", "none", "unknown")
_VERDICTS = ("include", "exclude", "unclear", "unjudged")


def graph_strings() -> dict[str, str]:
    """Every text that the component shows, in the visitor's language; in counted ones the browser fills "{n}"."""
    texts = {name: t(f"graph.{name}") for name in _OWN}
    texts |= {name: t(f"graph.{name}", n="{n}") for name in _COUNTED}
    texts |= {f"{name}.one": t(f"graph.{name}", n=1) for name in _COUNTED}
    texts |= {name: t(f"token_type.{name}") for name in _TYPES}
    return texts | {name: t(f"include.{name}") for name in _VERDICTS}


@dataclass(frozen=True, slots=True)
class GraphEvent:
    """What a person did in the graph since the last run, if anything: ids of papers of the graph.

    `cleared` says that the selection was given up (Escape, or a click on empty ground).
    """

    selected: str | None = None
    expand: str | None = None
    cleared: bool = False


@cache
def _component() -> ComponentRenderer:
    import streamlit as st

    script = (Path(__file__).with_name("graph.js")).read_text(encoding="utf-8")
    return st.components.v2.component("tokenatlas_citation_graph", js=script)


def citation_graph(
    near: Neighbourhood,
    *,
    key: str,
    selected: str | None = None,
    path: CitationPath | None = None,
    height: int = 600,
    strings: Mapping[str, str] | None = None,
    on_select: Callable[[str | None], None] | None = None,
    on_expand: Callable[[str], None] | None = None,
) -> GraphEvent:
    """Draw a neighbourhood; papers keep their places and the camera stays as long as one of its seeds remains.

    Args:
        near: papers with hops, and the citations between them; its first seed is the focus.
        key: stable key of the mount; session state also keeps the places under `<key>.places`.
        selected: the paper marked as selected, whose references are blue and citers orange; the focus when `None`.
        path: papers and citations to highlight where the graph holds them.
        height: height of the drawing in pixels.
        strings: texts as `graph_strings` gives them, which is the default.
        on_select: called before the next run with the paper selected, or `None` when the selection was given up.
        on_expand: called before the next run with the paper to expand.

    Returns:
        What happened since the last run. Callbacks have been called by then.
    """
    texts = graph_strings() if strings is None else dict(strings)
    known = frozenset(row.id for row in near.rows)
    remembered = state.value(f"{key}.places")
    grown = remembered is not None and bool(set(remembered[0]) & set(near.seeds))
    found = layout(near.rows, near.links, near.hops, remembered[1] if grown else None)
    story = remembered[2] if grown else (remembered[2] + 1 if remembered is not None else 1)
    state.put(f"{key}.places", (near.seeds, found, story))

    def chosen() -> None:
        happened = _event(state.value(key), known)
        if on_select is not None and (happened.selected is not None or happened.cleared):
            on_select(happened.selected)

    def expanded() -> None:
        happened = _event(state.value(key), known)
        if on_expand is not None and happened.expand is not None:
            on_expand(happened.expand)

    result = _component()(
        key=key,
        data=graph_data(near, found, selected=selected, path=path, height=height, strings=texts, story=story),
        height="content",
        on_selected_change=chosen,
        on_expand_change=expanded,
    )
    return _event(result, known)


def _event(sent: Any, known: frozenset[str]) -> GraphEvent:
    """What the browser sent, checked: it may be old, or not ours."""
    if not isinstance(sent, Mapping):
        return GraphEvent()
    choice, expand = sent.get("selected"), sent.get("expand")
    id = choice.get("id") if isinstance(choice, Mapping) else None
    return GraphEvent(
        selected=id if isinstance(id, str) and id in known else None,
        expand=expand if isinstance(expand, str) and expand in known else None,
        cleared=isinstance(choice, Mapping) and "id" in choice and id is None,
    )


def graph_data(
    near: Neighbourhood,
    places: Layout,
    *,
    selected: str | None,
    path: CitationPath | None,
    height: int,
    strings: Mapping[str, str],
    story: int = 1,
) -> dict[str, Any]:
    """The JSON that `graph.js` draws: nodes, links as pairs of node numbers, the axis, colours and texts."""
    at = {row.id: number for number, row in enumerate(near.rows)}
    on_path = {(link.citing, link.cited) for link in path.links} if path is not None else set()
    path_ids = {row.id for row in path.rows} if path is not None else set()
    return {
        "story": story,
        "height": height,
        "selected": at.get(selected) if selected is not None else None,
        "seeds": [at[id] for id in near.seeds if id in at],
        "nodes": [_node(row, near.hops.get(row.id), places, row.id in path_ids) for row in near.rows],
        "links": _links(near.links, at, on_path),
        "bands": [[band.first, band.last, band.start, band.end] for band in places.bands],
        "undated": list(places.undated) if places.undated else None,
        "kinds": {name: [palette.TOKEN_TYPES[name], palette.SHAPES[name]] for name in palette.TOKEN_TYPES},
        "colours": {"cites": palette.CITES, "citedBy": palette.CITED_BY, "path": palette.PATH},
        "strings": dict(strings),
    }


def _node(row: PaperRow, hops: int | None, places: Layout, on_path: bool) -> dict[str, Any]:
    x, y = places.places[row.id]
    return {
        "id": row.id,
        "x": x,
        "y": y,
        "title": _line(row.title)[:TITLE_LENGTH] if row.title else None,
        "label": short_name(row),
        "year": row.year,
        "author": _line(row.first_author)[:80] if row.first_author else None,
        "kind": row.token_type or "unknown",
        "include": "stub" if row.stub else row.include or "unjudged",
        "cited": row.cited_by,
        "references": row.references,
        "hops": hops,
        "path": on_path,
    }


def _links(links: Sequence[Link], at: Mapping[str, int], on_path: set[tuple[str, str]]) -> list[list[int]]:
    return [
        [at[link.citing], at[link.cited], int(link.younger), int((link.citing, link.cited) in on_path)]
        for link in links
        if link.citing in at and link.cited in at
    ]


def short_name(row: PaperRow) -> str:
    """What a paper is called in few letters: the name before the colon of its title, else first author and year."""
    title = _line(row.title) if row.title else ""
    name, colon, _ = title.partition(":")
    if colon and 1 < len(name.strip()) <= _SHORT:
        return name.strip()
    surname = _surname(_line(row.first_author)) if row.first_author else ""
    if surname:
        return f"{_cut(surname)} {row.year}" if row.year is not None else _cut(surname)
    return _cut(title or row.id)


def _surname(name: str) -> str:
    before, comma, _ = name.partition(",")
    return before if comma else name.rpartition(" ")[2]


def _cut(text: str) -> str:
    return text if len(text) <= _SHORT else text[: _SHORT - 1].rstrip(" ,;:-") + "…"


def _line(text: str) -> str:
    """One line without control characters and marks that turn the reading direction."""
    return _SPACE.sub(" ", _INVISIBLE.sub(" ", text[: 4 * TITLE_LENGTH])).strip()
