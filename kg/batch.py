"""Which work each record of a batch belongs to, and what changes by it: the part of writing that no engine decides.

`BatchWriter` is one transaction. It takes the records in an order of their own, so that the order inside a batch does
not matter, and asks the engine per batch, never per row. What an engine has to do is in `kg.batch_rows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kg.batch_changes import ChangeLog
from kg.batch_rows import Alias, Fresh, Names, Place, Rows, StubRow
from kg.combine import account, combined, month_of_ids, updated
from kg.errors import NotFound
from kg.identity import normalise, title_key, work_id
from kg.model import Paper
from kg.records import Stored, shown
from kg.search_text import search_text

COUNTED = (
    "papers_new", "papers_changed", "citations_new", "self_citations", "duplicates", "younger", "stubs_new", "merges",
    "quarantined", "judgements", "judgements_kept",
)  # fmt: skip

KNOWN_IDS = 200_000
"""Ids remembered between batches, about 50 MB."""


@dataclass(slots=True)
class Known:
    """What was looked up of ids, carried from batch to batch while nobody else writes."""

    revision: int = -1
    spellings: dict[str, str] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    stub: dict[int, bool] = field(default_factory=dict)
    date: dict[int, str | None] = field(default_factory=dict)


class BatchWriter:
    """The state of one transaction. `counts` become `Upserted`, `changed` says whether anything was written.

    `known` is added to; after a failed transaction it must be thrown away. `log` is told what is about to change.
    """

    def __init__(self, rows: Rows, known: Known, log: ChangeLog | None = None) -> None:
        self.rows = rows
        self.log = log
        self.counts = dict.fromkeys(COUNTED, 0)
        self.changed = False
        self.stub = known.stub
        self.date = known.date
        self._places = known.places
        self._spellings = known.spellings
        self._redirect: dict[int, int] = {}
        self._fresh: dict[int, str] = {}
        self._unborn: set[int] = set()
        self._told: dict[int, list[tuple[int, Paper]]] = {}
        self._aliases: list[Alias] = []
        self._refused: set[str] = set()
        self._next_paper = rows.next_paper

    @property
    def lasting(self) -> bool:
        """Whether what was looked up may serve the next batch: merges move places, and memory has an end."""
        return not self._redirect and len(self._places) <= KNOWN_IDS

    # Ids

    def resolve(self, spellings: Iterable[str]) -> None:
        """Look up all these ids at once. Raises InputError for a text that is no id."""
        new = {spelling: normalise(spelling) for spelling in set(spellings).difference(self._spellings)}
        self._spellings.update(new)
        asked = set(new.values()).difference(self._places)
        if not asked:
            return
        for id, paper, work, stub, published in self.rows.look_up(list(asked)):
            self._places[id] = (paper, work)
            self.stub[paper] = stub
            self.date[paper] = published

    def place(self, spelling: str) -> Place | None:
        """Where a resolved id leads, `None` when nothing is known of it."""
        found = self._places.get(self._spellings[spelling])
        if found is None or found[0] not in self._redirect:
            return found
        return self._root(found[0]), self._work(found[1])

    def places(self, spellings: Iterable[str]) -> dict[str, Place]:
        """Where resolved ids lead; each must be known by now."""
        if self._redirect:
            return {spelling: place for spelling in spellings if (place := self.place(spelling)) is not None}
        places, canonical = self._places, self._spellings
        return {spelling: places[canonical[spelling]] for spelling in spellings}

    def require(self, spelling: str) -> Place | None:
        """Where an id leads that must be known; `None` when this batch kept its record out."""
        found = self.place(spelling)
        if found is not None:
            return found
        if self._spellings[spelling] in self._refused:
            return None
        raise NotFound("paper", spelling, hint="Write the paper before what is known about it.")

    def mint_stubs(self, spellings: Iterable[str]) -> None:
        """Make a stub of every resolved id that leads nowhere yet."""
        new = sorted({id for id in map(self._spellings.__getitem__, spellings) if id not in self._places})
        if not new:
            return
        rows = []
        for id in new:
            n = self._mint()
            published, source = month_of_ids((id,))
            rows.append(StubRow(n, id, published, source, None if published is None else int(published[:4])))
            self._places[id] = (n, n)
            self.stub[n] = True
            self.date[n] = published
        self.rows.add_stubs(rows)
        self.counts["stubs_new"] += len(rows)
        self.changed = True

    def _mint(self) -> int:
        n = self._next_paper
        self._next_paper += 1
        return n

    def _root(self, paper: int) -> int:
        while paper in self._redirect:
            paper = self._redirect[paper]
        return paper

    def _work(self, work: int) -> int:
        # A work minted and joined to another within this batch was never written, so nothing can belong to it.
        while work in self._unborn:
            work = self._redirect[work]
        return work

    # Papers

    def papers(self, papers: Sequence[Paper]) -> None:
        """Write what sources say of works."""
        if not papers:
            return
        self.resolve(id for paper in papers for id in paper.ids)
        spelt = self._spellings
        waiting = sorted(
            ((tuple(dict.fromkeys([spelt[id] for id in paper.ids])), paper) for paper in papers), key=_order
        )
        rank = {id(paper): at for at, (_, paper) in enumerate(waiting)}
        # A record without a title adds to a paper that another record of the batch may make known: it waits for that.
        while waiting:
            left = [each for each in waiting if not self._assign(*each)]
            if len(left) == len(waiting):
                for ids, paper in left:
                    self._keep_out(ids, paper, "It has no title")
                break
            waiting = left
        told: dict[int, list[tuple[int, Paper]]] = {}
        for n, records in self._told.items():
            told.setdefault(self._root(n), []).extend((self._work(work), paper) for work, paper in records)
        # What one source says twice counts in the same order whenever the batch is written.
        for records in told.values():
            records.sort(key=lambda each: rank[id(each[1])])
        named = {author.id: author for paper in papers for author in paper.authors or ()}
        names = self.rows.add_authors(named) if named else {}
        self._write_fresh([(n, told[n]) for n in sorted(told) if n in self._fresh], names)
        self._write_known({n: told[n] for n in sorted(told) if n not in self._fresh}, names)

    def refuse(self, source: str, id: str, title: str | None, reason: str, provenance: str | None) -> None:
        """List a record as kept out, once."""
        if self.rows.refuse(source, id, title, reason, provenance):
            self.counts["quarantined"] += 1
            self.changed = True

    def _assign(self, ids: tuple[str, ...], paper: Paper) -> bool:
        """Find the work of a record or keep the record out; `False` when nothing gives it a title yet."""
        hits: dict[int, int] = {}
        for id in ids:
            found = self._places.get(id)
            if found is not None:
                hits.setdefault(self._root(found[0]), self._work(found[1]))
        reason = "It has no id" if not ids else self._contradiction(list(hits)) if len(hits) > 1 else None
        if reason is not None:
            self._keep_out(ids, paper, reason)
            return True
        if _blank(paper.title) and not any(map(self._is_real, hits)):
            return False
        if not hits:
            root = work = self._mint()
            self._fresh[root] = ids[0]
        else:
            work = next(iter(hits.values()))
            root = next(iter(hits)) if len(hits) == 1 else self._join(list(hits), ids)
        for id in ids:
            if id not in self._places:
                self._places[id] = (root, work)
                self._aliases.append((id, root, work))
        self._told.setdefault(root, []).append((work, paper))
        return True

    def _keep_out(self, ids: tuple[str, ...], paper: Paper, reason: str) -> None:
        self._refused.update(ids)
        self.refuse(paper.source, ids[0] if ids else "", paper.title, reason, paper.provenance)

    def _is_real(self, paper: int) -> bool:
        return paper in self._fresh or paper in self._told or not self.stub[paper]

    def _contradiction(self, hits: Sequence[int]) -> str | None:
        known = [n for n in hits if n not in self._fresh]
        undone = self.rows.separated(known)
        if undone is not None:
            return f"Its ids belong to two works that a person took apart (merge {undone})"
        titles = {title_key(title): title for n in hits if (title := self._title(n)) is not None}
        if len(titles) > 1:
            return "Its ids belong to papers with different titles: " + "; ".join(sorted(titles.values()))
        return None

    def _title(self, paper: int) -> str | None:
        for n, records in self._told.items():
            if self._root(n) == paper:
                for _, told in records:
                    if told.title:
                        return told.title
        return None if paper in self._fresh else self.rows.title(paper)

    def _join(self, hits: Sequence[int], ids: tuple[str, ...]) -> int:
        known = sorted((n for n in hits if n not in self._fresh), key=lambda n: (not self._is_real(n), n))
        fresh = sorted(n for n in hits if n in self._fresh)
        root = known[0] if known else fresh[0]
        if self.log and len(known) > 1:
            self.log.watch([root], judged=True)
        for n in known[1:]:
            self.rows.merge(root, n, f"One record has ids of both: {', '.join(ids)}")
            if self.log:
                self.log.forget(n)
            self._redirect[n] = root
            self.counts["merges"] += 1
            self.changed = True
        if not known:
            self._fresh[root] = work_id(self._fresh[n] for n in fresh)
        for n in fresh:
            if n != root:
                self._redirect[n] = root
                self._unborn.add(n)
                del self._fresh[n]
        return root

    def _write_fresh(self, told: Sequence[tuple[int, list[tuple[int, Paper]]]], names: Names) -> None:
        if not told:
            return
        ids: dict[int, list[str]] = {}
        for id, n, _ in self._aliases:
            ids.setdefault(self._root(n), []).append(id)
        next_record = self.rows.next_record()
        by_number = dict(names.values())
        fresh = []
        for n, records in told:
            held: dict[str, Stored] = {}
            for _, paper in records:
                said = account(paper, _numbered(paper, names))
                before = held.get(paper.source)
                if before is None:
                    held[paper.source] = Stored(next_record, n, said)
                    next_record += 1
                else:
                    held[paper.source] = before._replace(account=updated(before.account, said))
            kept = tuple(held.values())
            whole = combined([each.account for each in kept], ids[n])
            authors = () if whole.authors_from is None else kept[whole.authors_from].account.authors or ()
            called = [by_number[number] for number in authors]
            abstract = None if whole.abstract_from is None else kept[whole.abstract_from].account.abstract
            text = search_text(whole.title, abstract, called, whole.venue, sorted(ids[n]))
            values = shown(whole, called[0] if called else None, kept)
            fresh.append(Fresh(n, self._fresh[n], values, kept, abstract, authors, text))
            self.stub[n] = False
            self.date[n] = whole.published
        if self.log:
            self.log.born(n for n, _ in told)
        self.rows.add_papers(fresh, self._take_aliases({n for n, _ in told}))
        self.counts["papers_new"] += len(fresh)
        self.changed = True

    def _write_known(self, told: Mapping[int, list[tuple[int, Paper]]], names: Names) -> None:
        if not told:
            return
        next_record = self.rows.next_record()
        touched = {self._root(n) for _, n, _ in self._aliases}
        new: list[tuple[int, Stored]] = []
        changed: list[tuple[Stored, Stored]] = []
        for paper_n, kept in self.rows.records(list(told)).items():
            before = {(each.work, each.account.source): each for each in kept}
            after = dict(before)
            for work, paper in told[paper_n]:
                said = account(paper, _numbered(paper, names))
                key = (work, paper.source)
                if key not in after:
                    after[key] = Stored(next_record, work, said)
                    next_record += 1
                else:
                    after[key] = after[key]._replace(account=updated(after[key].account, said))
            new += [(paper_n, each) for key, each in after.items() if key not in before]
            changed += [(before[key], each) for key, each in after.items() if before.get(key, each) != each]
            if after != before:
                touched.add(paper_n)
        if not touched:
            return
        if self.log:
            self.log.watch(sorted(touched))
        promoted, now = self.rows.change_papers(sorted(touched), self._take_aliases(touched), new, changed)
        for n, (stub, published) in now.items():
            self.stub[n] = stub
            self.date[n] = published
        self.counts["papers_new"] += len(promoted)
        self.counts["papers_changed"] += len(touched) - len(promoted)
        self.changed = True

    def _take_aliases(self, papers: set[int]) -> list[Alias]:
        rows = sorted((id, self._root(n), self._work(work)) for id, n, work in self._aliases)
        self._aliases = [row for row in rows if row[1] not in papers]
        return [row for row in rows if row[1] in papers]


def _blank(text: str | None) -> bool:
    return not text or text.isspace()


def _order(told: tuple[tuple[str, ...], Paper]) -> tuple[object, ...]:
    ids, paper = told
    return (
        _blank(paper.title), -len(ids), ids, paper.source, paper.published.value if paper.published else "",
        paper.title or "", paper.abstract or "",
    )  # fmt: skip


def _numbered(paper: Paper, names: Names) -> tuple[int, ...] | None:
    return None if paper.authors is None else tuple([names[author.id][0] for author in paper.authors])
