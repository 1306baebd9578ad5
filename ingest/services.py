"""Which services papers come from: their addresses, their pace, their keys, and how the environment replaces them.

A stand-in (a mirror, a test server) is named in TOKENATLAS_ARXIV_URL, TOKENATLAS_S2_URL or TOKENATLAS_OPENALEX_URL:
scheme, host and a path prefix, after which the service's own paths follow. TOKENATLAS_PACE speeds stand-ins up and is
refused for the real services, whose pace is theirs to set.

Sources: info.arxiv.org/help/api/tou.html (one request in three seconds, one connection at a time),
www.semanticscholar.org/product/api (one request a second over all endpoints with a key), developers.openalex.org.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote, quote_plus, urlsplit

from kg.errors import InputError

PACE_VARIABLE = "TOKENATLAS_PACE"
BACKOFF_S = 1.0
"""The first retry waits up to this long, or up to one step of the service's pace when that is longer."""

STAND_IN_STEPS = 10
"""At a stand-in with a pace of its own, the first retry waits up to this many steps of that pace."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Service:
    """A service as its makers run it.

    `pace_s` is the time from one request to the next, `keyed_pace_s` the same with a key. `endpoints` names what a path
    asks for, first match wins; counts are kept by these names.
    """

    name: str
    title: str
    base: str
    url_variable: str
    pace_s: float
    keyed_pace_s: float
    endpoints: tuple[tuple[str, str], ...]
    key_variable: str = ""
    key_header: str = ""
    key_parameter: str = ""
    one_connection: bool = False

    def endpoint(self, path: str) -> str:
        """The name of what a path asks for, `other` for one that is not known."""
        return next((name for name, pattern in self.endpoints if re.fullmatch(pattern, path)), "other")


SERVICES: Mapping[str, Service] = MappingProxyType(
    {
        each.name: each
        for each in (
            Service(
                name="arxiv",
                title="arXiv",
                base="https://export.arxiv.org",
                url_variable="TOKENATLAS_ARXIV_URL",
                pace_s=3.0,
                keyed_pace_s=3.0,
                endpoints=(("query", r"/api/query"),),
                one_connection=True,
            ),
            Service(
                name="s2",
                title="Semantic Scholar",
                base="https://api.semanticscholar.org",
                url_variable="TOKENATLAS_S2_URL",
                # Without a key everybody in the world shares one pool; a slower pace meets fewer refusals.
                pace_s=3.0,
                keyed_pace_s=1.0,
                endpoints=(
                    ("search", r"/graph/v1/paper/search(?:/.*)?"),
                    ("batch", r"/graph/v1/paper/batch"),
                    ("citations", r"/graph/v1/paper/.+/citations"),
                    ("references", r"/graph/v1/paper/.+/references"),
                    ("paper", r"/graph/v1/paper/.+"),
                ),
                key_variable="S2_API_KEY",
                key_header="x-api-key",
            ),
            Service(
                name="openalex",
                title="OpenAlex",
                base="https://api.openalex.org",
                url_variable="TOKENATLAS_OPENALEX_URL",
                pace_s=0.2,
                keyed_pace_s=0.2,
                endpoints=(("work", r"/works/.+"), ("works", r"/works")),
                key_variable="OPENALEX_API_KEY",
                key_parameter="api_key",
            ),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Access:
    """How one run reaches a service: `base` without a slash at its end, the pace in seconds, the key if there is one.

    `backoff_s` is the longest wait before the first retry; later ones double.
    """

    service: Service
    base: str
    pace_s: float
    backoff_s: float
    key: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """Host, with the port where the address names one."""
        return urlsplit(self.base).netloc

    @property
    def loopback(self) -> bool:
        """Whether the address is this machine."""
        return urlsplit(self.base).hostname in _LOOPBACK

    def shown(self, target: str) -> str:
        """The address of a request as errors and records show it."""
        return self.without_key(self.base + target)

    def without_key(self, text: str) -> str:
        """The text with the key blotted out, as it is and as it stands in addresses."""
        if not self.key:
            return text
        for spelling in sorted({self.key, quote(self.key), quote(self.key, safe=""), quote_plus(self.key)}, key=len):
            text = text.replace(spelling, "[key]")
        return text


def access(name: str, environ: Mapping[str, str]) -> Access:
    """How to reach a service from this environment.

    Raises:
        InputError: no such service, an address that is none, a pace for the real service, a key that cannot be sent.
    """
    if name not in SERVICES:
        raise InputError(
            f"There is no service {name!r}", field="source", value=name, expected=", ".join(SERVICES),
            hint=f"Known are {', '.join(SERVICES)}.",
        )  # fmt: skip
    service = SERVICES[name]
    base = _base(service, environ.get(service.url_variable, "").strip() or service.base)
    key = environ.get(service.key_variable, "").strip() if service.key_variable else ""
    if key:
        _check_key(service, base, key)
    asked = paces(environ).get(name)
    if asked is None:
        pace = service.keyed_pace_s if key else service.pace_s
        return Access(service, base, pace, max(BACKOFF_S, pace), key)
    if _is_real(base):
        raise InputError(
            f"{PACE_VARIABLE} sets the pace of {name}, whose address is the real service's ({urlsplit(base).netloc})",
            where=f"environment variable {PACE_VARIABLE}",
            field=PACE_VARIABLE,
            value=f"{name}={asked:g}",
            hint=f"Take {name} out of {PACE_VARIABLE}, or name a stand-in in {service.url_variable}.",
        )
    return Access(service, base, asked, STAND_IN_STEPS * asked, key)


def paces(environ: Mapping[str, str]) -> dict[str, float]:
    """Seconds between requests by service, as TOKENATLAS_PACE states them (`arxiv=0.01,s2=0.01`).

    Raises:
        InputError: a part that is not `service=seconds`.
    """
    stated = environ.get(PACE_VARIABLE, "").strip()
    found: dict[str, float] = {}
    for part in stated.split(",") if stated else ():
        name, _, number = part.strip().partition("=")
        try:
            seconds = float(number)
        except ValueError:
            seconds = math.nan
        if name not in SERVICES or not 0 <= seconds <= 3600:
            raise InputError(
                f"{PACE_VARIABLE} cannot be read at {part.strip()!r}",
                where=f"environment variable {PACE_VARIABLE}",
                field=PACE_VARIABLE,
                value=stated,
                expected="service=seconds, separated by commas",
                hint=f"Write e.g. arxiv=0.01,s2=0.01; services are {', '.join(SERVICES)}.",
            )
        found[name] = seconds
    return found


def _base(service: Service, address: str) -> str:
    try:
        parts = urlsplit(address)
        usable = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and not (parts.username or parts.password or parts.query or parts.fragment)
            and (parts.port is None or parts.port > 0)
            and not re.search(r"[\s\x00-\x1f\x7f]", address)
        )
    except ValueError:
        usable = False
    if not usable:
        raise InputError(
            f"{service.url_variable} is not an address of a server",
            where=f"environment variable {service.url_variable}",
            field=service.url_variable,
            expected="http(s)://host[:port][/prefix]",
            hint="Write e.g. http://127.0.0.1:9000/arxiv, without user, query or fragment.",
        )
    return address.rstrip("/")


def _check_key(service: Service, base: str, key: str) -> None:
    where = f"environment variable {service.key_variable}"
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise InputError(
            f"{service.key_variable} holds characters that no key has",
            where=where,
            field=service.key_variable,
            hint="Set it to the key alone, on one line, or unset it to go on without one.",
        )
    if base.startswith("http://") and urlsplit(base).hostname not in _LOOPBACK:
        raise InputError(
            f"{service.key_variable} would travel unencrypted to {urlsplit(base).netloc}",
            where=where,
            field=service.key_variable,
            hint=f"Unset {service.key_variable}, or use an https address in {service.url_variable}.",
        )


def _is_real(base: str) -> bool:
    host = urlsplit(base).hostname or ""
    domains = [".".join((urlsplit(each.base).hostname or "").split(".")[-2:]) for each in SERVICES.values()]
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)
