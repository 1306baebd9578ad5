"""Citations between works: written once per pair, flagged, counted, and moved when works are merged or taken apart.

`cites` holds what counts now. As soon as a work takes part in a merge, its citations are also kept in `told`, between
the works they were told of; `cites` then follows from `told`, so a merge can be undone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from kg.combine import Kept, folded, is_younger, told_once, united
from kg.model import Citation
from kg.sqlite_papers import numbers
from kg.sqlite_write import BatchWriter, Place

Pair = tuple[int, int]
Row = tuple[int, int, int, bool | None, str | None, str]


def write_citations(writer: BatchWriter, citations: Sequence[Citation]) -> None:
    """Write the citations of a batch; ids nothing is known of become stubs."""
    if not citations:
        return
    spelt = {each.citing for each in citations}
    spelt.update([each.cited for each in citations])
    writer.resolve(spelt)
    writer.mint_stubs(spelt)
    places = writer.places(spelt)
    papers = {spelling: place[0] for spelling, place in places.items()}
    told = _tell(writer, citations, places)
    new, more = _pairs(writer, citations, papers)
    stored = _stored(writer.con, new)
    rows: list[Row] = []
    updates: list[tuple[bool | None, str | None, str, int, int]] = []
    date = writer.date
    for pair in sorted(new):
        citing, cited = pair
        sources, influential, intents = told_once(new[pair]) if pair not in more else folded(more[pair])
        if pair in stored:
            old = stored[pair]
            both = united(old, (sources, influential, intents))
            if both is not old:
                updates.append((both[1], both[2], both[0], citing, cited))
            continue
        later, earlier = date[cited], date[citing]
        younger = later is not None and earlier is not None and later > earlier and is_younger(later, earlier)
        # A bool would be bound through Python's adapters, at twice the price of a row.
        rows.append((citing, cited, 1 if younger else 0, influential, intents, sources))
    writer.con.executemany(
        "INSERT INTO cites (citing, cited, younger, influential, intents, sources) VALUES (?, ?, ?, ?, ?, ?)", rows
    )
    writer.con.executemany(
        "UPDATE cites SET influential = ?, intents = ?, sources = ? WHERE citing = ? AND cited = ?", updates
    )
    _count(writer, rows)
    counts = writer.counts
    counts["citations_new"] += len(rows)
    counts["younger"] += sum(row[2] for row in rows)
    counts["duplicates"] += len(citations) - len(rows) - counts["self_citations"]
    writer.changed = writer.changed or bool(rows or updates or told)


def _pairs(
    writer: BatchWriter, citations: Sequence[Citation], papers: dict[str, int]
) -> tuple[dict[Pair, Citation], dict[Pair, list[Citation]]]:
    """The first citation of every pair, and all of those that are told of several times."""
    first: dict[Pair, Citation] = {}
    more: dict[Pair, list[Citation]] = {}
    selves = 0
    for each in citations:
        pair = (papers[each.citing], papers[each.cited])
        if pair[0] == pair[1]:
            selves += 1
        elif pair in first:
            more.setdefault(pair, [first[pair]]).append(each)
        else:
            first[pair] = each
    writer.counts["self_citations"] += selves
    return first, more


def _stored(con: sqlite3.Connection, pairs: dict[Pair, Citation]) -> dict[Pair, Kept]:
    """Those of the pairs that are stored already. Papers that cite nothing yet, the usual case, cost one look."""
    citing = {pair[0] for pair in pairs}
    known = {
        n
        for (n,) in con.execute(
            "SELECT j.value FROM json_each(?) AS j WHERE EXISTS (SELECT 1 FROM cites WHERE citing = j.value)",
            (numbers(citing),),
        )
    }
    if not known:
        return {}
    asked = "[" + ",".join(f"{a},{b}" for a, b in pairs if a in known) + "]"
    return {
        (a, b): (sources, None if influential is None else bool(influential), intents)
        for a, b, sources, influential, intents in con.execute(
            "SELECT c.citing, c.cited, c.sources, c.influential, c.intents"
            " FROM (SELECT value AS citing, lead(value) OVER (ORDER BY key) AS cited, key FROM json_each(?)) AS j"
            " CROSS JOIN cites AS c ON c.citing = j.citing AND c.cited = j.cited WHERE j.key % 2 = 0",
            (asked,),
        )
    }


def _count(writer: BatchWriter, rows: Sequence[Row]) -> None:
    stub = writer.stub
    cited_by: dict[int, int] = {}
    refs: dict[int, int] = {}
    for citing, cited, _, _, _, _ in rows:
        if not stub[citing]:
            cited_by[cited] = cited_by.get(cited, 0) + 1
        if not stub[cited]:
            refs[citing] = refs.get(citing, 0) + 1
    writer.con.executemany(
        "UPDATE degrees SET cited_by = cited_by + ?, refs = refs + ? WHERE paper = ?",
        [(cited_by.get(n, 0), refs.get(n, 0), n) for n in sorted(cited_by.keys() | refs.keys())],
    )


def _tell(writer: BatchWriter, citations: Sequence[Citation], places: dict[str, Place]) -> bool:
    """Keep what is told of works that take part in merges; returns whether that was new."""
    con = writer.con
    merged = {n for pair in con.execute("SELECT kept, absorbed FROM merges") for n in pair}
    if not merged:
        return False
    pairs: dict[Pair, list[Citation]] = {}
    for each in citations:
        citing, cited = places[each.citing], places[each.cited]
        if not merged.isdisjoint((*citing, *cited)) and citing[1] != cited[1]:
            pairs.setdefault((citing[1], cited[1]), []).append(each)
    changed = False
    for (citing_n, cited_n), told in sorted(pairs.items()):
        new = folded(told)
        found = con.execute(
            "SELECT sources, influential, intents FROM told WHERE citing = ? AND cited = ?", (citing_n, cited_n)
        ).fetchone()
        old = None if found is None else (found[0], None if found[1] is None else bool(found[1]), found[2])
        kept = new if old is None else united(old, new)
        if kept is not old:
            con.execute(
                "INSERT OR REPLACE INTO told (citing, cited, sources, influential, intents) VALUES (?, ?, ?, ?, ?)",
                (citing_n, cited_n, *kept),
            )
            changed = True
    return changed
