"""Whether a page of arXiv's can be what was asked for, and the place in a search or list that a page ends at.

The `arxiv` package believes an empty first page, a page that was there before, and any count. Here each is a BadAnswer
that is worth another try.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from kg.errors import BadAnswer, InputError

if TYPE_CHECKING:
    from ingest.arxiv_feed import Feed


class EmptyPage(BadAnswer):
    """No paper where arXiv counts some."""

    code = "source.empty"


@dataclass(frozen=True, slots=True)
class Place:
    """How far a search is read: the next entry's number; `last` is the paper that must stand there, "" when unknown.

    `got` counts papers, `bad` entries that could not be used.
    """

    start: int = 0
    last: str = ""
    got: int = 0
    bad: int = 0

    def position(self) -> str:
        """The place as text."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Rest:
    """What of a list of ids is to be asked for again, and how often it was in vain."""

    ids: tuple[str, ...]
    tries: int = 0

    def position(self) -> str:
        """The rest as text."""
        return json.dumps(asdict(self))


def place(position: str) -> Place:
    """The place that a position names. Raises InputError."""
    stated = _loaded(position)
    match stated:
        case {"start": int(start), "last": str(last), "got": int(got), "bad": int(bad)}:
            return Place(start, last, got, bad)
    raise _no_position(position)


def rest(position: str) -> Rest:
    """The rest of a list that a position names. Raises InputError."""
    match _loaded(position):
        case {"ids": list(ids), "tries": int(tries)} if ids and all(isinstance(each, str) for each in ids):
            return Rest(tuple(ids), tries)
    raise _no_position(position)


def check_search(feed: Feed, start: int, *, overlap: bool = False, patient: bool = True) -> None:
    """Look at a page of a search.

    Args:
        start: the number of the first entry asked for.
        overlap: that entry was there before; alone it is no progress.
        patient: an empty page is worth another try at this size.

    Raises:
        BadAnswer: not what was asked for.
        EmptyPage: no progress although arXiv counts more papers.
    """
    _check_start(feed, start)
    total = feed.total or 0
    if feed.given and total < start + feed.given:
        raise unfit("arXiv gave more papers than it counts", f"at most {total}", f"{start + feed.given}")
    if feed.given <= overlap and start + feed.given < total:
        raise EmptyPage(
            f"arXiv counts {total:,} papers and gave none behind number {start + feed.given:,}",
            source="arxiv", expected="papers", came="an empty page", retryable=patient,
        )  # fmt: skip
    _check_dates(feed)


def check_list(feed: Feed, asked: Sequence[str], *, first: bool) -> None:
    """Look at the answer to a list of ids; an empty one is in doubt as long as it is the `first`.

    Raises:
        BadAnswer: not what was asked for.
        EmptyPage: nothing although arXiv counts some.
    """
    _check_start(feed, 0)
    if feed.ids and not set(feed.ids).intersection(asked):
        raise unfit("arXiv sent other papers than were asked for", asked[0], feed.ids[0])
    if first and not feed.given and feed.total:
        raise EmptyPage(
            f"arXiv counts {feed.total} papers of a list and gave none",
            source="arxiv", expected="papers", came="an empty page", retryable=True,
        )  # fmt: skip
    _check_dates(feed)


def unfit(message: str, expected: str, came: str) -> BadAnswer:
    """A page that another try may mend."""
    return BadAnswer(message, source="arxiv", expected=expected, came=came, retryable=True)


def _check_start(feed: Feed, start: int) -> None:
    if feed.total is None:
        raise unfit("arXiv sent a feed that does not say how many papers there are", "a count", "none")
    if feed.start not in (None, start):
        raise unfit("arXiv sent another page than was asked for", f"entries from {start}", f"from {feed.start}")


def _check_dates(feed: Feed) -> None:
    """One date that cannot be read is that paper's fault; all of them are the page's."""
    if len(feed.ids) > 1 and len(feed.undated) == len(feed.ids):
        raise unfit("arXiv sent a page without a date that can be read", "dates", next(iter(feed.undated.values())))


def _loaded(position: str) -> object:
    try:
        return json.loads(position)
    except ValueError:
        raise _no_position(position) from None


def _no_position(position: str) -> InputError:
    return InputError(
        "The store holds no usable position of this search of arXiv", field="position", value=position,
        hint="Fetch it anew with --refresh.",
    )  # fmt: skip
