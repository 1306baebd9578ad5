"""Fixtures of the sources' tests."""

from __future__ import annotations

from tests.ingest.arxiv_made import ask, serve, server, small, world

__all__ = ["ask", "serve", "server", "small", "world"]
