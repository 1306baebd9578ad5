"""What a server refuses, or cannot, in the words of `kg.errors`: what, where, and the fix."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from kg.errors import InputError, StoreError, StoreUnavailable

ENGINE = "neo4j"
USER, PASSWORD, DATABASE = "TOKENATLAS_NEO4J_USER", "TOKENATLAS_NEO4J_PASSWORD", "TOKENATLAS_NEO4J_DATABASE"
OLDEST = (5, 26)
"""The first server with everything used here: the long-term release of version 5."""

# What the driver logs is told by our errors; without a handler Python would print it between their lines.
logging.getLogger("neo4j").addHandler(logging.NullHandler())

_START = "Start the server (docker compose up -d), or check host and port."
LOGIN = f"Set {USER} (default neo4j) and {PASSWORD} to what the server knows."
_READ_ONLY = "This database is read-only: name one to write to, or only read from this one."
_TOO_OLD = f"Neo4j {OLDEST[0]}.{OLDEST[1]} (long-term support) or newer is needed."
_TRUST = (
    "Let this machine trust the certificate (SSL_CERT_FILE names a file of those it trusts), or use neo4j+ssc:// or"
    " bolt+ssc://, which take any."
)
_ENCRYPTION = "Use neo4j:// or bolt:// for a server that does not encrypt."
_HINTS = {
    "Neo.ClientError.Security.CredentialsExpired": (
        "The password must be changed before its first use: ALTER CURRENT USER SET PASSWORD, in Neo4j Browser or"
        f" cypher-shell; then set {PASSWORD}."
    ),
    "Neo.ClientError.Security.AuthenticationRateLimit": f"Too many wrong passwords: wait a moment. {LOGIN}",
    "Neo.ClientError.Security.Forbidden": "This user may not do that: ask for a user with the right to write.",
    "Neo.ClientError.Security.": LOGIN,
    "Neo.ClientError.Database.DatabaseNotFound": f"Name a database that exists: {DATABASE}, or neo4j://host/database.",
    "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase": _READ_ONLY,
    "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase": _READ_ONLY,
    "Neo.ClientError.Cluster.NotALeader": "Use neo4j:// instead of bolt:// for a cluster.",
    "Neo.TransientError.General.MemoryPoolOutOfMemoryError": "Give the server more memory, or write smaller batches.",
    "Neo.TransientError.": "The server was busy; try again in a moment.",
    "Neo.DatabaseError.": "The server failed: see its log.",
}
_UNAVAILABLE = ("Neo.ClientError.Security.", "Neo.ClientError.Database.DatabaseNotFound", "Neo.TransientError.Database")


@contextmanager
def translated(operation: str, where: str) -> Iterator[None]:
    """The driver's errors leave as `StoreError`; a server that cannot be used as `StoreUnavailable`."""
    from neo4j.exceptions import ConfigurationError, DriverError, Neo4jError, UnsupportedServerProduct

    try:
        yield
    except UnicodeEncodeError as error:
        raise InputError(
            "This text cannot be stored: it holds half a surrogate pair, which is no character",
            where=where,
            value=ascii(error.object[max(0, error.start - 20) : error.end + 20]),
            hint="Remove the character.",
        ) from None
    except Neo4jError as error:
        code = error.code or ""
        kind = StoreUnavailable if code.startswith(_UNAVAILABLE) else StoreError
        raise kind(
            f"The server refused: {_first_line(error.message or code)}",
            engine=ENGINE,
            operation=operation,
            where=where,
            hint=next((hint for begin, hint in _HINTS.items() if code.startswith(begin)), ""),
            retryable=error.is_retryable(),
        ) from error
    except UnsupportedServerProduct as error:
        raise _unusable("The server is too old, or no Neo4j", _TOO_OLD, operation, where) from error
    except DriverError as error:
        reason = _reason(error)
        if isinstance(error, ConfigurationError):
            # Options that every server of today understands are refused by the protocol of an old one.
            raise _unusable(f"The server is too old: {reason}", _TOO_OLD, operation, where) from error
        if isinstance(reason, ssl.SSLCertVerificationError):
            message = f"The certificate of the server is not trusted: {reason.verify_message}"
            raise _unusable(message, _TRUST, operation, where) from error
        hint = _ENCRYPTION if isinstance(reason, ssl.SSLError) else _START
        raise _unusable(
            f"The server cannot be reached: {_first_line(str(reason))}",
            hint,
            operation,
            where,
            retryable=hint == _START,
        ) from error


def _unusable(message: str, hint: str, operation: str, where: str, *, retryable: bool = False) -> StoreUnavailable:
    return StoreUnavailable(message, engine=ENGINE, operation=operation, where=where, hint=hint, retryable=retryable)


def _reason(error: BaseException) -> BaseException:
    """What it all began with: routing hides behind one sentence why none of its servers answered."""
    while True:
        cause = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__
        if cause is None:
            return error
        error = cause


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:300]
