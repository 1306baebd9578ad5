"""Shortest citation paths from both ends at once, over whatever gives the papers one step away."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Sequence

from kg.answers import CitationPath, Direction, Link, PaperRow

Around = Callable[[Collection[int], Direction, bool], Collection[int]]
"""Papers one step away from these in a direction; `True`: only those that match the filter."""

FirstById = Callable[[Collection[int]], int]


def shortest(first: int, last: int, directed: bool, around: Around, first_by_id: FirstById) -> list[int] | None:
    """Papers of a shortest path; of several the one whose ids come first, compared from the start. `None` without one.

    Inner papers match the filter, the ends need not.
    """
    layers = _layers(first, last, directed, around)
    if layers is None:
        return None
    walk = [first]
    for layer in layers[1:]:
        walk.append(first_by_id(set(around([walk[-1]], "references" if directed else "both", False)) & layer))
    return walk


def path_of(rows: Sequence[PaperRow], links: Iterable[Link]) -> CitationPath:
    """A path with the citation that joins each two neighbours; of two that cite each other the one along the path."""
    joined = {(link.citing, link.cited): link for link in links}
    steps = [joined.get((one.id, other.id)) or joined[other.id, one.id] for one, other in itertools.pairwise(rows)]
    return CitationPath(tuple(rows), tuple(steps))


def _layers(first: int, last: int, directed: bool, around: Around) -> list[set[int]] | None:
    """For every step of the shortest paths the papers that stand there on any of them; `None` without a path."""
    if first == last:
        return [{first}]
    sides = ([{first}], [{last}])
    ways: tuple[Direction, Direction] = ("references", "citers") if directed else ("both", "both")
    seen = ({first}, {last})
    while True:
        # The smaller side grows; when one cannot, everything on it was seen and there is no path.
        side = 0 if len(sides[0][-1]) <= len(sides[1][-1]) else 1
        frontier = sides[side][-1]
        goal = sides[1 - side][-1]
        reached = set(around(frontier, ways[side], True))
        if len(goal) == 1:
            # The ends need not match the filter, so the step onto one is looked up without it.
            reached |= set(around(frontier, ways[side], False)) & goal
        met = reached & goal
        if met:
            break
        grown = reached - seen[side]
        if not grown:
            return None
        seen[side].update(grown)
        sides[side].append(grown)
    fore, back = sides
    if side == 0:
        back[-1], pivot = met, len(fore)
    else:
        fore[-1], pivot = met, len(fore) - 1
    layers = [*fore, *reversed(back)]
    # From the meeting outwards: keep what leads to it.
    for at in range(pivot - 1, -1, -1):
        layers[at] &= set(around(layers[at + 1], ways[1], False))
    for at in range(pivot + 1, len(layers)):
        layers[at] &= set(around(layers[at - 1], ways[0], False))
    return layers
