"""A Lua script as the pipeline needs it: its text and the name the server knows it by."""

import hashlib

from msgspec import Struct
from msgspec.structs import force_setattr


class Script(Struct, frozen=True):
    """A Lua script. The server keeps it as a function of its own library and makes what `prelude` defines once.

    `source` is run at each call and sees KEYS and ARGV; what `prelude` says is there before. `function`, the name on
    the server, is computed, whatever is passed in: it ends with a hash of the text, so that two versions of this
    program can run side by side.
    """

    name: str
    source: str
    prelude: str = ""
    function: str = ""

    def __post_init__(self) -> None:
        # SHA-1 tells texts apart; nothing here relies on it being hard to forge.
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        force_setattr(self, "function", f"tl_{self.name}_{digest[:16]}")

    @property
    def text(self) -> str:
        """The whole as EVAL runs it, for servers without functions."""
        return self.prelude + self.source

    @property
    def library(self) -> str:
        """The whole as FUNCTION LOAD takes it. Library and function have the same name."""
        return (
            f"#!lua name={self.function}\nlocal KEYS, ARGV\n{self.prelude}"
            f"redis.register_function('{self.function}', function(keys, argv)\nKEYS, ARGV = keys, argv\n"
            f"{self.source}\nend)\n"
        )
