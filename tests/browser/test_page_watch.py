"""The watch itself: a page that misbehaves does not go unnoticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import PageWatch

pytestmark = pytest.mark.browser


@pytest.fixture
def watch(browser: Browser, tmp_path: Path) -> Iterator[PageWatch]:
    """A watch that does not fail its test."""
    made = PageWatch(browser, tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("console.error('went wrong')", "went wrong"),
        ("throw new Error('never caught')", "never caught"),
        ("fetch('http://outside.invalid/font').catch(() => {})", "http://outside.invalid/font"),
        ("new WebSocket('ws://outside.invalid/socket')", "ws://outside.invalid/socket"),
    ],
)
def test_misbehaviour_is_written_down(watch: PageWatch, script: str, named: str) -> None:
    page = watch.open(f"data:text/html,<script>{script}</script>")
    page.wait_for_timeout(500)
    assert any(named in problem for problem in watch.problems)


def test_a_quiet_page_is_no_problem(watch: PageWatch) -> None:
    page = watch.open("data:text/html,<script>console.log('hello'); fetch('data:,inside')</script>")
    page.wait_for_timeout(200)
    assert not watch.problems
    assert watch.shot(page, "quiet").stat().st_size > 0
