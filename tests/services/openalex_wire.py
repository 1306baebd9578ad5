"""The seeded world as OpenAlex tells it: single works by id or DOI, in its JSON.

Format: developers.openalex.org (works, get single entities, errors). A work that is not there is a 404 whose body is a
web page, as a gateway writes it, which a client must not try to read.
"""

from __future__ import annotations

from typing import Any

from tests.services import texts
from tests.services.asked import HTML, Asked, Given, given_json
from tests.services.world import World

_MISSING = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"


class OpenAlex:
    """Answers of `/works/...`."""

    def __init__(self, world: World) -> None:
        self.world = world

    def answer(self, asked: Asked) -> Given:
        """One work."""
        found = self.find(asked.path.removeprefix("/works/"))
        if found is None:
            return Given(404, _MISSING, HTML)
        work = self.work(*found)
        select = asked.params.get("select", "")
        unknown = [each for each in select.split(",") if select and each not in work]
        if unknown:
            return given_json(
                {"error": "Invalid query parameters error.", "message": f"{unknown[0]} is not a field"}, 403
            )
        return given_json({name: work[name] for name in select.split(",")} if select else work)

    def find(self, id: str) -> tuple[int, int] | None:
        """Row, and which of its works, for any spelling of an id."""
        text = id.strip()
        for prefix in ("https://openalex.org/", "openalex:"):
            text = text.removeprefix(prefix)
        if text[:1] in "Ww" and text[1:].isdecimal():
            return self.world.by_openalex.get(text.upper())
        for prefix in ("https://doi.org/", "http://doi.org/", "doi:"):
            text = text.removeprefix(prefix)
        row = self.world.by_doi.get(text.lower())
        if row is None or not self.world.openalex[row]:
            return None
        preprint = text.lower().startswith("10.48550/")
        if preprint and self.world.doi[row] is not None and len(self.world.openalex[row]) == 1:
            return None
        return row, int(preprint and len(self.world.openalex[row]) == 2)

    def work(self, row: int, which: int) -> dict[str, Any]:
        """A work with the fields that matter to a citation graph, and some that do not."""
        world = self.world
        id = f"https://openalex.org/{world.openalex[row][which]}"
        preprint = world.doi[row] is None or which == 1
        doi = (
            f"10.48550/arxiv.{world.arxiv[row]}"
            if preprint and world.arxiv[row]
            else None
            if preprint
            else world.doi[row]
        )
        address = f"https://doi.org/{doi.lower()}" if doi else None
        # Preprint and published version each have a list; the preprint's lacks the end.
        listed = self._referenced(row)
        listed = listed[: len(listed) * 2 // 3] if which == 1 else listed
        return {
            "id": id,
            "doi": address,
            "title": world.title(row),
            "display_name": world.title(row),
            "publication_year": world.date(row).year,
            "publication_date": world.date(row).isoformat(),
            "ids": {"openalex": id} | ({"doi": address} if address else {}),
            "language": "en",
            "type": "preprint" if preprint else "article",
            "primary_location": self._location(row, preprint, address),
            "locations": [self._location(row, preprint, address)],
            "open_access": {"is_oa": preprint, "oa_status": "green" if preprint else "closed", "oa_url": None},
            "authorships": self._authorships(row),
            "cited_by_count": int(world.citations_at_openalex[row]) if which == 0 else 0,
            "is_retracted": bool(world.withdrawn[row]),
            "is_paratext": False,
            "referenced_works_count": len(listed),
            "referenced_works": listed,
            "abstract_inverted_index": _inverted(world.abstract(row)) if world.drawn[row, 9] % 6 else None,
            "updated_date": "2025-11-30T00:00:00.000000",
            "created_date": world.date(row).isoformat(),
        }

    def _referenced(self, row: int) -> list[str]:
        world, part = self.world, self.world.references(row)
        cited = world.edges.cited[part][world.edges.openalex[part]]
        works = (world.openalex[int(each)] for each in cited)
        return [f"https://openalex.org/{ids[(row + len(ids)) % len(ids)]}" for ids in works if ids]

    def _location(self, row: int, preprint: bool, address: str | None) -> dict[str, Any]:
        arxiv = self.world.arxiv[row]
        page = f"https://arxiv.org/abs/{arxiv}" if preprint and arxiv else address
        name = "arXiv (Cornell University)" if preprint and arxiv else self.world.venue(row) or None
        source = {"id": f"https://openalex.org/S{1000 + len(name)}", "display_name": name} if name else None
        return {"is_oa": preprint, "landing_page_url": page, "pdf_url": None, "source": source, "version": None}

    def _authorships(self, row: int) -> list[dict[str, Any]]:
        people = self.world.authors(row)
        return [
            {
                "author_position": "first" if not place else "last" if place == len(people) - 1 else "middle",
                "author": {
                    "id": f"https://openalex.org/A{5_000_000_000 + number}",
                    "display_name": name,
                    "orcid": None,
                },
                "institutions": [],
                "is_corresponding": not place,
                "raw_author_name": name,
                "raw_affiliation_strings": [],
            }
            for place, (number, name) in enumerate(people)
        ]


def kind_name(kind: int) -> str:
    """What a kind of paper is called in listings for people."""
    return {texts.TOKENS: "audio tokens", texts.AUDIO: "other audio", texts.OTHER: "other fields"}[kind]


def _inverted(abstract: str) -> dict[str, list[int]]:
    index: dict[str, list[int]] = {}
    for place, word in enumerate(abstract.split()):
        index.setdefault(word, []).append(place)
    return index
