"""Where a paper can be read outside: one address per id, safe to put behind a link."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from kg.model import Paper

_HOMES = {
    "arxiv": ("arXiv", "https://arxiv.org/abs/"),
    "doi": ("DOI", "https://doi.org/"),
    "openalex": ("OpenAlex", "https://openalex.org/"),
    "s2": ("Semantic Scholar", "https://www.semanticscholar.org/paper/"),
    "corpusid": ("Semantic Scholar", "https://api.semanticscholar.org/CorpusID:"),
}


@dataclass(frozen=True, slots=True)
class Outside:
    """A site that knows the paper: its name, the id there, the address."""

    site: str
    value: str
    url: str


def outside(paper: Paper) -> list[Outside]:
    """One link per site, in the order of the paper's ids; everything but unreserved characters is percent-encoded."""
    found: dict[str, Outside] = {}
    for id in paper.ids:
        scheme, _, value = id.partition(":")
        if scheme in _HOMES:
            site, home = _HOMES[scheme]
            found.setdefault(site, Outside(site, value, home + quote(value, safe="/.-_~")))
    return list(found.values())


def arxiv_pdf(paper: Paper) -> str | None:
    """Address of the PDF of a paper that is on arXiv."""
    for id in paper.ids:
        if id.startswith("arxiv:"):
            return "https://arxiv.org/pdf/" + quote(id.removeprefix("arxiv:"), safe="/.-_~")
    return None
