"""The judge's rules as data: lexicon, features, linear models with their weights, named rules, and their version.

Everything is read from `data/lexicon/`; the version ends in a hash of those files, so that any change shows.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.features import FeatureSet, build_features
from analysis.lexicon import compile_lexicon, read_yaml
from kg.errors import InputError

FOLDER = Path(__file__).resolve().parents[1] / "data" / "lexicon"
VERSION = "2026.11.1"
_WEIGHTS = "weights.json"


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear score, `intercept` plus weight times value: log-odds, or up to a constant where classes are several."""

    intercept: float
    weights: Mapping[str, float]

    def score(self, values: Mapping[str, float]) -> float:
        """The score of one paper's features, summed in the order of `values`."""
        weights = self.weights
        total = self.intercept
        for name, value in values.items():
            weight = weights.get(name)
            if weight is not None:
                total += weight * value
        return total

    def strongest(self, values: Mapping[str, float], count: int) -> list[tuple[str, float]]:
        """The `count` features that moved the score most, with their signed share.

        Only what a text does hold: that it lacks images, say, moves a score too, but explains nothing.
        """
        shares = [
            (name, self.weights[name] * value) for name, value in values.items() if name in self.weights and value > 0
        ]
        return sorted(shares, key=lambda share: (-abs(share[1]), share[0]))[:count]


@dataclass(frozen=True, slots=True)
class Model:
    """How one column is decided: linear models by class, threshold on the log-odds, families shown as evidence."""

    name: str
    column: str
    included_only: bool
    l2: float
    balanced: bool
    threshold: float
    features: tuple[str, ...] | None
    evidence: tuple[str, ...]
    linear: Mapping[str, Linear]


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule: it holds when every feature of `present` is above 0 and none of `absent` is."""

    name: str
    says: str
    present: tuple[str, ...]
    absent: tuple[str, ...]
    above: float
    spans: tuple[str, ...]

    def holds(self, values: Mapping[str, float]) -> bool:
        """Whether the rule holds for one paper's features."""
        return all(values.get(name, 0.0) > 0 for name in self.present) and not any(
            values.get(name, 0.0) > 0 for name in self.absent
        )


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything that the judge reads before it sees a paper. `groups` maps a family or concept name to concepts."""

    features: FeatureSet
    models: Mapping[str, Model]
    vetoes: tuple[Rule, ...]
    rescues: tuple[Rule, ...]
    exclusions: tuple[Rule, ...]
    version: str

    @property
    def groups(self) -> Mapping[str, frozenset[int]]:
        """Concept numbers by family or concept name."""
        return self.features.groups


def load_rulebook(folder: Path = FOLDER, weights: Mapping[str, Any] | None = None) -> Rulebook:
    """Reads the rules in `folder`; `weights` stand in for its weights file (fitting has none yet).

    Raises:
        InputError: a file is missing or says something that cannot be used; names file and key.
    """
    paths = sorted((folder / "concepts").glob("*.yaml"))
    if not paths:
        raise InputError("The lexicon is missing", where=str(folder), hint="Reinstall the data folder.")
    lexicon = compile_lexicon((path.name, read_yaml(path)) for path in paths)
    features = build_features(lexicon, read_yaml(folder / "features.yaml"), "features.yaml")
    if weights is None:
        weights = _read_weights(folder / _WEIGHTS)
    names = frozenset(features.names)
    models = {
        name: _model(name, entry, weights.get(name, {}), names, features)
        for name, entry in read_yaml(folder / "models.yaml").get("models", {}).items()
    }
    rules = read_yaml(folder / "rules.yaml")
    vetoes, rescues, exclusions = (
        tuple(_rules(rules.get(kind, {}), names, features)) for kind in ("vetoes", "rescues", "exclusions")
    )
    return Rulebook(features, models, vetoes, rescues, exclusions, f"{VERSION}-{_digest(folder)}")


def _read_weights(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        hint = "Make it again: python -m analysis.fitting --labels LABELS.csv --texts PAPERS.jsonl.gz"
        raise InputError("The fitted weights cannot be read", where=str(path), hint=hint) from error
    models = content.get("models") if isinstance(content, dict) else None
    if not isinstance(models, dict):
        raise InputError("The fitted weights hold no models", where=str(path))
    return models


def _model(
    name: str, entry: Mapping[str, Any], weights: Mapping[str, Any], names: frozenset[str], features: FeatureSet
) -> Model:
    chosen = _expanded(entry.get("features"), features)
    _known(chosen or (), names, f"models.yaml: {name}")
    evidence = tuple(entry.get("evidence", ()))
    _known(evidence, frozenset(features.groups), f"models.yaml: {name}")
    linear = {
        label: Linear(float(table["intercept"]), {key: float(weight) for key, weight in table["weights"].items()})
        for label, table in weights.items()
    }
    return Model(
        name,
        entry["column"],
        entry["train"] == "included",
        float(entry["l2"]),
        bool(entry["balanced"]),
        float(entry.get("threshold", 0.0)),
        chosen,
        evidence,
        linear,
    )


def _expanded(listed: Sequence[str] | None, features: FeatureSet) -> tuple[str, ...] | None:
    """The listed features, "@concepts" and "@aggregates" standing for all of a kind; `None` means all features."""
    if listed is None:
        return None
    kinds = {
        "@concepts": [name for name in features.lexicon.index if name in features.names],
        "@aggregates": [aggregate.name for aggregate in features.aggregates],
    }
    names = [name for one in listed for name in kinds.get(one, [one])]
    return tuple(dict.fromkeys(names))


def _rules(entries: Mapping[str, Any], names: frozenset[str], features: FeatureSet) -> list[Rule]:
    rules = []
    for name, entry in entries.items():
        present, absent, spans = (tuple(entry.get(key, ())) for key in ("present", "absent", "spans"))
        _known((*present, *absent), names, f"rules.yaml: {name}")
        _known(spans, frozenset(features.groups), f"rules.yaml: {name}")
        rules.append(Rule(name, entry["says"], present, absent, float(entry.get("above", -math.inf)), spans))
    return rules


def _known(used: Sequence[str], names: frozenset[str], where: str) -> None:
    unknown = [name for name in used if name not in names]
    if unknown:
        raise InputError("An unknown feature or family", where=where, value=", ".join(unknown))


def _digest(folder: Path) -> str:
    # Specifications have rules and a version of their own.
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("specifications")]
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.relative_to(folder).as_posix()):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
