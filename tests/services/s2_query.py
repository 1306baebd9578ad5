"""The query language of Semantic Scholar's bulk search: + (and), | (or), - (not), "phrase", prefix*, brackets.

Words side by side are joined by and. `~N` after a phrase or a word (nearness) is read and taken as exact.
"""

from __future__ import annotations

import re

import numpy as np

from tests.services.world import Flags, fold

_TOKEN = re.compile(r'\s*(?:(?P<sign>[+|()\-])|"(?P<phrase>[^"]*)"(?:~\d+)?|(?P<word>[^\s+|()"]+))')


class Malformed(ValueError):
    """A query that cannot be read."""


def matches(query: str, words: list[str]) -> Flags:
    """Which texts (lower-case words between single spaces) a query finds."""
    tokens = _tokens(query)
    found = _either(tokens, words)
    if tokens:
        raise Malformed("The query has a bracket too many")
    return found


def _tokens(query: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while query[position:].strip():
        token = _TOKEN.match(query, position)
        if token is None:
            raise Malformed("The query cannot be read")
        kind = token.lastgroup or ""
        found.append((kind, token[kind]))
        position = token.end()
    return found


def _either(tokens: list[tuple[str, str]], words: list[str]) -> Flags:
    found = _both(tokens, words)
    while tokens and tokens[0] == ("sign", "|"):
        tokens.pop(0)
        found = found | _both(tokens, words)
    return found


def _both(tokens: list[tuple[str, str]], words: list[str]) -> Flags:
    found = _one(tokens, words)
    while tokens and tokens[0] not in (("sign", "|"), ("sign", ")")):
        if tokens[0] == ("sign", "+"):
            tokens.pop(0)
        found = found & _one(tokens, words)
    return found


def _one(tokens: list[tuple[str, str]], words: list[str]) -> Flags:
    if not tokens:
        raise Malformed("The query lacks a term")
    kind, text = tokens.pop(0)
    if (kind, text) == ("sign", "-"):
        return ~_one(tokens, words)
    if (kind, text) == ("sign", "("):
        found = _either(tokens, words)
        if not tokens or tokens.pop(0) != ("sign", ")"):
            raise Malformed("The query lacks a closing bracket")
        return found
    if kind == "sign":
        raise Malformed(f"The query has {text} without a term")
    text = re.sub(r"~\d+$", "", text)
    sought = f" {fold(text)}" + ("" if kind == "word" and text.endswith("*") else " ")
    return np.array([bool(sought.strip()) and sought in each for each in words], dtype=bool)
