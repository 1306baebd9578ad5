"""Options that commands share: the store, JSON, an output file, and one option per field of `PaperFilter`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from kg.model import QUANTIZERS, TOPICS, Include, TokenType
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, default_store_url, open_store

Store = Annotated[
    str | None,
    typer.Option("--store", help="URL of the store; else TOKENATLAS_STORE, else your own data folder.", metavar="URL"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Out = Annotated[Path | None, typer.Option("--out", help="Where to write; - or nothing is stdout.", metavar="FILE")]


_HELP = {
    "q": ("TEXT", 'Words, "a phrase", a prefix*, -without.'),
    "topic": (",".join(TOPICS), "Any of these topics."),
    "criteria": ("A1:met,...", "All of these verdicts."),
    "include": (",".join((*get_args(Include), "any")), "Verdicts to show; `include` unless said otherwise."),
    "type": (",".join(get_args(TokenType)), "Any of these token types."),
    "quantizer": (",".join(QUANTIZERS), "Any of these quantizers."),
    "kbps-min": ("KBPS", "States an own bitrate of at least this."),
    "kbps-max": ("KBPS", "States an own bitrate of at most this."),
    "from": ("YEAR", "First year."),
    "to": ("YEAR", "Last year."),
    "source": ("NAME,...", "Told of by any of these sources."),
    "cluster": ("NUMBER", "In this cluster."),
    "list": ("NAME", "On this reading list."),
}


def with_filter(command: Callable[..., None]) -> Callable[..., None]:
    """Replace the parameter `where` of a Typer command by the options of a `PaperFilter`.

    Raises (when the command runs):
        typer.BadParameter: a value that the filter does not know, naming the option and what is allowed.
    """
    own = [each for each in inspect.signature(command, eval_str=True).parameters.values() if each.name != "where"]
    options = [
        inspect.Parameter(
            f"filter_{name.replace('-', '_')}",
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[str | None, typer.Option(f"--{name}", metavar=metavar, help=text)],
        )
        for name, (metavar, text) in _HELP.items()
    ]

    @wraps(command)
    def run(**values: Any) -> None:
        query = {
            name.removeprefix("filter_"): value
            for name, value in values.items()
            if name.startswith("filter_") and value is not None
        }
        where, unknown = PaperFilter.from_query(query)
        if unknown:
            option = unknown[0].replace("_", "-")
            raise typer.BadParameter(f"{query[unknown[0]]!r} is not {_HELP[option][0]}", param_hint=f"--{option}")
        command(where=where, **{name: value for name, value in values.items() if not name.startswith("filter_")})

    keyword_only = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    run.__signature__ = inspect.Signature(options + keyword_only)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in options + keyword_only}
    del run.__wrapped__  # type: ignore[attr-defined]  # Typer must read the new signature, not the old one
    return run


def opened(url: str | None, *, create: bool = False, read_only: bool = False) -> GraphStore:
    """The store of a command. A command that only reads neither makes one nor needs to write to it."""
    return open_store(url or default_store_url(), create=create, read_only=read_only)
