"""Addresses, pace and keys from the environment: what is taken, and what is refused with a fix."""

from __future__ import annotations

import pytest

from ingest.services import SERVICES, access, paces
from kg.errors import InputError


def test_the_real_services_have_their_own_pace() -> None:
    assert {name: access(name, {}).pace_s for name in SERVICES} == {"arxiv": 3.0, "s2": 3.0, "openalex": 0.2}
    assert access("s2", {"S2_API_KEY": "k" * 40}).pace_s == 1.0
    assert [access(name, {}).base for name in SERVICES] == [
        "https://export.arxiv.org", "https://api.semanticscholar.org", "https://api.openalex.org",
    ]  # fmt: skip


def test_a_stand_in_takes_the_place_of_scheme_and_host() -> None:
    way = access("arxiv", {"TOKENATLAS_ARXIV_URL": "http://127.0.0.1:9000/arxiv/"})
    assert (way.base, way.host, way.loopback, way.pace_s) == (
        "http://127.0.0.1:9000/arxiv",
        "127.0.0.1:9000",
        True,
        3.0,
    )


def test_a_stand_in_can_have_its_own_pace() -> None:
    environ = {"TOKENATLAS_S2_URL": "http://127.0.0.1:9000/s2", "TOKENATLAS_PACE": " s2=0.01 , openalex=0 "}
    assert access("s2", environ).pace_s == 0.01
    assert paces(environ) == {"s2": 0.01, "openalex": 0.0}


@pytest.mark.parametrize(
    "address", ["", "https://export.arxiv.org", "http://arxiv.org/mirror", "https://EXPORT.arxiv.org:443/x"]
)
def test_the_real_services_pace_cannot_be_changed(address: str) -> None:
    environ = {"TOKENATLAS_ARXIV_URL": address, "TOKENATLAS_PACE": "arxiv=0.01"}
    with pytest.raises(InputError, match="address is the real service's") as raised:
        access("arxiv", environ)
    assert raised.value.where == "environment variable TOKENATLAS_PACE"
    assert "TOKENATLAS_ARXIV_URL" in raised.value.hint


@pytest.mark.parametrize(
    "stated", ["arxiv", "arxiv=", "arxiv=fast", "arxiv=-1", "arxiv=nan", "doi=1", "arxiv=1,,", "="]
)
def test_a_pace_that_is_none_is_refused(stated: str) -> None:
    with pytest.raises(InputError, match="TOKENATLAS_PACE cannot be read"):
        paces({"TOKENATLAS_PACE": stated})


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:9000", "ftp://host/x", "http://", "http://user:pass@host", "http://host?x=1", "http://host/#x",
        "http://ho st", "http://host:99999", "http://[::1", "http://host\n.org",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(InputError, match="TOKENATLAS_S2_URL is not an address") as raised:
        access("s2", {"TOKENATLAS_S2_URL": address})
    assert "pass" not in str(raised.value)


def test_a_key_that_cannot_be_sent_is_refused_without_being_shown() -> None:
    with pytest.raises(InputError, match="S2_API_KEY") as raised:
        access("s2", {"S2_API_KEY": "sec ret\r\nx: y"})
    assert "ret" not in str(vars(raised.value)).replace("returns", "")
    assert access("s2", {"S2_API_KEY": "  secret\n"}).key == "secret"


def test_a_key_does_not_travel_unencrypted() -> None:
    environ = {"S2_API_KEY": "secret", "TOKENATLAS_S2_URL": "http://mirror.example/s2"}
    with pytest.raises(InputError, match="unencrypted"):
        access("s2", environ)
    assert access("s2", environ | {"TOKENATLAS_S2_URL": "https://mirror.example/s2"}).key == "secret"


@pytest.mark.parametrize(
    ("service", "path", "name"),
    [
        ("arxiv", "/api/query", "query"),
        ("s2", "/graph/v1/paper/search/bulk", "search"),
        ("s2", "/graph/v1/paper/search", "search"),
        ("s2", "/graph/v1/paper/batch", "batch"),
        ("s2", "/graph/v1/paper/DOI:10.1/a/citations", "citations"),
        ("s2", "/graph/v1/paper/ARXIV:cs/0112017/references", "references"),
        ("s2", "/graph/v1/paper/DOI:10.1/a", "paper"),
        ("openalex", "/works/doi:10.1/a", "work"),
        ("openalex", "/works", "works"),
        ("s2", "/datasets/v1/release", "other"),
    ],
)
def test_counts_go_by_what_is_asked_for(service: str, path: str, name: str) -> None:
    assert SERVICES[service].endpoint(path) == name


def test_a_service_that_is_not_known_is_named() -> None:
    with pytest.raises(InputError, match="no service 'crossref'"):
        access("crossref", {})
