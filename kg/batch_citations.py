"""Which citations a batch adds and which it tells again: once per pair, flagged and counted. No engine decides this."""

from __future__ import annotations

from collections.abc import Sequence

from kg.batch import BatchWriter
from kg.batch_rows import CitationRow, Pair, Place
from kg.combine import Kept, folded, is_younger, told_once, united
from kg.model import Citation


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
    stored = writer.rows.citations(new)
    rows: list[CitationRow] = []
    updates: dict[Pair, Kept] = {}
    quoted: dict[Pair, str] = {}
    date = writer.date
    for pair in sorted(new):
        citing, cited = pair
        now = told_once(new[pair]) if pair not in more else folded(more[pair])
        if pair in stored:
            old = stored[pair]
            both = united(old, now)
            if both is not old:
                updates[pair] = both
            continue
        sources, influential, intents, contexts = now
        if contexts is not None:
            quoted[pair] = contexts
        later, earlier = date[cited], date[citing]
        younger = later is not None and earlier is not None and later > earlier and is_younger(later, earlier)
        # A bool would be bound through SQLite's adapters, at twice the price of a row.
        rows.append(CitationRow(citing, cited, 1 if younger else 0, influential, intents, sources))
    if updates:
        writer.rows.change_citations(updates)
    if rows:
        writer.rows.add_citations(rows, *_degrees(writer, rows), quoted)
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


def _degrees(writer: BatchWriter, rows: Sequence[CitationRow]) -> tuple[dict[int, int], dict[int, int]]:
    """How many more citers and references each paper has; a stub at the other end does not count."""
    stub = writer.stub
    cited_by: dict[int, int] = {}
    refs: dict[int, int] = {}
    for citing, cited, _, _, _, _ in rows:
        if not stub[citing]:
            cited_by[cited] = cited_by.get(cited, 0) + 1
        if not stub[cited]:
            refs[citing] = refs.get(citing, 0) + 1
    return cited_by, refs


def _tell(writer: BatchWriter, citations: Sequence[Citation], places: dict[str, Place]) -> bool:
    """Keep what is told of works that take part in merges; returns whether that was new."""
    merged = writer.rows.merged_works()
    if not merged:
        return False
    pairs: dict[Pair, list[Citation]] = {}
    for each in citations:
        citing, cited = places[each.citing], places[each.cited]
        if not merged.isdisjoint((*citing, *cited)) and citing[1] != cited[1]:
            pairs.setdefault((citing[1], cited[1]), []).append(each)
    if not pairs:
        return False
    stored = writer.rows.told(sorted(pairs))
    changed: dict[Pair, Kept] = {}
    for pair, told in sorted(pairs.items()):
        new = folded(told)
        old = stored.get(pair)
        kept = new if old is None else united(old, new)
        if kept is not old:
            changed[pair] = kept
    if changed:
        writer.rows.put_told(changed)
    return bool(changed)
