"""What `kg.protocol` promises: the whole bundled protocol, the combination table, every fault of a file at once."""

from __future__ import annotations

import dataclasses
import itertools
import json
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import InputError
from kg.model import TOPICS, Include, Met, PartialDate
from kg.protocol import (
    BUNDLED,
    COMBINATION,
    Protocol,
    ProtocolError,
    Text,
    check_protocol,
    load_protocol,
    to_markdown,
)
from kg.protocol_file import without_tracking

REQUIRED = ("R1", "R2")
OPTIONS = (("A1", "A2"), ("B1", "B2"))
EXCLUSIONS = ("X1", "X2", "X3")
ALL = (*REQUIRED, *OPTIONS[0], *OPTIONS[1], *EXCLUSIONS)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return load_protocol()


def test_the_bundled_protocol_is_whole(protocol: Protocol) -> None:
    assert protocol.id == "discrete-audio-tokens"
    assert tuple(topic.id for topic in protocol.topics) == TOPICS
    assert tuple(criterion.id for criterion in protocol.criteria) == ALL
    assert [group.id for group in protocol.groups] == ["technical", "application"]
    assert protocol.any_of == "any_group"
    kinds = {criterion.id: (criterion.kind, criterion.group) for criterion in protocol.criteria}
    assert kinds == {
        **dict.fromkeys(REQUIRED, ("required", None)),
        **dict.fromkeys(OPTIONS[0], ("any_of", "technical")),
        **dict.fromkeys(OPTIONS[1], ("any_of", "application")),
        **dict.fromkeys(EXCLUSIONS, ("exclusion", None)),
    }
    assert [each.id for each in protocol.criteria if each.silence_excludes] == ["R1"]
    assert set(protocol.search_terms) == {"arxiv", "semantic_scholar"}


def test_every_text_stands_in_both_languages(protocol: Protocol) -> None:
    texts = [protocol.title, protocol.definition, *(topic.label for topic in protocol.topics)]
    texts += [group.label for group in protocol.groups] + [criterion.text for criterion in protocol.criteria]
    texts += [part for criterion in protocol.criteria for part in criterion.not_judged]
    assert protocol.summary
    for text in [*texts, protocol.summary]:
        assert not CHINESE.search(text.en)
        assert CHINESE.search(text.zh)


@pytest.mark.parametrize(
    ("id", "source", "date", "topics"),
    [
        ("R1", "https://arxiv.org/abs/2506.10274", "2025-06-12", ("S1", "S2")),
        ("R2", "https://arxiv.org/abs/2209.03143", "2022-09-07", ("S3",)),
        ("A1", "https://arxiv.org/abs/2209.03143", "2022-09-07", ("S1", "S3")),
        ("A2", "https://arxiv.org/abs/2405.00233", "2024-04-30", ("S2", "S4")),
        ("B1", "https://arxiv.org/abs/2506.10274", "2025-06-12", ("S4",)),
        ("B2", "https://arxiv.org/abs/2504.10344", "2025-04-14", ("S3",)),
        ("X1", "internal", None, ("S1",)),
        ("X2", "internal", None, ("S4",)),
        ("X3", "internal", None, ("S2",)),
    ],
)
def test_criteria_keep_their_source_date_and_topics(
    protocol: Protocol, id: str, source: str, date: str | None, topics: tuple[str, ...]
) -> None:
    criterion = protocol.criterion(id)
    assert criterion.source == source
    assert criterion.date == (PartialDate(date) if date else None)
    assert criterion.topics == topics


def test_what_an_abstract_cannot_tell_is_marked(protocol: Protocol) -> None:
    marked = {each.id: [part.en for part in each.not_judged] for each in protocol.criteria if each.not_judged}
    assert marked == {
        "R1": ["full text in English", "can be assessed as scholarly work"],
        "R2": ["complete method description"],
    }
    for criterion in protocol.criteria:
        for part in criterion.not_judged:
            assert part.en in criterion.text.en
            assert part.zh in criterion.text.zh


def test_the_bundled_file_has_no_fault_and_no_tracking() -> None:
    assert check_protocol(BUNDLED) == []
    assert "utm_" not in BUNDLED.read_text(encoding="utf-8")


def test_an_unknown_topic_or_criterion_is_answered_with_the_known_ones(protocol: Protocol) -> None:
    assert protocol.topic("S2").id == "S2"
    with pytest.raises(InputError, match="S1, S2, S3, S4"):
        protocol.topic("S5")
    with pytest.raises(InputError, match="R1, R2, A1"):
        protocol.criterion("R3")


def read_slowly(verdicts: Mapping[str, Met], r1_positive: bool, every_group: bool) -> tuple[Include, bool]:
    """DESIGN.md's sentence, word for word and without the table."""
    for id in REQUIRED:
        if verdicts[id] == "not_met":
            return "exclude", False
    for id in EXCLUSIONS:
        if verdicts[id] == "met":
            return "exclude", False
    pools = OPTIONS if every_group else (OPTIONS[0] + OPTIONS[1],)
    for pool in pools:
        if all(verdicts[id] == "not_met" for id in pool):
            return "exclude", False
    if verdicts["R1"] == "unclear" and not r1_positive:
        return "exclude", True
    included = True
    for id in REQUIRED:
        included = included and verdicts[id] == "met"
    for pool in pools:
        included = included and any(verdicts[id] == "met" for id in pool)
    for id in EXCLUSIONS:
        included = included and verdicts[id] not in ("met", "unclear")
    return ("include" if included else "unclear"), False


@pytest.mark.parametrize("any_of", ["any_group", "every_group"])
def test_the_table_is_the_sentence_for_all_verdicts(protocol: Protocol, any_of: str) -> None:
    chosen = dataclasses.replace(protocol, any_of=any_of)  # type: ignore[arg-type]
    seen = set()
    for found in itertools.product(get_args(Met), repeat=len(ALL)):
        verdicts = dict(zip(ALL, found, strict=True))
        for r1_positive in (False, True):
            combined = chosen.combine(verdicts, r1_positive=r1_positive)
            assert combined == read_slowly(verdicts, r1_positive, any_of == "every_group"), (verdicts, r1_positive)
            seen.add(combined)
    assert seen == {("include", False), ("exclude", False), ("exclude", True), ("unclear", False)}


def test_the_table_ends_with_a_row_that_always_holds() -> None:
    assert [(row.include, row.look) for row in COMBINATION] == [
        ("exclude", False),
        ("exclude", False),
        ("exclude", False),
        ("exclude", True),
        ("include", False),
        ("unclear", False),
    ]


def test_a_protocol_without_options_or_exclusions_rests_on_what_is_required(protocol: Protocol) -> None:
    required = tuple(each for each in protocol.criteria if each.kind == "required")
    for any_of in ("any_group", "every_group"):
        plain = dataclasses.replace(protocol, criteria=required, groups=(), any_of=any_of)  # type: ignore[arg-type]
        assert plain.combine({"R1": "met", "R2": "met"}, r1_positive=True) == ("include", False)
        assert plain.combine({"R1": "met", "R2": "unclear"}, r1_positive=True) == ("unclear", False)


def test_verdicts_must_fit_the_criteria(protocol: Protocol) -> None:
    verdicts: dict[str, Met] = dict.fromkeys(ALL, "met")
    with pytest.raises(InputError) as caught:
        protocol.combine({**verdicts, "Z9": "met"}, r1_positive=True)
    assert caught.value.value == "Z9"
    del verdicts["A1"]
    with pytest.raises(InputError) as caught:
        protocol.combine(verdicts, r1_positive=True)
    assert caught.value.value == "A1"


SMALL = """\
format: 1
id: small
version: 2
title: {en: Small, zh: 小}
definition:
  en: A small field.
  zh: 小領域。
topics:
  - id: T1
    label: {en: One, zh: 一}
required:
  - id: R1
    text: {en: About it in full., zh: 完整地關於它。}
    source: https://example.org/a?utm_source=x&id=7
    date: 2024-05
    topics: [T1]
    not_judged:
      - {en: in full, zh: 完整地}
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "protocol.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_small_protocol_is_enough(tmp_path: Path) -> None:
    protocol = load_protocol(written(tmp_path, SMALL))
    assert protocol.version == 2
    assert protocol.groups == ()
    assert protocol.criterion("R1").source == "https://example.org/a?id=7"
    assert protocol.criterion("R1").date == PartialDate("2024-05")
    assert protocol.criterion("R1").not_judged == (Text("in full", "完整地"),)
    assert protocol.combine({"R1": "unclear"}, r1_positive=False) == ("unclear", False)


BAD = """\
format: 2
id: 7
version: one
title: Bad
definition:
  en: ""
  zh: 壞
topics:
  - id: T 1
    label: {en: One, zh: 一}
  - id: T2
    label: {en: Two}
required:
  - id: R1
    text: {en: It is about tokens., zh: 關於標記。}
    source: example.org
    date: 2024-13-01
    topics: [T2, T3]
    silence: maybe
    not_judged:
      - {en: full text, zh: 標記}
any_of:
  combine: any
  groups:
    - id: R1
      label: {en: Group, zh: 組}
      options: []
exclusions:
  - id: include
    text: {en: No., zh: 否。}
    sorce: internal
search_terms:
  arxiv: tokens
version: 3
"""


def test_every_fault_of_a_file_is_named_with_line_field_and_fix(tmp_path: Path) -> None:
    path = written(tmp_path, BAD)
    faults = check_protocol(path)
    assert [(fault.line, fault.field, fault.value) for fault in faults] == [
        (1, "format", "2"),
        (2, "id", "7"),
        (3, "version", "one"),
        (4, "title", "Bad"),
        (6, "definition.en", ""),
        (9, "topics[0].id", "T 1"),
        (12, "topics[1].label.zh", None),
        (16, "required[0].source", "example.org"),
        (17, "required[0].date", "2024-13-01"),
        (18, "required[0].topics", "T3"),
        (19, "required[0].silence", "maybe"),
        (21, "required[0].not_judged[0].en", "full text"),
        (23, "any_of.combine", "any"),
        (25, "any_of.groups[0].id", "R1"),
        (27, "any_of.groups[0].options", None),
        (29, "exclusions[0].id", "include"),
        (29, "exclusions[0].source", None),
        (31, "exclusions[0].sorce", "internal"),
        (33, "search_terms.arxiv", "tokens"),
        (34, "version", "version"),
    ]
    assert all(fault.message and fault.fix for fault in faults)
    assert "Did you mean source?" in str(faults[17])
    with pytest.raises(ProtocolError) as caught:
        load_protocol(path)
    assert caught.value.faults == tuple(faults)
    assert caught.value.where == str(path)
    for fault in faults:
        assert f"line {fault.line}, {fault.field}" in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.faults == caught.value.faults


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"", 1, "holds no keys"),
        (b"- a\n- b\n", 1, "holds no keys"),
        (b"id: a\ntitle: [1, 2\nversion: 1\n", 3, "Not YAML"),
        (b"id: a\n\ttitle: b\n", 2, "Not YAML"),
        (b"id: a\nb: \xff\n", 2, "not UTF-8"),
        (b"id: a\nb: \x07\n", 2, "Not YAML"),
        (b"--- a\n--- b\n", 2, "Not YAML"),
        (b"[" * 100_000, 1, "too deeply"),
        (b"a: &a [*a]\nid: *nothing\n", 2, "Not YAML"),
    ],
)
def test_what_is_no_yaml_is_one_fault_with_its_line(tmp_path: Path, content: bytes, line: int, says: str) -> None:
    (fault,) = check_protocol(written(tmp_path, content))
    assert fault.line == line
    assert says in fault.message


def test_a_self_containing_list_is_a_fault_not_a_hang(tmp_path: Path) -> None:
    faults = check_protocol(written(tmp_path, SMALL.replace("topics: [T1]", "topics: &loop [*loop]")))
    assert [fault.field for fault in faults] == ["required[0].topics[0]"]


def test_a_file_that_cannot_be_read_says_which(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.yaml"):
        with pytest.raises(InputError) as caught:
            load_protocol(path)
        assert caught.value.where == str(path)
    with pytest.raises(InputError, match="too large"):
        check_protocol(written(tmp_path, b"#" * 2_100_000))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_crash_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    faults = check_protocol(written(tmp_path_factory.getbasetemp(), content))
    assert faults


@given(st.integers(0, len(SMALL.splitlines()) - 1), st.sampled_from(["", "  - x", "topics: 1", "id: T1", "  en: 2"]))
def test_a_broken_line_is_a_fault_or_a_protocol(
    tmp_path_factory: pytest.TempPathFactory, number: int, instead: str
) -> None:
    lines = SMALL.splitlines()
    lines[number] = instead
    path = written(tmp_path_factory.getbasetemp(), "\n".join(lines))
    faults = check_protocol(path)
    if faults:
        with pytest.raises(ProtocolError):
            load_protocol(path)
        assert all(1 <= fault.line <= len(lines) + 1 for fault in faults)
    else:
        assert load_protocol(path).topics


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://arxiv.org/abs/2506.10274?utm_source=openai", "https://arxiv.org/abs/2506.10274"),
        ("https://a.org/x?id=1&UTM_medium=y&v=#top", "https://a.org/x?id=1&v=#top"),
        ("https://a.org/x?q=a%20b&fbclid=1", "https://a.org/x?q=a+b"),
        ("https://a.org/x?q=a%20b", "https://a.org/x?q=a%20b"),
    ],
)
def test_tracking_is_stripped_and_nothing_else(url: str, clean: str) -> None:
    assert without_tracking(url) == clean


@pytest.mark.parametrize(("language", "mark"), [("en", "not judged from the abstract"), ("zh-Hant", "不由摘要判斷")])
def test_markdown_says_everything(protocol: Protocol, language: str, mark: str) -> None:
    document = to_markdown(protocol, language)
    assert document.count(mark) == 3
    for criterion in protocol.criteria:
        assert f"**{criterion.id}**" in document
        assert criterion.source in document or criterion.source == "internal"
        if not criterion.not_judged:
            assert criterion.text.in_language(language) in document
    for labelled in (*protocol.topics, *protocol.groups):
        assert labelled.label.in_language(language) in document
    for row in COMBINATION:
        assert row.when.in_language(language) in document
    for queries in protocol.search_terms.values():
        assert all(query in document for query in queries)


def test_markdown_in_a_language_that_is_not_there_is_refused(protocol: Protocol) -> None:
    with pytest.raises(InputError, match="en, zh-Hant"):
        to_markdown(protocol, "fr")


def test_a_protocol_is_plain_data(protocol: Protocol) -> None:
    assert json.loads(json.dumps(dataclasses.asdict(protocol)))["criteria"][0]["id"] == "R1"
    assert pickle.loads(pickle.dumps(protocol)) == protocol
