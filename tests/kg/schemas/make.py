"""Writes the small database of the present schema: `python -m tests.kg.schemas.make`, once per released schema.

Never rewrite the file of a schema that was released: old files must stay readable as they are.
"""

from __future__ import annotations

import gzip
import sqlite3
import sys
import tempfile
from pathlib import Path

from kg.model import Batch, Citation, Cluster, Cursor, Fetch, Found, Vector
from kg.store import open_store
from tests.store.records import TIME, arxiv, cites, decision, doi, judgement, measured, paper, papers

FOLDER = Path(__file__).parent


def main() -> int:
    """Makes the file, unless it exists."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        with open_store(f"sqlite:///{path.as_posix()}") as store:
            store.upsert(
                Batch(
                    papers=(
                        paper(arxiv(1), title="A codec", abstract="It codes 語音.", authors=("Ann B",), venue="Venue"),
                        paper(doi(1), title="The same codec", source="openalex"),
                        *papers(2, 3),
                    ),
                    citations=cites((2, 1), (3, 1), (1, 9)),
                    judgements={arxiv(1): judgement(topics=("S1",), quantizers=("RVQ",), criteria=(("R1", "met"),))},
                    measured={arxiv(1): measured(1.5, 6.0)},
                ),
                Cursor("file", "small", "1", TIME),
            )
            run = store.begin("ingest s2", rules="rules 1", protocol=None, time=TIME)
            store.upsert(
                Batch(
                    papers=(paper(arxiv(3), standing="retracted", open_access="https://a.test/3.pdf", tldr=True),),
                    citations=(Citation(arxiv(2), arxiv(1), "s2", contexts=("We follow it.",)),),
                    fetches=(Fetch(doi(1), "s2", "references", "empty", 0, 0, TIME),),
                    found=(Found(arxiv(9), "references", "s2", arxiv(1), TIME),),
                    vectors={arxiv(1): Vector("specter_v2", (0.25, -1.5))},
                    run=run,
                )
            )
            store.end(run, "done", {"papers_changed": 1}, time=TIME)
            store.merge(arxiv(1), doi(1), "the same work")
            store.decide(decision(2, "include"))
            store.add_to_list("mine", [arxiv(1)])
            store.put_clusters("run", [Cluster("run", 0, "codecs", ("codec",), 1)], {arxiv(1): 0})
            target = FOLDER / f"schema-{store.schema}.sqlite.gz"
        if target.exists():
            sys.stderr.write(f"{target.name} is there already and stays\n")
            return 1
        con = sqlite3.connect(path)
        con.execute("PRAGMA journal_mode = DELETE")
        con.execute("PRAGMA page_size = 1024")
        con.execute("VACUUM")
        con.close()
        target.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
