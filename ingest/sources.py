"""Every source by its name: a new one is its module and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ingest.arxiv_api import ArxivSource
from ingest.openalex import OpenAlexSource
from ingest.semantic_scholar import SemanticScholarSource
from ingest.source import Source
from ingest.transport import Transport

SOURCES: Mapping[str, Callable[[Transport], Source]] = MappingProxyType(
    {
        "arxiv": ArxivSource,
        "s2": SemanticScholarSource,
        "openalex": OpenAlexSource,
    }
)
