"""The one family of errors that this project raises on purpose.

    AtlasError            code ("input.field"), message, where, hint (the fix in one sentence)
    + InputError          where (file or URL), at (line or key path), field, value, expected
    + NotFound            kind ("paper"), id, nearest (ids that do exist)
    + SourceError         source, url (without key), status, attempts, retryable, resume_at
      + RateLimited       the service asks for patience; retry_after_s when it said how long
      + SourceUnavailable time-outs, broken connections, 5xx
      + RequestRefused    a 4xx that does not heal: said (the service's own words)
      + BadAnswer         expected, came: an answer that is not what was asked for
    + StoreError          engine, operation, retryable
      + StoreUnavailable
      + SchemaMismatch    found, supported
      + CommitUnknown     batch
    + Interrupted         what was kept; the same command resumes

An error says what happened, where, and the fix. It can be pickled and never carries a secret or a corpus. Whoever
raises decides `retryable`; callers catch the narrowest class they can act on, and only `app.py` and `cli.py` catch
`AtlasError` itself.
"""

from __future__ import annotations

from collections.abc import Sequence

VALUE_SHOWN = 80
URL_SHOWN = 200


class AtlasError(Exception):
    """Base of the family: what (`message`), where (`where`), the fix (`hint`), a stable `code`."""

    code = "atlas"
    retryable = False

    def __init__(self, message: str, *, where: str = "", hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return " ".join(part for part in (self.message, self.where and f"({self.where})", self.hint) if part)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(kind: type[AtlasError], args: tuple[object, ...], fields: dict[str, object]) -> AtlasError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(fields)
    return error


class InputError(AtlasError):
    """Something that came from outside cannot be used: a file, a line, an option, a URL."""

    code = "input"

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        at: str = "",
        field: str = "",
        value: object = None,
        expected: str = "",
        hint: str = "",
        code: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint, code=code)
        self.at = at
        self.field = field
        self.value = None if value is None else str(value)[:VALUE_SHOWN]
        self.expected = expected


class NotFound(AtlasError):
    """A thing asked for by id is not in the store; `nearest` lists ids that are."""

    code = "not_found"

    def __init__(self, kind: str, id: str, *, nearest: Sequence[str] = (), hint: str = "") -> None:
        fix = hint or (
            f"Did you mean {', '.join(nearest)}?"
            if nearest
            else "Ids look like 2107.03312, 10.1109/taslp.2021.3129994 or W2618500857; `papers` lists those there are."
        )
        super().__init__(f"No {kind} {id[:VALUE_SHOWN]!r}", hint=fix)
        self.kind = kind
        self.id = id
        self.nearest = tuple(nearest)


class SourceError(AtlasError):
    """A service that papers are fetched from failed or refused; what arrived before is kept.

    `url` never holds a key. `attempts` are requests sent for this one answer. `resume_at` is when it makes sense to go
    on, UTC to the second as `kg.clock` writes it; None where waiting does not help or nobody knows.
    """

    code = "source"

    def __init__(
        self,
        message: str,
        *,
        source: str,
        url: str = "",
        status: int | None = None,
        attempts: int = 0,
        retryable: bool = False,
        resume_at: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, where=url if len(url) <= URL_SHOWN else f"{url[: URL_SHOWN - 1]}…", hint=hint)
        self.source = source
        self.url = url
        self.status = status
        self.attempts = attempts
        self.retryable = retryable
        self.resume_at = resume_at


class RateLimited(SourceError):
    """The service asks to be left alone for longer than this run may wait."""

    code = "source.rate"

    def __init__(
        self,
        message: str,
        *,
        source: str,
        url: str = "",
        status: int | None = None,
        attempts: int = 0,
        resume_at: str | None = None,
        retry_after_s: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(
            message, source=source, url=url, status=status, attempts=attempts, retryable=True, resume_at=resume_at,
            hint=hint,
        )  # fmt: skip
        self.retry_after_s = retry_after_s


class SourceUnavailable(SourceError):
    """The service did not answer, or answered that it cannot; retries within the patience of this run did not help."""

    code = "source.unavailable"


class RequestRefused(SourceError):
    """The service understood and said no (400, 401, 403, 404, 413); asking again gives the same."""

    code = "source.refused"

    def __init__(
        self,
        message: str,
        *,
        source: str,
        url: str = "",
        status: int | None = None,
        attempts: int = 0,
        said: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, source=source, url=url, status=status, attempts=attempts, hint=hint)
        self.said = said


class BadAnswer(SourceError):
    """An answer that cannot be what was asked for: another format, half a body, too large, a number that contradicts.

    Retryable says whether another try may bring a good one; a source raises it from the check of a reply.
    """

    code = "source.answer"

    def __init__(
        self,
        message: str,
        *,
        source: str,
        expected: str = "",
        came: str = "",
        url: str = "",
        status: int | None = None,
        attempts: int = 0,
        retryable: bool = False,
        resume_at: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(
            message, source=source, url=url, status=status, attempts=attempts, retryable=retryable,
            resume_at=resume_at, hint=hint,
        )  # fmt: skip
        self.expected = expected
        self.came = came[:VALUE_SHOWN]


class StoreError(AtlasError):
    """The engine under the graph refused or failed."""

    code = "store"

    def __init__(
        self, message: str, *, engine: str, operation: str, where: str = "", hint: str = "", retryable: bool = False
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.engine = engine
        self.operation = operation
        self.retryable = retryable


class StoreUnavailable(StoreError):
    """The engine cannot be reached or its file cannot be opened."""

    code = "store.unavailable"


class SchemaMismatch(StoreError):
    """The store was written by another version of this program."""

    code = "store.schema"

    def __init__(self, *, engine: str, found: int, supported: int, where: str = "") -> None:
        super().__init__(
            f"The store has schema {found}; this program reads schema {supported}",
            engine=engine,
            operation="open",
            where=where,
            hint="Use the program version that wrote it, or load into a new store.",
        )
        self.found = found
        self.supported = supported


class CommitUnknown(StoreError):
    """The connection broke while a batch was committed, and nobody could be asked whether it was."""

    code = "store.commit"

    def __init__(self, *, engine: str, operation: str, batch: str, where: str = "") -> None:
        super().__init__(
            f"Whether {batch or 'the last write'} was stored is not known",
            engine=engine,
            operation=operation,
            where=where,
            hint="Run the same command again: what was stored is not stored twice.",
        )
        self.batch = batch


class Interrupted(AtlasError):
    """Work stopped early; what arrived is kept and the same command goes on."""

    code = "interrupted"
