"""Pairs of records that look like one work and are two, made from the titles of real papers when the benchmark runs."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Record(NamedTuple):
    """What a source tells of a work; `ids` is empty where ids are hidden."""

    title: str
    year: int | None
    authors: tuple[str, ...] | None
    ids: tuple[str, ...] = ()


Pair = tuple[Record, Record]
Maker = Callable[[Record, Record, random.Random], Pair | None]
"""Makes a pair from a record; the second argument is a record of another work to borrow from."""


def negatives(records: list[Record], count: int, seed: int) -> Iterator[tuple[str, Pair]]:
    """`count` pairs with what sets them apart, each kind in turn; half of those of other titles lack authors once."""
    rng = random.Random(seed)
    told = [record for record in records if record.authors and len(record.title.split()) > 4]
    bases = rng.sample(told, min(len(told), 3 * count))
    made = 0
    kinds = list(_MAKERS)
    for place, base in enumerate(bases):
        kind = kinds[made % len(kinds)]
        found = _MAKERS[kind](base, bases[place - 1], rng)
        if found is None:
            continue
        if kind not in _SAME_TITLE and made // len(kinds) % 2:
            found = found[0], found[1]._replace(authors=None)
        yield kind, found
        made += 1
        if made == count:
            return
    raise ValueError(f"{len(bases)} records are too few for {count} hard negatives")


def _titled(record: Record, *titles: str) -> Pair:
    return record._replace(title=titles[0]), record._replace(title=titles[1])


def _added(*ends: tuple[str, str]) -> Maker:
    return lambda base, other, rng: _titled(base, *(f"{base.title}{end}" for end in rng.choice(ends)))


def _before(*begins: str) -> Maker:
    return lambda base, other, rng: _titled(base, base.title, f"{rng.choice(begins)}{base.title}")


def _number(base: Record, other: Record, rng: random.Random) -> Pair | None:
    found = list(re.finditer(r"[0-9]+", base.title))
    if not found:
        return None
    at = rng.choice(found)
    changed = f"{base.title[: at.start()]}{int(at[0]) + rng.randint(1, 9)}{base.title[at.end() :]}"
    return _titled(base, base.title, changed)


def _word(base: Record, other: Record, rng: random.Random) -> Pair | None:
    mine, theirs = base.title.split(), [word for word in other.title.split() if len(word) > 3]
    at = rng.randrange(len(mine))
    taken = [word for word in theirs if word.casefold().strip(".,:") != mine[at].casefold().strip(".,:")]
    if len(mine[at]) < 4 or not taken:
        return None
    return _titled(base, base.title, " ".join([*mine[:at], rng.choice(taken), *mine[at + 1 :]]))


def _left_out(base: Record, other: Record, rng: random.Random) -> Pair | None:
    mine = base.title.split()
    at = rng.randrange(len(mine))
    if len(mine[at]) < 4:
        return None
    return _titled(base, base.title, " ".join([*mine[:at], *mine[at + 1 :]]))


def _subtitle(base: Record, other: Record, rng: random.Random) -> Pair | None:
    front, colon, back = base.title.partition(": ")
    return _titled(base, base.title, rng.choice([front, back])) if colon else None


def _other_authors(base: Record, other: Record, rng: random.Random) -> Pair | None:
    assert base.authors is not None
    assert other.authors is not None
    if base.authors[0].split()[-1] == other.authors[0].split()[-1]:
        return None
    return base, base._replace(authors=other.authors)


def _other_first_author(base: Record, other: Record, rng: random.Random) -> Pair | None:
    assert base.authors is not None
    if len(base.authors) < 2 or set(base.authors[0].split()) & set(base.authors[1].split()):
        return None
    return base, base._replace(authors=(base.authors[1], base.authors[0], *base.authors[2:]))


def _years(base: Record, other: Record, rng: random.Random) -> Pair | None:
    return None if base.year is None else (base, base._replace(year=base.year - rng.randint(2, 6)))


def _short(base: Record, other: Record, rng: random.Random) -> Pair | None:
    title = " ".join(base.title.split()[:3])
    return base._replace(title=title), base._replace(title=title, authors=None)


def _ids(one: str, other: str) -> Maker:
    def make(base: Record, _: Record, rng: random.Random) -> Pair:
        number = rng.randrange(10_000, 99_999)
        return base._replace(ids=(one.format(number),)), base._replace(ids=(other.format(number + 7),))

    return make


_MAKERS: dict[str, Maker] = {
    "part I, part II": _added((", Part I", ", Part II"), (": Part 1", ": Part 2"), (" (I)", " (II)")),
    "a part more": _added(("", " II"), ("", ", Part 2"), ("", " (Part III)")),
    "version": _added(("", " v2"), ("", " 2.0"), (" v1", " v2")),
    "a number": _number,
    "a decimal point": _added(
        (" at 1.5 kbps", " at 15 kbps"), (" in 0.5 s", " in 05 s"), (" with 2.4 M", " with 24 M")
    ),
    "a sign": _added((" in C++", " in C"), (" with A*", " with A"), (" at -5 dB", " at 5 dB"), (" +", "")),
    "a word": _word,
    "a word left out": _left_out,
    "reply": _before("Reply to: ", "Comment on ", "Erratum to ", "Response to ", "Correction: ", "Discussion of "),
    "survey": _before("A Survey of ", "A Review of ", "Towards ", "Revisiting "),
    "subtitle": _subtitle,
    "other authors": _other_authors,
    "other first author": _other_first_author,
    "years apart": _years,
    "short, authors unknown": _short,
    "two arXiv ids": _ids("arxiv:2201.{}", "arxiv:2202.{}"),
    "two published DOIs": _ids("doi:10.1109/x.2022.{}", "doi:10.1016/y.{}"),
    "two preprints of one server": _ids("doi:10.2139/ssrn.{}", "doi:10.2139/ssrn.{}"),
}
_SAME_TITLE = {
    "other authors", "other first author", "years apart", "short, authors unknown", "two arXiv ids",
    "two published DOIs", "two preprints of one server",
}  # fmt: skip
