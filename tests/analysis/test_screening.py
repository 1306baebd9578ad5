"""The judge at its seam: sentences made for the purpose, arbitrary text, the readers' labels."""

from __future__ import annotations

import csv
import gzip
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.fitting import figures, read_labelled
from analysis.screening import CRITERIA, Judge, to_record
from kg.identity import text_sha256
from kg.model import Judgement, Span
from kg.protocol import load_protocol

CODEC = (
    "TinyWave: a neural audio codec at low bitrate",
    "We propose TinyWave, a neural audio codec with residual vector quantization. An encoder turns speech into "
    "discrete tokens and a decoder reconstructs the waveform. Experiments show better PESQ than others at 1.5 kbps.",
)
VALL_E_LIKE = (
    "One-shot voices by conditional language modelling of codec codes",
    "We train a language model for text-to-speech on the discrete codes of an off-the-shelf neural codec and treat "
    "synthesis as conditional language modelling. Zero-shot speech from a short prompt sounds natural.",
)
UNITS = (
    "Translating speech without text",
    "We translate speech directly into discrete units obtained by k-means clustering of HuBERT features and synthesize "
    "the target speech with a unit vocoder. Results on speech-to-speech translation improve over the baseline.",
)
CONTINUOUS = (
    "Smooth speech generation with continuous latents",
    "Unlike discrete tokens, our model predicts continuous latents of a variational autoencoder with a diffusion head. "
    "We avoid quantization altogether. Mel spectrograms are decoded by a vocoder.",
)
RECOGNISER = (
    "A conformer for far-field speech recognition",
    "We train a conformer on mel filterbank features for automatic speech recognition and reduce the word error rate.",
)
TEXT_TOKENS = (
    "Shorter vocabularies for translation",
    "We study byte pair encoding and subword tokens for machine translation of documents and sentences.",
)
WEIGHTS = (
    "Integer keyword spotting",
    "We apply post-training quantization to the weights of a speech keyword spotting network; int8 inference is fast.",
)
GENES = ("A codec for genomes", "We compress DNA sequences with a codec that builds codewords for genes and proteins.")
RANDOM_TEXT = st.text(max_size=400) | st.text(alphabet="speech token codec quantized {}$\\n-. \u0130", max_size=600)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def verdicts(judgement: Judgement) -> dict[str, str]:
    return {verdict.criterion: verdict.verdict for verdict in judgement.verdicts}


def all_spans(judgement: Judgement) -> list[Span]:
    spans = [span for verdict in judgement.verdicts for span in verdict.evidence]
    spans += [span for tag in judgement.topics for span in tag.evidence]
    spans += [quantizer.span for quantizer in judgement.quantizers]
    return spans + list(judgement.token_type_evidence)


@pytest.mark.parametrize("paper", [CODEC, VALL_E_LIKE, UNITS])
def test_work_on_discrete_audio_is_included(judge: Judge, paper: tuple[str, str]) -> None:
    assert judge.judge(*paper).include == "include"


@pytest.mark.parametrize("paper", [CONTINUOUS, RECOGNISER, TEXT_TOKENS, WEIGHTS, GENES])
def test_look_alikes_are_excluded(judge: Judge, paper: tuple[str, str]) -> None:
    judgement = judge.judge(*paper)
    assert (judgement.include, judgement.look) == ("exclude", False)
    assert verdicts(judgement)["R1"] == "not_met"


def test_a_codec_meets_its_criterion_and_a_user_of_codes_meets_the_other(judge: Judge) -> None:
    codec, user = verdicts(judge.judge(*CODEC)), verdicts(judge.judge(*VALL_E_LIKE))
    assert (codec["A1"], user["A1"]) == ("met", "not_met")
    assert user["B2"] == "met"


def test_continuous_features_exclude_with_their_terms(judge: Judge) -> None:
    judgement = judge.judge(*RECOGNISER)
    (features,) = [verdict for verdict in judgement.verdicts if verdict.criterion == "X1"]
    assert features.verdict == "met"
    assert {"mel", "filterbank features"} & {span.text for span in features.evidence}


def test_tokens_of_text_alone_meet_their_exclusion(judge: Judge) -> None:
    assert verdicts(judge.judge(*TEXT_TOKENS))["X3"] == "met"


def test_denying_the_tokens_turns_the_verdict(judge: Judge) -> None:
    title = "Speech synthesis"
    affirmed = "We propose a model that predicts discrete speech tokens of a neural codec."
    denied = "Without discrete speech tokens or a neural codec, we propose a model that predicts continuous latents."
    assert judge.judge(title, affirmed).include == "include"
    assert judge.judge(title, denied).include == "exclude"


@pytest.mark.parametrize(
    ("rule", "title", "abstract"),
    [
        (
            "V3",
            "Continuous tokens for speech language models",
            "We train a speech language model with next-token prediction on speech tokens instead of discrete speech "
            "units, which a neural audio codec quantizes. Text-to-speech improves over discrete speech tokens.",
        ),
        (
            "V4",
            "Symbolic music generation with vector quantized codes",
            "We propose a VQ-VAE with discrete codes and a codebook for MIDI. A transformer predicts tokens of "
            "piano rolls for music generation.",
        ),
    ],
)
def test_a_named_rule_overrules_the_score_and_says_so(judge: Judge, rule: str, title: str, abstract: str) -> None:
    judgement = judge.judge(title, abstract)
    (relevance,) = [verdict for verdict in judgement.verdicts if verdict.criterion == "R1"]
    assert (judgement.include, relevance.verdict) == ("exclude", "not_met")
    assert relevance.reason.startswith(f"{rule}: ")
    assert relevance.evidence


def test_a_title_alone_is_never_enough_and_its_silence_asks_for_a_look(judge: Judge) -> None:
    named = judge.judge(CODEC[0], None)
    assert (named.include, named.fields_read, named.token_type is None) == ("unclear", ("title",), False)
    silent = judge.judge("An unrelated heading", None)
    assert (silent.include, silent.look) == ("exclude", True)
    assert verdicts(silent)["R1"] == "unclear"


@pytest.mark.parametrize("paper", [(None, None), ("", ""), (" ", None), (None, "\n")])
def test_no_text_is_silence_not_an_answer(judge: Judge, paper: tuple[str | None, str | None]) -> None:
    judgement = judge.judge(*paper)
    assert (judgement.include, judgement.look, judgement.token_type) == ("exclude", True, None)
    assert (judgement.topics, judgement.quantizers, judgement.fields_read) == ((), (), ())
    assert set(verdicts(judgement).values()) == {"unclear"}


def test_an_abstract_without_title_is_judged(judge: Judge) -> None:
    judgement = judge.judge(None, CODEC[1])
    assert (judgement.include, judgement.fields_read) == ("include", ("abstract",))


def test_an_unrelated_sentence_and_the_other_spelling_change_nothing(judge: Judge) -> None:
    for title, abstract in (CODEC, VALL_E_LIKE, UNITS, CONTINUOUS, RECOGNISER):
        plain = verdicts(judge.judge(title, abstract))
        assert verdicts(judge.judge(title, abstract + " Code is on our web page.")) == plain
        assert verdicts(judge.judge(title, abstract.replace("quantiz", "quantis"))) == plain


def test_the_record_has_the_documented_shape(judge: Judge) -> None:
    record = to_record("2107.03312", judge.judge(*CODEC))
    assert json.loads(json.dumps(record)) == record
    assert record["id"] == "2107.03312"
    assert list(record["criteria"]) == list(CRITERIA)
    assert {"verdict", "evidence", "reason", "confidence"} == set(record["criteria"]["R1"])
    assert {"field", "start", "end", "text"} == set(record["criteria"]["R1"]["evidence"][0])
    assert {"id", "evidence"} <= set(record["topics"][0])
    assert record["rules"] == judge.rules
    assert record["text_sha256"] == text_sha256(*CODEC)


def test_two_judges_agree_to_the_byte(judge: Judge) -> None:
    other = Judge()
    other.judge(*UNITS)
    for paper in (CODEC, VALL_E_LIKE, CONTINUOUS, (None, None)):
        assert json.dumps(to_record("x", other.judge(*paper))) == json.dumps(to_record("x", judge.judge(*paper)))


@settings(max_examples=200, deadline=None)
@given(st.none() | RANDOM_TEXT, st.none() | RANDOM_TEXT)
def test_any_text_gets_exact_spans_and_a_consistent_verdict(title: str | None, abstract: str | None) -> None:
    judgement = _JUDGE.judge(title, abstract)
    fields = {"title": title or "", "abstract": abstract or ""}
    for span in all_spans(judgement):
        assert fields[span.field][span.start : span.end] == span.text
        assert 0 < len(span.text) <= 80
    for verdict in judgement.verdicts:
        assert verdict.reason
        assert verdict.evidence or verdict.verdict != "met" or verdict.criterion == "R2"
    by_id = {verdict.criterion: verdict for verdict in judgement.verdicts}
    combined = load_protocol().combine(
        {name: verdict.verdict for name, verdict in by_id.items()}, r1_positive=bool(by_id["R1"].evidence)
    )
    assert combined == (judgement.include, judgement.look)


_JUDGE = Judge()


def test_a_megabyte_takes_seconds(judge: Judge) -> None:
    began = time.perf_counter()
    judge.judge("speech tokens " * 1_000, "discrete speech tokens of a neural audio codec without - \\emph{ " * 16_000)
    judge.judge("x" * 500_000, "unlike continuous " * 30_000 + "\u0130" * 500_000)
    assert time.perf_counter() - began < 30


@pytest.mark.realdata
def test_shipped_judge_keeps_the_floor_on_the_development_labels(judge: Judge, shared_data: Path) -> None:
    papers = read_labelled(shared_data / "labels_dev.csv", shared_data / "arxiv_audio.jsonl.gz")
    judged = {paper.id: judge.judge(paper.title, paper.abstract) for paper in papers}
    found = figures(papers, judged)
    floors = {"include": 0.92, "include_strict": 0.92, "include_firm": 0.96, "R1": 0.92, "A1": 0.76, "A2": 0.66}
    floors |= {"B2": 0.86, "X1": 0.84, "topics_macro": 0.75, "token_type": 0.74}
    assert {name: value for name, value in found.items() if value < floors.get(name, 0)} == {}
    for paper in papers:
        fields = {"title": paper.title or "", "abstract": paper.abstract or ""}
        for span in all_spans(judged[paper.id]):
            assert fields[span.field][span.start : span.end] == span.text


@pytest.mark.realdata
def test_other_fields_are_not_included(judge: Judge, shared_data: Path) -> None:
    with gzip.open(shared_data / "arxiv_other.jsonl.gz", "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    kept = [
        record["arxiv_id"]
        for record in records
        if judge.judge(record["title"], record["abstract"]).include != "exclude"
    ]
    assert len(kept) <= 0.005 * len(records)


@pytest.mark.realdata
def test_named_codecs_and_tokenizers_are_found(judge: Judge, shared_data: Path) -> None:
    with (shared_data / "lists_dev.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    listed = {row["arxiv_id"] for row in rows if row["labels"].startswith(("codec", "tokenizer"))}
    with gzip.open(shared_data / "arxiv_audio.jsonl.gz", "rt", encoding="utf-8") as lines:
        records = [record for record in map(json.loads, lines) if record["arxiv_id"] in listed]
    found = sum(judge.judge(record["title"], record["abstract"]).include != "exclude" for record in records)
    assert records
    # Lists also name vocoders and continuous systems: two readers held 98 % of a sample of these rows to be in.
    assert found >= 0.86 * len(records)
