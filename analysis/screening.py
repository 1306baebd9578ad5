"""Criteria to verdicts, with evidence: a deterministic judge that a person can check term by term.

Required R1 is decided by one linear model over what the lexicon found, then by named vetoes and rescues; the any-of
criteria by small models fitted on included papers and asked only of those; exclusion X1 by a model where R1 does not
hold, X2 and X3 by named rules. `met` other than R2 always shows the terms it rests on. Confidence is the probability
that the models give to the verdict (of "met", where it is unclear).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from analysis.mentions import BIT as _BITS
from analysis.mentions import Mention, Reading, read
from analysis.rulebook import Model, Rule, Rulebook, load_rulebook
from analysis.topics import POSITIVE, evidence, quantizers, sigmoid, spans, token_type, topics
from kg.identity import text_sha256
from kg.model import Judgement, Span, Verdict
from kg.protocol import load_protocol

ANY_OF = ("A1", "A2", "B1", "B2")
EXCLUSIONS = ("X1", "X2", "X3")
CRITERIA = ("R1", "R2", *ANY_OF, *EXCLUSIONS)

# Log-odds of R1 just below "met" in which the judge does not decide: a person should look.
UNCLEAR_FROM = -0.5

# Five of six included papers use tokens (B2), two of seven make a codec (A1).
_COMMONEST = ("B2", "A1")

_ROLE_WORDS = {"head": "title", "title": "title", "own": "own sentence", "result": "result", "background": "background"}
_ROLE_ORDER = ("head", "title", "own", "result", "background")


class Judge:
    """The rules, loaded and compiled once. `rules` names their version and changes with every file they are made of."""

    def __init__(self, rulebook: Rulebook | None = None) -> None:
        self._book = rulebook or load_rulebook()
        self._protocol = load_protocol()
        self.rules = self._book.version

    def judge(self, title: str | None, abstract: str | None) -> Judgement:
        """Judges one paper from the text there is; `None` or blank text counts as not read.

        Returns:
            A verdict for each of `CRITERIA`, their combination by the protocol, topics, token type and quantisers.
            Offsets count characters of the fields as given.
        """
        reading = read(self._book.features.lexicon, title, abstract)
        values = self._book.features.compute(reading)
        relevance, score = self._relevance(reading, values)
        verdicts = {"R1": relevance, "R2": _traceable(reading)}
        verdicts |= self._any_of(reading, values, relevance, score)
        verdicts |= self._exclusions(reading, values, relevance)
        include, look = self._protocol.combine(
            {name: verdict.verdict for name, verdict in verdicts.items()}, r1_positive=bool(relevance.evidence)
        )
        speaks = relevance.verdict == "met" or bool(evidence(self._book, reading, ("any",)))
        kind, kind_evidence = token_type(self._book, reading, values) if speaks else ("none", ())
        return Judgement(
            include=include,
            look=look,
            verdicts=tuple(verdicts[name] for name in CRITERIA),
            topics=topics(self._book, reading, values, included=include == "include") if speaks else (),
            token_type=kind if reading.fields else None,
            quantizers=quantizers(self._book, reading) if speaks else (),
            rules=self.rules,
            fields_read=reading.fields,
            text_sha256=text_sha256(title, abstract),
            token_type_evidence=kind_evidence,
        )

    def _relevance(self, reading: Reading, values: Mapping[str, float]) -> tuple[Verdict, float]:
        """R1 and its log-odds."""
        model = self._book.models["include"].linear["1"]
        score = model.score(values)
        sure = sigmoid(score)
        if not reading.fields:
            return Verdict("R1", "unclear", reason="no text to read"), score
        positive = evidence(self._book, reading, ("strong",)) or evidence(self._book, reading, POSITIVE)
        veto = next((rule for rule in self._book.vetoes if rule.holds(values)), None)
        if score > 0 and veto:
            shown = spans(evidence(self._book, reading, veto.spans))
            return Verdict("R1", "not_met", shown, f"{veto.name}: {veto.says}", _rounded(1 - sure)), min(score, -1.0)
        signs = ", ".join(f"{_words(name)} {share:+.1f}" for name, share in model.strongest(values, 3))
        reason = f"{self._named(positive)}; strongest signs: {signs}"
        if positive and score > 0:
            return Verdict("R1", "met", spans(positive), reason, _rounded(sure)), score
        rescue = next((rule for rule in self._book.rescues if score > rule.above and rule.holds(values)), None)
        if positive and rescue and not veto:
            shown = spans(evidence(self._book, reading, rescue.spans) or positive)
            return Verdict("R1", "met", shown, f"{rescue.name}: {rescue.says}", _rounded(max(sure, 0.5))), max(
                score, 0.1
            )
        unread = "abstract" not in reading.fields
        if positive and not veto and (score > UNCLEAR_FROM or unread):
            return Verdict("R1", "unclear", spans(positive), reason, _rounded(sure)), score
        if unread and not positive:
            return Verdict(
                "R1", "unclear", (), "the title does not tell and no abstract was read", _rounded(sure)
            ), score
        if not positive:
            reason = "no token, codec or quantiser of audio is named"
        return Verdict("R1", "not_met", (), reason, _rounded(1 - sure)), score

    def _any_of(
        self, reading: Reading, values: Mapping[str, float], relevance: Verdict, score: float
    ) -> dict[str, Verdict]:
        scores = {name: self._book.models[name].linear["1"].score(values) for name in ANY_OF}
        margins = {name: scores[name] - self._book.models[name].threshold for name in ANY_OF}
        # At least one option must stand for what R1 found. Where no model claims it, the commonest two compete.
        claimed = [name for name in ANY_OF if margins[name] > 0]
        best = max(claimed or _COMMONEST, key=lambda name: margins[name])
        verdicts = {}
        for name in ANY_OF:
            model = self._book.models[name]
            # The models are conditional on R1: a probability of the criterion is the product of the two.
            sure = sigmoid(scores[name]) * sigmoid(score)
            if relevance.verdict == "not_met":
                verdicts[name] = Verdict(name, "not_met", (), "R1 is not met", _rounded(1 - sure))
            elif not reading.fields:
                verdicts[name] = Verdict(name, "unclear", (), "no text to read")
            elif relevance.verdict == "unclear" and name == best:
                shown = self._shown(reading, model)
                reason = f"R1 is unclear; {self._named(shown)}"
                verdicts[name] = Verdict(name, "unclear", spans(shown), reason, _rounded(sure))
            elif relevance.verdict == "met" and (margins[name] > 0 or name == best):
                shown = self._shown(reading, model)
                verdicts[name] = Verdict(name, "met", spans(shown), self._named(shown), _rounded(sure))
            else:
                reason = "the signs for it are too weak" if relevance.verdict == "met" else "R1 is unclear"
                verdicts[name] = Verdict(name, "not_met", (), reason, _rounded(1 - sure))
        return verdicts

    def _exclusions(self, reading: Reading, values: Mapping[str, float], relevance: Verdict) -> dict[str, Verdict]:
        if not reading.fields:
            return {name: Verdict(name, "unclear", (), "no text to read") for name in EXCLUSIONS}
        if relevance.verdict != "not_met":
            reason = "R1 is met" if relevance.verdict == "met" else "discrete tokens may be present"
            return {name: Verdict(name, "not_met", (), reason) for name in EXCLUSIONS}
        verdicts = {rule.name: self._excluded(rule, reading, values) for rule in self._book.exclusions}
        model = self._book.models["X1"]
        score = model.linear["1"].score(values)
        sure = sigmoid(score)
        if any(verdict.verdict == "met" for verdict in verdicts.values()):
            verdicts["X1"] = Verdict("X1", "not_met", (), "another exclusion is met", _rounded(1 - sure))
        elif score > model.threshold:
            shown = evidence(self._book, reading, model.evidence)
            reason = f"nothing discrete, but {self._named(shown)}" if shown else "nothing discrete, features not named"
            verdicts["X1"] = Verdict("X1", "met" if shown else "unclear", spans(shown), reason, _rounded(sure))
        else:
            verdicts["X1"] = Verdict("X1", "not_met", (), "the signs for it are too weak", _rounded(1 - sure))
        return verdicts

    def _excluded(self, rule: Rule, reading: Reading, values: Mapping[str, float]) -> Verdict:
        shown = evidence(self._book, reading, rule.spans) if rule.holds(values) else ()
        if shown:
            return Verdict(rule.name, "met", spans(shown), rule.says)
        return Verdict(rule.name, "not_met", (), "its rule does not hold")

    def _shown(self, reading: Reading, model: Model) -> tuple[tuple[Mention, Span], ...]:
        return evidence(self._book, reading, model.evidence) or evidence(self._book, reading, POSITIVE)

    def _named(self, shown: Iterable[tuple[Mention, Span]]) -> str:
        """What the evidence speaks of, in words, with the place it stands in."""
        concepts = self._book.features.lexicon.concepts
        named = []
        for mention, _ in shown:
            place = next((_ROLE_WORDS[role] for role in _ROLE_ORDER if mention.roles & _BITS[role]), "text")
            named.append(f"{concepts[mention.concept].says} ({place})")
        return "names " + ", ".join(dict.fromkeys(named)) if named else "names nothing discrete"


def _traceable(reading: Reading) -> Verdict:
    """R2. An abstract tells of a method in all but a few of the papers that two readers judged."""
    if "abstract" in reading.fields:
        return Verdict("R2", "met", (), "a paper with an abstract; not judged further", 0.99)
    return Verdict("R2", "unclear", (), "no abstract was read")


def _words(feature: str) -> str:
    return feature.removeprefix("n_").replace("_", " ").replace("@", " in ")


def _rounded(probability: float) -> float:
    return round(probability, 4)


def to_record(id: str, judgement: Judgement) -> dict[str, Any]:
    """One line of `tokenatlas screen`: the documented shape, plus `look`, `quantizers`, `reason` and `confidence`."""
    return {
        "id": id,
        "include": judgement.include,
        "look": judgement.look,
        "criteria": {
            verdict.criterion: {
                "verdict": verdict.verdict,
                "evidence": [_span(span) for span in verdict.evidence],
                "reason": verdict.reason,
                "confidence": verdict.confidence,
            }
            for verdict in judgement.verdicts
        },
        "topics": [
            {"id": tag.topic, "evidence": [_span(span) for span in tag.evidence], "score": tag.score}
            for tag in judgement.topics
        ],
        "token_type": judgement.token_type,
        "token_type_evidence": [_span(span) for span in judgement.token_type_evidence],
        "quantizers": [{"kind": one.kind, **_span(one.span)} for one in judgement.quantizers],
        "fields_read": list(judgement.fields_read),
        "text_sha256": judgement.text_sha256,
        "rules": judgement.rules,
    }


def _span(span: Span) -> dict[str, Any]:
    return {"field": span.field, "start": span.start, "end": span.end, "text": span.text}
