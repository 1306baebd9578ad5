"""The citation graph in a real browser: what a person does arrives in Python, and the picture keeps its promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PageWatch

pytestmark = pytest.mark.browser

DEMO = Path(__file__).with_name("graph_demo.py")
FOCUS = "arxiv:made.00000"
REST_MS = 10_000


@pytest.fixture(scope="module")
def demo(served: Callable[..., str]) -> str:
    return served(DEMO)


def drawn(page: Page) -> Page:
    """The page, once the graph has been drawn and rests."""
    page.locator(".graph[data-frames]").wait_for()
    page.wait_for_timeout(120)  # what the mouse did last has reached the page by then
    page.locator('.graph[data-state="still"]').wait_for(timeout=REST_MS)
    return page


def places(page: Page) -> dict[str, tuple[float, float]]:
    """Where each paper stands on the canvas, in CSS pixels."""
    found = page.locator(".graph button[data-id]").evaluate_all(
        "buttons => buttons.map(button => [button.dataset.id, Number(button.dataset.x), Number(button.dataset.y)])"
    )
    return {id: (x, y) for id, x, y in found}


def on_page(page: Page, id: str) -> tuple[float, float]:
    box = page.locator("canvas").bounding_box()
    assert box is not None
    x, y = places(page)[id]
    return box["x"] + x, box["y"] + y


def told(page: Page) -> list[str]:
    text = page.get_by_text("told:").inner_text().removeprefix("told:").strip()
    return text.split(" | ") if text else []


def expect_told(page: Page, *events: str) -> None:
    expect(page.get_by_text("told:")).to_have_text("told: " + " | ".join(events))


def far_from_all(page: Page) -> tuple[float, float]:
    """A point of the canvas with no paper near."""
    box = page.locator("canvas").bounding_box()
    assert box is not None
    taken = places(page).values()
    for x in range(30, int(box["width"]) - 30, 12):
        for y in range(60, int(box["height"]) - 30, 12):
            if all(abs(x - px) > 40 or abs(y - py) > 40 for px, py in taken):
                return box["x"] + x, box["y"] + y
    raise AssertionError("no empty ground")


def test_click_selects_and_empty_ground_clears(page_watch: PageWatch, demo: str) -> None:
    page = drawn(page_watch.open(f"{demo}/?n=40"))
    paper = "arxiv:made.00007"
    page.mouse.click(*on_page(page, paper))
    expect_told(page, f"select {paper}")
    pressed = page.locator('.graph button[aria-pressed="true"]')
    expect(pressed).to_have_attribute("data-id", paper)
    page_watch.shot(drawn(page), "graph-selected")
    page.mouse.click(*far_from_all(page))
    expect_told(page, f"select {paper}", "select None")
    expect(pressed).to_have_count(0)


def test_a_paper_can_be_selected_again_after_python_forgot_it(page_watch: PageWatch, demo: str) -> None:
    page = drawn(page_watch.open(f"{demo}/?n=40"))
    paper = "arxiv:made.00007"
    page.mouse.click(*on_page(page, paper))
    expect_told(page, f"select {paper}")
    page.get_by_role("button", name="Forget the selection").click()
    expect(page.locator('.graph button[aria-pressed="true"]')).to_have_count(0)
    page.mouse.click(*on_page(page, paper))
    expect_told(page, f"select {paper}", f"select {paper}")


def test_double_click_expands_and_old_papers_keep_their_places(page_watch: PageWatch, demo: str) -> None:
    page = drawn(page_watch.open(f"{demo}/?n=40"))
    page.mouse.move(*on_page(page, FOCUS))
    page.mouse.wheel(0, -150)
    before = places(drawn(page))
    box = page.locator("canvas").bounding_box()
    assert box is not None
    # one that is still in sight after zooming
    paper = min(set(before) - {FOCUS}, key=lambda id: abs(before[id][0] - box["width"] / 2) + abs(before[id][1] - 300))
    page.mouse.dblclick(*on_page(page, paper))
    expect_told(page, f"expand {paper}")
    expect(page.locator(".graph button[data-id]")).to_have_count(43)
    after = places(drawn(page))
    assert {id: after[id] for id in before} == before
    assert page.locator("canvas").count() == 1
    page_watch.shot(page, "graph-expanded")


def test_every_event_is_told_once_after_many_runs(page_watch: PageWatch, demo: str) -> None:
    page = drawn(page_watch.open(f"{demo}/?n=40"))
    events = []
    for number in (4, 9, 14, 19):
        page.mouse.click(*on_page(page, f"arxiv:made.{number:05d}"))
        events.append(f"select arxiv:made.{number:05d}")
        expect_told(page, *events)
    page.locator("canvas").press("e")
    expect_told(page, *events, "expand arxiv:made.00019")
    frames = drawn(page).locator(".graph").get_attribute("data-frames")
    page.wait_for_timeout(600)
    assert page.locator(".graph").get_attribute("data-frames") == frames, "it draws without need"
    assert page.locator(".graph").count() == page.locator("canvas").count() == 1


def test_keyboard_walks_expands_clears_and_fits(page_watch: PageWatch, demo: str) -> None:
    page = drawn(page_watch.open(f"{demo}/?n=40"))
    fitted = places(page)
    page.get_by_role("button", name="Forget the selection").focus()
    page.keyboard.press("Tab")
    canvas = page.locator("canvas")
    expect(canvas).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect_told(page, f"select {FOCUS}")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("told:")).to_contain_text(" | select ")
    second = told(page)[1].removeprefix("select ")
    assert fitted[second][0] > fitted[FOCUS][0]
    page_watch.shot(drawn(page), "graph-keyboard")
    expect(page.locator(".graph [aria-live]")).to_contain_text("cited by")
    page.keyboard.press("Enter")
    expect_told(page, f"select {FOCUS}", f"select {second}", f"expand {second}")
    expect(page.locator(".graph button[data-id]")).to_have_count(43)
    page.keyboard.press("Escape")
    expect(page.get_by_text("told:")).to_contain_text("select None")
    page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowLeft")
    assert places(drawn(page))[FOCUS] != fitted[FOCUS]
    page.keyboard.press("f")
    width = page.locator("canvas").evaluate("canvas => canvas.clientWidth")
    assert all(0 < x < width and 0 < y < 620 for x, y in places(drawn(page)).values())


def test_drag_pans_and_wheel_zooms_about_the_pointer(page_watch: PageWatch, demo: str) -> None:
    page = drawn(page_watch.open(f"{demo}/?n=40"))
    before = places(page)
    x, y = far_from_all(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 50, y + 30, steps=5)
    page.mouse.up()
    after = places(drawn(page))
    for id, (px, py) in before.items():
        assert after[id] == pytest.approx((px + 50, py + 30), abs=0.2)
    paper = "arxiv:made.00007"
    page.mouse.move(*on_page(page, paper))
    page.mouse.wheel(0, -200)
    zoomed = places(drawn(page))
    assert zoomed[paper] == pytest.approx(after[paper], abs=0.6)
    assert abs(zoomed[FOCUS][0] - zoomed[paper][0]) > 1.2 * abs(after[FOCUS][0] - after[paper][0])
    assert not told(page)


def test_two_fingers_zoom(page_watch: PageWatch, demo: str) -> None:
    page = drawn(page_watch.open(f"{demo}/?n=40", width=500, touch=True))
    before = places(page)
    box = page.locator("canvas").bounding_box()
    assert box is not None
    middle, line = box["x"] + box["width"] / 2, box["y"] + 300
    session = page.context.new_cdp_session(page)
    for kind, reach in (("touchStart", 30), ("touchMove", 50), ("touchMove", 75), ("touchMove", 90)):
        points = [{"x": middle - reach, "y": line, "id": 0}, {"x": middle + reach, "y": line, "id": 1}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    after = places(drawn(page))

    def spread(found: dict[str, tuple[float, float]]) -> float:
        return max(x for x, _ in found.values()) - min(x for x, _ in found.values())

    assert spread(after) / spread(before) == pytest.approx(3.0, rel=0.12)
    assert not told(page)


def test_hover_shows_titles_as_text(page_watch: PageWatch, demo: str) -> None:
    page = drawn(page_watch.open(f"{demo}/?n=40"))
    page.mouse.move(*on_page(page, "arxiv:made.00003"))
    tip = page.locator(".graph .tip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("<img src=x onerror=")
    assert page.locator(".graph img").count() == 0
    assert page.title() != "run"
    page_watch.shot(drawn(page), "graph-hover")
    page.mouse.move(2, 2)
    expect(tip).to_be_hidden()


def test_buttons_and_the_list_of_papers_have_names(page_watch: PageWatch, demo: str) -> None:
    page = drawn(page_watch.open(f"{demo}/?n=40"))
    before = places(page)
    page.get_by_role("button", name="Zoom in").click()
    wider = places(drawn(page))
    assert wider != before
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_role("button", name="Show the whole graph").click()
    fitted = places(drawn(page))
    assert all(fitted[id] == pytest.approx(place, abs=0.2) for id, place in before.items())
    listed = page.get_by_role("list", name="Papers of the graph").get_by_role("button")
    assert listed.count() == 40
    listed.nth(7).dispatch_event("click")
    expect_told(page, "select arxiv:made.00007")
    assert page.get_by_role("application").get_attribute("aria-label")


def test_the_drawing_is_sharp_and_follows_its_container(page_watch: PageWatch, demo: str) -> None:
    page = drawn(page_watch.open(f"{demo}/?n=40", density=2))
    sizes = "canvas => [canvas.width, canvas.clientWidth, canvas.height, canvas.clientHeight]"
    wide = page.locator("canvas").evaluate(sizes)
    assert [wide[0], wide[2]] == [2 * wide[1], 2 * wide[3]]
    page.set_viewport_size({"width": 700, "height": 800})
    page.wait_for_timeout(400)
    narrow = drawn(page).locator("canvas").evaluate(sizes)
    assert narrow[1] < wide[1]
    assert narrow[0] == 2 * narrow[1]
    assert all(0 < x < narrow[1] for x, _ in places(page).values())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ground_follows_the_theme(page_watch: PageWatch, demo: str, scheme: str) -> None:
    page = drawn(page_watch.open(f"{demo}/?n=60", scheme=scheme))  # type: ignore[arg-type]  # one of the two
    page_watch.shot(page, f"graph-60-{scheme}")
    ground = page.locator("canvas").evaluate("canvas => [...canvas.getContext('2d').getImageData(2, 2, 1, 1).data]")
    assert (sum(ground[:3]) < 150) == (scheme == "dark")


def test_three_hundred_papers_are_drawn_in_time(page_watch: PageWatch, demo: str) -> None:
    drawn(page_watch.open(f"{demo}/?n=300&links=1500"))  # modules and caches of the server are warm after this
    page = page_watch.open("about:blank")
    page.goto(f"{demo}/?n=300&links=1500")
    page.locator(".graph[data-frames]").wait_for()
    whole = page.evaluate("performance.now()") / 1000
    graph = drawn(page).locator(".graph")
    first = float(graph.get_attribute("data-first-ms") or "nan")
    frame = float(graph.get_attribute("data-draw-ms") or "nan")
    page_watch.shot(page, "graph-300")
    print(f"\n300 papers, 1,500 citations: drawn {whole:.2f} s after the address was entered, of which the component")
    print(f"took {first:.0f} ms; a frame takes {frame:.1f} ms")
    assert first < 1500
    assert whole < 10
