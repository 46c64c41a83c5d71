"""SIDs: two letters that name the kind, then 32 lower-case hexadecimal digits."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from hashlib import sha1
from typing import Final

Mint = Callable[[str], str]  # prefix -> fresh SID; tests hand in a counting one

_PATTERN: Final = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}\Z")


def mint(prefix: str) -> str:
    """A fresh random SID. 128 random bits: no two are ever equal, and none can be guessed."""
    return prefix + os.urandom(16).hex()


def derived(prefix: str, *parts: str) -> str:
    """The SID that belongs to `parts` alone, so that it needs no storage (Worker Channels, Reservations)."""
    return prefix + sha1(":".join(parts).encode(), usedforsecurity=False).hexdigest()[:32]


def is_sid(text: str, prefix: str) -> bool:
    """Whether `text` has the form of a SID of this kind."""
    return len(text) == 34 and text.startswith(prefix) and _PATTERN.match(text) is not None
