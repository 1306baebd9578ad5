"""Which concepts a title and abstract mention, where, in what role, and whether they are denied.

A sentence is *own* (it speaks of this paper), *result*, *background* (before the paper speaks of itself, or about
others) or *detail*. A mention in it may be *proposed* or *used*, in a title it may be the *head*; it is denied when a
contrast cue of the same clause stands shortly before it. Offsets are those of the field as given, always.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.lexicon import Form, Lexicon
from kg.model import Field, Span

ROLES = ("title", "head", "own", "detail", "background", "result", "proposed", "used")
BIT = {role: 1 << number for number, role in enumerate(ROLES)}

EVIDENCE_CHARACTERS = 80
CONTRAST_WORDS = {"contrast": 12, "contrast_near": 1}
PROPOSED_WORDS = 12
USED_WORDS = 6
NAME_WORDS = 4
BACKGROUND_SHARE = 0.6

_TOKEN = re.compile(r"[^\W_]+|[.?!](?=\s|$)|[,;:()\u2013\u2014]")
_DIRT = re.compile(r"\\(?:textbf|textit|emph|text|mathrm|textsc|texttt|underline)\{|(?<=\w)\}|\$|\xad")
_BROKEN = re.compile(r"(?<=[a-z])- +(?=[a-z])(?!and\b|or\b|to\b|vs\b)")
_NEWLINE = re.compile(r"\\n(?=[\sA-Z])")
_ABBREVIATED = frozenset({"al", "eg", "ie", "g", "e", "i", "vs", "fig", "approx", "cf", "resp"})


@dataclass(frozen=True, slots=True)
class Mention:
    """One concept at one place. `roles` is a set of bits (see `BIT`); `order` is its place in the paper, 0 to 1."""

    concept: int
    field: Field
    start: int
    end: int
    sentence: int
    roles: int
    denied: bool
    order: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the lexicon found in one paper. `fields` names those that held text; `words` counts their words."""

    mentions: tuple[Mention, ...]
    fields: tuple[Field, ...]
    texts: tuple[str, str]
    words: int

    def span(self, mention: Mention) -> Span | None:
        """The exact place of a mention; `None` when it is too long to quote."""
        if mention.end - mention.start > EVIDENCE_CHARACTERS:
            return None
        text = self.texts[0] if mention.field == "title" else self.texts[1]
        return Span(mention.field, mention.start, mention.end, text[mention.start : mention.end])


@dataclass(slots=True)
class _Words:
    """The words of one field: form, place in the original, sentence and clause of each."""

    spelled: list[str]
    forms: list[Form | None]
    starts: list[int]
    ends: list[int]
    clauses: list[int]
    sentences: list[tuple[int, int]]
    breaks: list[list[int]]
    colon: int | None


def read(lexicon: Lexicon, title: str | None, abstract: str | None) -> Reading:
    """Reads one paper. Takes any text of any length, in time proportional to it."""
    texts = (title or "", abstract or "")
    fields: tuple[Field, ...] = tuple(f for f, t in zip(("title", "abstract"), texts, strict=True) if t.strip())  # type: ignore[misc]
    split = [_split(lexicon, text) for text in texts]
    total = max(1, sum(len(words.spelled) for words in split))
    name = split[0].spelled[: split[0].colon] if split[0].colon and split[0].colon <= NAME_WORDS else []
    mentions: list[Mention] = []
    mentions += _title(lexicon, split[0], total)
    mentions += _abstract(lexicon, split[1], len(split[0].spelled), total, name)
    return Reading(tuple(mentions), fields, texts, total)


def _split(lexicon: Lexicon, text: str) -> _Words:
    cleaned, places, shifts = _clean(text)
    words = _Words([], [], [], [], [], [], [[0]], None)
    form, clause, first = lexicon.form, 0, 0
    for token in _TOKEN.finditer(cleaned):
        spelled = token.group()
        start = token.start()
        if spelled[0].isalnum():
            end = start + len(spelled)
            if shifts:
                start += shifts[bisect_right(places, start) - 1]
                end += shifts[bisect_right(places, end - 1) - 1]
            words.spelled.append(spelled)
            words.forms.append(form(spelled))
            words.starts.append(start)
            words.ends.append(end)
            words.clauses.append(clause)
            continue
        clause += 1
        if spelled == ":" and words.colon is None:
            words.colon = len(words.spelled)
        if spelled in ".?!" and len(words.spelled) > first and words.spelled[-1].lower() not in _ABBREVIATED:
            words.sentences.append((first, len(words.spelled)))
            first = len(words.spelled)
            words.breaks.append([first])
        elif words.breaks[-1][-1] != len(words.spelled):
            words.breaks[-1].append(len(words.spelled))
    if len(words.spelled) > first:
        words.sentences.append((first, len(words.spelled)))
    return words


def _clean(text: str) -> tuple[str, list[int], list[int]]:
    """Text without LaTeX marks and line-break hyphens, with the shift of each kept piece back to the original."""
    if "\\" in text:
        text = _NEWLINE.sub("  ", text)
    cuts = [found.span() for found in _DIRT.finditer(text)] if ("$" in text or "\\" in text or "\xad" in text) else []
    if "- " in text:
        cuts += [found.span() for found in _BROKEN.finditer(text)]
    if not cuts:
        return text, [], []
    pieces: list[str] = []
    places: list[int] = []
    shifts: list[int] = []
    at = kept = 0
    for start, end in [*sorted(cuts), (len(text), len(text))]:
        if start > at:
            pieces.append(text[at:start])
            places.append(kept)
            shifts.append(at - kept)
            kept += start - at
        at = max(at, end)
    return "".join(pieces), places or [0], shifts or [0]


def _scan(lexicon: Lexicon, words: _Words, sentence: int) -> list[tuple[int, int, int]]:
    """Concepts in one sentence, clause by clause: no phrase reaches over a comma or a bracket."""
    starts = words.breaks[sentence]
    ends = [*starts[1:], words.sentences[sentence][1]]
    found: list[tuple[int, int, int]] = []
    for start, end in zip(starts, ends, strict=True):
        found += lexicon.scan(words.forms, start, end)
    return found


def _title(lexicon: Lexicon, words: _Words, total: int) -> list[Mention]:
    found: list[tuple[int, int, int]] = []
    for number in range(len(words.sentences)):
        found += _scan(lexicon, words, number)
    cues = _cues(lexicon, found)
    # The head of a title is what stands before the first "for", "with", "via" ... after the colon.
    after = words.colon if words.colon is not None and words.colon < len(words.spelled) else 0
    head_end = min((stop - 1 for stop in cues.get("link", ()) if stop > after), default=len(words.spelled))
    mentions = []
    for concept, start, end in found:
        if lexicon.concepts[concept].cue is None:
            roles = BIT["title"] | (BIT["head"] if end <= head_end else 0)
            place = (words.starts[start], words.ends[end - 1])
            mentions.append(Mention(concept, "title", *place, -1, roles, _denied(words, cues, start), start / total))
    return mentions


def _abstract(lexicon: Lexicon, words: _Words, before: int, total: int, name: Sequence[str]) -> list[Mention]:
    mentions: list[Mention] = []
    per_sentence = [_scan(lexicon, words, number) for number in range(len(words.sentences))]
    cues = [_cues(lexicon, found) for found in per_sentence]
    for number, (start, end) in enumerate(words.sentences):
        if name and _names(words.spelled, start, end, name):
            cues[number].setdefault("own", [])
    any_own = any("own" in cue for cue in cues)
    spoken = False
    for number, ((first, _), found, cue) in enumerate(zip(words.sentences, per_sentence, cues, strict=True)):
        if "result" in cue:
            role = "result"
        elif "own" in cue:
            role = "own"
        elif ("background" in cue and first < BACKGROUND_SHARE * len(words.spelled)) or (any_own and not spoken):
            role = "background"
        else:
            role = "detail"
        spoken = spoken or "own" in cue
        for concept, start, end in found:
            if lexicon.concepts[concept].cue is not None:
                continue
            roles = BIT[role]
            if role != "background":
                if _shortly_after(cue.get("propose", ()), start, PROPOSED_WORDS) is not None:
                    roles |= BIT["proposed"]
                if _shortly_after(cue.get("use", ()), start, USED_WORDS) is not None:
                    roles |= BIT["used"]
            place = (words.starts[start], words.ends[end - 1])
            order = (before + start) / total
            mentions.append(Mention(concept, "abstract", *place, number, roles, _denied(words, cue, start), order))
    return mentions


def _cues(lexicon: Lexicon, found: Sequence[tuple[int, int, int]]) -> dict[str, list[int]]:
    """For each kind of cue the places where one ends, ascending."""
    cues: dict[str, list[int]] = {}
    for concept, _, stop in found:
        cue = lexicon.concepts[concept].cue
        if cue is not None:
            cues.setdefault(cue, []).append(stop)
    for stops in cues.values():
        stops.sort()
    return cues


def _shortly_after(stops: Sequence[int], start: int, window: int) -> int | None:
    """The last of `stops` at or before the word `start`, if at most `window` words away."""
    at = bisect_right(stops, start) - 1
    return stops[at] if at >= 0 and start - stops[at] <= window else None


def _denied(words: _Words, cues: Mapping[str, Sequence[int]], start: int) -> bool:
    """Whether a contrast cue of the same clause ends shortly before the word `start`."""
    for cue, window in CONTRAST_WORDS.items():
        if cue not in cues:
            continue
        stop = _shortly_after(cues[cue], start, window)
        if stop is not None and words.clauses[stop - 1] == words.clauses[start]:
            return True
    return False


def _names(spelled: Sequence[str], start: int, end: int, name: Sequence[str]) -> bool:
    width = len(name)
    return any(spelled[at] == name[0] and list(spelled[at : at + width]) == list(name) for at in range(start, end))
