"""Which ids name the same work, and how each is spelt. Exact ids decide; a normalised title only proposes.

A canonical id is `scheme:value`, one string in URLs, queries and exports:

    arxiv:2107.03312      new style, no version; arxiv:cs/0112017 old style, archive only (no subject class)
    doi:10.1109/5.771073  lower case; an arXiv DOI (10.48550/arxiv.…) is the arXiv id
    openalex:W2618500857
    s2:<40 hex digits>    Semantic Scholar's paper id
    corpusid:123          Semantic Scholar's number for the same corpus
    title:<key>           nothing better is known; the key is `title_key`

A canonical id is its own spelling: normalising twice changes nothing. A version belongs to a manifestation, never to
an id. Ids are parsed here and nowhere else.

Sources: info.arxiv.org/help/arxiv_identifier.html (arXiv), the DOI Handbook 2.2-2.4 (case, syntax), the Semantic
Scholar Graph API's list of paper id prefixes, docs.openalex.org (keys of works).
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from kg.errors import InputError
from kg.model import PartialDate

SCHEMES = ("arxiv", "doi", "openalex", "s2", "corpusid", "title")
"""Schemes of work ids, best first."""

ID_LENGTH = 2000
"""No id is longer; what is longer is text that lost its way."""

_RANK = {scheme: rank for rank, scheme in enumerate(SCHEMES)}
_ARCHIVES = re.compile(
    r"acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|"
    r"dg-ga|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|"
    r"physics|plasm-ph|q-alg|q-bio|quant-ph|solv-int|supr-con"
)

# New-style ids have four digits after the point from April 2007 to December 2014, five since.
_NEW = (
    r"(?:(?:070[4-9]|071[0-2]|(?:0[89]|1[0-4])(?:0[1-9]|1[0-2]))\.[0-9]{4}"
    r"|(?:1[5-9]|[2-9][0-9])(?:0[1-9]|1[0-2])\.[0-9]{5})"
)
_DOI_PREFIX = r"10\.[0-9]{4,9}(?:\.[0-9]+)*"
_CANONICAL = re.compile(
    rf"arxiv:{_NEW}|openalex:W[1-9][0-9]*|s2:[0-9a-f]{{40}}|corpusid:[1-9][0-9]*"
    rf"|doi:(?!10\.48550/arxiv){_DOI_PREFIX}/[a-z0-9._;()/:<>+\-]*[a-z0-9]"
)
_BARE = re.compile(rf"(?P<arxiv>{_NEW})|(?P<openalex>W[1-9][0-9]*)")
_NEW_ID = re.compile(rf"({_NEW})(?:v([1-9][0-9]*))?", re.IGNORECASE)
_OLD_ID = re.compile(
    r"([a-z]+(?:-[a-z]+)?)(?:\.[a-z]{2})?/((?:9[1-9]|0[0-7])(?:0[1-9]|1[0-2])[0-9]{3})(?:v([1-9][0-9]*))?",
    re.IGNORECASE,
)
_LOOKS_ARXIV = re.compile(r"[0-9]{4}\.[0-9]{3,6}(?:v[0-9]+)?")
_DOI = re.compile(rf"({_DOI_PREFIX})/(.+)", re.DOTALL)
_OPENALEX = re.compile(r"W([1-9][0-9]*)", re.IGNORECASE)
_S2 = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
_NUMBER = re.compile(r"[1-9][0-9]*")
_PREFIX = re.compile(r"(arxiv|doi|openalex|s2cid|s2|corpus\s?id|title|url|oai:arxiv\.org|info:doi)\s*[:/]\s*", re.I)
_SPACED_PREFIX = re.compile(r"(arxiv|doi|s2cid|corpus\s?id)\s+(?=[\w])", re.IGNORECASE)
_URL = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?::[0-9]+)?(/.*)", re.IGNORECASE | re.DOTALL)
_ARXIV_PATH = re.compile(r"/(?:abs|pdf|html|ps|e-print|format|src|papers?|overview)/(.+)", re.IGNORECASE)
_DOI_PATH = re.compile(r"/(?:doi|article|chapter|book)/(?:[a-z]+/)*(10\..+)", re.IGNORECASE | re.DOTALL)
_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_ARXIV_HOSTS = ("arxiv.org", "ar5iv.org", "alphaxiv.org", "huggingface.co", "hf.co")
_KNOWN = "2107.03312, arXiv:cs/0112017, 10.1109/5.771073, W2618500857, CorpusID:123, a 40-digit S2 id, or their URLs"


@dataclass(frozen=True, slots=True)
class ParsedId:
    """An id taken apart; `version` is that of an arXiv manifestation, `None` where the spelling names none."""

    scheme: str
    value: str
    version: int | None = None

    @property
    def id(self) -> str:
        """The canonical spelling, without version."""
        return f"{self.scheme}:{self.value}"


def parse(text: str) -> ParsedId:
    """Take any spelling of a work's id apart: bare, prefixed, or a URL of a site that carries it.

    Raises:
        InputError: nothing known is spelt like this; the hint says what is accepted.
    """
    if _CANONICAL.fullmatch(text):
        scheme, _, value = text.partition(":")
        return ParsedId(scheme, value)
    if len(text) > ID_LENGTH:
        raise _unreadable(text, f"An id has at most {ID_LENGTH} characters", "Give one id, not a text.")
    return _parse(text.translate(_INVISIBLE).strip(), text, redirects=2)


def normalise(text: str) -> str:
    """The canonical id for any spelling, e.g. `https://arxiv.org/pdf/2107.03312v2` is `arxiv:2107.03312`.

    Raises:
        InputError: as `parse`.
    """
    # Called for millions of ids, nearly all canonical or bare: one pattern each before anything is taken apart.
    if ":" in text:
        if _CANONICAL.fullmatch(text):
            return text
    elif bare := _BARE.fullmatch(text):
        return f"{bare.lastgroup}:{text}"
    return parse(text).id


def ordered(ids: Iterable[str]) -> tuple[str, ...]:
    """Canonical spellings, each once, best scheme first and by value within a scheme (so input order is irrelevant).

    Raises:
        InputError: as `parse`.
    """
    return tuple(sorted({normalise(each) for each in ids}, key=_order))


def work_id(ids: Iterable[str]) -> str:
    """The id under which a work is minted: arXiv, else DOI, else OpenAlex, else Semantic Scholar, else title.

    Raises:
        InputError: no id given, or as `parse`.
    """
    best = min((normalise(each) for each in ids), key=_order, default=None)
    if best is None:
        raise InputError("A work needs at least one id", field="ids", expected=_KNOWN, hint="Give an id or a title.")
    return best


def title_key(title: str) -> str:
    """A title folded to what two spellings of it share: letters and digits only, no case, accent, markup or spacing.

    Only proposes that two works are one; never decides. Empty when the title has no letter or digit. Folding a key
    changes nothing. Very long titles are cut and closed with a digest, so that different ones stay different.
    """
    if "\\" in title or "<" in title or "&" in title:
        title = _TAG.sub("", html.unescape(title))
        title = _LATEX.sub("", _ESCAPED_BREAK.sub(" ", title))
    key = _fold(title)
    if len(key) > _KEY_LENGTH + _DIGEST_LENGTH:
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        key = _fold(key[:_KEY_LENGTH])[:_KEY_LENGTH] + digest[:_DIGEST_LENGTH]
    return key


def author_id(name: str) -> str:
    """`name:<key>` for an author whom no source gives an id: words joined by hyphens, "Last, First" turned round.

    Raises:
        InputError: the name has no letter or digit.
    """
    last, comma, first = name.partition(",")
    if comma and first.strip(" .").casefold() not in _SUFFIXES:
        name = f"{first} {last}"
    words = [folded for word in _WORD_BREAK.split(name) if (folded := _fold(word))]
    if not words:
        raise InputError(
            "An author's name has no letters", field="authors", value=name, expected="a name", hint="Leave it out."
        )
    return "name:" + "-".join(words)


def date_from_arxiv_id(id: str) -> PartialDate | None:
    """The month in which an arXiv id was given, source "arxiv id"; `None` for any other id.

    Raises:
        InputError: as `parse`.
    """
    scheme, _, value = normalise(id).partition(":")
    if scheme != "arxiv":
        return None
    archive, _, digits = value.rpartition("/")
    return PartialDate(_old_month(digits) if archive else f"20{digits[:2]}-{digits[2:4]}", "arxiv id")


def text_sha256(title: str | None, abstract: str | None) -> str:
    """Digest of exactly the text that was read, as 64 hex digits.

    SHA-256 over, for title then abstract: one byte 0 when absent, else one byte 1, the length of the UTF-8 form as
    eight bytes (big-endian), that form. Lengths come first, so (None, "x"), ("x", None) and ("", "x") differ.
    """
    digest = hashlib.sha256()
    for text in (title, abstract):
        if text is None:
            digest.update(b"\x00")
            continue
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(b"\x01" + len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()


_KEY_LENGTH = 200
_DIGEST_LENGTH = 16
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9:]*(?:\s[^<>]*)?/?>")
_ESCAPED_BREAK = re.compile(r"\\n(?![a-z])")
_LATEX = re.compile(r"\\(?:text|math)(?:bf|it|rm|sf|tt|sc|sl|cal|bb|frak|up)?(?![a-zA-Z])|\\emph(?![a-zA-Z])")
_WORD_BREAK = re.compile(r"[\s\-‐-―.,;·]+")
_NOT_KEY = {code: None for code in range(128) if not chr(code).isalnum()}


def _order(id: str) -> tuple[int, str]:
    return _RANK[id.partition(":")[0]], id


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower().translate(_NOT_KEY)
    # Folding case can make new compatibility forms and the other way round, so fold until nothing moves.
    for _ in range(4):
        decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        kept = "".join(c for c in decomposed if (c.isalnum() or unicodedata.category(c)[0] == "M") and not _accent(c))
        folded = unicodedata.normalize("NFC", kept)
        if folded == text:
            break
        text = folded
    return text


def _accent(character: str) -> bool:
    return "̀" <= character <= "ͯ"


def _parse(text: str, given: str, redirects: int) -> ParsedId:
    prefixed = _PREFIX.match(text) or _SPACED_PREFIX.match(text)
    # "doi.org/…" and "arxiv.org/…" are URLs, not prefixes: the pattern asks for ":" or "/" straight after the name.
    if prefixed:
        name = re.sub(r"\s", "", prefixed[1].lower())
        return _prefixed(name, text[prefixed.end() :].strip(), given, redirects)
    bare = _bare(text, given)
    if bare:
        return bare
    url = _URL.fullmatch(text)
    if url:
        return _from_url(url[1].lower(), url[2], given, redirects)
    raise _unreadable(given, "This is no id that a work can have", f"Write one of: {_KNOWN}.")


def _prefixed(name: str, rest: str, given: str, redirects: int) -> ParsedId:
    if name in ("arxiv", "oai:arxiv.org"):
        return _arxiv(rest, given)
    if name in ("doi", "info:doi"):
        if rest[:4].lower() in ("doi:", "http") and redirects:
            return _parse(rest, given, redirects - 1)
        return _doi(rest, given)
    if name == "title":
        key = title_key(rest)
        if not key:
            raise _unreadable(given, "A title id needs a letter or digit", "Write title: and the title.")
        return ParsedId("title", key)
    if name == "url" and redirects:
        return _parse(rest, given, redirects - 1)
    found: re.Match[str] | None
    if name in ("corpusid", "s2cid"):
        found = _NUMBER.fullmatch(rest)
        if found:
            return ParsedId("corpusid", rest)
        raise _unreadable(given, "A Corpus ID is a whole number above 0", "Write it like CorpusID:123.")
    if name == "s2":
        found = _S2.fullmatch(rest)
        if found:
            return ParsedId("s2", rest.lower())
        raise _unreadable(given, "A Semantic Scholar id has 40 hex digits", "Or write CorpusID: and its number.")
    found = _OPENALEX.fullmatch(rest)
    if found:
        return ParsedId("openalex", f"W{found[1]}")
    raise _unreadable(given, "An OpenAlex work id is W and a number", "Write it like W2618500857.")


def _bare(text: str, given: str) -> ParsedId | None:
    if _NEW_ID.fullmatch(text) or _OLD_ID.fullmatch(text) or _LOOKS_ARXIV.fullmatch(text):
        return _arxiv(text, given)
    if text[:3] == "10.":
        return _doi(text, given)
    found = _OPENALEX.fullmatch(text)
    if found:
        return ParsedId("openalex", f"W{found[1]}")
    if _S2.fullmatch(text):
        return ParsedId("s2", text.lower())
    return None


def _from_url(host: str, path: str, given: str, redirects: int) -> ParsedId:
    path = unquote(re.split(r"[?#]", path, maxsplit=1)[0]).strip()
    if _of(host, "doi.org"):
        rest = path.lstrip("/")
        if rest[:4].lower() in ("doi:", "http") and redirects:
            return _parse(rest, given, redirects - 1)
        return _doi(rest, given)
    last = path.rstrip("/").rpartition("/")[2]
    if _of(host, "openalex.org"):
        return _prefixed("openalex", last, given, 0)
    if _of(host, "semanticscholar.org"):
        if last.lower().startswith("corpusid:"):
            return _prefixed("corpusid", last[len("corpusid:") :].strip(), given, 0)
        return _prefixed("s2", last, given, 0)
    if _of(host, *_ARXIV_HOSTS):
        inner = _ARXIV_PATH.fullmatch(path)
        if inner:
            return _arxiv(inner[1], given)
    inner = _DOI_PATH.fullmatch(path)
    if inner:
        return _doi(inner[1], given)
    raise _unreadable(given, "This address names no id", f"Write one of: {_KNOWN}.")


def _of(host: str, *sites: str) -> bool:
    return any(host == site or host.endswith("." + site) for site in sites)


def _arxiv(text: str, given: str) -> ParsedId:
    text = re.sub(r"\s*\[[^\[\]]*\].*", "", text, flags=re.DOTALL).rstrip("/.,; ")
    if text[-4:].lower() == ".pdf":
        text = text[:-4]
    new = _NEW_ID.fullmatch(text)
    if new:
        return ParsedId("arxiv", new[1], int(new[2]) if new[2] else None)
    old = _OLD_ID.fullmatch(text)
    if old and _ARCHIVES.fullmatch(old[1].lower()) and "1991-07" <= _old_month(old[2]) <= "2007-03":
        return ParsedId("arxiv", f"{old[1].lower()}/{old[2]}", int(old[3]) if old[3] else None)
    raise _unreadable(
        given,
        "This is no arXiv id: year and month, then four digits until 2014 and five since",
        "Write it like 2107.03312 or cs/0112017.",
    )


def _old_month(digits: str) -> str:
    return f"{'19' if digits[0] == '9' else '20'}{digits[:2]}-{digits[2:4]}"


def _doi(text: str, given: str) -> ParsedId:
    found = _DOI.fullmatch(_trimmed(text))
    if not found or not found[2].isprintable() or " " in found[2]:
        raise _unreadable(given, "A DOI is 10., a number, a slash and a name", "Write it like 10.1109/5.771073.")
    prefix, suffix = found[1], found[2].translate(_ASCII_LOWER)
    if prefix == "10.48550" and suffix.startswith("arxiv."):
        return _arxiv(suffix[len("arxiv.") :], given)
    return ParsedId("doi", f"{prefix}/{suffix}")


def _trimmed(text: str) -> str:
    """Without what a sentence or an address leaves behind a DOI: stops, quotes, a slash, a bracket never opened."""
    while text:
        end = text[-1]
        opener = {")": "(", "]": "[", "}": "{", ">": "<"}.get(end)
        stray = end in ".,;:/'\"’”" or (opener is not None and text.count(end) > text.count(opener))
        if not stray and not end.isspace():
            break
        text = text[:-1]
    return text


def _unreadable(given: str, message: str, hint: str) -> InputError:
    return InputError(message, field="id", value=given, expected=_KNOWN, hint=hint, code="input.id")
