"""Which of the protocol's topics a paper falls under, what kind of token it speaks of, and which quantisers it names.

The linear models are fitted on included papers and asked of every paper that names anything discrete. Each answer
carries the terms it rests on. Also here: how evidence is chosen, for the criteria too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from analysis.mentions import BIT, Mention, Reading
from analysis.rulebook import Rulebook
from kg.model import TOPICS, Quantizer, Span, Tag, TokenType

EVIDENCE_SPANS = 4

# Families that show anything discrete of audio at all, in the weakest sense.
POSITIVE = ("any", "weak", "named")

# What speaks loudest first: the head of a title, the title, what the paper proposes, its own sentences ...
_LOUDNESS = tuple(BIT[role] for role in ("head", "title", "proposed", "own", "result", "detail"))


def sigmoid(score: float) -> float:
    """Probability of a log-odds score; safe for any finite score."""
    return 1 / (1 + math.exp(-score)) if score >= 0 else math.exp(score) / (1 + math.exp(score))


def evidence(
    rulebook: Rulebook, reading: Reading, families: Iterable[str], *, denied: bool = False
) -> tuple[tuple[Mention, Span], ...]:
    """Mentions of the families with their spans, loudest first, one per term and place, at most `EVIDENCE_SPANS`."""
    concepts = frozenset[int]().union(*(rulebook.groups[family] for family in families))
    ranked = sorted(
        (mention for mention in reading.mentions if mention.concept in concepts and mention.denied == denied),
        key=lambda mention: (
            _loudness(mention),
            mention.field != "title",
            mention.start,
            -mention.end,
            mention.concept,
        ),
    )
    chosen: list[tuple[Mention, Span]] = []
    terms: set[str] = set()
    for mention in ranked:
        span = reading.span(mention)
        if span is None or span.text.lower() in terms:
            continue
        if any(span.field == other.field and span.start < other.end and other.start < span.end for _, other in chosen):
            continue
        chosen.append((mention, span))
        terms.add(span.text.lower())
        if len(chosen) == EVIDENCE_SPANS:
            break
    return tuple(chosen)


def _loudness(mention: Mention) -> int:
    return next((rank for rank, bit in enumerate(_LOUDNESS) if mention.roles & bit), len(_LOUDNESS))


def spans(found: Iterable[tuple[Mention, Span]]) -> tuple[Span, ...]:
    """The spans alone, in the order of the text."""
    return tuple(sorted((span for _, span in found), key=lambda span: (span.field != "title", span.start, span.end)))


def topics(rulebook: Rulebook, reading: Reading, values: Mapping[str, float], *, included: bool) -> tuple[Tag, ...]:
    """The topics of one paper. An included paper has at least one, the likeliest."""
    scores = {topic: rulebook.models[topic].linear["1"].score(values) for topic in TOPICS}
    margins = {topic: score - rulebook.models[topic].threshold for topic, score in scores.items()}
    best = max(TOPICS, key=lambda topic: margins[topic])
    tags = []
    for topic in TOPICS:
        if margins[topic] > 0 or (included and topic == best):
            shown = evidence(rulebook, reading, rulebook.models[topic].evidence) or evidence(
                rulebook, reading, POSITIVE
            )
            if shown:
                tags.append(Tag(topic, spans(shown), round(sigmoid(scores[topic]), 4)))
    return tuple(tags)


def token_type(rulebook: Rulebook, reading: Reading, values: Mapping[str, float]) -> tuple[TokenType, tuple[Span, ...]]:
    """Semantic, acoustic, hybrid or none (not stated), with the terms it rests on."""
    model = rulebook.models["type"]
    kinds: tuple[TokenType, ...] = ("semantic", "acoustic", "hybrid", "none")
    scores = {kind: model.linear[kind].score(values) for kind in kinds if kind in model.linear}
    best = max(scores, key=lambda kind: scores[kind])
    if best == "none":
        return best, ()
    families = ("semantic", "acoustic", "both_sides") if best == "hybrid" else (best,)
    shown = evidence(rulebook, reading, families) or evidence(rulebook, reading, POSITIVE)
    return (best, spans(shown)) if shown else ("none", ())


def quantizers(rulebook: Rulebook, reading: Reading) -> tuple[Quantizer, ...]:
    """Kinds of quantiser that the text names and does not deny, each once, where it stands first.

    A name inside a longer one does not count: residual vector quantisation is not also vector quantisation.
    """
    concepts = rulebook.features.lexicon.concepts
    named = [
        mention for mention in reading.mentions if concepts[mention.concept].kind is not None and not mention.denied
    ]
    reach: dict[str, int] = {}
    found: dict[str, Quantizer] = {}
    for mention in sorted(named, key=lambda mention: (mention.field != "title", mention.start, -mention.end)):
        if mention.end <= reach.get(mention.field, -1):
            continue
        reach[mention.field] = max(mention.end, reach.get(mention.field, -1))
        kind, span = concepts[mention.concept].kind, reading.span(mention)
        if kind is not None and span is not None and kind not in found:
            found[kind] = Quantizer(kind, span)
    return tuple(found[kind] for kind in sorted(found))
