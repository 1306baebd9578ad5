"""Phrases of a field as data, compiled once, found in a sequence of words in one pass.

A pattern is a short sequence over words, so no input can make it backtrack without bound. Elements, by spaces:

    codec        this word, in any case          token*  *codec   a word with this head or tail
    audio|music  any of these                    {audio}          a set of words named under `words`
    neural?      may be absent                   ~2               up to two words of any kind
    =DAC         this spelling, case and all     !cosine          the next word is not this one

Hyphens, slashes and LaTeX marks are no words: "vector-quantised" is two. A longer match of one concept wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kg.errors import InputError

# A text may hold any number of different words; what was learnt about them is dropped beyond this many.
WORDS_REMEMBERED = 200_000

_MACRO = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that a text can speak of: `says` is its name in words, `families` the groups it belongs to.

    `cue` makes it change how its neighbours are read; `kind` makes it a name to report (a quantiser); both are no
    feature by themselves.
    """

    name: str
    says: str
    families: frozenset[str]
    cue: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Element:
    """One place of a pattern: a word of the set `atom`, after at most `gap` words of any kind.

    An `optional` one may be left out; an `absent` one forbids the set there and takes no word.
    """

    atom: int
    optional: bool = False
    gap: int = 0
    absent: bool = False


@dataclass(slots=True)
class Form:
    """What one spelling of a word can stand for: the word sets it is in, and the patterns it can open."""

    atoms: frozenset[int]
    opens: tuple[tuple[int, tuple[Element, ...]], ...]


@dataclass(slots=True)
class Lexicon:
    """Compiled concepts. `scan` finds them; `form` tells what a spelling can stand for."""

    concepts: tuple[Concept, ...]
    index: dict[str, int]
    _exact: dict[str, list[int]] = field(repr=False)
    _cased: dict[str, list[int]] = field(repr=False)
    _heads: dict[str, list[int]] = field(repr=False)
    _tails: dict[str, list[int]] = field(repr=False)
    _opening: dict[int, list[tuple[int, tuple[Element, ...]]]] = field(repr=False)
    _affixes: tuple[int, int] = (1, 1)
    _forms: dict[str, Form | None] = field(default_factory=dict, repr=False)

    def form(self, spelling: str) -> Form | None:
        """What `spelling` can stand for; `None` when no pattern holds it."""
        known = self._forms
        if spelling in known:
            return known[spelling]
        if len(known) >= WORDS_REMEMBERED:
            known.clear()
        found = self._form(spelling)
        known[spelling] = found
        return found

    def _form(self, spelling: str) -> Form | None:
        lower = spelling.lower()
        atoms = set(self._exact.get(lower, ())) | set(self._cased.get(spelling, ()))
        shortest, longest = self._affixes
        for length in range(shortest, min(longest, len(lower)) + 1):
            atoms.update(self._heads.get(lower[:length], ()))
            atoms.update(self._tails.get(lower[-length:], ()))
        if not atoms:
            return None
        opens = {pattern: None for atom in sorted(atoms) for pattern in self._opening.get(atom, ())}
        return Form(frozenset(atoms), tuple(sorted(opens, key=lambda opened: opened[0])))

    def scan(self, forms: Sequence[Form | None], start: int, end: int) -> list[tuple[int, int, int]]:
        """Concepts among the words `start` to `end` of one sentence, as (concept, first word, word after the last)."""
        found: list[tuple[int, int, int]] = []
        reached: dict[int, int] = {}
        for place in range(start, end):
            form = forms[place]
            if form is None or not form.opens:
                continue
            best: dict[int, int] = {}
            after = forms[place + 1] if place + 1 < end else None
            for concept, elements in form.opens:
                if len(elements) == 1:
                    stop = place + 1
                else:
                    # Most patterns fail on their second word; asking here saves the call.
                    second = elements[1]
                    if not (second.optional or second.absent or second.gap) and (
                        after is None or second.atom not in after.atoms
                    ):
                        continue
                    stop = _match(elements, 1, forms, place + 1, end)
                if stop > best.get(concept, -1):
                    best[concept] = stop
            for concept, stop in best.items():
                if stop > reached.get(concept, 0):
                    found.append((concept, place, stop))
                    reached[concept] = stop
        return found


def _match(elements: Sequence[Element], at: int, forms: Sequence[Form | None], place: int, end: int) -> int:
    """Word after the longest match of `elements[at:]` from `place`, or -1. Patterns are short, gaps at most 6."""
    if at == len(elements):
        return place
    element = elements[at]
    if element.absent:
        form = forms[place] if place < end else None
        if form is not None and element.atom in form.atoms:
            return -1
        return _match(elements, at + 1, forms, place, end)
    best = -1
    for here in range(place, min(place + element.gap, end - 1) + 1):
        form = forms[here]
        if form is not None and element.atom in form.atoms:
            best = max(best, _match(elements, at + 1, forms, here + 1, end))
            if best >= 0:
                break
    if element.optional:
        best = max(best, _match(elements, at + 1, forms, place, end))
    return best


class _Compiler:
    """Turns pattern texts into elements over numbered word sets."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self.words = dict(words)
        self.atoms: dict[tuple[str, ...], int] = {}

    def alternatives(self, text: str, where: str) -> tuple[str, ...]:
        for _ in range(8):
            if "{" not in text:
                break
            text = _MACRO.sub(lambda found: self._words_of(found.group(1), where), text)
        parts = tuple(sorted({part for part in text.split("|") if part}))
        if not parts or any(set(part) & set("{}?~! ") for part in parts):
            raise InputError("A pattern element cannot be read", where=where, value=text, expected="words, | and *")
        return parts

    def _words_of(self, name: str, where: str) -> str:
        if name not in self.words:
            raise InputError("A pattern names an unknown set of words", where=where, value=name)
        return self.words[name]

    def compile(self, pattern: str, where: str) -> list[tuple[Element, ...]]:
        elements: list[Element] = []
        gap = 0
        for piece in pattern.split():
            if piece.startswith("~"):
                gap = int(piece[1:])
                if not 1 <= gap <= 6:
                    raise InputError("A gap must span 1 to 6 words", where=where, value=pattern)
                continue
            absent = piece.startswith("!")
            optional = piece.endswith("?")
            names = self.alternatives(piece.lstrip("!").rstrip("?"), where)
            atom = self.atoms.setdefault(names, len(self.atoms))
            elements.append(Element(atom, optional, gap, absent))
            gap = 0
        if not elements or gap or all(element.optional or element.absent for element in elements):
            raise InputError("A pattern needs a word that must be there", where=where, value=pattern)
        # A pattern is found by its first word, so an optional first word makes two patterns.
        opened = [tuple(elements)]
        while opened[-1][0].optional:
            opened.append(opened[-1][1:])
        if any(one[0].absent for one in opened):
            raise InputError("A pattern cannot open with !", where=where, value=pattern)
        return [(Element(one[0].atom), *one[1:]) for one in opened]


def compile_lexicon(documents: Iterable[tuple[str, Mapping[str, Any]]]) -> Lexicon:
    """Compiles (file name, content) pairs; sets of words are shared between the files.

    Raises:
        InputError: a concept without patterns, named twice, or a pattern that cannot be read; names file and concept.
    """
    listed = list(documents)
    words: dict[str, str] = {}
    for _, content in listed:
        words.update(content.get("words", {}))
    compiler = _Compiler(words)
    concepts: list[Concept] = []
    opening: dict[int, list[tuple[int, tuple[Element, ...]]]] = {}
    seen: set[str] = set()
    for where, content in listed:
        for name, entry in content.get("concepts", {}).items():
            at = f"{where}: {name}"
            if name in seen or not entry.get("patterns"):
                raise InputError("A concept needs one entry, with patterns", where=at)
            seen.add(name)
            number = len(concepts)
            families = frozenset(entry.get("families", ()))
            concepts.append(
                Concept(name, entry.get("says", name.replace("_", " ")), families, entry.get("cue"), entry.get("kind"))
            )
            for pattern in entry["patterns"]:
                for elements in compiler.compile(str(pattern), at):
                    opening.setdefault(elements[0].atom, []).append((number, elements))
    tables: tuple[dict[str, list[int]], ...] = ({}, {}, {}, {})
    exact, cased, heads, tails = tables
    for names, atom in compiler.atoms.items():
        for name in names:
            if name.startswith("="):
                cased.setdefault(name[1:], []).append(atom)
            elif name.endswith("*"):
                heads.setdefault(name[:-1].lower(), []).append(atom)
            elif name.startswith("*"):
                tails.setdefault(name[1:].lower(), []).append(atom)
            else:
                exact.setdefault(name.lower(), []).append(atom)
    lengths = [len(affix) for affix in (*heads, *tails)] or [1]
    index = {concept.name: number for number, concept in enumerate(concepts)}
    return Lexicon(tuple(concepts), index, exact, cased, heads, tails, opening, (min(lengths), max(lengths)))


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        InputError: the file is missing, is not YAML or holds no mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError("A lexicon file cannot be read", where=str(path), hint="Reinstall the data folder.") from error
    except yaml.YAMLError as error:
        raise InputError("A lexicon file is not YAML", where=str(path), hint=str(error)[:200]) from error
    if not isinstance(content, dict):
        raise InputError("A lexicon file must hold a mapping", where=str(path))
    return content
