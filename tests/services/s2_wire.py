"""The seeded world as Semantic Scholar's Graph API tells it: search, batch, single papers, citations and references.

Format: api.semanticscholar.org/api-docs/graph and recorded exchanges. Its limits are kept, silent ones too: a batch
gives 500 papers and 9,999 citations in all and then empty lists, a list is read up to the 9,999th entry, a paper's own
answer holds 1,000 citations, and publishers hold some reference lists back (`"data": null`).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from tests.services import texts
from tests.services.asked import Asked, Given, given_json
from tests.services.s2_query import Malformed, matches
from tests.services.world import Ints, World

BATCH = 500
NESTED_IN_BATCH = 9_999
NESTED = 1_000
DEEPEST = 10_000
PAGE = 1_000
SEARCHED = 1_000
FLAT = frozenset(
    (
        "paperId",
        "corpusId",
        "externalIds",
        "url",
        "title",
        "abstract",
        "venue",
        "publicationVenue",
        "year",
        "referenceCount",
        "citationCount",
        "influentialCitationCount",
        "isOpenAccess",
        "openAccessPdf",
        "fieldsOfStudy",
        "s2FieldsOfStudy",
        "publicationTypes",
        "publicationDate",
        "journal",
        "citationStyles",
        "authors",
        "embedding",
        "tldr",
    )
)
EDGE = frozenset(("contexts", "intents", "isInfluential", "contextsWithIntent"))


class Refused(Exception):
    """A request that gets a 400, with the message."""


class SemanticScholar:
    """Answers of `/graph/v1/paper...`. `nested` is how many citations a batch gives in all before it falls silent."""

    def __init__(self, world: World, nested: int = NESTED_IN_BATCH, deepest: int = DEEPEST) -> None:
        self.world = world
        self.nested = nested
        self.deepest = deepest
        self._found: dict[str, Ints] = {}

    def answer(self, asked: Asked) -> Given:
        """One answer of any of its endpoints."""
        path = asked.path.removeprefix("/graph/v1/paper/")
        try:
            if asked.endpoint == "s2.search":
                return given_json(self._bulk(asked) if path == "search/bulk" else self._search(asked))
            if asked.endpoint == "s2.batch":
                return given_json(self._batch(asked))
            id, _, list_name = path.rpartition("/") if asked.endpoint != "s2.paper" else (path, "", "")
            row = self.find(id)
            if row is None:
                return given_json({"error": f"Paper with id {id} not found"}, 404)
            if list_name:
                return given_json(self._linked(row, list_name, asked))
            return given_json(self.paper(row, self._fields(asked), NESTED))
        except Refused as error:
            return given_json({"error": str(error)}, 400)

    def find(self, id: str) -> int | None:
        """The row for any spelling of an id."""
        world = self.world
        if re.fullmatch("[0-9a-f]{40}", id):
            return world.by_s2.get(id)
        prefix, colon, value = id.partition(":")
        known = {"arxiv", "corpusid", "doi", "mag", "acl", "pmid", "pmcid", "url", "dblp"}
        if not colon or prefix.lower() not in known:
            return world.by_doi.get(id.lower()) if id.startswith("10.") else None
        if prefix.lower() == "arxiv":
            return world.by_arxiv.get(re.sub(r"v[0-9]+$", "", value))
        if prefix.lower() == "corpusid":
            return world.by_corpus.get(int(value)) if value.isdecimal() else None
        return world.by_doi.get(value.lower()) if prefix.lower() == "doi" else None

    def paper(self, row: int, fields: Iterable[str], most: int) -> dict[str, Any]:
        """A paper with the fields asked for, `paperId` always among them; nested lists hold up to `most`."""
        asked: dict[str, list[str]] = {}
        for each in fields:
            name, _, inner = each.partition(".")
            asked.setdefault(name, []).extend([inner] if inner else [])
        told = {"paperId": self.world.s2[row]}
        for name, inner in asked.items():
            if name in ("citations", "references"):
                told[name] = self._nested(row, name, inner, most)
            elif name == "embedding":
                told[name] = self._embedding(row, "specter_v2" if "specter_v2" in inner else "specter_v1")
            elif name != "paperId":
                told[name] = self._flat(row, name)
        return told

    def _flat(self, row: int, name: str) -> Any:
        world = self.world
        date = world.date(row)
        arxiv, doi, corpus = world.arxiv[row], world.doi[row], int(world.corpus[row])
        if name == "externalIds":
            ids: dict[str, Any] = {"ArXiv": arxiv} if arxiv else {}
            if doi or arxiv:
                ids["DOI"] = doi or f"10.48550/arXiv.{arxiv}"
            return ids | {"CorpusId": corpus}
        if name == "authors":
            return [
                {"authorId": None if number % 41 == 0 else str(1_700_000 + number), "name": person}
                for number, person in world.authors(row)
            ]
        venue = world.venue(row) or ("arXiv.org" if arxiv else "")
        open_at = f"https://arxiv.org/pdf/{arxiv}" if arxiv else None
        match name:
            case "corpusId":
                return corpus
            case "url":
                return f"https://www.semanticscholar.org/paper/{world.s2[row]}"
            case "title":
                return world.title(row)
            case "abstract":
                return world.abstract(row) if world.abstract_at_s2[row] else None
            case "venue":
                return venue
            case "publicationVenue":
                return {"id": f"venue-{len(venue):04d}", "name": venue, "type": "conference"} if venue else None
            case "year":
                return date.year
            case "publicationDate":
                return date.isoformat() if world.dated[row] else None
            case "referenceCount":
                return int(world.references_at_s2[row])
            case "citationCount":
                return int(world.citations_at_s2[row])
            case "influentialCitationCount":
                return int(world.influential_at_s2[row])
            case "isOpenAccess":
                return arxiv is not None
            case "openAccessPdf":
                return {"url": open_at, "status": "GREEN", "license": None} if open_at else None
            case "fieldsOfStudy":
                return ["Computer Science"] if world.kind[row] != texts.OTHER else None
            case "s2FieldsOfStudy":
                return [{"category": "Computer Science", "source": "s2-fos-model"}]
            case "publicationTypes":
                return ["Conference"] if doi else None
            case "journal":
                return {"name": venue} if venue else None
            case "citationStyles":
                return {
                    "bibtex": f"@Article{{paper{row},\n title = {{{world.title(row)}}},\n year = {{{date.year}}}\n}}\n"
                }
            case "tldr":
                words = texts.summary(int(world.kind[row]), world.drawn[row])
                return {"model": "tldr@v2.0.0", "text": words} if world.drawn[row, 8] % 3 else None
        raise AssertionError(name)

    def _embedding(self, row: int, model: str) -> dict[str, Any]:
        kind = np.random.default_rng((self.world.seed, int(self.world.kind[row]))).normal(size=768)
        own = np.random.default_rng((self.world.seed, 7, int(self.world.text[row]))).normal(size=768)
        return {"model": model, "vector": np.round(kind + 0.5 * own, 5).tolist()}

    def _nested(self, row: int, name: str, inner: list[str], most: int) -> list[dict[str, Any]] | None:
        if name == "references" and self.world.elided[row]:
            return None
        inner = inner or ["title"]
        ends = [self.paper(int(each), inner, 0) for each in self._ends(row, name)[:most]]
        # The list in a paper's own record holds unresolved references too, and is as long as its count.
        unresolved = int(self.world.unresolved[row]) if name == "references" else 0
        return (ends + [_nameless(len(ends) + at, inner) for at in range(unresolved)])[:most]

    def _ends(self, row: int, name: str) -> Ints:
        places = self._places(row, name)
        return self.world.edges.citing[places] if name == "citations" else self.world.edges.cited[places]

    def _places(self, row: int, name: str) -> Ints:
        """Positions of the citations that Semantic Scholar knows, the newest citing paper first."""
        edges = self.world.edges
        part = self.world.references(row)
        places = self.world.citations(row)[::-1] if name == "citations" else np.arange(part.start, part.stop)
        return places[edges.s2[places]]

    def _linked(self, row: int, name: str, asked: Asked) -> dict[str, Any]:
        """A page of `/citations` or `/references`."""
        offset, limit = self._window(asked, PAGE, self.deepest)
        fields = self._fields(asked, EDGE)
        other = "citingPaper" if name == "citations" else "citedPaper"
        if name == "references" and self.world.elided[row]:
            note = "Notice: the fields {'references'} are held back by the publisher."
            info = {"paperId": self.world.s2[row], "openAccessPdf": {"url": "", "status": "CLOSED", "disclaimer": note}}
            return {"offset": offset, "citingPaperInfo": info, "data": None}
        places = self._places(row, name)
        unresolved = int(self.world.unresolved[row]) if name == "references" else 0
        ends = self._ends(row, name)
        data = []
        for at in range(offset, min(offset + limit, len(places) + unresolved)):
            if at < len(places):
                end, place = int(ends[at]), int(places[at])
                data.append(
                    self._edge(place, fields) | {other: self.paper(end, (f for f in fields if f not in EDGE), 0)}
                )
            else:
                bare = {name: [] for name in fields if name in EDGE - {"isInfluential"}}
                data.append(bare | ({"isInfluential": False} if "isInfluential" in fields else {}) | {
                    other: _nameless(at, (f for f in fields if f not in EDGE))
                })  # fmt: skip
        more = offset + limit < len(places) + unresolved
        return {"offset": offset} | ({"next": offset + limit} if more else {}) | {"data": data}

    def _edge(self, place: int, fields: list[str]) -> dict[str, Any]:
        edges = self.world.edges
        citing, cited = int(edges.citing[place]), int(edges.cited[place])
        count = int(edges.contexts[place])
        contexts = [texts.context(citing, cited, which) for which in range(count)]
        intents = sorted({texts.INTENTS[(citing + which) % 3] for which in range(count)})
        whole = {
            "contexts": contexts,
            "intents": intents,
            "isInfluential": bool(edges.influential[place]),
            "contextsWithIntent": [
                {"context": words, "intents": [texts.INTENTS[(citing + which) % 3]]}
                for which, words in enumerate(contexts)
            ],
        }
        return {name: whole[name] for name in fields if name in EDGE}

    def _batch(self, asked: Asked) -> list[dict[str, Any] | None]:
        try:
            ids = json.loads(asked.body or b"null")["ids"]
        except (ValueError, TypeError, KeyError):
            raise Refused("No ids in the body") from None
        if not isinstance(ids, list) or not ids or len(ids) > BATCH or not all(isinstance(each, str) for each in ids):
            raise Refused(f"ids must be a list of 1 to {BATCH} strings")
        fields = self._fields(asked)
        left = {"citations": self.nested, "references": self.nested}
        found: list[dict[str, Any] | None] = []
        for id in ids:
            row = self.find(id)
            told = None if row is None else self.paper(row, fields, self.nested)
            for name in left:
                if told and told.get(name):
                    told[name] = told[name][: left[name]]
                    left[name] -= len(told[name])
            found.append(told)
        return found

    def _bulk(self, asked: Asked) -> dict[str, Any]:
        """A page of 1,000 and the token of the next; `token` is null at the end."""
        fields = self._fields(asked)
        rows = self._searched(asked)
        start = 0
        if token := asked.params.get("token"):
            try:
                start = int(base64.urlsafe_b64decode(token).decode().rpartition("@")[2])
            except ValueError:
                raise Refused("The token is not valid or has expired") from None
        end = start + PAGE
        token = base64.urlsafe_b64encode(f"{asked.params.get('query', '')}@{end}".encode()).decode()
        return {
            "total": len(rows),
            "token": token if end < len(rows) else None,
            "data": [self.paper(int(row), fields, 0) for row in rows[start:end]],
        }

    def _search(self, asked: Asked) -> dict[str, Any]:
        offset, limit = self._window(asked, 100, SEARCHED + 1)
        rows = self._searched(asked)
        told: dict[str, Any] = {"total": len(rows), "offset": offset}
        if not len(rows):
            return told
        if offset + limit < min(len(rows), SEARCHED):
            told["next"] = offset + limit
        return told | {"data": [self.paper(int(row), self._fields(asked), 0) for row in rows[offset : offset + limit]]}

    def _searched(self, asked: Asked) -> Ints:
        query = asked.params.get("query", "")
        if not query.strip():
            raise Refused("Missing required parameter: 'query'")
        if query not in self._found:
            try:
                self._found[query] = np.flatnonzero(matches(query, self.world.words))
            except Malformed as error:
                raise Refused(str(error)) from None
        rows = self._found[query]
        low, high = _span(
            asked.params.get("publicationDateOrYear", "") or asked.params.get("year", "").replace("-", ":", 1)
        )
        day = np.array([self.world.date(int(row)).isoformat() for row in rows])
        if len(rows):
            rows = rows[(day >= low) & (day <= high)]
        if least := asked.params.get("minCitationCount"):
            rows = rows[self.world.citations_at_s2[rows] >= int(least)]
        by, _, order = asked.params.get("sort", "paperId:asc").partition(":")
        key = {
            "paperId": lambda row: self.world.s2[row],
            "publicationDate": lambda row: (int(self.world.day[row]), row),
            "citationCount": lambda row: (int(self.world.citations_at_s2[row]), row),
        }.get(by)
        if key is None:
            raise Refused(f"Unacceptable sort: {by}")
        return np.array(sorted((int(row) for row in rows), key=key, reverse=order == "desc"), dtype=np.int64)

    def _fields(self, asked: Asked, more: frozenset[str] = frozenset()) -> list[str]:
        fields = [each for each in asked.params.get("fields", "").split(",") if each]
        lists = (
            set() if asked.endpoint in ("s2.search", "s2.citations", "s2.references") else {"citations", "references"}
        )
        unknown = [each for each in fields if each.partition(".")[0] not in FLAT | more | lists]
        if unknown:
            raise Refused(f"Unrecognized or unsupported fields: [{', '.join(unknown)}]")
        return fields or ["title"]

    def _window(self, asked: Asked, most: int, deepest: int) -> tuple[int, int]:
        offset, limit = asked.number("offset", 0), asked.number("limit", 100)
        if offset is None or limit is None or not 1 <= limit <= most:
            raise Refused(f"limit must be between 1 and {most}")
        if offset + limit >= deepest:
            raise Refused(f"offset + limit must be < {deepest}")
        return offset, limit


def _nameless(at: int, fields: Iterable[str]) -> dict[str, Any]:
    """A reference that the service could not resolve: a title, no id, nothing else."""
    told = {"paperId": None} | dict.fromkeys(each.partition(".")[0] for each in fields)
    return told | ({"title": f"An unlisted report, part {at + 1}"} if "title" in told else {})


def _span(stated: str) -> tuple[str, str]:
    """First and last day of `2023`, `2023-04`, `2023-01-01:2024-06`, `2023:` or `:2024`."""
    low, colon, high = stated.partition(":")
    if not colon:
        high = low
    return low, f"{high}-99-99"[:10] if high else "9999"
