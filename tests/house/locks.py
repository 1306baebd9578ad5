"""Makes `requirements.txt` and `requirements-dev.txt` from pyproject.toml: full pins, one file for Python 3.11-3.13.

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
RUN, DEV = "requirements.txt", "requirements-dev.txt"


def digest(root: Path = ROOT) -> str:
    """SHA-256 of the dependency tables of pyproject.toml, comments left out."""
    document = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    chosen = [
        document["project"]["requires-python"],
        document["project"]["dependencies"],
        document["dependency-groups"],
    ]
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


def header(root: Path = ROOT) -> str:
    """First line of a lock."""
    return f"# Made by `make lock` from pyproject.toml (dependencies {digest(root)}); do not edit.\n"


def compile_lock(target: Path, *options: str) -> None:
    """Resolve anew, keeping pins that still fit, and write `target`."""
    subprocess.run(
        [
            sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
            "--no-annotate", "--no-header", "pyproject.toml", "-o", str(target), *options,
        ],
        cwd=ROOT,
        check=True,
    )  # fmt: skip
    target.write_text(header() + target.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    compile_lock(ROOT / RUN)
    compile_lock(ROOT / DEV, "--group", "dev", "--constraints", RUN)
