"""Which numbers a text holds, with what unit: the one tokeniser of quantities, before any meaning is given to them.

Everything here keeps length. `plain` replaces LaTeX and typography by spaces or ASCII signs one for one, so that an
offset in the plain text is the same offset in the text as written. Numbers that belong together ("1.5, 3 and
6 kbps", "24-44.1 kHz") form one series and share the unit of the last one. What a quantity means (a bitrate or a
network's throughput, a sample rate or a band edge) is decided in `analysis.specifications`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Unit = Literal[
    "kbps",  # bits per second, in thousands
    "hz",
    "fps",  # frames per second
    "sps",  # samples per second
    "tps",  # tokens per second
    "ms",
    "percent",  # read so that it separates numbers and is never taken for another unit
    "k",  # a bare factor: "65k"
    "M",
    "B",
    "none",
]

_SPACES = "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\u200b\ufeff\n\r\t\f\v$~"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212"
_SIGNS = str.maketrans(
    dict.fromkeys(_SPACES, " ") | dict.fromkeys(_DASHES, "-") | {"\u2019": "'", "\u00d7": "x", "\u2192": "/"}
)
_LATEX = re.compile(
    r"\\n(?![a-z])|\\(?:math|text|oper)[a-z]{1,12}\s?\{|\\text\s?\{|\\(?:emph|SI|num|unit|si)\s?\{"
    r"|\\(?P<to>(?:long)?rightarrow|to)(?![a-zA-Z])|\\[,;:!> ]|\\(?:approx|sim|thicksim|leq?|geq?|le|ge|lt|gt|"
    r"thinspace|quad)(?![a-zA-Z])|\\%"
)
_RANGE_TILDE = re.compile(r"(?<=\d)[~\uff5e](?=\d)")
_MAKES_LATEX = re.compile(r"[{}\\]")

WORDS = {
    "one": 1, "single": 1, "two": 2, "dual": 2, "double": 2, "three": 3, "triple": 3, "four": 4, "five": 5, "six": 6,
    "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "sixteen": 16, "thirty-two": 32,
}  # fmt: skip

_NUMBER = re.compile(
    r"(?<![\w.^])(?:2\s?\^\s?(?P<power>\d{1,2})(?!\d)"
    r"|(?P<digits>\d{1,3}(?:(?:,| , )\d{3})+(?![\d])(?:\.\d+)?|\d{1,15}(?:\.\d{1,12})?|\.\d{1,6}(?!\.))(?![\d_]))"
)
_SECOND = r"s(?:ec(?:ond)?s?)?(?![a-z])"
_PER_SECOND = rf"(?:\s?/\s?{_SECOND}|[\s-]{{1,2}}per[\s-]{{1,2}}sec(?:ond)?s?(?![a-z])|\s?s\s?\^\s?-?1)"
_COUNTED = r"tokens?|tok|codes|units|symbols|indices|codewords"
_UNIT = re.compile(
    r"\s{0,16}-?\s{0,3}(?:"
    rf"(?P<kbps>(?i:k(?:ilo)?[\s-]?(?:bps|bits?{_PER_SECOND}|b\s?/\s?{_SECOND}))(?<![kK]B/s)(?![A-Za-z]))"
    rf"|(?P<bps>(?:(?i:bps|bits?{_PER_SECOND})|b\s?/\s?{_SECOND})(?![A-Za-z]))"
    r"|(?P<khz>(?:[kK]\s?[hH][zZ]|(?i:kilohertz))(?![A-Za-z]))"
    r"|(?P<hz>(?:[hH][zZ]|(?i:hertz))(?![A-Za-z]))"
    rf"|(?P<fps>(?i:fps|(?:[a-z]+[\s-]){{0,2}}?(?:frames?|vectors?|latents?|embeddings?){_PER_SECOND})(?![A-Za-z]))"
    rf"|(?P<sps>(?i:samples?{_PER_SECOND})(?![A-Za-z]))"
    rf"|(?P<tps>(?:TPS|tps|(?i:(?:[a-z]+[\s-]){{0,4}}?(?:{_COUNTED}){_PER_SECOND}))(?![A-Za-z]))"
    r"|(?P<ms>(?:ms|msecs?|(?i:milli-?seconds?))(?![A-Za-z]))"
    r"|(?P<second>(?:s|secs?|(?i:seconds?))(?![A-Za-z/]))"
    r"|(?P<percent>%|percent)"
    r"|(?P<million>(?:M|(?i:millions?))(?![A-Za-z]|/s))"
    r"|(?P<billion>(?:B|(?i:billions?|bn))(?![A-Za-z]|/s))"
    r"|(?P<thousand>(?:[kK]|(?i:thousands?))(?![A-Za-z]|/s))"
    r"|(?P<lower>[mb](?=[\s-]{1,2}param)|b(?![\w/]))"
    r")"
)
_NAMES: dict[str, tuple[Unit, float]] = {
    "kbps": ("kbps", 1.0),
    "bps": ("kbps", 0.001),
    "khz": ("hz", 1000.0),
    "hz": ("hz", 1.0),
    "fps": ("fps", 1.0),
    "sps": ("sps", 1.0),
    "tps": ("tps", 1.0),
    "ms": ("ms", 1.0),
    "second": ("ms", 1000.0),
    "percent": ("percent", 1.0),
    "million": ("M", 1e6),
    "billion": ("B", 1e9),
    "thousand": ("k", 1e3),
}
_LINK = re.compile(
    r"\s{0,14}(?:,\s{0,3}(?:and|or|to)?|;|/|(?:-{1,2}|-?to-?|and|or|&|versus|vs\.?|down to|up to|(?:and|or) even))"
    r"\s{0,14}(?:(?:around|about|approximately|down to|up to|roughly)\s)?"
)
_AFTER_NAME = re.compile(r"[a-z]*[A-Z]\w*\s$")
_YEAR = range(1950, 2036)


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number as tokenised: `value` in the unit's base ("kbps", "hz", "ms", else a plain count).

    `start:end` holds the number and, where one follows, its unit; `digits_end` ends the number alone. `own_unit` is
    false where the unit was taken over from a later number of the series. `opening` and `closing` bound the whole
    series, so that a word before the first number or after the last speaks of every number in it.
    """

    value: float
    unit: Unit
    start: int
    digits_end: int
    end: int
    opening: int
    closing: int
    own_unit: bool


@dataclass(slots=True)
class _Raw:
    value: float
    start: int
    digits_end: int
    end: int
    unit: Unit
    factor: float


def plain(text: str) -> str:
    """`text` with spaces, dashes and LaTeX wrappers made plain, every character kept in its place.

    Returns:
        A string of the same length; `plain(text)[a:b]` stands where `text[a:b]` does.
    """
    made = _RANGE_TILDE.sub("-", text).translate(_SIGNS)
    if _MAKES_LATEX.search(made) is None:
        return made
    made = made.replace("{,}", " , ")
    made = _LATEX.sub(_blank, made)
    return made.replace("{", " ").replace("}", " ")


def _blank(found: re.Match[str]) -> str:
    return ("/" if found["to"] else " ").ljust(found.end() - found.start())


def quantities(text: str) -> list[Quantity]:
    """Every number of a plain text with its unit, in order; see `plain`.

    Args:
        text: the output of `plain`.

    Returns:
        One `Quantity` per number. A number without a unit of its own takes that of the next number when only a list
        or range sign stands between them and neither looks like a year.
    """
    found = list(_raw(text))
    result: list[Quantity] = []
    first = 0
    while first < len(found):
        last = first
        while last + 1 < len(found) and _linked(text, found[last], found[last + 1]):
            last += 1
        if last == first + 1 and _bare_comma(text, found[first], found[last]):
            last = first
        result.extend(_series(found[first : last + 1]))
        first = last + 1
    return result


def _raw(text: str) -> Iterator[_Raw]:
    for match in _NUMBER.finditer(text):
        power = match["power"]
        value = 2.0 ** int(power) if power else float(match["digits"].replace(" ", "").replace(",", ""))
        end = match.end()
        unit: Unit = "none"
        factor = 1.0
        after = _UNIT.match(text, end)
        if after is not None:
            kind = after.lastgroup or ""
            if kind == "lower":
                kind = "million" if after["lower"] == "m" else "billion"
            unit, factor = _NAMES[kind]
            if unit == "k":
                # "16k Hz", "1.5 k bps" are read above; "20k tokens per second" is a rate in thousands
                rate = _UNIT.match(text, after.end())
                if rate is not None and rate.lastgroup in ("fps", "sps", "tps"):
                    after, unit = rate, _NAMES[rate.lastgroup][0]
            end = after.end()
        yield _Raw(value, match.start(), match.end(), end, unit, factor)


def _linked(text: str, left: _Raw, right: _Raw) -> bool:
    if right.start - left.end > 32 or (left.unit != right.unit and left.unit not in ("none", "k", "M")):
        return False
    if left.unit == "none" and left.value in _YEAR and right.unit != "none" and right.value < 1000:
        return False
    link = _LINK.fullmatch(text, left.end, right.start)
    if link is None:
        return False
    if "-" in link[0]:
        # "Llama-3.1-8B", "Qwen 2.5-7B": a hyphen inside a name joins no range
        before = text[max(0, left.start - 2) : left.start]
        if left.value >= right.value * right.factor / (left.factor if left.unit != "none" else right.factor):
            return False
        if len(before) == 2 and before[1] == "-" and before[0].isalnum():
            return False
        if right.unit == "B" and _AFTER_NAME.search(text, max(0, left.start - 24), left.start):
            return False
    return True


def _bare_comma(text: str, left: _Raw, right: _Raw) -> bool:
    # "a score of 3.1, 6 kbps": two numbers with nothing but a comma are a list only when the first has its unit too
    return left.unit == "none" and text[left.end : right.start].strip() == ","


def _series(found: list[_Raw]) -> Iterator[Quantity]:
    unit, factor, last_end = found[-1].unit, found[-1].factor, found[-1].end
    made: list[Quantity] = []
    opening, closing = found[0].start, found[-1].end
    for raw in reversed(found):
        own = raw.unit != "none"
        if own:
            unit, factor, last_end = raw.unit, raw.factor, raw.end
        # a long list keeps the bare number as its span
        end = raw.end if own else (last_end if last_end - raw.start <= 60 else raw.digits_end)
        made.append(Quantity(raw.value * factor, unit, raw.start, raw.digits_end, end, opening, closing, own))
    return reversed(made)
