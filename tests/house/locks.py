"""Makes the requirement files from pyproject.toml and benchmarks/peers.in: full pins, for Python 3.11-3.13.

Run as `make lock`. The first line of a lock names the digest of what it was made from, so a test without network
sees when they drift apart.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN, DEV, PEERS = "requirements.txt", "requirements-dev.txt", "benchmarks/peers.txt"
PEERS_IN = "benchmarks/peers.in"


def digest(root: Path = ROOT) -> str:
    """SHA-256 of the dependency tables of pyproject.toml, comments left out."""
    document = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    chosen = [
        document["project"]["requires-python"],
        document["project"]["dependencies"],
        document["dependency-groups"],
    ]
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


def header(source: str = "pyproject.toml") -> str:
    """First line of a lock."""
    made_from = digest() if source == "pyproject.toml" else hashlib.sha256((ROOT / source).read_bytes()).hexdigest()
    return f"# Made by `make lock` from {source} (dependencies {made_from}); do not edit.\n"


def compile_lock(target: Path, *options: str, source: str = "pyproject.toml") -> None:
    """Resolve anew, keeping pins that still fit, and write `target`."""
    subprocess.run(
        [
            sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
            "--no-annotate", "--no-header", source, "-o", str(target), *options,
        ],
        cwd=ROOT,
        check=True,
    )  # fmt: skip
    target.write_text(header(source) + target.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    compile_lock(ROOT / RUN)
    compile_lock(ROOT / DEV, "--group", "dev", "--constraints", RUN)
    compile_lock(ROOT / PEERS, source=PEERS_IN)
