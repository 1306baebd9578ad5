"""Every command that opens a store, on both engines: what it prints and writes is the same."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cli
from kg.model import Decision
from kg.store import open_store
from tests.conftest import ENGINES, EmptyStore

RECORDS = [
    {
        "arxiv_id": f"2101.0000{n}",
        "title": f"Codec {n}: residual vector quantization of speech",
        "abstract": f"A neural audio codec with residual vector quantization at {n}.5 kbps, which turns speech into"
        f" discrete tokens with {n + 1} codebooks. {word.title()} listeners judged {word} recordings.",
        "authors": ["Ada Example", f"Bo {word}"],
        "categories": ["eess.AS"],
        "published": f"202{n % 4}-01-0{n}",
    }
    for n, word in enumerate(["young", "old", "native", "trained", "music", "noisy"], 1)
]
PAIRS = "citing,cited\n" + "".join(f"2101.0000{a},2101.0000{b}\n" for a in range(2, 7) for b in range(1, a) if a % b)

COMMANDS = {
    "ingest files": "ingest files {papers}",
    "ingest citations": "ingest citations {pairs}",
    "screen": "screen",
    "specs": "specs",
    "cluster": "cluster --k 2 --json",
    "status": "status --json",
    "papers": "papers --include any --q kbps --sort cited --json",
    "paper": "paper 2101.00003 --json",
    "export": "export --include any --out {out}",
    "quarantine": "quarantine --json",
}
"""One call of every command that asks or tells a store, in the order of work. `load`, `copy`, `backup` and `serve` on
a server have tests of their own: in `tests/store/test_transfer.py`, below, and in `tests/browser`."""


@pytest.fixture(autouse=True)
def _handlers_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., object]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(url: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("TOKENATLAS_STORE", url)
        monkeypatch.setattr(sys, "argv", ["tokenatlas", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code is None or isinstance(ended.value.code, int)
        return (ended.value.code or 0, *capsys.readouterr())

    return run


def told(out: str, url: str) -> object:
    """What a command printed, without what names the store or the moment."""
    if not out.startswith("{"):
        return out.replace(url, "STORE")
    document = json.loads(out)
    for name in ("store", "engine", "last_ingest", "seconds"):
        document.pop(name, None)
    for source in document["sources"] if isinstance(document.get("sources"), list) else ():
        del source["time"]
    return document


@pytest.mark.neo4j
def test_every_command_says_the_same_on_both_engines(
    empty_store: EmptyStore, call: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "papers.jsonl").write_text("".join(json.dumps(each) + "\n" for each in RECORDS), encoding="utf-8")
    (tmp_path / "pairs.csv").write_text(PAIRS, encoding="utf-8")
    said: dict[str, dict[str, object]] = {}
    for engine in ENGINES:
        url, out = empty_store(engine), tmp_path / f"{engine}.csv"
        places = {"papers": tmp_path / "papers.jsonl", "pairs": tmp_path / "pairs.csv", "out": out}
        for name, text in COMMANDS.items():
            if name == "cluster":
                with open_store(url) as store:
                    for n in range(1, 7):
                        store.decide(Decision(f"arxiv:2101.0000{n}", "include", "include", "me", "", "2026-01-01"))
            code, printed, errors = call(url, *text.format(**places).split())
            assert code == 0, (name, engine, errors)
            said.setdefault(name, {})[engine] = told(printed.replace(str(out), "OUT"), url)
        said["export"][f"{engine} file"] = out.read_text(encoding="utf-8")
    for name, each in said.items():
        assert each["sqlite"] == each["neo4j"], name
    assert said["export"]["sqlite file"] == said["export"]["neo4j file"]
    assert said["papers"]["sqlite"]["total"] == len(RECORDS)  # type: ignore[index]


@pytest.mark.neo4j
def test_a_server_is_backed_up_by_copying(
    empty_store: EmptyStore, call: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    url = empty_store("neo4j")
    open_store(url).close()
    target = tmp_path / "backup.sqlite"
    code, printed, errors = call(url, "backup", str(target))
    assert code
    assert not printed
    assert f"tokenatlas copy --from {url} --to sqlite:///" in errors
    assert "neo4j-admin" in errors
    assert not target.exists()
