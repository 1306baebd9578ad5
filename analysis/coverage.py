"""What is missing, and why: lists of references that are cut, papers that no source knows, listed papers not here.

Only what was asked is counted: "the source says none", "the source does not know the paper" and "nobody asked" are
three different things, and a list is as long as what came of it, never as long as what was hoped for.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from kg.errors import InputError
from kg.identity import normalise
from kg.paper_filter import PaperFilter
from kg.store import GraphStore

STATES = ("complete", "truncated", "empty", "unknown", "withheld")
Why = Literal["", "excluded", "unclear", "not judged", "only cited", "unknown to its source", "kept out", "never found"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One source about one subject, over the included papers.

    `resolved` of `stated` are sums over the papers of which a count is stated, `None` where there are none, as of
    metadata; dates are those of the oldest and the newest fetch, `None` when nothing was asked.
    """

    source: str
    what: str
    states: dict[str, int]
    not_asked: int
    resolved: int | None
    stated: int | None
    oldest: str | None
    newest: str | None


@dataclass(frozen=True, slots=True)
class PaperCoverage:
    """One list of one included paper: `state` is "not asked" where no source was."""

    paper: str
    source: str
    what: str
    state: str
    got: int | None
    stated: int | None
    time: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A paper that a list names: where it is in the atlas, or why it is not among the included."""

    id: str
    title: str
    labels: tuple[str, ...]
    work: str | None
    why: Why


@dataclass(frozen=True, slots=True)
class Recall:
    """A list against the atlas: `included` and `known` of `listed`; papers that are not included, with the reason."""

    name: str
    listed: int
    known: int
    included: int
    missing: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is missing. `single` counts the citations between papers that exactly one source tells of, per source."""

    included: int
    asked: tuple[Asked, ...]
    papers: tuple[PaperCoverage, ...]
    citations: int
    by_source: dict[str, int]
    single: dict[str, int]
    lists: tuple[Recall, ...]


def coverage(store: GraphStore, lists: Sequence[Path] = (), *, labels: Sequence[str] = ()) -> Coverage:
    """Measure what the store has against what sources state and lists name.

    Args:
        lists: CSV files with a column `id`, `arxiv_id` or `doi`, perhaps `title`, `list_name` and `labels`
            (separated by `;`). Rows of several lists in one file are counted per `list_name`, and all together.
        labels: keep only rows with a label that begins with one of these.

    Raises:
        InputError: a list that cannot be read, or that has none of the id columns.
    """
    included = store.ids(PaperFilter())
    chosen = store.table("fetches")
    chosen = chosen.filter(pc.is_in(chosen["paper"], pa.array(included, pa.string())))
    by_source, single = Counter[str](), Counter[str]()
    citations = store.table("citations")
    for sources, count in Counter(map(tuple, citations["sources"].to_pylist())).items():
        for source in sources:
            by_source[source] += count
        if len(sources) == 1:
            single[sources[0]] += count
    order = [("paper", "ascending"), ("source", "ascending"), ("what", "ascending")]
    return Coverage(
        included=len(included),
        asked=tuple(_asked(chosen, len(included))),
        papers=tuple(PaperCoverage(**row) for row in chosen.sort_by(order).to_pylist()),
        citations=citations.num_rows,
        by_source=dict(sorted(by_source.items())),
        single=dict(sorted(single.items())),
        lists=tuple(recall for path in lists for recall in _recalls(store, path, labels)),
    )


def _asked(fetches: pa.Table, included: int) -> list[Asked]:
    found = []
    keys = fetches.group_by(["source", "what"]).aggregate([]).sort_by([("source", "ascending"), ("what", "ascending")])
    for key in keys.to_pylist():
        of = fetches.filter((pc.field("source") == key["source"]) & (pc.field("what") == key["what"]))
        states = Counter(of["state"].to_pylist())
        both = of.filter(pc.and_(pc.is_valid(of["got"]), pc.is_valid(of["stated"])))
        found.append(
            Asked(
                key["source"],
                key["what"],
                {state: states[state] for state in STATES if states[state]},
                included - of.num_rows,
                pc.sum(both["got"]).as_py(),
                pc.sum(both["stated"]).as_py(),
                pc.min(of["time"]).as_py(),
                pc.max(of["time"]).as_py(),
            )
        )
    return found


def _recalls(store: GraphStore, path: Path, labels: Sequence[str]) -> list[Recall]:
    rows = [row for row in _rows(path) if not labels or any(label.startswith(tuple(labels)) for label in row[3])]
    works = store.resolve([id for id, *_ in rows])
    papers = store.table("papers")
    verdicts = dict(zip(papers["id"].to_pylist(), papers["include"].to_pylist(), strict=True))
    fetches = store.table("fetches")
    unknown = set(
        fetches.filter((pc.field("state") == "unknown") & (pc.field("what") == "metadata"))["paper"].to_pylist()
    )
    kept_out = {record.id for record in store.quarantined()}
    names: dict[str, list[Listed]] = {}
    for id, title, name, marks in rows:
        work = works.get(id)
        listed = Listed(id, title, marks, work, _why(id, work, verdicts, unknown, kept_out))
        names.setdefault(name, []).append(listed)
    together = {each.id: each for listed in names.values() for each in listed}
    if len(names) > 1:
        names = {path.name: list(together.values()), **dict(sorted(names.items()))}
    return [_recall(name, list({each.id: each for each in listed}.values())) for name, listed in names.items()]


def _recall(name: str, listed: list[Listed]) -> Recall:
    missing = tuple(each for each in listed if each.why)
    known = sum(each.why not in ("only cited", "unknown to its source", "kept out", "never found") for each in listed)
    return Recall(name, len(listed), known, len(listed) - len(missing), missing)


def _why(id: str, work: str | None, verdicts: dict[str, str | None], unknown: set[str], kept_out: set[str]) -> Why:
    if work is None:
        return "kept out" if id in kept_out else "never found"
    if work not in verdicts:
        return "unknown to its source" if work in unknown else "only cited"
    include = verdicts[work]
    return {"include": "", "exclude": "excluded", "unclear": "unclear", None: "not judged"}[include]  # type: ignore[return-value]


def _rows(path: Path) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Canonical id, title, list and labels of every row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or ()
            key = next((column for column in ("id", "arxiv_id", "doi") if column in columns), None)
            if key is None:
                raise InputError(
                    "The list has no column of ids",
                    where=str(path),
                    field="id",
                    value=", ".join(columns),
                    expected="id, arxiv_id or doi",
                    hint="Name the column with ids `id`, `arxiv_id` or `doi`.",
                )
            rows = [(line, row) for line, row in enumerate(reader, 2) if row[key] and row[key].strip()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"The list cannot be read: {error}", where=str(path), field="file", hint="Give a CSV file in UTF-8."
        ) from error
    found = []
    for line, row in rows:
        try:
            id = normalise(row[key])
        except InputError as error:
            raise InputError(
                error.message, where=str(path), at=f"line {line}", field=key, value=row[key], hint=error.hint
            ) from None
        marks = tuple(mark.strip() for mark in (row.get("labels") or "").split(";") if mark.strip())
        found.append((id, row.get("title") or "", row.get("list_name") or path.name, marks))
    return found
