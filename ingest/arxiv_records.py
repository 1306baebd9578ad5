"""One entry of arXiv to one paper: what the record states, blanks folded, and whether it was withdrawn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kg.errors import InputError
from kg.identity import author_id, date_from_arxiv_id, ordered, parse
from kg.model import Author, Manifestation, Paper, PartialDate

if TYPE_CHECKING:
    import arxiv  # type: ignore[import-untyped]

NOTICE_LENGTH = 500
"""A notice of withdrawal that is longer than so many characters tells more than that, and stays an abstract."""

# arXiv files the classes of other schemes (68T10, I.2.7) as categories too.
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.[A-Z]{2}|\.[a-z]+(?:-[a-z]+)*)?")
_KINDS = "paper|article|submission|manuscript|work|preprint|e-?print|version|note"
_THIS = rf"(?:this|the|our)\s+(?:(?:present|current|arxiv|final|last|latest)\s+)?(?:{_KINDS})"
_SUBJECT = rf"(?:{_THIS}|(?:paper|article|submission|manuscript|preprint))"
# A paper that was withdrawn from a conference still stands.
_HERE = r"(?!\s+from\b(?!\s+(?:the\s+)?arxiv))"
_WITHDRAWN = re.compile(
    rf"^[\[(*\s]*(?:"
    rf"{_SUBJECT}\s+(?:(?:has|have|had|is|was|now|been|being|hereby|temporarily)\s+){{0,4}}"
    rf"(?:withdrawn|retracted)\b{_HERE}"
    rf"|(?:withdrawn|retracted)(?=\s*(?:[\])*.,;:!-]|$|by\b|due\b|because\b|for\b|since\b|from\s+(?:the\s+)?arxiv|as\b))"
    rf"|(?:i|we|the\s+(?:\w+\s+)?(?:authors?|administrators?)|arxiv\s+administrators?|authors?)\s+"
    rf"(?:has|have|had)?\s*(?:withdrawn|withdrew|withdraws?|retracted)\s+{_THIS}"
    rf")",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.;!])\s+")


def paper(id: str, result: arxiv.Result, *, undated: bool) -> tuple[Paper, tuple[str, ...]]:
    """The paper that an entry describes.

    Args:
        id: its canonical id.
        undated: the entry's own date could not be read; the month in the id stands in.

    Returns:
        The paper, and a sentence for everything in the entry that could not be kept.
    """
    version = parse(result.entry_id).version
    value = id.partition(":")[2]
    authors, notes = _authors(id, result)
    doi = _doi(id, result, notes)
    title = _folded(result.title)
    abstract = _folded(result.summary)
    withdrawn = is_withdrawn(title, abstract, _folded(result.comment))
    if withdrawn and abstract and _WITHDRAWN.match(abstract) and len(abstract) <= NOTICE_LENGTH:
        abstract = None
    manifestations = [Manifestation("arxiv", value, version, "arxiv")]
    if doi is not None:
        manifestations.append(Manifestation("doi", doi.partition(":")[2], None, "arxiv"))
    found = Paper(
        ids=ordered([id, doi] if doi else [id]),
        title=title,
        abstract=abstract,
        published=date_from_arxiv_id(id) if undated else PartialDate(f"{result.published:%Y-%m-%d}", "arxiv"),
        venue=_folded(result.journal_ref),
        categories=_categories(result),
        authors=authors,
        manifestations=tuple(manifestations),
        source="arxiv",
        standing="withdrawn" if withdrawn else None,
        # A withdrawn version has no text to read.
        open_access=None if withdrawn else f"https://arxiv.org/pdf/{value}",
    )
    return found, tuple(notes)


def is_withdrawn(title: str | None, abstract: str | None, comment: str | None) -> bool:
    """Whether arXiv's record says of itself that it is withdrawn.

    Abstract and title say so at their beginning. In the comment any sentence may; one about another version or paper
    ("v2 was withdrawn", "replaces the withdrawn ...") has another subject and is none.
    """
    if any(text is not None and _WITHDRAWN.match(text) for text in (title, abstract)):
        return True
    return comment is not None and any(_WITHDRAWN.match(sentence) for sentence in _SENTENCE.split(comment))


def _authors(id: str, result: arxiv.Result) -> tuple[tuple[Author, ...] | None, list[str]]:
    found: dict[str, Author] = {}
    notes: list[str] = []
    for author in result.authors:
        name = " ".join(author.name.split())
        try:
            known = author_id(name)
        except InputError:
            notes.append(f"{id}: an author's name has no letters ({name!r}) and was left out.")
            continue
        found.setdefault(known, Author(known, name, name_only=True))
    return tuple(found.values()) or None, notes


def _doi(id: str, result: arxiv.Result, notes: list[str]) -> str | None:
    """The DOI stated; of several, blanks between them, the first: the others are of errata and reprints."""
    stated = (result.doi or "").split()
    if not stated:
        return None
    try:
        found = parse(f"doi:{stated[0]}")
    except InputError:
        notes.append(f"{id}: its DOI cannot be read ({stated[0][:80]!r}) and was left out.")
        return None
    # arXiv's own DOI is the arXiv id again.
    return found.id if found.scheme == "doi" else None


def _categories(result: arxiv.Result) -> tuple[str, ...] | None:
    stated = (result.primary_category, *result.categories)
    return tuple(dict.fromkeys(each for each in stated if _CATEGORY.fullmatch(each))) or None


def _folded(text: str | None) -> str | None:
    return " ".join((text or "").split()) or None
