"""What Semantic Scholar's records say, as ours: papers, and the links between them.

Records come as JSON of any shape, are tidied here until the `semanticscholar` package's models can hold them (they
raise on a null in a list, on a date of another form, on a list that is none), and are read from these models.

- An id is what the service names exactly: its own two, arXiv's and a DOI.
- "" is how it writes that it knows no venue or link. An arXiv preprint's venue is no venue.
- A list of intents or contexts that is empty says that no text was read, not that there are none.
- A reference with a title but no id is one that the service could not resolve: counted, never a paper of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from semanticscholar.Citation import Citation as CitingModel  # type: ignore[import-untyped]
from semanticscholar.Paper import Paper as PaperModel  # type: ignore[import-untyped]
from semanticscholar.Reference import Reference as CitedModel  # type: ignore[import-untyped]

from ingest.entries import Entry, author, authors
from ingest.records import clean_title
from ingest.source import Unusable
from kg.identity import normalise, ordered
from kg.model import Author, Manifestation, Paper, Vector

SOURCE = "s2"
PROVENANCE = "api.semanticscholar.org"
EMBEDDING = "specter_v2"

LIGHT = (
    "paperId", "corpusId", "externalIds", "title", "year", "publicationDate", "venue", "referenceCount",
    "citationCount",
)  # fmt: skip
"""Fields of a paper at the other end of a link: what names and dates it. Without abstracts 9,999 of them fit 10 MB."""

SEARCHED = (*LIGHT, "abstract", "authors", "openAccessPdf")
"""Fields of a paper that answers a search; a search gives no summary and no vector."""

FULL = (*SEARCHED, "tldr")
"""Fields of a paper that is asked about."""

VALUE_LIMIT = 1e6
"""No component of an embedding is as large."""

VECTOR = f"embedding.{EMBEDDING}"
LINK = ("contexts", "intents", "isInfluential")

Kind = Literal["references", "citations"]
OTHER_END: Mapping[Kind, str] = {"references": "citedPaper", "citations": "citingPaper"}

_REPOSITORIES = ("arxiv.org", "arxiv")
_EXTERNAL = {"ArXiv": ("arxiv",), "DOI": ("doi", "arxiv")}


@dataclass(frozen=True, slots=True)
class Told:
    """A paper as far as it can be used, its vector, and what could not be used."""

    paper: Paper | None
    vector: Vector | None = None
    unusable: tuple[Unusable, ...] = ()


@dataclass(frozen=True, slots=True)
class Linked:
    """The other end of one link, and what is said of the link.

    `state`: named, or not to be named because the service could not resolve it, a publisher withholds it, or the
    record is broken.
    """

    state: Literal["named", "unresolved", "withheld", "broken"]
    paper: Paper | None = None
    influential: bool | None = None
    intents: tuple[str, ...] | None = None
    contexts: tuple[str, ...] | None = None
    unusable: tuple[Unusable, ...] = ()


def ids_of(found: Mapping[str, Any]) -> list[str]:
    """Canonical ids that a record names, as far as they can be read."""
    return _ids(Entry(found))


def read_paper(found: object, asked: str | None = None, *, aligned: bool = True) -> Told:
    """A paper from its record.

    Args:
        found: any JSON value.
        asked: the canonical id by which the service was asked. Answering to it says that the paper has this id, unless
            the record names another arXiv id, which no work has two of.
        aligned: whether the answer is known to be about the papers asked for.
    """
    if not isinstance(found, dict):
        return Told(None, None, (Unusable(asked or "", "", "not a record"),))
    entry = Entry(found, asked or _name(found))
    model = PaperModel(_tidy(entry))
    ids = _ids(entry)
    if asked is not None and asked not in ids:
        if not aligned or (asked.startswith("arxiv:") and any(id.startswith("arxiv:") for id in ids)):
            entry.refuse("paperId", f"another paper came ({', '.join(ids)})")
        else:
            ids.append(asked)
    if not ids:
        entry.refuse("paperId", "no id")
        return Told(None, None, tuple(entry.unusable))
    ids = list(ordered(ids))
    paper = Paper(
        ids=tuple(ids),
        title=clean_title(model.title),
        abstract=model.abstract,
        published=entry.date("publicationDate", "year", SOURCE),
        venue=_venue(model),
        authors=_authors(model),
        manifestations=tuple(Manifestation(*id.partition(":")[::2], version=None, source=SOURCE) for id in ids),
        references_stated=model.referenceCount,
        citations_stated=model.citationCount,
        source=SOURCE,
        provenance=PROVENANCE,
        open_access=None if model.openAccessPdf is None else model.openAccessPdf["url"],
        tldr=_has_summary(found, model),
    )
    return Told(paper, _vector(model), tuple(entry.unusable))


def read_link(found: object, kind: Kind) -> Linked:
    """One entry of a paged list of references or citations: what is said of the link, and the paper it names."""
    if not isinstance(found, dict):
        return _nothing(found, "")
    entry = Entry(found)
    told = _other_end(found.get(OTHER_END[kind]))
    model = (CitedModel if kind == "references" else CitingModel)(
        {
            "isInfluential": entry.flag("isInfluential"),
            "intents": entry.texts("intents"),
            "contexts": entry.texts("contexts"),
        }
    )
    return replace(
        told,
        influential=model.isInfluential,
        intents=tuple(dict.fromkeys(model.intents)) or None if model.intents else None,
        contexts=tuple(dict.fromkeys(model.contexts)) or None if model.contexts else None,
        unusable=(*told.unusable, *entry.unusable),
    )


def read_listed(found: object) -> Linked:
    """One entry of a list inside a paper's record: the paper it names."""
    return _other_end(found)


def _other_end(found: object) -> Linked:
    if not isinstance(found, dict):
        return _nothing(found, "")
    told = read_paper(found)
    if told.paper is not None:
        return Linked("named", told.paper, unusable=told.unusable)
    if found.get("paperId") is None and len(told.unusable) == 1:
        return Linked("unresolved")
    return Linked("broken", unusable=told.unusable)


def _nothing(found: object, id: str) -> Linked:
    return Linked("withheld") if found is None else Linked("broken", unusable=(Unusable(id, "", "not a record"),))


def _name(found: Mapping[str, Any]) -> str:
    """How a record is named where it is broken: as far as it has an id."""
    paper, corpus = found.get("paperId"), found.get("corpusId")
    if isinstance(paper, str) and re.fullmatch("[0-9A-Za-z]{1,40}", paper):
        return f"s2:{paper}"
    return f"corpusid:{corpus}" if isinstance(corpus, int) else ""


def _ids(entry: Entry) -> list[str]:
    found = [entry.work_id("paperId", ("s2",), "s2:"), entry.work_id("corpusId", ("corpusid",), "corpusid:")]
    external = entry.object("externalIds")
    if external is not None:
        found += [external.work_id(name, schemes, f"{schemes[0]}:") for name, schemes in _EXTERNAL.items()]
        if found[1] is None:
            found[1] = external.work_id("CorpusId", ("corpusid",), "corpusid:")
    return list(dict.fromkeys(normalise(id) for id in found if id is not None))


def _tidy(entry: Entry) -> dict[str, Any]:
    """The record with nothing in it that the models cannot hold, broken fields left out and named."""
    tidy: dict[str, Any] = {name: entry.text(name) for name in ("title", "abstract", "venue")}
    tidy |= {name: entry.count(name) for name in ("referenceCount", "citationCount")}
    people = entry.objects("authors")
    if people is not None:
        tidy["authors"] = [{"authorId": _author_id(each), "name": each.text("name")} for each in people]
    tldr = entry.object("tldr")
    tidy["tldr"] = None if tldr is None else {"text": tldr.text("text")}
    pdf = entry.object("openAccessPdf")
    tidy["openAccessPdf"] = None if pdf is None else {"url": pdf.link("url")}
    tidy["embedding"] = _embedding(entry)
    return tidy


def _author_id(person: Entry) -> str | None:
    # The service writes numbers of authors as text, and has written them as numbers.
    value = person.found.get("authorId")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else person.text("authorId")


def _embedding(entry: Entry) -> dict[str, Any] | None:
    embedding = entry.object("embedding")
    if embedding is None:
        return None
    vector = embedding.found.get("vector")
    if vector is None:
        return None
    if not vector or not isinstance(vector, list) or not all(_is_number(each) for each in vector):
        embedding.refuse("vector", "wrong type: a list of numbers is expected")
        return None
    return {"model": embedding.text("model"), "vector": vector}


def _authors(model: PaperModel) -> tuple[Author, ...] | None:
    if model.authors is None:
        return None
    return authors(author("s2author", each.authorId, each.name.strip()) for each in model.authors if each.name)


def _venue(model: PaperModel) -> str | None:
    venue: str | None = model.venue
    return None if venue is None or venue.strip().lower() in _REPOSITORIES else venue


def _has_summary(found: Mapping[str, Any], model: PaperModel) -> bool | None:
    if "tldr" in found and found["tldr"] is None:
        return False
    return True if model.tldr is not None and model.tldr.text is not None else None


def _vector(model: PaperModel) -> Vector | None:
    if model.embedding is None:
        return None
    return Vector(EMBEDDING, tuple(float(each) for each in model.embedding["vector"]))


def _is_number(value: object) -> bool:
    # An infinity and what is no number fail the comparison; an integer may be longer than a float can hold.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < VALUE_LIMIT
