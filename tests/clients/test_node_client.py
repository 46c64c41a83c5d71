"""The original's Node client, unmodified, against this server: the steps of node/flow.js.

Needs node and npm. The client is installed once into the user's cache, never into the repository; where that cannot be
done the tests are skipped, and say why.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from api import errors
from tests.clients.stack import Stack

NODE: Final = Path(__file__).parent / "node"
INSTALL_S: Final = 90.0
RUN_S: Final = 60.0  # it takes about 2
STEPS: Final = tuple(re.findall(r"^  async (\w+)\(", (NODE / "flow.js").read_text(), re.MULTILINE))
INSTALL: Final = ("install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock")


@pytest.fixture(scope="session")
def modules() -> Path:
    """The folder with the installed client."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are needed to run the Node client")
    wanted = (NODE / "package.json").read_bytes()
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trunkline-tests"
    kept = root / f"node-{sha256(wanted).hexdigest()[:12]}"
    if not kept.exists():
        _install(npm, wanted, root, kept)
    return kept / "node_modules"


def _install(npm: str, wanted: bytes, root: Path, kept: Path) -> None:
    """Into a folder beside, then renamed: whoever is second finds it there, and nobody a half of it."""
    root.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=root))
    try:
        (fresh / "package.json").write_bytes(wanted)
        try:
            done = subprocess.run(
                [npm, *INSTALL, "--prefix", str(fresh)], capture_output=True, text=True, timeout=INSTALL_S
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"the Node client was not installed within {INSTALL_S:.0f} s")
        if done.returncode:
            pytest.skip(f"the Node client cannot be installed: {done.stderr.strip()[-300:]}")
        if not kept.exists():
            fresh.rename(kept)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@pytest.fixture(scope="session")
def report(stack: Stack, modules: Path) -> dict[str, str]:
    """What became of each step."""
    account, token = stack.credentials
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TWILIO_")},
        "NODE_PATH": str(modules),
        "TRUNKLINE_URL": stack.urls[True],
        "TRUNKLINE_ACCOUNT_SID": account,
        "TRUNKLINE_AUTH_TOKEN": token,
        "TRUNKLINE_TOO_MANY": errors.error(429, 20429, "Too many requests").body.decode(),
    }
    run = subprocess.run(
        ["node", str(NODE / "flow.js")], env=environment, capture_output=True, text=True, timeout=RUN_S
    )
    assert run.returncode == 0, run.stderr
    told: Any = json.loads(run.stdout)
    assert set(told) == set(STEPS)
    return dict(told)


@pytest.mark.parametrize("step", STEPS)
def test_the_node_client_gets_what_it_needs(report: dict[str, str], step: str) -> None:
    assert report[step] == "ok", report[step]
