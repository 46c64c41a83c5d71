"""Everything between this program and its Redis server.

`Pipeline` carries script calls and stream reads; `connect` gives a redis-py client for everything
ordinary; `check_server` refuses a server that would break the guarantees; `EmbeddedServer` runs one.
"""

from engine.redis.embedded import LOAD_TIMEOUT_S, EmbeddedServer
from engine.redis.errors import (
    ConnectionLost,
    DeadlineExceeded,
    EmbeddedServerError,
    NotSent,
    Overloaded,
    PipelineError,
    ServerError,
    ServerLoading,
    ServerRefused,
    ServerUnreachable,
    WeakDurability,
)
from engine.redis.pipeline import Pipeline
from engine.redis.script import Script, alone
from engine.redis.server import ServerFacts, check_server, connect, unreachable
from engine.redis.url import RedisURL

__all__ = [
    "LOAD_TIMEOUT_S",
    "ConnectionLost",
    "DeadlineExceeded",
    "EmbeddedServer",
    "EmbeddedServerError",
    "NotSent",
    "Overloaded",
    "Pipeline",
    "PipelineError",
    "RedisURL",
    "Script",
    "ServerError",
    "ServerFacts",
    "ServerLoading",
    "ServerRefused",
    "ServerUnreachable",
    "WeakDurability",
    "alone",
    "check_server",
    "connect",
    "unreachable",
]
