"""Installs the peers into the user's cache, each into a folder of its own, once; bounded in time.

Python peers get a venv each, since they want different versions of the same client.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
LIMIT_S: Final = 60.0  # of one command
NPM: Final = ("install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock")
WANTED: Final = {"arq": "arq>=0.26", "celery": "celery[redis]>=5.4", "dramatiq": "dramatiq[redis]>=1.17"}


class Unavailable(Exception):
    """A peer cannot be had here; the text says why."""


def node_modules() -> Path:
    """The folder with BullMQ. Raises Unavailable."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise Unavailable("node and npm are needed")

    def fill(folder: Path) -> None:
        shutil.copy(HERE / "package.json", folder)
        _run([npm, *NPM, "--prefix", str(folder)])

    return _kept("bullmq", (HERE / "package.json").read_text(), fill) / "node_modules"


def python(name: str) -> Path:
    """A Python that has one of WANTED. Raises Unavailable."""

    def fill(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
        into = ["--python", str(folder / "bin" / "python")]
        quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
        _run([sys.executable, "-m", "pip", *into, "install", *quiet, WANTED[name]])

    return _kept(name, f"{WANTED[name]} {sys.version_info[:2]}", fill) / "bin" / "python"


def _kept(name: str, wanted: str, fill: Callable[[Path], None]) -> Path:
    """The folder for what is wanted, filled if it is not there yet.

    It is filled under another name and then renamed: a half of it is never used.
    """
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trunkline-peers"
    kept = root / f"{name}-{sha256(wanted.encode()).hexdigest()[:12]}"
    if kept.exists():
        return kept
    root.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=root))
    try:
        fill(fresh)
        if not kept.exists():
            fresh.rename(kept)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return kept


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"installing it took longer than {LIMIT_S:.0f} s") from None
    if done.returncode:
        lines = (done.stderr.strip() or "it said nothing").splitlines()
        raise Unavailable(f"it cannot be installed: {lines[-1][:300]}")
