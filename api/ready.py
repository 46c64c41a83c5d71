"""What `trunkline serve` prints when it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.serve import Ready


def lines(ready: Ready) -> list[str]:
    """The URL, and the two lines of Python that point a Twilio client at it."""
    who = ready.credentials
    if who is None:
        return [
            f"Trunkline is ready at {ready.url}",
            "  All accounts are suspended; make one: trunkline accounts create NAME",
        ]
    if who.token is not None:
        token = f'"{who.token}"'
        note = f"  The token is shown this once; for a new one: trunkline accounts rotate {who.sid}"
    elif who.named:
        token, note = 'os.environ["TRUNKLINE_AUTH_TOKEN"]', ""
    else:
        token, note = (
            '"<its token>"',
            f"  Its token was shown when it was made; for a new one: trunkline accounts rotate {who.sid}",
        )
    shown = [
        f"Trunkline is ready at {ready.url}",
        f'  client = twilio.rest.Client("{who.sid}", {token})',
        f'  client.taskrouter.base_url = "{ready.url}"',
    ]
    return [*shown, note] if note else shown
