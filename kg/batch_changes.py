"""What a run changed about papers: noted before anything is written, compared when all is. No engine decides this.

Logged are a paper that is new (or was only an id until now), the fields of what it shows, what rules say of it, and
once rules had judged it before, what they say by criterion. Of an abstract only length and digest are kept, of a long
list of authors its beginning. What persons decide has its own history.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from kg.batch_rows import ChangeRow, Face, Judged, Rows
from kg.checks import no_run
from kg.identity import text_sha256

FIELDS = (
    "title", "abstract", "published", "venue", "authors", "standing", "references_stated", "citations_stated",
    "open_access",
)  # fmt: skip
"""Fields of a paper whose changes are logged, in this order."""

AUTHORS_SHOWN = 10


class ChangeLog:
    """The changes of one transaction, on the account of one run."""

    def __init__(self, rows: Rows, run: int) -> None:
        if not rows.has_run(run):
            raise no_run(run)
        self._rows = rows
        self._run = run
        self._born: set[int] = set()
        self._faces: dict[int, Face] = {}
        self._judged: dict[int, Judged | None] = {}

    def born(self, papers: Iterable[int]) -> None:
        """These papers are new in this transaction."""
        self._born.update(papers)

    def watch(self, papers: Sequence[int], *, judged: Collection[int] | bool = False) -> None:
        """Something about these papers may change now; what rules say of them too (`True`), or of those in `judged`."""
        shown = sorted(set(papers) - self._born - self._faces.keys())
        if shown:
            self._faces.update(self._rows.faces(shown))
        asked = sorted(set(papers if judged is True else judged or ()) - self._judged.keys())
        if asked:
            standing = self._rows.judged(asked)
            self._judged.update((n, standing.get(n)) for n in asked)

    def forget(self, paper: int) -> None:
        """This paper counts for another from now on."""
        self._faces.pop(paper, None)
        self._judged.pop(paper, None)

    def write(self) -> None:
        """Compare and log. Everything else of the transaction is written by now."""
        lines: list[ChangeRow] = [ChangeRow(n, "new", "", None, None) for n in self._born]
        now = self._rows.faces(sorted(self._faces)) if self._faces else {}
        for n, before in self._faces.items():
            lines += _shown(n, before, now[n])
        rules = self._rows.judged(sorted(self._judged)) if self._judged else {}
        for n, judged in self._judged.items():
            lines += _by_rules(n, judged, rules.get(n))
        if lines:
            self._rows.add_changes(self._run, sorted(lines, key=lambda line: line.paper))


def _shown(paper: int, before: Face, after: Face) -> list[ChangeRow]:
    if before.stub or after.stub:
        return [] if after.stub else [ChangeRow(paper, "new", "", None, None)]
    return [
        ChangeRow(paper, "field", field, _text(field, old), _text(field, new))
        for field in FIELDS
        if (old := getattr(before, field)) != (new := getattr(after, field))
    ]


def _by_rules(paper: int, before: Judged | None, after: Judged | None) -> list[ChangeRow]:
    old, new = before[0] if before else None, after[0] if after else None
    lines = [ChangeRow(paper, "include", "include", old, new)] if old != new else []
    if before:
        now = after[1] if after else {}
        lines += [
            ChangeRow(paper, "verdict", criterion, before[1].get(criterion), now.get(criterion))
            for criterion in sorted(before[1].keys() | now.keys())
            if before[1].get(criterion) != now.get(criterion)
        ]
    return lines


def _text(field: str, value: str | int | tuple[str, ...] | None) -> str | None:
    if value is None:
        return None
    if isinstance(value, tuple):
        more = len(value) - AUTHORS_SHOWN
        return "; ".join(value[:AUTHORS_SHOWN]) + (f"; and {more} more" if more > 0 else "")
    if field == "abstract":
        return f"{len(str(value))} characters, sha256 {text_sha256(None, str(value))[:12]}"
    return str(value)
