"""Time of reading the specifications of a whole corpus, as a ratio to the first step of ASReview's default model.

    python benchmarks/specs.py [DATA_FOLDER] [--repeat N]

Both run in one process on the same texts, imports and set-up excluded; the smallest of N rounds counts, rounds
alternate. Limit: 1 time scikit-learn's `TfidfVectorizer(ngram_range=(1, 2)).fit_transform`. One JSON object.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

LIMIT = 1.0


def main() -> None:
    """Measure and print; exit code 1 when the limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    papers = read(asked.data / "arxiv_audio.jsonl.gz")

    from sklearn.feature_extraction.text import TfidfVectorizer

    from analysis.specifications import Extractor

    extractor = Extractor()
    slowest: list[float] = []
    found = [0]

    def extract() -> None:
        times = []
        count = 0
        for title, abstract in papers:
            begun = time.perf_counter()
            count += len(extractor.extract(title, abstract).specifications)
            times.append(time.perf_counter() - begun)
        found[0] = count
        times.sort()
        slowest.append(times[-1] / times[len(times) // 2])

    texts = [f"{title or ''}\n{abstract or ''}" for title, abstract in papers]
    ours, theirs = float("inf"), float("inf")
    for _ in range(asked.repeat):
        ours = min(ours, seconds(extract))
        theirs = min(theirs, seconds(lambda: TfidfVectorizer(ngram_range=(1, 2)).fit_transform(texts)))
    report = {
        "benchmark": "specs",
        "papers": len(papers),
        "specifications": found[0],
        "extract_s": round(ours, 3),
        "tfidf_s": round(theirs, 3),
        "ratio": round(ours / theirs, 3),
        "limit": LIMIT,
        "slowest_to_median": round(min(slowest), 1),
        "within_limit": ours <= LIMIT * theirs,
    }
    print(json.dumps(report))
    sys.exit(0 if report["within_limit"] else 1)


def read(path: Path) -> list[tuple[str | None, str | None]]:
    """Title and abstract of every record of a JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [(record["title"], record["abstract"]) for record in map(json.loads, lines)]


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
