"""A media adapter of a few lines, as an HTTP server in a thread, for tests of the whole way."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.clients.site import until


class AdapterServer:
    """Remembers what it was told, by setup SID; answers with `status` and `answer`."""

    def __init__(self) -> None:
        self.url = ""
        self.forget()

    def forget(self) -> None:
        """As new: nothing was told, everything is confirmed, no signature is checked."""
        self.told: list[dict[str, Any]] = []
        self.secret, self.status, self.answer = "", 200, json.dumps({"outcome": "confirmed"})
        self.badly_signed = 0

    def take(self, signature: str, body: bytes) -> None:
        t, _, v1 = signature.partition(",v1=")
        digest = hmac.new(self.secret.encode(), t.removeprefix("t=").encode() + b"." + body, sha256)
        if not hmac.compare_digest(digest.hexdigest(), v1):
            self.badly_signed += 1
        self.told.append(json.loads(body))

    def about(self, reservation: str, kind: str = "setup") -> dict[str, Any]:
        """What was told about a Reservation, once it was."""

        def look() -> dict[str, Any] | None:
            found = (t for t in self.told if (t["reservation_sid"], t["kind"]) == (reservation, kind))
            return next(found, None)

        return until(look)


@contextmanager
def running_adapter() -> Iterator[AdapterServer]:
    adapter = AdapterServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            adapter.take(self.headers["X-Trunkline-Signature"], body)
            answer = adapter.answer.encode()
            self.send_response(adapter.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="adapter", daemon=True)
    thread.start()
    try:
        adapter.url = f"http://127.0.0.1:{server.server_port}/told"
        yield adapter
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
