"""Every visible string, found by key in `ui/catalogue/<language>.toml`; a second language is a second file.

Rules:
- A page shows no literal of its own; it says `t("papers.showing", shown=50, total=1842)`.
- An entry with the forms `one` and `other` is chosen by the value named `n`.
- A key that a language lacks falls back to English; a key that English lacks is a mistake and raises `LookupError`.
- What comes from outside (titles, names, queries) goes through `plain` before it enters Markdown, and through
  `html.escape` before it enters HTML.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

DEFAULT = "en"
FOLDER = Path(__file__).resolve().parent / "catalogue"

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_SHORTCODE = re.compile(r":(?=[\w+\-/]+:)")
_BREAKS = re.compile(r"\s+")
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_WORD_JOINER = "\u2060"


def languages() -> tuple[str, ...]:
    """Languages that have a catalogue, the default first."""
    found = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return (DEFAULT, *(name for name in found if name != DEFAULT))


@cache
def catalogue(language: str) -> Mapping[str, str | Mapping[str, str]]:
    """The entries of a language by dotted key; an entry with plural forms is a mapping of the forms."""
    return _flat(tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8")), "")


def _flat(table: Mapping[str, object], prefix: str) -> dict[str, str | Mapping[str, str]]:
    entries: dict[str, str | Mapping[str, str]] = {}
    for name, value in table.items():
        if isinstance(value, str) or (isinstance(value, dict) and "other" in value and set(value) <= {"one", "other"}):
            entries[prefix + name] = value
        elif isinstance(value, dict):
            entries |= _flat(value, f"{prefix}{name}.")
        else:
            raise TypeError(f"{prefix}{name} is neither text nor a table")
    return entries


def say(language: str, key: str, **values: object) -> str:
    """The entry `key` in a language, with values filled in.

    Raises:
        LookupError: neither this language nor the default has the key, or a value that the entry names is missing.
    """
    entry = catalogue(language).get(key) if language in languages() else None
    if entry is None:
        entry = catalogue(DEFAULT)[key]
    if not isinstance(entry, str):
        entry = entry["one"] if values["n"] == 1 and "one" in entry else entry["other"]
    return entry.format(**values)


def _default_language() -> str:
    return DEFAULT


_language: Callable[[], str] = _default_language


def speak(language: Callable[[], str]) -> None:
    """Name the function that knows a visitor's language; `ui.state` does so, per session."""
    global _language
    _language = language


def t(key: str, /, **values: object) -> str:
    """The entry `key` in the language of this visitor. Raises LookupError as `say` does."""
    return say(_language(), key, **values)


def plain(text: str) -> str:
    """Text from outside as Markdown that shows exactly these characters on one line.

    Every ASCII punctuation mark is escaped (so no emphasis, link, HTML, LaTeX or colour directive), a shortcode such
    as `:heart:` is broken by a word joiner, since Streamlit replaces it after parsing; control characters and marks
    that turn the reading direction are dropped.
    """
    return _PUNCTUATION.sub(r"\\\1", label(text))


def label(text: str) -> str:
    """Text from outside on one line for a place that reads no Markdown but replaces shortcodes, such as a cell."""
    one_line = _BREAKS.sub(" ", visible(text)).strip()
    return _SHORTCODE.sub(f":{_WORD_JOINER}", one_line)


def visible(text: str) -> str:
    """Text without control characters and without marks that turn the reading direction or take no space."""
    return _INVISIBLE.sub("", text)


def short(text: str, length: int) -> str:
    """Text cut at a word, with an ellipsis, to at most `length` characters."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    at_word = cut.rpartition(" ")[0]
    return (at_word if len(at_word) > length * 0.6 else cut).rstrip(" ,;:-") + "…"
