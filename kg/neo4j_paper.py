"""One paper with everything known of it, in one statement."""

from __future__ import annotations

from kg.answers import PaperDetails
from kg.batch_readings import judgement, measured
from kg.details import NEAREST, details
from kg.details import nearest as nearest_of
from kg.errors import InputError, NotFound
from kg.identity import normalise
from kg.model import Author, Decision, Fetch, Found
from kg.neo4j_engine import Transaction
from kg.neo4j_judge import READING, reading_rows
from kg.neo4j_read import ROW, paper_row, papers
from kg.paper_filter import PaperFilter

FIND = (
    "OPTIONAL MATCH (own:Paper {id: $id}) OPTIONAL MATCH (a:Alias {id: $id})-[:NAMES]->(other:Paper)"
    " WITH coalesce(own, other) AS p, coalesce(a.work, own.n) AS work WHERE p IS NOT NULL"
)
"""The paper `p` that an id names, and the work it was given to."""

PAPER = (
    f"{FIND} RETURN {ROW}, p.abstract, p.published_source, p.references_stated, p.standing, p.open_access, p.tldr,"
    " [(x:Alias)-[:NAMES]->(p) | x.id],"
    " COLLECT { MATCH (r:Record)-[:DESCRIBES]->(p)"
    " RETURN [r.source, r.provenance, r.time, r.categories, r.manifestations] ORDER BY r.n },"
    " COLLECT { MATCH (x:Author)-[w:WROTE]->(p) RETURN [x.id, x.name, x.name_only] ORDER BY w.position },"
    " COLLECT { MATCH (x:Reviewer)-[d:DECIDED]->(p)"
    " RETURN [d.criterion, d.verdict, x.name, d.reason, d.time] ORDER BY d.time DESC, d.n DESC },"
    " COLLECT { MATCH (x:ReadingList)-[:HOLDS]->(p) RETURN DISTINCT x.name ORDER BY x.name },"
    " COLLECT { MATCH (x:Merge)-[:INTO]->(p) RETURN x.absorbed_id ORDER BY x.absorbed_id },"
    " COLLECT { MATCH (x:Fetch)-[:ASKED]->(p)"
    " RETURN [x.source, x.what, x.state, x.got, x.stated, x.time] ORDER BY x.source, x.what, x.time, x.work },"
    " COLLECT { MATCH (x:Finding)-[:FOUND]->(p)"
    " WITH x.how AS how, x.source AS source, x.detail AS detail, min(x.time) AS time"
    " RETURN [how, source, detail, time] ORDER BY time, how, source, detail },"
    f" {READING}"
)
_ROW_WIDTH = 18


def paper(tx: Transaction, spelling: str) -> PaperDetails:
    """Everything known of the paper that any of its ids names.

    Raises:
        NotFound: with ids of papers that the text could mean.
    """
    try:
        id = normalise(spelling)
    except InputError:
        raise NotFound("paper", spelling, nearest=_by_words(tx, spelling)) from None
    found = tx.one(PAPER, id=id)
    if found is None:
        raise NotFound("paper", spelling, nearest=nearest(tx, id))
    row = paper_row(found[:_ROW_WIDTH])
    abstract, published_source, references_stated, standing, open_access, tldr, *rest = found[_ROW_WIDTH:]
    ids, records, authors, history, lists, merged, fetches, ways, *reading = rest
    readings = reading_rows(reading)
    return details(
        row,
        ids=ids,
        abstract=abstract,
        published_source=published_source,
        references_stated=references_stated,
        standing=standing,
        open_access=open_access,
        tldr=tldr,
        records=[tuple(each) for each in records],
        authors=[Author(*each) for each in authors],
        judgement=None if readings["judgement"] is None else judgement(readings["judgement"]),
        measured=None if readings["measured"] is None else measured(readings["measured"]),
        history=[Decision(row.id, *each) for each in history],
        lists=lists,
        merged=merged,
        fetches=[Fetch(row.id, *each) for each in fetches],
        found=[Found(row.id, *each) for each in ways],
    )


def find(tx: Transaction, spelling: str) -> tuple[int, int]:
    """The paper that an id names, and the work the id was given to. Raises NotFound."""
    try:
        id = normalise(spelling)
    except InputError:
        raise NotFound("paper", spelling) from None
    found = tx.one(f"{FIND} RETURN p.n, work", id=id)
    if found is None:
        raise NotFound("paper", spelling, nearest=nearest(tx, id))
    return found[0], found[1]


def nearest(tx: Transaction, id: str) -> list[str]:
    """Work ids whose spelling comes closest: those that share the longest beginning."""
    around = []
    for compared, order in ((">=", ""), ("<", "DESC")):
        both = [
            *tx.rows(
                f"MATCH (p:Paper) WHERE p.id {compared} $id RETURN p.id, p.id AS paper"
                f" ORDER BY p.id {order} LIMIT $most",
                id=id,
                most=NEAREST,
            ),
            *tx.rows(
                f"MATCH (a:Alias) WHERE a.id {compared} $id WITH a ORDER BY a.id {order} LIMIT $most"
                " MATCH (a)-[:NAMES]->(p:Paper) RETURN a.id, p.id",
                id=id,
                most=NEAREST,
            ),
        ]
        around += sorted(((each[0], each[1]) for each in both), reverse=compared == "<")[:NEAREST]
    return nearest_of(id, around)


def _by_words(tx: Transaction, text: str) -> list[str]:
    found = papers(tx, PaperFilter(text=text, include=()), "relevance", 0, NEAREST) if text.strip() else None
    return [] if found is None else [row.id for row in found.rows]
