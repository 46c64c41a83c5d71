"""A Lua script as the pipeline needs it: its text and the name the server knows it by."""

import hashlib

from msgspec import Struct
from msgspec.structs import force_setattr


class Script(Struct, frozen=True):
    """A Lua script. `sha` (hexadecimal SHA-1 of the source) is computed; what is passed in is ignored."""

    name: str
    source: str
    sha: str = ""

    def __post_init__(self) -> None:
        # SHA-1 is what EVALSHA names a script by; nothing here relies on it being hard to forge.
        force_setattr(self, "sha", hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest())
