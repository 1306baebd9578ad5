"""Reads a protocol from its YAML file and finds every fault at once. The format is described in docs/protocol.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from kg.model import PartialDate
from kg.protocol import INTERNAL, AnyOf, Criterion, Group, Kind, Protocol, Text, Topic
from kg.yaml_file import Fault, Section, read_root

FORMAT = 1
_NOTHING = Text("", "")
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_RESERVED = ("include", "any")
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|mc_cid|mc_eid", re.IGNORECASE)


def read(path: Path) -> tuple[Protocol | None, list[Fault]]:
    """A protocol, or `None` and every fault of its file by line.

    Raises:
        InputError: the file cannot be read at all.
    """
    faults: list[Fault] = []
    root = read_root(path, faults)
    protocol = _Reader(faults).protocol(root) if root is not None else None
    faults.sort(key=lambda fault: (fault.line, fault.field))
    return (None if faults else protocol), faults


def without_tracking(url: str) -> str:
    """A URL without the parameters that only say who sent the reader (utm_source and its kin)."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [pair for pair in pairs if not _TRACKING.fullmatch(pair[0])]
    return url if kept == pairs else urlunsplit(parts._replace(query=urlencode(kept)))


class _Reader:
    """Builds a protocol; stand-ins fill in for faulty fields so that reading goes on to the end of the file."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        self._lines: dict[str, int] = {}
        self._topics: set[str] = set()
        self._silent: str | None = None

    def protocol(self, root: Section) -> Protocol:
        stated = root.whole("format")
        if stated not in (None, FORMAT):
            root.add("format", stated, "This program does not read this format", f"Write format: {FORMAT}.")
        id = self._id(root)
        definition, definition_sources = self._passage(root, "definition")
        summary, summary_sources = self._passage(root, "summary", optional=True)
        topics = tuple(Topic(*self._labelled(section)) for section in root.sections("topics"))
        self._topics = {topic.id for topic in topics}
        criteria = [self._criterion(each, "required", None) for each in root.sections("required")]
        any_of, groups, options = self._any_of(root)
        criteria += options
        exclusions = root.sections("exclusions", optional=True)
        criteria += [self._criterion(each, "exclusion", None) for each in exclusions]
        protocol = Protocol(
            id=id,
            version=root.whole("version") or 0,
            title=self._text(root, "title"),
            definition=definition or _NOTHING,
            definition_sources=definition_sources,
            summary=summary,
            summary_sources=summary_sources,
            topics=topics,
            groups=groups,
            criteria=tuple(criteria),
            any_of=any_of,
            search_terms=self._search_terms(root),
            sources=self._urls(root, "sources"),
        )
        root.close()
        return protocol

    def _any_of(self, root: Section) -> tuple[AnyOf, tuple[Group, ...], list[Criterion]]:
        section = root.section("any_of", optional=True)
        if section is None:
            return "any_group", (), []
        chosen = section.choice("combine", ("any_group", "every_group"))
        groups: list[Group] = []
        options: list[Criterion] = []
        for part in section.sections("groups"):
            inner = part.sections("options")
            group = Group(*self._labelled(part))
            groups.append(group)
            options += [self._criterion(each, "any_of", group.id) for each in inner]
        section.close()
        return ("every_group" if chosen == "every_group" else "any_group"), tuple(groups), options

    def _criterion(self, section: Section, kind: Kind, group: str | None) -> Criterion:
        id = self._id(section)
        text = self._text(section, "text")
        topics = section.texts("topics", optional=True)
        for topic, line in topics:
            if topic not in self._topics:
                known = ", ".join(sorted(self._topics))
                section.add("topics", topic, "No topic has this id", f"Use one of: {known}.", line=line)
        found = Criterion(
            id=id,
            kind=kind,
            group=group,
            text=text,
            source=self._source(section),
            date=self._date(section),
            topics=tuple(topic for topic, _ in topics),
            not_judged=tuple(self._not_judged(part, text) for part in section.sections("not_judged", optional=True)),
            silence_excludes=kind == "required" and self._silence(section, id),
        )
        section.close()
        return found

    def _silence(self, section: Section, id: str) -> bool:
        if section.choice("silence", ("exclude", "unclear"), optional=True) != "exclude":
            return False
        if self._silent is not None:
            fix = "Keep it on the criterion that says what the review is about."
            section.add("silence", "exclude", f"Criterion {self._silent} has this already; one may", fix)
        self._silent = id
        return True

    def _not_judged(self, section: Section, whole: Text) -> Text:
        part = Text(section.text("en") or "", section.text("zh") or "")
        section.close()
        for key, words, text in (("en", part.en, whole.en), ("zh", part.zh, whole.zh)):
            if words and text and words not in text:
                section.add(key, words, "The criterion's text does not say this", "Quote a part of its text exactly.")
        return part

    def _id(self, section: Section) -> str:
        found = section.text("id") or ""
        if found and (not _ID.fullmatch(found) or found in _RESERVED):
            fix = f"Use letters, digits, - and _, a letter first; not {' or '.join(_RESERVED)}."
            section.add("id", found, "Not a word that can be an id", fix)
        elif found in self._lines:
            section.add("id", found, f"The id is taken on line {self._lines[found]}", "Choose another.")
        elif found:
            self._lines[found] = section.line_of("id")
        return found

    def _labelled(self, section: Section) -> tuple[str, Text]:
        labelled = self._id(section), self._text(section, "label")
        section.close()
        return labelled

    def _text(self, section: Section, key: Literal["text", "label", "title"]) -> Text:
        inner = section.section(key)
        if inner is None:
            return _NOTHING
        text = Text(inner.text("en") or "", inner.text("zh") or "")
        inner.close()
        return text

    def _passage(self, root: Section, key: str, *, optional: bool = False) -> tuple[Text | None, tuple[str, ...]]:
        inner = root.section(key, optional=optional)
        if inner is None:
            return None, ()
        found = Text(inner.text("en") or "", inner.text("zh") or ""), self._urls(inner, "sources")
        inner.close()
        return found

    def _source(self, section: Section) -> str:
        source = section.text("source")
        if source is None or source == INTERNAL:
            return source or ""
        return self._url(section, "source", source, section.line_of("source"))

    def _urls(self, section: Section, key: str) -> tuple[str, ...]:
        return tuple(self._url(section, key, url, line) for url, line in section.texts(key, optional=True))

    def _url(self, section: Section, key: str, url: str, line: int) -> str:
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or " " in url:
            word = f", or {INTERNAL}" if key == "source" else ""
            section.add(key, url, "Not a web address", f"Write it in full, beginning with https://{word}.", line=line)
            return url
        return without_tracking(url)

    def _date(self, section: Section) -> PartialDate | None:
        written = section.date("date")
        if written is None:
            return None
        try:
            return PartialDate(written)
        except ValueError:
            section.add("date", written, "Not a date", "Write it like 2025-06-12, 2025-06 or 2025.")
            return None

    def _search_terms(self, root: Section) -> dict[str, tuple[str, ...]]:
        section = root.section("search_terms", optional=True)
        if section is None:
            return {}
        return {source: tuple(query for query, _ in section.texts(source)) for source in section.names()}
