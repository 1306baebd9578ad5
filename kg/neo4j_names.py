"""What the fixed nodes of the graph are called, so that a person in Neo4j Browser can read them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from textwrap import shorten

from kg.neo4j_engine import Transaction
from kg.protocol import load_protocol


@lru_cache(maxsize=1)
def _described() -> Mapping[tuple[str, str], Mapping[str, str | None]]:
    protocol = load_protocol()
    topics = {
        ("Topic", each.id): {"name": f"{each.id} {each.label.en}", "label": each.label.en, "label_zh": each.label.zh}
        for each in protocol.topics
    }
    criteria = {
        ("Criterion", each.id): {
            "name": f"{each.id} {shorten(each.text.en, 60, placeholder=' …')}", "kind": each.kind, "group": each.group,
            "text": each.text.en, "text_zh": each.text.zh, "source": each.source,
        }
        for each in protocol.criteria
    }  # fmt: skip
    return {**topics, **criteria}


def make_nodes(tx: Transaction, label: str, ids: list[str]) -> None:
    """Make the nodes of a kind that are not there yet, with what the bundled protocol says of them."""
    tx.run(
        f"UNWIND $rows AS r MERGE (y:{label} {{id: r[0]}}) ON CREATE SET y.name = r[0], y += r[1]",
        rows=[[id, dict(_described().get((label, id), {}))] for id in ids],
    )
