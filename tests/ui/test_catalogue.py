"""Every visible string comes from the catalogue, every key is there, and every value an entry names is given."""

from __future__ import annotations

import ast
import re
import shutil
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import pytest

from kg.model import QUANTITIES, TOPICS, Include, Met, Role, Status, TokenType
from kg.paper_filter import SORTS, PaperFilter
from ui import text

ROOT = Path(__file__).resolve().parents[2]
TERMINAL = {"terminal.py", "options.py", "reading.py", "history.py", "works.py", "reports.py", "work.py"}
SOURCES = [ROOT / "app.py", *(p for p in sorted((ROOT / "ui").rglob("*.py")) if p.name not in TERMINAL)]
SHOWS = {
    "badge", "button", "caption", "checkbox", "download_button", "error", "exception", "expander", "form_submit_button",
    "header", "html", "info", "link", "link_button", "markdown", "metric", "multiselect", "number_input", "page_link",
    "paper_picker", "pills", "popover", "radio", "segmented_control", "selectbox", "slider", "subheader", "success",
    "tabs", "text", "text_area", "text_input", "title", "toast", "toggle", "warning", "write",
}  # fmt: skip
SECOND = {"link", "paper_picker"}
SHOWN_KEYWORDS = {"label", "help", "placeholder", "body", "alt", "page_title"}
MARKUP = re.compile(
    r":material/\w+:|:[a-z]+(?:-[a-z]+)*\[|</?[a-z]+\d?(?:\s+[a-z-]+=(?:\"[^\"]*\"?|'[^']*'?))*\s*/?>?|\"\s*>|\\n"
)


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def literal(node: ast.expr) -> str:
    """The fixed words of an argument; parts filled in at run time are passed over."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "\x00".join(part.value for part in node.values if isinstance(part, ast.Constant))
    if isinstance(node, ast.BinOp):
        return literal(node.left) + literal(node.right)
    return ""


def keys_asked() -> Iterator[tuple[Path, ast.Call, str]]:
    for path in SOURCES:
        for call in calls(path):
            if name_of(call) != "t":
                continue
            key = call.args[0]
            for each in (key.body, key.orelse) if isinstance(key, ast.IfExp) else (key,):
                if isinstance(each, ast.Constant):
                    yield path, call, each.value


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_shows_a_literal_of_its_own(path: Path) -> None:
    found = []
    for call in calls(path):
        keywords = {each.arg: each.value for each in call.keywords}
        shown = [value for name, value in keywords.items() if name in SHOWN_KEYWORDS]
        if name_of(call) in SHOWS and call.args and name_of(call) not in SECOND:
            shown.append(call.args[0])
        elif name_of(call) in SECOND and len(call.args) > 1:
            shown.append(call.args[1])
        for each in shown:
            words = MARKUP.sub("", literal(each))
            if re.search(r"[^\W\d_]", words):
                found.append(f"{path.name}:{each.lineno}: {words!r}")
    assert not found, "\n".join(found)


def test_the_walk_would_find_a_literal() -> None:
    call = next(c for c in ast.walk(ast.parse('st.title(f"Papers {n}")')) if isinstance(c, ast.Call))
    assert re.search(r"[^\W\d_]", MARKUP.sub("", literal(call.args[0])))


def test_every_key_asked_for_exists_with_the_values_it_names() -> None:
    entries = text.catalogue(text.DEFAULT)
    faults = []
    asked = list(keys_asked())
    assert len(asked) > 100
    for path, call, key in asked:
        where = f"{path.name}:{call.lineno}: {key}"
        if key not in entries:
            faults.append(f"{where} is missing")
            continue
        entry = entries[key]
        forms = [entry] if isinstance(entry, str) else list(entry.values())
        named = {name for form in forms for _, name, _, _ in string.Formatter().parse(form) if name}
        given = {each.arg for each in call.keywords}
        if not isinstance(entry, str):
            named.add("n")
        if not named <= given:
            faults.append(f"{where} lacks {sorted(named - given)}")
    assert not faults, "\n".join(faults)


def dynamic_keys() -> Iterator[str]:
    fields = PaperFilter.__dataclass_fields__
    yield from (f"filter.is.{field}" for field in fields if field != "criteria")
    yield from (f"quantity.{name}" for name in QUANTITIES)
    yield from (f"unit.{name}" for name in QUANTITIES)
    yield from (f"topic.{name}" for name in TOPICS)
    yield from (f"include.{name}" for name in (*get_args(Include), "unjudged"))
    yield from (f"met.{name}" for name in get_args(Met))
    yield from (f"token_type.{name}" for name in (*get_args(TokenType), "unknown"))
    yield from (f"role.{name}" for name in get_args(Role))
    yield from (f"status.{name}" for name in get_args(Status))
    yield from (f"sort.{name}" for name in SORTS)
    yield from (f"paper.date_{name}" for name in ("day", "month", "year"))


def test_every_key_made_at_run_time_exists() -> None:
    entries = text.catalogue(text.DEFAULT)
    assert [key for key in dynamic_keys() if key not in entries] == []


def test_no_entry_is_left_over() -> None:
    """An entry that nothing asks for is a sentence nobody sees."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    asked = {key for _, _, key in keys_asked()} | set(dynamic_keys())
    made = [re.escape(each).replace(r"\{\}", ".+") for each in _patterns(source)]
    left = [
        key
        for key in text.catalogue(text.DEFAULT)
        if key not in asked and not any(re.fullmatch(pattern, key) for pattern in made)
    ]
    assert left == []


def _patterns(source: str) -> set[str]:
    return {re.sub(r"\{[^{}]*\}", "{}", found) for found in re.findall(r"\bt\(\s*f(?:\"|')([^\"']+)(?:\"|')", source)}


def faults(default: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    """Keys that a language lacks or has too many, and values that English does not give."""
    found = [f"{key} is missing" for key in default.keys() - other.keys()]
    found += [f"{key} is not in English" for key in other.keys() - default.keys()]
    shared = default.keys() & other.keys()
    return sorted(found + [f"{key} names more" for key in shared if not _named(other[key]) <= _named(default[key])])


def test_every_language_has_the_same_keys_and_values() -> None:
    english = text.catalogue(text.DEFAULT)
    assert {name: faults(english, text.catalogue(name)) for name in text.languages()} == {
        name: [] for name in text.languages()
    }


def test_a_second_language_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in text.FOLDER.glob("*.toml"):
        shutil.copy(source, tmp_path)
    (tmp_path / "xx.toml").write_text('odd = "?"\n[nav]\npapers = "Schriften {m}"\n', encoding="utf-8")
    monkeypatch.setattr(text, "FOLDER", tmp_path)
    assert "xx" in text.languages()
    assert text.say("xx", "nav.papers", m=1) == "Schriften 1"
    assert text.say("xx", "nav.trends") == "Trends"
    found = faults(text.catalogue("en"), text.catalogue("xx"))
    assert {"odd is not in English", "nav.papers names more", "nav.trends is missing"} <= set(found)


def _named(entry: object) -> set[str]:
    forms = [entry] if isinstance(entry, str) else list(entry.values())  # type: ignore[attr-defined]
    return {name for form in forms for _, name, _, _ in string.Formatter().parse(form) if name}


def test_a_missing_key_is_an_error() -> None:
    with pytest.raises(LookupError):
        text.say("en", "no.such.key")


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(LookupError):
        text.say("en", "papers.showing", shown=1)


def test_plural_forms_are_chosen_by_n() -> None:
    assert text.say("en", "linked.references", n=1) == "Cites 1 paper"
    assert text.say("en", "linked.references", n=0) == "Cites 0 papers"
    assert text.say("en", "linked.references", n=1234) == "Cites 1,234 papers"


def test_an_unknown_language_falls_back_to_english() -> None:
    assert text.say("xx", "nav.papers") == text.say("en", "nav.papers")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a *b* _c_", r"a \*b\* \_c\_"),
        ("$x$ at $10", r"\$x\$ at \$10"),
        ("[x](javascript:y)", r"\[x\]\(javascript\:y\)"),
        ("<b>&amp;", r"\<b\>\&amp\;"),
        ("# one\n- two", r"\# one \- two"),
        ("`code` ~~x~~ a|b \\n", r"\`code\` \~\~x\~\~ a\|b \\n"),
        (":smile:", "\\:\u2060smile\\:"),
        (":material/home:", "\\:\u2060material\\/home\\:"),
        (":red[x]", r"\:red\[x\]"),
        ("a\u202eb\x00c", "abc"),
        ("離散音訊", "離散音訊"),
    ],
)
def test_outside_text_is_escaped_for_markdown(given: str, expected: str) -> None:
    assert text.plain(given) == expected


def test_short_cuts_at_a_word() -> None:
    assert text.short("one two three", 50) == "one two three"
    assert text.short("one two three", 10) == "one two…"
    assert len(text.short("x" * 100, 10)) == 10


def test_a_cell_shows_its_text_without_icons_and_turned_directions() -> None:
    assert text.label(":material/home: a\u202eb\n*c*") == ":\u2060material/home: ab *c*"
