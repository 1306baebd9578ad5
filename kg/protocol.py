"""The review protocol: topics, criteria with their sources, and how verdicts combine to include, exclude or unclear.

A protocol is data (`data/protocols/`, format in docs/protocol.md), so the same program maps another field. What an
abstract cannot tell is marked `not_judged`: rules pass over it, a person may not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kg.errors import InputError
from kg.model import Include, Met, PartialDate
from kg.yaml_file import Fault

Kind = Literal["required", "any_of", "exclusion"]
AnyOf = Literal["any_group", "every_group"]

BUNDLED = Path(__file__).resolve().parents[1] / "data" / "protocols" / "discrete-audio-tokens.yaml"
LANGUAGES = ("en", "zh-Hant")
INTERNAL = "internal"
"""Source of a criterion that its authors set themselves."""


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in English and in Traditional Chinese."""

    en: str
    zh: str

    def in_language(self, language: str) -> str:
        """The words in one of `LANGUAGES` ("zh" is accepted for "zh-Hant"). Raises InputError for another."""
        if language == "en":
            return self.en
        if language in ("zh", "zh-Hant"):
            return self.zh
        raise InputError(
            f"The protocol has no language {language!r}",
            field="language",
            value=language,
            expected=", ".join(LANGUAGES),
            hint=f"Use one of: {', '.join(LANGUAGES)}.",
        )


@dataclass(frozen=True, slots=True)
class Topic:
    """A theme that papers are tagged with."""

    id: str
    label: Text


@dataclass(frozen=True, slots=True)
class Group:
    """A group of any-of options."""

    id: str
    label: Text


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition. `source` is a URL or "internal"; `date` is the source's.

    `not_judged` quotes the parts of `text` that title and abstract cannot tell. `silence_excludes`: a paper whose text
    never says it is excluded, not unclear.
    """

    id: str
    kind: Kind
    group: str | None
    text: Text
    source: str
    date: PartialDate | None
    topics: tuple[str, ...]
    not_judged: tuple[Text, ...] = ()
    silence_excludes: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """A whole protocol, in the order of its file. `search_terms` maps a source's name to its queries."""

    id: str
    version: int
    title: Text
    definition: Text
    definition_sources: tuple[str, ...]
    summary: Text | None
    summary_sources: tuple[str, ...]
    topics: tuple[Topic, ...]
    groups: tuple[Group, ...]
    criteria: tuple[Criterion, ...]
    any_of: AnyOf
    search_terms: Mapping[str, tuple[str, ...]]
    sources: tuple[str, ...]

    def topic(self, id: str) -> Topic:
        """The topic with this id. Raises InputError naming the known ones."""
        for each in self.topics:
            if each.id == id:
                return each
        raise _unknown("topic", id, [each.id for each in self.topics])

    def criterion(self, id: str) -> Criterion:
        """The criterion with this id. Raises InputError naming the known ones."""
        for each in self.criteria:
            if each.id == id:
                return each
        raise _unknown("criterion", id, [each.id for each in self.criteria])

    def combine(self, verdicts: Mapping[str, Met], *, r1_positive: bool) -> tuple[Include, bool]:
        """What the verdicts on all criteria amount to: (include, look), by the first row of `COMBINATION` that holds.

        Args:
            verdicts: one per criterion of this protocol, by id.
            r1_positive: whether any span of the text speaks for the criterion whose silence excludes (R1 in the
                bundled protocol). Without one, an unclear R1 means that the text never says it.

        Returns:
            The verdict, and whether it is an exclusion that rests on silence alone and deserves a look.

        Raises:
            InputError: a criterion has no verdict, or a verdict no criterion.
        """
        standing = self._standing(verdicts, r1_positive)
        for row in COMBINATION:
            if row.holds(standing):
                return row.include, row.look
        raise AssertionError("the last row of the table holds always")

    def _standing(self, verdicts: Mapping[str, Met], r1_positive: bool) -> Standing:
        ids = [each.id for each in self.criteria]
        odd = sorted(set(ids).symmetric_difference(verdicts))
        if odd:
            raise InputError(
                "Verdicts and criteria differ",
                field="verdicts",
                value=", ".join(odd),
                expected=", ".join(ids),
                hint="Give exactly one verdict per criterion.",
            )
        required = [verdicts[each.id] for each in self.criteria if each.kind == "required"]
        exclusions = [verdicts[each.id] for each in self.criteria if each.kind == "exclusion"]
        options = [[verdicts[each.id] for each in self.criteria if each.group == group.id] for group in self.groups]
        if self.any_of == "any_group" and options:
            options = [[verdict for group in options for verdict in group]]
        silent = any(each.silence_excludes and verdicts[each.id] == "unclear" for each in self.criteria)
        return Standing(
            required_lost="not_met" in required,
            excluded="met" in exclusions,
            options_lost=any(set(group) == {"not_met"} for group in options),
            silent=silent and not r1_positive,
            required_met=set(required) <= {"met"},
            options_met=all("met" in group for group in options),
            exclusions_ruled_out=set(exclusions) <= {"not_met"},
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What the verdicts of one paper amount to, before the table decides.

    Options count as one pool under `any_group`; under `every_group` each group must be met and any one can be lost.
    """

    required_lost: bool
    excluded: bool
    options_lost: bool
    silent: bool
    required_met: bool
    options_met: bool
    exclusions_ruled_out: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the combination table; rows are read from the top and the first that holds decides."""

    when: Text
    include: Include
    look: bool
    holds: Callable[[Standing], bool]


COMBINATION = (
    Row(Text("a required criterion is not met", "有必要條件不符合"), "exclude", False, lambda it: it.required_lost),
    Row(Text("an exclusion is met", "符合任一排除條件"), "exclude", False, lambda it: it.excluded),
    Row(Text("every any-of option is not met", "任選條件全部不符合"), "exclude", False, lambda it: it.options_lost),
    Row(
        Text(
            "a criterion whose silence excludes is unclear and nothing in the text speaks for it",
            "「未提及即排除」之條件不明確，且文字中無任何支持",
        ),
        "exclude",
        True,
        lambda it: it.silent,
    ),
    Row(
        Text(
            "all required criteria and at least one any-of option are met, and no exclusion is met or unclear",
            "必要條件全部符合、至少一項任選條件符合，且無排除條件符合或不明確",
        ),
        "include",
        False,
        lambda it: it.required_met and it.options_met and it.exclusions_ruled_out,
    ),
    Row(Text("otherwise", "其他情況"), "unclear", False, lambda it: True),
)
"""How verdicts combine. "Every option" and "at least one" are meant per group under `every_group`."""


class ProtocolError(InputError):
    """A protocol file with faults; `faults` holds all of them, in the order of their lines."""

    code = "input.protocol"

    def __init__(self, path: Path, faults: list[Fault]) -> None:
        first = faults[0]
        number = f"{len(faults)} faults" if len(faults) > 1 else "a fault"
        super().__init__(
            f"The protocol has {number}:\n" + "\n".join(str(fault) for fault in faults),
            where=str(path),
            at=f"line {first.line}",
            field=first.field,
            value=first.value,
            hint=first.fix if len(faults) == 1 else "Mend these lines; docs/protocol.md describes the format.",
        )
        self.faults = tuple(faults)


def load_protocol(path: Path | None = None) -> Protocol:
    """Read a protocol file; the bundled one when no path is given.

    Raises:
        ProtocolError: the file has faults; all are in `faults`.
        InputError: the file cannot be read.
    """
    from kg.protocol_file import read

    protocol, faults = read(path or BUNDLED)
    if protocol is None:
        raise ProtocolError(path or BUNDLED, faults)
    return protocol


def check_protocol(path: Path) -> list[Fault]:
    """Every fault of a protocol file, by line; empty when it can be used. Raises InputError for an unreadable file."""
    from kg.protocol_file import read

    return read(path)[1]


def to_markdown(protocol: Protocol, language: str = "en") -> str:
    """The protocol as a Markdown document in one of `LANGUAGES`. Raises InputError for another.

    Parts that an abstract cannot tell are marked where they stand.
    """

    def say(text: Text) -> str:
        return text.in_language(language)

    def marked(criterion: Criterion) -> str:
        text = say(criterion.text)
        for part in criterion.not_judged:
            text = text.replace(say(part), f"{say(part)} *({say(_NOT_JUDGED)})*", 1)
        return text

    def entry(criterion: Criterion) -> list[str]:
        source = criterion.source if criterion.source != INTERNAL else say(_INTERNAL)
        dated = f" ({criterion.date.value})" if criterion.date else ""
        lines = [f"- **{criterion.id}** {marked(criterion)}", f"  - {say(_SOURCE)}: {source}{dated}"]
        if criterion.topics:
            lines.append(f"  - {say(_TOPIC_IDS)}: {', '.join(criterion.topics)}")
        if criterion.silence_excludes:
            lines.append(f"  - {say(_SILENCE)}")
        return lines

    def passage(heading: Text, text: Text, sources: tuple[str, ...]) -> list[str]:
        cited = " ".join(f"<{url}>" for url in sources)
        return [
            f"## {say(heading)}",
            "",
            *say(text).replace("\n", "\n\n").split("\n"),
            "",
            *([cited, ""] if cited else []),
        ]

    lines = [f"# {say(protocol.title)}", "", f"`{protocol.id}@{protocol.version}`", ""]
    lines += passage(_DEFINITION, protocol.definition, protocol.definition_sources)
    if protocol.summary:
        lines += passage(_SUMMARY, protocol.summary, protocol.summary_sources)
    lines += [f"## {say(_TOPICS)}", "", *(f"- **{topic.id}** {say(topic.label)}" for topic in protocol.topics), ""]
    for heading, kind in ((_REQUIRED, "required"), (_ANY_OF, "any_of"), (_EXCLUSION, "exclusion")):
        chosen = [each for each in protocol.criteria if each.kind == kind]
        if not chosen:
            continue
        lines += [f"## {say(heading)}", ""]
        if kind == "any_of":
            lines += [say(_COMBINE[protocol.any_of]), ""]
            for group in protocol.groups:
                lines += [f"### {say(group.label)}", ""]
                lines += [line for each in chosen if each.group == group.id for line in entry(each)] + [""]
        else:
            lines += [line for each in chosen for line in entry(each)] + [""]
    lines += [f"## {say(_COMBINATION)}", "", f"| {say(_WHEN)} | {say(_VERDICT)} |", "|---|---|"]
    lines += [
        f"| {say(row.when)} | {say(_VERDICTS[row.include])}{f' ({say(_LOOK)})' if row.look else ''} |"
        for row in COMBINATION
    ]
    if protocol.search_terms:
        lines += ["", f"## {say(_SEARCH)}", ""]
        for source, queries in protocol.search_terms.items():
            lines += [f"- {source}", *(f"  - `{query}`" for query in queries)]
    if protocol.sources:
        lines += ["", f"## {say(_SOURCES)}", "", *(f"- <{url}>" for url in protocol.sources)]
    return "\n".join(lines) + "\n"


_NOT_JUDGED = Text("not judged from the abstract", "不由摘要判斷")
_INTERNAL = Text("internal", "內部訂定")
_SOURCE = Text("source", "來源")
_TOPIC_IDS = Text("topics", "主題")
_SILENCE = Text("silence excludes: a text that never says it is excluded", "未提及即排除")
_DEFINITION = Text("Topic definition", "主題定義")
_SUMMARY = Text("Summary", "摘要")
_TOPICS = Text("Topics", "主題分類")
_REQUIRED = Text("Inclusion criteria, required", "納入條件（必要）")
_ANY_OF = Text("Inclusion criteria, any of", "納入條件（任選）")
_EXCLUSION = Text("Exclusion criteria", "排除條件")
_COMBINE: Mapping[AnyOf, Text] = {
    "any_group": Text("One option, in any group, is enough.", "任一組中符合任一項即可。"),
    "every_group": Text("Every group needs at least one option.", "每一組皆須至少符合一項。"),
}
_COMBINATION = Text("How the criteria combine", "條件如何合併")
_WHEN = Text("the first row that holds decides", "由上而下，首個成立者為準")
_VERDICT = Text("verdict", "判定")
_VERDICTS: Mapping[Include, Text] = {
    "include": Text("include", "納入"),
    "exclude": Text("exclude", "排除"),
    "unclear": Text("unclear", "不明確"),
}
_LOOK = Text("worth a look", "值得一看")
_SEARCH = Text("Search terms", "檢索詞")
_SOURCES = Text("Sources", "資料來源")


def _unknown(kind: str, id: str, known: list[str]) -> InputError:
    expected = ", ".join(known)
    return InputError(
        f"The protocol has no {kind} {id!r}", field=kind, value=id, expected=expected, hint=f"Known: {expected}."
    )
