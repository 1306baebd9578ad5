"""What a service answered, taken as untrusted data: complete, of the format asked for, and never larger than allowed.

JSON is read strictly (UTF-8, no NaN, one value). Atom must be well-formed, without a document type, hence without
entities. A lone half of a surrogate pair, which services do send inside cut texts, becomes U+FFFD, since no store could
keep it. What a service says in its own words is shortened and cleaned of everything that is not plain text.
"""

from __future__ import annotations

import html
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from xml.parsers import expat

Accept = Literal["json", "atom"]

SAID = 200
"""Characters of a service's own message that are shown."""

_ATOM = "http://www.w3.org/2005/Atom"
_ERROR_ID = re.compile(r"https?://(?:export\.)?arxiv\.org/api/errors")
_LONE = re.compile("[\ud800-\udfff]")
_CHUNK = 1 << 16


class Unusable(ValueError):
    """A body that is not what was asked for: `came` says what it is, `again` whether another try may help."""

    def __init__(self, came: str, *, again: bool) -> None:
        super().__init__(came)
        self.came = came
        self.again = again


class Refusal(ValueError):
    """A feed that is an error message; `said` is the message."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete answer. `url` and `headers` (names in lower case) hold no key; `attempts` counts requests sent."""

    service: str
    endpoint: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    attempts: int = 1
    _value: Any = field(default=None, repr=False, compare=False)

    @property
    def missing(self) -> bool:
        """Whether the service has no such thing (404)."""
        return self.status == 404

    def json(self) -> Any:
        """The value, read when the answer came; None for a missing thing."""
        return self._value

    def atom(self) -> bytes:
        """The body of a feed that is well-formed and has neither a document type nor entities of its own."""
        return self.body


def read_json(body: bytes) -> Any:
    """The one JSON value in a body.

    Raises:
        Unusable: not UTF-8, not JSON, cut short, or nested beyond sense.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Unusable("text that is not UTF-8", again=True) from None
    except RecursionError:
        raise Unusable("JSON nested beyond sense", again=False) from None
    except ValueError as error:
        raise Unusable(_described(body) or f"broken JSON ({plain(str(error), 60)})", again=True) from None
    return _whole(value) if b"\\ud" in body.lower() else value


def check_atom(body: bytes) -> None:
    """Accept a well-formed Atom feed.

    Raises:
        Unusable: not XML, cut short, not a feed, or with a document type.
        Refusal: arXiv's error feed, which comes with status 400 or 200.
    """
    guard = _Guard()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = guard.doctype
    parser.StartElementHandler = guard.start
    parser.EndElementHandler = guard.end
    parser.CharacterDataHandler = guard.text
    parser.buffer_text = True
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise Unusable(_described(body) or f"broken XML ({expat.ErrorString(error.code)})", again=True) from None
    if guard.refused:
        raise Refusal(plain(guard.said) or "an error without a message")


def decoded(chunks: Iterable[bytes], encoding: str, *, limit: int, raw_limit: int) -> bytes:
    """The body behind a content encoding, read only as far as both limits (bytes) allow.

    Raises:
        Unusable: too large either way, an encoding that was not asked for, or a compressed body that is broken.
    """
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise Unusable(f"content encoding {plain(encoding, 20)!r}", again=False)
    inflate = zlib.decompressobj(wbits=31) if encoding in ("gzip", "x-gzip") else None
    parts: list[bytes] = []
    came = size = 0
    for chunk in chunks:
        came += len(chunk)
        if came > raw_limit:
            raise Unusable(f"more than {_megabytes(raw_limit)}", again=False)
        for part in _inflated(inflate, chunk) if inflate else (chunk,):
            size += len(part)
            if size > limit:
                raise Unusable(f"more than {_megabytes(limit)}, unpacked", again=False)
            parts.append(part)
    if inflate is not None and came and not inflate.eof:
        raise Unusable("a compressed body that ends early", again=True)
    return b"".join(parts)


def said(body: bytes, content_type: str) -> str:
    """A service's own words in an answer that is an error: its JSON message, its feed's summary, or its page's text."""
    text = body[: 4 * _CHUNK].decode("utf-8", "replace")
    if "json" in content_type or text.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            words = [value[key] for key in ("error", "message", "detail") if isinstance(value.get(key), str)]
            return plain(": ".join(dict.fromkeys(words)))
    for element in ("summary", "title"):
        if found := re.search(rf"<{element}[^>]*>([^<]*)</{element}>", text, re.IGNORECASE):
            return plain(html.unescape(found[1]))
    return plain(html.unescape(re.sub(r"<[^<>]*>", " ", text)))


def plain(text: str, length: int = SAID) -> str:
    """Text from outside as one short line of printable characters."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text[: 8 * SAID]).split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


class _Guard:
    """Looks at a feed as it is parsed: no document type, an Atom root, and whether it is an error message."""

    def __init__(self) -> None:
        self.depth = 0
        self.entries = 0
        self.inside = ""
        self.id = ""
        self.said = ""

    @property
    def refused(self) -> bool:
        return self.entries == 1 and _ERROR_ID.match(self.id) is not None

    def doctype(self, *_: object) -> None:
        raise Unusable("XML with a document type", again=False)

    def start(self, name: str, attributes: object) -> None:
        self.depth += 1
        if self.depth == 1 and name != f"{_ATOM} feed":
            raise Unusable(f"XML that is no feed ({plain(name.rpartition(' ')[2], 30)})", again=True)
        if self.depth == 2 and name == f"{_ATOM} entry":
            self.entries += 1
        self.inside = name.rpartition(" ")[2] if self.depth == 3 and self.entries == 1 else ""

    def end(self, name: str) -> None:
        self.depth -= 1
        self.inside = ""

    def text(self, characters: str) -> None:
        if self.inside == "id":
            self.id += characters
        elif self.inside == "summary":
            self.said += characters[:SAID]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _described(body: bytes) -> str:
    """What a body that cannot be read plainly is, empty when that is not plain."""
    start = body[:512].lstrip().lower()
    if not start:
        return "an empty body"
    return "an HTML page" if start.startswith((b"<!doctype html", b"<html")) else ""


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(each) for key, each in value.items()}
    return value


def _inflated(inflate: Any, chunk: bytes) -> Iterable[bytes]:
    try:
        while chunk and not inflate.eof:
            yield inflate.decompress(chunk, _CHUNK)
            chunk = inflate.unconsumed_tail
    except zlib.error:
        raise Unusable("a compressed body that is broken", again=True) from None


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:g} MB"
