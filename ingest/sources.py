"""Which sources there are: a new one is a module and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ingest.semantic_scholar import SemanticScholarSource
from ingest.source import Source
from ingest.transport import Transport

SOURCES: Mapping[str, Callable[[Transport], Source]] = {
    "s2": SemanticScholarSource,
}
