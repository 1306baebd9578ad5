"""Makes `data/lexicon/weights.json` again from labelled papers, and says how good the judge is that it makes.

    python -m analysis.fitting --labels LABELS.csv --texts PAPERS.jsonl.gz [--other OTHER.jsonl.gz]

Only numbers and feature names are written. Figures are counted as the labels' code book counts them: cells that the
readers left open are skipped, met and unclear both count as found. Cross-validated figures fit everything inside the
folds and run the judge as shipped; lexicon, thresholds and named rules are not fitted and saw the labels, so the true
figures on new papers are lower. scikit-learn is needed here only.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.mentions import read
from analysis.rulebook import FOLDER, Model, Rulebook, load_rulebook
from analysis.screening import CRITERIA, Judge
from kg.errors import AtlasError, InputError
from kg.model import TOPICS, Judgement

# A paper from another field that mentions tokens or quantisers is a sure negative, but not of the kind the labelled
# papers are drawn from; a third of a labelled paper measured best.
OTHER_WEIGHT = 0.3
_DECIMALS = 4
_SMALLEST = 0.0005
_MOST_STEPS = 5000

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One paper with the readers' row."""

    id: str
    title: str | None
    abstract: str | None
    row: Mapping[str, str]


@dataclass(slots=True)
class Counts:
    """True and false positives and false negatives of one column."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def add(self, gold: bool, found: bool) -> None:
        """Counts one paper."""
        self.tp += gold and found
        self.fp += found and not gold
        self.fn += gold and not found

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where nothing was there to find."""
        whole = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / whole if whole else 0.0


def read_labelled(labels: Path, texts: Path) -> list[Labelled]:
    """Joins the readers' rows with the papers' texts, in the order of the labels.

    Raises:
        InputError: a file cannot be read, or a labelled paper has no text.
    """
    papers = {record["arxiv_id"]: record for record in _records(texts)}
    try:
        with labels.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise InputError("The labels cannot be read", where=str(labels)) from error
    missing = [row["arxiv_id"] for row in rows if row["arxiv_id"] not in papers]
    if missing:
        raise InputError("Labelled papers have no text", where=str(texts), value=", ".join(missing[:5]))
    return [
        Labelled(row["arxiv_id"], papers[row["arxiv_id"]]["title"], papers[row["arxiv_id"]]["abstract"], row)
        for row in rows
    ]


def _records(path: Path) -> Iterable[dict[str, Any]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    yield json.loads(line)
    except (OSError, ValueError) as error:
        raise InputError("The papers cannot be read", where=str(path)) from error


class Fitter:
    """Features of all labelled papers and of other-field negatives, computed once and fitted as often as asked."""

    def __init__(
        self, rulebook: Rulebook, papers: Sequence[Labelled], others: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        self.rulebook = rulebook
        self.papers = papers
        self.columns = {name: number for number, name in enumerate(rulebook.features.names)}
        self.matrix = self._matrix([(paper.title, paper.abstract) for paper in papers])
        other = self._matrix([(record["title"], record["abstract"]) for record in others])
        self.others = other[other[:, self.columns["n_any"]] > 0]

    def _matrix(self, texts: Sequence[tuple[str | None, str | None]]) -> NDArray[np.float64]:
        features = self.rulebook.features
        matrix = np.zeros((len(texts), len(self.columns)))
        for row, (title, abstract) in enumerate(texts):
            for name, value in features.compute(read(features.lexicon, title, abstract)).items():
                if name in self.columns:
                    matrix[row, self.columns[name]] = value
        return matrix

    def fit(self, rows: Sequence[int]) -> dict[str, Any]:
        """Weights of every model, fitted on the papers with these numbers."""
        return {name: self._fit(model, rows) for name, model in self.rulebook.models.items()}

    def _fit(self, model: Model, rows: Sequence[int]) -> dict[str, Any]:
        from sklearn.linear_model import LogisticRegression

        open_cells = ("?", "u", "")
        chosen = [
            row
            for row in rows
            if self.papers[row].row[model.column] not in open_cells
            and (not model.included_only or self.papers[row].row["include"] == "1")
        ]
        names = model.features or self.rulebook.features.names
        columns = [self.columns[name] for name in names]
        target = [self.papers[row].row[model.column] for row in chosen]
        matrix = self.matrix[np.ix_(chosen, columns)]
        weight = np.ones(len(chosen))
        if model.name == "include":
            matrix = np.vstack([matrix, self.others[:, columns]])
            target += ["0"] * len(self.others)
            weight = np.concatenate([weight, np.full(len(self.others), OTHER_WEIGHT)])
        classes = sorted(set(target))
        if len(classes) < 2:
            raise InputError("A column has one class only and cannot be fitted", field=model.column)
        if model.balanced:
            labels = np.array(target)
            for name in classes:
                share = weight[labels == name].sum()
                weight[labels == name] *= weight.sum() / len(classes) / share if share else 1.0
        fitted = LogisticRegression(C=model.l2, max_iter=_MOST_STEPS).fit(matrix, target, sample_weight=weight)
        if len(classes) == 2:
            return {classes[1]: _table(names, fitted.coef_[0], fitted.intercept_[0])}
        return {
            name: _table(names, fitted.coef_[number], fitted.intercept_[number]) for number, name in enumerate(classes)
        }


def _table(names: Sequence[str], weights: NDArray[np.float64], intercept: float) -> dict[str, Any]:
    kept = {
        name: round(float(weight), _DECIMALS)
        for name, weight in zip(names, weights, strict=True)
        if abs(weight) >= _SMALLEST
    }
    return {"intercept": round(float(intercept), _DECIMALS), "weights": dict(sorted(kept.items()))}


def figures(papers: Sequence[Labelled], judgements: Mapping[str, Judgement]) -> dict[str, float]:
    """F1 per column, macro F1 of the topics, accuracy of the token type and share of unclear."""
    names = ("include", "include_strict", "include_firm", *CRITERIA, *TOPICS)
    counts = {name: Counts() for name in names}
    typed: list[bool] = []
    for paper in papers:
        row, judgement = paper.row, judgements[paper.id]
        if row["include"] in ("0", "1"):
            gold = row["include"] == "1"
            counts["include"].add(gold, judgement.include != "exclude")
            counts["include_strict"].add(gold, judgement.include == "include")
            if row["borderline"] != "1":
                counts["include_firm"].add(gold, judgement.include == "include")
        for verdict in judgement.verdicts:
            if row[verdict.criterion] in ("0", "1"):
                counts[verdict.criterion].add(row[verdict.criterion] == "1", verdict.verdict != "not_met")
        if row["include"] == "1":
            found = {tag.topic for tag in judgement.topics}
            for topic in TOPICS:
                if row[topic] in ("0", "1"):
                    counts[topic].add(row[topic] == "1", topic in found)
            if row["token_type"] not in ("", "?", "u"):
                typed.append(row["token_type"] == judgement.token_type)
    result = {name: count.f1 for name, count in counts.items()}
    result["topics_macro"] = sum(result[topic] for topic in TOPICS) / len(TOPICS)
    result["token_type"] = sum(typed) / len(typed) if typed else 0.0
    result["unclear_share"] = sum(judgements[paper.id].include == "unclear" for paper in papers) / max(1, len(papers))
    return {name: round(value, 4) for name, value in result.items()}


def judged(folder: Path, weights: Mapping[str, Any], papers: Iterable[Labelled]) -> dict[str, Judgement]:
    """The shipped judge with these weights, on these papers."""
    judge = Judge(load_rulebook(folder, weights))
    return {paper.id: judge.judge(paper.title, paper.abstract) for paper in papers}


def cross_validated(fitter: Fitter, *, folder: Path = FOLDER, folds: int = 5, seed: int = 0) -> dict[str, Judgement]:
    """Every labelled paper judged with weights fitted without its fold; folds are stratified by include."""
    from sklearn.model_selection import StratifiedKFold

    strata = [paper.row["include"] if paper.row["include"] in ("0", "1") else "0" for paper in fitter.papers]
    split = StratifiedKFold(folds, shuffle=True, random_state=seed).split(np.zeros(len(strata)), strata)
    found: dict[str, Judgement] = {}
    for train, test in split:
        found |= judged(folder, fitter.fit(train.tolist()), [fitter.papers[row] for row in test])
    return found


def weights_text(weights: Mapping[str, Any]) -> str:
    """The weights as the bytes that are shipped: keys sorted, one linear model a line."""
    lines = [
        f"{json.dumps(name)}: {{\n"
        + ",\n".join(f"  {json.dumps(label)}: {json.dumps(table)}" for label, table in sorted(tables.items()))
        + "\n}"
        for name, tables in sorted(weights.items())
    ]
    return '{"schema": 1, "models": {\n' + ",\n".join(lines) + "\n}}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fits, writes the weights, prints the figures as one JSON object."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis.fitting", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--labels", type=Path, required=True, help="the readers' rows, CSV")
    parser.add_argument("--texts", type=Path, required=True, help="papers with abstracts, JSON Lines")
    parser.add_argument("--other", type=Path, help="papers of other fields, taken as negatives")
    parser.add_argument("--seed", type=int, default=0, help="shuffles the folds")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--lexicon", type=Path, default=FOLDER, help="the folder that holds rules and weights")
    options = parser.parse_args(arguments)
    try:
        papers = read_labelled(options.labels, options.texts)
        others = _records(options.other) if options.other else ()
        fitter = Fitter(load_rulebook(options.lexicon, {}), papers, others)
        weights = fitter.fit(range(len(papers)))
        (options.lexicon / "weights.json").write_text(weights_text(weights), encoding="utf-8")
        result = {
            "papers": len(papers),
            "other_negatives": len(fitter.others),
            "seed": options.seed,
            "folds": options.folds,
            "cross_validated": figures(
                papers, cross_validated(fitter, folder=options.lexicon, folds=options.folds, seed=options.seed)
            ),
            "resubstitution": figures(papers, judged(options.lexicon, weights, papers)),
        }
    except AtlasError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
