"""Recorded exchanges with arXiv and Semantic Scholar (research data beside the checkout), replayed by the test server.

A request is matched by method, path, parameters and body, in any order of the parameters. Where one was recorded
several times the answers come in turn, the last one again and again. A request that was never recorded gets a 404 that
names it, and stands in `unknown`.
"""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml

from tests.services.asked import ATOM, JSON, Asked, Given, given_json

Key = tuple[str, str, tuple[tuple[str, str], ...], str]
_ABOUT = re.compile(
    r"<title>arXiv Query: search_query=(.*)&amp;id_list=(.*)&amp;start=(\d+)&amp;max_results=(\d+)</title>"
)
# How arXiv sorts makes no difference to which recording is meant.
_IGNORED = ("sortBy", "sortOrder")


class Recorded:
    """The recordings below a folder: `arxiv_py/*.json`, `arxiv_titles/*.json` and `semanticscholar_py/test_*.yaml`.

    `asked` lists, in the order of the files, the requests that can be made; `cassettes` narrows Semantic Scholar's to
    files whose name begins with one of these (`test_get_papers`), which also saves the time to read the rest.
    """

    def __init__(self, folder: Path, cassettes: tuple[str, ...] = ("test_",)) -> None:
        self._answers: dict[Key, list[Given]] = {}
        self._lock = threading.Lock()
        self._used: set[Key] = set()
        self.asked: list[Asked] = []
        self.unknown: list[str] = []
        for asked, given in (*_arxiv(folder), *_titles(folder), *_cassettes(folder, cassettes)):
            self.asked.append(asked)
            self._answers.setdefault(_key(asked), []).append(given)

    def answer(self, asked: Asked) -> Given:
        """The recorded answer."""
        key = _key(asked)
        with self._lock:
            given = self._answers.get(key)
            if given is None:
                self.unknown.append(f"{asked.method} {asked.path} {dict(asked.params)}")
                return given_json({"error": f"Not recorded: {self.unknown[-1]}"}, 404)
            self._used.add(key)
            return given.pop(0) if len(given) > 1 else given[0]

    def unused(self) -> int:
        """How many different requests were never made."""
        return len(self._answers) - len(self._used)


def _key(asked: Asked) -> Key:
    params = {name: value for name, value in asked.params.items() if value and name not in _IGNORED}
    if asked.endpoint.startswith("arxiv."):
        params = {name: value.replace("+", " ") for name, value in params.items()} | {
            "start": params.get("start", "0"),
            "max_results": params.get("max_results", "10"),
        }
    try:
        body = json.dumps(json.loads(asked.body)) if asked.body else ""
    except ValueError:
        body = asked.body.decode("utf-8", "replace")
    return asked.method, asked.path, tuple(sorted(params.items())), body


def _arxiv(folder: Path) -> Iterator[tuple[Asked, Given]]:
    for path in sorted((folder / "arxiv_py").glob("*.json")):
        recorded = json.loads(path.read_text(encoding="utf-8"))
        asked = _asked("arxiv", "GET", recorded["url"], b"")
        yield asked, Given(recorded["status_code"], recorded["body"].encode(), ATOM)


def _titles(folder: Path) -> Iterator[tuple[Asked, Given]]:
    """These hold no address; the feed's own title says what was asked."""
    for path in sorted((folder / "arxiv_titles").glob("*.json")):
        recorded = json.loads(path.read_text(encoding="utf-8"))
        about = _ABOUT.search(recorded["body"])
        assert about is not None, path
        query, ids, start, most = (html.unescape(part) for part in about.groups())
        params = {"search_query": query, "id_list": ids, "start": start, "max_results": most}
        yield Asked("arxiv.query", "GET", "/api/query", params, {}), Given(200, recorded["body"].encode(), ATOM)


def _cassettes(folder: Path, prefixes: tuple[str, ...]) -> Iterator[tuple[Asked, Given]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted((folder / "semanticscholar_py").glob("test_*.yaml")):
        if not path.name.startswith(prefixes):
            continue
        for exchange in yaml.load(path.read_text(encoding="utf-8"), loader)["interactions"]:
            request, response = exchange["request"], exchange["response"]
            status, body = _response(response)
            kind = response["headers"].get("Content-Type", [JSON])[0]
            yield (
                _asked("s2", request["method"], request["uri"], (request["body"] or "").encode()),
                Given(status, body, kind),
            )


def _response(response: Mapping[str, Any]) -> tuple[int, bytes]:
    """Status and body, in either of the two forms that the recorder wrote over the years."""
    status = response.get("status_code") or response["status"]["code"]
    content = response.get("content")
    body = response["body"]["string"] if content is None else content
    return status, body if isinstance(body, bytes) else body.encode()


def _asked(service: str, method: str, url: str, body: bytes) -> Asked:
    from ingest.services import SERVICES

    parts = urlsplit(url)
    path = unquote(parts.path)
    params = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Asked(f"{service}.{SERVICES[service].endpoint(path)}", method, path, params, {}, body)
