"""Protocol: what belongs to the atlas and why, in both languages, each verdict opening its papers."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from kg.model import Met
from kg.protocol import COMBINATION, INTERNAL, Criterion, Protocol, Text
from ui import atlas, filters, state
from ui.text import plain, t

LANGUAGES = ("en", "zh", "both")
VERDICTS: tuple[Met, ...] = ("met", "unclear", "not_met")


def page() -> None:
    """The whole protocol with the counts of its verdicts."""
    state.check_query(("text",))
    protocol = atlas.protocol()
    preset = "zh" if state.language().startswith("zh") else "en"
    shown = state.choice("text", LANGUAGES, preset)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.title(_words(protocol.title, shown, " · "), anchor=False, width="content")
        key = state.put("protocol.text", shown)
        st.segmented_control(
            t("protocol.language"),
            LANGUAGES,
            key=key,
            required=True,
            format_func=lambda each: t(f"protocol.text.{each}"),
            label_visibility="collapsed",
            on_change=lambda: state.change_query(text=None if state.value(key) == preset else state.value(key)),
        )
    st.caption(t("protocol.version", id=plain(protocol.id), version=protocol.version, rules=_rules()))
    _passages(protocol, shown)
    _topics(protocol, shown)
    _criteria(protocol, shown)
    _combination(shown)
    _search_terms(protocol)


def _rules() -> str:
    return plain(atlas.counts().rules or t("unknown"))


def _words(text: Text, shown: str, between: str) -> str:
    if shown == "both":
        return plain(text.en) + between + plain(text.zh)
    return plain(text.in_language(shown))


def _block(text: Text, shown: str) -> None:
    """A passage, paragraph by paragraph; side by side when both languages are shown."""
    languages = ("en", "zh") if shown == "both" else (shown,)
    for column, language in zip(st.columns(len(languages), gap="large"), languages, strict=True):
        passage = text.in_language(language)
        column.markdown("\n\n".join(plain(part) for part in passage.split("\n") if part.strip()))


def _passages(protocol: Protocol, shown: str) -> None:
    st.subheader(t("protocol.definition"), anchor=False)
    _block(protocol.definition, shown)
    st.caption(_sources(protocol.definition_sources))
    if protocol.summary is not None:
        with st.expander(t("protocol.summary")):
            _block(protocol.summary, shown)
            st.caption(_sources(protocol.summary_sources))


def _sources(urls: tuple[str, ...]) -> str:
    return t("protocol.sources", sources=", ".join(_address(url) for url in urls)) if urls else ""


def _address(url: str) -> str:
    """A link whose text is site and path; only web addresses become links."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return plain(url)
    target = url.replace("(", "%28").replace(")", "%29").replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")
    return f"[{plain(parts.netloc + parts.path)}]({target})"


def _topics(protocol: Protocol, shown: str) -> None:
    st.subheader(t("protocol.topics"), anchor=False)
    counted = atlas.counts().topics
    for topic in protocol.topics:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{plain(topic.id)}** {_words(topic.label, shown, ' · ')}", width="content")
            label = t("protocol.topic_papers", n=counted.get(topic.id, 0))
            state.link("papers", label, {"topic": topic.id})


def _criteria(protocol: Protocol, shown: str) -> None:
    counted = atlas.facets(atlas.EVERYTHING).criteria
    st.subheader(t("protocol.criteria"), anchor=False)
    st.caption(t("protocol.criteria_help"))
    st.markdown(f"**{t('protocol.required')}**")
    for each in protocol.criteria:
        if each.kind == "required":
            _criterion(each, shown, counted)
    st.markdown(f"**{t(f'protocol.{protocol.any_of}')}**")
    for group in protocol.groups:
        st.markdown(f":gray[{t('protocol.group', name=_words(group.label, shown, ' · '))}]")
        for each in protocol.criteria:
            if each.group == group.id:
                _criterion(each, shown, counted)
    st.markdown(f"**{t('protocol.exclusions')}**")
    for each in protocol.criteria:
        if each.kind == "exclusion":
            _criterion(each, shown, counted)


def _criterion(each: Criterion, shown: str, counted: dict[tuple[str, str], int]) -> None:
    with st.container(border=True):
        words, counts = st.columns([4, 1], gap="medium")
        with words:
            if shown == "both":
                st.markdown(f"**{plain(each.id)}**")
                _block(each.text, shown)
            else:
                st.markdown(f"**{plain(each.id)}** {_words(each.text, shown, ' ')}")
            source = t("protocol.internal") if each.source == INTERNAL else _address(each.source)
            dated = f" ({each.date.value})" if each.date is not None else ""
            topics = ", ".join(plain(topic) for topic in each.topics)
            st.caption(t("protocol.criterion_source", source=source + dated, topics=topics))
            if each.not_judged:
                parts = t("list.semicolon").join(_words(part, shown, " · ") for part in each.not_judged)
                st.caption(t("protocol.not_judged", parts=parts))
        with counts:
            for verdict in VERDICTS:
                n = counted.get((each.id, verdict), 0)
                parameters = {"criteria": f"{each.id}:{verdict}", "include": "any"}
                state.link("papers", filters.met_name(verdict), parameters, beside=f"{n:,}")


def _combination(shown: str) -> None:
    st.subheader(t("protocol.combination"), anchor=False)
    st.caption(t("protocol.combination_help"))
    lines = []
    for number, row in enumerate(COMBINATION, 1):
        verdict = filters.verdict_name(row.include)
        look = t("protocol.look") if row.look else ""
        lines.append(f"{number}. {_words(row.when, shown, ' · ')} → **{verdict}**{look}")
    st.markdown("\n".join(lines))


def _search_terms(protocol: Protocol) -> None:
    with st.expander(t("protocol.search_terms")):
        for source, terms in protocol.search_terms.items():
            st.markdown(f"**{plain(source)}**: " + " · ".join(plain(term) for term in terms))
        st.caption(_sources(protocol.sources))
