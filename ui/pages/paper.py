"""One paper: what is known, every verdict beside the words it rests on, and a person's decision."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from kg.answers import PaperDetails
from kg.errors import NotFound
from kg.model import QUANTITIES, Decision, Specification
from kg.paper_filter import PaperFilter
from ui import atlas, evidence, filters, state, tables
from ui.evidence import Mark
from ui.links import arxiv_pdf, outside
from ui.text import plain, short, t
from ui.welcome import show_message

OWN = ("paper", "references", "citers", "linked")
STEP = 15
COLOURS = {"include": "green", "exclude": "red", "unclear": "orange", None: "gray"}
CHOICES = ("include", "exclude", "unclear")


def page(id: str, where: PaperFilter) -> None:
    """The paper with any spelling of its id; `where` is the list one came from."""
    st.button(
        t("paper.back", filter=filters.sentence(where)),
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=lambda: state.change_query(**dict.fromkeys(OWN)),
    )
    try:
        details = atlas.paper(id)
    except NotFound as missing:
        _missing(id, missing)
        return
    found = evidence.marks(details.judgement, details.measured, {name: t(f"quantity.{name}") for name in QUANTITIES})
    read = details.judgement or details.measured
    trusted = read is not None and evidence.reads_present_text(details.paper, read.text_sha256)
    _head(details, found)
    left, right = st.columns([13, 7], gap="large")
    with left:
        if details.row.stub:
            st.markdown(t("paper.stub_text"))
        else:
            _text(details, found, trusted)
            _verdicts(details)
            _numbers(details)
    with right:
        if not details.row.stub:
            _decision(details)
            _lists(details)
        _facts(details)
    _citations(details)
    _history(details)


def _missing(id: str, missing: NotFound) -> None:
    st.title(t("paper.missing"), anchor=False)
    st.markdown(t("paper.missing_text", id=plain(short(id, 80))))
    nearest = atlas.rows(missing.nearest)
    if nearest:
        st.markdown(t("paper.nearest"))
        tables.link_list(list(nearest.values()))


def _head(details: PaperDetails, found: Sequence[Mark]) -> None:
    paper, row = details.paper, details.row
    title = html.escape(t("paper.stub" if row.stub else "paper.untitled", id=row.id))
    if paper.title:
        title = evidence.marked(paper.title, evidence.in_place(paper.title, "title", found))
    st.html(f'<h1 class="ta-h1">{title}</h1>')
    if paper.authors is None:
        authors = t("paper.authors_unknown")
    else:
        names = [plain(short(each.name, 60)) for each in paper.authors[:12]]
        more = len(paper.authors) - len(names)
        authors = ", ".join(names) + (t("paper.authors_more", n=more) if more > 0 else "")
    st.markdown(
        f"{authors}  \n:gray[{_dated(details)} · {plain(paper.venue) if paper.venue else t('paper.venue_unknown')}]"
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        decided = " :material/person:" if row.decided else ""
        st.badge(
            filters.verdict_name(row.include) + decided,
            color=COLOURS[row.include],  # type: ignore[arg-type]  # names of Streamlit's colours
            help=t("paper.decided_help") if row.decided else t("paper.rules_help"),
        )
        for topic in row.topics:
            st.badge(filters.topic_name(topic), color="blue", help=plain(_topic_label(topic)))
        st.badge(t("paper.token_type", value=filters.token_type_name(row.token_type)), color="violet")
        for kind in row.quantizers:
            st.badge(plain(kind), color="gray")
        state.link("citations", t("paper.in_graph"), {"focus": row.id})


def _dated(details: PaperDetails) -> str:
    published = details.paper.published
    if published is None:
        return t("paper.date_unknown")
    source = t("paper.date_source", source=plain(filters.source_name(published.source))) if published.source else ""
    return t(f"paper.date_{published.precision}", date=published.value) + source


def _topic_label(topic: str) -> str:
    language = "zh" if state.language().startswith("zh") else "en"
    return next((each.label.in_language(language) for each in atlas.protocol().topics if each.id == topic), topic)


def _text(details: PaperDetails, found: Sequence[Mark], trusted: bool) -> None:
    """The abstract with evidence in place; what cannot be placed is listed as terms."""
    paper = details.paper
    st.subheader(t("paper.text"), anchor=False)
    placed = evidence.in_place(paper.title, "title", found)
    if paper.abstract is None:
        sites = outside(paper)
        where = t("paper.read_at", site=f"[{plain(sites[0].site)}]({sites[0].url})") if sites else ""
        st.caption(f"{t('paper.no_abstract')} {where}")
    else:
        here = evidence.in_place(paper.abstract, "abstract", found)
        placed = [*placed, *here]
        st.html(f'<p class="ta-abstract">{evidence.marked(paper.abstract, here)}</p>')
        if found and not trusted:
            st.caption(t("paper.text_changed"))
    for kind in ("words", "number"):
        elsewhere = [
            each.span for each in found if each not in placed and (each.kind == "number") == (kind == "number")
        ]
        if elsewhere:
            words = html.escape(t(f"paper.terms_{kind}"))
            st.html(f'<p class="ta-terms">{words} {evidence.term_list(elsewhere, 24)}</p>')
    kinds = ["number" if each.kind == "number" else "words" for each in placed]
    if paper.abstract is not None and kinds:
        named = [
            f'<mark class="{kind}">{html.escape(t(f"paper.legend_{kind}"))}</mark>' for kind in dict.fromkeys(kinds)
        ]
        st.html(f'<p class="ta-legend">{" ".join(named)}</p>')


def _verdicts(details: PaperDetails) -> None:
    st.subheader(t("paper.verdicts"), anchor=False)
    judgement = details.judgement
    if judgement is None:
        st.markdown(t("paper.unjudged"))
        return
    language = "zh" if state.language().startswith("zh") else "en"
    texts = {each.id: each.text.in_language(language) for each in atlas.protocol().criteria}
    parts: list[str] = []
    for verdict in judgement.verdicts:
        person = details.decisions.get(verdict.criterion)
        sure = "" if verdict.confidence is None else t("paper.confidence", value=verdict.confidence)
        why = " · ".join(html.escape(part) for part in (verdict.reason, sure) if part)
        overruled = ""
        if person is not None and person.verdict is not None:
            said = t("paper.overruled", verdict=_decided(person), who=person.reviewer)
            overruled = f'<span class="ta-person">{html.escape(said)}</span>'
        parts.append(
            f'<li><span class="ta-criterion">{html.escape(verdict.criterion)}</span>'
            f'<span class="ta-met ta-{verdict.verdict}">{html.escape(filters.met_name(verdict.verdict))}</span>'
            f'<div><span class="ta-what" title="{html.escape(texts.get(verdict.criterion, ""))}">'
            f"{html.escape(short(texts.get(verdict.criterion, verdict.criterion), 130))}</span>"
            f'<span class="ta-why">{why}</span>{overruled}'
            f'<span class="ta-found">{evidence.term_list(verdict.evidence)}</span></div></li>'
        )
    st.html(f'<ul class="ta-verdicts">{"".join(parts)}</ul>')
    read = t("list.and").join(t(f"field.{each}") for each in judgement.fields_read) or t("field.nothing")
    st.caption(t("paper.judged_by", rules=plain(judgement.rules), fields=read))
    if judgement.look:
        st.caption(t("paper.look"))


def _numbers(details: PaperDetails) -> None:
    st.subheader(t("paper.numbers"), anchor=False)
    measured = details.measured
    if measured is None:
        st.markdown(t("paper.unmeasured"))
        return
    if not measured.specifications:
        st.markdown(t("paper.no_numbers"))
        return
    order = {"own": 0, "compared": 1, "context": 2}
    rows = sorted(measured.specifications, key=lambda each: (order[each.role], each.quantity, each.value))
    subjects = any(each.subject for each in rows)
    cells = "".join(f"<tr>{_number(each, subjects)}</tr>" for each in rows)
    names = ["quantity", "value", "role", *(["subject"] if subjects else []), "status", "written"]
    head = "".join(f"<th>{html.escape(t(f'numbers.{name}'))}</th>" for name in names)
    table = f'<table class="ta-numbers"><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table>'
    st.html(f'<div class="ta-scroll">{table}</div>')


def _number(each: Specification, subjects: bool) -> str:
    written = html.escape(each.span.text) if each.span is not None else html.escape(t("numbers.derived"))
    subject = f"<td>{html.escape(each.subject or t('unknown'))}</td>" if subjects else ""
    where = t(f"field.{each.span.field}") if each.span is not None else ""
    return (
        f"<td>{html.escape(t(f'quantity.{each.quantity}'))}</td>"
        f'<td class="ta-value">{each.value:,.10g} {html.escape(t(f"unit.{each.quantity}"))}</td>'
        f"<td>{html.escape(t(f'role.{each.role}'))}</td>"
        f"{subject}"
        f"<td>{html.escape(t(f'status.{each.status}'))}</td>"
        f'<td title="{html.escape(where)}"><span class="term">{written}</span></td>'
    )


def _decision(details: PaperDetails) -> None:
    """Overrule the rules for the paper as a whole; written before the page answers, and undone in one click."""
    id = details.row.id
    held = details.decisions.get("include")
    standing = held.verdict if held is not None else None
    # Whatever was decided since the form was drawn, here or in another tab, begins a new form on what stands now.
    turn = f"{id}.{len(details.history)}"
    with st.container(border=True):
        st.markdown(f"**{t('decide.heading')}**")
        show_message("decision")
        rules = details.judgement.include if details.judgement is not None else None
        st.markdown(t("decide.rules_say", verdict=filters.verdict_name(rules).lower()))
        if held is not None and standing is not None:
            because = t("decide.because", reason=plain(short(held.reason, 300))) if held.reason else ""
            st.markdown(
                t("decide.standing", verdict=filters.verdict_name(standing).lower(), who=plain(held.reviewer)) + because
            )
        with st.form(f"decide.{id}", border=False):
            choice = st.radio(
                t("decide.choice"),
                CHOICES,
                index=CHOICES.index(standing) if standing in CHOICES else None,
                format_func=filters.verdict_name,
                horizontal=True,
                label_visibility="collapsed",
                key=f"decide.choice.{turn}",
            )
            st.text_input(
                t("decide.reason"),
                placeholder=t("decide.reason_placeholder"),
                key=f"decide.reason.{turn}",
                max_chars=500,
            )
            sent = st.form_submit_button(
                t("decide.save"),
                key=f"decide.save.{turn}",
                type="primary",
                on_click=state.later,
                args=(_save, id, turn),
            )
        if sent and choice is None:
            st.warning(t("decide.choose"))
        if standing is not None:
            st.button(
                t("decide.clear"),
                key="decide.clear",
                icon=":material/undo:",
                type="tertiary",
                help=t("decide.clear_help"),
                on_click=state.later,
                args=(_decide, id, None, ""),
            )


def _save(id: str, turn: str) -> None:
    choice = state.value(f"decide.choice.{turn}")
    if choice is not None:
        _decide(id, choice, str(state.value(f"decide.reason.{turn}", "")).strip())


def _decide(id: str, verdict: str | None, reason: str) -> None:
    before = _standing(id)
    made = Decision(id, "include", verdict, state.reviewer(), reason, state.now())
    state.store().decide(made)
    said = t("decide.saved", verdict=filters.verdict_name(verdict).lower()) if verdict else t("decide.cleared")
    state.leave_message("decision", said, (_restore, (made, before)))


def _restore(made: Decision, before: Decision | None) -> None:
    """Undo a decision, unless it has been overtaken: what another person decided since is not ours to take back."""
    if _standing(made.paper) != made:
        state.leave_message("decision", t("decide.overtaken"))
        return
    verdict, reason = (before.verdict, before.reason) if before is not None else (None, "")
    state.store().decide(
        Decision(made.paper, "include", verdict, state.reviewer(), reason or t("decide.undone_reason"), state.now())
    )
    state.leave_message("decision", t("decide.undone"))


def _standing(id: str) -> Decision | None:
    """The latest decision on the paper as a whole, a withdrawal included; read from the store, past any cache."""
    return next((each for each in state.store().paper(id).history if each.criterion == "include"), None)


def _lists(details: PaperDetails) -> None:
    id = details.row.id
    with st.container(border=True):
        st.markdown(f"**{t('lists.heading')}**")
        show_message("lists")
        for name in details.lists:
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                state.link("papers", plain(name), {"list": name, "include": "any"})
                st.button(
                    t("lists.remove"),
                    key=f"lists.remove.{name}",
                    type="tertiary",
                    on_click=state.later,
                    args=(_unlist, name, id),
                )
        others = [name for name in sorted(atlas.reading_lists()) if name not in details.lists]
        key = f"lists.add.{id}"
        st.selectbox(
            t("lists.add"),
            others,
            index=None,
            key=key,
            accept_new_options=True,
            placeholder=t("lists.placeholder"),
            label_visibility="collapsed",
            on_change=state.later,
            args=(_enlist, key, id),
        )


def _enlist(key: str, id: str) -> None:
    name = " ".join(str(state.value(key) or "").split())[:80]
    state.forget(key)
    if name:
        state.store().add_to_list(name, [id])
        state.leave_message("lists", t("lists.added", name=plain(name)), (_take_off, (name, id)))


def _unlist(name: str, id: str) -> None:
    state.store().remove_from_list(name, [id])
    state.leave_message("lists", t("lists.removed", name=plain(name)), (_put_on, (name, id)))


def _take_off(name: str, id: str) -> None:
    state.store().remove_from_list(name, [id])


def _put_on(name: str, id: str) -> None:
    state.store().add_to_list(name, [id])


def _facts(details: PaperDetails) -> None:
    paper, row = details.paper, details.row
    with st.container(border=True):
        st.markdown(f"**{t('facts.heading')}**")
        with st.container(horizontal=True, gap="small"):
            for each in outside(paper):
                st.link_button(each.site, each.url, help=plain(each.value), icon=":material/open_in_new:")
            pdf = arxiv_pdf(paper)
            if pdf:
                st.link_button(t("facts.pdf"), pdf, icon=":material/picture_as_pdf:")
        stated = t("unknown") if row.citations_stated is None else f"{row.citations_stated:,}"
        listed = t("unknown") if paper.references_stated is None else f"{paper.references_stated:,}"
        lines = [
            t("facts.cited_by", n=row.cited_by, stated=stated),
            t("facts.references", n=row.references, stated=listed),
            *(
                t("facts.source", source=plain(filters.source_name(each.source)), time=each.time[:10])
                for each in details.sources
            ),
            t("facts.ids", ids=", ".join(plain(each) for each in paper.ids)),
            *([t("facts.merged", ids=", ".join(plain(each) for each in details.merged))] if details.merged else []),
        ]
        st.markdown("\n".join(f"- {line}" for line in lines))
        if row.cluster is not None:
            label = t("facts.cluster", name=plain(filters.cluster_name(row.cluster)))
            state.link("papers", label, {"cluster": str(row.cluster)})


def _citations(details: PaperDetails) -> None:
    st.subheader(t("linked.heading"), anchor=False)
    where = filters.included_toggle("linked")
    for column, direction in zip(st.columns(2, gap="large"), ("references", "citers"), strict=True):
        with column:
            limit = state.number(direction, 1, 2_000, STEP)
            found = atlas.linked(details.row.id, direction, where, limit)  # type: ignore[arg-type]  # a Direction
            st.markdown(f"**{t(f'linked.{direction}', n=found.total)}**")
            if not found.rows:
                st.caption(t(f"linked.no_{direction}"))
                continue
            st.caption(t("linked.showing", shown=len(found.rows), total=found.total))
            tables.link_list(found.rows)
            if len(found.rows) < found.total:
                st.button(
                    t("linked.more"),
                    key=f"linked.more.{direction}",
                    on_click=lambda direction=direction, limit=limit: state.change_query(
                        **{direction: str(min(2_000, limit + 3 * STEP))}
                    ),
                )


def _history(details: PaperDetails) -> None:
    if not details.history:
        return
    with st.expander(t("history.heading", n=len(details.history))):
        st.markdown("\n".join(f"- {line}" for line in _told(details.history)))


def _told(history: Sequence[Decision]) -> list[str]:
    return [
        t(
            "history.line",
            time=each.time.replace("T", " ")[:16],
            who=plain(each.reviewer),
            what=_what(each),
            why=plain(short(each.reason, 300)) or t("history.no_reason"),
        )
        for each in history
    ]


def _what(each: Decision) -> str:
    """What a line of the history decided, as Markdown: the paper as a whole, or one criterion by its id."""
    said = _decided(each)
    return said if each.criterion == "include" else f"{plain(each.criterion)} {said}"


def _decided(each: Decision) -> str:
    if each.verdict is None:
        return t("history.withdrawn")
    return filters.verdict_name(each.verdict).lower() if each.criterion == "include" else filters.met_name(each.verdict)
