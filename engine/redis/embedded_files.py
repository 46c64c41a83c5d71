"""The embedded server's folder: its lock, its socket, its configuration."""

import fcntl
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Literal

from engine.redis.errors import EmbeddedServerError

Durability = Literal["always", "everysec"]

# The kernel keeps a socket's path in 104 bytes on macOS and 108 on Linux, a zero at the end included.
SOCKET_PATH_BYTES = 103
SHORT_PREFIX = "trunkline-"
REWRITE_MIN_SIZE = "64mb"  # below this a rewrite saves too little to be worth a fork

_CONFIG = """\
# Written anew at every start; changes are lost.
port 0
unixsocket {socket}
unixsocketperm 700
dir {dir}
logfile {log}
daemonize no
set-proc-title no
appendonly yes
appendfsync {appendfsync}
aof-load-truncated yes
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size {rewrite_min_size}
save ""
maxmemory-policy noeviction
hash-max-listpack-value 4096
hash-max-listpack-entries 128
"""


def prepare_data_dir(data_dir: Path) -> None:
    """Make the folder, for us alone, if it is not there. Raises EmbeddedServerError."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedServerError(f"{data_dir} cannot be made: {error.strerror}") from error


def take_lock(data_dir: Path) -> int:
    """Lock the folder for this process; returns the open file that holds the lock until it is closed.

    The kernel drops the lock when this process dies, however it dies. Raises EmbeddedServerError if
    another process holds it.
    """
    try:
        file = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EmbeddedServerError(f"{data_dir} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(file, 20).decode(errors="replace").strip() or "unknown"
        os.close(file)
        raise EmbeddedServerError(
            f"{data_dir} is in use by another Trunkline (process {holder}); stop it or choose another folder"
        ) from None
    os.ftruncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    return file


def socket_path(data_dir: Path) -> Path:
    """Where the socket is, or was at the last run: in the folder, or behind the link kept there."""
    path = data_dir / "redis.sock"
    return path.readlink() if path.is_symlink() else path


def prepare_socket(data_dir: Path) -> Path:
    """The path for the socket. In a folder too deep for one it is a short private folder, with a link to it.

    A short folder left by a run that was killed is used again, so that clients who know it find us.
    """
    path = data_dir / "redis.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        path.unlink(missing_ok=True)
        return path
    known = socket_path(data_dir)
    if path.is_symlink() and _is_ours(known.parent):
        known.unlink(missing_ok=True)
        return known
    path.unlink(missing_ok=True)
    short = Path(tempfile.mkdtemp(prefix=SHORT_PREFIX), "redis.sock")
    if len(os.fsencode(short)) > SOCKET_PATH_BYTES:  # the folder for temporary files is deep as well
        short.parent.rmdir()
        short = Path(tempfile.mkdtemp(prefix=SHORT_PREFIX, dir="/tmp"), "redis.sock")
    path.symlink_to(short)
    return short


def release_socket(data_dir: Path) -> None:
    """Remove what `prepare_socket` made outside the folder, if it did."""
    path = data_dir / "redis.sock"
    if not path.is_symlink():
        return
    short = path.readlink()
    path.unlink()
    if _is_ours(short.parent):
        short.unlink(missing_ok=True)
        with suppress(OSError):  # somebody keeps more there: then the folder is not ours to remove
            short.parent.rmdir()


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder (no link) of ours that only we can enter; in /tmp anybody may have made it."""
    if not folder.name.startswith(SHORT_PREFIX):
        return False
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    private = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700
    return private and status.st_uid == os.geteuid()


def write_config(data_dir: Path, socket: Path, durability: Durability) -> Path:
    """Write the server's configuration file and return its path."""
    path = data_dir / "redis.conf"
    text = _CONFIG.format(
        socket=_quoted(socket),
        dir=_quoted(data_dir),
        log=_quoted(data_dir / "redis.log"),
        appendfsync=durability,
        rewrite_min_size=REWRITE_MIN_SIZE,
    )
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return path


def _quoted(path: Path) -> str:
    """A path as the configuration file spells it: in quotes, so that blanks and '#' stand for themselves."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
