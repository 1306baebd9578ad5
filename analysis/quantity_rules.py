"""What a number in a text measures: from the tokenised quantity and the words around it to a codec's quantity.

One rule per unit, in `analysis.rate_rules` and `analysis.size_rules`. A rule looks at the sentence only, to the left
of the series the number belongs to and to the right of it, and takes the nearest cue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analysis.quantities import Quantity, Unit, quantities
from analysis.quantity_context import Context, Reading, Sentences, context_of
from analysis.rate_rules import (
    bit_rate,
    delay,
    frames_per_second,
    frequency,
    samples_per_second,
    tokens_of_a_second,
    tokens_per_second,
    zero_delays,
)
from analysis.size_rules import codebook_counts, entries, model_size, number_of_codebooks

Rule = Callable[[Quantity, Context], tuple[str, float] | None]


def readings(text: str, sentences: Sentences, title: str, abstract: str) -> list[Reading]:
    """Every codec quantity of a plain text, in order of place.

    Args:
        text: the output of `analysis.quantities.plain`.
        sentences: of the same text.
        title: of the paper, as given or plain.
        abstract: likewise; both say what the paper is about where a sentence alone does not.

    Returns:
        Readings sorted by start; the same value of one quantity is read at most once at one place.
    """
    found = [*_measured(text, sentences, title, abstract), *codebook_counts(text, sentences), *zero_delays(text)]
    found.sort(key=lambda r: (r.start, r.end, r.quantity))
    kept: list[Reading] = []
    reached: dict[tuple[str, float], int] = {}
    for reading in found:
        key = (reading.quantity, reading.value)
        if reached.get(key, -1) <= reading.start:
            kept.append(reading)
            reached[key] = reading.end
    return kept


def _measured(text: str, sentences: Sentences, title: str, abstract: str) -> Iterator[Reading]:
    for quantity in quantities(text):
        rule = _RULES.get(quantity.unit)
        if rule is None:
            continue
        read = rule(quantity, context_of(quantity, text, sentences, title, abstract))
        if read is not None:
            name, value = read
            # 365 bits per second are 0.365 kbps, not 0.36500000000000005
            value = float(f"{value:.10g}")
            yield Reading(name, value, quantity.start, quantity.end, quantity.opening, quantity.closing)


def _plain_count(quantity: Quantity, context: Context) -> tuple[str, float] | None:
    return (
        tokens_of_a_second(quantity, context)
        or number_of_codebooks(quantity, context)
        or entries(quantity, context)
        or model_size(quantity, context)
    )


_RULES: dict[Unit, Rule] = {
    "kbps": bit_rate,
    "hz": frequency,
    "fps": frames_per_second,
    "sps": samples_per_second,
    "tps": tokens_per_second,
    "ms": delay,
    "M": _plain_count,
    "B": model_size,
    "k": _plain_count,
    "none": _plain_count,
}
