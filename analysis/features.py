"""Numbers that a reading gives: per concept and role, and named aggregates over groups of concepts.

What an aggregate counts is data (`data/lexicon/features.yaml`). Measures, over mentions that are not denied:

    count      log(1 + mentions)                      kinds      different concepts / 4
    first      1 - place of the first mention, or 0   denied     log(1 + denied mentions)
    together   log(1 + sentences that also mention `with`); a title is one sentence
    against    log(1 + mentions) - log(1 + mentions of `with`)
    both       1 when `with` is mentioned as well, anywhere
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.lexicon import Lexicon
from analysis.mentions import BIT, Mention, Reading
from kg.errors import InputError

MEASURES = ("count", "kinds", "first", "denied", "together", "against", "both")
PAIRED = ("together", "against", "both")

# Roles under which every concept is counted beside its plain count.
CONCEPT_ROLES = {
    "title": BIT["title"],
    "own": BIT["own"] | BIT["detail"] | BIT["result"],
    "background": BIT["background"],
}
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A number over the mentions of `concepts` in `roles` (bits); `others` is the second group of a paired measure."""

    name: str
    measure: str
    concepts: frozenset[int]
    roles: int
    others: frozenset[int]
    other_roles: int


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """The features of one lexicon. `names` lists all of them in a fixed order."""

    lexicon: Lexicon
    aggregates: tuple[Aggregate, ...]
    names: tuple[str, ...]
    groups: Mapping[str, frozenset[int]]
    _by_concept: tuple[tuple[tuple[int, int, bool], ...], ...]
    _keys: tuple[tuple[str, str, tuple[tuple[int, str], ...]], ...]

    def compute(self, reading: Reading) -> dict[str, float]:
        """The features that are not 0, by name."""
        values: dict[str, float] = {}
        counts: dict[str, int] = {}
        sums: dict[tuple[int, bool], list[Mention]] = {}
        concepts = self.lexicon.concepts
        for mention in reading.mentions:
            if concepts[mention.concept].kind is not None:
                continue
            plain, denied, by_role = self._keys[mention.concept]
            if mention.denied:
                counts[denied] = counts.get(denied, 0) + 1
            else:
                counts[plain] = counts.get(plain, 0) + 1
                for bits, key in by_role:
                    if mention.roles & bits:
                        counts[key] = counts.get(key, 0) + 1
            for number, bits, second in self._by_concept[mention.concept]:
                if mention.roles & bits:
                    sums.setdefault((number, second), []).append(mention)
        for key, count in counts.items():
            values[key] = round(math.log1p(count), _DECIMALS)
        for number, aggregate in enumerate(self.aggregates):
            value = _measure(aggregate.measure, sums.get((number, False), ()), sums.get((number, True), ()))
            if value:
                values[aggregate.name] = round(value, _DECIMALS)
        return values


def _measure(measure: str, first: Sequence[Mention], second: Sequence[Mention]) -> float:
    if measure == "denied":
        return math.log1p(sum(mention.denied for mention in first))
    held = [mention for mention in first if not mention.denied]
    if measure == "against":
        return math.log1p(len(held)) - math.log1p(sum(not mention.denied for mention in second))
    if not held:
        return 0.0
    if measure == "count":
        return math.log1p(len(held))
    if measure == "kinds":
        return len({mention.concept for mention in held}) / 4
    if measure == "first":
        return 1 - min(mention.order for mention in held)
    beside = [mention for mention in second if not mention.denied]
    if measure == "both":
        return float(bool(beside))
    sentences = {mention.sentence for mention in beside}
    return math.log1p(len({mention.sentence for mention in held} & sentences))


def build_features(lexicon: Lexicon, content: Mapping[str, Any], where: str) -> FeatureSet:
    """Resolves the aggregates of a features file against a lexicon.

    Raises:
        InputError: an aggregate names an unknown group, role or measure.
    """
    groups: dict[str, frozenset[int]] = {}
    for concept in lexicon.concepts:
        groups[concept.name] = frozenset({lexicon.index[concept.name]})
        for family in concept.families:
            groups[family] = groups.get(family, frozenset()) | {lexicon.index[concept.name]}
    role_sets = {name: _bits(roles, where) for name, roles in content.get("roles", {}).items()}
    role_sets |= dict(BIT)
    role_sets["any"] = sum(BIT.values())

    def resolve(names: Sequence[str], at: str) -> frozenset[int]:
        unknown = [name for name in names if name not in groups]
        if unknown:
            raise InputError("A feature names an unknown concept or family", where=at, value=", ".join(unknown))
        return frozenset[int]().union(*(groups[name] for name in names))

    aggregates = []
    for name, entry in content.get("aggregates", {}).items():
        at = f"{where}: {name}"
        measure = entry.get("measure", "count")
        in_roles, with_roles = entry.get("roles", "any"), entry.get("with_roles", "any")
        if measure not in MEASURES or in_roles not in role_sets or with_roles not in role_sets:
            raise InputError("A feature has an unknown measure or role", where=at, value=entry)
        others = resolve(entry.get("with", ()), at)
        if (measure in PAIRED) != bool(others) or name in groups:
            raise InputError("A feature needs its own name, and `with` exactly when it compares", where=at)
        concepts = resolve(entry["of"], at) - resolve(entry.get("but", ()), at)
        aggregates.append(Aggregate(name, measure, concepts, role_sets[in_roles], others, role_sets[with_roles]))
    by_concept: list[list[tuple[int, int, bool]]] = [[] for _ in lexicon.concepts]
    for number, aggregate in enumerate(aggregates):
        for member in aggregate.concepts:
            by_concept[member].append((number, aggregate.roles, False))
        for member in aggregate.others:
            by_concept[member].append((number, aggregate.other_roles, True))
    plain = [concept.name for concept in lexicon.concepts if concept.cue is None and concept.kind is None]
    names = [name + suffix for name in plain for suffix in ("", *(f"@{role}" for role in CONCEPT_ROLES), "@denied")]
    names += [aggregate.name for aggregate in aggregates]
    keys = [
        (one.name, f"{one.name}@denied", tuple((bits, f"{one.name}@{role}") for role, bits in CONCEPT_ROLES.items()))
        for one in lexicon.concepts
    ]
    by_number = tuple(tuple(row) for row in by_concept)
    return FeatureSet(lexicon, tuple(aggregates), tuple(names), groups, by_number, tuple(keys))


def _bits(roles: Sequence[str], where: str) -> int:
    unknown = [role for role in roles if role not in BIT]
    if unknown:
        raise InputError("An unknown role", where=where, value=", ".join(unknown), expected=", ".join(BIT))
    return sum(BIT[role] for role in roles)
