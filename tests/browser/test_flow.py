"""A visitor's way through all five pages in Chromium, on an invented atlas and on the bundled corpus.

`page_watch` fails a test on any console error and on any request that leaves this machine; screenshots are kept.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from kg.store import open_store
from tests.conftest import ENGINES, EmptyStore
from tests.ui.world import AUDIOLM, CODEC, HYBRID, NASTY, TITLE_ONLY, fill

pytestmark = pytest.mark.browser

ROW_PX, TITLE_X = 36, 150


@pytest.fixture(scope="module", params=ENGINES)
def address(request: pytest.FixtureRequest, empty_store: EmptyStore, served: Callable[..., str]) -> str:
    """`tokenatlas serve` over the invented atlas, on either engine."""
    url = empty_store(request.param)
    with open_store(url) as store:
        fill(store)
    return served(store=url)


@pytest.fixture(scope="module")
def empty_address(tmp_path_factory: pytest.TempPathFactory, served: Callable[..., str]) -> str:
    return served(store=f"sqlite:///{(tmp_path_factory.mktemp('flow') / 'empty.sqlite').as_posix()}")


def settled(page: Page) -> Page:
    """Wait until Streamlit has run the page and drawn every part of it."""
    page.wait_for_selector("[data-testid='stApp'][data-test-script-state='notRunning']")
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    return page


def heading(page: Page, words: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=1).filter(has_text=words)).to_be_visible()


def navigate(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()
    heading(page, "Token Atlas" if name == "Overview" else name)


def click_title(page: Page, row: int) -> None:
    """Click the title cell of a row of the table, a canvas: it must be painted and must have seen the mouse come."""
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    expect(table.locator("canvas").first).to_be_visible()
    settled(page)
    box = table.bounding_box()
    assert box is not None
    x, y = box["x"] + TITLE_X, box["y"] + ROW_PX * (row + 1) + ROW_PX // 2
    page.mouse.move(x - 40, y - 10)
    page.mouse.move(x, y, steps=10)
    page.mouse.click(x, y)
    page.wait_for_url(re.compile("paper="))


def at(page: Page, pattern: str) -> None:
    expect(page).to_have_url(re.compile(pattern))


def test_an_empty_store_says_what_to_run(empty_address: str, page_watch: Any) -> None:
    page = page_watch.open(empty_address)
    heading(page, "The atlas is empty")
    expect(page.get_by_text("tokenatlas load")).to_be_visible()
    page_watch.shot(page, "empty")


def test_papers_filter_open_back_and_forward(address: str, page_watch: Any) -> None:
    page = page_watch.open(address, width=1400)
    heading(page, "Token Atlas")
    settled(page)
    page_watch.shot(page, "overview")
    navigate(page, "Papers")
    expect(page.get_by_text("of 14 in the atlas")).to_be_visible()
    page.get_by_role("button", name=re.compile("^S2 ")).click()
    at(page, r"/papers\?topic=S2$")
    settled(page)
    page_watch.shot(page, "papers")
    click_title(page, 0)
    at(page, r"paper=")
    heading(page, "Delta: one stream of hybrid audio tokens")
    settled(page)
    page_watch.shot(page, "paper")
    page.go_back()
    at(page, r"/papers\?topic=S2$")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    page.go_forward()
    heading(page, "Delta: one stream of hybrid audio tokens")
    page.get_by_role("button", name=re.compile("Papers:")).click()
    at(page, r"/papers\?topic=S2$")
    page.go_back()
    page.go_back()
    page.go_back()
    at(page, r"/papers$")
    expect(page.get_by_text("11 papers")).to_be_visible()


def test_a_deep_link_shows_what_it_says_after_reload(address: str, page_watch: Any) -> None:
    page = page_watch.open(f"{address}/papers?topic=S1&from=2022&sort=title")
    expect(page.get_by_role("button", name=re.compile("^S1 Codecs"))).to_have_count(2)
    expect(page.get_by_role("button", name=re.compile("from 2022"))).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name=re.compile("from 2022"))).to_be_visible()


def test_a_decision_is_kept_and_undone(address: str, page_watch: Any) -> None:
    page = page_watch.open(f"{address}/papers?paper={TITLE_ONLY}")
    heading(page, "A survey of discrete audio tokens")
    settled(page)
    page.get_by_text("Excluded", exact=True).first.click()
    page.get_by_label("Reason").fill("only a survey")
    page.get_by_role("button", name="Save decision").click()
    expect(page.get_by_text("Saved: excluded.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("The rules say")).to_be_visible()


def test_the_graph_selects_expands_and_goes_back(address: str, page_watch: Any) -> None:
    page = page_watch.open(f"{address}/citations", width=1400)
    heading(page, "Citations")
    expect(page.get_by_text("Showing 4 of 4 papers")).to_be_visible()
    node = page.get_by_role("button", name=re.compile("^Delta")).and_(page.locator("[aria-pressed]"))
    node.focus()
    page.keyboard.press("Space")
    at(page, r"select=arxiv")
    settled(page)
    page_watch.shot(page, "citations")
    page.get_by_role("button", name="Expand").click()
    expect(page.get_by_text("Showing 9 of 9 papers")).to_be_visible()
    at(page, r"focus=")
    settled(page)
    page_watch.shot(page, "citations-expanded")
    page.go_back()
    expect(page.get_by_text("Showing 4 of 4 papers")).to_be_visible()
    page.go_forward()
    expect(page.get_by_text("Showing 9 of 9 papers")).to_be_visible()


def test_a_path_joins_two_papers(address: str, page_watch: Any) -> None:
    page = page_watch.open(f"{address}/citations?start={AUDIOLM}")
    box = page.get_by_role("textbox", name="To", exact=True)
    box.fill("survey")
    box.press("Enter")
    page.get_by_role("button", name=re.compile("^A survey of discrete")).first.click()
    at(page, r"end=")
    expect(page.get_by_text("2 steps")).to_be_visible()
    expect(page.get_by_text("is cited by").first).to_be_visible()
    page.get_by_text("2 steps").scroll_into_view_if_needed()
    page_watch.shot(page, "path")


def test_a_click_in_the_trends_opens_papers(address: str, page_watch: Any) -> None:
    page = page_watch.open(f"{address}/trends", width=1400)
    heading(page, "Trends")
    page.wait_for_selector(".js-plotly-plot .bars .point path")
    settled(page)
    page_watch.shot(page, "trends")
    bars = page.locator(".js-plotly-plot").first.locator(".bars .point path")
    bars.first.click(force=True)
    at(page, r"/papers\?.*type=")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    page.go_back()
    heading(page, "Trends")
    at(page, r"/trends$")
    page.wait_for_selector(".js-plotly-plot .scatterlayer .point")
    page.locator(".js-plotly-plot").nth(1).locator(".points .point").first.click(force=True)
    at(page, r"/papers\?.*paper=")
    expect(page.get_by_text("Verdict per criterion")).to_be_visible()
    page.go_back()
    heading(page, "Trends")
    at(page, r"/trends$")
    expect(page.get_by_text("means nothing here")).to_have_count(0)
    page.go_forward()
    at(page, r"/papers\?.*paper=")
    expect(page.get_by_text("Verdict per criterion")).to_be_visible()


def test_back_from_a_bar_of_the_overview(address: str, page_watch: Any) -> None:
    page = page_watch.open(address, width=1400)
    page.wait_for_selector(".js-plotly-plot .bars .point path")
    settled(page)
    page.locator(".js-plotly-plot").first.locator(".bars .point path").last.click(force=True)
    at(page, r"/papers\?.*from=")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    page.go_back()
    heading(page, "Token Atlas")
    at(page, rf"^{re.escape(address)}/?$")
    expect(page.get_by_text("mean nothing here")).to_have_count(0)


def test_the_protocol_changes_language(address: str, page_watch: Any) -> None:
    page = page_watch.open(f"{address}/protocol", width=1400)
    heading(page, "Discrete audio tokens")
    page_watch.shot(page, "protocol")
    page.get_by_role("radio", name="繁體中文").or_(page.get_by_role("button", name="繁體中文")).click()
    at(page, r"text=zh")
    heading(page, "離散音訊標記")
    settled(page)
    page_watch.shot(page, "protocol-zh")
    page.get_by_role("link", name=re.compile(r"^met 1$")).first.click()
    at(page, r"/papers\?.*criteria=")


def test_titles_that_bite_do_nothing(address: str, page_watch: Any) -> None:
    for number, id in enumerate(list(NASTY)[:3:2] + list(NASTY)[3:]):
        page = page_watch.open(f"{address}/papers?paper={id}")
        expect(page.get_by_text("Verdict per criterion")).to_be_visible()
        settled(page)
        assert page.evaluate("window.hacked") is None
        shown = page.get_by_role("heading", level=1).inner_text().replace("\u2060", "")
        wanted = re.sub(r"\s+", " ", re.sub("[\u202a-\u202e]", "", NASTY[id])).strip()
        assert shown.strip() == wanted
        page_watch.shot(page, f"nasty-{number}")
        page_watch.close()
    page = page_watch.open(f"{address}/citations?focus={HYBRID}")
    expect(page.get_by_text("Showing 9 of 9 papers")).to_be_visible()
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize(
    ("scheme", "paths"),
    [
        ("light", {"overview": "/", "paper": f"/papers?paper={CODEC}", "trends": "/trends"}),
        ("dark", {"papers": "/papers", "citations": "/citations", "protocol": "/protocol"}),
    ],
)
def test_narrow_pages_do_not_scroll_sideways(address: str, page_watch: Any, scheme: str, paths: dict[str, str]) -> None:
    for name, path in paths.items():
        page = page_watch.open(address + path, width=420, scheme=scheme)
        page.get_by_role("heading", level=1).first.wait_for()
        settled(page)
        page_watch.shot(page, f"narrow-{scheme}-{name}")
        wide = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
        assert wide <= 1, f"{path} is {wide} px wider than its window"
        page_watch.close()


BUNDLE = Path(__file__).resolve().parents[2] / "data" / "corpus"


@pytest.mark.skipif(not (BUNDLE / "papers.parquet").is_file(), reason="no bundled corpus: tokenatlas snapshot build")
def test_the_bundled_corpus_is_usable_in_time(tmp_path: Path, served: Callable[..., str], page_watch: Any) -> None:
    """A warm start on the real corpus: usable within 8 s of the process, a filter change within a second or so."""
    from ingest.bundle import load_bundle

    url = f"sqlite:///{(tmp_path / 'bundle.sqlite').as_posix()}"
    with open_store(url) as store:
        load_bundle(store, BUNDLE, update=False, clock=lambda: "2026-01-01T00:00:00+00:00")
    started = time.monotonic()
    page = page_watch.open(served(store=url), width=1400)
    heading(page, "Token Atlas")
    expect(page.get_by_text("Included papers", exact=True)).to_be_visible()
    usable_s = time.monotonic() - started
    print(f"usable after {usable_s:.1f} s")
    navigate(page, "Papers")
    began = time.monotonic()
    page.get_by_role("button", name=re.compile("^S2 ")).click()
    at(page, r"topic=S2")
    settled(page)
    print(f"filtered after {time.monotonic() - began:.2f} s")
    navigate(page, "Citations")
    expect(page.get_by_text("Around AudioLM")).to_be_visible()
    settled(page)
    page_watch.shot(page, "bundle-citations")
    assert usable_s < 16, "the promise is 8 s; twice that fails on any machine"
