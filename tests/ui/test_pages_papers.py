"""Papers: list, table, paging, empty state; the paper page with evidence, decision, lists; titles that bite."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button, Radio, TextInput

from kg.exchange.csv import read_rows
from kg.model import Decision, Paper
from kg.paper_filter import PaperFilter, Sort
from kg.store import GraphStore
from tests.ui.world import AUDIOLM, CODEC, EXCLUDED, HYBRID, NASTY, STUB, TITLE_ONLY, UNDATED, UNJUDGED, span
from ui import evidence, links, tables
from ui.evidence import Mark
from ui.text import label, t, visible

Visit = Callable[..., AppTest]


def shown(app: AppTest) -> str:
    """All text of a page."""
    kinds = (app.markdown, app.caption, app.title, app.subheader)
    return "\n".join(each.value for kind in kinds for each in kind) + "\n".join(html_of(app))


def heading(app: AppTest) -> str:
    """The heading of a paper page, marks taken away."""
    found = next(body for body in html_of(app) if body.startswith("<h1"))
    return unescape(re.sub(r"<[^>]*>", "", found))


def html_of(app: AppTest) -> list[str]:
    return [each.proto.body for each in app.get("html")]


def choice(app: AppTest) -> Radio[str]:
    """The verdicts of the decision form."""
    return next(each for each in app.radio if (each.key or "").startswith("decide.choice."))


def reason(app: AppTest) -> TextInput:
    """The reason in the decision form."""
    return next(each for each in app.text_input if (each.key or "").startswith("decide.reason."))


def save(app: AppTest) -> Button:
    """The button that sends the decision form."""
    return next(each for each in app.button if (each.key or "").startswith("decide.save."))


def test_the_list_shows_included_papers_with_total(world: GraphStore, visit: Visit) -> None:
    app = visit("papers")
    assert not app.exception
    assert len(app.dataframe[0].value) == 11
    assert "**11** papers" in shown(app)
    assert "of 14 in the atlas" in shown(app)


def test_the_table_says_unknown_for_what_is_unknown(world: GraphStore, visit: Visit) -> None:
    table = visit("papers", q="Undated").dataframe[0].value
    assert table["year"].isna().all()
    assert table["first_author"].isna().all()
    assert table["token_type"].isna().all()


@pytest.mark.parametrize("sort", ["title", "cited", "bitrate", "oldest"])
def test_the_order_is_that_of_the_url(world: GraphStore, visit: Visit, sort: Sort) -> None:
    titles = list(visit("papers", sort=sort).dataframe[0].value["title"])
    assert titles == [label(row.title or "") for row in world.papers(PaperFilter(), sort=sort).rows]
    assert titles != [label(row.title or "") for row in world.papers(PaperFilter()).rows]


@pytest.mark.parametrize(("row", "opened"), [(1, ["b"]), (0, ["a"]), (9, [])])
def test_only_a_row_that_is_on_screen_opens(monkeypatch: pytest.MonkeyPatch, row: int, opened: list[str]) -> None:
    monkeypatch.setattr(tables.state, "value", lambda key: {"row": row, "label": "whatever"})
    found: list[str] = []
    tables._clicked("any", ("a", "b"), found.append)
    assert found == opened


def test_a_paper_opens_without_a_mouse(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", topic="S4")
    app.selectbox(key="papers.open").set_value(CODEC).run()
    assert app.query_params == {"topic": "S4", "paper": CODEC}
    assert heading(app).startswith("Ripple")


def test_a_work_known_only_by_its_id_has_a_page(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper=STUB)
    assert not app.exception
    assert "known only by its id" in shown(app) + heading(app)


def test_nothing_found_names_what_removed_most_and_drops_it(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", topic="S2", quantizer="RVQ")
    assert not app.dataframe
    app.button(key="empty.drop").click().run()
    assert app.dataframe[0].value is not None
    assert set(app.query_params) < {"topic", "quantizer"}


def test_a_search_that_only_other_papers_match_offers_to_show_them(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", q="spectrograms")
    assert not app.dataframe
    assert "1 paper that is not included (excluded, unclear or not judged) matches" in shown(app)
    app.button(key="empty.drop").click().run()
    assert app.query_params == {"q": "spectrograms", "include": "any"}
    assert list(app.dataframe[0].value["title"]) == [world.paper(EXCLUDED).row.title]


def test_pages_follow_the_url(world: GraphStore, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PAGE", 5)
    app = visit("papers", page="3")
    assert len(app.dataframe[0].value) == 1
    assert "**11-11** of **11**" in shown(app)
    beyond = visit("papers", page="9")
    assert "**11-11** of **11**" in shown(beyond)
    assert any("page" in each.value for each in beyond.warning)


def test_the_paper_page_marks_evidence_in_place(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper=CODEC)
    assert not app.exception
    text = "\n".join(html_of(app))
    assert '<mark class="words" title="R1, A1, S1, S4">tokens</mark>' in text
    assert '<mark class="number" title="Bitrate">1.5 kbps</mark>' in text
    assert '<mark class="words" title="RVQ">residual vector quantization</mark>' in text


def test_the_paper_page_keeps_role_and_unit_of_numbers(world: GraphStore, visit: Visit) -> None:
    text = "\n".join(html_of(visit("papers", paper=CODEC)))
    for words in ("1.5 kbps", "75 Hz", "compared with", "computed", "1,024", "150 tokens/s"):
        assert words in text or words == "1,024"


@pytest.mark.parametrize("spelling", ["2209.03143", "https://arxiv.org/abs/2209.03143v2", "10.1000/audiolm"])
def test_any_spelling_of_an_id_opens_the_paper(world: GraphStore, visit: Visit, spelling: str) -> None:
    assert heading(visit("papers", paper=spelling)).startswith("AudioLM")


def test_an_unknown_paper_names_the_nearest(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper="2209.03144")
    assert not app.exception
    assert app.title[0].value == "No such paper"


def test_nonsense_instead_of_an_id_is_no_crash(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper="<script>")
    assert not app.exception
    assert "<script>" not in shown(app)


def test_unknown_is_written_as_unknown(world: GraphStore, visit: Visit) -> None:
    text = shown(visit("papers", paper=UNDATED))
    assert "date unknown" in text
    assert "Authors unknown" in text
    assert "venue unknown" in text
    assert "its list as a source states: unknown" in text


def test_a_year_keeps_its_precision(world: GraphStore, visit: Visit) -> None:
    assert "2024 (to the year)" in shown(visit("papers", paper=TITLE_ONLY))


def test_a_paper_without_abstract_says_so(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper=TITLE_ONLY)
    assert "The abstract is not stored here" in shown(app)
    assert "<mark" in "\n".join(html_of(app))


def test_an_unjudged_paper_names_the_command(world: GraphStore, visit: Visit) -> None:
    assert "`tokenatlas screen`" in shown(visit("papers", paper=UNJUDGED))


def test_silence_is_marked_for_a_look(world: GraphStore, visit: Visit) -> None:
    assert "worth a look" in shown(visit("papers", paper=EXCLUDED))


def test_citations_are_ranked_with_n_of_m(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper=AUDIOLM)
    assert "**Cited by 3 papers**" in shown(app)
    assert "Showing 3 of 3" in shown(app)
    assert "**Cites 0 papers**" in shown(app)
    everything = visit("papers", paper=AUDIOLM, linked="any")
    assert "**Cites 1 paper**" in shown(everything)


def test_a_decision_is_stored_with_reason_and_can_be_undone(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper=HYBRID)
    choice(app).set_value("exclude")
    reason(app).set_value("not about *audio*")
    save(app).click().run()
    assert not app.exception
    stored = world.paper(HYBRID)
    assert (stored.row.include, stored.row.decided) == ("exclude", True)
    assert stored.decisions["include"].reason == "not about *audio*"
    assert stored.decisions["include"].reviewer == "tester"
    assert r"because not about \*audio\*" in shown(app)
    app.button(key="undo.decision").click().run()
    assert world.paper(HYBRID).row.include == "include"
    assert not world.paper(HYBRID).row.decided
    assert len(world.paper(HYBRID).history) == 2


def test_undoing_a_second_decision_brings_the_first_back(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper=HYBRID)
    for verdict in ("exclude", "unclear"):
        choice(app).set_value(verdict)
        save(app).click().run()
    assert world.paper(HYBRID).row.include == "unclear"
    app.button(key="undo.decision").click().run()
    assert world.paper(HYBRID).row.include == "exclude"


def test_the_form_shows_what_stands_after_undo_and_after_withdrawing(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper=HYBRID)
    for button, verdict in (("undo.decision", "exclude"), ("decide.clear", "unclear")):
        choice(app).set_value(verdict)
        reason(app).set_value("on second thoughts")
        save(app).click().run()
        assert (choice(app).value, reason(app).value) == (verdict, "")
        app.button(key=button).click().run()
        assert (choice(app).value, reason(app).value) == (None, "")


OTHER = Decision(HYBRID, "include", "unclear", "ada", "seen in another tab", "2999-01-01T00:00:00+00:00")


def test_undo_leaves_a_newer_decision_alone(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper=HYBRID)
    choice(app).set_value("exclude")
    save(app).click().run()
    world.decide(OTHER)
    app.button(key="undo.decision").click().run()
    assert not app.exception
    assert world.paper(HYBRID).decisions["include"] == OTHER
    assert len(world.paper(HYBRID).history) == 2
    assert t("decide.overtaken") in shown(app)
    assert choice(app).value == "unclear"


def test_a_decision_sent_from_an_older_form_is_the_one_that_was_chosen(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper=HYBRID)
    earlier = replace(OTHER, time="2026-01-01T00:00:00+00:00")
    world.decide(earlier)
    choice(app).set_value("exclude")
    reason(app).set_value("typed before")
    save(app).click().run()
    stored = world.paper(HYBRID).decisions["include"]
    assert (stored.verdict, stored.reason, stored.reviewer) == ("exclude", "typed before", "tester")
    app.button(key="undo.decision").click().run()
    assert world.paper(HYBRID).row.include == "unclear"


def test_saving_without_a_choice_asks_for_one(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper=HYBRID)
    save(app).click().run()
    assert [each.value for each in app.warning] == ["Choose a verdict first."]
    assert not world.paper(HYBRID).row.decided


def test_a_decision_can_be_withdrawn(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper=HYBRID)
    choice(app).set_value("unclear")
    save(app).click().run()
    app.button(key="decide.clear").click().run()
    assert world.paper(HYBRID).row.include == "include"
    assert "withdrawn (no reason given)" in shown(app)


def test_history_tells_of_single_criteria_too(world: GraphStore, visit: Visit) -> None:
    for verdict, reason in (("not_met", "says [no] codec"), (None, "")):
        world.decide(Decision(CODEC, "A1", verdict, "ada", reason, "2026-01-03T00:00:00+00:00"))
    world.decide(Decision(CODEC, "X1", "met", "bo <b>", "", "2026-01-04T00:00:00+00:00"))
    app = visit("papers", paper=CODEC)
    assert not app.exception
    for words in (r"ada: A1 not met (says \[no\] codec)", "ada: A1 withdrawn (no reason given)", r"bo \<b\>: X1 met"):
        assert words in shown(app)
    assert '<span class="ta-person">bo &lt;b&gt;: met</span>' in "\n".join(html_of(app))


def test_reading_lists_take_and_give_back(world: GraphStore, visit: Visit) -> None:
    app = visit("papers", paper=HYBRID)
    app.selectbox(key=f"lists.add.{HYBRID}").set_value("to read").run()
    assert world.reading_lists() == {"to read": 3}
    app.button(key="lists.remove.to read").click().run()
    assert world.reading_lists() == {"to read": 2}
    app.button(key="undo.lists").click().run()
    assert world.reading_lists() == {"to read": 3}


@pytest.mark.parametrize("id", NASTY)
def test_titles_that_bite_are_shown_as_text(world: GraphStore, visit: Visit, id: str) -> None:
    title = NASTY[id]
    app = visit("papers", paper=id)
    assert not app.exception
    assert heading(app) == visible(title)
    for body in html_of(app):
        assert "<script" not in body
        assert "<img" not in body
        assert "<a " not in body


@pytest.mark.parametrize("page", ["overview", "papers", "citations", "trends", "protocol"])
def test_no_page_hands_a_title_on_unescaped(world: GraphStore, visit: Visit, page: str) -> None:
    app = visit(page, **({"focus": " ".join(NASTY)} if page == "citations" else {}))
    assert not app.exception
    buttons = "\n".join(each.label for each in app.button)
    for words in ("<script>", "$x$", "*bold*", ":red[red]", "](javascript"):
        assert words not in shown(app)
        assert words not in buttons


def test_the_csv_of_a_filter_holds_all_its_papers_defused(world_url: str, world: GraphStore) -> None:
    data = tables.export_csv(PaperFilter(), "title").decode("utf-8-sig")
    rows = list(read_rows(io.StringIO(data)))
    assert len(rows) == 11
    assert NASTY["arxiv:2501.00013"] in [row["title"] for row in rows]
    raw = next(line for line in data.splitlines() if "HYPERLINK" in line)
    assert "\"'=HYPERLINK" in raw


def test_overlapping_marks_share_their_part() -> None:
    text = "one two <three>"
    found = [
        Mark(span("title", text, "one two"), "verdict", "A1"),
        Mark(span("title", text, "two <three>"), "topic", "S1"),
    ]
    assert evidence.marked(text, found) == (
        '<mark class="words" title="A1">one </mark>'
        '<mark class="words" title="A1, S1">two</mark>'
        '<mark class="words" title="S1"> &lt;three&gt;</mark>'
    )


def test_a_span_is_drawn_only_where_it_belongs() -> None:
    mark = Mark(span("abstract", "tokens first", "tokens"), "verdict", "R1")
    assert evidence.in_place("tokens first", "abstract", [mark]) == [mark]
    assert evidence.in_place("tokens stay, the rest moved", "abstract", [mark]) == [mark]
    assert evidence.in_place("now tokens are last", "abstract", [mark]) == []
    assert evidence.in_place("toke", "abstract", [mark]) == []
    assert evidence.in_place(None, "abstract", [mark]) == []
    assert evidence.in_place("tokens first", "title", [mark]) == []


@pytest.mark.parametrize(
    ("name", "cited"),
    [
        ("Aäron van den Oord", "van den Oord"),
        ("Zeghidour, Neil", "Zeghidour"),
        ("Plato", "Plato"),
        (", X", "X"),
        ("", ""),
    ],
)
def test_an_author_is_cited_by_surname(name: str, cited: str) -> None:
    assert tables.surname(name) == cited


def test_links_out_are_encoded_and_one_per_site() -> None:
    paper = Paper(
        ids=("arxiv:cs/0112017", "doi:10.1/a)b<c>\"'%", "openalex:W5", "title:whatever", "s2:" + "a" * 40), title="x"
    )
    found = {each.site: each.url for each in links.outside(paper)}
    assert found == {
        "arXiv": "https://arxiv.org/abs/cs/0112017",
        "DOI": "https://doi.org/10.1/a%29b%3Cc%3E%22%27%25",
        "OpenAlex": "https://openalex.org/W5",
        "Semantic Scholar": "https://www.semanticscholar.org/paper/" + "a" * 40,
    }
    assert links.arxiv_pdf(paper) == "https://arxiv.org/pdf/cs/0112017"
    assert links.arxiv_pdf(Paper(ids=("doi:10.1/x",), title="x")) is None
