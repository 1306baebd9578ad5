"""Short ways to write the records that the contract suite needs."""

from __future__ import annotations

from kg.identity import text_sha256
from kg.model import (
    Author,
    Batch,
    Citation,
    Decision,
    Field,
    Include,
    Judgement,
    Measured,
    Paper,
    PartialDate,
    Quantizer,
    Role,
    Span,
    Specification,
    Standing,
    Tag,
    TokenType,
    Verdict,
)
from kg.paper_filter import PaperFilter

EVERYTHING = PaperFilter(include=())
TIME = "2025-01-31T12:00:00+00:00"


def arxiv(number: int) -> str:
    """The id of paper `number` of a made-up month; ids ascend with numbers."""
    return f"arxiv:2001.{number:05d}"


def doi(number: int) -> str:
    """Another id that paper `number` may have."""
    return f"doi:10.1000/paper.{number}"


def paper(
    *ids: str,
    title: str | None = None,
    abstract: str | None = None,
    published: str | None = None,
    source: str = "arxiv",
    authors: tuple[str, ...] | None = None,
    venue: str | None = None,
    categories: tuple[str, ...] | None = None,
    references_stated: int | None = None,
    citations_stated: int | None = None,
    provenance: str | None = None,
    standing: Standing | None = None,
    open_access: str | None = None,
    tldr: bool | None = None,
) -> Paper:
    """A paper; without a title it gets one from its first id."""
    return Paper(
        ids=ids,
        title=f"On {ids[0].partition(':')[2]}" if title is None else title,
        abstract=abstract,
        published=None if published is None else PartialDate(published, source),
        venue=venue,
        categories=categories,
        authors=None
        if authors is None
        else tuple(Author(f"name:{name.lower().replace(' ', '-')}", name, True) for name in authors),
        references_stated=references_stated,
        citations_stated=citations_stated,
        source=source,
        provenance=provenance,
        standing=standing,
        open_access=open_access,
        tldr=tldr,
    )


def papers(*numbers: int) -> tuple[Paper, ...]:
    """Plain papers."""
    return tuple(paper(arxiv(number)) for number in numbers)


def cites(*pairs: tuple[int, int], source: str = "lists") -> tuple[Citation, ...]:
    """Citations between numbered papers."""
    return tuple(Citation(arxiv(citing), arxiv(cited), source) for citing, cited in pairs)


def graph(*pairs: tuple[int, int]) -> Batch:
    """Plain papers with these citations between them."""
    return Batch(papers=papers(*sorted({n for pair in pairs for n in pair})), citations=cites(*pairs))


def judgement(
    include: Include = "include",
    *,
    topics: tuple[str, ...] = (),
    token_type: TokenType | None = None,
    quantizers: tuple[str, ...] = (),
    criteria: tuple[tuple[str, str], ...] = (),
    rules: str = "rules 1",
    fields: tuple[Field, ...] = ("title", "abstract"),
    title: str | None = None,
    abstract: str | None = None,
) -> Judgement:
    """What rules concluded of a text."""
    span = Span("title", 0, 2, "On")
    return Judgement(
        include=include,
        look=False,
        verdicts=tuple(Verdict(criterion, verdict, (span,), "said so", 0.5) for criterion, verdict in criteria),  # type: ignore[arg-type]
        topics=tuple(Tag(topic, (span,), 0.25) for topic in topics),
        token_type=token_type,
        quantizers=tuple(Quantizer(kind, span) for kind in quantizers),
        rules=rules,
        fields_read=fields,
        text_sha256=text_sha256(title, abstract),
        token_type_evidence=(span,) if token_type else (),
    )


def measured(
    *bitrates: float,
    role: Role = "own",
    rules: str = "numbers 1",
    fields: tuple[Field, ...] = ("title", "abstract"),
    title: str | None = None,
    abstract: str | None = None,
) -> Measured:
    """Bitrates found in a text."""
    return Measured(
        specifications=tuple(
            Specification("bitrate_kbps", value, "stated", role, Span("abstract", 0, 3, "1.5"), "codec")
            for value in bitrates
        ),
        rules=rules,
        fields_read=fields,
        text_sha256=text_sha256(title, abstract),
    )


def decision(
    number: int, verdict: str | None, *, criterion: str = "include", time: str = TIME, reason: str = "read it"
) -> Decision:
    """A person's word on a numbered paper."""
    return Decision(arxiv(number), criterion, verdict, "reviewer", reason, time)
