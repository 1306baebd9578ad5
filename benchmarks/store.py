"""The embedded store beside the bare statements: what its promises cost on top of SQLite.

    python benchmarks/store.py [--papers 100000] [--citations 1000000] [--data FOLDER]

Papers and citations are made up (seeded; the number of citations a paper gets is heavy-tailed) and written through
`upsert` in batches by a process of its own, whose memory is measured. After every batch the peer writes the very same
rows, prepared in memory, into the same tables and indexes of a second file with `executemany`, in the same
transactions and with the same settings; so both meet the same noise of the machine. Reads are compared with the same
SQL run on a bare connection that fetches the same rows. Prints one JSON object; exits 1 when a limit is not kept.
`--data` is accepted because every benchmark gets it, and not needed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import multiprocessing.connection
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# ruff: noqa: E402 - the benchmark runs without an installed package
from kg.identity import text_sha256
from kg.model import Author, Batch, Citation, Cursor, Judgement, Manifestation, Paper, PartialDate, Span, Tag, Verdict
from kg.paper_filter import PaperFilter
from kg.search_text import search_text
from kg.sqlite_store import SqliteStore
from kg.store import open_store

SEED = 20_240
PAPERS_PER_BATCH = 1_000
CITATIONS_PER_BATCH = 10_000
LIMIT_UPSERT, LIMIT_READ, LIMIT_MB = 2.0, 3.0, 500.0
READS = 100
TOPICS = ("S1", "S2", "S3", "S4")


def spell(rank: int) -> str:
    """A word for a rank: short for frequent ones; every thirtieth is a number."""
    if rank % 30 == 29:
        return str(rank / 2)
    word = ""
    while rank:
        rank, syllable = divmod(rank, 95)
        word += "bcdfghklmnprstvwxyz"[syllable // 5] + "aeiou"[syllable % 5]
    return word


VOCABULARY = np.array([spell(rank) for rank in range(1, 30_001)], dtype=object)


def words(rng: np.random.Generator, count: int) -> list[str]:
    """Words whose frequency falls with their rank, as in text."""
    found: list[str] = VOCABULARY[np.minimum(rng.zipf(1.3, count), len(VOCABULARY)) - 1].tolist()
    return found


def paper_id(number: int) -> str:
    """An arXiv id for every paper, ascending with its date."""
    month, position = divmod(number, 1_000)
    return f"arxiv:{15 + month // 12:02d}{month % 12 + 1:02d}.{position + 1:05d}"


def paper_batches(papers: int) -> Iterator[Batch]:
    """The papers, oldest first."""
    rng = np.random.default_rng(SEED)
    for start in range(0, papers, PAPERS_PER_BATCH):
        batch = []
        for number in range(start, min(start + PAPERS_PER_BATCH, papers)):
            id = paper_id(number)
            doi = f"doi:10.1000/journal.{number}"
            text = words(rng, 10 + int(rng.integers(80, 180)))
            names = [f"Given{k % 211} Family{k}" for k in np.minimum(rng.zipf(1.2, 4), 80_000)]
            batch.append(
                Paper(
                    ids=(id, doi),
                    title=" ".join(text[:10]),
                    abstract=" ".join(text[10:]) + ".",
                    published=PartialDate(f"20{id[6:8]}-{id[8:10]}-{number % 28 + 1:02d}", "arxiv"),
                    venue=f"Venue {number % 97}",
                    categories=("cs.SD", "eess.AS"),
                    authors=tuple(
                        Author(f"name:{name.lower().replace(' ', '-')}", name, True) for name in dict.fromkeys(names)
                    ),
                    manifestations=(
                        Manifestation("arxiv", id[6:], 1, "arxiv"), Manifestation("doi", doi[4:], None, "arxiv"),
                    ),
                    citations_stated=number % 50,
                    source="arxiv",
                    provenance="benchmark",
                )
            )  # fmt: skip
        yield Batch(papers=tuple(batch))


def pairs(papers: int, citations: int) -> Iterator[list[tuple[int, int]]]:
    """Pairs of numbers in batches, by citing paper. Old papers are cited by a power law, one in 50 by chance."""
    rng = np.random.default_rng(SEED + 1)
    batch: list[tuple[int, int]] = []
    left = citations
    for citing in range(papers):
        wanted = min(-(-left // (papers - citing)), papers // 2)
        cited: dict[int, None] = {}
        for _ in range(20):
            draws = np.floor(citing * rng.random(2 * wanted) ** 2.2).astype(np.int64)
            anyone = rng.integers(0, papers, 2 * wanted)
            chosen = np.where(rng.random(2 * wanted) < 0.02, anyone, draws)
            cited |= dict.fromkeys(int(each) for each in chosen if each != citing)
            if len(cited) >= wanted:
                break
        left -= min(wanted, len(cited))
        for each in list(cited)[:wanted]:
            batch.append((citing, each))
            if len(batch) == CITATIONS_PER_BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def citation_batches(papers: int, citations: int) -> Iterator[Batch]:
    """The citations of `pairs`."""
    for batch in pairs(papers, citations):
        yield Batch(citations=tuple(Citation(paper_id(a), paper_id(b), "benchmark") for a, b in batch))


def judgements(papers: int) -> Iterator[Batch]:
    """Verdicts for every paper, a third of them included, so that filters have something to choose from."""
    for start in range(0, papers, PAPERS_PER_BATCH):
        found = {}
        for number in range(start, min(start + PAPERS_PER_BATCH, papers)):
            span = Span("title", 0, 5, "word1")
            found[paper_id(number)] = Judgement(
                include="include" if number % 3 == 0 else "exclude",
                look=False,
                verdicts=tuple(
                    Verdict(criterion, "met" if number % (k + 2) else "not_met", (span,), "benchmark")
                    for k, criterion in enumerate(("R1", "R2", "A1", "A2"))
                ),
                topics=tuple(Tag(topic, (span,), 1.0) for k, topic in enumerate(TOPICS) if number % (k + 2) == 0),
                token_type=("semantic", "acoustic", "hybrid", "none")[number % 4],
                quantizers=(),
                rules="benchmark 1",
                fields_read=("title", "abstract"),
                text_sha256=text_sha256(None, str(number)),
            )
        yield Batch(judgements=found)


def upsert(path: str, papers: int, citations: int, told: multiprocessing.connection.Connection) -> None:
    """Write everything through the store; tells (kind, seconds in `upsert`) after every batch and waits for a nod.

    The last thing told is the peak memory in MB.
    """
    with open_store(f"sqlite:///{path}") as store:
        for kind, batches in (("papers", paper_batches(papers)), ("citations", citation_batches(papers, citations))):
            for number, batch in enumerate(batches):
                began = time.perf_counter()
                store.upsert(batch, Cursor("benchmark", kind, str(number), "2025-01-01T00:00:00+00:00"))
                told.send((kind, time.perf_counter() - began))
                told.recv()
    unit = 1 if sys.platform == "darwin" else 1024
    told.send(("memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6))


Rows = list[tuple[str, str, list[tuple[object, ...]]]]


class Peer:
    """Writes what was new in one store into another with nothing but `executemany`."""

    def __init__(self, made: SqliteStore, empty: SqliteStore) -> None:
        self.made, self.other = made._engine.connect(), empty._engine.connect()
        self.last = {"papers": 0, "records": 0, "authors": 0}
        self.pair = (0, 0)

    def write(self, kind: str) -> float:
        """Seconds it takes to write the rows of one more batch."""
        rows = self._papers() if kind == "papers" else self._citations()
        began = time.perf_counter()
        self.other.execute("BEGIN IMMEDIATE")
        for table, columns, found in rows:
            marks = ", ".join("?" * len(columns.split(",")))
            self.other.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", found)
        self.other.execute("COMMIT")
        return time.perf_counter() - began

    def close(self) -> None:
        """Check that both files hold the same rows."""
        for table in ("papers", "degrees", "aliases", "authors", "records", "wrote", "cites"):
            count = f"SELECT count(*) FROM {table}"
            assert self.made.execute(count).fetchone() == self.other.execute(count).fetchone(), table
        self.made.close()
        self.other.close()

    def _columns(self, table: str) -> str:
        return ", ".join(f'"{row[1]}"' for row in self.made.execute(f"PRAGMA table_info({table})"))

    def _read(self, table: str, condition: str, *values: object) -> tuple[str, str, list[tuple[object, ...]]]:
        names = self._columns(table)
        return table, names, self.made.execute(f"SELECT {names} FROM {table} WHERE {condition}", values).fetchall()

    def _papers(self) -> Rows:
        first = dict(self.last)
        for table in self.last:
            self.last[table] = self.made.execute(f"SELECT coalesce(max(n), 0) FROM {table}").fetchone()[0]
        names: dict[int, list[str]] = {}
        for record, name in self.made.execute(
            "SELECT w.record, a.name FROM wrote AS w JOIN authors AS a ON a.n = w.author WHERE w.record > ?"
            " ORDER BY w.record, w.position", (first["records"],),
        ):  # fmt: skip
            names.setdefault(record, []).append(name)
        searching: list[tuple[object, ...]] = [
            (n, search_text(title, abstract, names.get(record, ()), venue, sorted(ids.split(" "))))
            for n, title, abstract, record, venue, ids in self.made.execute(
                "SELECT p.n, p.title, r.abstract, r.n, p.venue, (SELECT group_concat(id, ' ') FROM aliases WHERE paper"
                " = p.n) FROM papers AS p JOIN records AS r ON r.n = p.abstract_record WHERE p.n > ?",
                (first["papers"],),
            )
        ]
        return [
            self._read("papers", "n > ?", first["papers"]),
            self._read("degrees", "paper > ?", first["papers"]),
            self._read("aliases", "paper > ?", first["papers"]),
            self._read("authors", "n > ?", first["authors"]),
            self._read("records", "n > ?", first["records"]),
            self._read("wrote", "record > ?", first["records"]),
            ("search", "rowid, search_text", searching),
        ]

    def _citations(self) -> Rows:
        found = self._read("cites", "(citing, cited) > (?, ?) ORDER BY citing, cited", *self.pair)
        known = set(self.other.execute("SELECT citing, cited FROM cites WHERE citing = ?", self.pair[:1]))
        table, names, rows = found
        new = [row for row in rows if row[:2] not in known]
        # The last citing paper of a batch may go on in the next one with smaller numbers cited.
        self.pair = (int(str(new[-1][0])), 0)
        return [(table, names, new)]


def timed(run: Callable[[], object]) -> float:
    """Median seconds of one run, first runs (which fill caches) left out."""
    for _ in range(3):
        run()
    taken = []
    until = time.perf_counter() + 4
    while len(taken) < READS and time.perf_counter() < until:
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def statements(store: SqliteStore, run: Callable[[], object]) -> list[str]:
    """The statements, values filled in, that one run of a read executes."""
    seen: list[str] = []
    with store._engine._borrowed() as con:
        con.set_trace_callback(seen.append)
    run()
    with store._engine._borrowed() as con:
        con.set_trace_callback(None)
    return [each for each in seen if each.startswith(("SELECT", "WITH"))]


def reads(store: SqliteStore) -> dict[str, dict[str, float]]:
    """Milliseconds of each kind of read, through the store and as bare statements, and their ratio."""
    hub = store.papers(PaperFilter(include=()), sort="cited", limit=1).rows[0].id
    words_asked = PaperFilter(text=f"{spell(40)} {spell(70)}", include=())
    measured: dict[str, Callable[[], object]] = {
        "paper": lambda: store.paper(hub),
        "page": lambda: store.papers(PaperFilter(topics=("S1",), year_min=2016, year_max=2022)),
        "neighbourhood": lambda: store.neighbourhood([hub], where=PaperFilter(include=()), hops=2, limit=60),
        "neighbourhood_included": lambda: store.neighbourhood([hub], where=PaperFilter(), hops=2, limit=60),
        "full_text": lambda: store.papers(words_asked, sort="relevance"),
    }
    con = store._engine.connect()
    found = {}
    for name, ours in measured.items():
        asked = statements(store, ours)

        def bare(asked: list[str] = asked) -> None:
            for sql in asked:
                con.execute(sql).fetchall()

        one, other = timed(ours), timed(bare)
        found[name] = {"ms": round(1e3 * one, 3), "bare_ms": round(1e3 * other, 3), "ratio": round(one / other, 2)}
    con.close()
    return found


def main() -> int:
    """Measures and prints; see the module."""
    options = argparse.ArgumentParser()
    options.add_argument("--papers", type=int, default=100_000)
    options.add_argument("--citations", type=int, default=1_000_000)
    options.add_argument("--data")
    options.add_argument("--folder", help="where the two stores are written; default: a temporary folder")
    chosen = options.parse_args()
    spent, bare = {"papers": 0.0, "citations": 0.0}, {"papers": 0.0, "citations": 0.0}
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        path, other = Path(folder) / "store.sqlite", Path(folder) / "peer.sqlite"
        store, empty = SqliteStore(f"sqlite:///{path}", path), SqliteStore(f"sqlite:///{other}", other)
        peer = Peer(store, empty)
        here, there = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=upsert, args=(path.as_posix(), chosen.papers, chosen.citations, there)
        )
        process.start()
        there.close()
        while (told := here.recv())[0] != "memory":
            kind, seconds = told
            spent[kind] += seconds
            bare[kind] += peer.write(kind)
            here.send("go on")
        memory = told[1]
        process.join()
        peer.close()
        empty.close()
        for batch in judgements(chosen.papers):
            store.upsert(batch)
        counts = store.counts()
        read = reads(store)
        store.close()
    ratio = sum(spent.values()) / sum(bare.values())
    result = {
        "benchmark": "store",
        "papers": counts.papers,
        "citations": counts.citations,
        "upsert_s": {kind: round(each, 2) for kind, each in spent.items()},
        "executemany_s": {kind: round(each, 2) for kind, each in bare.items()},
        "upsert_ratio": round(ratio, 2),
        "upsert_ratio_papers": round(spent["papers"] / bare["papers"], 2),
        "upsert_ratio_citations": round(spent["citations"] / bare["citations"], 2),
        "peak_memory_mb": round(memory, 1),
        "reads": read,
    }
    kept = ratio <= LIMIT_UPSERT and memory <= LIMIT_MB and all(each["ratio"] <= LIMIT_READ for each in read.values())
    result["kept"] = kept
    print(json.dumps(result))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
