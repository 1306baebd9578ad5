"""When two titles are one title, when they only look alike, and what sets them apart.

`kg.identity.title_key` drops every sign, so "1.5 kbps" and "15 kbps" or "C" and "C++" share a key. Here the numbers and
signs of a title are compared beside its key, and Greek letters and "&" count as the words they stand for. Nothing here
joins anything: see `ingest.matching`.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from kg.identity import title_key

DISTINCT_WORDS = 4
DISTINCT_LETTERS = 20
"""A title with fewer words, or letters and digits, is borne by too many papers to join two of them without authors.

Of 19,178 arXiv papers four pairs bear one title and are two papers, and two of these have no authors listed.
"""

_TEMPLATES = (
    "abstract|acknowledg(?:e?ments?)|addendum|afterword|authors? index|book reviews?|comments?|conclusions?|"
    "contributors|correction|corrigend(?:um|a)|discussion|editorial(?: board)?|errat(?:um|a)|foreword|front ?matter|"
    "guest editorial|in memoriam|index|introduction|invited (?:talk|paper)|keynote(?: (?:talk|speech|address))?|"
    "letters?(?: to the editor)?|list of reviewers|masthead|news|obituary|overview|panel(?: discussion)?|preface|"
    "proceedings|program(?:me)?|rejoinder|reply|response|retraction|reviewers|summary|supplement(?:ary material)?|"
    "table of contents|title page|tutorial|untitled|welcome(?: message)?"
)
_GENERIC = re.compile(rf"(?:the |an? )?(?:{_TEMPLATES})")

_NUMBER = r"[0-9]+(?:[.,][0-9]+)*"
_NUMBERS = re.compile(rf"(?:(?<![^\s($])[-−–](?=[0-9]))?{_NUMBER}")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
# A star behind a single letter is part of a name (A*); one at the end of a title is a footnote.
_SIGNS = re.compile(r"[+#]|(?<=\w)\*(?=.*\w)|(?<=\b\w)\*")
_WORDS = re.compile(rf"{_NUMBER}|[^\W_0-9]+[+#*]*|[:?]", re.UNICODE)
_MARKUP = re.compile(r"[{}$\\]|</?[a-zA-Z][^<>]*>")
_AND = re.compile(r"\\?&")
_LETTERS = str.maketrans({"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "AE", "œ": "oe"})
_EAST_ASIAN = re.compile(r"[぀-ヿ㐀-䶿一-鿿가-힯]")

Apart = Literal["number", "reply", "name", "word"]


@lru_cache(maxsize=65536)
def match_key(title: str) -> str:
    """`title_key` with Greek letters spelt out and "&" read as "and"; empty when the title has no letter or digit."""
    if title.isascii() and "&" not in title:
        return title_key(title)
    return title_key(_spelt_out(title))


@lru_cache(maxsize=65536)
def signs(title: str) -> tuple[str, ...]:
    """Numbers of a title in order, written alike, and the signs that make another name of one: + # and an inner *."""
    text = title
    if not text.isascii() or "&" in text:
        text = unicodedata.normalize("NFKC", _unescaped(text))
    if "{" in text or "$" in text or "<" in text or "\\" in text:
        text = _MARKUP.sub("", text)
    numbers = tuple([_number(found) for found in _NUMBERS.findall(text)])
    return numbers + tuple(sorted(_SIGNS.findall(text)))


def is_generic(title: str) -> bool:
    """Whether a title names a kind of text, such as "Editorial", instead of a work."""
    return _GENERIC.fullmatch(" ".join(words(title))) is not None


def is_distinct(title: str) -> bool:
    """Whether a title is long enough to name one work without its authors; what hyphens join is one word."""
    east_asian = len(_EAST_ASIAN.findall(title))
    if east_asian:
        return east_asian >= 2 * DISTINCT_WORDS
    spaced = sum(any(map(str.isalnum, word)) for word in title.split())
    return spaced >= DISTINCT_WORDS and len(match_key(title)) >= DISTINCT_LETTERS and not is_generic(title)


def words(title: str) -> list[str]:
    """Words and numbers of a title, folded; "codec+" is a word of its own."""
    return [word for word in _pieces(title) if word not in ":?"]


@dataclass(frozen=True, slots=True)
class Difference:
    """What sets two titles apart that are otherwise alike: its kind, and the words on either side."""

    kind: Apart
    one: str
    other: str

    def __str__(self) -> str:
        names = {"number": "a number or part", "reply": "what they are", "name": "a name or subtitle", "word": "a word"}
        return f"the titles differ in {names[self.kind]}: {self.one or 'nothing'} / {self.other or 'nothing'}"


def difference(one: str, other: str) -> Difference | None:
    """What sets two titles apart, `None` when they have too little in common for anybody to confuse them.

    Alike are titles that share at least half the words of the shorter one and are the same but for one run: words that
    say what it is ("reply to"), numbers and parts, a name before a colon or a subtitle after one, at most `_ADDED`
    words more, or at most `_CHANGED` other words.
    """
    a, b = _pieces(one), _pieces(other)
    front = _shared(a, b)
    back = _shared(a[front:][::-1], b[front:][::-1])
    if not front + back or a == b:
        return None
    middle_a, middle_b = a[front : len(a) - back], b[front : len(b) - back]
    left_a, left_b = _plain(middle_a), _plain(middle_b)
    common = len(_plain(a)) - len(left_a)
    # One name before a colon: a paper that was given another subtitle, or another paper on the same thing.
    renamed = bool(left_a and left_b) and ":" in a[:front]
    if not (left_a or left_b) or not common or (2 * common < min(len(a), len(b)) and not renamed):
        return None
    kind = "name" if renamed else _kind(left_a, left_b, common, subtitle=":" in (*middle_a, *middle_b))
    return None if kind is None else Difference(kind, " ".join(left_a), " ".join(left_b))


def _kind(one: Sequence[str], other: Sequence[str], common: int, *, subtitle: bool) -> Apart | None:
    left = {*one, *other}
    if left & _REPLIES and left <= _REPLIES | _BESIDE:
        return "reply"
    if all(map(_counts, left)):
        return "number"
    if common < _SHARED:
        return None
    if subtitle and not (one and other):
        return "name"
    return "word" if max(len(one), len(other)) <= (_CHANGED if one and other else _ADDED) else None


_SHARED = 3
_CHANGED = 2
_ADDED = 4
_REPLIES = {
    "addendum", "comment", "comments", "corrected", "correction", "corrections", "corrigenda", "corrigendum",
    "discussion", "errata", "erratum", "rejoinder", "remark", "remarks", "reply", "replies", "response",
    "responses", "retracted", "retraction", "supplement", "supplementary", "supplemental", "withdrawn",
}  # fmt: skip
_BESIDE = {"a", "an", "and", "author", "authors", "by", "for", "of", "on", "s", "the", "to"}
_PARTS = {
    "part", "parts", "volume", "vol", "chapter", "episode", "edition", "ed", "version", "ver", "v", "revised",
    "first", "second", "third", "fourth", "fifth", "one", "two", "three", "four", "five", "1st", "2nd", "3rd",
    "4th", "5th",
}  # fmt: skip
_ROMAN = re.compile(r"x{0,3}(?:ix|iv|v?i{1,3}|v)")


def _counts(word: str) -> bool:
    return word[0].isdigit() or word in _PARTS or len(word) == 1 or _ROMAN.fullmatch(word) is not None


def _plain(pieces: Sequence[str]) -> list[str]:
    return [word for word in pieces if word not in ":?"]


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


@lru_cache(maxsize=65536)
def _pieces(title: str) -> tuple[str, ...]:
    text = title
    if not text.isascii() or "&" in text:
        text = unicodedata.normalize("NFKD", _spelt_out(text))
        text = "".join(c for c in text if not unicodedata.combining(c))
    return tuple(_WORDS.findall(_MARKUP.sub("", text.casefold())))


def _spelt_out(title: str) -> str:
    text = _AND.sub(" and ", _unescaped(title))
    if text.isascii():
        return text
    return "".join([_letter(c) for c in text.translate(_LETTERS)])


def _unescaped(title: str) -> str:
    # Some publishers' titles were escaped twice on the way: "&amp;#8217;".
    return html.unescape(html.unescape(title)) if "&" in title else title


def _letter(character: str) -> str:
    if "Ͱ" <= character <= "Ͽ" or character == "µ":
        name = unicodedata.name(character, "")
        found = re.fullmatch(r"(?:GREEK (?:SMALL|CAPITAL) LETTER|MICRO SIGN)(?: (?:FINAL )?([A-Z]+))?.*", name)
        if found:
            return (found[1] or "MU").lower()
    return character


def _number(text: str) -> str:
    sign = "-" if text[0] in "-−–" else ""
    digits = text.lstrip("-−–")
    digits = digits.replace(",", "") if _THOUSANDS.fullmatch(digits) else digits.replace(",", ".")
    return sign + digits
