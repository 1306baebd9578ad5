"""One string of tokens per paper, and the query language over it: what every engine's full-text search reads.

Engines only split the string at spaces, so that all of them find the same papers. Tokens: text is folded (NFKC, case,
accents of Latin, Greek and Cyrillic), then cut into runs of letters and digits. A decimal number is one token (`1.5`),
a number is cut from a unit written onto it (`6kbps` is `6 kbps`), `wav2vec` stays whole and is also found inside
`vq_wav2vec`, every Han, kana and Hangul character is a token of its own. `BOUNDARY` stands between fields and between
authors, so that no phrase runs across.

Queries: all words must occur; "several words" side by side; `word*` begins with; `-word` or `-"a phrase"` excludes;
`OR` (capitals) between alternatives, AND binding closer. A word that falls into several tokens (`vq_wav2vec`, `語音`)
is a phrase; with `*` its last token is a beginning of its own. Any text is a query. One with nothing to look for, such
as `?!`, finds nothing; blank text is no condition at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

VERSION = f"1/{unicodedata.unidata_version}"
"""Changes when the same text may give other tokens: an index made by another version is made anew."""

BOUNDARY = "¶"
_APART = f" {BOUNDARY} "

_ALONE = (
    "\u2e80-\u2fd5\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U000323af"
)
_NUMBER = r"[0-9]+(?:\.[0-9]+){0,2}"
_NUMBERS = re.compile(_NUMBER)
_TOKEN = re.compile(rf"[{_ALONE}]|(?:(?<![^\W_])|(?<=[{_ALONE}])){_NUMBER}|(?:(?![{_ALONE}])[^\W_])+")
_DIGITS = re.compile("[0-9.]+")
_SPACED = "".join(chr(c).lower() if chr(c).isalnum() or chr(c) == "." else " " for c in range(128))
_ACCENTS = re.compile("[\u0300-\u036f]+")
_PIECE = re.compile(r'(-?)"([^"]*)"?|(\S+)')


@dataclass(frozen=True, slots=True)
class Term:
    """Tokens that stand side by side; with `prefix` the single token is a beginning."""

    tokens: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """All of `wanted` occur, and of no group in `unwanted` do all terms occur. Never both empty."""

    wanted: tuple[Term, ...]
    unwanted: tuple[tuple[Term, ...], ...]


Query = tuple[Clause, ...]
"""Alternatives: one of them must hold. No clause finds nothing."""


def tokens(text: str) -> list[str]:
    """The tokens of a text, in order."""
    return _cut(text).split()


def search_text(
    title: str | None,
    abstract: str | None,
    authors: Iterable[str],
    venue: str | None,
    ids: Iterable[str],
) -> str:
    """Everything of a paper that can be searched, as tokens with spaces between them (some double).

    A title id says nothing that the title does not, so its key is left out.
    """
    fields = [_cut(text) for text in (title, abstract) if text]
    fields += [_cut_name(name) for name in authors if name]
    if venue:
        fields.append(_cut_name(venue))
    fields += [_cut(id) for id in ids if not id.startswith("title:")]
    return _APART.join(fields)


def parse_query(text: str) -> Query:
    """What a person typed, as alternatives of terms. Never fails."""
    clauses: dict[Clause, None] = {}
    wanted: dict[Term, None] = {}
    unwanted: dict[tuple[Term, ...], None] = {}
    for minus, phrase, word in [*_PIECE.findall(text), ("", "", "OR")]:
        if word == "OR":
            if wanted or unwanted:
                clauses[Clause(tuple(wanted), tuple(unwanted))] = None
            wanted, unwanted = {}, {}
            continue
        terms = _terms(word or phrase, prefix=word.endswith("*"))
        if terms and (minus or word.startswith("-")):
            unwanted[terms] = None
        else:
            wanted |= dict.fromkeys(terms)
    return tuple(clauses)


def matches(query: Query, searched: str) -> bool:
    """Whether a search text matches, token by token: the plain meaning that engines are tested against."""
    found = searched.split()

    def holds(term: Term) -> bool:
        if term.prefix:
            return any(token.startswith(term.tokens[0]) for token in found)
        width = len(term.tokens)
        return any(tuple(found[at : at + width]) == term.tokens for at in range(len(found) - width + 1))

    return any(
        all(map(holds, clause.wanted)) and not any(all(map(holds, group)) for group in clause.unwanted)
        for clause in query
    )


def _terms(word: str, *, prefix: bool) -> tuple[Term, ...]:
    found = tuple(tokens(word))
    if not prefix or not found:
        return (Term(found),) if found else ()
    beginning = Term(found[-1:], prefix=True)
    return (Term(found[:-1]), beginning) if found[:-1] else (beginning,)


def _cut(text: str) -> str:
    """The tokens of a text with spaces between them. Texts are long and mostly ASCII, which has a quick way."""
    if text.isascii():
        return _DIGITS.sub(_number, text.translate(_SPACED))
    return " ".join(_TOKEN.findall(_fold(text)))


# Names of persons and venues come again and again.
_cut_name = lru_cache(maxsize=20_000)(_cut)


def _number(found: re.Match[str]) -> str:
    run = found[0]
    if run == ".":
        return " "
    start, text = found.start(), found.string
    if start == 0 or text[start - 1] == " ":
        return " ".join(_NUMBERS.findall(run)) + " "
    # Digits after a letter belong to the word, as in wav2vec; a point ends it.
    head, point, rest = run.partition(".")
    return f"{head} {' '.join(_NUMBERS.findall(rest))} " if point else head


def _fold(text: str) -> str:
    # Folding case can make new compatibility forms and the other way round, so fold until nothing moves.
    for _ in range(4):
        parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        folded = unicodedata.normalize("NFKC", _ACCENTS.sub("", parts))
        if folded == text:
            break
        text = folded
    return text
