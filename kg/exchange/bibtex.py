"""BibTeX and biblatex: papers to entries and back.

Reading goes block by block: a block begins at a line that starts with `@type{`, which is also where bibtexparser takes
an entry before it to be broken, so a missing brace costs one entry and a file of any size needs little memory. The
parser splits a block into fields; `#`, `@string` and `crossref` are resolved here, LaTeX in `kg.exchange.latex`.

Fields of our own: `tokenatlas-ids` (all ids, best first) and `tokenatlas-date` (who says the date). White space is
one space everywhere, as in BibTeX itself.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from kg.exchange.documents import paper_url
from kg.exchange.entries import (
    ENTRY_CHARACTERS,
    MONTHS,
    Draft,
    Entry,
    Keys,
    Unusable,
    date_in,
    dated,
    first_of,
    is_conference,
    month_in,
    names_of,
    one_line,
    own_ids,
    pieces,
    said,
    turned,
)
from kg.exchange.latex import from_latex, to_latex, unescaped_address
from kg.model import Paper, PartialDate

if TYPE_CHECKING:
    from bibtexparser.model import Block

OWN_IDS, OWN_DATE = "tokenatlas-ids", "tokenatlas-date"

_START = re.compile(r"\s*@\s*\w*[ \t]*[{(]")
_CROSSREF = re.compile(r"crossref\s*=\s*[{\"]?\s*([^\s{}\",]+)", re.IGNORECASE)
_VOLUMES = frozenset({"proceedings", "mvproceedings", "collection", "mvcollection", "periodical"})
_ADDRESSES = ("doi", "eprint", "arxivid", "arxiv", "url")
_LOOSE = (
    "note",
    "journal",
    "journaltitle",
    "howpublished",
    "annote",
    "number",
    "publisher",
    "pubstate",
    "url",
    "addendum",
)
_VENUES = ("journal", "journaltitle", "booktitle", "maintitle", "series", "school", "institution")
_INHERITED_NAME = {"title": "booktitle"}
_FIELD = re.compile(r"[\s,]*[A-Za-z][\w-]*\s*=")
_SEPARATORS = re.compile(r" ?[,;] ?")
_WORDS = re.compile(r" and ", re.IGNORECASE)


def write_papers(target: TextIO, papers: Iterable[Paper]) -> int:
    """Write papers as BibTeX entries in the order given; returns how many.

    Raises:
        InputError: a paper without id, or with one that is none.
    """
    keys = Keys()
    count = 0
    for paper in papers:
        kind, fields = _fields(paper)
        lines = "".join(f"  {name} = {value},\n" for name, value in fields.items())
        target.write(f"@{kind}{{{keys.key(paper)},\n{lines}}}\n\n")
        count += 1
    return count


def read_papers(source: TextIO, *, name: str) -> Iterator[Entry]:
    """Entries of a BibTeX file, one at a time; volumes that others only refer to are none.

    Args:
        source: a text stream that can be read twice (`crossref` points forward).
        name: what provenance says before the key, usually the file name.
    """
    logging.getLogger("bibtexparser").setLevel(logging.ERROR)
    parents = _parents(source)
    source.seek(0)
    strings = {month: month for month in MONTHS}
    for block in _blocks(source):
        yield from _entries(block, name, strings, parents)


def _fields(paper: Paper) -> tuple[str, dict[str, str]]:
    fields: dict[str, str] = {}

    def put(name: str, text: str | None) -> None:
        shown = said(one_line(text))
        if shown is not None:
            fields[name] = "{" + to_latex(shown) + "}"

    put("title", paper.title)
    names = [name for each in names_of(paper) if (name := one_line(each))]
    if names:
        fields["author"] = "{" + " and ".join(_name(each) for each in names) + "}"
    venue = said(one_line(paper.venue))
    kind = "misc" if venue is None else "inproceedings" if is_conference(venue) else "article"
    put("booktitle" if kind == "inproceedings" else "journal", venue)
    if paper.published:
        year, _, rest = paper.published.value.partition("-")
        fields["year"] = "{" + year + "}"
        if rest:
            fields["month"] = MONTHS[int(rest[:2]) - 1]
        if rest[3:]:
            fields["day"] = "{" + str(int(rest[3:])) + "}"
    categories = [shown for each in paper.categories or () if (shown := said(one_line(each)))]
    doi, arxiv = first_of(paper, "doi"), first_of(paper, "arxiv")
    if doi is not None:
        fields["doi"] = _address(doi)
    if arxiv is not None:
        fields["eprint"] = "{" + arxiv + "}"
        fields["archiveprefix"] = "{arXiv}"
        if categories:
            put("primaryclass", categories[0])
    ids = own_ids(paper)
    url = paper_url(re.sub(r"v[0-9]+$", "", ids.split()[0]) if ids.startswith("arxiv:") else ids.split()[0])
    if url is not None:
        fields["url"] = _address(url)
    if categories:
        fields["keywords"] = "{" + ", ".join(_word(each) for each in categories) + "}"
    put("abstract", paper.abstract)
    put(OWN_IDS, ids)
    put(OWN_DATE, dated(paper))
    return kind, fields


def _address(text: str) -> str:
    """An id or address without escapes where BibTeX can bear it: link makers take it as it stands."""
    return "{" + (to_latex(text) if re.search(r"[\\{}]", text) else text) + "}"


def _name(name: str) -> str:
    written = to_latex(name)
    # Braces keep a name whole that BibTeX would take apart.
    risky = "," in name or _WORDS.search(f" {name} ") or name.casefold() in ("others", "and")
    return "{" + written + "}" if risky or name.casefold().startswith("and ") else written


def _word(word: str) -> str:
    written = to_latex(word)
    return "{" + written + "}" if re.search(r"[,;]", word) else written


@dataclass(slots=True)
class _Chunk:
    """The lines from one start of a block to the next; `text` is `None` when there are too many."""

    line: int
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, text: str) -> None:
        self.size += len(text)
        if self.size <= ENTRY_CHARACTERS:
            self.parts.append(text)

    @property
    def text(self) -> str | None:
        if self.size > ENTRY_CHARACTERS:
            return None
        return "".join(self.parts).replace("\r\n", "\n").replace("\r", "\n")


def _blocks(source: TextIO) -> Iterator[_Chunk]:
    chunk: _Chunk | None = None
    for number, line in pieces(source):
        if _START.match(line):
            if chunk is not None:
                yield chunk
            chunk = _Chunk(number)
        if chunk is not None:
            chunk.add(line)
    if chunk is not None:
        yield chunk


def _split(text: str) -> list[Block]:
    from bibtexparser.entrypoint import parse_string

    # "@ article {" and "@article{" are the same to BibTeX.
    joined = re.sub(r"^(\s*@)\s+(?=\w)", r"\1", text)
    return parse_string(joined, parse_stack=[]).blocks


def _entries(
    chunk: _Chunk, name: str, strings: dict[str, str], parents: Mapping[str, Mapping[str, str]]
) -> Iterator[Entry]:
    from bibtexparser.model import DuplicateFieldKeyBlock, ImplicitComment, ParsingFailedBlock, String
    from bibtexparser.model import Entry as Parsed

    text = chunk.text
    if text is None:
        reason = f"oversized: more than {ENTRY_CHARACTERS:,} characters"
        yield Entry(chunk.line, "", chunk.size, fault=Unusable("entry", reason))
        return
    blocks = _split(text)
    for block, behind in zip(blocks, [*blocks[1:], None], strict=True):
        line = chunk.line + max(block.start_line or 0, 0)
        if isinstance(block, DuplicateFieldKeyBlock):
            # A field given twice says its first; nothing else of the entry is in doubt.
            block = block.ignore_error_block or block
        if isinstance(block, String):
            strings[block.key.lower()] = _value(block.value, strings) or ""
        elif isinstance(block, Parsed):
            fields: dict[str, str] = {}
            for each in block.fields:
                fields.setdefault(each.key.strip().lower(), each.value)
            if block.entry_type.lower() in _VOLUMES and block.key.lower() in parents:
                continue
            if isinstance(behind, ImplicitComment) and _FIELD.match(behind.comment):
                fault = Unusable("entry", f"broken entry {block.key}: a closing brace too many", behind.comment)
                yield Entry(line, block.key.strip(), len(text), fault=fault)
                continue
            yield _entry(line, block.key.strip(), len(block.raw or text), name, fields, strings, parents)
        elif isinstance(block, ParsingFailedBlock):
            found = re.match(r"\s*@\s*\w*\s*[{(]\s*([^\s,{}()=]*)", block.raw or text)
            key = found[1] if found else ""
            reason = " ".join(str(getattr(block.error, "abort_reason", block.error)).split()).rstrip(" .")
            if "end of file" in reason:  # of the block, which is all that the parser was given
                reason = "it does not end before the next one begins; a brace or quote is missing"
            shown = f"broken entry {key}: {reason}" if key else f"broken entry: {reason}"
            fault = Unusable("entry", shown, (block.raw or text).strip())
            yield Entry(line, key, len(block.raw or text), fault=fault)


def _entry(
    line: int,
    key: str,
    size: int,
    name: str,
    raw: Mapping[str, str],
    strings: Mapping[str, str],
    parents: Mapping[str, Mapping[str, str]],
) -> Entry:
    try:
        values = {field: value for field, text in raw.items() if (value := _value(text, strings)) is not None}
        parent = parents.get(values.get("crossref", "").strip().lower(), {})
        for field_name, text in parent.items():
            inherited = _INHERITED_NAME.get(field_name, field_name)
            if inherited not in values and field_name not in _ADDRESSES and (given := _value(text, strings)):
                values[inherited] = given
        draft = _draft(values, f"{name}: {key}" if key else f"{name}: line {line}")
        paper = draft.paper()
    except Unusable as fault:
        return Entry(line, key, size, fault=fault)
    except ValueError as error:
        return Entry(line, key, size, fault=Unusable("entry", f"LaTeX cannot be read: {error}"))
    return Entry(line, key, size, paper, remarks=tuple(draft.remarks))


def _draft(values: Mapping[str, str], provenance: str) -> Draft:
    own = OWN_IDS in values

    def text(field_name: str) -> str | None:
        return one_line(from_latex(values[field_name])) if field_name in values else None

    draft = Draft("bibtex", provenance, title=text("title"), abstract=text("abstract"), own_ids=text(OWN_IDS))
    if own and not said(draft.own_ids):
        raise Unusable(OWN_IDS, "no ids")
    if values.get("subtitle") and not own and draft.title:
        draft.title = f"{draft.title}: {text('subtitle')}"
    if "author" in values:
        draft.names = _names(values["author"], own)
    draft.venue = next((shown for each in _VENUES if (shown := text(each))), None)
    draft.published = _published(values, text(OWN_DATE) if own else "bibtex")
    words = [one_line(from_latex(each)) or "" for each in _listed(values.get("keywords", ""))]
    draft.categories = [each for each in words if each] if own else [text("primaryclass") or "", *words]
    if not own:
        prefix = (values.get("archiveprefix") or values.get("eprinttype") or "arxiv").strip().lower()
        for each in _ADDRESSES:
            value = unescaped_address(values.get(each, ""))
            if value and (each != "eprint" or prefix == "arxiv"):
                draft.exact.append((each, f"arXiv:{value}" if each == "eprint" and value[:1] != "/" else value))
        draft.loose = [from_latex(values[each]) for each in _LOOSE if each in values]
        if values.get("volume", "").strip("{} ").lower().startswith("abs/"):
            draft.loose.append(f"arXiv {values['volume'].strip('{} ')}")
    return draft


def _published(values: Mapping[str, str], source: str | None) -> PartialDate | None:
    if "date" in values:
        return date_in(from_latex(values["date"]).split("/")[0] if "-" in values["date"] else values["date"], source)
    year = re.search(r"[0-9]{4}", from_latex(values.get("year", "")))
    if not year:
        return None
    month = from_latex(values.get("month", ""))
    number = month_in(month)
    if number is None:
        return date_in(year[0], source)
    day = re.search(r"(?<![0-9])[0-9]{1,2}(?![0-9])", values.get("day", "") or (month if not month.isdigit() else ""))
    return date_in(f"{year[0]}-{number}" + (f"-{day[0]}" if day else ""), source)


def _names(value: str, own: bool) -> list[str]:
    names = []
    for each in _at_top(one_line(value) or "", _WORDS):
        whole = _grouped(each)
        name = one_line(from_latex(whole if whole is not None else each)) or ""
        if not own and name.casefold() == "others":
            continue
        names.append(name if own or whole is not None else turned(name))
    return [name for name in names if name]


def _grouped(text: str) -> str | None:
    """What stands in braces when these hold all of the text, `None` otherwise."""
    text = text.strip()
    if text[:1] != "{" or text[-1:] != "}":
        return None
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[1:-1] if place == len(text) - 1 else None
    return None


def _listed(value: str) -> list[str]:
    return [
        whole if (whole := _grouped(each)) is not None else each for each in _at_top(one_line(value) or "", _SEPARATORS)
    ]


def _at_top(value: str, separator: re.Pattern[str]) -> list[str]:
    """Parts of a value between separators that stand outside of braces."""
    depths, depth = [], 0
    for character in value:
        depth += (character == "{") - (character == "}")
        depths.append(depth)
    found, start = [], 0
    for match in separator.finditer(value):
        if depths[match.start()] == 0 and match.start() >= start:
            found.append(value[start : match.start()])
            start = match.end()
    return [each.strip() for each in [*found, value[start:]] if each.strip()]


def _value(text: str, strings: Mapping[str, str]) -> str | None:
    """A field's value without its delimiters, strings put in; `None` when a string is not defined."""
    found = []
    for part in _concatenated(text):
        if len(part) > 1 and part[0] + part[-1] in ("{}", '""'):
            found.append(part[1:-1])
        elif part[:1].isdigit() or not part:
            found.append(part)
        elif part.lower() in strings:
            found.append(strings[part.lower()])
        else:
            return None
    return "".join(found)


def _concatenated(text: str) -> list[str]:
    if "#" not in text:
        return [text.strip()]
    parts, start, depth, quoted = [], 0, 0, False
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if character == '"' and depth == 0:
            quoted = not quoted
        elif character == "#" and depth == 0 and not quoted:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


def _parents(source: TextIO) -> dict[str, dict[str, str]]:
    """Fields of the entries that others name in `crossref`, by key in lower case."""
    from bibtexparser.model import Entry as Parsed

    wanted = {found[1].lower() for _, line in pieces(source) if (found := _CROSSREF.search(line))}
    if not wanted:
        return {}
    source.seek(0)
    parents: dict[str, dict[str, str]] = {}
    for chunk in _blocks(source):
        text = chunk.text
        found = re.match(r"\s*@\s*\w+\s*[{(]\s*([^\s,{}()]+)", text or "")
        if text is None or not found or found[1].lower() not in wanted:
            continue
        for block in _split(text):
            if isinstance(block, Parsed) and block.key.lower() in wanted:
                fields = {each.key.strip().lower(): each.value for each in reversed(block.fields)}
                parents.setdefault(block.key.lower(), fields)
    return parents
