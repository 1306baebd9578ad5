"""What the formats of reference managers share: an entry read or refused, its ids, dates, names and own fields.

A file that this program wrote carries the ids and the source of the date in fields of its own; such an entry is taken
at its word, so that writing, reading and writing again gives the same bytes. Any other entry is read with care: its
ids are looked for in every field that may hold one, an "arXiv preprint" is no venue, "Last, First" is turned round.

Ids are parsed by `kg.identity` alone; the patterns here only find where one may stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from kg.errors import InputError
from kg.identity import ParsedId, author_id, ordered, parse, title_key
from kg.model import Author, Manifestation, Paper, PartialDate

ENTRY_CHARACTERS = 4_000_000
"""A longer entry is no reference; it is passed over without being kept in memory."""

PROVENANCE_KEPT = 500
"""What is called longer than this is called by its beginning."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Unusable(Exception):
    """Why an entry is refused: which field, the reason, what stood there."""

    def __init__(self, field: str, reason: str, value: object = None) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason
        self.value = value


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a file: the paper it tells of, or why it cannot be used.

    `line` is where it begins (from 1), `key` what the file calls it, `size` its length in characters. `remarks` are
    things that were passed over without loss of the paper, e.g. a DOI that is none.
    """

    line: int
    key: str
    size: int
    paper: Paper | None = None
    fault: Unusable | None = None
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class Draft:
    """The fields of an entry on their way to a paper. `exact` texts are ids, `loose` texts may mention one."""

    format: str
    provenance: str
    title: str | None = None
    abstract: str | None = None
    names: Sequence[str] | None = None
    published: PartialDate | None = None
    venue: str | None = None
    categories: Sequence[str] | None = None
    citations_stated: int | None = None
    own_ids: str | None = None
    exact: list[tuple[str, str]] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def paper(self) -> Paper:
        """The paper that the fields tell of; remarks are added on the way. Raises Unusable."""
        own = self.own_ids is not None
        title = said(self.title) if own else said(one_line(self.title))
        if title is None:
            raise Unusable("title", "no title", self.title)
        parsed = _own_ids(self.own_ids) if self.own_ids is not None else self._found()
        if not parsed:
            key = title_key(title)
            if not key:
                raise Unusable("title", "no id, and no letter or digit in the title to know it by", title)
            parsed = [ParsedId("title", key)]
        venue, categories = said(self.venue), self.categories
        if not own:
            venue = said(one_line(venue))
            venue = None if venue is None or _PREPRINT_VENUE.match(venue) else venue
            categories = [each for each in categories or () if _CATEGORY.fullmatch(each)]
        paper = Paper(
            ids=ordered(each.id for each in parsed),
            title=title,
            abstract=said(self.abstract),
            published=self.published,
            venue=venue,
            categories=tuple(categories) if categories else None,
            authors=authors(self.names) if self.names is not None else None,
            manifestations=tuple(Manifestation(each.scheme, each.value, each.version, self.format) for each in parsed),
            citations_stated=self.citations_stated,
            source=self.format,
            provenance=self.provenance[:PROVENANCE_KEPT],
        )
        _check_storable(paper)
        return paper

    def _found(self) -> list[ParsedId]:
        found: dict[str, ParsedId] = {}
        for name, text in self.exact:
            try:
                id = parse(text)
            except InputError:
                # An address may lead anywhere, but a DOI or an arXiv id that is none is worth a word.
                if name != "url" and text.strip():
                    self.remarks.append(f"{name} {text.strip()[:80]!r} is no id")
                continue
            found.setdefault(id.id, id)
        for pattern in (_ARXIV_MENTION, _DOI_MENTION, _OTHER_MENTION):
            mentioned = _mentioned(pattern, self.loose)
            # A note that names several works does not say which of them this one is.
            if len({each.id for each in mentioned}) == 1 and not any(
                each.scheme == mentioned[0].scheme for each in found.values()
            ):
                found[mentioned[0].id] = mentioned[0]
        return list(found.values())


_ID = r"(?:[0-9]{4}\.[0-9]{4,5}|[a-z]+(?:-[a-z]+)?(?:\.[a-z]{2})?/[0-9]{7})(?:v[1-9][0-9]*)?(?![0-9])"
_ARXIV_MENTION = re.compile(
    rf"arxiv(?:\.org)?(?:\s+(?:preprint|e-?print|id)s?)?(?:\s*[:/.,]\s*|\s+)"
    rf"(?:arxiv\s*[:.]\s*|abs/|pdf/|html/)?({_ID})",
    re.IGNORECASE,
)
_DOI_MENTION = re.compile(r"(?:doi\.org/|\bdoi\s*[:=]?\s*)(10\.[0-9]{4,9}/[^\s\"'{}]+)", re.IGNORECASE)
_OTHER_MENTION = re.compile(
    r"(https?://(?:(?:www|api)\.)?(?:semanticscholar\.org/[^\s\"'{}]+|openalex\.org/W[0-9]+)|\bopenalex:\s*W[0-9]+"
    r"|\bCorpusID:\s*[0-9]+|\bS2CID:?\s+[0-9]+)",
    re.IGNORECASE,
)
_PREPRINT_VENUE = re.compile(r"(?:arxiv\b|corr$|corr\s|computing research repository)", re.IGNORECASE)
_CATEGORY = re.compile(
    r"(?:astro-ph|cond-mat|cs|econ|eess|math|nlin|physics|q-bio|q-fin|stat)\.[A-Za-z-]{2,20}"
    r"|astro-ph|cond-mat|gr-qc|hep-(?:ex|lat|ph|th)|math-ph|nucl-(?:ex|th)|quant-ph"
)
_CONFERENCE = re.compile(
    r"proceedings|conference|workshop|symposium|meeting|advances in neural|neurips|nips\b|icassp|interspeech|icml\b"
    r"|iclr\b|ismir|dafx|eusipco|waspaa|\basru\b|\bslt\b|\bacl\b|emnlp|naacl|\baaai\b|ijcai|\bcvpr\b|\biccv\b|\beccv\b",
    re.IGNORECASE,
)
_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv)\.?", re.IGNORECASE)
_HAN = re.compile(r"[\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_ISO = re.compile(r"\s*([0-9]{4})(?:[-/.]([0-9]{1,2})(?:[-/.]([0-9]{1,2}))?)?(?![0-9])")
_YEAR = re.compile(r"(?<![0-9])(1[5-9][0-9]{2}|20[0-9]{2})(?![0-9])")
_MONTH = re.compile(r"(?<![a-z])(" + "|".join(MONTHS) + r")[a-z]*\.?", re.IGNORECASE)
_DAY = re.compile(r"(?<![0-9])([0-3]?[0-9])(?:st|nd|rd|th)?(?![0-9])")


def said(text: str | None) -> str | None:
    """The text, `None` where it is blank: a blank says nothing."""
    return text if text and not text.isspace() else None


def one_line(text: str | None) -> str | None:
    """The text with every run of white space as one space."""
    return None if text is None else " ".join(text.split())


def is_conference(venue: str) -> bool:
    """Whether a venue is a meeting rather than a journal, as far as its name tells."""
    return _CONFERENCE.search(venue) is not None


def own_ids(paper: Paper) -> str:
    """All ids of a paper, best first, as the field by which a file of ours is known; an arXiv id with its version.

    Raises:
        InputError: the paper has no id, or one that is none.
    """
    versions: dict[str, int] = {}
    for each in paper.manifestations:
        if each.scheme == "arxiv" and each.version is not None and each.version > 0:
            versions[each.value] = max(each.version, versions.get(each.value, 0))
    ids = ordered(paper.ids)
    if not ids:
        raise InputError("A paper without any id cannot be written", field="ids", hint="Give it an id or a title id.")
    spelt = []
    for id in ids:
        scheme, _, value = id.partition(":")
        version = versions.get(value) if scheme == "arxiv" else None
        spelt.append(id if version is None else f"{id}v{version}")
    return " ".join(spelt)


def dated(paper: Paper) -> str | None:
    """Who says the date of a paper, on one line; `None` when nobody is named."""
    return said(one_line(paper.published.source)) if paper.published else None


def first_of(paper: Paper, scheme: str) -> str | None:
    """The value of the first id of a scheme, e.g. the DOI."""
    return next((id.partition(":")[2] for id in ordered(paper.ids) if id.startswith(f"{scheme}:")), None)


def names_of(paper: Paper) -> list[str]:
    """Names of the authors; one without any letter or digit names nobody."""
    return [author.name for author in paper.authors or () if title_key(author.name)]


def authors(names: Iterable[str]) -> tuple[Author, ...]:
    """Authors known by name alone. Two of one name in one list are two people, so the second gets a number."""
    found: list[Author] = []
    seen: dict[str, int] = {}
    for name in names:
        try:
            id = author_id(name)
        except InputError:
            continue
        seen[id] = seen.get(id, 0) + 1
        found.append(Author(id if seen[id] == 1 else f"{id}-{seen[id]}", name, name_only=True))
    return tuple(found)


def turned(name: str) -> str:
    """ "Last, First" or "Last, Jr, First" as it is spoken; Chinese and Korean names stay family first.

    Example:
        >>> turned("van den Oord, Aaron"), turned("Sample, Jr., Bo"), turned("王, 小明")
        ('Aaron van den Oord', 'Bo Sample Jr.', '王小明')
    """
    parts = [part for part in (one_line(each) for each in name.split(",")) if part]
    if len(parts) < 2:
        return parts[0] if parts else ""
    if all(_HAN.fullmatch(part) for part in parts):
        return "".join(parts)
    if len(parts) == 2 and _SUFFIX.fullmatch(parts[1]):
        return " ".join(parts)
    last, *middle, first = parts
    if len(parts) == 3 and _SUFFIX.fullmatch(first):
        middle, first = [first], middle[0]
    return " ".join([first, last, *middle])


def date_in(text: str | None, source: str | None) -> PartialDate | None:
    """The date that a text states, as precisely as it is sure; `None` without a year.

    ISO order with any of `-/.`, RIS (`2021/07/07/`, `2021///`), "7 July 2021", "Jul 2021" and a year in other words
    are read. Of "07/08/2021" only the year is sure.

    Example:
        >>> [date_in(text, None).value for text in ("March 3rd, 2020", "2021///spring", "3/4/2020")]
        ['2020-03-03', '2021', '2020']
    """
    if not text:
        return None
    iso = _ISO.match(text)
    if iso:
        return _date(iso[1], iso[2], iso[3], source)
    year = _YEAR.search(text)
    if not year:
        return None
    rest = f"{text[: year.start()]} {text[year.end() :]}"
    month = _MONTH.search(rest)
    if not month:
        return _date(year[1], None, None, source)
    days = _DAY.findall(rest)
    return _date(year[1], str(MONTHS.index(month[1].lower()) + 1), days[0] if len(days) == 1 else None, source)


def month_in(text: str) -> str | None:
    """The number of a month written as a name, a BibTeX macro or a number, with a day perhaps: "7" of "July 4"."""
    found = _MONTH.search(text)
    if found:
        return str(MONTHS.index(found[1].lower()) + 1)
    number = text.strip()
    return number if re.fullmatch(r"0?[1-9]|1[0-2]", number) else None


def pieces(source: TextIO) -> Iterator[tuple[int, str]]:
    """(line number from 1, text) of a stream; a very long line comes in pieces of one number. Ends are kept."""
    number, whole = 0, True
    while piece := source.readline(1 << 20):
        number += whole
        whole = piece.endswith(("\n", "\r"))
        yield number, piece.removeprefix("\ufeff") if number == 1 else piece


def joined(values: Iterable[str]) -> str:
    """Several texts in one cell, separated by "; "; a semicolon or backslash within one gets a backslash."""
    return "; ".join(value.replace("\\", "\\\\").replace(";", "\\;") for value in values)


def separated(cell: str) -> list[str]:
    """The texts that `joined` was given."""
    if not cell:
        return []
    found, start = [], 0
    for end in [match.start() for match in re.finditer(r"\\.|;", cell, re.DOTALL) if match[0] == ";"] + [len(cell)]:
        found.append(re.sub(r"\\(.)", r"\1", cell[start:end], flags=re.DOTALL))
        start = end + 1
    return [found[0], *(each.removeprefix(" ") for each in found[1:])]


class Keys:
    """Citation keys in order of writing: first author, year, first long word of the title, a number where needed."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def key(self, paper: Paper) -> str:
        """A key that no paper before got; the same papers in the same order get the same keys."""
        names = names_of(paper)
        last = _ascii(names[0].split()[-1] if names and names[0].split() else "") or "anon"
        year = paper.published.value[:4] if paper.published else ""
        words = (_ascii(word) for word in (paper.title or "").split()[:12])
        word = next((each for each in words if len(each) > 3 and each not in _SMALL), "")
        stem = f"{last[:30]}{year}{word[:30]}"
        self._given[stem] = self._given.get(stem, 0) + 1
        return stem if self._given[stem] == 1 else f"{stem}-{self._given[stem]}"


_SMALL = frozenset({"with", "from", "towards", "toward", "into", "over", "using", "that", "this", "when", "what"})


def _ascii(word: str) -> str:
    return "".join(letter for letter in title_key(word) if letter.isascii())


def _date(year: str, month: str | None, day: str | None, source: str | None) -> PartialDate | None:
    """The most precise of the dates that exist: 2021-02-30 is February 2021."""
    for parts in ((year, month, day), (year, month, None), (year, None, None)):
        if None in (parts[1], parts[2]) and parts[2] is not None:
            continue
        try:
            return PartialDate("-".join(part.zfill(2) for part in parts if part is not None), source)
        except ValueError:
            continue
    return None


def _own_ids(text: str) -> list[ParsedId]:
    try:
        return [parse(each) for each in text.split()]
    except InputError as error:
        raise Unusable("ids", error.message, error.value) from None


def _mentioned(pattern: re.Pattern[str], texts: Iterable[str]) -> list[ParsedId]:
    found = []
    for text in texts:
        for match in pattern.finditer(" ".join(text[:20_000].split())):
            try:
                found.append(parse(f"arxiv:{match[1]}" if pattern is _ARXIV_MENTION else match[1]))
            except InputError:
                continue
    return found


def _check_storable(paper: Paper) -> None:
    """Raises Unusable for what no text can hold, a NUL or half a surrogate pair."""
    texts: list[tuple[str, str | None]] = [
        ("title", paper.title),
        ("abstract", paper.abstract),
        ("venue", paper.venue),
        ("authors", " ".join(author.name for author in paper.authors or ())),
        ("keywords", " ".join(paper.categories or ())),
        ("date", paper.published.source if paper.published else None),
        ("ids", " ".join(paper.ids)),
        ("key", paper.provenance),
    ]
    for name, text in texts:
        if text is None:
            continue
        if "\0" in text:
            raise Unusable(name, "holds a NUL character", text)
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise Unusable(name, "holds half a surrogate pair, which is no character", ascii(text)) from None
