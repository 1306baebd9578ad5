"""Patterns, roles and denial, on small lexicons and sentences made for the purpose."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.features import build_features
from analysis.lexicon import Lexicon, compile_lexicon
from analysis.mentions import BIT, Mention, Reading, read
from kg.errors import InputError

CONCEPTS = {
    "words": {"sound": "audio|speech"},
    "concepts": {
        "token": {"patterns": ["{sound} ~1 token|tokens", "discrete|quanti* token*"], "families": ["any"]},
        "codec": {"patterns": ["neural? {sound} codec*", "*dcodec"], "families": ["any"]},
        "name": {"patterns": ["=DAC"]},
        "transform": {"patterns": ["discrete !token|tokens"]},
        "ours": {"patterns": ["we", "our"], "cue": "own"},
        "shown": {"patterns": ["experiment*"], "cue": "result"},
        "earlier": {"patterns": ["recent"], "cue": "background"},
        "offer": {"patterns": ["propose*"], "cue": "propose"},
        "against": {"patterns": ["unlike", "instead of"], "cue": "contrast"},
        "near": {"patterns": ["continuous"], "cue": "contrast_near"},
        "link": {"patterns": ["for", "with"], "cue": "link"},
    },
}


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return compile_lexicon([("small.yaml", CONCEPTS)])


def found(lexicon: Lexicon, title: str | None, abstract: str | None = None) -> list[tuple[str, str]]:
    reading = read(lexicon, title, abstract)
    return [(lexicon.concepts[mention.concept].name, text(reading, mention)) for mention in reading.mentions]


def text(reading: Reading, mention: Mention) -> str:
    span = reading.span(mention)
    assert span is not None
    return span.text


def only(lexicon: Lexicon, title: str | None, abstract: str | None, name: str) -> Mention:
    reading = read(lexicon, title, abstract)
    (mention,) = [one for one in reading.mentions if lexicon.concepts[one.concept].name == name]
    return mention


@pytest.mark.parametrize(
    ("abstract", "expected"),
    [
        ("It emits speech output tokens.", [("token", "speech output tokens")]),
        ("Neural Audio Codecs work.", [("codec", "Neural Audio Codecs")]),
        ("An audio codec.", [("codec", "audio codec")]),
        ("FooDCodec and DAC and dac", [("codec", "FooDCodec"), ("name", "DAC")]),
        ("discrete tokens", [("token", "discrete tokens")]),
        ("the discrete case", [("transform", "discrete")]),
        ("speech, tokens", []),
        ("speech. Tokens", []),
        ("speech in many tokens", []),
    ],
)
def test_pattern_elements_match_what_the_module_promises(
    lexicon: Lexicon, abstract: str, expected: list[tuple[str, str]]
) -> None:
    assert found(lexicon, None, abstract) == expected


def test_hyphen_plural_and_spelling_do_not_matter(lexicon: Lexicon) -> None:
    for written in ("quantised token", "quantized-tokens", "Quantized Tokens"):
        assert found(lexicon, None, written) == [("token", written)]


def test_offsets_survive_latex_line_breaks_and_broken_words(lexicon: Lexicon) -> None:
    assert found(lexicon, r"Discrete\n tokens", r"A \textbf{neural} audio co- dec, $discrete$-tokens") == [
        ("token", r"Discrete\n tokens"),
        ("codec", "neural} audio co- dec"),
        ("token", "discrete$-tokens"),
    ]


def test_a_sentence_has_a_role_and_a_title_has_a_head(lexicon: Lexicon) -> None:
    title = "Foo: Speech Tokens for Audio Codecs"
    assert only(lexicon, title, None, "token").roles == BIT["title"] | BIT["head"]
    assert only(lexicon, title, None, "codec").roles == BIT["title"]
    abstract = "Recent audio codecs fail. We propose speech tokens. Experiments with DAC help."
    assert only(lexicon, None, abstract, "codec").roles == BIT["background"]
    assert only(lexicon, None, abstract, "token").roles == BIT["own"] | BIT["proposed"]
    assert only(lexicon, None, abstract, "name").roles == BIT["result"]


def test_the_name_in_the_title_makes_a_sentence_the_papers_own(lexicon: Lexicon) -> None:
    assert only(lexicon, "Foo: a thing", "Recent Foo emits speech tokens.", "token").roles == BIT["own"]
    assert only(lexicon, "Bar: a thing", "Recent Foo emits speech tokens.", "token").roles == BIT["background"]


@pytest.mark.parametrize(
    ("abstract", "denied"),
    [
        ("Unlike speech tokens it is smooth.", True),
        ("It works instead of discrete tokens.", True),
        ("Unlike others, it uses speech tokens.", False),
        ("continuous speech tokens", True),
        ("continuous signals and their speech tokens", False),
    ],
)
def test_denial_ends_with_its_clause(lexicon: Lexicon, abstract: str, denied: bool) -> None:
    assert only(lexicon, None, abstract, "token").denied is denied


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ({"patterns": []}, "patterns"),
        ({"patterns": ["{nowhere} token"]}, "unknown set"),
        ({"patterns": ["token ~9 codec"]}, "gap"),
        ({"patterns": ["token?"]}, "must be there"),
        ({"patterns": ["!token codec"]}, "open with"),
    ],
)
def test_a_bad_pattern_is_named_with_its_concept(entry: dict[str, object], part: str) -> None:
    with pytest.raises(InputError, match=part) as caught:
        compile_lexicon([("bad.yaml", {"concepts": {"culprit": entry}})])
    assert "culprit" in str(caught.value)


def test_a_feature_over_an_unknown_family_is_refused(lexicon: Lexicon) -> None:
    with pytest.raises(InputError, match="unknown concept or family"):
        build_features(lexicon, {"aggregates": {"n": {"of": ["nobody"]}}}, "features.yaml")


def test_features_count_by_role_and_leave_denied_mentions_out(lexicon: Lexicon) -> None:
    content = {
        "aggregates": {
            "n_any": {"of": ["any"]},
            "kinds_any": {"of": ["any"], "measure": "kinds"},
            "with_name": {"of": ["any"], "measure": "together", "with": ["name"]},
            "denied_any": {"of": ["any"], "measure": "denied"},
        }
    }
    features = build_features(lexicon, content, "features.yaml")
    values = features.compute(read(lexicon, "Audio codec", "Our speech tokens use DAC. Unlike discrete tokens."))
    assert values["n_any"] == pytest.approx(1.098612)
    assert values["kinds_any"] == 0.5
    assert values["with_name"] == pytest.approx(0.693147)
    assert values["denied_any"] == pytest.approx(0.693147)
    assert values["token@own"] == pytest.approx(0.693147)
    assert values["codec@title"] == pytest.approx(0.693147)
    assert set(values) <= set(features.names)


@given(st.text(max_size=200), st.text(alphabet="speech tokens.,- {}$\\n\u0130\ufb01\u00adaudio codec", max_size=300))
def test_any_text_is_read_and_every_place_lies_inside_it(title: str, abstract: str) -> None:
    lexicon = compile_lexicon([("small.yaml", CONCEPTS)])
    reading = read(lexicon, title, abstract)
    for mention in reading.mentions:
        field = title if mention.field == "title" else abstract
        assert 0 <= mention.start < mention.end <= len(field)
        span = reading.span(mention)
        assert span is None or field[span.start : span.end] == span.text


def test_time_grows_with_length_not_faster(lexicon: Lexicon) -> None:
    def seconds(repeats: int) -> float:
        began = time.perf_counter()
        read(lexicon, None, "unlike speech speech discrete - \\textbf{ we propose " * repeats)
        return time.perf_counter() - began

    seconds(200)
    short = min(seconds(2_000) for _ in range(3))
    assert seconds(20_000) < 40 * short + 0.5
