"""Topics, token types and quantisers, on sentences made for the purpose."""

from __future__ import annotations

import pytest

from analysis.screening import Judge
from kg.model import QUANTIZERS, TOPICS, Judgement


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def tagged(judgement: Judgement) -> set[str]:
    return {tag.topic for tag in judgement.topics}


def test_a_codec_is_about_discretisation_and_a_speech_model_about_use(judge: Judge) -> None:
    codec = judge.judge(
        "RingCodec: a neural speech codec with residual vector quantization",
        "We propose a neural speech codec whose residual quantizer avoids codebook collapse. PESQ and ViSQOL improve "
        "over other codecs at 3 kbps, and entropy coding lowers the bitrate further.",
    )
    user = judge.judge(
        "Spoken dialogue by next-token prediction",
        "We train a language model on discrete speech tokens for spoken dialogue and text-to-speech.",
    )
    assert "S1" in tagged(codec)
    assert "S3" not in tagged(codec)
    assert "S3" in tagged(user)
    assert "S1" not in tagged(user)


def test_rate_against_quality_is_its_own_topic(judge: Judge) -> None:
    judgement = judge.judge(
        "How low can the frame rate of speech tokenizers go?",
        "We study the trade-off between bitrate, token rate and reconstruction quality of speech tokenizers. "
        "Experiments at several frame rates show how a lower bitrate costs intelligibility, quality and downstream "
        "recognition accuracy.",
    )
    assert "S4" in tagged(judgement)


@pytest.mark.parametrize(
    ("abstract", "kind"),
    [
        (
            "We predict discrete units from HuBERT, found by k-means, for textless spoken language modelling.",
            "semantic",
        ),
        ("We train a language model on the RVQ codes of the EnCodec neural audio codec to generate music.", "acoustic"),
        (
            "We first predict semantic tokens from a self-supervised model, then acoustic tokens of a neural codec, so "
            "that semantic and acoustic tokens are modelled coarse to fine.",
            "hybrid",
        ),
        ("We recognise birds by their songs with a convolutional network.", "none"),
    ],
)
def test_token_types(judge: Judge, abstract: str, kind: str) -> None:
    judgement = judge.judge("Audio generation", abstract)
    assert judgement.token_type == kind
    assert bool(judgement.token_type_evidence) is (kind != "none")


def test_every_topic_shows_terms_and_a_score(judge: Judge) -> None:
    judgement = judge.judge(
        "A neural audio codec", "We propose a codec with discrete tokens for audio language models."
    )
    assert judgement.topics
    for tag in judgement.topics:
        assert tag.topic in TOPICS
        assert tag.evidence
        assert tag.score is not None
        assert 0 <= tag.score <= 1


def test_quantisers_are_named_once_with_their_place(judge: Judge) -> None:
    abstract = (
        "Our speech codec uses residual vector quantization (RVQ) with multiple codebooks; we compare finite scalar "
        "quantization, product quantisation and k-means on discrete tokens."
    )
    judgement = judge.judge("A speech codec", abstract)
    found = {quantizer.kind: quantizer.span.text for quantizer in judgement.quantizers}
    assert found == {
        "RVQ": "residual vector quantization",
        "multi-codebook": "multiple codebooks",
        "FSQ": "finite scalar quantization",
        "PQ": "product quantisation",
        "kmeans": "k-means",
    }
    assert set(found) <= set(QUANTIZERS)


def test_a_quantiser_of_network_weights_is_not_reported(judge: Judge) -> None:
    judgement = judge.judge("Fast recognition", "We prune weights and use int8 arithmetic for speech recognition.")
    assert judgement.quantizers == ()
