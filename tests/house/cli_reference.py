"""Writes docs/cli.md from the commands themselves. Run as `make docs`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import typer.main

import cli


def commands(group: object = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every command of the program with the words that call it, in the order of the alphabet."""
    group = group if group is not None else typer.main.get_command(cli.app)
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def parts(command: object) -> tuple[str, str]:
    """Help text and example of a command."""
    text = inspect.cleandoc(command.help or "")
    match = re.search(r"^Example: (.+)$", text, re.MULTILINE)
    return re.sub(r"\n*^Example: .+$", "", text, flags=re.MULTILINE).strip(), match.group(1) if match else ""


def parameters(command: object) -> Iterator[tuple[str, str, str]]:
    """Name, default and help of every argument and option."""
    for parameter in command.params:
        options = [option for option in getattr(parameter, "opts", []) if option.startswith("-")]
        name = ", ".join(options) if options else (parameter.metavar or parameter.name.upper())
        if options and not getattr(parameter, "is_flag", False):
            name += f" {parameter.metavar or 'VALUE'}"
        default = parameter.default
        shown = "" if default in (None, False, ()) or callable(default) else str(default)
        if shown == str(cli.BUNDLE):
            shown = "data/corpus"
        yield name, shown, getattr(parameter, "help", None) or ""


def reference() -> str:
    """The whole page."""
    lines = [
        "# Commands",
        "",
        "Made by `make docs` from the commands themselves; do not edit.",
        "",
        "stdout is data, stderr messages. Exit codes: 0 done; 1 failed; 2 wrong usage or unreadable input; 3 rejects",
        "were written and the rest is kept; 4 stopped early, the same command resumes; 130 interrupted.",
        "",
        "The store is `--store`, else `TOKENATLAS_STORE`, else `atlas.sqlite` in your platform's data folder.",
    ]
    for path, command in commands():
        text, example = parts(command)
        lines += ["", f"## tokenatlas {' '.join(path)}", "", text, "", "```console", f"$ {example}", "```", ""]
        rows = list(parameters(command))
        if rows:
            lines += ["| parameter | default | meaning |", "|---|---|---|"]
            lines += [f"| `{name}` | {f'`{default}`' if default else ''} | {text} |" for name, default, text in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    print(reference())
