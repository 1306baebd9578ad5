"""The clock of stored times, an argument everywhere so that tests can set it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> str:
    """UTC to the second, e.g. 2025-01-31T12:00:00+00:00."""
    return datetime.now(UTC).isoformat(timespec="seconds")
