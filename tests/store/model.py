"""A store in a few plain dictionaries: what was told of which work, and all else worked out at each question.

Knows ids, records, citations, merges and decisions, which is where histories get complicated, and what hangs on works:
fetches, findings, vectors and the log.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kg.identity import date_from_arxiv_id, title_key


@dataclass
class Record:
    """What one source says of a work."""

    work: int
    source: str
    title: str | None
    venue: str | None
    published: str | None


@dataclass
class Model:
    """Works are numbers in order of minting; `names` are their ids."""

    names: list[str] = field(default_factory=list)
    work_of: dict[str, int] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    told: dict[tuple[int, int], set[str]] = field(default_factory=dict)
    merges: list[list[int]] = field(default_factory=list)
    undone: list[bool] = field(default_factory=list)
    decided: list[tuple[int, str | None]] = field(default_factory=list)
    refused: set[tuple[object, ...]] = field(default_factory=set)
    fetched: dict[tuple[int, str, str], tuple[str, str, int | None]] = field(default_factory=dict)
    """(time, state, got) by work, source and subject."""
    ways: dict[tuple[int, str, str, str], str] = field(default_factory=dict)
    """Time by work, way, source and detail."""
    placed: dict[tuple[int, str], tuple[float, ...]] = field(default_factory=dict)
    log: list[tuple[int, str, str, str | None, str | None]] = field(default_factory=list)

    def root(self, work: int) -> int:
        """The work as which this one counts."""
        for (kept, absorbed), undone in zip(self.merges, self.undone, strict=True):
            if absorbed == work and not undone:
                return self.root(kept)
        return work

    def roots(self) -> list[int]:
        """Works that count for themselves."""
        return [work for work in range(len(self.names)) if self.root(work) == work]

    def find(self, id: str) -> int | None:
        """The work that an id counts for."""
        work = self.work_of.get(id)
        return None if work is None else self.root(work)

    def accounts(self, root: int) -> list[Record]:
        """What was told of everything that counts for this work, oldest first."""
        return [record for record in self.records if self.root(record.work) == root]

    def title(self, root: int) -> str | None:
        """Its title, `None` for a stub."""
        return next((record.title for record in self.accounts(root) if record.title), None)

    def venue(self, root: int) -> str | None:
        """The first that was told."""
        return next((record.venue for record in self.accounts(root) if record.venue), None)

    def published(self, root: int) -> str | None:
        """What arXiv says, else its id, else the most precise of what others say."""
        dated = [record for record in self.accounts(root) if record.published]
        ours = max((r.published or "" for r in dated if r.source == "arxiv"), key=len, default=None)
        if ours:
            return ours
        ids = [id for id, work in self.work_of.items() if self.root(work) == root and id.startswith("arxiv:")]
        months = [date.value for id in ids if (date := date_from_arxiv_id(id))]
        return min(months, default=None) or max((r.published or "" for r in dated), key=len, default=None)

    def include(self, root: int) -> str | None:
        """The last decision of a person."""
        mine = [verdict for work, verdict in self.decided if self.root(work) == root]
        return mine[-1] if mine else None

    def citations(self) -> dict[tuple[int, int], set[str]]:
        """Sources of every citation between different works."""
        found: dict[tuple[int, int], set[str]] = {}
        for (citing, cited), sources in self.told.items():
            pair = (self.root(citing), self.root(cited))
            if pair[0] != pair[1]:
                found.setdefault(pair, set()).update(sources)
        return found

    def shown(self) -> dict[int, dict[str, str | None]]:
        """Logged fields of every work that is a paper."""
        return {
            root: {"title": title, "published": self.published(root), "venue": self.venue(root)}
            for root in self.roots()
            if (title := self.title(root)) is not None
        }

    def fetches(self, root: int) -> list[tuple[str, str, str, str, int | None]]:
        """What sources were asked about everything that counts for this work."""
        mine = [
            (source, what, time, state, got)
            for (work, source, what), (time, state, got) in self.fetched.items()
            if self.root(work) == root
        ]
        return sorted(mine, key=repr)

    def found(self, root: int) -> list[tuple[str, str, str, str]]:
        """The first time of every way, oldest first."""
        first: dict[tuple[str, str, str], str] = {}
        for (work, *way), time in self.ways.items():
            if self.root(work) == root:
                key = (way[0], way[1], way[2])
                first[key] = min(time, first.get(key, time))
        return sorted((time, *key) for key, time in first.items())

    def vector(self, root: int, model: str) -> tuple[float, ...] | None:
        """Its own, else that of the oldest work it absorbed."""
        mine = sorted(
            (work != root, work, values)
            for (work, name), values in self.placed.items()
            if name == model and self.root(work) == root
        )
        return mine[0][2] if mine else None

    # Writing

    def note(self, before: dict[int, dict[str, str | None]]) -> None:
        """Log how what is shown now differs from before."""
        for root, now in self.shown().items():
            if root not in before:
                self.log.append((root, "new", "", None, None))
            else:
                changed = [name for name in now if now[name] != before[root][name]]
                self.log += [(root, "field", name, before[root][name], now[name]) for name in changed]

    def work(self, id: str) -> int:
        """The work of an id, minted when nothing is known of it."""
        return self.work_of[id] if id in self.work_of else self.mint(id)

    def fetch(self, work: int, source: str, what: str, time: str, state: str, got: int | None) -> None:
        """A source answered; an older answer than the one there is changes nothing."""
        if self.fetched.get((work, source, what), ("",))[0] <= time:
            self.fetched[work, source, what] = (time, state, got)

    def mint(self, id: str) -> int:
        """Another work."""
        self.names.append(id)
        return self.work_of.setdefault(id, len(self.names) - 1)

    def record(self, ids: tuple[str, ...], told: Record) -> None:
        """A record arrives; its `work` is found here."""
        hits: dict[int, int] = {}
        for id in ids:
            if id in self.work_of:
                hits.setdefault(self.root(self.work_of[id]), self.work_of[id])
        titles = {title_key(title) for root in hits if (title := self.title(root))}
        apart = any(
            undone and {self.root(kept), self.root(absorbed)} <= set(hits) and self.root(kept) != self.root(absorbed)
            for (kept, absorbed), undone in zip(self.merges, self.undone, strict=True)
        )
        if len(hits) > 1 and (len(titles) > 1 or apart):
            self.refused.add((told.source, ids[0], told.title, "apart" if apart else tuple(sorted(titles))))
            return
        told.work = next(iter(hits.values())) if hits else self.mint(ids[0])
        first, *others = sorted(hits, key=lambda root: (self.title(root) is None, root)) or [told.work]
        for other in others:
            self.merge(first, other)
        for id in ids:
            self.work_of.setdefault(id, told.work)
        for record in self.records:
            if (record.work, record.source) == (told.work, told.source):
                record.title, record.venue = told.title or record.title, told.venue or record.venue
                record.published = told.published or record.published
                return
        self.records.append(told)

    def cite(self, citing: str, cited: str, source: str) -> None:
        """A citation arrives; ids nobody knows are minted, the smaller first."""
        for id in sorted((citing, cited)):
            if id not in self.work_of:
                self.mint(id)
        pair = (self.work_of[citing], self.work_of[cited])
        if pair[0] != pair[1]:
            self.told.setdefault(pair, set()).add(source)

    def merge(self, kept: int, absorbed: int) -> None:
        """Two works are one."""
        self.merges.append([kept, absorbed])
        self.undone.append(False)
