"""Where the papers of a neighbourhood stand: x is time, y keeps linked papers close and none on another.

Rules:
- The same papers and links give the same picture, whatever order they come in.
- A paper that has a place keeps it when others join. The one exception are papers without a year: their column stands
  left of all years, so it moves left, as a whole, when older years arrive.
- A year is as wide as its papers need, a run of years without papers is folded: the axis says when, not how long.

Order in y: repeated barycentres of the neighbours with ranks in between, which approaches the order of the Fiedler
vector (Koren and Harel 2002, "A multi-scale algorithm for the linear arrangement problem"). Then every paper takes
the free place nearest to its wish, the best linked first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from kg.answers import Link, PaperRow

APART_X, APART_Y = 104.0, 36.0
"""Two papers are at least this far apart in x or in y: room for a mark with its label below."""

_ASPECT = 1.7
_MIN_YEAR, _EMPTY_YEAR, _FOLDED = 64.0, 26.0, 46.0
_FOLD_FROM = 3
_COLUMN_GAP = 40.0
_ROUNDS = 60
_SEED = 20220907

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Band:
    """Years `first` to `last` stand between x `start` and `end`; more than one year where empty ones are folded."""

    first: int
    last: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Places by id, the bands of the year axis, and the column of papers without a year, if any."""

    places: Mapping[str, Place] = field(default_factory=dict)
    bands: tuple[Band, ...] = ()
    undated: tuple[float, float] | None = None


def layout(
    rows: Sequence[PaperRow], links: Iterable[Link], hops: Mapping[str, int], previous: Layout | None = None
) -> Layout:
    """Places for the papers of a neighbourhood.

    Args:
        rows: the papers, in any order.
        links: citations between them; others are ignored.
        hops: hops from a seed by id; 0 is a seed, which stands near the middle line.
        previous: an earlier layout whose papers keep their places.

    Returns:
        Places (x to the right, y downwards, in pixels at zoom 1) of exactly these papers, with their axis.
    """
    papers = sorted(rows, key=lambda row: row.id)
    kept = previous.places if previous is not None and papers else {}
    deep = max(4, round((len(papers) * APART_X / APART_Y / _ASPECT) ** 0.5))
    bands = _bands([row.year for row in papers if row.year is not None], deep, previous.bands if previous else ())
    undated = _undated(sum(row.year is None for row in papers), deep, bands, previous)
    slide = undated[0] - previous.undated[0] if undated and previous and previous.undated else 0.0

    at = {row.id: number for number, row in enumerate(papers)}
    x, room = np.zeros(len(papers)), np.zeros(len(papers))
    for number, row in enumerate(papers):
        x[number], room[number] = _time(row, bands, undated)
    y = np.full(len(papers), np.nan)
    for number, row in enumerate(papers):
        if row.id in kept:
            old_x, old_y = kept[row.id]
            old_x += slide if row.year is None else 0.0
            # a paper whose date was corrected since has lost its place
            if abs(old_x - x[number]) <= room[number] + 0.2:
                x[number], y[number] = old_x, old_y
    pairs = _pairs(links, at)
    seeds = np.array([hops.get(row.id) == 0 for row in papers], dtype=bool)
    wish = _wishes(y, pairs, seeds, deep * APART_Y)
    degree = np.bincount(pairs.ravel(), minlength=len(papers)) if len(pairs) else np.zeros(len(papers), dtype=np.int64)
    order = sorted(np.flatnonzero(np.isnan(y)).tolist(), key=lambda n: (not seeds[n], -int(degree[n]), papers[n].id))
    placed = [n for n in range(len(papers)) if not np.isnan(y[n])]
    for number in order:
        x[number], y[number] = _free(float(x[number]), float(room[number]), float(wish[number]), x[placed], y[placed])
        placed.append(number)
    places = {row.id: (round(float(x[n]), 1), round(float(y[n]), 1)) for n, row in enumerate(papers)}
    return Layout(places, bands, undated)


def _bands(years: Sequence[int], deep: int, old: Sequence[Band]) -> tuple[Band, ...]:
    """Old bands as they are, and new ones at either end for years outside them."""
    if not years:
        return tuple(old)
    counts = Counter(years)
    first, last = min(counts), max(counts)
    if not old:
        return tuple(_spread(_runs(counts, first, last), counts, deep, 0.0))
    before = _spread(_runs(counts, first, old[0].first - 1), counts, deep, 0.0)
    after = _spread(_runs(counts, old[-1].last + 1, last), counts, deep, old[-1].end)
    width = before[-1].end - old[0].start if before else 0.0
    moved = [Band(band.first, band.last, band.start - width, band.end - width) for band in before]
    return (*moved, *old, *after)


def _runs(counts: Mapping[int, int], first: int, last: int) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    year = first
    while year <= last:
        stop = year
        while not counts.get(year) and stop < last and not counts.get(stop + 1):
            stop += 1
        if stop - year + 1 >= _FOLD_FROM:
            runs.append((year, stop))
        else:
            runs.extend((each, each) for each in range(year, stop + 1))
        year = stop + 1
    return runs


def _spread(runs: Sequence[tuple[int, int]], counts: Mapping[int, int], deep: int, start: float) -> list[Band]:
    bands = []
    for first, last in runs:
        papers = counts.get(first, 0)
        width = max(_MIN_YEAR, APART_X * papers / deep) if papers else _EMPTY_YEAR if first == last else _FOLDED
        bands.append(Band(first, last, round(start, 1), round(start + width, 1)))
        start += width
    return bands


def _undated(count: int, deep: int, bands: Sequence[Band], previous: Layout | None) -> tuple[float, float] | None:
    """The column left of all years; as wide as it was."""
    if not count:
        return None
    edge = bands[0].start - _COLUMN_GAP if bands else 0.0
    width = max(_MIN_YEAR + 20, APART_X * count / deep)
    if previous and previous.undated:
        width = previous.undated[1] - previous.undated[0]
    return round(edge - width, 1), round(edge, 1)


def _time(row: PaperRow, bands: Sequence[Band], undated: tuple[float, float] | None) -> tuple[float, float]:
    """x of a paper and how far it may stray to either side without saying another time than is known."""
    if row.year is None:
        start, end = undated or (0.0, 0.0)
        return (start + end) / 2, (end - start) * 0.36
    band = next(band for band in bands if band.first <= row.year <= band.last)
    width = (band.end - band.start) / (band.last - band.first + 1)
    start = band.start + (row.year - band.first) * width
    month = row.published[5:7] if row.published and row.published[:4] == str(row.year) else ""
    if month.isdecimal() and 1 <= int(month) <= 12:
        day = row.published[8:10] if row.published else ""
        within = (int(day) - 1) / 31 if day.isdecimal() and 1 <= int(day) <= 31 else 0.5
        return start + width * (0.04 + 0.92 * (int(month) - 1 + within) / 12), 0.0
    return start + width / 2, width * 0.42


def _pairs(links: Iterable[Link], at: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Shape (m, 2), each linked pair once."""
    found = {
        (min(at[link.citing], at[link.cited]), max(at[link.citing], at[link.cited]))
        for link in links
        if link.citing in at and link.cited in at and link.citing != link.cited
    }
    return np.array(sorted(found), dtype=np.int64).reshape(-1, 2)


def _wishes(
    y: npt.NDArray[np.float64], pairs: npt.NDArray[np.int64], seeds: npt.NDArray[np.bool_], height: float
) -> npt.NDArray[np.float64]:
    """Where each paper would like to stand, shape (n,); those with a place stay there.

    Links to a seed tell little, as nearly every paper has one, so they count a tenth.
    """
    n = len(y)
    if not n:
        return y
    fixed = ~np.isnan(y)
    weight = np.where(seeds[pairs].any(axis=1), 0.1, 1.0)
    total = np.bincount(pairs.ravel(), np.repeat(weight, 2), minlength=n)
    wish = np.random.default_rng(_SEED).permutation(n) / max(1, n - 1) - 0.5
    wish = np.where(fixed, y, wish * height)
    free = ~fixed
    for _ in range(_ROUNDS):
        pull = np.bincount(pairs[:, 0], weight * wish[pairs[:, 1]], minlength=n)
        pull += np.bincount(pairs[:, 1], weight * wish[pairs[:, 0]], minlength=n)
        mean = np.divide(pull, total, out=wish.copy(), where=total > 0)
        wish[free] = 0.4 * wish[free] + 0.6 * mean[free]
        if not fixed.any():
            rank = np.argsort(np.argsort(wish, kind="stable"), kind="stable")
            wish = (rank / max(1, n - 1) - 0.5) * height
    if not fixed.any():
        wish[seeds] = (np.arange(seeds.sum()) - (seeds.sum() - 1) / 2) * APART_Y * 2
    return wish


def _free(
    x: float, room: float, wish: float, taken_x: npt.NDArray[np.float64], taken_y: npt.NDArray[np.float64]
) -> Place:
    """The free place nearest to (x, wish), straying in x by at most `room`; upwards and left win a tie."""
    best: tuple[float, float, float] | None = None
    steps = int(room // (APART_X / 4))
    for step in sorted(range(-steps, steps + 1), key=lambda s: (abs(s), s)):
        here = x + step * APART_X / 4
        near = np.sort(taken_y[np.abs(taken_x - here) < APART_X])
        edges = np.concatenate(([wish], near - APART_Y, near + APART_Y))
        clear = (np.abs(edges[:, None] - near[None, :]) >= APART_Y - 1e-6).all(axis=1)
        possible = edges[clear]
        y = float(possible[np.lexsort((possible, np.abs(possible - wish)))[0]])
        cost = abs(y - wish) + 0.5 * abs(here - x)
        if best is None or cost < best[0] - 1e-9:
            best = (cost, here, y)
    assert best is not None
    return best[1], best[2]
