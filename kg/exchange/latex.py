"""LaTeX in the fields of a BibTeX file: text to LaTeX that means exactly it, and LaTeX to text.

Writing escapes what LaTeX reserves and leaves every other character as Unicode; a formula in dollars stays one. What
was written so is read back exactly; anything else is decoded by pylatexenc (accents, symbols, quotes, dashes), which
looks up names in tables and runs nothing.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylatexenc.latex2text import LatexNodes2Text  # type: ignore[import-untyped]

DECODED = 200_000
"""A longer field only loses its commands and braces: decoding takes about 10 microseconds a character."""

NESTED = 60
"""Deeper braces are no text; pylatexenc would run out of stack."""

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "$": r"\$",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
}
_UNESCAPES = {escaped: character for character, escaped in _ESCAPES.items()}
# Pairs that LaTeX turns into one sign are kept apart by an empty group.
_PAIRS = re.compile(r"(?<=-)(?=-)|(?<=`)(?=`)|(?<=')(?=')|(?<=[!?])(?=`)")
_MATH = re.compile(r"\$(?:[A-Za-z0-9]{1,3}|(?=[^$\n]*[\\^_])[^\s$%](?:[^$%\n]{0,200}[^\s$%\\])?)\$")
_WRITTEN = re.compile(
    "|".join([*(re.escape(each) for each in _UNESCAPES), r"\{\}", _MATH.pattern, r"[^\\{}$~%&#_^`'!?\-]+", r"[`'!?\-]"])
)
_SIGNS = re.compile(r"--|``|''|[!?]`")
_SPECIAL = re.compile(r"[\\{}$~`]|--|''")
_ADDRESS = re.compile(r"\\url\s*\{([^{}]*)\}")
_LINK = re.compile(r"\\href\s*\{[^{}]*\}\s*\{")
_BARE = re.compile(r"(?<!\\)((?:\\\\)*)([%&#])")
_ESCAPED = re.compile(r"\\([%&#_$ {}~])")


def to_latex(text: str) -> str:
    """LaTeX that prints exactly `text`; formulas in dollars stay formulas."""
    written, start = [], 0
    for found in _MATH.finditer(text):
        # A dollar after a backslash begins nothing, and TeX counts braces that the reader does not.
        if (found.start() and text[found.start() - 1] == "\\") or not _balanced(found[0]):
            continue
        written += [_escaped(text[start : found.start()]), found[0]]
        start = found.end()
    return "".join([*written, _escaped(text[start:])])


def from_latex(text: str) -> str:
    """The text that a LaTeX fragment prints; formulas stay as written. Raises ValueError: nested too deeply."""
    if not _SPECIAL.search(text) and "\\" not in text:
        return text
    exact = _unescaped(text)
    return exact if exact is not None else _decoded(text)


def unescaped_address(text: str) -> str:
    """An id or address as it stands in a field: only escapes are taken away, a tilde or percent sign is itself."""
    found = _ADDRESS.search(text)
    return _ESCAPED.sub(r"\1", found[1] if found else text).replace("{", "").replace("}", "").strip()


def _escaped(text: str) -> str:
    apart = _PAIRS.split(text) if _SIGNS.search(text) else [text]
    return "{}".join("".join(_ESCAPES.get(character, character) for character in part) for part in apart)


def _unescaped(text: str) -> str | None:
    """The text that `to_latex` was given, `None` when it cannot have written this."""
    if _SIGNS.search(_MATH.sub("$x$", text)):
        return None
    found, end = [], 0
    while end < len(text):
        match = _WRITTEN.match(text, end)
        if match is None or (match[0][0] == "$" and not _balanced(match[0])):
            return None
        found.append("" if match[0] == "{}" else _UNESCAPES.get(match[0], match[0]))
        end = match.end()
    return "".join(found)


def _balanced(formula: str) -> bool:
    """Whether braces close, both with and without those behind a backslash."""
    return "\\$" not in formula and _closes(formula) and _closes(re.sub(r"\\[{}]", "", formula))


def _closes(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0


def _decoded(text: str) -> str:
    depth = deepest = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        deepest = max(deepest, depth)
    if deepest > NESTED:
        raise ValueError(f"braces are nested more than {NESTED} deep")
    # A bare percent sign would hide the rest of the line, a bare ampersand become a table's column.
    from pylatexenc.latexwalker import LatexWalkerError  # type: ignore[import-untyped]

    plain = _LINK.sub("{", _ADDRESS.sub(r"\1", text))
    plain = _BARE.sub(r"\1\\\2", plain)
    if len(plain) > DECODED:
        return _stripped(plain)
    try:
        return str(_decoder().latex_to_text(plain))
    except (LookupError, TypeError, ValueError, RecursionError, LatexWalkerError):
        # pylatexenc 2.11 stumbles over some macros without their arguments; the text without its commands is left.
        return _stripped(plain)


def _stripped(text: str) -> str:
    return re.sub(r"\\[A-Za-z]+|[{}]", "", text)


@cache
def _decoder() -> LatexNodes2Text:
    from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db

    # It warns on stderr of macros without their arguments, which is no news about a file of references.
    logging.getLogger("pylatexenc").setLevel(logging.ERROR)
    known = get_default_latex_context_db()
    signs = {
        "textbraceleft": "{", "textbraceright": "}", "textasciicircum": "^", "textdollar": "$", "textunderscore": "_",
        "textendash": "–", "textemdash": "—", "textquoteleft": "‘", "textquoteright": "’", "textquotedblleft": "“",
        "textquotedblright": "”", "textquotesingle": "'", "lbrace": "{", "rbrace": "}", "slash": "/",
        "LaTeX": "LaTeX", "TeX": "TeX", "BibTeX": "BibTeX", "mbox": "%s", "hbox": "%s", "textnormal": "%s",
    }  # fmt: skip
    known.add_context_category(
        "reference managers",
        prepend=True,
        macros=[MacroTextSpec(name, simplify_repl=sign) for name, sign in signs.items()],
    )
    return LatexNodes2Text(latex_context=known, math_mode="verbatim", keep_comments=True, strict_latex_spaces=False)
