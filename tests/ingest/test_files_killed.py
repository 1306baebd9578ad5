"""A run killed at any moment goes on, and ends where an uninterrupted one ends."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingest.files import ingest_papers
from kg.paper_filter import PaperFilter
from kg.store import open_store

ROOT = Path(__file__).resolve().parents[2]
LINES = 3000
RUN = """
import sys
from pathlib import Path
from ingest.files import ingest_papers
from kg.store import open_store
with open_store(sys.argv[1]) as store:
    done = ingest_papers(
        store, Path(sys.argv[2]), rejects=Path(sys.argv[3]), batch=50, clock=lambda: "2026-01-01",
        progress=lambda _: print("batch", flush=True),
    )
print("done", done.resumed_from)
"""


def generated(path: Path) -> Path:
    seeded = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        for number in range(1, LINES + 1):
            if number % 50 == 17:
                file.write(json.dumps({"openalex_id": f"W{number}"}) + "\n")
                continue
            work = {
                "openalex_id": f"W{number}",
                "doi": f"10.1000/x{number}" if number % 3 else None,
                "title": f"A Generated Work {number}",
                "abstract": "Words that say little. " * 10,
                "publication_date": f"20{seeded.randint(10, 24)}-01-01",
                "referenced_works": [f"W{seeded.randint(1, LINES + 300)}" for _ in range(5)],
            }
            file.write(json.dumps(work) + "\n")
    return path


def run(url: str, path: Path, rejects: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, url, str(path), str(rejects)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)])
def test_killed_at_random_moments_the_end_is_the_same(tmp_path: Path, seed: int) -> None:
    path = generated(tmp_path / "works.jsonl")
    whole = tmp_path / "whole.rejects"
    with open_store(f"sqlite:///{tmp_path}/whole.sqlite") as store:
        done = ingest_papers(store, path, rejects=whole, batch=50, clock=lambda: "2026-01-01")
        expected = store.counts(), store.ids(PaperFilter(include=())), store.table("citations"), store.quarantined()
    assert done.loaded + done.rejected + done.quarantined == LINES

    url, rejects = f"sqlite:///{tmp_path}/killed.sqlite", tmp_path / "killed.rejects"
    seeded = random.Random(seed)
    for _ in range(5):
        with run(url, path, rejects) as process:
            assert process.stdout is not None
            for _ in range(seeded.randint(1, 9)):
                assert process.stdout.readline() == "batch\n"
            time.sleep(seeded.uniform(0, 0.02))  # anywhere in the batch that follows
            process.kill()
    with run(url, path, rejects) as process:
        rest, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert int(rest.rpartition("done ")[2]) > 0, "nothing had been kept before the last kill"

    with open_store(url) as store:
        found = store.counts(), store.ids(PaperFilter(include=())), store.table("citations"), store.quarantined()
    assert found[0] == expected[0]
    assert found[1] == expected[1]
    assert found[2].equals(expected[2])
    assert found[3] == expected[3]
    assert rejects.read_bytes() == whole.read_bytes()
