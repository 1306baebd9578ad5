"""Citations: the neighbourhood of one or several papers on a year axis, and the path between two.

Focus, selection, expansion and path live in the URL, so that Back undoes a step and a pasted link shows the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import streamlit as st

from kg.answers import CitationPath, Direction, Neighbourhood, PaperRow
from kg.errors import NotFound
from kg.paper_filter import PaperFilter
from ui import atlas, filters, state, tables
from ui.graph import citation_graph
from ui.picking import paper_picker
from ui.text import plain, t

KNOWN = ("focus", "select", "hops", "direction", "limit", "include", "start", "end", "directed")
OPENING = "arxiv:2209.03143"
LIMITS = ("30", "60", "120", "200")
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
SEEDS = 12
PER_SEED = 30
HIGHEST = 400


@dataclass(frozen=True, slots=True)
class View:
    """What the URL asks for."""

    seeds: tuple[str, ...]
    selected: str | None
    hops: int
    direction: Direction
    limit: int
    where: PaperFilter


def page() -> None:
    """Controls, the graph with its ranked list, the path finder."""
    state.check_query(KNOWN)
    st.title(t("citations.heading"), anchor=False)
    _explorer(_controls())


def _controls() -> PaperFilter:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="graph-controls"):
        hops = state.put("graph.hops", state.choice("hops", ("1", "2"), "1"))
        st.segmented_control(
            t("citations.hops"),
            ("1", "2"),
            key=hops,
            required=True,
            on_change=lambda: state.change_query(hops=None if state.value(hops) == "1" else state.value(hops)),
        )
        direction = state.put("graph.direction", state.choice("direction", DIRECTIONS, "both"))
        st.segmented_control(
            t("citations.direction"),
            ("both", "references", "citers"),
            key=direction,
            required=True,
            format_func=lambda each: t(f"citations.direction_{each}"),
            on_change=lambda: state.change_query(
                direction=None if state.value(direction) == "both" else state.value(direction)
            ),
        )
        limit = state.put("graph.limit", state.choice("limit", LIMITS, "60"))
        st.selectbox(
            t("citations.limit"),
            LIMITS,
            key=limit,
            width=110,
            on_change=lambda: state.change_query(limit=None if state.value(limit) == "60" else state.value(limit)),
        )
        where = filters.included_toggle()
        with st.popover(t("citations.start_from"), icon=":material/search:"):
            paper_picker("graph.start", t("citations.start_from"), where, lambda id: _focus((id,)))
        return where


def _view(where: PaperFilter) -> View | None:
    """The view that the URL asks for; unknown papers are named, and without any the opening paper is taken."""
    query = state.query()
    asked = tuple(dict.fromkeys(query.get("focus", "").split()))[:SEEDS]
    known = {id: resolved for id in asked if (resolved := atlas.resolve(id)) is not None}
    lost = [id for id in asked if id not in known]
    if lost:
        st.warning(t("citations.lost", ids=", ".join(plain(id[:60]) for id in lost), n=len(lost)))
    seeds = tuple(dict.fromkeys(known.values())) or _opening(where)
    if not seeds:
        return None
    limit = min(HIGHEST, int(state.choice("limit", LIMITS, "60")) + PER_SEED * (len(seeds) - 1))
    return View(
        seeds=seeds,
        selected=query.get("select"),
        hops=int(state.choice("hops", ("1", "2"), "1")),
        direction=state.choice("direction", DIRECTIONS, "both"),  # type: ignore[arg-type]  # one of DIRECTIONS
        limit=limit,
        where=where,
    )


def _opening(where: PaperFilter) -> tuple[str, ...]:
    """AudioLM where the store has it, else the most cited paper."""
    found = atlas.resolve(OPENING)
    if found is not None:
        return (found,)
    for scope in (where, atlas.EVERYTHING):
        rows = atlas.papers(scope, sort="cited", limit=1).rows
        if rows:
            return (rows[0].id,)
    return ()


@st.fragment
def _explorer(where: PaperFilter) -> None:
    """Graph, list and path finder: a click redraws these alone. A path asked for stands above, where it is seen."""
    parts = [_neighbours, _path_finder]
    if {"start", "end"} & state.query().keys():
        parts.reverse()
    for part in parts:
        part(where)


def _neighbours(where: PaperFilter) -> None:
    view = _view(where)
    if view is None:
        st.markdown(t("citations.empty"))
        return
    near = atlas.neighbourhood(view.seeds, view.where, hops=view.hops, direction=view.direction, limit=view.limit)
    rows = {row.id: row for row in near.rows}
    selected = view.selected if view.selected in rows else None
    _seeds(view, rows)
    steps = t("citations.steps", n=view.hops)
    if near.at_least:
        st.caption(t("citations.showing_more", shown=near.shown, n=near.total, steps=steps))
    else:
        st.caption(t("citations.showing", shown=near.shown, n=near.total, steps=steps))
    picture, side = st.columns([5, 3], gap="medium")
    with picture:
        _graph(near, selected, _path_shown(view))
    with side:
        _details(rows.get(selected or near.seeds[0]), view)
        _ranked(near, selected)


def _seeds(view: View, rows: dict[str, PaperRow]) -> None:
    """What the graph has been grown from, in order; each can be taken away."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="seeds"):
        for id in view.seeds:
            name = tables.title_of(rows[id], 90 if len(view.seeds) == 1 else 40) if id in rows else plain(id)
            if len(view.seeds) == 1:
                st.markdown(t("citations.around", title=f"**{name}**"), width="content")
            else:
                st.button(
                    f"{name} :material/close:",
                    key=f"seed.{id}",
                    help=t("citations.drop_seed"),
                    on_click=_focus,
                    args=(tuple(each for each in view.seeds if each != id), view.selected),
                )


def _focus(seeds: tuple[str, ...], selected: str | None = None) -> None:
    state.change_query(focus=" ".join(seeds[:SEEDS]) or None, select=selected)


def _select(id: str | None) -> None:
    state.change_query(select=id)


def _expand(id: str, seeds: tuple[str, ...]) -> None:
    if id not in seeds:
        _focus((*seeds, id)[-SEEDS:], id)


def _path_shown(view: View) -> CitationPath | None:
    """The path that the URL asks for, to be marked where the graph holds its papers."""
    query = state.query()
    start, end = (atlas.resolve(query.get(name, "")) for name in ("start", "end"))
    return atlas.path(start, end, view.where, directed=query.get("directed") == "yes") if start and end else None


def _graph(near: Neighbourhood, selected: str | None, found: CitationPath | None) -> None:
    citation_graph(
        near,
        key="graph",
        selected=selected,
        path=found,
        on_select=_select,
        on_expand=lambda id: _expand(id, near.seeds),
    )


def _details(row: PaperRow | None, view: View) -> None:
    if row is None:
        return
    with st.container(border=True, key="selected"):
        st.markdown(f"**{tables.title_of(row)}**")
        st.caption(tables.byline(row))
        with st.container(horizontal=True, gap="small"):
            st.badge(filters.verdict_name(row.include), color="green" if row.include == "include" else "gray")
            for topic in row.topics:
                st.badge(filters.topic_name(topic), color="blue")
            if row.token_type not in (None, "none"):
                st.badge(filters.token_type_name(row.token_type), color="violet")
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if not row.stub:
                state.link("papers", t("citations.open"), {"paper": row.id}, icon=":material/article:")
            st.button(
                t("citations.expand"),
                key="details.expand",
                icon=":material/add_circle:",
                disabled=row.id in view.seeds or len(view.seeds) >= SEEDS,
                on_click=_expand,
                args=(row.id, view.seeds),
            )
            st.button(
                t("citations.centre"),
                key="details.centre",
                icon=":material/center_focus_strong:",
                disabled=view.seeds == (row.id,),
                on_click=_focus,
                args=((row.id,),),
            )
        with st.container(horizontal=True, gap="small"):
            st.button(
                t("path.from_here"), key="details.start", type="tertiary", on_click=_path_end, args=("start", row.id)
            )
            st.button(t("path.to_here"), key="details.end", type="tertiary", on_click=_path_end, args=("end", row.id))


def _ranked(near: Neighbourhood, selected: str | None) -> None:
    """The same papers as a list, in the order in which they were ranked."""
    st.markdown(t("citations.ranked", shown=near.shown, n=near.total))
    with st.container(height=360, border=True, key="ranked", gap="xsmall"):
        for place, row in enumerate(near.rows, 1):
            mark = "**" if row.id == selected else ""
            st.button(
                f"{place}\\. {mark}{tables.title_of(row, 84)}{mark} :gray[{tables.byline(row)}]",
                key=f"ranked.{row.id}",
                type="tertiary",
                on_click=_select,
                args=(row.id,),
            )


# The path between two papers


def _path_end(parameter: str, id: str) -> None:
    state.change_query(**{parameter: id})


def _path_finder(where: PaperFilter) -> None:
    query = state.query()
    st.subheader(t("path.heading"), anchor=False)
    ends: list[PaperRow | None] = []
    for column, name in zip(st.columns(2, gap="large"), ("start", "end"), strict=True):
        with column:
            id = query.get(name)
            row = _row(id) if id else None
            ends.append(row)
            if id and row is None:
                st.warning(t("citations.lost", ids=plain(id[:60]), n=1))
            if row is None:
                paper_picker(
                    f"path.{name}", t(f"path.{name}"), where, lambda picked, name=name: _path_end(name, picked)
                )
                continue
            st.markdown(f":gray[{t(f'path.{name}')}]  \n**{tables.title_of(row)}**")
            st.button(
                t("path.change"),
                key=f"path.clear.{name}",
                type="tertiary",
                icon=":material/close:",
                on_click=lambda name=name: state.change_query(**{name: None}),
            )
    directed = state.choice("directed", ("yes", "no"), "no") == "yes"
    key = state.put("path.directed", directed)
    st.toggle(
        t("path.directed"),
        key=key,
        help=t("path.directed_help"),
        on_change=lambda: state.change_query(directed="yes" if state.value(key) else None),
    )
    start, end = ends
    if start is None or end is None:
        st.caption(t("path.choose"))
        return
    found = atlas.path(start.id, end.id, where, directed=directed)
    if found is None:
        st.markdown(t("path.none_directed") if directed else t("path.none"))
    else:
        _show_path(found)


def _row(id: str) -> PaperRow | None:
    try:
        return atlas.paper(id).row
    except NotFound:
        return None


def _show_path(found: CitationPath) -> None:
    """The papers in order, with the citation between neighbours in its own direction."""
    ids = tuple(row.id for row in found.rows)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(t("path.found", n=len(found.links)), width="content")
        if len(ids) <= SEEDS:
            st.button(
                t("path.in_graph"),
                key="path.in_graph",
                icon=":material/hub:",
                type="tertiary",
                on_click=_focus,
                args=(ids,),
            )
    with st.container(border=True, key="path", gap="xsmall"):
        for place, row in enumerate(found.rows):
            tables.link_list([row])
            if place < len(found.links):
                forward = found.links[place].citing == row.id
                st.markdown(f":gray[{t('path.cites') if forward else t('path.cited_by')}]")
