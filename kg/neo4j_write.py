"""What Neo4j does for one batch: the questions and writes of `kg.batch.Rows`, each a set at once, rows in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from json import dumps
from typing import Any

from kg import neo4j_journal, neo4j_told
from kg.batch_readings import ReadingRows, judgement_rows, measured_rows
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
from kg.neo4j_engine import Transaction
from kg.neo4j_judge import put_rows, shown_by
from kg.neo4j_merge import add_degrees, merge_works, separated
from kg.neo4j_papers import (
    carried,
    kept,
    known,
    load_records,
    numbered,
    paper_properties,
    record_properties,
    refresh,
    write_authors,
)
from kg.records import Stored

LOOK_UP = (
    "UNWIND $ids AS id MATCH (p:Paper {id: id}) RETURN id, p.n AS n, p.n AS work, p:Stub AS stub,"
    " p.published AS published UNION ALL UNWIND $ids AS id MATCH (a:Alias {id: id})-[:NAMES]->(p:Paper)"
    " RETURN id, p.n AS n, a.work AS work, p:Stub AS stub, p.published AS published"
)


class Neo4jRows:
    """One open transaction. What new papers are and join is put off until `flush`, and written at once then."""

    def __init__(self, tx: Transaction, time: str) -> None:
        self.tx = tx
        self.time = time
        self.next_paper: int = tx.counters.get("next_paper") or 1
        self._new: dict[int, dict[str, object]] = {}
        """What the papers that this transaction makes will show. Of these nothing needs to be asked."""
        self._records: dict[int, list[dict[str, object]]] = {}
        self._later: list[Callable[[], None]] = []

    def flush(self) -> None:
        """Write what was put off: a new paper is written once, complete, and only then joined to others."""
        for label, ids in (("Paper", self._records), ("Paper:Stub", self._new.keys() - self._records.keys())):
            rows = [[known(self._new[n]), self._records.get(n, [])] for n in sorted(ids)]
            if rows:
                self.tx.run(
                    f"UNWIND $rows AS r CREATE (p:{label}) SET p = r[0] WITH p, r UNWIND r[1] AS x"
                    " CREATE (y:Record)-[:DESCRIBES]->(p) SET y = x",
                    rows=rows,
                )
        for write in self._later:
            write()
        self._new, self._records, self._later = {}, {}, []

    def look_up(self, ids: Sequence[str]) -> list[Hit]:
        return look_up(self.tx, sorted(ids))

    def title(self, paper: int) -> str | None:
        title: str | None = self.tx.value("MATCH (p:Paper {n: $n}) RETURN p.title", n=paper)
        return title

    def separated(self, papers: Sequence[int]) -> int | None:
        return separated(self.tx, papers)

    def merge(self, kept: int, absorbed: int, reason: str) -> None:
        merge_works(self.tx, kept, absorbed, reason, self.time)

    def refuse(self, source: str, id: str, title: str | None, reason: str, provenance: str | None) -> bool:
        return refuse(self.tx, [(source, id, title, reason, provenance, self.time)]) > 0

    def add_stubs(self, rows: Sequence[StubRow]) -> None:
        for row in rows:
            self._new[row.n] = {**row._asdict(), "name": row.id, "decided": False, "cited_by": 0, "references": 0}
        self._minted(row.n for row in rows)

    def _minted(self, numbers: Iterable[int]) -> None:
        self.next_paper = max(self.next_paper, 1 + max(numbers))
        self.tx.counters["next_paper"] = self.next_paper

    def add_aliases(self, aliases: Sequence[Alias], own: Iterable[str] = ()) -> None:
        """Write ids that are not the own ones of papers."""
        without = set(own)
        rows = [list(alias) for alias in aliases if alias[0] not in without]
        if rows:
            self.tx.run(
                "UNWIND $rows AS r MATCH (p:Paper {n: r[1]})"
                " CREATE (:Alias {id: r[0], name: r[0], work: r[2]})-[:NAMES]->(p)",
                rows=rows,
            )

    def add_authors(self, authors: Mapping[str, Author]) -> Names:
        names: dict[str, tuple[int, str]] = {
            id: (n, name)
            for id, n, name in self.tx.rows(
                "UNWIND $ids AS id MATCH (a:Author {id: id}) RETURN id, a.n, a.name", ids=sorted(authors)
            )
        }
        new = [authors[id] for id in sorted(authors) if id not in names]
        if new:
            first = self.tx.take("next_author", len(new))
            self.tx.run(
                "UNWIND $rows AS r CREATE (:Author {n: r[0], id: r[1], name: r[2], name_only: r[3], records: 0})",
                rows=[[n, each.id, each.name, each.name_only] for n, each in enumerate(new, first)],
            )
            names.update((each.id, (n, each.name)) for n, each in enumerate(new, first))
        return names

    def next_record(self) -> int:
        return self.tx.counters.get("next_record") or 1

    def add_papers(self, fresh: Sequence[Fresh], aliases: Sequence[Alias]) -> None:
        for each in fresh:
            self._new[each.n] = {
                "n": each.n, "id": each.id, "decided": False, "cited_by": 0, "references": 0,
                **paper_properties(each.values, each.id, each.abstract, each.search_text),
                "sources": list(dict.fromkeys(stored.account.source for stored in each.stored)),
            }  # fmt: skip
            self._records[each.n] = [record_properties(stored, self.time) for stored in each.stored]
        self._minted(each.n for each in fresh)
        self._inserted([stored for each in fresh for stored in each.stored])
        own = [each.id for each in fresh]
        lists = [[e.n, [[author, at] for at, author in enumerate(e.authors)]] for e in fresh]
        self._later += [lambda: self.add_aliases(aliases, own), lambda: write_authors(self.tx, lists)]

    def records(self, papers: Sequence[int]) -> Mapping[int, list[Stored]]:
        return load_records(self.tx, papers)

    def change_papers(
        self,
        papers: Sequence[int],
        aliases: Sequence[Alias],
        new: Sequence[tuple[int, Stored]],
        changed: Sequence[tuple[Stored, Stored]],
    ) -> tuple[list[int], Mapping[int, tuple[bool, str | None]]]:
        self.add_aliases(aliases)
        self.insert_records(new)
        if changed:
            self.tx.run(
                "UNWIND $rows AS r MATCH (x:Record {n: r.n}) SET x = r",
                rows=[record_properties(after, self.time) for _, after in changed],
            )
            self._count_records([after for _, after in changed], [before for before, _ in changed])
        return refresh(self.tx, papers)

    def insert_records(self, stored: Sequence[tuple[int, Stored]]) -> None:
        """Write records with the paper they count for."""
        if not stored:
            return
        self.tx.run(
            "UNWIND $rows AS r MATCH (p:Paper {n: r[0]}) CREATE (x:Record)-[:DESCRIBES]->(p) SET x = r[1]",
            rows=[[paper, record_properties(each, self.time)] for paper, each in stored],
        )
        self._inserted([each for _, each in stored])

    def _inserted(self, stored: Sequence[Stored]) -> None:
        self.tx.counters["next_record"] = max(self.next_record(), 1 + max(each.n for each in stored))
        self._count_records(stored, [])

    def _count_records(self, come: Sequence[Stored], gone: Sequence[Stored]) -> None:
        """Count by how many records an author is named; whom none names any more goes."""
        counts: dict[int, int] = {}
        for step, records in ((1, come), (-1, gone)):
            for each in records:
                for author in set(each.account.authors or ()):
                    counts[author] = counts.get(author, 0) + step
        rows = [[n, step] for n, step in sorted(counts.items()) if step]
        if rows:
            self.tx.run("UNWIND $rows AS r MATCH (a:Author {n: r[0]}) SET a.records = a.records + r[1]", rows=rows)
        left = [n for n, step in rows if step < 0]
        if left:
            self.tx.run("UNWIND $left AS n MATCH (a:Author {n: n}) WHERE a.records = 0 DETACH DELETE a", left=left)
            # Numbers go on after the last author there is, as they do in a file.
            last = self.tx.one("MATCH (a:Author) WHERE a.n > 0 RETURN a.n ORDER BY a.n DESC LIMIT 1")
            self.tx.counters["next_author"] = 1 + (last[0] if last else 0)

    def citations(self, pairs: Mapping[Pair, object]) -> Mapping[Pair, Kept]:
        # Papers that cite nothing yet, the usual case, cost one look at their degree.
        known = {
            n
            for (n,) in self.tx.rows(
                "UNWIND $papers AS n MATCH (p:Paper {n: n}) WHERE EXISTS { (p)-[:CITES]->() } RETURN n",
                papers=numbered(citing for citing, _ in pairs),
            )
        }
        if not known:
            return {}
        asked = [
            [citing, [cited for _, cited in group]]
            for citing, group in groupby(sorted(pair for pair in pairs if pair[0] in known), key=lambda pair: pair[0])
        ]
        return {
            (citing, cited): kept(*values)
            for citing, cited, *values in self.tx.rows(
                "UNWIND $rows AS r MATCH (:Paper {n: r[0]})-[c:CITES]->(b:Paper) WHERE b.n IN r[1]"
                " RETURN r[0], b.n, c.sources, c.influential, c.intents, c.contexts",
                rows=asked,
            )
        }

    def add_citations(
        self,
        rows: Sequence[CitationRow],
        cited_by: Mapping[int, int],
        refs: Mapping[int, int],
        contexts: Mapping[Pair, str],
    ) -> None:
        # What citations carry comes in few combinations: each is sent once, and a citation as one number.
        kinds: dict[tuple[int, Kept], int] = {}
        grouped: dict[tuple[int, int], list[int]] = {}
        for citing, cited, younger, influential, intents, sources in rows:
            carrying = (sources, influential, intents, contexts.get((citing, cited)))
            kind = kinds.setdefault((younger, carrying), len(kinds))
            grouped.setdefault((citing, kind), []).append(cited)
        make = partial(
            self.tx.run,
            "UNWIND $rows AS r MATCH (a:Paper {n: r[0]}) UNWIND r[2] AS n MATCH (b:Paper {n: n})"
            " CREATE (a)-[c:CITES]->(b) SET c = $kinds[r[1]]",
            rows=[[*which, cited] for which, cited in grouped.items()],
            kinds=[known({"younger": younger == 1, **carried(each)}) for younger, each in kinds],
        )
        for name, counts in (("cited_by", cited_by), ("references", refs)):
            for n in counts.keys() & self._new.keys():
                self._new[n][name] = counts[n]
        others = [{n: count for n, count in each.items() if n not in self._new} for each in (cited_by, refs)]
        self._later += [make, lambda: add_degrees(self.tx, *others)]

    def change_citations(self, changed: Mapping[Pair, Kept]) -> None:
        self.tx.run(
            "UNWIND $rows AS r MATCH (:Paper {n: r[0]})-[c:CITES]->(:Paper {n: r[1]}) SET c += r[2]",
            rows=[[*pair, carried(each)] for pair, each in sorted(changed.items())],
        )

    def merged_works(self) -> frozenset[int]:
        return frozenset(n for pair in self.tx.rows("MATCH (m:Merge) RETURN m.kept, m.absorbed") for n in pair)

    def told(self, pairs: Sequence[Pair]) -> Mapping[Pair, Kept]:
        return {
            (citing, cited): kept(*values)
            for citing, cited, *values in self.tx.rows(
                "UNWIND $pairs AS r MATCH (t:Told {citing: r[0], cited: r[1]})"
                " RETURN t.citing, t.cited, t.sources, t.influential, t.intents, t.contexts",
                pairs=[list(pair) for pair in pairs],
            )
        }

    def put_told(self, told: Mapping[Pair, Kept]) -> None:
        self.tx.run(
            "UNWIND $rows AS r MERGE (t:Told {citing: r[0], cited: r[1]})"
            " SET t += r[2], t.name = r[0] + ' cites ' + r[1]",
            rows=[[*pair, carried(each)] for pair, each in sorted(told.items())],
        )

    def read_by(self, kind: str, papers: Sequence[int]) -> Mapping[int, Reading]:
        properties = {
            "judgements": "p.fields_read AS fields, p.rules AS rules, p.judged_sha256 AS digest",
            "measured": "p.measured_fields AS fields, p.measured_rules AS rules, p.measured_sha256 AS digest",
        }[kind]
        asked = [n for n in papers if n not in self._new]
        if not asked:
            return {}
        return {
            n: Reading(tuple(fields.split(",")), rules, digest)
            for n, fields, rules, digest in self.tx.rows(
                f"UNWIND $papers AS n MATCH (p:Paper {{n: n}}) WITH n, {properties} WHERE rules IS NOT NULL"
                " RETURN n, fields, rules, digest",
                papers=asked,
            )
        }

    def texts(self, papers: Sequence[int]) -> Mapping[int, str | None]:
        found: dict[int, Any] = {n: self._new[n].get("text_sha256") for n in papers if n in self._new}
        asked = [n for n in papers if n not in found]
        if asked:
            rows = self.tx.rows("UNWIND $papers AS n MATCH (p:Paper {n: n}) RETURN n, p.text_sha256", papers=asked)
            found.update((n, digest) for n, digest in rows)
        return found

    def put_judgements(self, chosen: Mapping[int, Judgement]) -> None:
        self._put("judgement", {n: judgement_rows(each) for n, each in chosen.items()})

    def put_measured(self, chosen: Mapping[int, Measured]) -> None:
        self._put("measured", {n: measured_rows(each) for n, each in chosen.items()})

    def _put(self, kind: str, rows: Mapping[int, ReadingRows]) -> None:
        new = rows.keys() & self._new.keys()
        for n in new:
            self._new[n] |= shown_by(kind, rows[n], {})
        self._later.append(lambda: put_rows(self.tx, kind, rows, new))

    def fetched(self, works: Sequence[int]) -> Mapping[FetchKey, FetchRow]:
        return neo4j_told.fetched(self.tx, works)

    def put_fetches(self, rows: Sequence[FetchRow]) -> None:
        self._later.append(lambda: neo4j_told.put_fetches(self.tx, rows))

    def add_found(self, rows: Sequence[FoundRow]) -> int:
        new = neo4j_told.new_findings(self.tx, rows)
        self._later.append(lambda: neo4j_told.put_findings(self.tx, new))
        return len(new)

    def vectors(self, works: Sequence[int]) -> Mapping[tuple[int, str], bytes]:
        return neo4j_told.vectors(self.tx, works)

    def put_vectors(self, rows: Sequence[VectorRow]) -> None:
        self._later.append(lambda: neo4j_told.put_vectors(self.tx, rows))

    def has_run(self, run: int) -> bool:
        return neo4j_journal.has_run(self.tx, run)

    def faces(self, papers: Sequence[int]) -> Mapping[int, Face]:
        return neo4j_journal.faces(self.tx, papers)

    def judged(self, papers: Sequence[int]) -> Mapping[int, Judged]:
        return neo4j_journal.judged(self.tx, papers)

    def add_changes(self, run: int, rows: Sequence[ChangeRow]) -> None:
        neo4j_journal.add_changes(self.tx, run, rows, self.time)


def look_up(tx: Transaction, ids: Sequence[str]) -> list[Hit]:
    """Those of the canonical ids that are known."""
    return [Hit(*row) for row in tx.rows(LOOK_UP, ids=ids)]


def quarantine_key(source: str, id: str, title: str | None, reason: str, provenance: str | None) -> str:
    """What makes two refusals the same."""
    return dumps([source, id, reason, title or "", provenance or ""], ensure_ascii=False)


def refuse(tx: Transaction, rows: Sequence[tuple[str, str, str | None, str, str | None, str]]) -> int:
    """List records as kept out, each once; returns how many are new."""
    keyed: dict[str, tuple[str, str, str | None, str, str | None, str]] = {}
    for row in rows:
        source, id, title, reason, provenance, _ = row
        keyed.setdefault(quarantine_key(source, id, title, reason, provenance), row)
    known = {
        key for (key,) in tx.rows("UNWIND $keys AS key MATCH (x:Quarantined {key: key}) RETURN key", keys=list(keyed))
    }
    new = [(key, each) for key, each in keyed.items() if key not in known]
    if new:
        first = tx.take("next_quarantined", len(new))
        tx.run(
            "UNWIND $rows AS r CREATE (x:Quarantined) SET x = r",
            rows=[
                {
                    "key": key, "n": n, "name": title or id or reason, "source": source, "id": id, "title": title,
                    "reason": reason, "provenance": provenance, "time": time,
                }
                for n, (key, (source, id, title, reason, provenance, time)) in enumerate(new, first)
            ],
        )  # fmt: skip
    return len(new)
