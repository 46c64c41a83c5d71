"""The pipeline while the server answers: replies, errors, gathering, cancelling, scripts, log-in."""

import asyncio
import re
from pathlib import Path

import pytest
from hostile_server import Clock, Peer, Story, accepting, hostile, on_both_loops, pipeline, until

from engine.redis import DeadlineExceeded, NotSent, Pipeline, RedisURL, ServerError, alone

SCRIPT = alone(name="pair", source="return {KEYS[1], ARGV[1]}")
NO_FUNCTION = b"-ERR Function not found\r\n"


def answering(*replies: bytes) -> Story:
    """A story: one fixed reply for each command, then silence."""

    async def story(peer: Peer) -> None:
        await peer.welcome()
        for reply in replies:
            await peer.command()
            peer.say(reply)
        await peer.gone()

    return story


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


@on_both_loops
async def test_replies_keep_their_types(path: Path) -> None:
    replies = [b"+OK\r\n", b"$3\r\n\x00\xff\n\r\n", b":-7\r\n", b"$-1\r\n", b"*2\r\n:1\r\n*1\r\n$1\r\nx\r\n"]
    async with hostile(path, answering(*replies)), pipeline(path) as p:
        got = await asyncio.gather(*[p.call("GET", n) for n in range(len(replies))])
    assert got == [b"OK", b"\x00\xff\n", -7, None, [1, [b"x"]]]


@on_both_loops
async def test_arguments_reach_the_server_unchanged(path: Path) -> None:
    async with hostile(path, accepting) as server, pipeline(path) as p:
        await p.call("SET", b"\x00\r\n", "é", 17, -1.5)
    assert server.peers[0].commands[-1] == [b"SET", b"\x00\r\n", "é".encode(), b"17", b"-1.5"]


@on_both_loops
async def test_an_argument_of_a_wrong_type_is_refused_before_anything_is_sent(path: Path) -> None:
    async with hostile(path, accepting), pipeline(path) as p:
        with pytest.raises(TypeError):
            p.send("SET", "k", None)  # type: ignore[arg-type]
        assert p.in_flight == 0
        assert await p.call("ECHO", "still well") == b"still well"


@on_both_loops
async def test_an_error_reply_is_raised_with_its_code(path: Path) -> None:
    story = answering(b"-OOM command not allowed\r\n", b"-ERR \xff\r\n", b"-\r\n", b"+OK\r\n")
    async with hostile(path, story), pipeline(path) as p:
        with pytest.raises(ServerError) as caught:
            await p.call("SET", "k", "v")
        assert (caught.value.code, caught.value.message) == ("OOM", "OOM command not allowed")
        for code in ("ERR", ""):
            with pytest.raises(ServerError) as caught:
                await p.call("SET", "k", "v")
            assert caught.value.code == code
        assert await p.call("PING") == b"OK"


@on_both_loops
async def test_an_error_inside_a_list_stays_in_the_list(path: Path) -> None:
    async with hostile(path, answering(b"*2\r\n-ERR inner\r\n:1\r\n")), pipeline(path) as p:
        error, one = await p.call("EXEC")
    assert isinstance(error, ServerError)
    assert (error.message, one) == ("ERR inner", 1)


@on_both_loops
async def test_a_reply_in_many_pieces_is_put_together(path: Path) -> None:
    next_byte = asyncio.Event()

    async def story(peer: Peer) -> None:
        await peer.welcome()
        await peer.command()
        for byte in b"$5\r\nhello\r\n":
            peer.say(bytes([byte]))
            await next_byte.wait()
            next_byte.clear()
        await peer.gone()

    async with hostile(path, story), pipeline(path) as p:
        future = p.send("GET", "k")
        while not future.done():
            next_byte.set()
            await asyncio.sleep(0)
        assert future.result() == b"hello"


@on_both_loops
async def test_calls_of_one_turn_leave_in_one_write(path: Path) -> None:
    async with hostile(path, accepting) as server, pipeline(path) as p:
        futures = [p.send("ECHO", n) for n in range(64)]
        before = len(server.peers[0].reads)
        assert await asyncio.gather(*futures) == [b"%d" % n for n in range(64)]
        assert len(server.peers[0].reads) - before == 1
        assert p.in_flight == 0


@on_both_loops
async def test_a_cancelled_call_leaves_the_others_their_own_replies(path: Path) -> None:
    may_answer = asyncio.Event()

    async def story(peer: Peer) -> None:
        await peer.welcome()
        words = [(await peer.command())[-1] for _ in range(9)]
        await may_answer.wait()
        peer.say(b"".join(b"-ERR six\r\n" if word == b"6" else b"+%s\r\n" % word for word in words))
        await peer.gone()

    async with hostile(path, story) as server, pipeline(path) as p:
        futures = [p.send("ECHO", n) for n in range(9)]
        await until(lambda: len(server.peers[0].commands) == 10)
        for future in futures[::3]:
            future.cancel()
        assert p.in_flight == 9
        may_answer.set()
        for n, future in enumerate(futures):
            if n % 3:
                assert await future == b"%d" % n
        await until(lambda: p.in_flight == 0)
        assert all(future.cancelled() for future in futures[::3])


@on_both_loops
async def test_a_call_cancelled_in_the_turn_it_was_made_is_never_sent(path: Path) -> None:
    async with hostile(path, accepting) as server, pipeline(path) as p:
        p.send("ECHO", "alone").cancel()
        await asyncio.sleep(0)
        assert p.in_flight == 0
        p.send("ECHO", "unwanted").cancel()
        assert await p.call("ECHO", "wanted") == b"wanted"
    assert [words[-1] for words in server.peers[0].commands[1:]] == [b"wanted"]


@on_both_loops
async def test_a_known_script_is_one_round_trip(path: Path) -> None:
    async with hostile(path, answering(b":5\r\n")) as server, pipeline(path) as p:
        assert await p.script(SCRIPT, ["k"], [1, b"a"]) == 5
    assert server.peers[0].commands[1:] == [[b"FCALL", SCRIPT.function.encode(), b"1", b"k", b"1", b"a"]]


def test_names_on_the_server_tell_versions_apart() -> None:
    versions = [alone("one", "return 1"), alone("one", "return 2"), alone("one", "return 1", "local n = 1\n")]
    assert len({script.function for script in versions}) == 3
    for script in versions:
        assert re.fullmatch(r"tl_[0-9a-f]{16}", script.library.name)
        assert script.function == f"{script.library.name}_one"
        assert script.library.text.startswith(f"#!lua name={script.library.name}\n")


async def forgetful(peer: Peer) -> None:
    """Knows no script until it is loaded."""
    await peer.welcome()
    known: set[bytes] = set()
    while True:
        words = await peer.command()
        if words[0] == b"FUNCTION":
            known.add(SCRIPT.function.encode())
            peer.say(b"+loaded\r\n")
        else:
            peer.say(b"+%s\r\n" % words[-1] if words[1] in known else NO_FUNCTION)


@on_both_loops
async def test_an_unknown_script_is_loaded_once_for_all_callers(path: Path) -> None:
    async with hostile(path, forgetful) as server, pipeline(path) as p:
        assert await asyncio.gather(*[p.script(SCRIPT, [], [n]) for n in range(5)]) == [
            b"%d" % n for n in range(5)
        ]
    loads = [words for words in server.peers[0].commands if words[0] == b"FUNCTION"]
    assert loads == [[b"FUNCTION", b"LOAD", b"REPLACE", SCRIPT.library.text.encode()]]
    assert p._loading == {}


@on_both_loops
async def test_a_script_still_unknown_after_loading_is_reported_not_retried(path: Path) -> None:
    story = answering(NO_FUNCTION, b"+loaded\r\n", NO_FUNCTION)
    async with hostile(path, story) as server, pipeline(path) as p:
        with pytest.raises(ServerError, match="not found"):
            await p.script(SCRIPT, [], [])
    assert len(server.peers[0].commands) == 4


@on_both_loops
async def test_a_script_that_cannot_be_loaded_gives_the_servers_reason(path: Path) -> None:
    story = answering(NO_FUNCTION, b"-ERR Error compiling function\r\n")
    async with hostile(path, story) as server, pipeline(path) as p:
        with pytest.raises(ServerError, match="compiling"):
            await p.script(SCRIPT, [], [])
    assert len(server.peers[0].commands) == 3


@on_both_loops
async def test_a_scripts_own_error_is_not_taken_for_an_unknown_script(path: Path) -> None:
    async with hostile(path, answering(b"-ERR user_function:1: its own\r\n")) as server, pipeline(path) as p:
        with pytest.raises(ServerError, match="its own"):
            await p.script(SCRIPT, [], [])
    assert len(server.peers[0].commands) == 2


@on_both_loops
async def test_loading_and_repeating_share_the_deadline_of_the_call(path: Path) -> None:
    clock, may_answer = Clock(), asyncio.Event()

    async def story(peer: Peer) -> None:
        await peer.welcome()
        await peer.command()
        await may_answer.wait()
        peer.say(NO_FUNCTION)
        await peer.gone()

    async with hostile(path, story), pipeline(path, clock=clock) as p:

        async def pass_time() -> None:
            await until(lambda: p.in_flight)
            clock.now_s += 1.99  # 10 ms are left of the 2 s, for the load that is never answered
            may_answer.set()

        with pytest.raises(DeadlineExceeded, match="pair"):
            await asyncio.gather(p.script(SCRIPT, [], []), pass_time())
        clock.now_s += 10  # so that stopping does not wait for the load
        p.sweep()


@on_both_loops
async def test_a_caller_that_leaves_during_the_load_does_not_take_it_from_the_others(path: Path) -> None:
    may_load = asyncio.Event()

    async def story(peer: Peer) -> None:
        await peer.welcome()
        for _ in range(2):
            await peer.command()
            peer.say(NO_FUNCTION)
        assert (await peer.command())[0] == b"FUNCTION"
        await may_load.wait()
        peer.say(b"+loaded\r\n")
        await peer.echo()

    async with hostile(path, story) as server, pipeline(path) as p, asyncio.TaskGroup() as group:
        leaver = group.create_task(p.script(SCRIPT, [], ["leaver"]))
        stayer = group.create_task(p.script(SCRIPT, [], ["stayer"]))
        await until(lambda: len(server.peers[0].commands) == 4)
        leaver.cancel()
        await until(leaver.done)
        may_load.set()
        assert await stayer == b"stayer"


@on_both_loops
async def test_log_in_goes_first_and_in_order(path: Path) -> None:
    url = RedisURL(path=str(path), username="u", password="p", db=3)
    async with hostile(path, accepting) as server, Pipeline(url, name="api-1") as p:
        await p.call("PING")
    assert server.peers[0].commands == [
        [b"AUTH", b"u", b"p"],
        [b"SELECT", b"3"],
        [b"CLIENT", b"SETNAME", b"api-1"],
        [b"PING"],
    ]


@on_both_loops
async def test_a_password_without_a_user_is_for_the_default_user(path: Path) -> None:
    async with hostile(path, accepting) as server, Pipeline(RedisURL(path=str(path), password="p")):
        pass
    assert server.peers[0].commands[0] == [b"AUTH", b"p"]


@on_both_loops
async def test_calls_need_a_running_pipeline(path: Path) -> None:
    async with hostile(path, accepting):
        p = pipeline(path)
        await p.stop()
        with pytest.raises(NotSent, match="not running"):
            await p.call("PING")
        await p.start()
        assert p.connected
        await p.stop()
        await p.stop()
        assert not p.connected
        with pytest.raises(NotSent, match="not running"):
            await p.call("PING")


@on_both_loops
async def test_stopping_waits_for_the_calls_under_way(path: Path) -> None:
    may_answer = asyncio.Event()

    async def story(peer: Peer) -> None:
        await peer.welcome()
        await peer.command()
        await may_answer.wait()
        peer.say(b"+last words\r\n")
        await peer.gone()

    async with hostile(path, story) as server, asyncio.TaskGroup() as group:
        p = pipeline(path)
        await p.start()
        answered, unanswered = p.send("GET", "a"), p.send("XREADGROUP", "BLOCK", 60_000)
        await until(lambda: len(server.peers[0].commands) == 2)
        unanswered.cancel()  # nobody waits for it, so stopping does not either
        stopping = group.create_task(p.stop())
        await asyncio.sleep(0)
        assert not stopping.done()
        may_answer.set()
        await stopping
        assert answered.result() == b"last words"


@pytest.mark.parametrize("name", ["two words", "line\nfeed", "é"])
def test_a_name_the_server_would_refuse_is_refused_at_once(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Pipeline(RedisURL(host="localhost"), name=name)
