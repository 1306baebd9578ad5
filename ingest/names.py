"""Whether two spellings of a name can be one person's. It helps to match works; it identifies nobody."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from kg.errors import InputError
from kg.identity import author_id

_OTHERS = frozenset({"others", "et-al", "al"})


@lru_cache(maxsize=65536)
def name_words(name: str) -> tuple[str, ...]:
    """Words of a name, folded, "Last, First" turned round; empty when it names nobody ("et al.")."""
    try:
        key = author_id(name).removeprefix("name:")
    except InputError:
        return ()
    return () if key in _OTHERS else tuple(key.split("-"))


def may_be_one(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two names can be one: words in any order, initials for words, words left out or written together.

    At least one word of two letters or more must be the same in both.
    """
    if "".join(one) == "".join(other) or "".join(sorted(one)) == "".join(sorted(other)):
        return True
    if len(one) == len(other):
        return _fits(one, other) or _fits(other, one)
    return _fits(one, other) if len(one) < len(other) else _fits(other, one)


def _fits(short: Sequence[str], long: Sequence[str]) -> bool:
    left, rest = list(long), []
    for word in short:
        if len(word) > 1 and word in left:
            left.remove(word)
        else:
            rest.append(word)
    if len(rest) == len(short):
        return False
    for word in rest:
        fitting = next((each for each in left if word[0] == each[0] and 1 in (len(word), len(each))), None)
        if fitting is not None:
            left.remove(fitting)
        elif len(word) <= 3 and word == "".join(each[0] for each in left):
            left = []
        else:
            return False
    return True
