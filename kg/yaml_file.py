"""YAML files that people write, read so that every fault is found in one go and named with its line.

A reader walks `Section`s and asks for the fields it knows; what is missing, of the wrong type or unknown becomes a
`Fault` and reading goes on. Nothing but mappings, lists and scalars is ever constructed from the file.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from kg.errors import VALUE_SHOWN, InputError

FILE_BYTES = 2_000_000
"""A file that a person wrote is not larger."""

_STR, _INT, _NULL, _DATE = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "null", "timestamp"))


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a file: `line` counts from 1, `field` is the path of the key, `value` what stands there."""

    line: int
    field: str
    value: str | None
    message: str
    fix: str

    def __str__(self) -> str:
        shown = "" if self.value is None else f" ({self.value!r})"
        return f"line {self.line}, {self.field or 'file'}: {self.message}{shown}. {self.fix}"


class Section:
    """A mapping of the file at the key path `at`; faults go to the list shared by all sections of the file."""

    def __init__(self, node: yaml.MappingNode, at: str, faults: list[Fault]) -> None:
        self.line = node.start_mark.line + 1
        self.at = at
        self.faults = faults
        self._asked: set[str] = set()
        self._values: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fault(key, "", "A key is a plain word", "Write key: value.")
            elif key.value in self._values:
                self._fault(key, key.value, "The key stands here twice", "Keep one of them.")
            else:
                self._values[key.value] = value

    def path(self, key: str) -> str:
        """Key path of a field of this section."""
        return f"{self.at}.{key}" if self.at else key

    def line_of(self, key: str) -> int:
        """Line of a field's value, the section's own where the field is absent."""
        node = self._values.get(key)
        return node.start_mark.line + 1 if node is not None else self.line

    def add(self, key: str, value: object, message: str, fix: str, *, line: int | None = None) -> None:
        """Record a fault of one field."""
        shown = None if value is None else str(value)[:VALUE_SHOWN]
        self.faults.append(Fault(line or self.line_of(key), self.path(key), shown, message, fix))

    def text(self, key: str, *, optional: bool = False) -> str | None:
        """A field of text, stripped; `None` with a fault when it is missing or no text."""
        node = self._field(key, optional)
        return None if node is None else self._text(node, key)

    def date(self, key: str) -> str | None:
        """An optional date as it is written; its form is the caller's to judge."""
        node = self._field(key, optional=True)
        if node is None:
            return None
        if isinstance(node, yaml.ScalarNode) and node.tag in (_STR, _INT, _DATE):
            return str(node.value)
        self._fault(node, key, "A date is expected", "Write it like 2025-06-12.")
        return None

    def whole(self, key: str) -> int | None:
        """A field that is a whole number above 0."""
        node = self._field(key, optional=False)
        if node is None:
            return None
        if isinstance(node, yaml.ScalarNode) and node.tag == _INT and node.value.isdecimal() and int(node.value) > 0:
            return int(node.value)
        self._fault(node, key, "A whole number above 0 is expected", "Write it like 1, without quotes.")
        return None

    def choice(self, key: str, allowed: tuple[str, ...], *, optional: bool = False) -> str | None:
        """A field that is one of the allowed words."""
        node = self._field(key, optional)
        if node is None:
            return None
        found = self._text(node, key)
        if found is not None and found not in allowed:
            self._fault(node, key, "Not a value this field can have", f"Write one of: {', '.join(allowed)}.")
            return None
        return found

    def section(self, key: str, *, optional: bool = False) -> Section | None:
        """A field that is a mapping."""
        node = self._field(key, optional)
        if node is None:
            return None
        if isinstance(node, yaml.MappingNode):
            return Section(node, self.path(key), self.faults)
        self._fault(node, key, "A mapping of keys to values is expected", "Indent its fields below it.")
        return None

    def sections(self, key: str, *, optional: bool = False) -> list[Section]:
        """A field that is a list of mappings."""
        found: list[Section] = []
        for index, node in self._items(key, optional):
            if isinstance(node, yaml.MappingNode):
                found.append(Section(node, f"{self.path(key)}[{index}]", self.faults))
            else:
                self._fault(node, f"{key}[{index}]", "A mapping of keys to values is expected", "Start it with - id:.")
        return found

    def texts(self, key: str, *, optional: bool = False) -> list[tuple[str, int]]:
        """A field that is a list of text: (text, line)."""
        found: list[tuple[str, int]] = []
        for index, node in self._items(key, optional):
            text = self._text(node, f"{key}[{index}]")
            if text is not None:
                found.append((text, node.start_mark.line + 1))
        return found

    def names(self) -> tuple[str, ...]:
        """The keys written in this section, in order; asking for them makes them known."""
        self._asked.update(self._values)
        return tuple(self._values)

    def close(self) -> None:
        """Name the keys that nobody asked for: most are typing errors."""
        for key, node in self._values.items():
            if key not in self._asked:
                near = difflib.get_close_matches(key, sorted(self._asked), n=1)
                fix = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(sorted(self._asked))}."
                self._fault(node, key, "Nothing reads this key", fix)

    def _field(self, key: str, optional: bool) -> yaml.Node | None:
        self._asked.add(key)
        node = self._values.get(key)
        if node is None or node.tag == _NULL:
            if not optional:
                place = f"to the entry that begins on line {self.line}" if self.at else "at the left margin"
                self.add(key, None, "The field is missing", f"Add {key}: {place}.")
            return None
        return node

    def _items(self, key: str, optional: bool) -> Iterator[tuple[int, yaml.Node]]:
        node = self._field(key, optional)
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            self._fault(node, key, "A list is expected", "Write each entry on its own line after a dash.")
            return
        if not node.value and not optional:
            self._fault(node, key, "The list is empty", "Give at least one entry.")
        yield from enumerate(node.value)

    def _text(self, node: yaml.Node, key: str) -> str | None:
        if not isinstance(node, yaml.ScalarNode) or node.tag != _STR:
            self._fault(node, key, "Text is expected", "Put it in quotes.")
            return None
        text = str(node.value).strip()
        if not text:
            self._fault(node, key, "The text is empty", "Write it, or leave the key out.")
            return None
        return text

    def _fault(self, node: yaml.Node, key: str, message: str, fix: str) -> None:
        value = node.value if isinstance(node, yaml.ScalarNode) else None
        self.add(key, value, message, fix, line=node.start_mark.line + 1)


def read_root(path: Path, faults: list[Fault]) -> Section | None:
    """The top mapping of a YAML file; `None` with a fault when the file is not YAML or something else on top.

    Raises:
        InputError: the file is missing, a folder, unreadable or too large to be one that a person wrote.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"The file cannot be read: {error.strerror or error}",
            where=str(path),
            field="file",
            value=path,
            hint="Check the path and that you may read it.",
        ) from error
    if len(content) > FILE_BYTES:
        raise InputError(
            "The file is too large",
            where=str(path),
            field="file",
            value=path,
            expected=f"at most {FILE_BYTES:,} bytes",
            hint="Check that it is the file you meant.",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        faults.append(Fault(line, "", None, "The file is not UTF-8", "Save it as UTF-8."))
        return None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        fix = "Check indentation, colons and quotes here and on the line before."
        faults.append(Fault(mark.line + 1 if mark else 1, "", None, f"Not YAML: {problem}", fix))
        return None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        faults.append(Fault(line, "", None, f"Not YAML: {error.reason}", "Take the character out."))
        return None
    except RecursionError:
        faults.append(Fault(1, "", None, "Not YAML that can be read: nested too deeply", "Flatten it."))
        return None
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1 if node is not None else 1
        faults.append(Fault(line, "", None, "The file holds no keys", "Start it with keys like id: and title:."))
        return None
    return Section(node, "", faults)
