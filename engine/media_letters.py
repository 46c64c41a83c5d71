"""Letters: what a media adapter is told, and what its answer says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any, Final

import msgspec
from msgspec import Struct

from engine.live import Live
from engine.media_setups import Held
from engine.model import WorkspaceConfig
from engine.stream import Entry

_decode_held: Final = msgspec.json.Decoder(Held).decode


class Outcome(Enum):
    """What an adapter's answer means."""

    CONFIRMED = auto()  # it is done
    FAILED = auto()  # it will not be done; `reason` says why
    PENDING = auto()  # the adapter reports later
    BROKEN = auto()  # no answer that can be understood: worth another try


class Reply(Struct, frozen=True):
    """An adapter's answer."""

    outcome: Outcome
    reason: str = ""
    task_attributes: dict[str, Any] | None = None  # to be put over the Task's, with CONFIRMED


class Letter(Struct, frozen=True, kw_only=True):
    """One thing to tell one adapter. `setup_sid` is the same in every repetition of it."""

    url: str
    secret: str  # signs it
    kind: str  # setup, send or withdrawn
    setup_sid: str
    attempt: int
    account_sid: str
    workspace_sid: str
    task_sid: str
    reservation_sid: str
    status: str = ""  # withdrawn: how the Reservation ended
    instruction: str = ""  # setup and send, as all that follow
    parameters: dict[str, Any] = {}
    base_url: str = ""  # where the adapter reports to
    respond_by_ms: int = 0  # setup: it has failed when nothing was reported by then
    worker_sid: str = ""
    worker_name: str = ""
    worker_attributes: str = "{}"
    task_attributes: str = "{}"


Deliver = Callable[[Letter], Awaitable[Reply]]


async def letter_of(live: Live, config: WorkspaceConfig, entry: Entry, attempt: int) -> Letter | None:
    """The letter that an entry asks for, of things as they are now; None where there is nothing to tell any more.

    Two round trips. Raises Unavailable.
    """
    if entry.kind == "withdrawn":
        return _withdrawal(config, entry, attempt)
    keys = live.keys(config)
    task, sid = entry.fields["t"], entry.fields["r"]
    packed, stored, attributes = await live.ask("HMGET", keys.task(task), sid, f"i:{sid}", "attrs")
    if packed is None or (entry.kind == "setup" and b"|h|" not in packed):
        return None  # the Reservation is gone, or not held any more
    if entry.kind == "setup":
        setup, deadline, text = unpacked(stored.decode())
    else:
        setup, deadline, text = entry.fields["u"], 0, entry.fields["j"]
    held = _decode_held(text)
    worker = packed.split(b"|")[1].decode()
    name, of_worker = await live.ask("HMGET", keys.worker(worker), "name", "attrs")
    return Letter(
        **_begun(config, entry, attempt),
        setup_sid=setup,
        instruction=held.instruction,
        parameters=held.parameters,
        base_url=held.base_url,
        respond_by_ms=deadline,
        worker_sid=worker,
        worker_name="" if name is None else name.decode(),
        worker_attributes="{}" if of_worker is None else of_worker.decode(),
        task_attributes=attributes.decode(),
    )


def withdrawal(letter: Letter, status: str) -> Letter:
    """Tells the adapter of a setup that it confirmed too late."""
    return msgspec.structs.replace(letter, kind="withdrawn", status=status, instruction="", parameters={})


def unpacked(stored: str) -> tuple[str, int, str]:
    """Setup SID, deadline in ms and instruction from the field `i:<WR>`, see lua/lib/keys.lua."""
    setup, deadline, text = stored.split("|", 2)
    return setup, int(deadline), text


def _withdrawal(config: WorkspaceConfig, entry: Entry, attempt: int) -> Letter:
    setup, _, _ = unpacked(entry.fields["i"])
    return Letter(**_begun(config, entry, attempt), setup_sid=setup, status=entry.fields["s"])


def _begun(config: WorkspaceConfig, entry: Entry, attempt: int) -> dict[str, Any]:
    workspace = config.workspace
    return {
        "url": workspace.media_adapter_url,
        "secret": workspace.media_adapter_secret,
        "kind": entry.kind,
        "attempt": attempt,
        "account_sid": workspace.account_sid,
        "workspace_sid": workspace.sid,
        "task_sid": entry.fields["t"],
        "reservation_sid": entry.fields["r"],
    }
