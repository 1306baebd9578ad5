"""Whether the citations that a store tells of are those of the seeded world."""

from __future__ import annotations

from typing import Any

from tests.services.world import World


def rows_by_work(world: World, state: dict[str, list[Any]]) -> dict[str, set[int]]:
    """Rows of the world that each work of a store stands for."""
    known: dict[str, int] = {f"s2:{id}": row for id, row in world.by_s2.items()}
    known |= {f"arxiv:{id}".lower(): row for id, row in world.by_arxiv.items()}
    known |= {f"doi:{id}".lower(): row for id, row in world.by_doi.items()}
    known |= {f"openalex:{id}".lower(): row for id, (row, _) in world.by_openalex.items()}
    known |= {f"corpusid:{number}": row for number, row in world.by_corpus.items()}
    works: dict[str, set[int]] = {}
    for each in state["ids"]:
        if (row := known.get(each["id"].lower())) is not None:
            works.setdefault(each["paper"], set()).add(row)
    return works


def untrue(world: World, state: dict[str, list[Any]]) -> list[tuple[str, str]]:
    """Citations of a store, between papers, that the world does not have."""
    works = rows_by_work(world, state)
    real = {(int(a), int(b)) for a, b in zip(world.edges.citing, world.edges.cited, strict=True)}
    return [
        (each["citing"], each["cited"])
        for each in state["citations"]
        if not any((a, b) in real for a in works[each["citing"]] for b in works[each["cited"]])
    ]
