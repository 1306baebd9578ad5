"""A store in a few plain dictionaries: what was told of which work, and all else worked out at each question.

Knows ids, records, citations, merges and decisions, which is where histories get complicated.
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

    # Writing

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
