"""Lua scripts as the pipeline needs them: functions of a library that the server runs once when it is loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

PREFIX: Final = "tl_"  # of all names in the server
_NAME: Final = "@name@"  # stands for the library's name, which is known only when the text is


class Library(Struct, frozen=True):
    """A text as FUNCTION LOAD takes it. Its name ends with a hash of it, so that versions can be side by side."""

    name: str
    text: str


class Script(Struct, frozen=True):
    """A Lua script: `function` of `library`; `text` is the same by itself as EVAL takes it."""

    name: str
    function: str
    library: Library
    text: str


class Part(Struct, frozen=True):
    """One script on its way into a library. It sees KEYS and ARGV."""

    name: str
    once: str  # what it defines for itself, run when the library is loaded
    call: str  # what each call runs
    text: str  # the whole as EVAL takes it


def alone(name: str, source: str, once: str = "") -> Script:
    """A script with a library of its own. `once` is run when it is loaded, `source` at each call."""
    (script,) = library_of("", [Part(name, once, source, once + source)])
    return script


def library_of(shared: str, parts: Iterable[Part]) -> list[Script]:
    """Scripts that share a library, and in it what `shared` defines."""
    parts = list(parts)
    template = f"#!lua name={_NAME}\nlocal KEYS, ARGV\n{shared}{''.join(map(_registered, parts))}"
    # SHA-1 tells texts apart; nothing here relies on it being hard to forge.
    digest = hashlib.sha1(template.encode(), usedforsecurity=False).hexdigest()
    library = Library(f"{PREFIX}{digest[:16]}", template.replace(_NAME, f"{PREFIX}{digest[:16]}"))
    return [Script(part.name, f"{library.name}_{part.name}", library, part.text) for part in parts]


def _registered(part: Part) -> str:
    return (
        f"do\n{part.once}redis.register_function('{_NAME}_{part.name}', function(keys, argv)\n"
        f"KEYS, ARGV = keys, argv\n{part.call}\nend)\nend\n"
    )
