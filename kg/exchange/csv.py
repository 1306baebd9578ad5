"""CSV whose cells no spreadsheet runs as a formula.

A text cell that begins with one of `=`, `+`, `-`, `@`, tab, carriage return or line feed, or with apostrophes before
one of them, gets one apostrophe in front; `undefuse` takes exactly that one away, so writing and reading gives the
same text. Numbers are written as they are. Unknown is an empty cell; several values are joined with `; `.

Source: OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

_RISKY = re.compile(r"'*[=+\-@\t\r\n]")
_DEFUSED = re.compile(r"'+[=+\-@\t\r\n]")


def defuse(cell: str) -> str:
    """The cell as it may stand in a CSV file.

    Example:
        >>> defuse("=1+1"), defuse("RVQ"), defuse("'=x")
        ("'=1+1", 'RVQ', "''=x")
    """
    return f"'{cell}" if _RISKY.match(cell) else cell


def undefuse(cell: str) -> str:
    """The text that `defuse` was given."""
    return cell[1:] if _DEFUSED.match(cell) else cell


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return defuse("; ".join(f"{part:.10g}" if isinstance(part, float) else str(part) for part in value))
    return defuse(str(value))


def write_rows(target: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a header and rows to a text stream opened with `newline=""`; returns the number of rows."""
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow([defuse(column) for column in columns])
    count = 0
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        count += 1
    return count


def read_rows(source: TextIO) -> Iterator[dict[str, str]]:
    """Rows of a CSV file with a header, apostrophes of `defuse` taken away."""
    for row in csv.DictReader(source, strict=True):
        yield {undefuse(name): undefuse(value or "") for name, value in row.items() if name is not None}
