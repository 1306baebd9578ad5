"""What arXiv is asked for: a query in its language, and windows of days that keep each answer under its limit.

A query that uses arXiv's own syntax (a field such as `ti:`, `abs:` or `cat:`) goes as given, blanks folded, once its
quotes and brackets are balanced. Anything else is words, each of which must occur somewhere in the record:

    neural audio codec                      all:neural AND all:audio AND all:codec
    "audio codec" tokens                    all:"audio codec" AND all:tokens
    text-to-speech                          all:"text to speech"
    ("audio codec" OR vocoder) AND tokens   (all:"audio codec" OR all:vocoder) AND all:tokens

AND, OR, ANDNOT (also NOT) in capitals and brackets join words only when an operator is there; otherwise brackets,
colons and everything else that is neither letter nor digit part words, as arXiv's index does. Operators of different
kinds are read from the left, and the brackets say so, since arXiv documents no precedence.

Sources: info.arxiv.org/help/api/user-manual.html, sections 3.1.1 and 5.1.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from kg.errors import InputError
from kg.model import PartialDate

QUERY_LENGTH = 3000
"""Characters of a query; with its window it still fits into any server's address line when percent-encoded as ASCII."""

NESTING = 50
FIRST_DAY = date(1991, 1, 1)
"""arXiv opened in 1991; some records carry older dates, so a window without a beginning reaches back further."""

_EARLIEST = "19000101"
_FIELDS = "ti|au|abs|co|jr|cat|rn|id|all|submittedDate|lastUpdatedDate"
_FIELD = re.compile(rf"(?<!\w)(?:{_FIELDS}):(?=\S)")
_QUOTED = re.compile(r'"[^"]*"')
_TOKEN = re.compile(r'"([^"]*)"|([()])|([^\s()"]+)')
_OPERATORS = ("AND", "OR", "ANDNOT")
_DANGLING = re.compile(
    r"^(?:AND|OR|ANDNOT)\b|(?<!\w)(?:AND|OR|ANDNOT)$|\(\s*(?:AND|OR|ANDNOT)\b|(?<!\w)(?:AND|OR|ANDNOT)\s*\)"
)
_QUOTES = dict.fromkeys(map(ord, "“”„‟«»＂"), '"')
_HELP = 'Write words, "a phrase", or arXiv\'s fields: all:"audio codec" AND cat:eess.AS.'


def built(query: str) -> str:
    """A query in arXiv's language, for the words or the query given.

    Raises:
        InputError: nothing to search for, quotes, brackets or operators that do not fit, or too long.
    """
    text = " ".join("".join(each if _sendable(each) else " " for each in query).split())
    found = _checked(text) if _FIELD.search(_QUOTED.sub('""', text)) else _from_words(text, query)
    if len(found) > QUERY_LENGTH:
        raise _refused(f"The query has more than {QUERY_LENGTH:,} characters", query, "Ask for less at once.")
    return found


def with_window(query: str, since: str | None, until: str | None, today: date) -> str:
    """A query narrowed to what was submitted in a window of days, YYYY-MM-DD, both included, None = open.

    arXiv's filter has minutes and both ends belong to it. A window that has an end reaches to the first minute of the
    day behind it: a paper of the last minute's seconds is then in two windows rather than in none.
    """
    if since is None and until is None:
        return query
    begin = since.replace("-", "") if since else _EARLIEST
    # An open window ends far enough ahead for a clock that is wrong by months.
    end = date.fromisoformat(until) + timedelta(days=1) if until else date(today.year + 1, 12, 31)
    return f"({query}) AND submittedDate:[{begin}0000 TO {end:%Y%m%d}0000]"


def halves(
    since: str | None, until: str | None, today: date
) -> tuple[tuple[str | None, str], tuple[str, str | None]] | None:
    """Two windows for one, older first, that share no day and leave none out; None when it is a single day.

    The same window gives the same halves all year: cuts fall on a new year or the first of a month as long as one lies
    inside. Long windows are cut late, since half of arXiv is from its last quarter.
    """
    first = date.fromisoformat(since) if since else FIRST_DAY
    last = date.fromisoformat(until) if until else max(date(today.year, 12, 31), first + timedelta(days=1))
    days = (last - first).days
    if days < 1:
        return None
    middle = first + timedelta(days=days * 3 // 4 if days > 8 * 366 else (days + 1) // 2)
    cut = next((day for day in (middle.replace(month=1, day=1), middle.replace(day=1)) if first < day <= last), middle)
    return (since, (cut - timedelta(days=1)).isoformat()), (cut.isoformat(), until)


def first_day(since: str) -> str:
    """The day, YYYY-MM-DD, with which a year, month or day begins.

    Raises:
        InputError: not a date.
    """
    try:
        stated = PartialDate(since.strip()).value
    except ValueError:
        raise InputError(
            "This is no date", field="since", value=since, expected="YYYY-MM-DD, YYYY-MM or YYYY",
            hint="Write it like 2024-05-13.",
        ) from None  # fmt: skip
    return f"{stated}-01-01"[:10] if len(stated) == 4 else f"{stated}-01"[:10]


def _sendable(character: str) -> bool:
    """Neither a control character nor half a surrogate pair, which no address can carry."""
    return character.isprintable() and unicodedata.category(character) != "Cs"


def _checked(text: str) -> str:
    """A query in arXiv's own syntax, as given, when it can be read at all."""
    if text.count('"') % 2:
        raise _refused("A quotation mark is not closed", text, "Close it, or leave it out.")
    bare = _QUOTED.sub('""', text)
    depth = 0
    for each in bare:
        depth += {"(": 1, ")": -1}.get(each, 0)
        if depth < 0:
            break
    if depth:
        raise _refused("The brackets are not balanced", text, "Close every bracket that is opened.")
    if _DANGLING.search(bare):
        raise _refused("An operator joins nothing", text, "Put a term on both sides of AND, OR and ANDNOT.")
    return text


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _from_words(text: str, given: str) -> str:
    tokens = [
        _Token("bracket", bracket) if bracket
        else _Token("operator", word) if word in (*_OPERATORS, "NOT")
        else _Token("term", _term(word or phrase))
        for phrase, bracket, word in _TOKEN.findall(unicodedata.normalize("NFC", text.translate(_QUOTES)))
    ]  # fmt: skip
    tokens = [each for each in tokens if each.text]
    if not any(each.kind == "term" for each in tokens):
        raise _refused("There is nothing to search for", given, _HELP)
    if any(each.kind == "operator" for each in tokens):
        return _Parser(tokens, given).whole()
    return " AND ".join(each.text for each in tokens if each.kind == "term")


def _term(text: str) -> str:
    """A word, or the words of a phrase, looked for in all fields; empty when there is no letter or digit."""
    kept = "".join(each if each.isalnum() or unicodedata.category(each)[0] == "M" else " " for each in text)
    words = kept.split()
    if len(words) == 1 and words[0].upper() not in (*_OPERATORS, "NOT", "TO"):
        return f"all:{words[0]}"
    return f'all:"{" ".join(words)}"' if words else ""


class _Parser:
    """Words joined by operators and brackets; two terms side by side are joined by AND."""

    def __init__(self, tokens: list[_Token], given: str) -> None:
        self._tokens = tokens
        self._given = given
        self._at = 0

    def whole(self) -> str:
        found, _ = self._expression(0)
        if self._at < len(self._tokens):
            raise self._unreadable()
        return found

    def _expression(self, depth: int) -> tuple[str, str | None]:
        """An expression and the one operator that its top level uses, None for a single term."""
        found, top = self._operand(depth)
        while (operator := self._operator()) is not None:
            right, _ = right_side = self._operand(depth)
            if top is not None and (top != operator or operator == "ANDNOT"):
                found = f"({found})"
            if right_side[1] is not None:
                right = f"({right})"
            found, top = f"{found} {operator} {right}", operator
        return found, top

    def _operator(self) -> str | None:
        here = self._peek()
        if here is None or here.text == ")":
            return None
        if here.kind != "operator":
            return "AND"
        self._at += 1
        behind = self._peek()
        if here.text == "AND" and behind is not None and behind.text == "NOT":
            self._at += 1
            return "ANDNOT"
        return "ANDNOT" if here.text == "NOT" else here.text

    def _operand(self, depth: int) -> tuple[str, str | None]:
        here = self._peek()
        if here is None or here.kind == "operator" or here.text == ")" or depth > NESTING:
            raise self._unreadable()
        self._at += 1
        if here.kind == "term":
            return here.text, None
        inner = self._expression(depth + 1)
        closing = self._peek()
        if closing is None or closing.text != ")":
            raise self._unreadable()
        self._at += 1
        return inner

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _unreadable(self) -> InputError:
        return _refused(
            "The operators and brackets of this query do not fit",
            self._given,
            "Put a word or phrase on both sides of AND, OR and NOT, and close every bracket.",
        )


def _refused(message: str, query: str, hint: str) -> InputError:
    return InputError(message, field="query", value=query, expected="a query for arXiv", hint=hint, code="input.query")
