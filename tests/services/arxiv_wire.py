"""The seeded world as arXiv's API tells it: Atom with opensearch counts, its query language, its error feed.

Format: info.arxiv.org/help/api/user-manual.html and what the API sent in 2025 and 2026. Deep pages fail with HTTP 500,
as they do there; the manual names 30,000, so 10,000 is on the strict side.
"""

from __future__ import annotations

import datetime
import re
import zlib
from html import escape

import numpy as np

from tests.services import texts
from tests.services.asked import ATOM, Asked, Given
from tests.services.world import TODAY, Flags, Ints, World, fold

PAGE = 2000
WINDOW = 10_000
_ID = re.compile(r"([0-9]{4}\.[0-9]{4,5}|[a-z]+(?:-[a-z]+)?(?:\.[A-Z]{2})?/[0-9]{7})(?:v([0-9]+))?")
_TOKEN = re.compile(
    r"\s*(?:(?P<operator>ANDNOT|AND|OR)(?=[\s()]|$)|(?P<bracket>[()])"
    r'|(?:(?P<field>[A-Za-z]+):)?(?:"(?P<phrase>[^"]*)"|\[(?P<low>[0-9*]+)\s+TO\s+(?P<high>[0-9*]+)\]|(?P<word>[^\s()"]+)))'
)
_FEED = (
    "<?xml version='1.0' encoding='UTF-8'?>\n"
    '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom"'
    ' xmlns="http://www.w3.org/2005/Atom">\n'
)


class Malformed(ValueError):
    """A query that cannot be read."""


class Arxiv:
    """Answers of `/api/query`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._present = np.array([id is not None for id in world.arxiv], dtype=bool)
        self._stamp = np.array([int(f"{self.published(row):%Y%m%d%H%M}") for row in range(len(world))], dtype=np.int64)
        self._found: dict[str, Flags] = {}

    def published(self, row: int) -> datetime.datetime:
        """When the first version came."""
        return datetime.datetime.combine(self.world.date(row), datetime.time(), datetime.UTC) + datetime.timedelta(
            minutes=row * 397 % 1440, seconds=row % 60
        )

    def updated(self, row: int, version: int) -> datetime.datetime:
        """When a version came, two months after the one before."""
        return self.published(row) + datetime.timedelta(days=61 * (version - 1))

    def answer(self, asked: Asked) -> Given:
        """One page, or an error feed."""
        start, most = asked.number("start", 0), asked.number("max_results", 10)
        if start is None or most is None:
            return error_feed("start and max_results must be integers")
        if most > PAGE:
            return error_feed(f"max_results must not exceed {PAGE}")
        if start + most > WINDOW and start:
            return Given(500, b"Internal Server Error", "text/plain")
        query, ids = asked.params.get("search_query", ""), asked.params.get("id_list", "")
        try:
            rows = self._rows(query, ids)
        except Malformed as error:
            return error_feed(str(error))
        if not ids:
            rows = self._sorted(rows, asked.params.get("sortBy", "relevance"), asked.params.get("sortOrder", ""))
        page = rows[start : start + most]
        return self.feed(
            f"search_query={query}&id_list={ids}&start={start}&max_results={most}", page, len(rows), start, most
        )

    def feed(self, about: str, page: list[tuple[int, int]], total: int, start: int, most: int) -> Given:
        """A feed of rows and versions, under counts that need not be true."""
        stamp = f"{TODAY}T00:00:00Z"
        head = (
            f"{_FEED}  <id>https://arxiv.org/api/{zlib.crc32(about.encode()):010d}</id>\n"
            f"  <title>arXiv Query: {escape(about)}</title>\n  <updated>{stamp}</updated>\n"
            f'  <link href="https://arxiv.org/api/query?{escape(about)}" type="application/atom+xml"/>\n'
            f"  <opensearch:itemsPerPage>{most}</opensearch:itemsPerPage>\n"
            f"  <opensearch:totalResults>{total}</opensearch:totalResults>\n"
            f"  <opensearch:startIndex>{start}</opensearch:startIndex>\n"
        )
        entries = "".join(self.entry(row, version) for row, version in page)
        return Given(200, f"{head}{entries}</feed>\n".encode(), ATOM)

    def entry(self, row: int, version: int) -> str:
        """One paper."""
        world = self.world
        address = f"{world.arxiv[row]}v{version}"
        gone = bool(world.withdrawn[row])
        names = "".join(
            f"    <author>\n      <name>{escape(name)}</name>\n    </author>\n" for _, name in world.authors(row)
        )
        categories = self.categories(row)
        doi = world.doi[row] if world.drawn[row, 11] % 10 < 7 else None
        parts = [
            f"  <entry>\n    <id>http://arxiv.org/abs/{address}</id>\n    <title>{escape(world.title(row))}</title>\n",
            f"    <updated>{self.updated(row, version):%Y-%m-%dT%H:%M:%SZ}</updated>\n",
            f'    <link href="https://arxiv.org/abs/{address}" rel="alternate" type="text/html"/>\n',
            f'    <link href="https://arxiv.org/pdf/{address}" rel="related" type="application/pdf" title="pdf"/>\n',
            f'    <link href="https://doi.org/{escape(doi)}" rel="related" title="doi"/>\n' if doi else "",
            f"    <summary>{'This paper has been withdrawn.' if gone else escape(world.abstract(row))}</summary>\n",
            *(f'    <category term="{each}" scheme="http://arxiv.org/schemas/atom"/>\n' for each in categories),
            f"    <published>{self.published(row):%Y-%m-%dT%H:%M:%SZ}</published>\n",
            "    <arxiv:comment>Withdrawn: an error in the evaluation</arxiv:comment>\n" if gone else "",
            f'    <arxiv:primary_category term="{categories[0]}"/>\n',
            f"    <arxiv:journal_ref>{escape(world.venue(row))}</arxiv:journal_ref>\n" if world.venue(row) else "",
            names,
            f"    <arxiv:doi>{escape(doi)}</arxiv:doi>\n" if doi else "",
            "  </entry>\n",
        ]
        return "".join(parts)

    def categories(self, row: int) -> list[str]:
        """One to three, the primary one first."""
        world = self.world
        id = world.arxiv[row] or ""
        known = texts.CATEGORIES[int(world.kind[row])]
        start = int(world.drawn[row, 11]) % 3
        mixed = [*known[start:], *known[:start]][: 1 + int(world.drawn[row, 10]) % 3]
        return [f"{id.partition('/')[0]}.{'SD' if id.startswith('cs') else 'CO'}", *mixed] if "/" in id else mixed

    def _rows(self, query: str, ids: str) -> list[tuple[int, int]]:
        """Rows and versions asked for; the newest version unless the id names one."""
        matches = self._matches(query) if query.strip() else None
        if not ids:
            return [] if matches is None else self._newest(np.flatnonzero(matches & self._present))
        found: list[tuple[int, int]] = []
        for each in ids.split(","):
            parts = _ID.fullmatch(each.strip())
            if parts is None:
                raise Malformed(f"incorrect id format for {each.strip()}")
            row = self.world.by_arxiv.get(re.sub(r"\.[A-Z]{2}/", "/", parts[1]))
            version = int(parts[2] or 0)
            if row is None or version > self.world.versions[row] or not (matches is None or matches[row]):
                continue
            entry = (row, version or int(self.world.versions[row]))
            if entry not in found:
                found.append(entry)
        return found

    def _newest(self, rows: Ints) -> list[tuple[int, int]]:
        return [(int(row), int(self.world.versions[row])) for row in rows]

    def _sorted(self, rows: list[tuple[int, int]], by: str, order: str) -> list[tuple[int, int]]:
        down = order != "ascending"
        if by == "submittedDate":
            return sorted(rows, key=lambda each: (self._stamp[each[0]], each[0]), reverse=down)
        if by == "lastUpdatedDate":
            return sorted(rows, key=lambda each: (self.updated(*each), each[0]), reverse=down)
        return sorted(rows, key=lambda each: each[0] * 2_654_435_761 % 2**32, reverse=down)

    def _matches(self, query: str) -> Flags:
        if query not in self._found:
            tokens = _tokens(query)
            self._found[query] = self._any(tokens)
            if tokens:
                raise Malformed("the query has a bracket too many")
        return self._found[query]

    def _any(self, tokens: list[dict[str, str | None]]) -> Flags:
        """Terms joined by OR, or by nothing, which means the same here."""
        found = self._all(tokens)
        while tokens and tokens[0]["bracket"] != ")":
            if tokens[0]["operator"] == "OR":
                tokens.pop(0)
            found = found | self._all(tokens)
        return found

    def _all(self, tokens: list[dict[str, str | None]]) -> Flags:
        found = self._term(tokens)
        while tokens and tokens[0]["operator"] in ("AND", "ANDNOT"):
            without = tokens.pop(0)["operator"] == "ANDNOT"
            term = self._term(tokens)
            found = found & (~term if without else term)
        return found

    def _term(self, tokens: list[dict[str, str | None]]) -> Flags:
        if not tokens or tokens[0]["operator"] or tokens[0]["bracket"] == ")":
            raise Malformed("the query lacks a term")
        token = tokens.pop(0)
        if token["bracket"]:
            found = self._any(tokens)
            if not tokens or tokens.pop(0)["bracket"] != ")":
                raise Malformed("the query lacks a closing bracket")
            return found
        if token["low"] and token["high"]:
            low, high = (token["low"].ljust(12, "0").replace("*", "0"), token["high"].ljust(12, "9").replace("*", "9"))
            return (self._stamp >= int(low[:12])) & (self._stamp <= int(high[:12]))
        return self._field(
            token["field"] or "all", token["phrase"] if token["phrase"] is not None else token["word"] or ""
        )

    def _field(self, field: str, text: str) -> Flags:
        world = self.world
        if field == "cat":
            return np.array([any(_category(text, each) for each in self.categories(row)) for row in range(len(world))])
        if field in ("id", "jr", "co", "rn"):
            return np.array([fold(text) in fold(world.venue(row)) and field == "jr" for row in range(len(world))])
        if field == "au":
            sought = fold(text.replace("_", " "))
            return np.array([any(sought in fold(name) for _, name in world.authors(row)) for row in range(len(world))])
        if field not in ("all", "ti", "abs"):
            raise Malformed(f"there is no field {field}")
        prefix = text.endswith("*")
        sought = f" {fold(text)}" + ("" if prefix else " ")
        if not sought.strip():
            return np.zeros(len(world), dtype=bool)
        if field == "all":
            return np.array([sought in words for words in world.words], dtype=bool)
        of = world.title if field == "ti" else world.abstract
        return np.array([sought in f" {fold(of(row))} " for row in range(len(world))], dtype=bool)


def error_feed(message: str, status: int = 400) -> Given:
    """arXiv's own way to say no: a feed with one entry called Error."""
    address = f"https://arxiv.org/api/errors#{re.sub(r'[^A-Za-z0-9.]+', '_', message)}"
    return Given(
        status,
        (
            f"{_FEED}  <id>https://arxiv.org/</id>\n  <title>arXiv Search Results</title>\n"
            f"  <updated>{TODAY}T00:00:00Z</updated>\n  <opensearch:itemsPerPage>1</opensearch:itemsPerPage>\n"
            "  <opensearch:totalResults>1</opensearch:totalResults>\n"
            "  <opensearch:startIndex>0</opensearch:startIndex>\n"
            f"  <entry>\n    <id>{address}</id>\n    <title>Error</title>\n    <updated>{TODAY}T00:00:00Z</updated>\n"
            f'    <link href="{address}" rel="alternate" type="text/html"/>\n    <summary>{escape(message)}</summary>\n'
            "    <author>\n      <name>arXiv api core</name>\n    </author>\n  </entry>\n</feed>\n"
        ).encode(),
        ATOM,
    )


def _tokens(query: str) -> list[dict[str, str | None]]:
    found, position = [], 0
    while query[position:].strip():
        token = _TOKEN.match(query, position)
        if token is None:
            raise Malformed("the query cannot be read")
        found.append(token.groupdict())
        position = token.end()
    return found


def _category(pattern: str, category: str) -> bool:
    return category.startswith(pattern[:-1]) if pattern.endswith("*") else category == pattern
