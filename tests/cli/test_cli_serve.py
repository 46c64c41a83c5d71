"""`trunkline serve` as a user runs it: real processes on a folder of their own."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from shutil import rmtree
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from cli_support import Program, command_line, environment, is_alive, python, wait_until

from api.cli import main
from engine.redis import EmbeddedServer

SID = "AC" + "5" * 32
TOKEN = "a-token-from-outside"
END_LIMIT_S = 10.0
README = Path(__file__).parents[2] / "README.md"


class Serving:
    """A running `trunkline serve`, ready, with the credentials from the environment."""

    def __init__(self, data: Path, *args: str) -> None:
        self.program = Program(
            *("serve", "--port", "0", "--data", str(data), *args),
            env=environment(TRUNKLINE_ACCOUNT_SID=SID, TRUNKLINE_AUTH_TOKEN=TOKEN),
        )
        self.url = self.program.line(r"ready at (http://\S+)")[1]

    def pid_of(self, name: str) -> int:
        """The process that most recently was started under this name."""
        lines = [line.split() for line in self.program.said if f"{name} started, pid" in line]
        return int(lines[-1][-1])

    @property
    def children(self) -> list[int]:
        return [int(line.split()[-1]) for line in self.program.said if " started, pid" in line]

    @property
    def server(self) -> int:
        line = next(line for line in self.program.said if "embedded server" in line)
        return int(line.partition("pid ")[2].partition(")")[0])

    def call(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | None = None,
        who: tuple[str, str] = (SID, TOKEN),
    ) -> dict[str, Any]:
        basic = base64.b64encode(":".join(who).encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            connection.request(method, path, urlencode(form) if form else None, headers)
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        assert response.status in (200, 201), answer
        return answer

    def stop(self, number: int = signal.SIGTERM) -> float:
        """End it by a signal; returns how many seconds that took."""
        begun_s = time.monotonic()
        self.program.process.send_signal(number)
        assert self.program.end() == 0
        return time.monotonic() - begun_s


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve") / "data"


@pytest.fixture(scope="module")
def serving(data: Path) -> Iterator[Serving]:
    running = Serving(data, "--api", "2")
    with running.program:
        yield running


def test_ready_means_that_requests_are_answered(serving: Serving) -> None:
    assert serving.call("GET", "/readyz")["ready"] is True
    assert serving.call("GET", "/v1/Workspaces")["workspaces"] == []


def test_the_token_is_on_no_command_line_and_in_no_line_of_output(serving: Serving) -> None:
    for pid in serving.children:
        assert TOKEN not in " ".join(command_line(pid))
        assert TOKEN.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    assert not any(TOKEN in line for line in serving.program.said)


def test_ps_names_the_role_of_each_process(serving: Serving) -> None:
    for name, role in (("api-1", "api"), ("api-2", "api"), ("matcher-1", "matcher")):
        words = command_line(serving.pid_of(name))
        place = next(i for i, word in enumerate(words) if word.endswith("trunkline"))
        assert words[place + 1] == role


def test_any_api_process_answers_on_the_one_port(serving: Serving) -> None:
    for stopped in ("api-1", "api-2"):
        pid = serving.pid_of(stopped)
        os.kill(pid, signal.SIGSTOP)
        try:
            assert serving.call("GET", "/readyz")["ready"] is True
        finally:
            os.kill(pid, signal.SIGCONT)


def test_a_second_serve_on_the_same_folder_is_refused(serving: Serving, data: Path) -> None:
    with Program("serve", "--port", "0", "--data", str(data)) as second:
        assert second.end() == 1
    assert any(str(data) in line and "in use" in line for line in second.said)
    assert serving.call("GET", "/readyz")["ready"] is True


def test_a_port_that_is_taken_is_refused(serving: Serving, tmp_path: Path) -> None:
    port = serving.url.rpartition(":")[2]
    with Program("serve", "--port", port, "--data", str(tmp_path / "data")) as second:
        assert second.end() == 1
    assert second.said == [
        f"trunkline: cannot listen on 127.0.0.1:{port}: Address already in use; choose another --port"
    ]


def test_accounts_work_while_it_runs(
    serving: Serving, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def accounts(*args: str) -> Any:
        assert main(["accounts", *args, "--json", "--data", str(data)]) == 0
        return json.loads(capsys.readouterr().out)

    made = accounts("create", "acme")
    assert serving.call("GET", "/v1/Workspaces", who=(made["sid"], made["auth_token"]))["workspaces"] == []
    assert [account["sid"] for account in accounts("list")] == [SID, made["sid"]]
    assert accounts("suspend", made["sid"])["status"] == "suspended"


@pytest.mark.parametrize("name", ["matcher-1", "api-1"])
def test_a_killed_child_is_started_again(serving: Serving, name: str) -> None:
    before = serving.pid_of(name)
    os.kill(before, signal.SIGKILL)
    serving.program.line(f"{name} was ended by SIGKILL; starting it again in 0")
    serving.program.line(f"{name} started, pid")
    assert serving.pid_of(name) != before
    wait_until(lambda: is_alive(serving.pid_of(name)), "the new child")


def test_a_killed_server_is_started_again_with_its_data(serving: Serving) -> None:
    made = serving.call("POST", "/v1/Workspaces", {"FriendlyName": "Kept"})
    os.kill(serving.server, signal.SIGKILL)
    serving.program.line("the embedded server was ended by SIGKILL; starting it again")
    serving.program.line(r"api-\d connected to")
    assert serving.call("GET", f"/v1/Workspaces/{made['sid']}")["friendly_name"] == "Kept"


def test_a_role_joins_the_running_deployment(serving: Serving, data: Path) -> None:
    with Program("matcher", "--data", str(data)) as extra:
        extra.line("connected to unix://")
        extra.process.terminate()
        assert extra.end(END_LIMIT_S) == 0


def test_the_program_of_the_readme_prints_what_the_readme_says(serving: Serving) -> None:
    blocks = re.findall(r"```\w*\n(.*?)```", README.read_text(), re.DOTALL)
    place = next(i for i, block in enumerate(blocks) if "from twilio.rest import Client" in block)
    code = blocks[place].replace("http://127.0.0.1:8780", serving.url)
    env = environment(TRUNKLINE_ACCOUNT_SID=SID, TRUNKLINE_AUTH_TOKEN=TOKEN)
    with Program(command=python(code), env=env) as program:
        assert program.end() == 0, program.said
    assert program.said == blocks[place + 1].splitlines()


def test_a_restart_on_the_same_folder_keeps_the_tasks_and_leaves_nothing_running(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = Serving(data)
    with first.program:
        workspace = first.call("POST", "/v1/Workspaces", {"FriendlyName": "W", "Template": "FIFO"})["sid"]
        task = first.call("POST", f"/v1/Workspaces/{workspace}/Tasks", {"Attributes": '{"a": 1}'})["sid"]
        assert first.stop(signal.SIGINT) < END_LIMIT_S
        assert not any(is_alive(pid) for pid in [*first.children, first.server])
    second = Serving(data)
    with second.program:
        found = second.call("GET", f"/v1/Workspaces/{workspace}/Tasks/{task}")
        assert (found["attributes"], found["assignment_status"]) == ('{"a": 1}', "pending")
        second.program.process.kill()
        left = [*second.children, second.server]
        wait_until(lambda: not any(is_alive(pid) for pid in left), "the end of all its processes")


def test_a_folder_that_lost_its_data_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Program("serve", "--port", "0", "--data", str(data)) as first:
        deployment = first.line(r"deployment ([0-9a-f]{32}):")[1]
        first.line("started, pid")
        first.process.terminate()
        assert first.end(END_LIMIT_S) == 0
    rmtree(data / "appendonlydir")
    with Program("serve", "--port", "0", "--data", str(data)) as refused:
        assert refused.end() == 1
    assert f"no data, but deployment {deployment} was expected" in refused.said[-1]


def test_a_server_that_may_forget_must_be_allowed_by_name(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "yours", durability="everysec") as yours:
        with Program("serve", "--port", "0", "--redis", yours.url) as refused:
            assert refused.end() == 1
        assert "power cut" in refused.said[-1]
        with Program("serve", "--port", "0", "--redis", yours.url, "--allow-weak-durability") as allowed:
            allowed.line("ready at")
            assert any("shards 16" in line for line in allowed.said)
            allowed.process.terminate()
            assert allowed.end(END_LIMIT_S) == 0
        assert yours.poll() is None
