"""Which records are one work: found and missed pairs, false ones, time beside litstudy, and how time grows.

    python benchmarks/identity.py [DATA] [--peers PYTHON] [--seed N]

Prints one JSON object a line; exits 1 when a limit is not kept.

1. The pairs of arxiv_audio and openalex_works that a DOI tells to be one, found among all records of both files with
   every id hidden from the matcher. Limit: recall at least .98. Beside it the pairs that only a title tells.
2. 1,000 pairs that look like one work and are two (`hard_negatives`), each alone and all at once. Limit: none joined.
3. The arXiv ids with several OpenAlex works, read into a store: how many are one work then, and which are not.
4. With the interpreter of the peers' environment: litstudy's removal of duplicates from the same 1,000 records, half
   of them known pairs, half hard negatives, in the same run, each the best of `RUNS`. Limit: not slower than litstudy.
5. Time for 1,000, 10,000 and 100,000 made-up records, a fifth of them twins, and the exponent over the last tenfold.
   Limit: 1.5 (comparing all pairs is 2).
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# ruff: noqa: E402 - the benchmark runs without an installed package
from benchmarks.hard_negatives import Record, negatives
from ingest.agreement import Account, Work
from ingest.files import ingest_papers
from ingest.matching import match
from ingest.twins import join_twins
from kg.identity import normalise
from kg.store import open_store

LIMIT_RECALL, LIMIT_RATIO, LIMIT_EXPONENT = 0.98, 1.0, 1.5
NEGATIVES = 1_000
PEER_RECORDS = 1_000
SIZES = (1_000, 10_000, 100_000)
RUNS = 3


def main() -> int:
    """Measures and prints; see the module."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    options.add_argument("--peers", type=Path, help="interpreter of the peers' environment")
    options.add_argument("--seed", type=int, default=20_250)
    chosen = options.parse_args()
    if not (chosen.data / "arxiv_audio.jsonl.gz").is_file():
        sys.stderr.write(f"No {chosen.data}/arxiv_audio.jsonl.gz. Give the folder of the research data first.\n")
        return 2
    arxiv, openalex = (list(read(chosen.data / name)) for name in ("arxiv_audio.jsonl.gz", "openalex_works.jsonl.gz"))
    records = [record for record, _ in (*arxiv, *openalex)]
    pairs = known_pairs(arxiv, openalex)
    apart = list(negatives([record for record, _ in arxiv], NEGATIVES, chosen.seed))
    results = [recall(records, pairs), false_merges(apart), several(chosen.data)]
    if chosen.peers:
        results.append(
            beside_litstudy(
                records, pairs["doi"], [pair for _, pair in apart if not pair[0].ids], chosen.peers, chosen.seed
            )
        )
    results.append(growth(chosen.seed))
    for result in results:
        sys.stdout.write(json.dumps({"benchmark": "identity", **result}) + "\n")
    return 0 if all(result["within_limits"] for result in results) else 1


def read(path: Path) -> Iterator[tuple[Record, dict[str, Any]]]:
    """Records with their ids hidden, and the line they come from."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["title"]:
                date = line.get("published") or line.get("publication_date")
                authors = line.get("authors")
                yield Record(line["title"], int(date[:4]) if date else None, tuple(authors) if authors else None), line


def known_pairs(
    arxiv: Sequence[tuple[Record, dict[str, Any]]], openalex: Sequence[tuple[Record, dict[str, Any]]]
) -> dict[str, list[tuple[int, int]]]:
    """Places of records that are one work, by what tells so: "doi" or "title"."""
    places = {line["arxiv_id"]: place for place, (_, line) in enumerate(arxiv)}
    pairs: dict[str, list[tuple[int, int]]] = {"doi": [], "title": []}
    for place, (_, line) in enumerate(openalex, len(arxiv)):
        if line.get("arxiv_id") in places:
            pairs[line["arxiv_id_via"]].append((places[line["arxiv_id"]], place))
    return pairs


def works(records: Iterable[Record]) -> list[Work]:
    """The records as works of their own; ids hidden or not as they are."""
    return [
        Work(f"title:{place}", record.ids, (Account(record.title, record.year, record.authors),))
        for place, record in enumerate(records)
    ]


def joined(records: Sequence[Record]) -> list[str]:
    """The work that each record belongs to after matching."""
    into = {each.absorbed: each.kept for each in match(works(records)).proposals}
    return [into.get(f"title:{place}", f"title:{place}") for place in range(len(records))]


def recall(records: Sequence[Record], pairs: dict[str, list[tuple[int, int]]]) -> dict[str, Any]:
    """How many of the known pairs are found with ids hidden."""
    into = joined(records)
    found = {via: sum(into[one] == into[other] for one, other in known) for via, known in pairs.items()}
    by_doi = found["doi"] / len(pairs["doi"])
    return {
        "part": "recall with ids hidden",
        "records": len(records),
        "pairs_by_doi": len(pairs["doi"]),
        "recall_by_doi": round(by_doi, 4),
        "pairs_by_title": len(pairs["title"]),
        "recall_by_title": round(found["title"] / len(pairs["title"]), 4),
        "limit_recall_by_doi": LIMIT_RECALL,
        "within_limits": by_doi >= LIMIT_RECALL,
    }


def false_merges(apart: Sequence[tuple[str, tuple[Record, Record]]]) -> dict[str, Any]:
    """How many hard negatives are joined, each pair alone and all pairs at once."""
    wrong: dict[str, int] = {}
    for kind, pair in apart:
        if match(works(pair)).proposals:
            wrong[kind] = wrong.get(kind, 0) + 1
    into = joined([record for _, pair in apart for record in pair])
    together = sum(into[at] == into[at + 1] for at in range(0, len(into), 2))
    return {
        "part": "hard negatives",
        "pairs": len(apart),
        "kinds": len({kind for kind, _ in apart}),
        "joined_alone": sum(wrong.values()),
        "joined_together": together,
        "joined_by_kind": wrong,
        "limit": 0,
        "within_limits": not wrong and not together,
    }


def several(data: Path) -> dict[str, Any]:
    """How many arXiv ids with several OpenAlex works are one work of a store that read both files."""
    expected: dict[str, set[str]] = {}
    for _, line in read(data / "openalex_works.jsonl.gz"):
        if line["arxiv_id"]:
            expected.setdefault(normalise(line["arxiv_id"]), set()).add(normalise(line["openalex_id"]))
    expected = {arxiv: ids for arxiv, ids in expected.items() if len(ids) > 1}
    with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{folder}/identity.sqlite") as store:
        for name in ("arxiv_audio.jsonl.gz", "openalex_works.jsonl.gz"):
            ingest_papers(store, data / name, rejects=Path(folder) / "rejects", clock=lambda: "2025-01-01T00:00:00Z")
        began = time.perf_counter()
        done = join_twins(store)
        seconds = time.perf_counter() - began
        now = store.resolve(sorted({*expected, *(id for ids in expected.values() for id in ids)}))
    apart = sorted(arxiv for arxiv, ids in expected.items() if {now.get(id) for id in ids} != {now.get(arxiv)})
    return {
        "part": "arXiv ids with several OpenAlex works",
        "arxiv_ids": len(expected),
        "one_work_each": len(expected) - len(apart),
        "not_one": apart,
        "works_compared": done.works,
        "merged": done.merged,
        "join_s": round(seconds, 2),
        "within_limits": len(apart) <= LIMIT_APART,
    }


LIMIT_APART = 2
"""One paper was given another title between its versions; of another OpenAlex tells the DOI and date of a deposit."""


def beside_litstudy(
    records: Sequence[Record],
    pairs: Sequence[tuple[int, int]],
    apart: Sequence[tuple[Record, Record]],
    peers: Path,
    seed: int,
) -> dict[str, Any]:
    """Time and outcome on the same records."""
    rng = random.Random(seed)
    quarter = PEER_RECORDS // 4
    mixed = [
        *((records[one], records[other]) for one, other in rng.sample(unshared(pairs), quarter)),
        *(pair for pair in rng.sample(list(apart), quarter)),
    ]
    flat = [record for pair in mixed for record in pair]
    places = [(at, at + 1) for at in range(0, len(flat), 2)]
    ours = float("inf")
    for _ in range(RUNS):
        prepared = works(flat)
        began = time.perf_counter()
        match(prepared)
        ours = min(ours, time.perf_counter() - began)
    into = joined(flat)
    asked = {
        "records": [(record.title, record.year, record.authors) for record in flat],
        "pairs": places[:quarter],
        "apart": places[quarter:],
        "runs": RUNS,
    }
    script = Path(__file__).with_name("peer_litstudy.py")
    run = subprocess.run([peers, script], input=json.dumps(asked), capture_output=True, text=True, check=True)
    peer = json.loads(run.stdout.splitlines()[-1])
    return {
        "part": "beside litstudy",
        "peer": peer["peer"],
        "records": len(flat),
        "ours_s": round(ours, 4),
        "peer_s": round(peer["seconds"], 4),
        "ratio_to_peer": round(ours / peer["seconds"], 4),
        "pairs": quarter,
        "ours_found": sum(into[one] == into[other] for one, other in places[:quarter]),
        "peer_found": peer["pairs_joined"],
        "hard_negatives": quarter,
        "ours_joined": sum(into[one] == into[other] for one, other in places[quarter:]),
        "peer_joined": peer["apart_joined"],
        "limit_ratio": LIMIT_RATIO,
        "within_limits": ours <= LIMIT_RATIO * peer["seconds"],
    }


def unshared(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of which each record stands in one only."""
    seen: set[int] = set()
    return [pair for pair in pairs if not seen & set(pair) and not seen.update(pair)]


def growth(seed: int) -> dict[str, Any]:
    """Time over made-up records of growing number, and its exponent over the last tenfold."""
    seconds = []
    for size in SIZES:
        made = works(made_up(size, seed))
        # Processor time: on a busy machine the wall clock measures the others too.
        began = time.process_time()
        found = len(match(made).proposals)
        seconds.append(time.process_time() - began)
    exponent = math.log(seconds[-1] / seconds[-2]) / math.log(SIZES[-1] / SIZES[-2])
    return {
        "part": "growth",
        "records": SIZES,
        "cpu_s": [round(each, 3) for each in seconds],
        "joined_at_last": found,
        "exponent": round(exponent, 3),
        "limit_exponent": LIMIT_EXPONENT,
        "within_limits": exponent <= LIMIT_EXPONENT,
    }


def made_up(size: int, seed: int) -> list[Record]:
    """Records with titles of frequent and rare words; one in five is another account of an earlier one."""
    rng = random.Random(seed)
    syllables = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
    vocabulary = ["".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(5_000)]
    people = [f"{rng.choice(vocabulary).title()} {rng.choice(vocabulary).title()}" for _ in range(size // 3 + 10)]
    made: list[Record] = []
    for _ in range(size):
        if made and rng.random() < 0.2:
            twin = rng.choice(made)
            authors = twin.authors if rng.random() < 0.5 else None
            made.append(Record(twin.title.upper(), None if rng.random() < 0.3 else twin.year, authors))
            continue
        title = " ".join(vocabulary[min(int(rng.paretovariate(0.6)), 4_999)] for _ in range(rng.randint(5, 12)))
        made.append(Record(title, rng.randint(2015, 2025), tuple(rng.sample(people, rng.randint(1, 6)))))
    return made


if __name__ == "__main__":
    raise SystemExit(main())
