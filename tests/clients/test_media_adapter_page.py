"""docs/media-adapter.md: its example does what the page says, and its numbers are those of the program."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Final

import httpx

from api.adapter import LIMIT_S, MAX_ANSWER
from engine.instructions import PARAMETERS
from engine.media import LANE, PAUSES_S
from engine.media_setups import LONGEST_ATTRIBUTES, SETUP_S
from tests.cli.cli_support import Program, environment, python
from tests.clients.site import Site, until
from tests.clients.stack import Stack

PAGE: Final = (Path(__file__).parents[2] / "docs" / "media-adapter.md").read_text()
EXAMPLE: Final = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def test_the_example_is_as_short_as_it_says() -> None:
    assert len([line for line in EXAMPLE.splitlines() if line.strip()]) <= 30


def test_the_example_connects_and_hangs_up(site: Site, stack: Stack) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with httpx.Client(base_url=stack.open_url, auth=stack.credentials) as http:
        secret = http.post(site.path(""), data={"MediaAdapterUrl": url}).json()["media_adapter_secret"]
    env = environment(MEDIA_ADAPTER_SECRET=secret, PORT=str(port))
    site.post(f"/Workers/{site.worker['sid']}/Channels/default", {"Capacity": "3"})
    with Program(command=python(EXAMPLE), env=env) as adapter:
        until(lambda: answers(port) or None)
        offer = site.offer(site.task())
        path = f"/Tasks/{offer['task_sid']}"
        site.post(f"{path}/Reservations/{offer['sid']}", {"Instruction": "conference", "To": "client:ann"})
        adapter.line("ring client:ann")
        until(lambda: site.get(path).json()["assignment_status"] == "assigned" or None)
        assert json.loads(site.get(path).json()["attributes"]) == {"rung": "client:ann"}
        unsigned = httpx.post(url, json={"kind": "setup"}, headers={"X-Trunkline-Signature": "t=1,v1=x"})
        assert unsigned.status_code == 403


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def test_the_page_has_the_programs_numbers() -> None:
    text = " ".join(PAGE.split())
    assert f"Within {LIMIT_S:g} seconds, at most {MAX_ANSWER:,} bytes" in text
    assert f"{SETUP_S // 60} minutes after the instruction" in text
    assert f"longer than {LONGEST_ATTRIBUTES:,} characters" in text
    one, *others, last = (f"{pause_s:g}" for pause_s in PAUSES_S)
    assert f"five tries, with pauses of about {', '.join((one, *others))} and {last} seconds" in text
    assert len(PAUSES_S) == 4
    assert f"at most {LANE} posts under way" in text
    for instruction in PARAMETERS:
        assert f"`{instruction}`" in text
