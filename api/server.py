"""The HTTP server: uvicorn with our protocol, and what a process that serves does about garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from api.listen import BACKLOG
from api.protocol import Protocol

if TYPE_CHECKING:
    from litestar.types import ASGIApp

GRACE_S: Final = 3  # for open requests at the end; a script call is given up after 2 s
KEEP_ALIVE_S: Final = 75  # longer than the 60 s of common load balancers, so that they close first

# New objects until the collector looks for cycles. By default 700, which the requests of 64 busy connections pass again
# and again while all of them are still needed: 9 % of a create's CPU, and the p99 of its time doubled. Cycles are made
# by errors only, some kB each.
GARBAGE: Final = 20_000


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: its process has its own, and must still close the engine."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_of(app: ASGIApp, *, grace_s: int = GRACE_S) -> Server:
    """A server for this app, to be served on sockets. At its end open requests have `grace_s` seconds."""
    return Server(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",  # the engine's life is not the app's
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # api/proxies.py reads them, from those who are believed
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=grace_s,
            backlog=BACKLOG,
        )
    )


def spare_the_collector() -> None:
    """Have the garbage collector look less often, and never again at what was made by now: modules and the app."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 10, 10)
