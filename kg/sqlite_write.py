"""Writes the papers of one batch: which work each record belongs to, and what changes by it.

Everything is asked per batch (ids, records, authors come in one query each), never per row. Records are taken in an
order of their own, so that the order inside a batch does not matter.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json import dumps

from kg.combine import account, combined, month_of_ids, updated
from kg.errors import NotFound
from kg.identity import normalise, title_key, work_id
from kg.model import Paper
from kg.search_text import search_text
from kg.sqlite_merge import merge_works, separated
from kg.sqlite_papers import Stored, load_records, numbers, paper_values, refresh, searched

COUNTED = (
    "papers_new", "papers_changed", "citations_new", "self_citations", "duplicates", "younger", "stubs_new", "merges",
    "quarantined", "judgements", "judgements_kept",
)  # fmt: skip

KNOWN_IDS = 200_000
"""Ids remembered between batches, about 50 MB."""

Names = Mapping[str, tuple[int, str]]
"""Number and name of every author of a batch, by id."""


Place = tuple[int, int]
"""Where an id leads: the paper it counts for now, and the work it was given to."""


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

    `known` is added to; after a failed transaction it must be thrown away.
    """

    def __init__(self, con: sqlite3.Connection, time: str, known: Known) -> None:
        self.con = con
        self.time = time
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
        self._aliases: list[tuple[str, int, int]] = []
        self._refused: set[str] = set()
        self._next_paper: int = con.execute(
            "SELECT 1 + max(coalesce((SELECT max(n) FROM papers), 0), coalesce((SELECT max(work) FROM absorbed), 0))"
        ).fetchone()[0]

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
        for id, paper, work, stub, published in self.con.execute(
            "SELECT a.id, a.paper, a.work, p.stub, p.published FROM json_each(?) AS j"
            " CROSS JOIN aliases AS a ON a.id = j.value CROSS JOIN papers AS p ON p.n = a.paper",
            (dumps(list(asked)),),
        ):
            self._places[id] = (paper, work)
            self.stub[paper] = bool(stub)
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

    def require(self, spelling: str) -> int | None:
        """The paper of an id that must be known; `None` when this batch kept its record out."""
        found = self.place(spelling)
        if found is not None:
            return found[0]
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
            rows.append((n, id, published, source, None if published is None else int(published[:4])))
            self._places[id] = (n, n)
            self.stub[n] = True
            self.date[n] = published
        self.con.executemany(
            "INSERT INTO papers (n, id, stub, published, published_source, year) VALUES (?, ?, 1, ?, ?, ?)", rows
        )
        self.con.executemany("INSERT INTO degrees (paper) VALUES (?)", [row[:1] for row in rows])
        self.con.executemany(
            "INSERT INTO aliases (id, paper, work) VALUES (?, ?, ?)", [(r[1], r[0], r[0]) for r in rows]
        )
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
        for ids, paper in sorted(
            ((tuple(dict.fromkeys([spelt[id] for id in paper.ids])), paper) for paper in papers), key=_order
        ):
            self._assign(ids, paper)
        told: dict[int, list[tuple[int, Paper]]] = {}
        for n, records in self._told.items():
            told.setdefault(self._root(n), []).extend((self._work(work), paper) for work, paper in records)
        names = self._authors(papers)
        self._write_fresh([(n, told[n]) for n in sorted(told) if n in self._fresh], names)
        self._write_known({n: told[n] for n in sorted(told) if n not in self._fresh}, names)

    def refuse(self, source: str, id: str, title: str | None, reason: str, provenance: str | None) -> None:
        """List a record as kept out, once."""
        new = self.con.execute(
            "INSERT INTO quarantine (source, id, title, reason, provenance, time) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (source, id, title, reason, provenance, self.time),
        ).rowcount
        self.counts["quarantined"] += new
        self.changed = self.changed or new > 0

    def _assign(self, ids: tuple[str, ...], paper: Paper) -> None:
        hits: dict[int, int] = {}
        for id in ids:
            found = self._places.get(id)
            if found is not None:
                hits.setdefault(self._root(found[0]), self._work(found[1]))
        reason = None
        if not ids:
            reason = "It has no id"
        elif len(hits) > 1:
            reason = self._contradiction(list(hits))
        elif not (paper.title and not paper.title.isspace()) and not any(map(self._is_real, hits)):
            reason = "It has no title"
        if reason is not None:
            self._refused.update(ids)
            self.refuse(paper.source, ids[0] if ids else "", paper.title, reason, paper.provenance)
            return
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

    def _is_real(self, paper: int) -> bool:
        return paper in self._fresh or paper in self._told or not self.stub[paper]

    def _contradiction(self, hits: Sequence[int]) -> str | None:
        known = [n for n in hits if n not in self._fresh]
        undone = separated(self.con, known)
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
        if paper in self._fresh:
            return None
        title: str | None = self.con.execute("SELECT title FROM papers WHERE n = ?", (paper,)).fetchone()[0]
        return title

    def _join(self, hits: Sequence[int], ids: tuple[str, ...]) -> int:
        known = sorted((n for n in hits if n not in self._fresh), key=lambda n: (not self._is_real(n), n))
        fresh = sorted(n for n in hits if n in self._fresh)
        root = known[0] if known else fresh[0]
        for n in known[1:]:
            merge_works(self.con, root, n, f"One record has ids of both: {', '.join(ids)}", self.time)
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

    def _authors(self, papers: Sequence[Paper]) -> Names:
        named = {author.id: author for paper in papers for author in paper.authors or ()}
        if not named:
            return {}
        names: dict[str, tuple[int, str]] = {
            id: (n, name)
            for id, n, name in self.con.execute(
                "SELECT a.id, a.n, a.name FROM json_each(?) AS j CROSS JOIN authors AS a ON a.id = j.value",
                (dumps(list(named)),),
            )
        }
        first: int = self.con.execute("SELECT 1 + coalesce(max(n), 0) FROM authors").fetchone()[0]
        new = [named[id] for id in sorted(named) if id not in names]
        self.con.executemany(
            "INSERT INTO authors (n, id, name, name_only) VALUES (?, ?, ?, ?)",
            [(n, each.id, each.name, int(each.name_only)) for n, each in enumerate(new, first)],
        )
        names.update((each.id, (n, each.name)) for n, each in enumerate(new, first))
        return names

    def _write_fresh(self, told: Sequence[tuple[int, list[tuple[int, Paper]]]], names: Names) -> None:
        if not told:
            return
        ids: dict[int, list[str]] = {}
        for id, n, _ in self._aliases:
            ids.setdefault(self._root(n), []).append(id)
        next_record = self._next_record()
        by_number = dict(names.values())
        rows, searching, stored = [], [], []
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
            kept = list(held.values())
            whole = combined([each.account for each in kept], ids[n])
            chosen = () if whole.authors_from is None else kept[whole.authors_from].account.authors or ()
            authors = [by_number[author] for author in chosen]
            values = paper_values(whole, authors[0] if authors else None, kept)
            abstract = None if whole.abstract_from is None else kept[whole.abstract_from].account.abstract
            rows.append((n, self._fresh[n], *values))
            searching.append((n, search_text(whole.title, abstract, authors, whole.venue, sorted(ids[n]))))
            stored += [(n, each) for each in kept]
            self.stub[n] = False
            self.date[n] = whole.published
        self.con.executemany(
            "INSERT INTO papers (n, id, stub, title, sort_title, published, published_source, year, venue,"
            " first_author, author_count, references_stated, citations_stated, abstract_record,"
            " authors_record, text_sha256) VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        self.con.executemany("INSERT INTO degrees (paper) VALUES (?)", [row[:1] for row in rows])
        self._write_aliases({n for n, _ in told})
        self._insert_records(stored)
        self.con.executemany("INSERT INTO search (rowid, search_text) VALUES (?, ?)", searching)
        self.counts["papers_new"] += len(rows)
        self.changed = True

    def _write_known(self, told: Mapping[int, list[tuple[int, Paper]]], names: Names) -> None:
        if not told:
            return
        next_record = self._next_record()
        changed = {self._root(n) for _, n, _ in self._aliases}
        inserts: list[tuple[int, Stored]] = []
        updates: list[tuple[Stored, Stored]] = []
        for paper_n, kept in load_records(self.con, list(told)).items():
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
            inserts += [(paper_n, each) for key, each in after.items() if key not in before]
            updates += [(before[key], each) for key, each in after.items() if before.get(key, each) != each]
            if after != before:
                changed.add(paper_n)
        refreshed = sorted(changed)
        if not refreshed:
            return
        texts = searched(self.con, refreshed)
        self._write_aliases(changed)
        self._insert_records(inserts)
        self._update_records(updates)
        promoted = refresh(self.con, refreshed, texts)
        for n, stub, published in self.con.execute(
            "SELECT p.n, p.stub, p.published FROM json_each(?) AS j CROSS JOIN papers AS p ON p.n = j.value",
            (numbers(refreshed),),
        ):
            self.stub[n] = bool(stub)
            self.date[n] = published
        self.counts["papers_new"] += len(promoted)
        self.counts["papers_changed"] += len(refreshed) - len(promoted)
        self.changed = True

    def _write_aliases(self, papers: set[int]) -> None:
        rows = sorted((id, self._root(n), self._work(work)) for id, n, work in self._aliases)
        self.con.executemany(
            "INSERT INTO aliases (id, paper, work) VALUES (?, ?, ?)", [row for row in rows if row[1] in papers]
        )
        self._aliases = [row for row in rows if row[1] not in papers]

    def _next_record(self) -> int:
        next_record: int = self.con.execute("SELECT 1 + coalesce(max(n), 0) FROM records").fetchone()[0]
        return next_record

    def _insert_records(self, stored: Sequence[tuple[int, Stored]]) -> None:
        self.con.executemany(
            "INSERT INTO records (n, paper, work, source, provenance, time, title, abstract, published,"
            " published_source, venue, categories, manifestations, author_count, references_stated, citations_stated)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    each.n, paper, each.work, *each.account[:2], self.time, *each.account[2:9],
                    None if each.account.authors is None else len(each.account.authors), *each.account[10:],
                )
                for paper, each in stored
            ],
        )  # fmt: skip
        self._insert_wrote([each for _, each in stored])

    def _insert_wrote(self, stored: Sequence[Stored]) -> None:
        self.con.executemany(
            "INSERT INTO wrote (record, position, author) VALUES (?, ?, ?)",
            [(each.n, at, author) for each in stored for at, author in enumerate(each.account.authors or ())],
        )

    def _update_records(self, updates: Sequence[tuple[Stored, Stored]]) -> None:
        self.con.executemany(
            "UPDATE records SET provenance = ?, time = ?, title = ?, abstract = ?, published = ?, published_source = ?,"
            " venue = ?, categories = ?, manifestations = ?, author_count = ?, references_stated = ?,"
            " citations_stated = ? WHERE n = ?",
            [
                (
                    new.account.provenance, self.time, *new.account[2:9],
                    None if new.account.authors is None else len(new.account.authors), *new.account[10:], new.n,
                )
                for _, new in updates
            ],
        )  # fmt: skip
        rewritten = [(old, new) for old, new in updates if old.account.authors != new.account.authors]
        self.con.executemany("DELETE FROM wrote WHERE record = ?", [(new.n,) for _, new in rewritten])
        self._insert_wrote([new for _, new in rewritten])
        left = {author for old, _ in rewritten for author in old.account.authors or ()}
        self.con.execute(
            "DELETE FROM authors WHERE n IN (SELECT value FROM json_each(?))"
            " AND NOT EXISTS (SELECT 1 FROM wrote WHERE author = authors.n)",
            (numbers(left),),
        )


def _order(told: tuple[tuple[str, ...], Paper]) -> tuple[object, ...]:
    ids, paper = told
    return (
        not paper.title, -len(ids), ids, paper.source, paper.published.value if paper.published else "",
        paper.title or "", paper.abstract or "",
    )  # fmt: skip


def _numbered(paper: Paper, names: Names) -> tuple[int, ...] | None:
    return None if paper.authors is None else tuple([names[author.id][0] for author in paper.authors])
