"""What SQLite does for one batch: the questions and writes of `kg.batch.Rows`, each a set at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json import dumps

from kg import sqlite_journal, sqlite_told
from kg.batch_rows import (
    Alias,
    ChangeRow,
    CitationRow,
    Face,
    FetchKey,
    FetchRow,
    FoundRow,
    Fresh,
    Hit,
    Judged,
    Names,
    Pair,
    Reading,
    StubRow,
    VectorRow,
)
from kg.combine import Kept
from kg.model import Author, Judgement, Measured
from kg.records import Stored
from kg.sqlite_judge import put_judgements, put_measured
from kg.sqlite_merge import merge_works, separated
from kg.sqlite_papers import load_records, numbers, put_contexts, refresh, searched


class SqliteRows:
    """One transaction on an open connection."""

    def __init__(self, con: sqlite3.Connection, time: str) -> None:
        self.con = con
        self.time = time
        self.next_paper: int = con.execute(
            "SELECT 1 + max(coalesce((SELECT max(n) FROM papers), 0), coalesce((SELECT max(work) FROM absorbed), 0))"
        ).fetchone()[0]

    def look_up(self, ids: Sequence[str]) -> Iterator[Hit]:
        for id, paper, work, stub, published in self.con.execute(
            "SELECT a.id, a.paper, a.work, p.stub, p.published FROM json_each(?) AS j"
            " CROSS JOIN aliases AS a ON a.id = j.value CROSS JOIN papers AS p ON p.n = a.paper",
            (dumps(ids),),
        ):
            yield Hit(id, paper, work, bool(stub), published)

    def title(self, paper: int) -> str | None:
        title: str | None = self.con.execute("SELECT title FROM papers WHERE n = ?", (paper,)).fetchone()[0]
        return title

    def separated(self, papers: Sequence[int]) -> int | None:
        return separated(self.con, papers)

    def merge(self, kept: int, absorbed: int, reason: str) -> None:
        merge_works(self.con, kept, absorbed, reason, self.time)

    def refuse(self, source: str, id: str, title: str | None, reason: str, provenance: str | None) -> bool:
        return (
            self.con.execute(
                "INSERT INTO quarantine (source, id, title, reason, provenance, time) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (source, id, title, reason, provenance, self.time),
            ).rowcount
            > 0
        )

    def add_stubs(self, rows: Sequence[StubRow]) -> None:
        self.con.executemany(
            "INSERT INTO papers (n, id, stub, published, published_source, year) VALUES (?, ?, 1, ?, ?, ?)", rows
        )
        self.con.executemany("INSERT INTO degrees (paper) VALUES (?)", [row[:1] for row in rows])
        self._add_aliases([(row.id, row.n, row.n) for row in rows])

    def _add_aliases(self, aliases: Iterable[Alias]) -> None:
        self.con.executemany("INSERT INTO aliases (id, paper, work) VALUES (?, ?, ?)", aliases)

    def add_authors(self, authors: Mapping[str, Author]) -> Names:
        names: dict[str, tuple[int, str]] = {
            id: (n, name)
            for id, n, name in self.con.execute(
                "SELECT a.id, a.n, a.name FROM json_each(?) AS j CROSS JOIN authors AS a ON a.id = j.value",
                (dumps(list(authors)),),
            )
        }
        first: int = self.con.execute("SELECT 1 + coalesce(max(n), 0) FROM authors").fetchone()[0]
        new = [authors[id] for id in sorted(authors) if id not in names]
        self.con.executemany(
            "INSERT INTO authors (n, id, name, name_only) VALUES (?, ?, ?, ?)",
            [(n, each.id, each.name, int(each.name_only)) for n, each in enumerate(new, first)],
        )
        names.update((each.id, (n, each.name)) for n, each in enumerate(new, first))
        return names

    def next_record(self) -> int:
        next_record: int = self.con.execute("SELECT 1 + coalesce(max(n), 0) FROM records").fetchone()[0]
        return next_record

    def add_papers(self, fresh: Sequence[Fresh], aliases: Sequence[Alias]) -> None:
        self.con.executemany(
            "INSERT INTO papers (n, id, stub, title, sort_title, published, published_source, year, venue,"
            " first_author, author_count, references_stated, citations_stated, abstract_record,"
            " authors_record, text_sha256, standing, open_access, tldr)"
            " VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(each.n, each.id, *each.values) for each in fresh],
        )
        self.con.executemany("INSERT INTO degrees (paper) VALUES (?)", [(each.n,) for each in fresh])
        self._add_aliases(aliases)
        self._insert_records([(each.n, stored) for each in fresh for stored in each.stored])
        self.con.executemany(
            "INSERT INTO search (rowid, search_text) VALUES (?, ?)", [(each.n, each.search_text) for each in fresh]
        )

    def records(self, papers: Sequence[int]) -> Mapping[int, list[Stored]]:
        return load_records(self.con, papers)

    def change_papers(
        self,
        papers: Sequence[int],
        aliases: Sequence[Alias],
        new: Sequence[tuple[int, Stored]],
        changed: Sequence[tuple[Stored, Stored]],
    ) -> tuple[list[int], Mapping[int, tuple[bool, str | None]]]:
        texts = searched(self.con, papers)
        self._add_aliases(aliases)
        self._insert_records(new)
        self._update_records(changed)
        promoted = refresh(self.con, papers, texts)
        return promoted, {
            n: (bool(stub), published)
            for n, stub, published in self.con.execute(
                "SELECT p.n, p.stub, p.published FROM json_each(?) AS j CROSS JOIN papers AS p ON p.n = j.value",
                (numbers(papers),),
            )
        }

    def _insert_records(self, stored: Sequence[tuple[int, Stored]]) -> None:
        self.con.executemany(
            "INSERT INTO records (n, paper, work, source, provenance, time, title, abstract, published,"
            " published_source, venue, categories, manifestations, author_count, references_stated, citations_stated,"
            " standing, open_access, tldr) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            " citations_stated = ?, standing = ?, open_access = ?, tldr = ? WHERE n = ?",
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

    def citations(self, pairs: Mapping[Pair, object]) -> Mapping[Pair, Kept]:
        # Papers that cite nothing yet, the usual case, cost one look.
        known = {
            n
            for (n,) in self.con.execute(
                "SELECT j.value FROM json_each(?) AS j WHERE EXISTS (SELECT 1 FROM cites WHERE citing = j.value)",
                (numbers({citing for citing, _ in pairs}),),
            )
        }
        if not known:
            return {}
        asked = "[" + ",".join(f"{a},{b}" for a, b in pairs if a in known) + "]"
        return {
            (a, b): (sources, None if influential is None else bool(influential), intents, contexts)
            for a, b, sources, influential, intents, contexts in self.con.execute(
                "SELECT c.citing, c.cited, c.sources, c.influential, c.intents, x.contexts"
                " FROM (SELECT value AS citing, lead(value) OVER (ORDER BY key) AS cited, key FROM json_each(?)) AS j"
                " CROSS JOIN cites AS c ON c.citing = j.citing AND c.cited = j.cited"
                " LEFT JOIN contexts AS x ON x.citing = c.citing AND x.cited = c.cited WHERE j.key % 2 = 0",
                (asked,),
            )
        }

    def add_citations(
        self,
        rows: Sequence[CitationRow],
        cited_by: Mapping[int, int],
        refs: Mapping[int, int],
        contexts: Mapping[Pair, str],
    ) -> None:
        self.con.executemany(
            "INSERT INTO cites (citing, cited, younger, influential, intents, sources) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
        self.con.executemany(
            "UPDATE degrees SET cited_by = cited_by + ?, refs = refs + ? WHERE paper = ?",
            [(cited_by.get(n, 0), refs.get(n, 0), n) for n in sorted(cited_by.keys() | refs.keys())],
        )
        put_contexts(self.con, contexts)

    def change_citations(self, kept: Mapping[Pair, Kept]) -> None:
        self.con.executemany(
            "UPDATE cites SET sources = ?, influential = ?, intents = ? WHERE citing = ? AND cited = ?",
            [(*each[:3], *pair) for pair, each in kept.items()],
        )
        put_contexts(self.con, {pair: each[3] for pair, each in kept.items() if each[3] is not None})

    def merged_works(self) -> frozenset[int]:
        return frozenset(n for pair in self.con.execute("SELECT kept, absorbed FROM merges") for n in pair)

    def told(self, pairs: Sequence[Pair]) -> Mapping[Pair, Kept]:
        found: dict[Pair, Kept] = {}
        for pair in pairs:
            for sources, influential, *texts in self.con.execute(
                "SELECT sources, influential, intents, contexts FROM told WHERE citing = ? AND cited = ?", pair
            ):
                found[pair] = sources, None if influential is None else bool(influential), *texts
        return found

    def put_told(self, kept: Mapping[Pair, Kept]) -> None:
        self.con.executemany(
            "INSERT OR REPLACE INTO told (citing, cited, sources, influential, intents, contexts)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [(*pair, *each) for pair, each in kept.items()],
        )

    def read_by(self, kind: str, papers: Sequence[int]) -> Mapping[int, Reading]:
        return {
            n: Reading(tuple(fields.split(",")), rules, digest)
            for n, fields, rules, digest in self.con.execute(
                f"SELECT t.paper, t.fields_read, t.rules, t.text_sha256 FROM json_each(?) AS j CROSS JOIN {kind} AS t"
                " ON t.paper = j.value",
                (numbers(papers),),
            )
        }

    def texts(self, papers: Sequence[int]) -> Mapping[int, str | None]:
        return dict(
            self.con.execute(
                "SELECT p.n, p.text_sha256 FROM json_each(?) AS j CROSS JOIN papers AS p ON p.n = j.value",
                (numbers(papers),),
            )
        )

    def put_judgements(self, chosen: Mapping[int, Judgement]) -> None:
        put_judgements(self.con, chosen)

    def put_measured(self, chosen: Mapping[int, Measured]) -> None:
        put_measured(self.con, chosen)

    def fetched(self, works: Sequence[int]) -> Mapping[FetchKey, FetchRow]:
        return sqlite_told.fetched(self.con, works)

    def put_fetches(self, rows: Sequence[FetchRow]) -> None:
        sqlite_told.put_fetches(self.con, rows)

    def add_found(self, rows: Sequence[FoundRow]) -> int:
        return sqlite_told.add_found(self.con, rows)

    def vectors(self, works: Sequence[int]) -> Mapping[tuple[int, str], bytes]:
        return sqlite_told.vectors(self.con, works)

    def put_vectors(self, rows: Sequence[VectorRow]) -> None:
        sqlite_told.put_vectors(self.con, rows)

    def has_run(self, run: int) -> bool:
        return sqlite_journal.has_run(self.con, run)

    def faces(self, papers: Sequence[int]) -> Mapping[int, Face]:
        return sqlite_journal.faces(self.con, papers)

    def judged(self, papers: Sequence[int]) -> Mapping[int, Judged]:
        return sqlite_journal.judged(self.con, papers)

    def add_changes(self, run: int, rows: Sequence[ChangeRow]) -> None:
        sqlite_journal.add_changes(self.con, run, rows, self.time)
