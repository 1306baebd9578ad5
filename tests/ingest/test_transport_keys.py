"""Keys reach their own service and nobody else: no log, no error, no record, no other host."""

from __future__ import annotations

import logging
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

from ingest.services import access
from ingest.transport import Limits, Transport
from kg.errors import SourceError
from tests.services.asked import JSON, Asked, Given
from tests.services.faults import FAULTS
from tests.services.server import Services

KEYS = {"S2_API_KEY": "s2+secret/4711==", "OPENALEX_API_KEY": "open&secret0815"}
SPELLINGS = ("s2+secret/4711==", "s2%2Bsecret%2F4711%3D%3D", "s2%2Bsecret/4711%3D%3D", "open&", "open%26")
SHORT = Limits(connect_s=2, read_s=0.3, whole_s=0.6, sent_bytes=100_000, unpacked_bytes=100_000)


@pytest.fixture
def environ(services: Services) -> dict[str, str]:
    return services.environment | KEYS


def asked_of(transport: Transport, service: str) -> Any:
    path = "/graph/v1/paper/CorpusId:1" if service == "s2" else "/works/W1"
    return transport.get(service, path, {"fields": "title"} if service == "s2" else {"select": "id"}, missing_ok=True)


def test_each_service_gets_its_own_key_and_arxiv_none(services, environ) -> None:
    with Transport(environ=environ) as transport:
        asked_of(transport, "s2")
        asked_of(transport, "openalex")
        transport.get("arxiv", "/api/query", {"id_list": "1901.00001"}, accept="atom")
    s2, openalex, arxiv = services.log
    assert (s2.headers["x-api-key"], s2.params) == (KEYS["S2_API_KEY"], {"fields": "title"})
    assert openalex.params == {"select": "id", "api_key": "open&secret0815"}
    assert "x-api-key" not in {*openalex.headers, *arxiv.headers}
    assert arxiv.params == {"id_list": "1901.00001"}


@pytest.mark.parametrize("kind", sorted(set(FAULTS) - {"error-feed", "doctype", "null-papers", "empty-page"}))
@pytest.mark.parametrize("service", ["s2", "openalex"])
def test_no_fault_brings_a_key_out(services, environ, caplog, capfd, make_services, service: str, kind: str) -> None:
    other = make_services()
    environ |= {"TOKENATLAS_S2_URL": f"{services.url}/s2", "TOKENATLAS_OPENALEX_URL": f"{services.url}/openalex"}
    services.behind = Repeating()
    services.fault("*", kind, times=None, to=f"{other.url}/s2/x?api_key=open%26secret0815")
    shown: list[str] = []
    with caplog.at_level(logging.DEBUG), Transport(environ=environ, limits=SHORT, patience_s=0) as transport:
        try:
            reply = asked_of(transport, service)
            shown += [repr(reply), str(reply.headers), reply.url, repr(reply.json())]
        except SourceError as error:
            shown += [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
            shown.append(pickle.dumps(error).decode("latin-1"))
        shown += [repr(transport.access(service)), repr(vars(transport))]
    shown += [caplog.text, *capfd.readouterr(), *(repr(each.args) for each in caplog.records)]
    assert services.requests, "the service was asked"
    for spelling in SPELLINGS:
        assert spelling not in "\n".join(shown)
    assert other.log == []


def test_a_redirect_within_the_host_brings_the_key_once(services, environ, caplog) -> None:
    id = next(ids[0] for ids in services.world.openalex if ids)
    services.fault("openalex.work", "moved", to=f"/openalex/works/{id}?select=id&api_key=open%26secret0815")
    with caplog.at_level(logging.DEBUG), Transport(environ=environ) as transport:
        reply = transport.get("openalex", "/works/W1", {"select": "id"})
    assert services.log[-1].params == {"select": "id", "api_key": "open&secret0815"}
    assert reply.url.endswith(f"/works/{id}?select=id")
    assert "secret" not in reply.url + repr(reply.headers) + caplog.text


def test_what_is_kept_in_the_cache_holds_no_key(services, environ) -> None:
    with Transport(environ=environ) as transport:
        asked_of(transport, "s2")
        asked_of(transport, "openalex")
    files = [each for each in Path(environ["TOKENATLAS_CACHE"]).rglob("*") if each.is_file()]
    assert len(files) == 2
    assert not any("secret" in each.name or b"secret" in each.read_bytes() for each in files)


def test_a_key_is_not_shown_by_its_access() -> None:
    assert "secret" not in repr(access("s2", KEYS))
    assert access("s2", KEYS).key == KEYS["S2_API_KEY"]


class Repeating:
    """A service that tells everybody what it was sent."""

    def answer(self, asked: Asked) -> Given:
        sent = f"{asked.headers.get('x-api-key', '')} {asked.params.get('api_key', '')}"
        return Given(200, f'{{"error": "{sent}"}}'.encode(), JSON, {"X-Sent": sent})
