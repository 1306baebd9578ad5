"""Specifications: what a sentence states, where, whose it is, and what follows by arithmetic."""

from __future__ import annotations

import csv
import gzip
import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.quantities import plain, quantities
from analysis.specifications import Extractor, bitrate_kbps, to_record
from kg.errors import InputError
from kg.identity import text_sha256
from kg.model import QUANTITIES, Measured, Specification

EXTRACTOR = Extractor()

Found = dict[str, set[float]]


def stated(text: str, title: str | None = None) -> Found:
    found: Found = {}
    for spec in EXTRACTOR.extract(title, text).specifications:
        if spec.status == "stated":
            found.setdefault(spec.quantity, set()).add(spec.value)
    return found


def one(text: str, title: str | None = None) -> Specification:
    (spec,) = EXTRACTOR.extract(title, text).specifications
    return spec


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Our codec runs at 6 kbps.", {6.0}),
        ("Our codec runs at 6kb/s.", {6.0}),
        ("Our codec runs at 6 kbit/s.", {6.0}),
        ("Our codec runs at 6 Kbps.", {6.0}),
        ("Our codec runs at 6 kilobits per second.", {6.0}),
        ("Our codec runs at 600 bps.", {0.6}),
        ("Our codec runs at 365 bits per second.", {0.365}),
        ("Our codec runs at 700 bits-per-second.", {0.7}),
        ("Our codec runs at 1,200 bit/s.", {1.2}),
        ("Our codec runs at $600\\,\\mathrm{bps}$.", {0.6}),
        ("Our codec runs at 1.5\u2009kbps.", {1.5}),
        ("Our codec runs at 1.5~kbps.", {1.5}),
        ("Our codec runs at 1.5, 3 and 6 kbps.", {1.5, 3.0, 6.0}),
        ("Our codec runs at 1.5, 3, and 6 kbps.", {1.5, 3.0, 6.0}),
        ("Our codec runs at 1.5\u20136 kbps.", {1.5, 6.0}),
        ("Our codec runs from 3kbps to 18kbps.", {3.0, 18.0}),
        ("Our codec needs between 0.3 and 1.2 kbps.", {0.3, 1.2}),
        ("It reaches a PESQ of 1.8/2.6 at 0.3/1 kbps.", {0.3, 1.0}),
        ("Speech stays intelligible below 1 kbps.", {1.0}),
        ("Our codec runs at 0.5~1 kbps.", {0.5, 1.0}),
        ("Bit rates range from 1.5 to 24 kb/sec.", {1.5, 24.0}),
        ("We study sub-1 kbit/s coding.", {1.0}),
    ],
)
def test_bitrates_are_read_in_every_spelling(text: str, values: set[float]) -> None:
    assert stated(text) == {"bitrate_kbps": values}


@pytest.mark.parametrize(
    ("text", "quantity", "values"),
    [
        ("The tokenizer has a frame rate of 12.5 Hz.", "frame_rate_hz", {12.5}),
        ("The codec supports frame rates of 25Hz, 12.5Hz, and 6.25Hz.", "frame_rate_hz", {25.0, 12.5, 6.25}),
        ("We compress audio to 21.5 frames per second.", "frame_rate_hz", {21.5}),
        ("We predict $50$ Hz semantic tokens.", "frame_rate_hz", {50.0}),
        ("We lower the frame rate (50$\\rightarrow$12.5 Hz) of the codec.", "frame_rate_hz", {50.0, 12.5}),
        ("It emits 75 acoustic tokens per second.", "tokens_per_s", {75.0}),
        ("It emits 40 tokens/s.", "tokens_per_s", {40.0}),
        ("It emits 25 TPS.", "tokens_per_s", {25.0}),
        ("The token rate falls from 50 Hz to 12.5 Hz.", "tokens_per_s", {50.0, 12.5}),
        ("Latents at 21.5 fps are quantized.", "frame_rate_hz", {21.5}),
        ("Token rates of 25, 50, and 100 per second are offered.", "tokens_per_s", {25.0, 50.0, 100.0}),
        ("One second of audio becomes 40 or 75 tokens.", "tokens_per_s", {40.0, 75.0}),
        ("The codec needs only 4 codebooks.", "n_codebooks", {4.0}),
        ("The codec uses eight residual quantisers.", "n_codebooks", {8.0}),
        ("We use a single large codebook.", "n_codebooks", {1.0}),
        ("A single-stream codec simplifies generation.", "n_codebooks", {1.0}),
        ("A single vector quantizer suffices.", "n_codebooks", {1.0}),
        ("A dual-codebook tokenizer is trained.", "n_codebooks", {2.0}),
        ("The tokenizer relies on 16-layer RVQ.", "n_codebooks", {16.0}),
        ("Each frame is coded by two domain-adaptive codebooks.", "n_codebooks", {2.0}),
        ("We use 8-level RVQ.", "n_codebooks", {8.0}),
        ("The number of quantizers falls from 8 to 4.", "n_codebooks", {8.0, 4.0}),
        ("A single-layer audio codec is proposed.", "n_codebooks", {1.0}),
        ("The codebook size is 1024.", "codebook_size", {1024.0}),
        ("We use a codebook of size 8192.", "codebook_size", {8192.0}),
        ("Speech is cut into HuBERT units with K = 2000 clusters.", "codebook_size", {2000.0}),
        ("With a vocabulary of 1,024 discrete audio tokens it is small.", "codebook_size", {1024.0}),
        ("We compare codebook sizes of 512 and 4,096.", "codebook_size", {512.0, 4096.0}),
        ("The quantizer has a codebook with 32,768 codes.", "codebook_size", {32768.0}),
        ("The quantizer has a codebook size of $2^{14}$.", "codebook_size", {16384.0}),
        ("A 65k-entry codebook is learned.", "codebook_size", {65000.0}),
        ("The number of discrete units (50, 100, or 200) matters.", "codebook_size", {50.0, 100.0, 200.0}),
        ("K-means with 500 clusters gives the speech tokens.", "codebook_size", {500.0}),
        ("It resynthesises 24 kHz speech.", "sample_rate_khz", {24.0}),
        ("Files have a sampling rate of 44,100 Hz.", "sample_rate_khz", {44.1}),
        ("Super-resolution goes from 8 kHz to 48 kHz.", "sample_rate_khz", {8.0, 48.0}),
        ("Recordings of 16 kHz, 16-bit are coded.", "sample_rate_khz", {16.0}),
        ("We test narrowband (8 kHz) and full-band (48 kHz) coding.", "sample_rate_khz", {8.0, 48.0}),
        ("A bandwidth of 20 kHz needs a sampling rate of 48 kHz.", "sample_rate_khz", {48.0}),
        ("Streaming works with a latency of 160 ms.", "latency_ms", {160.0}),
        ("Streaming works with 20 ms algorithmic latency.", "latency_ms", {20.0}),
        ("Streaming needs 200 milliseconds of look-ahead.", "latency_ms", {200.0}),
        ("The first-packet latency is 0.5 s.", "latency_ms", {500.0}),
        ("The coder works at zero delay.", "latency_ms", {0.0}),
        ("It has an algorithmic latency of 32 ms and a total latency of 48 ms.", "latency_ms", {32.0, 48.0}),
        ("It runs with less than 6 ms (GPU)/10 ms (CPU) latency.", "latency_ms", {6.0, 10.0}),
        ("Latents of a 25 Hz VAE are generated.", "frame_rate_hz", {25.0}),
        ("Files are 16-bit, 16 kHz.", "sample_rate_khz", {16.0}),
        ("The VCTK 4 kHz-to-48 kHz task is solved.", "sample_rate_khz", {4.0, 48.0}),
        ("The number of model parameters is 13110.", "params_m", {0.01311}),
        ("The decoder has 5.4 M parameters.", "params_m", {5.4}),
        ("The language model has 1.3 billion parameters.", "params_m", {1300.0}),
        ("Models from 33M to 3B parameters are trained.", "params_m", {33.0, 3000.0}),
        ("The backbone is Llama-3.1-8B.", "params_m", {8000.0}),
        ("The backbone is Qwen 2.5-7B.", "params_m", {7000.0}),
        ("We fine-tune XLS-R-300M on 10M utterances.", "params_m", {300.0}),
        ("We compare Gemma 2B/9B/27B.", "params_m", {2000.0, 9000.0, 27000.0}),
        ("It has merely 62k parameters.", "params_m", {0.062}),
    ],
)
def test_each_quantity_is_read(text: str, quantity: str, values: set[float]) -> None:
    assert stated(text) == {quantity: values}


@pytest.mark.parametrize(
    "text",
    [
        "The band from 300 to 3400 Hz is predicted.",
        "Artefacts appear below 4 kHz.",
        "A low-pass filter with a cut-off of 8 kHz is applied.",
        "The bandwidth is extended from 8 kHz to 16 kHz.",
        "An 800-Hz tone is masked by noise.",
        "The pitch varies between 80 Hz and 250 Hz.",
        "We train on 60k hours and 1.4 million hours of speech.",
        "The corpus has 600B tokens and 3M utterances.",
        "It runs on a GPU with 24 GB of memory.",
        "The word error rate falls by 13% to 2.1%.",
        "Features use a 25 ms window and a 10 ms frame shift.",
        "Latency falls by 300 ms.",
        "Timestamps are off by 120 ms.",
        "An emotion recognition service answers with a latency of 128 ms.",
        "A watermark with a capacity of 16 bps is hidden.",
        "Decoding reaches a throughput of 900 tokens per second on one GPU.",
        "The avatar video is rendered at 25 fps.",
        "The codebook size is fixed beforehand.",
        "A codebook size 4x larger helps.",
        "A 10-bit codebook is trained on LAION-400M.",
        "The board is a Raspberry Pi 4B.",
        "People convey information rates of 39 bits/s.",
        "We quantize weights to 4 bits.",
        "The text vocabulary size of 32000 subword units is kept.",
        "The LSTM has 512 hidden units and quantized weights.",
        "Diagnoses follow ICD-10 codes of a quantized table.",
        "Video and text form a single stream of data.",
        "The codec is two times faster than in 2021, 2022 and 2023.",
    ],
)
def test_numbers_of_other_kinds_stay_out(text: str) -> None:
    assert stated(text) == {}


def test_a_span_holds_number_and_unit_as_written() -> None:
    text = "We reach $600\\,\\mathrm{bps}$ and, elsewhere, 1.5, 3 and 6 kbps."
    spans = [spec.span.text for spec in EXTRACTOR.extract(None, text).specifications if spec.span]
    assert spans == ["600\\,\\mathrm{bps", "1.5, 3 and 6 kbps", "3 and 6 kbps", "6 kbps"]


def test_title_and_abstract_have_their_own_offsets() -> None:
    measured = EXTRACTOR.extract("Speech at 2 kbps", "Music at 8 kbps.")
    assert [(s.span.field, s.span.start, s.value) for s in measured.specifications if s.span] == [
        ("title", 10, 2.0),
        ("abstract", 9, 8.0),
    ]
    assert measured.fields_read == ("title", "abstract")
    assert measured.text_sha256 == text_sha256("Speech at 2 kbps", "Music at 8 kbps.")


def test_an_unknown_abstract_is_not_an_empty_one() -> None:
    assert EXTRACTOR.extract("A title", None).fields_read == ("title",)
    assert EXTRACTOR.extract(None, "").fields_read == ("abstract",)
    assert EXTRACTOR.extract(None, None).specifications == ()


def test_a_value_repeated_without_a_name_is_listed_once_with_its_name() -> None:
    text = "It keeps quality at 3 kbps. FooCodec at 3 kbps outperforms Opus at 12 kbps."
    measured = EXTRACTOR.extract("FooCodec: A Neural Codec", text)
    own = [(spec.value, spec.subject) for spec in measured.specifications if spec.role == "own"]
    assert own == [(3.0, "FooCodec")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "FooCodec at 3 kbps outperforms Opus at 12 kbps.",
            [(3.0, "own", "FooCodec"), (12.0, "compared", "Opus")],
        ),
        ("Our codec at 1 kbps is better than EnCodec at 6 kbps.", [(1.0, "own", None), (6.0, "compared", "EnCodec")]),
        ("It surpasses all baselines, even at a bitrate as low as 1.1 kbps.", [(1.1, "own", None)]),
        ("It keeps intelligibility at less than 2 kbps.", [(2.0, "own", None)]),
        ("Existing neural codecs typically need 6 kbps.", [(6.0, "context", None)]),
        ("It matches Opus at 9 kbps and EVS at 9.6 kbps.", [(9.0, "compared", "Opus"), (9.6, "compared", "EVS")]),
        ("Compared to strong baselines, FooCodec needs a bitrate of 2 kbps.", [(2.0, "own", None)]),
        ("Watch EnCodec at 6 kbps.", [(6.0, "context", "EnCodec")]),
        (
            "It is as good as competing codecs at 2 kbps while operating at 0.5 kbps.",
            [(2.0, "compared", None), (0.5, "own", None)],
        ),
        ("The coder runs at more than 3 kbps.", [(3.0, "own", None)]),
    ],
)
def test_role_and_subject_follow_the_words_beside_the_number(
    text: str, expected: list[tuple[float, str, str | None]]
) -> None:
    measured = EXTRACTOR.extract("FooCodec: A Neural Codec", text)
    assert [(s.value, s.role, s.subject) for s in measured.specifications] == expected


def test_a_missing_fourth_number_is_derived_and_marked() -> None:
    found = EXTRACTOR.extract(
        None, "We propose a codec with 8 codebooks, a codebook size of 1024 and a 75 Hz frame rate."
    )
    (derived,) = [s for s in found.specifications if s.status == "derived"]
    assert derived == Specification("bitrate_kbps", 6.0, "derived", "own", None)
    assert "start" not in to_record("x", found)["specifications"][-1]


def test_the_number_of_codebooks_is_derived_only_when_whole() -> None:
    whole = "Our codec has a 75 Hz frame rate, a codebook size of 1024 and a bitrate of 6 kbps."
    assert [s.value for s in EXTRACTOR.extract(None, whole).specifications if s.status == "derived"] == [8.0]
    broken = whole.replace("6 kbps", "5.6 kbps")
    assert not [s for s in EXTRACTOR.extract(None, broken).specifications if s.status == "derived"]


def test_a_bitrate_against_the_arithmetic_is_disputed() -> None:
    agreeing = "Our codec has 8 codebooks, a codebook size of 1024, a 75 Hz frame rate and a bitrate of 6.2 kbps."
    assert {s.status for s in EXTRACTOR.extract(None, agreeing).specifications} == {"stated"}
    wrong = agreeing.replace("6.2", "9")
    disputed = [s for s in EXTRACTOR.extract(None, wrong).specifications if s.status == "disputed"]
    assert [(s.quantity, s.value) for s in disputed] == [("bitrate_kbps", 9.0)]


def test_two_frame_rates_leave_the_arithmetic_alone() -> None:
    text = "Our codec has 8 codebooks, a codebook size of 1024 and frame rates of 50 and 75 Hz at 2 kbps."
    assert {s.status for s in EXTRACTOR.extract(None, text).specifications} == {"stated"}


def test_record_has_the_shape_that_is_scored() -> None:
    record = to_record("2107.03312", EXTRACTOR.extract(None, "Coding at 3 kbps."))
    assert json.loads(json.dumps(record)) == {
        "id": "2107.03312",
        "specifications": [
            {
                "quantity": "bitrate_kbps",
                "value": 3.0,
                "status": "stated",
                "role": "own",
                "subject": None,
                "field": "abstract",
                "start": 10,
                "end": 16,
                "text": "3 kbps",
            }
        ],
        "rules": EXTRACTOR.rules,
    }


def test_bitrate_of_known_codecs() -> None:
    rates = np.array([75.0, 12.5, np.nan, 50.0])
    sizes = np.array([[1024.0] * 8, [2048.0] * 8, [1024.0] * 8, [16384.0, 1, 1, 1, 1, 1, 1, 1]])
    np.testing.assert_allclose(bitrate_kbps(rates, sizes), [6.0, 1.1, np.nan, 0.7])


@pytest.mark.parametrize(
    ("rates", "sizes", "field"),
    [
        ([75.0, 0.0], [[2.0], [2.0]], "frame_rate_hz"),
        ([75.0, 50.0], [[2.0], [0.5]], "codebook_sizes"),
        ([75.0], [[2.0], [2.0]], "codebook_sizes"),
    ],
)
def test_impossible_rates_and_sizes_are_refused(rates: list[float], sizes: list[list[float]], field: str) -> None:
    with pytest.raises(InputError) as caught:
        bitrate_kbps(np.array(rates), np.array(sizes))
    assert caught.value.field == field


PIECES = st.sampled_from(
    [
        "12.5", "1,024", "2^{14}", "6", " kbps", " Hz", "kHz", " ms", " and ", ", ", "-", "/", " codebook size of ",
        " tokens per second", "\\,", "$", "{", "}", "\\mathrm{", "\u2009", " latency ", "B", "M parameters", " single ",
        "codebook", " to ", "eight ", "quantizers", "(", ")", ". ", "A", "e.g. ", " than ", "we ", "RVQ", "\n",
        "\u2192",
    ]
)  # fmt: skip


def assert_spans_exact(title: str | None, abstract: str | None) -> None:
    measured: Measured = EXTRACTOR.extract(title, abstract)
    fields = {"title": title, "abstract": abstract}
    for spec in measured.specifications:
        assert spec.quantity in QUANTITIES
        assert np.isfinite(spec.value)
        assert spec.value >= 0
        if spec.span is None:
            assert spec.status == "derived"
            continue
        text = fields[spec.span.field]
        assert text is not None
        assert text[spec.span.start : spec.span.end] == spec.span.text
        assert 0 < len(spec.span.text) <= 80
    assert measured == EXTRACTOR.extract(title, abstract)


@given(st.lists(PIECES, max_size=40).map("".join), st.lists(PIECES, max_size=40).map("".join))
@example("", "9" * 400 + " kbps")
@example("12.5 " * 300, "1, " * 500 + "2 kbps")
@settings(max_examples=300, deadline=None)
def test_spans_are_exact_in_text_made_of_quantities(title: str, abstract: str) -> None:
    assert_spans_exact(title, abstract)


@given(st.none() | st.text(max_size=300), st.none() | st.text(max_size=600))
@settings(max_examples=200, deadline=None)
def test_spans_are_exact_in_any_text(title: str | None, abstract: str | None) -> None:
    assert_spans_exact(title, abstract)


@given(st.text(max_size=400) | st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=200, deadline=None)
def test_plain_text_keeps_every_offset(text: str) -> None:
    flat = plain(text)
    assert len(flat) == len(text)
    assert plain(flat) == flat
    for quantity in quantities(flat):
        assert 0 <= quantity.opening <= quantity.start < quantity.digits_end <= quantity.end
        assert quantity.end <= len(text)
        assert quantity.closing <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "1" * 20_000,
        "1, " * 8_000,
        "a-" * 10_000 + " codebook",
        "\\mathrm{" * 3_000,
        "single " * 4_000 + "codebook",
        "1 a " * 8_000,
    ],
)
def test_hostile_text_takes_no_more_than_linear_time(text: str) -> None:
    begun = time.monotonic()
    EXTRACTOR.extract(text, text)
    assert time.monotonic() - begun < 5


@pytest.mark.realdata
def test_abstracts_read_by_two_people_are_found_again(shared_data: Path) -> None:
    with open(shared_data / "abstract_specs_dev.csv", encoding="utf-8", newline="") as rows:
        gold = {row.pop("arxiv_id"): row for row in csv.DictReader(rows)}
    hit = missed = extra = 0
    with gzip.open(shared_data / "arxiv_audio.jsonl.gz", "rt", encoding="utf-8") as lines:
        papers = [paper for paper in map(json.loads, lines) if paper["arxiv_id"] in gold]
    for paper in papers:
        title, abstract = paper["title"], paper["abstract"]
        assert_spans_exact(title, abstract)
        found: Found = {}
        for spec in EXTRACTOR.extract(title, abstract).specifications:
            if spec.status == "stated":
                found.setdefault(spec.quantity, set()).add(spec.value)
        for quantity, cell in gold[paper["arxiv_id"]].items():
            if "?" in cell or "u" in cell:
                continue
            left = found.get(quantity, set())
            for wanted in {float(value) for value in cell.split(";") if value}:
                match = next((value for value in left if abs(value - wanted) <= 0.01 * abs(wanted)), None)
                hit, missed = (hit + 1, missed) if match is not None else (hit, missed + 1)
                left -= {match}
            extra += len(left)
    assert len(papers) == len(gold)
    assert hit / (hit + extra) >= 0.95
    assert hit / (hit + missed) >= 0.92
