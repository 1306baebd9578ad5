"""Which works are one although no id says so. Pure: works in, proposals and doubts out; nothing is written here.

Two works are proposed as one when they bear one title and either their first authors can be one person, or one of them
lists no authors and the title is long enough to name a work alone (`titles.is_distinct`); years known for both differ
by at most `agreement.YEARS`. Whatever contradicts holds a pair back: two arXiv ids, two DOIs of which neither is a
preprint of the other, other numbers or signs in the title, other authors, or a person who took them apart. A group is
joined only when no two of its works contradict each other: what fits two works that are not one stays apart from both.

Works known to share a first author are joined before those where authors are lacking. Joining the proposals and
matching again proposes nothing.

Works are compared within blocks of one title key, and near titles with their neighbours in two sorted lists (read from
the front and from the back), never all pairs: time grows as n log n.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from ingest.agreement import YEARS, Clash, Kind, Ready, Tie, Work, by_ids, compare, may_share_authors, ready
from ingest.titles import difference, match_key, words
from kg.identity import work_id

BLOCK = 40
"""Works that bear one title; a title of more names none of them."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two works that are one. `confidence` orders proposals from 0 to 1; it is no measured probability."""

    kept: str
    absorbed: str
    reason: str
    confidence: float


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Two works that look like one and were not joined, and why; a person may know better."""

    one: str
    other: str
    kind: Kind
    reason: str


@dataclass(frozen=True, slots=True)
class Matched:
    """Proposals by the work that is kept, and pairs held back, both in a total order."""

    proposals: tuple[Proposal, ...]
    held_back: tuple[HeldBack, ...]


def match(works: Iterable[Work], *, apart: Collection[tuple[str, str]] = (), near: bool = True) -> Matched:
    """Find works that are one. The order of `works` does not matter.

    Args:
        works: each once, no two with an id in common (exact ids have been joined before).
        apart: pairs of work ids that a person took apart.
        near: also hold back works of one author whose titles differ in a word or number; they are never proposed.
    """
    works = list(works)
    keys = {title: match_key(title) for work in works for title in {account.title for account in work.accounts}}
    proposals: list[Proposal] = []
    # What a work joined to another makes known can settle what was in doubt, so go on until nothing changes.
    while True:
        into = {each.absorbed: each.kept for each in proposals}
        matcher = _Matcher(works, [(into.get(one, one), into.get(other, other)) for one, other in apart], keys)
        matcher.join()
        found = matcher.proposals()
        if not found:
            return Matched(tuple(sorted(proposals, key=_order)), matcher.held_back(near=near))
        works = united(works, found)
        into = {each.absorbed: each.kept for each in found}
        proposals = [replace(each, kept=into.get(each.kept, each.kept)) for each in (*proposals, *found)]


def united(works: Iterable[Work], proposals: Iterable[Proposal]) -> list[Work]:
    """The works after proposals are carried out, as a store then tells of them."""
    into = {each.absorbed: each.kept for each in proposals}
    groups: dict[str, list[Work]] = {}
    for work in works:
        groups.setdefault(into.get(work.id, work.id), []).append(work)
    return [
        members[0]
        if len(members) == 1
        else Work(
            kept,
            tuple(id for each in members for id in each.ids),
            tuple(account for each in members for account in each.accounts),
        )
        for kept, members in groups.items()
    ]


def _order(proposal: Proposal) -> tuple[str, str]:
    return proposal.kept, proposal.absorbed


_Pair = tuple[int, int]
_NEIGHBOURS = 2


class _Matcher:
    """Works by place in the order of their ids, what pairs of them have in common, and the groups they form."""

    def __init__(self, works: Iterable[Work], apart: Collection[tuple[str, str]], keys: Mapping[str, str]) -> None:
        self._keys = keys
        self._works = sorted(works, key=lambda each: each.id)
        self._apart = {frozenset(pair) for pair in apart}
        self._group = list(range(len(self._works)))
        self._made_ready: dict[int, Ready] = {}
        self._ties: dict[_Pair, Tie] = {}
        self._clashes: dict[_Pair, Clash] = {}
        self._common: list[list[int]] = []
        for block in self._blocks():
            if len(block) > BLOCK:
                self._common.append(block)
                continue
            for pair in combinations(block, 2):
                self._compare(pair)

    def join(self) -> None:
        """Unite works, first those with authors in common, then those where authors are lacking."""
        for edges in ([pair for pair, tie in self._ties.items() if tie.strong], list(self._ties)):
            for members in _connected(edges):
                if self._is_one(members):
                    for place in members:
                        self._group[place] = members[0]

    def proposals(self) -> tuple[Proposal, ...]:
        """One proposal per work that is absorbed."""
        groups: dict[int, list[int]] = {}
        for place, first in enumerate(self._group):
            groups.setdefault(first, []).append(place)
        found = []
        for members in groups.values():
            if len(members) > 1:
                kept = work_id(self._id(place) for place in members)
                found += [self._proposal(members, place, kept) for place in members if self._id(place) != kept]
        return tuple(found)

    def held_back(self, *, near: bool) -> tuple[HeldBack, ...]:
        """Pairs that bear one title, or nearly, and are not one."""
        found = [
            self._held(pair, clash.kind, clash.reason)
            for pair, clash in self._clashes.items()
            if not self._joined(pair)
        ]
        found += [
            self._held(pair, "ambiguous", f"{tie.reason}, but other works of this title contradict one of them")
            for pair, tie in self._ties.items()
            if not self._joined(pair)
        ]
        found += [
            self._held((block[0], block[1]), "common", f"{len(block):,} works bear this title")
            for block in self._common
        ]
        if near:
            found += self._near()
        return tuple(sorted(found, key=lambda each: (each.one, each.other, each.kind)))

    def _blocks(self) -> list[list[int]]:
        blocks: dict[str, list[int]] = {}
        for place, work in enumerate(self._works):
            for key in {self._keys[account.title] for account in work.accounts}:
                blocks.setdefault(key, []).append(place)
        return [block for key, block in sorted(blocks.items()) if key and len(block) > 1]

    def _ready(self, place: int) -> Ready:
        found = self._made_ready.get(place)
        if found is None:
            found = self._made_ready[place] = ready(self._works[place])
        return found

    def _compare(self, pair: _Pair) -> Tie | Clash:
        found: Tie | Clash | None = self._ties.get(pair) or self._clashes.get(pair)
        if found is None:
            found = compare(self._ready(pair[0]), self._ready(pair[1]), self._apart)
            if isinstance(found, Tie):
                self._ties[pair] = found
            else:
                self._clashes[pair] = found
        return found

    def _is_one(self, members: Sequence[int]) -> bool:
        """Whether nothing within a group contradicts; what one work spans already, a group may."""
        if len(members) > BLOCK:
            return False
        spans = [years for place in members if (years := self._ready(place).years) is not None]
        if spans:
            widest = max(2 * YEARS, *(last - first for first, last in spans))
            if max(last for _, last in spans) - min(first for first, _ in spans) > widest:
                return False
        found = (self._compare(pair) for pair in combinations(members, 2))
        return not any(isinstance(each, Clash) and each.hard for each in found)

    def _proposal(self, members: Sequence[int], place: int, kept: str) -> Proposal:
        """Why a work belongs to its group: the tie to the work that is kept, else the best one to another."""
        ties = [
            (tie, self._id(other))
            for other in members
            if other != place and (tie := self._ties.get((min(place, other), max(place, other)))) is not None
        ]
        tie, beside = min(ties, key=lambda each: (each[1] != kept, -each[0].confidence, each[1]))
        through = "" if beside == kept else f" as {beside}, which is the same work"
        return Proposal(kept, self._id(place), tie.reason + through, tie.confidence)

    def _near(self) -> list[HeldBack]:
        """Works of one author that stand beside each other in a list of titles sorted from the front or the back."""
        spelt: dict[tuple[tuple[str, ...], int], _Titled] = {}
        for place, work in enumerate(self._works):
            for account in work.accounts:
                key = (tuple(words(account.title)), self._group[place])
                spelt.setdefault(key, (key[0], place, account.title))
        seen: set[_Pair] = {*self._ties, *self._clashes}
        found = []
        for backwards in (False, True):
            titles = sorted((each[::-1] if backwards else each, place, title) for each, place, title in spelt.values())
            for at, (_, place, title) in enumerate(titles):
                for _, beside, other in titles[at + 1 : at + 1 + _NEIGHBOURS]:
                    pair = (min(place, beside), max(place, beside))
                    if place == beside or pair in seen or self._joined(pair):
                        continue
                    differing = difference(title, other) if place < beside else difference(other, title)
                    if differing is not None:
                        seen.add(pair)
                        one, another = self._ready(pair[0]), self._ready(pair[1])
                        if by_ids(one, another, self._apart) is None and may_share_authors(one, another):
                            found.append(self._held(pair, differing.kind, str(differing)))
        return found

    def _id(self, place: int) -> str:
        return self._works[place].id

    def _joined(self, pair: _Pair) -> bool:
        return self._group[pair[0]] == self._group[pair[1]]

    def _held(self, pair: _Pair, kind: Kind, reason: str) -> HeldBack:
        return HeldBack(self._id(pair[0]), self._id(pair[1]), kind, reason)


_Titled = tuple[tuple[str, ...], int, str]
"""Words of a title, the place of a work that bears it, the title as told."""


def _connected(edges: Iterable[_Pair]) -> list[list[int]]:
    """Places that edges connect, each group ascending."""
    root: dict[int, int] = {}

    def find(place: int) -> int:
        while (above := root.setdefault(place, place)) != place:
            root[place] = root[above]
            place = above
        return place

    for one, other in edges:
        a, b = sorted((find(one), find(other)))
        root[b] = a
    found: dict[int, list[int]] = {}
    for place in sorted(root):
        found.setdefault(find(place), []).append(place)
    return list(found.values())
