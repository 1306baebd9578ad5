"""Screening beside the first thing ASReview does to the same texts: TF-IDF over words and pairs of words.

    python benchmarks/screen.py [DATA] [--peers PYTHON]

DATA holds arxiv_audio.jsonl.gz; default: ../shared/data beside the checkout. Both run in one process on the same texts,
loading excluded, each the best of `RUNS`. With the interpreter of the peers' environment (`make bench` gives it)
ASReview's own feature extraction is timed in the same run. Prints one JSON object; exits 1 when a limit is not kept.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from analysis.screening import Judge  # noqa: E402 - the benchmark runs without an installed package

LIMIT_RATIO = 5.0
LIMIT_SLOWEST = 50.0
RUNS = 2


def main() -> int:
    """Measures and prints; see the module."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    options.add_argument("--peers", type=Path, help="interpreter of the peers' environment")
    chosen = options.parse_args()
    path = chosen.data / "arxiv_audio.jsonl.gz"
    if not path.is_file():
        sys.stderr.write(f"No {path}. Give the folder of the research data as the first argument.\n")
        return 2
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        papers = [(record["title"], record["abstract"]) for record in map(json.loads, lines)]
    judge = Judge()
    judge.judge(*papers[0])
    screening, peer = [], []
    each = [float("inf")] * len(papers)
    for _ in range(RUNS):
        began = time.perf_counter()
        for number, (title, abstract) in enumerate(papers):
            started = time.perf_counter()
            judge.judge(title, abstract)
            each[number] = min(each[number], time.perf_counter() - started)
        screening.append(time.perf_counter() - began)
        began = time.perf_counter()
        TfidfVectorizer(ngram_range=(1, 2)).fit_transform(f"{title} {abstract}" for title, abstract in papers)
        peer.append(time.perf_counter() - began)
    ratio = min(screening) / min(peer)
    slowest = max(each) / statistics.median(each)
    result: dict[str, object] = {
        "benchmark": "screen",
        "papers": len(papers),
        "screen_s": round(min(screening), 3),
        "tfidf_s": round(min(peer), 3),
        "ratio_to_tfidf": round(ratio, 3),
        "slowest_to_median": round(slowest, 2),
        "limit_ratio_to_tfidf": LIMIT_RATIO,
        "limit_slowest_to_median": LIMIT_SLOWEST,
        "within_limits": ratio <= LIMIT_RATIO and slowest <= LIMIT_SLOWEST,
    }
    if chosen.peers:
        script = Path(__file__).with_name("peer_asreview.py")
        run = subprocess.run([chosen.peers, script, path], capture_output=True, text=True, check=True)
        asreview = json.loads(run.stdout.splitlines()[-1])
        result |= {**asreview, "ratio_to_peer": round(min(screening) / asreview["features_s"], 3)}
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if result["within_limits"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
