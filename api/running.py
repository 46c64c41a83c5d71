"""Finds the embedded server that another process of this machine runs on a data folder."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from engine.redis.embedded_files import socket_path
from engine.redis.embedded_leftover import socket_answers

if TYPE_CHECKING:
    from pathlib import Path


def running_url(data_dir: Path) -> str | None:
    """The URL of the server that answers for this folder; None if none does. Blocks up to 1 s."""
    socket = socket_path(data_dir.resolve())
    return f"unix://{quote(str(socket))}" if socket.exists() and socket_answers(socket) else None
