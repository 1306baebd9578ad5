"""The contract in plain Python over whole records, slow and short: what engines are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from kg.answers import Facets, PaperDetails
from kg.paper_filter import PaperFilter
from kg.search_text import matches, parse_query, search_text


def searched(paper: PaperDetails) -> str:
    """The search text of a paper."""
    told = paper.paper
    names = [author.name for author in told.authors or ()]
    return search_text(told.title, told.abstract, names, told.venue, sorted(told.ids))


def verdicts(paper: PaperDetails) -> dict[str, str]:
    """What counts per criterion: a person's decision before the rules."""
    by_rules = {each.criterion: str(each.verdict) for each in paper.judgement.verdicts} if paper.judgement else {}
    decided = {criterion: str(each.verdict) for criterion, each in paper.decisions.items() if criterion != "include"}
    return by_rules | decided


def matching(papers: Sequence[PaperDetails], where: PaperFilter, lifted: Collection[str] = ()) -> list[PaperDetails]:
    """The papers that fulfil every condition of a filter but those lifted."""

    def holds(paper: PaperDetails) -> bool:
        row = paper.row
        checks: Mapping[str, bool] = {
            "text": not (where.text or "").strip() or matches(parse_query(where.text or ""), searched(paper)),
            "topics": not where.topics or not set(where.topics).isdisjoint(row.topics),
            "criteria": all(verdicts(paper).get(criterion) == verdict for criterion, verdict in where.criteria),
            "include": not where.include or row.include in where.include,
            "token_types": not where.token_types or row.token_type in where.token_types,
            "quantizers": not where.quantizers or not set(where.quantizers).isdisjoint(row.quantizers),
            "bitrate": (where.bitrate_min is None and where.bitrate_max is None)
            or any(
                (where.bitrate_min or 0) <= rate <= (float("inf") if where.bitrate_max is None else where.bitrate_max)
                for rate in row.bitrates
            ),
            "year_min": where.year_min is None or (row.year is not None and row.year >= where.year_min),
            "year_max": where.year_max is None or (row.year is not None and row.year <= where.year_max),
            "sources": not where.sources or not {each.source for each in paper.sources}.isdisjoint(where.sources),
            "cluster": where.cluster is None or row.cluster == where.cluster,
            "reading_list": where.reading_list is None or where.reading_list in paper.lists,
        }
        return all(kept for name, kept in checks.items() if name not in lifted)

    return [paper for paper in papers if holds(paper)]


def facets(papers: Sequence[PaperDetails], where: PaperFilter) -> Facets:
    """Counts under a filter, each with its own field lifted."""

    def under(*own: str) -> list[PaperDetails]:
        return matching(papers, where, own)

    years = [paper.row.year for paper in under("year_min", "year_max")]
    return Facets(
        topics=Counter(topic for paper in under("topics") for topic in paper.row.topics),
        include=Counter(str(paper.row.include) for paper in under("include") if paper.row.include),
        token_types=Counter(str(paper.row.token_type) for paper in under("token_types") if paper.row.token_type),
        quantizers=Counter(kind for paper in under("quantizers") for kind in paper.row.quantizers),
        years=Counter(year for year in years if year is not None),
        sources=Counter(each.source for paper in under("sources") for each in paper.sources),
        clusters=Counter(paper.row.cluster for paper in under("cluster") if paper.row.cluster is not None),
        criteria=Counter(pair for paper in under("criteria") for pair in verdicts(paper).items()),
        unknown_year=years.count(None),
    )
