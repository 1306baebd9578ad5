"""What a rule sees of a number: its sentence, the words to the left and right, and how it is written.

A sentence ends at a full stop before a capital, or at a semicolon; "vs.", "e.g." and initials do not end one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from analysis.quantities import Quantity

LEFT, RIGHT = 100, 80
# a word between a number and what it counts; a preposition or verb begins another phrase
WORD = (
    r"(?!(?:and|or|of|for|with|from|to|in|on|by|at|as|than|via|across|over|under|while|which|that|is|are|was|were|"
    r"has|the|a|an|this|"
    r"using|when|but|per|into|we|our|its)\b)[\w-]+"
)
_BREAK = re.compile(
    r"(?<![.\s][A-Za-z])(?<!vs)(?<!e\.g)(?<!i\.e)(?<!al)(?<!Fig)[.!?]['\")\]]?\s+(?=[A-Z0-9(\[\"'*])|;\s"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A number understood: `quantity` of `kg.model.QUANTITIES` and `value` in its canonical unit, at `start:end`.

    `opening:closing` bounds the series that the number stands in.
    """

    quantity: str
    value: float
    start: int
    end: int
    opening: int
    closing: int


class Sentences:
    """Where the sentences of one plain text begin and end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: list[int] = []

    def around(self, position: int) -> tuple[int, int]:
        """The bounds of the sentence that holds `position`."""
        if not self._starts:
            # most texts hold no number that asks
            self._starts = [0, *(found.end() for found in _BREAK.finditer(self._text))]
        at = bisect_right(self._starts, position) - 1
        end = self._starts[at + 1] if at + 1 < len(self._starts) else len(self._text)
        return self._starts[at], end


@dataclass(frozen=True, slots=True)
class Context:
    """The words around one series of numbers."""

    left: str
    """The sentence up to the series, its last `LEFT` characters."""
    right: str
    """The sentence after the series, its first `RIGHT` characters."""
    sentence: str
    written: str
    """The number and what follows up to the end of its series."""
    title: str
    abstract: str
    """Both say what the paper is about where a sentence alone does not tell; empty where unknown."""


def context_of(quantity: Quantity, text: str, sentences: Sentences, title: str, abstract: str) -> Context:
    """The context of a quantity in a plain text, title or abstract of a paper."""
    start, end = sentences.around(quantity.opening)
    return Context(
        left=text[max(start, quantity.opening - LEFT) : quantity.opening],
        right=text[quantity.closing : min(end, quantity.closing + RIGHT)],
        sentence=text[start:end],
        written=text[quantity.start : quantity.closing],
        title=title,
        abstract=abstract,
    )
