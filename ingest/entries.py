"""One record in a service's answer, read field by field: what is broken is named and left out, the rest is kept.

A file's broken line is refused whole, since whoever made the file can mend it (`ingest.records`). A service's answer is
not ours to mend, so one bad field must not cost the record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from ingest.records import Refused, as_stated, count_of, text_of, texts_of
from ingest.source import Unusable
from kg.errors import InputError
from kg.identity import author_id, parse
from kg.model import Author, PartialDate

LINK_LENGTH = 2000
_LINK = re.compile(r"https?://[^/?#\s]+(?:[/?#][^\x00-\x1f\x7f]*)?", re.IGNORECASE)
# What may stand in an address as it is; services leave spaces and worse in them.
_LINK_SAFE = "%/:?#[]@!$&'()*+,;=~"
_Value = TypeVar("_Value")


class Entry:
    """A record as it came. `unusable` grows as broken fields are met; `id` names the record there."""

    def __init__(self, found: Mapping[str, Any], id: str = "", within: str = "") -> None:
        self.found = found
        self.id = id
        self.within = within
        self.unusable: list[Unusable] = []

    def refuse(self, field: str, reason: str) -> None:
        """Name a broken field."""
        self.unusable.append(Unusable(self.id, f"{self.within}{field}", reason))

    def text(self, field: str) -> str | None:
        """Text as given; `None` when it says nothing or is broken."""
        return self._kept(text_of, field)

    def texts(self, field: str) -> tuple[str, ...] | None:
        """A list of text; `None` when it says nothing or is broken. Nulls in it say nothing."""
        listed = self.found.get(field)
        if isinstance(listed, list):
            listed = [each for each in listed if each is not None]
        return self._kept(lambda found, name: texts_of({name: listed}, name), field)

    def count(self, field: str) -> int | None:
        """A whole number from 0."""
        return self._kept(count_of, field)

    def flag(self, field: str) -> bool | None:
        """True, false, or nothing said."""
        value = self.found.get(field)
        if value is None or isinstance(value, bool):
            return value
        self.refuse(field, "wrong type: true or false is expected")
        return None

    def object(self, field: str) -> Entry | None:
        """A record inside the record; its broken fields are named with this one's."""
        value = self.found.get(field)
        if value is None:
            return None
        if isinstance(value, dict):
            return self._inner(value, field)
        self.refuse(field, "wrong type: an object is expected")
        return None

    def objects(self, field: str) -> list[Entry] | None:
        """A list of records; `None` when absent, null or no list. Nulls in it are passed over."""
        value = self.found.get(field)
        if value is None:
            return None
        if not isinstance(value, list):
            self.refuse(field, "wrong type: a list is expected")
            return None
        entries = []
        for each in value:
            if isinstance(each, dict):
                entries.append(self._inner(each, field))
            elif each is not None:
                self.refuse(field, "wrong type: a list of objects is expected")
        return entries

    def work_id(self, field: str, schemes: Iterable[str], prefix: str = "") -> str | None:
        """A canonical work id of one of these schemes."""
        value = self.found.get(field)
        if value is None or value == "":
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            self.refuse(field, "wrong type: an id is expected")
            return None
        try:
            parsed = parse(prefix + value)
        except InputError as error:
            self.refuse(field, error.message)
            return None
        if parsed.scheme in schemes:
            return parsed.id
        self.refuse(field, f"an id of another kind ({parsed.scheme})")
        return None

    def date(self, day: str, year: str, source: str) -> PartialDate | None:
        """The date from a field with a day and one with a year, as precise as it can be believed."""
        stated = self.text(day)
        if stated is not None:
            try:
                return as_stated(PartialDate(stated[:10] if stated[10:11] in ("T", " ") else stated, source))
            except ValueError:
                self.refuse(day, "not a date: YYYY-MM-DD is expected")
        number = self.count(year)
        if not number:
            return None
        if 1000 <= number <= 9999:
            return PartialDate(str(number), source)
        self.refuse(year, "not a year")
        return None

    def link(self, field: str) -> str | None:
        """An address on the web: http or https, everything quoted that could end a link where it is shown."""
        value = self.text(field)
        if value is None:
            return None
        if len(value) <= LINK_LENGTH and _LINK.fullmatch(value.strip()):
            return quote(value.strip(), safe=_LINK_SAFE)
        self.refuse(field, "not an address on the web")
        return None

    def _inner(self, found: Mapping[str, Any], field: str) -> Entry:
        entry = Entry(found, self.id, f"{self.within}{field}.")
        entry.unusable = self.unusable
        return entry

    def _kept(self, read: Callable[[Mapping[str, Any], str], _Value | None], field: str) -> _Value | None:
        try:
            return read(self.found, field)
        except Refused as refused:
            self.refuse(refused.field, refused.reason)
            return None


def author(scheme: str, id: str | None, name: str) -> Author | None:
    """A person by a source's id (`s2author:123`), else by name alone; `None` for a name without a letter."""
    if id is not None and re.fullmatch(r"[A-Za-z0-9-]{1,64}", id):
        return Author(f"{scheme}:{id}", name, name_only=False)
    try:
        return Author(author_id(name), name, name_only=True)
    except InputError:
        return None


def authors(people: Iterable[Author | None]) -> tuple[Author, ...]:
    """Each person once, in order."""
    once: dict[str, Author] = {}
    for each in people:
        if each is not None:
            once.setdefault(each.id, each)
    return tuple(once.values())
