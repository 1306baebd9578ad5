"""Times what ASReview's default model (ELAS u4) does first: its own TF-IDF over the titles and abstracts.

Run by `benchmarks/screen.py --peers PYTHON` with the interpreter of the peers (`benchmarks/peers.txt`),
because ASReview pins libraries that ours does not. Prints one JSON object.
"""

from __future__ import annotations

import gzip
import json
import sys
import time

import asreview
import pandas as pd
from asreview.models.feature_extractors import Tfidf
from asreview.models.models import get_ai_config


def main() -> None:
    """Measures and prints; the argument is arxiv_audio.jsonl.gz."""
    with gzip.open(sys.argv[1], "rt", encoding="utf-8") as lines:
        papers = pd.DataFrame(
            [{"title": record["title"], "abstract": record["abstract"]} for record in map(json.loads, lines)]
        )
    parameters = get_ai_config("elas_u4")["value"].feature_extractor_param
    times = []
    for _ in range(2):
        began = time.perf_counter()
        Tfidf(**parameters).fit_transform(papers)
        times.append(time.perf_counter() - began)
    print(json.dumps({"peer": f"asreview {asreview.__version__} elas_u4", "features_s": round(min(times), 3)}))


if __name__ == "__main__":
    main()
