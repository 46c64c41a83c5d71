"""The pipeline when the server fails: lost connections, silence, refusals, nonsense, slow readers."""

import asyncio
import logging
from pathlib import Path

import pytest
from hostile_server import Clock, Peer, Story, accepting, hostile, on_both_loops, pipeline, until

from engine.redis import (
    ConnectionLost,
    DeadlineExceeded,
    NotSent,
    Overloaded,
    Pipeline,
    PipelineError,
    RedisURL,
    ServerError,
)
from engine.redis.pipeline import backoff_s

BIG = b"x" * 100_000  # three of them are more than a socket and a transport take without a reader


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def cutting_after(commands: int, reply: bytes = b"") -> Story:
    async def story(peer: Peer) -> None:
        await peer.welcome()
        for _ in range(commands):
            await peer.command()
        peer.say(reply)

    return story


async def silent(peer: Peer) -> None:
    await peer.welcome()
    await peer.gone()


async def outcomes(futures: list[asyncio.Future[object]]) -> list[object]:
    return await asyncio.gather(*futures, return_exceptions=True)


@on_both_loops
async def test_a_cut_connection_answers_everybody_and_repeats_nothing(path: Path) -> None:
    story = cutting_after(3, b"+a\r\n$4\r\nha")  # one whole reply, half of another, nothing
    async with hostile(path, story, accepting) as server, pipeline(path) as p:
        futures = [p.send("ECHO", n) for n in range(3)]
        first, *rest = await outcomes(futures)
        assert first == b"a"
        assert [type(error) for error in rest] == [ConnectionLost, ConnectionLost]
        assert await p.call("ECHO", "next") == b"next"
        assert p.connects == 2
    assert [words[-1] for words in server.peers[1].commands[1:]] == [b"next"]


@on_both_loops
async def test_a_clean_close_by_the_server_counts_as_lost_too(path: Path) -> None:
    async def story(peer: Peer) -> None:
        await peer.welcome()
        await peer.command()
        peer._writer.write_eof()
        await peer.gone()

    async with hostile(path, story, accepting), pipeline(path) as p:
        with pytest.raises(ConnectionLost, match="closed the connection; whether the call ran is unknown"):
            await p.call("INCR", "n")


@on_both_loops
async def test_a_call_cancelled_before_the_cut_stays_cancelled(path: Path) -> None:
    may_cut = asyncio.Event()

    async def story(peer: Peer) -> None:
        await peer.welcome()
        await may_cut.wait()
        peer.cut()

    async with hostile(path, story, accepting), pipeline(path) as p:
        cancelled, lost = p.send("ECHO", 1), p.send("ECHO", 2)
        await asyncio.sleep(0)
        cancelled.cancel()
        may_cut.set()
        with pytest.raises(ConnectionLost):
            await lost
        assert cancelled.cancelled()


@on_both_loops
async def test_calls_wait_for_a_server_that_is_not_there_yet(path: Path) -> None:
    async with pipeline(path) as p:
        assert not p.connected
        assert "No such file" in p.last_error
        future = p.send("ECHO", "early")
        assert p.in_flight == 1
        async with hostile(path, accepting):
            assert await future == b"early"
            assert p.connected
            await p.stop()


@on_both_loops
async def test_a_call_that_found_no_connection_by_its_deadline_was_not_sent(path: Path) -> None:
    clock = Clock()
    async with pipeline(path, clock=clock) as p:
        early = p.send("ECHO", "early")
        given_up = p.send("ECHO", "given up")
        given_up.cancel()
        clock.now_s += 1.5
        late = p.send("ECHO", "late")
        clock.now_s += 0.5
        p.sweep()
        with pytest.raises(NotSent, match=r"no connection in 2\.0 s: .*No such file.*; nothing was sent"):
            await early
        assert not late.done()
        async with hostile(path, accepting) as server:
            assert await late == b"late"
            assert [words[-1] for words in server.peers[0].commands[1:]] == [b"late"]
            await p.stop()


@on_both_loops
async def test_stopping_without_a_connection_does_not_wait(path: Path) -> None:
    p = pipeline(path)
    await p.start()
    future = p.send("ECHO", "never")
    await p.stop()
    with pytest.raises(NotSent, match="stopped"):
        await future


@on_both_loops
async def test_stopping_while_connecting_closes_the_half_open_connection(path: Path) -> None:
    async def mute(peer: Peer) -> None:
        await peer.gone()

    async with hostile(path, mute) as server, asyncio.TaskGroup() as group:
        p = pipeline(path)
        starting = group.create_task(p.start())
        await until(lambda: server.peers)
        await p.stop()
        await starting
        assert not p.connected


@on_both_loops
async def test_an_overdue_call_fails_and_its_late_reply_goes_to_nobody(path: Path) -> None:
    clock, may_answer = Clock(), asyncio.Event()

    async def story(peer: Peer) -> None:
        await peer.welcome()
        await peer.command()
        peer.say(b"+first\r\n")
        words = [(await peer.command())[-1] for _ in range(2)]
        await may_answer.wait()
        peer.say(b"".join(b"+%s\r\n" % word for word in words))
        await peer.gone()

    async with hostile(path, story), pipeline(path, clock=clock) as p:
        first, slow = p.send("ECHO", "first"), p.send("ECHO", "slow")
        clock.now_s += 1.0
        assert await first == b"first"  # read one second later: the connection is alive
        young = p.send("ECHO", "young")
        clock.now_s += 1.0
        p.sweep()
        p.sweep()  # what has failed stays failed, and is not failed twice
        with pytest.raises(DeadlineExceeded, match=r"2\.0 s"):
            await slow
        assert not young.done()
        may_answer.set()
        assert await young == b"young"
        assert p.connects == 1


@on_both_loops
async def test_a_silent_connection_is_replaced(path: Path) -> None:
    clock = Clock()
    async with hostile(path, silent, accepting) as server, pipeline(path, clock=clock) as p:
        overdue = p.send("INCR", "n")
        await until(lambda: len(server.peers[0].commands) == 1)
        clock.now_s += 1.0
        young = p.send("INCR", "n")
        await asyncio.sleep(0)
        clock.now_s += 1.0
        p.sweep()
        with pytest.raises(DeadlineExceeded):
            await overdue
        with pytest.raises(ConnectionLost, match=r"sent nothing for 2\.0 s"):
            await young
        assert (p.connected, p.in_flight) == (False, 0)
        assert await p.call("ECHO", "again") == b"again"
    assert [words[-1] for words in server.peers[1].commands[1:]] == [b"again"]


@on_both_loops
async def test_a_connection_that_still_answers_others_is_kept_until_it_falls_silent(path: Path) -> None:
    clock = Clock()
    async with hostile(path, cutting_after(0), silent) as server, pipeline(path, clock=clock) as p:
        await until(lambda: p.connects == 2)
        overdue = p.send("INCR", "n")
        await asyncio.sleep(0)
        clock.now_s += 0.5
        server.peers[1].say(b"*1\r\n$9\r\nhalf a ")  # alive, but slow
        connection = p._connection
        assert connection is not None
        await until(lambda: connection.last_read_s == clock.now_s)
        clock.now_s += 1.5
        p.sweep()
        assert isinstance(overdue.exception(), DeadlineExceeded)
        assert p.connected
        clock.now_s += 0.5
        p.sweep()
        assert not p.connected


@on_both_loops
async def test_the_timer_finds_overdue_calls_by_itself(path: Path) -> None:
    async with hostile(path, silent), pipeline(path, deadline_s=0.03) as p:
        for _ in range(2):
            with pytest.raises(DeadlineExceeded):
                await p.call("INCR", "n")


@on_both_loops
async def test_the_timer_rests_when_all_is_answered_and_watches_the_queue_too(path: Path) -> None:
    async with pipeline(path, deadline_s=0.03) as p:
        async with hostile(path, accepting):
            await until(lambda: p.connected)
            for n in range(3):
                assert await p.call("ECHO", n) == b"%d" % n
            await until(lambda: p._timer is None)
        with pytest.raises(NotSent):
            await p.call("ECHO", "the server is gone")


@on_both_loops
async def test_a_process_that_stood_still_reads_before_it_judges(path: Path) -> None:
    clock, may_answer = Clock(), asyncio.Event()

    async def story(peer: Peer) -> None:
        await peer.welcome()
        await peer.command()
        await may_answer.wait()
        await peer.echo()

    async with hostile(path, story) as server, pipeline(path, clock=clock, deadline_s=0.03) as p:
        answered, unanswered = p.send("ECHO", 1), p.send("ECHO", 2)
        await until(lambda: len(server.peers[0].commands) == 2)
        clock.now_s += 10  # the timer comes up after 30 ms of real time and sees that it is 10 s late
        await until(lambda: p._stalled)
        assert not answered.done()
        clock.now_s += 10  # late again: now somebody has to be told
        with pytest.raises(DeadlineExceeded):
            await answered
        assert isinstance(unanswered.exception(), DeadlineExceeded)
        assert not p._stalled


@on_both_loops
async def test_a_process_that_never_keeps_up_still_tells_its_callers(path: Path) -> None:
    class Hasty(Clock):
        def __call__(self) -> float:
            self.now_s += 0.2  # between any two looks at the clock: every timer is late
            return self.now_s

    async with hostile(path, silent), pipeline(path, clock=Hasty(), deadline_s=0.03) as p:
        with pytest.raises(DeadlineExceeded):
            await p.call("INCR", "n")


@on_both_loops
async def test_calls_wait_while_the_server_does_not_read_and_are_refused_at_the_bound(path: Path) -> None:
    may_read = asyncio.Event()

    async def story(peer: Peer) -> None:
        await peer.welcome()
        await may_read.wait()
        while True:
            peer.say(b":%d\r\n" % len((await peer.command())[-1]))

    async with hostile(path, story), pipeline(path, max_in_flight=100) as p:
        futures = []
        for n in range(100):
            futures.append(p.send("SET", "k", BIG[n:]))
            await asyncio.sleep(0)
        assert p._connection is not None
        assert p._connection.paused
        assert len(p._connection.sent) < 50  # the rest can still be given up without a trace
        with pytest.raises(Overloaded, match="100"):
            p.send("SET", "k", "v")
        assert p.in_flight == 100
        futures[98].cancel()
        may_read.set()
        sizes = await outcomes(futures)
        assert sizes[:98] == [len(BIG) - n for n in range(98)]
        assert p.in_flight == 0
        assert await p.call("SET", "k", "v") == 1


@on_both_loops
async def test_what_back_pressure_held_back_goes_to_the_next_connection(path: Path) -> None:
    may_cut = asyncio.Event()

    async def story(peer: Peer) -> None:
        await peer.welcome()
        await may_cut.wait()
        peer.cut()

    async with hostile(path, story, accepting) as server, pipeline(path) as p:
        futures = []
        for n in range(60):
            futures.append(p.send("SET", BIG, n))
            await asyncio.sleep(0)
        may_cut.set()
        results = await outcomes(futures)
        lost = [n for n, result in enumerate(results) if isinstance(result, ConnectionLost)]
        assert lost == list(range(len(lost)))
        assert 0 < len(lost) < 60
        assert results[len(lost) :] == [b"%d" % n for n in range(len(lost), 60)]
    assert [int(words[-1]) for words in server.peers[1].commands[1:]] == list(range(len(lost), 60))


@on_both_loops
async def test_many_calls_of_one_turn_are_written_in_bounded_batches(path: Path) -> None:
    async with hostile(path, accepting), pipeline(path) as p:
        futures = [p.send("ECHO", n) for n in range(2500)]
        assert await outcomes(futures) == [b"%d" % n for n in range(2500)]


@on_both_loops
async def test_being_overloaded_or_not_sent_is_safe_to_repeat(path: Path) -> None:
    assert issubclass(Overloaded, NotSent)
    assert not any(issubclass(error, NotSent) for error in (ConnectionLost, DeadlineExceeded, ServerError))
    assert all(issubclass(error, PipelineError) for error in (NotSent, ConnectionLost, DeadlineExceeded))


@pytest.mark.parametrize("nonsense", [b"hello\r\n", b"$x\r\n", b"+one too many\r\n+really\r\n"])
@on_both_loops
async def test_nonsense_from_the_server_ends_the_connection(path: Path, nonsense: bytes) -> None:
    async def story(peer: Peer) -> None:
        await peer.welcome()
        await peer.command()
        peer.say(nonsense)
        await peer.gone()

    async with hostile(path, story, accepting), pipeline(path) as p:
        futures = [p.send("ECHO", "x")]
        (result,) = await outcomes(futures)
        assert isinstance(result, ConnectionLost) == (nonsense[:1] != b"+")
        await until(lambda: p.connects == 2)
        assert "server sent" in p.last_error
        assert await p.call("ECHO", "well") == b"well"


@on_both_loops
async def test_nothing_is_read_from_a_connection_after_its_end(path: Path) -> None:
    async with hostile(path, accepting), pipeline(path) as p:
        connection = p._connection
        assert connection is not None
        connection.drop("test")
        connection.drop("again")
        connection.data_received(b"+late\r\n")
        assert connection.end_reason == "test"
        assert await p.call("ECHO", "next") == b"next"


async def refusing(peer: Peer) -> None:
    words = await peer.command()
    assert words[0] == b"AUTH"
    peer.say(b"-WRONGPASS invalid username-password pair\r\n" + b"-NOAUTH Authentication required.\r\n" * 2)
    await peer.gone()


@on_both_loops
async def test_a_refused_log_in_is_told_to_the_callers_and_tried_again(path: Path) -> None:
    clock = Clock()
    url = RedisURL(path=str(path), password="old", db=1)
    async with (
        hostile(path, refusing, refusing, accepting) as server,
        Pipeline(url, clock=clock, random=lambda: 0.0) as p,
    ):
        assert not p.connected
        assert "WRONGPASS" in p.last_error
        assert await p.call("ECHO", "in") == b"in"
    assert len(server.peers) == 3
    assert [words[0] for words in server.peers[2].commands] == [b"AUTH", b"SELECT", b"CLIENT", b"ECHO"]


@on_both_loops
async def test_a_server_that_forbids_naming_connections_is_used_without(path: Path) -> None:
    async def story(peer: Peer) -> None:
        assert (await peer.command())[1] == b"SETNAME"
        peer.say(b"-NOPERM no permission for 'client|setname'\r\n")
        await peer.echo()

    async with hostile(path, story), pipeline(path) as p:
        assert p.connected
        assert await p.call("ECHO", "x") == b"x"


@on_both_loops
async def test_a_server_that_cuts_during_log_in_is_tried_again(path: Path) -> None:
    async def story(peer: Peer) -> None:
        await peer.command()

    async with hostile(path, story, accepting), pipeline(path) as p:
        assert not p.connected
        assert "closed" in p.last_error or "broke" in p.last_error
        assert await p.call("ECHO", "x") == b"x"
        assert p.connects == 1


@on_both_loops
async def test_a_server_that_accepts_and_says_nothing_is_given_up(path: Path) -> None:
    async def mute(peer: Peer) -> None:
        await peer.gone()

    async with hostile(path, mute, accepting), pipeline(path, connect_timeout_s=0.03) as p:
        assert not p.connected
        assert p.last_error == "no connection in 0.03 s"
        assert await p.call("ECHO", "x") == b"x"


@on_both_loops
async def test_tcp_is_spoken_as_well() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        await peer.welcome()
        await peer.command()
        peer.say(b"+PONG\r\n")
        await peer.gone()
        writer.transport.abort()
        await writer.wait_closed()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with Pipeline(RedisURL.parse(f"redis://127.0.0.1:{port}")) as p:
        assert await p.call("PING") == b"PONG"
    listener.close()
    await listener.wait_closed()


@on_both_loops
async def test_an_outage_is_one_line_in_the_log(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    draws: list[float] = []

    def draw() -> float:
        draws.append(0.0)
        return 0.0

    with caplog.at_level(logging.INFO, "engine.redis"):
        async with Pipeline(RedisURL(path=str(path), password="secret"), random=draw) as p:
            await until(lambda: len(draws) > 5)
            async with hostile(path, accepting):
                await until(lambda: p.connected)
                await p.stop()
    away, back, *_ = [record.getMessage() for record in caplog.records]
    assert away.startswith("not connected to unix://")
    assert back.startswith("connected to unix://")
    assert "secret" not in caplog.text


@on_both_loops
async def test_a_short_lived_connection_counts_as_a_failed_attempt(path: Path) -> None:
    clock, waits = Clock(), []

    async def lasting(peer: Peer) -> None:
        await peer.welcome()
        await peer.command()
        clock.now_s += 60

    class Fraction(float):
        """A random draw that notes what it is multiplied with: the longest wait."""

        def __mul__(self, cap: float) -> float:
            waits.append(cap)
            return 0.0

    stories = [cutting_after(0)] * 9 + [lasting, cutting_after(0), accepting]
    async with (
        hostile(path, *stories),
        Pipeline(RedisURL(path=str(path)), clock=clock, random=lambda: Fraction()) as p,
    ):
        await until(lambda: p.connects == 10)
        await asyncio.gather(p.call("ECHO", 1), return_exceptions=True)
        await until(lambda: p.connects == 12)
    assert waits[:8] == [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0]
    assert waits[8:11] == [1.0, 0.01, 0.02]


def test_the_wait_before_an_attempt_is_random_up_to_a_growing_cap() -> None:
    assert [backoff_s(n, 0.5) for n in (1, 2, 7, 8, 10_000)] == [0.005, 0.01, 0.32, 0.5, 0.5]
    assert backoff_s(3, 0.0) == 0.0


@on_both_loops
async def test_a_bug_in_the_connection_loop_is_not_hidden(path: Path) -> None:
    async with hostile(path, accepting):
        p = Pipeline(RedisURL(path=str(path)), random=lambda: 1 / 0)
        await p.start()
        assert p._connection is not None
        p._connection.drop("test")
        assert p._runner is not None
        await until(p._runner.done)
        with pytest.raises(ZeroDivisionError):
            await p.stop()
