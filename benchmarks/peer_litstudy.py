"""Times litstudy's removal of duplicates, and counts what it leaves and joins wrongly.

Run by `benchmarks/identity.py --peers PYTHON` with the interpreter of the peers (`benchmarks/peers.txt`). Reads one
JSON object on stdin: `records`, each [title, year or null, [authors]]; `pairs` and `apart`, places of records that are
one work and that are not. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

from litstudy.types import Document, DocumentIdentifier, DocumentSet


class Record(Document):
    """A document with a title and no id, as the benchmark hides them."""

    def __init__(self, place: int, title: str) -> None:
        super().__init__(DocumentIdentifier(title))
        self.place = place

    @property
    def title(self) -> str:
        """As told."""
        return self._identifier.title

    @property
    def authors(self) -> None:
        """litstudy does not compare authors."""
        return None


def main() -> None:
    """Measures and prints; see the module."""
    asked = json.load(sys.stdin)
    best = float("inf")
    for _ in range(asked["runs"]):
        documents = DocumentSet([Record(place, title) for place, (title, _, _) in enumerate(asked["records"])])
        began = time.perf_counter()
        left = documents.unique()
        best = min(best, time.perf_counter() - began)
    kept = {document.place for document in left}
    print(
        json.dumps(
            {
                "peer": f"litstudy {version('litstudy')}",
                "seconds": best,
                "left": len(kept),
                "pairs_joined": sum(not {one, other} <= kept for one, other in asked["pairs"]),
                "apart_joined": sum(not {one, other} <= kept for one, other in asked["apart"]),
            }
        )
    )


if __name__ == "__main__":
    main()
