"""Runs a deployment for tests: a Redis server in a folder, the rest in a thread with its own event loop.

A third server, without a door, allows callback URLs inside private networks: through it a test can name a media adapter
and callbacks of its own. The relays may reach them.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import uvloop
from msgspec import Struct

from api.adapter import AdapterClient
from api.app import build
from api.callback_client import CallbackClient
from api.server import Server, server_of
from engine.redis import EmbeddedServer, Pipeline, RedisURL, connect
from engine.relay import Relay
from engine.router import Engine

START_S = 20.0  # until the thread gives up; a start takes 0.3
STOP_S = 10.0  # for matcher and relay to finish what they do; a blocking read takes 1
DOOR, LITESTAR, OPEN = "door", "litestar", "open"
DOORS = (DOOR, LITESTAR)
SECRET = "5" * 32  # of the deployment: what one of its servers seals, the others open


class Stack(Struct):
    """What a test needs to reach the deployment."""

    urls: dict[bool, str]  # by whether the door is in front
    open_url: str  # the server that allows private callback URLs
    credentials: tuple[str, str]
    stranger: tuple[str, str]  # another Account
    redis_url: str  # where a test makes, suspends and rotates credentials of its own
    engine: Engine  # runs in a thread of its own: only for what may be set from outside


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """A deployment whose server keeps its data in `folder`, until the end of the block."""
    sockets = {name: _listening() for name in (*DOORS, OPEN)}
    ready: list[Stack] = []
    up, stop = threading.Event(), threading.Event()
    with EmbeddedServer(folder, durability="everysec") as redis:
        failed: list[BaseException] = []

        def run() -> None:
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(_serve(redis.url, sockets, ready, up, stop))
            except BaseException as error:
                failed.append(error)
                up.set()

        thread = threading.Thread(target=run, name="stack")
        thread.start()
        try:
            assert up.wait(START_S), "the deployment did not start"
            if failed:
                raise failed[0]
            yield ready[0]
        finally:
            stop.set()
            thread.join()
            for listening in sockets.values():
                listening.close()
        if failed:
            raise failed[0]


def _listening() -> socket.socket:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    return listening


async def _serve(
    redis_url: str,
    sockets: dict[str, socket.socket],
    ready: list[Stack],
    up: threading.Event,
    stop: threading.Event,
) -> None:
    async with AsyncExitStack() as stack:
        redis = connect(redis_url)
        stack.push_async_callback(redis.aclose)
        url = RedisURL.parse(redis_url)
        pipeline = await stack.enter_async_context(Pipeline(url))
        reader = await stack.enter_async_context(Pipeline(url, deadline_s=3.0))
        relay_reader = await stack.enter_async_context(Pipeline(url, deadline_s=3.0))
        events_reader = await stack.enter_async_context(Pipeline(url, deadline_s=3.0))
        assignment_reader = await stack.enter_async_context(Pipeline(url, deadline_s=3.0))
        callback_reader = await stack.enter_async_context(Pipeline(url, deadline_s=3.0))
        client = await stack.enter_async_context(AdapterClient(private=True))
        callbacks = await stack.enter_async_context(CallbackClient(private=True))
        engine = Engine(pipeline, redis)
        owner, token = await engine.accounts.create("owner")
        other, secret = await engine.accounts.create("other")
        matcher = engine.matcher("tests", reader=reader)
        relays: list[Relay] = [
            engine.media_relay("tests", client.deliver, reader=relay_reader),
            engine.assignment_relay(
                "tests", callbacks.assign, base_url="", refused=lambda _: "", reader=assignment_reader
            ),
            engine.event_relay("tests", callbacks.tell, reader=callback_reader),
        ]
        chronicle = engine.chronicle(reader=events_reader)
        await matcher.start()
        for relay in relays:
            await relay.start()
        servers = {name: _server(engine, door=name == DOOR, private=name == OPEN) for name in sockets}
        async with asyncio.TaskGroup() as group:
            matching = group.create_task(matcher.run())
            relaying = [group.create_task(relay.run()) for relay in relays]
            logging = group.create_task(chronicle.run())
            for name, listening in sockets.items():
                group.create_task(servers[name].serve(sockets=[listening]))
            urls = {name: f"http://127.0.0.1:{s.getsockname()[1]}" for name, s in sockets.items()}
            doors = {name == DOOR: urls[name] for name in DOORS}
            ready.append(Stack(doors, urls[OPEN], (owner.sid, token), (other.sid, secret), redis_url, engine))
            up.set()
            await asyncio.to_thread(stop.wait)
            for server in servers.values():
                server.should_exit = True
            matcher.stop()
            for relay in relays:
                relay.stop()
            chronicle.stop()
            async with asyncio.timeout(STOP_S):
                await asyncio.gather(matching, *relaying, logging)


def _server(engine: Engine, *, door: bool, private: bool) -> Server:
    app = build(engine, ready=lambda: [], door=door, allow_private_callbacks=private, secret=SECRET)
    return server_of(app, grace_s=1)
