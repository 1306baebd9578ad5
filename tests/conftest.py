"""Fixtures every room shares."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The research data beside a developer's checkout; the test is skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not (folder / "arxiv_audio.jsonl.gz").is_file():
        pytest.skip("research data absent: put it at ../shared/data beside the checkout")
    return folder
