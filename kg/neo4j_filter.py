"""A `PaperFilter` as conditions on a node `p` of `Paper`, and a text query in Lucene's words.

Values are parameters throughout; only property names and the number of conditions stand in the text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from kg.neo4j_engine import Transaction
from kg.neo4j_schema import SEARCH
from kg.paper_filter import PaperFilter
from kg.search_text import Clause, Query, Term, parse_query

EVERYTHING = PaperFilter(include=())
MOST_TERMS = 500
"""Lucene refuses a query of more than 1,024 parts."""

LONGEST = 255
"""Lucene cuts a longer token in two."""

_LONG = re.compile(rf"\S{{{LONGEST + 1},}}")
_SPECIAL = frozenset('+-&|!(){}[]^"~*?:\\/<>=@#')

_CONDITIONS = {
    "include": "p.include IN $include",
    "token_types": "p.token_type IN $token_types",
    "year_min": "p.year >= $year_min",
    "year_max": "p.year <= $year_max",
    "cluster": "p.cluster = $cluster",
    "reading_list": "EXISTS { (:ReadingList {name: $reading_list})-[:HOLDS]->(p) }",
}
_LISTED = {
    "topics": ("p.topics", " OR "),
    "criteria": ("p.verdicts", " AND "),
    "quantizers": ("p.quantizers", " OR "),
    "sources": ("p.sources", " OR "),
}
"""Where a field of several values looks, and how its values are joined; one comparison each is the quickest."""

_BITRATE = "any(x IN p.bitrates WHERE x >= $bitrate_min AND x <= $bitrate_max)"


@dataclass(frozen=True, slots=True)
class Condition:
    """What a paper `p` must hold, the parameters, and the Lucene query that it must match besides."""

    cypher: str
    values: Mapping[str, object]
    lucene: str | None = None
    ranked: bool = False
    """Every hit has a score that says how well it fits."""

    @property
    def papers(self) -> str:
        """The clauses that give every matching paper `p`, with its `score` where they are ranked."""
        if self.lucene is None:
            return f"MATCH (p:Paper) WHERE {self.cypher}"
        return (
            f"CALL db.index.fulltext.queryNodes('{SEARCH}', $lucene) YIELD node AS p, score"
            f" WITH p, score WHERE {self.cypher}"
        )


def condition(tx: Transaction, where: PaperFilter, *, lifted: Collection[str] = (), stubs: bool = False) -> Condition:
    """The conditions of a filter. A text too long for one query is asked in parts, and what it finds given along.

    Args:
        lifted: fields of the filter that do not count.
        stubs: let stubs through when the filter has no condition at all.
    """
    if stubs and where == EVERYTHING:
        return Condition("true", {})
    parts, values = ["NOT p:Stub"], dict[str, object]()
    lucene, ranked = None, False
    for name in PaperFilter.__dataclass_fields__:
        value = getattr(where, name)
        if name in lifted or value is None or value == ():
            continue
        if name == "text":
            if value.strip():
                query = parse_query(value)
                if not query:
                    parts.append("false")
                elif _size(query) > MOST_TERMS:
                    values["hits"] = sorted(_found(tx, query))
                    parts.append("p.n IN $hits")
                else:
                    values["lucene"] = lucene = lucene_query(query)
                    ranked = all(clause.wanted for clause in query)
        elif name.startswith("bitrate"):
            if "bitrate_min" not in values:
                parts.append(_BITRATE)
                values |= {"bitrate_min": 0.0, "bitrate_max": float("inf")}
            values[name] = float(value)
        elif name in _LISTED:
            place, joint = _LISTED[name]
            several = [f"{c}:{verdict}" for c, verdict in value] if name == "criteria" else value
            each = {f"{name}_{at}": one for at, one in enumerate(several)}
            values |= each
            parts.append(f"({joint.join(f'${parameter} IN {place}' for parameter in each)})")
        else:
            parts.append(_CONDITIONS[name])
            values[name] = _plain(value)
    return Condition(" AND ".join(parts), values, lucene, ranked)


def indexed(text: str | None) -> str | None:
    """A search text as it is indexed: what Lucene would cut in two gets a short name instead."""
    return None if text is None else _LONG.sub(lambda found: _named(found[0]), text)


def _named(token: str) -> str:
    if len(token) <= LONGEST:
        return token
    return token[:180] + hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def lucene_query(query: Query) -> str:
    """A query as Lucene's classic parser reads it over an index that only splits at spaces."""
    return " ".join(_clause(each) for each in query)


def _clause(clause: Clause) -> str:
    # A clause that only excludes needs something to exclude from.
    wanted = _all(clause.wanted) if clause.wanted else "+*:*"
    return f"({wanted}{''.join(f' -({_all(group)})' for group in clause.unwanted)})"


def _all(terms: Sequence[Term]) -> str:
    return " ".join(
        f"+{_escaped(term.tokens[0][:LONGEST])}*" if term.prefix else f'+"{_phrase(term)}"' for term in terms
    )


def _phrase(term: Term) -> str:
    return " ".join(_escaped(_named(token)) for token in term.tokens)


def _escaped(token: str) -> str:
    return "".join(f"\\{each}" if each in _SPECIAL else each for each in token)


def _size(query: Query) -> int:
    return sum(len(clause.wanted) + sum(map(len, clause.unwanted)) for clause in query)


def _found(tx: Transaction, query: Query) -> set[int]:
    """What a query finds whose terms are more than one query may hold."""

    def hits(clause: Clause) -> set[int]:
        return set(
            tx.value(
                f"CALL db.index.fulltext.queryNodes('{SEARCH}', $lucene) YIELD node RETURN collect(node.n)",
                lucene=_clause(clause),
            )
        )

    found: set[int] = set()
    for clause in query:
        parts = [clause.wanted[at : at + MOST_TERMS] for at in range(0, len(clause.wanted), MOST_TERMS)]
        matching = set[int].intersection(*(hits(Clause(part, ())) for part in parts or [()]))
        for group in clause.unwanted:
            parts = [group[at : at + MOST_TERMS] for at in range(0, len(group), MOST_TERMS)]
            matching -= set[int].intersection(*(hits(Clause(part, ())) for part in parts))
        found |= matching
    return found


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
