"""The filter a person sees: facets with counts, removable chips, one sentence, and what to drop when nothing is left.

The URL holds the filter; every widget is set from it and writes it back in its callback, on page one of the list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import streamlit as st

from kg.answers import Facets
from kg.model import QUANTIZERS, TOPICS, Include, TokenType
from kg.paper_filter import PaperFilter
from ui import atlas, state
from ui.atlas import Condition
from ui.text import plain, short, t

INCLUDED_ONLY = PaperFilter().include
_RESET = ("page", "paper")


def sidebar(where: PaperFilter, own: Sequence[str]) -> None:
    """Facets of a filter in the sidebar. `own` names URL parameters of the page that a new filter keeps."""
    counted = atlas.facets(where)
    with st.sidebar:
        _pills("include", get_args(Include), counted.include, where, own, verdict_name)
        _pills("topics", TOPICS, counted.topics, where, own, topic_name)
        _pills("token_types", get_args(TokenType), counted.token_types, where, own, token_type_name)
        _years(where, own)
        _bitrates(where, own)
        _several("quantizers", QUANTIZERS, counted.quantizers, where, own, str)
        _several("sources", sorted(counted.sources), counted.sources, where, own, source_name)
        _one("cluster", sorted(counted.clusters), counted.clusters, where, own, cluster_name)
        lists = atlas.reading_lists()
        _one("reading_list", sorted(lists), lists, where, own, str)
        _criteria(counted, where, own)


def search_box(where: PaperFilter, own: Sequence[str]) -> None:
    """Free text, searched in titles, authors, ids and stored abstracts; an id or address of a paper opens it."""
    key = state.put("filter.text", where.text or "")
    st.text_input(
        t("filter.text"),
        key=key,
        placeholder=t("filter.text_placeholder"),
        label_visibility="collapsed",
        icon=":material/search:",
        on_change=lambda: state.later(_search, (state.value(key) or "").strip(), tuple(own)),
    )


def chips(where: PaperFilter, own: Sequence[str]) -> None:
    """The active conditions, each removable by one click."""
    with st.container(horizontal=True, gap="small", key="chips", vertical_alignment="center"):
        for number, each in enumerate(atlas.conditions(where)):
            st.button(
                f"{describe(each)} :material/close:",
                key=f"chip.{number}.{each.field}",
                help=t("filter.remove"),
                on_click=_write,
                args=(each.without, tuple(own)),
            )
        if where.include != INCLUDED_ONLY:
            st.button(
                t("filter.included_only_add"),
                key="chip.included",
                type="tertiary",
                icon=":material/add:",
                on_click=_write,
                args=(replace(where, include=INCLUDED_ONLY), tuple(own)),
            )
        if where != PaperFilter():
            st.button(
                t("filter.reset"),
                key="chip.reset",
                type="tertiary",
                icon=":material/restart_alt:",
                on_click=_write,
                args=(PaperFilter(), tuple(own)),
            )


def included_toggle(parameter: str = "include") -> PaperFilter:
    """The visible, removable "included only" of pages that have no other filter; returns the filter it means."""
    only = state.choice(parameter, ("include", "any"), "include") == "include"
    key = state.put(f"toggle.{parameter}", only)
    st.toggle(
        t("filter.included_only"),
        key=key,
        help=t("filter.included_only_help"),
        on_change=lambda: state.change_query(**{parameter: None if state.value(key) else "any"}),
    )
    return PaperFilter() if only else atlas.EVERYTHING


def empty_state(where: PaperFilter, own: Sequence[str]) -> None:
    """Nothing matches: name the condition that removed most and offer to drop it."""
    with st.container(border=True):
        st.markdown(f"**{t('papers.none')}**")
        worst = atlas.narrowest(where)
        if worst is None:
            st.markdown(t("papers.none_single"))
            offer = ""
        elif worst[0].field == "include" and where.include == INCLUDED_ONLY:
            st.markdown(t("papers.none_included", n=worst[1]))
            offer = t("papers.none_show", n=worst[1])
        else:
            condition = describe(worst[0])
            st.markdown(t("papers.none_because", condition=condition, n=worst[1]))
            offer = t("papers.none_drop", condition=condition)
        with st.container(horizontal=True):
            if worst is not None:
                st.button(offer, key="empty.drop", type="primary", on_click=_write, args=(worst[0].without, tuple(own)))
            st.button(t("filter.reset"), key="empty.reset", on_click=_write, args=(PaperFilter(), tuple(own)))


def describe(condition: Condition) -> str:
    """A condition in words, as Markdown."""
    field, value = condition.field, condition.value
    if field == "include":
        if tuple(value) == INCLUDED_ONLY:
            return t("filter.included_only")
        return t("filter.is.include", value=t("list.or").join(verdict_name(each) for each in value))
    if field == "criteria":
        values = value if isinstance(value[0], tuple) else (value,)
        return t("list.and").join(f"{each[0]} {met_name(each[1])}" for each in values)
    if field == "text" and '"' in value:
        return t("filter.is.quoted", value=plain(short(value, 40)))
    names: Mapping[str, Callable[[Any], str]] = {
        "topics": topic_name,
        "token_types": token_type_name,
        "sources": lambda source: plain(source_name(source)),
        "cluster": lambda number: plain(cluster_name(number)),
        "bitrate_min": lambda kbps: f"{kbps:g}",
        "bitrate_max": lambda kbps: f"{kbps:g}",
        "text": lambda words: plain(short(words, 40)),
        "year_min": str,
        "year_max": str,
    }
    name = names.get(field, lambda each: plain(str(each)))
    shown = t("list.or").join(name(each) for each in value) if isinstance(value, tuple) else name(value)
    return t(f"filter.is.{field}", value=shown)


def sentence(where: PaperFilter) -> str:
    """The whole filter as one phrase, as Markdown."""
    return t("list.semicolon").join(describe(each) for each in atlas.conditions(where)) or t("filter.everything")


# Names of values


def topic_name(topic: str) -> str:
    """Short name of a topic, its id first."""
    return f"{topic} {t(f'topic.{topic}')}" if topic in TOPICS else topic


def token_type_name(kind: str | None) -> str:
    """Name of a token type; `None` is unknown."""
    return t(f"token_type.{kind or 'unknown'}")


def verdict_name(include: str | None) -> str:
    """Name of an overall verdict; `None` is not judged."""
    return t(f"include.{include or 'unjudged'}")


def met_name(met: str) -> str:
    """Name of a criterion's verdict."""
    return t(f"met.{met}")


def source_name(source: str) -> str:
    """How a source is called; not escaped."""
    return source.replace("_", " ")


def cluster_name(number: int) -> str:
    """Label of a cluster, else its number; not escaped."""
    label = atlas.cluster_labels().get(number)
    return short(label, 60) if label else t("cluster.number", number=number)


# Widgets


def _write(where: PaperFilter, own: Sequence[str]) -> None:
    kept = {name: value for name, value in state.query().items() if name in own and name not in _RESET}
    state.write_filter(where, kept)


def _apply(field: str, read: Callable[[], Any], own: Sequence[str]) -> None:
    current, _ = PaperFilter.from_query(state.query())
    _write(replace(current, **{field: read()}), own)


def _search(words: str, own: Sequence[str]) -> None:
    known = atlas.resolve(words)
    if known is not None:
        state.change_query(paper=known)
    else:
        _apply("text", lambda: words or None, own)


def _counted(name: Callable[[Any], str], counts: Mapping[Any, int]) -> Callable[[Any], str]:
    """Label of an option of a select box, which shows plain text."""
    return lambda value: t("filter.counted_plain", name=name(value), n=counts.get(value, 0))


def _counted_markdown(name: Callable[[Any], str], counts: Mapping[Any, int]) -> Callable[[Any], str]:
    """Label of a pill, which reads Markdown."""
    return lambda value: t("filter.counted", name=name(value), n=counts.get(value, 0))


def _pills(
    field: str,
    options: Sequence[str],
    counts: Mapping[str, int],
    where: PaperFilter,
    own: Sequence[str],
    name: Callable[[str], str],
) -> None:
    chosen = list(getattr(where, field))
    shown = [each for each in options if counts.get(each) or each in chosen]
    if not shown:
        return
    key = state.put(f"filter.{field}", chosen)
    st.pills(
        t(f"filter.label.{field}"),
        shown,
        selection_mode="multi",
        key=key,
        format_func=_counted_markdown(name, counts),
        on_change=_apply,
        args=(field, lambda: tuple(each for each in options if each in (state.value(key) or ())), tuple(own)),
    )


def _several(
    field: str,
    options: Sequence[str],
    counts: Mapping[str, int],
    where: PaperFilter,
    own: Sequence[str],
    name: Callable[[str], str],
) -> None:
    chosen = list(getattr(where, field))
    shown = sorted((each for each in options if counts.get(each)), key=lambda each: (-counts[each], each))
    shown += [each for each in chosen if each not in shown]
    if not shown:
        return
    key = state.put(f"filter.{field}", chosen)
    st.multiselect(
        t(f"filter.label.{field}"),
        shown,
        key=key,
        format_func=_counted(name, counts),
        placeholder=t("filter.any"),
        on_change=_apply,
        args=(field, lambda: tuple(state.value(key) or ()), tuple(own)),
    )


def _one(
    field: str,
    options: Sequence[Any],
    counts: Mapping[Any, int],
    where: PaperFilter,
    own: Sequence[str],
    name: Callable[[Any], str],
) -> None:
    chosen = getattr(where, field)
    shown = list(options) + ([chosen] if chosen is not None and chosen not in options else [])
    if not shown:
        return
    key = state.put(f"filter.{field}", chosen)
    st.selectbox(
        t(f"filter.label.{field}"),
        shown,
        index=None,
        key=key,
        format_func=_counted(name, counts),
        placeholder=t("filter.any"),
        on_change=_apply,
        args=(field, lambda: state.value(key), tuple(own)),
    )


def _years(where: PaperFilter, own: Sequence[str]) -> None:
    scope = PaperFilter() if where.include == INCLUDED_ONLY else atlas.EVERYTHING
    counted = atlas.facets(scope)
    known = [*counted.years, *(year for year in (where.year_min, where.year_max) if year is not None)]
    if not known or min(known) == max(known):
        return
    low, high = min(known), max(known)
    key = state.put("filter.years", (where.year_min or low, where.year_max or high))

    def changed() -> None:
        first, last = state.value(key)
        current, _ = PaperFilter.from_query(state.query())
        bounds = {"year_min": None if first == low else first, "year_max": None if last == high else last}
        _write(replace(current, **bounds), own)

    st.slider(t("filter.label.years"), low, high, key=key, on_change=changed)
    if counted.unknown_year and (where.year_min is not None or where.year_max is not None):
        st.caption(t("filter.unknown_year", n=counted.unknown_year))


def _bitrates(where: PaperFilter, own: Sequence[str]) -> None:
    scope = PaperFilter() if where.include == INCLUDED_ONLY else atlas.EVERYTHING
    left, right = st.columns(2)
    for column, field in ((left, "bitrate_min"), (right, "bitrate_max")):
        key = state.put(f"filter.{field}", getattr(where, field))
        column.number_input(
            t(f"filter.label.{field}"),
            min_value=0.0,
            value=None,
            step=0.5,
            format="%g",
            key=key,
            placeholder=t("filter.any"),
            help=t("filter.bitrate_help"),
            on_change=_apply,
            args=(field, lambda key=key: state.value(key), tuple(own)),
        )
    if where.bitrate_min is not None or where.bitrate_max is not None:
        unstated = atlas.total(scope) - atlas.total(replace(scope, bitrate_min=0.0))
        if unstated:
            st.caption(t("filter.unknown_bitrate", n=unstated))


def _criteria(counted: Facets, where: PaperFilter, own: Sequence[str]) -> None:
    order = {each.id: place for place, each in enumerate(atlas.protocol().criteria)}
    pairs = sorted(counted.criteria, key=lambda pair: (order.get(pair[0], len(order)), pair))
    pairs += [pair for pair in where.criteria if pair not in pairs]
    if not pairs:
        return
    key = state.put("filter.criteria", list(where.criteria))
    st.multiselect(
        t("filter.label.criteria"),
        pairs,
        key=key,
        format_func=_counted(lambda pair: f"{pair[0]} {met_name(pair[1])}", counted.criteria),
        placeholder=t("filter.any"),
        help=t("filter.criteria_help"),
        on_change=_apply,
        args=("criteria", lambda: tuple(state.value(key) or ()), tuple(own)),
    )
