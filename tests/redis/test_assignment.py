"""Assignment callbacks with URLs that answer as told: what is sent, and what comes of each answer (semantics 8)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from engine.callback_letters import Letter, Outcome, Reply
from engine.errors import Unavailable
from engine.media_setups import Held
from engine.stream import MAX_DELIVERIES
from tests.redis.callback_support import (
    BASE,
    BROKEN,
    FALLBACK,
    MANUAL,
    URL,
    Hall,
    Site,
    hall,
    media_server,
    said,
)
from tests.redis.media_support import SHARD, START_MS

__all__ = ["hall", "media_server"]  # fixtures

UNREACHABLE: Final = 15003
GHOST: Final = "0" * 32


async def test_a_callback_says_what_the_original_says(hall: Hall) -> None:
    floor = hall.floor
    worker = await floor.worker("ann", contact="client:ann")
    floor.now_ms += 2_500
    task = (await floor.engine.tasks.create(*floor.at, attributes='{"a": "é"}', priority=3)).value.sid
    await floor.rest()
    site = Site()
    await hall.answered(site)
    (letter,) = site.told
    account = await hall.engine.accounts.get(floor.account)
    assert account is not None
    assert (letter.url, letter.token) == (URL, account.token)
    assert account.token not in repr(letter)
    assert dict(letter.fields) == {
        "account_sid": floor.account,
        "workspace_sid": floor.workspace,
        "workflow_sid": hall.workflow,
        "task_queue_sid": floor.queue,
        "worker_sid": worker,
        "worker_attributes": '{"contact_uri": "client:ann"}',
        "task_sid": task,
        "task_attributes": '{"a": "é"}',
        "task_age": "0",
        "task_priority": "3",
        "reservation_sid": (await floor.offer(task)).sid,
        "timestamp": str((START_MS + 2_500) // 1000),
    }
    assert await hall.waiting() == 0


async def test_each_reservation_is_told_once(hall: Hall) -> None:
    offer = await hall.floor.offered()
    site = Site(said("reject"), MANUAL)
    await hall.answered(site)
    await hall.answered(site)
    await hall.answered(site)
    told = [letter.fields["reservation_sid"] for letter in site.told]
    assert (told[0], len(told)) == (offer.sid, 2)
    assert set(told) == {other.sid for other in await hall.floor.offers(offer.task_sid)}


ANSWERS: Final[list[tuple[Reply, str, list[int]]]] = [
    (MANUAL, "pending", []),
    (said("accept"), "accepted", []),
    (said("ACCEPT"), "accepted", []),
    (said("reject"), "rejected", []),
    (Reply(Outcome.ANSWERED, said={"accept": True}), "pending", [40005]),
    (Reply(Outcome.WRONG, 40001, "answered what is no JSON object"), "pending", [40001]),
    (Reply(Outcome.BROKEN, 40000, "answered with 'text/html'"), "canceled", [40000]),
    (BROKEN, "canceled", [UNREACHABLE]),
    (said("sing"), "pending", [55555]),
    (said(None), "pending", [55555]),
    (said(["accept"]), "pending", [55555]),
    (said("reject", activity_sid="WA" + GHOST), "pending", [40100]),
    (said("reject", activity_sid={"sid": 1}), "pending", [40100]),
    (said("reject", activity_sid=None), "rejected", []),
    (said("call", to="client:x", url="https://x.example/"), "pending", [40111]),
    (said("call", to="client:x", **{"from": "+1"}), "pending", [40112]),
    (said("call", to=[{}]), "pending", [40110]),
    (said("call", **{"from": "+1", "url": "ftp://x"}), "pending", [40112]),
    (
        said("call", **{"from": "+1", "url": "https://x.example/", "status_callback_url": "no"}),
        "pending",
        [40158],
    ),
    (said("call", **{"from": "+1", "url": "https://x.example/", "timeout": 1.5}), "pending", [40113]),
    (said("redirect", url="https://x.example/"), "pending", [40121]),
    (said("redirect", call_sid="CA" + GHOST), "pending", [40120]),
    (said("dequeue", post_work_activity_sid="WA" + GHOST), "pending", [40130]),
    (said("dequeue", to={}), "pending", [40131]),
    (said("dequeue", **{"from": 1.5}), "pending", [40132]),
    (said("dequeue", record="maybe"), "pending", [40133]),
    (said("dequeue", status_callback_events="initiated,sung"), "pending", [40134]),
    (said("dequeue", status_callback_url="http://10.0.0.1/"), "pending", [40157]),
    (said("conference", to=False, muted=1.0), "pending", [40145]),
    (said("conference", post_work_activity_sid=7), "pending", [40143]),
    (said("conference", status_callback="http://10.0.0.1/"), "pending", [40159]),
    (said("supervise", supervisor="WK" + GHOST), "pending", [40147]),
]


async def test_an_answer_has_one_effect(hall: Hall) -> None:
    """All in one Workspace, which costs more to make than an answer."""
    floor, seen = hall.floor, 0
    worker = await floor.worker("ann", contact="client:ann")
    await hall.engine.worker_channels.update(*floor.at, worker, "default", capacity=2 * len(ANSWERS))
    for reply, status, alerts in ANSWERS:
        offer = await floor.offer(await floor.task())
        await hall.log()
        site = Site(reply, MANUAL)
        await hall.assignments(site, refused=lambda url: "is private" if "10.0.0.1" in url else "").run_once()
        assert site.told[0].fields["reservation_sid"] == offer.sid
        assert await floor.status(offer) == status, reply
        told = await hall.alerts()
        assert told[seen:] == alerts, reply
        seen = len(told)
        await floor.engine.tasks.delete(*floor.at, offer.task_sid)
    await hall.answered(Site())
    assert await hall.waiting() == 0


async def test_a_rejection_may_move_the_worker(hall: Hall) -> None:
    offer = await hall.floor.offered()
    await hall.answered(Site(said("reject", activity_sid=hall.floor.activities["Unavailable"])))
    assert await hall.floor.status(offer) == "rejected"
    assert await hall.floor.activity(offer) == "Unavailable"


@pytest.mark.parametrize(
    ("reply", "held", "parameters"),
    [
        (
            said(
                "dequeue",
                to="client:x",
                timeout=20,
                status_callback_events="initiated,completed",
                record="record-from-answer",
            ),
            True,
            {
                "to": "client:x",
                "timeout": 20,
                "record": "record-from-answer",
                "status_callback_events": ["initiated", "completed"],
            },
        ),
        (said("conference", muted=True, beep="onEnter"), True, {"muted": True, "to": "client:ann"}),
        (
            said("call", **{"from": "+1", "url": "https://x.example/", "accept": True}),
            True,
            {"accept": True, "from": "+1"},
        ),
        (
            said("call", **{"from": "+1", "url": "https://x.example/", "accept": "true"}),
            True,
            {"accept": True},
        ),
        (said("call", **{"from": "+1", "url": "https://x.example/"}), False, {"accept": False}),
        (
            said("redirect", call_sid="CA" + "1" * 32, url="https://x.example/"),
            False,
            {"call_sid": "CA" + "1" * 32},
        ),
    ],
)
async def test_an_instruction_goes_to_the_media_adapter(
    hall: Hall, reply: Reply, held: bool, parameters: dict[str, Any]
) -> None:
    offer = await hall.floor.offered()
    await hall.answered(Site(reply))
    (letter,) = await hall.floor.letters()
    assert (letter["k"], letter["r"]) == ("setup" if held else "send", offer.sid)
    text = letter.get("j") or await hall.floor.pipeline.call(
        "HGET", hall.floor.keys.task(offer.task_sid), f"i:{offer.sid}"
    )
    stored = _held(text)
    assert (stored.instruction, stored.base_url) == (reply.said["instruction"], BASE)
    assert parameters.items() <= stored.parameters.items()
    assert await hall.alerts() == []


def _held(text: str | bytes) -> Held:
    raw = text if isinstance(text, str) else text.decode().split("|", 2)[2]
    return msgspec.json.decode(raw, type=Held)


@pytest.mark.parametrize(
    ("instruction", "code"),
    [("dequeue", 40133), ("conference", 40145), ("redirect", 40122), ("call", 40113), ("supervise", 55555)],
)
async def test_a_workspace_without_an_adapter_has_none_of_its_instructions(
    hall: Hall, instruction: str, code: int
) -> None:
    floor = hall.floor
    await floor.engine.workspaces.update(*floor.at, media_adapter_url="")
    offer = await floor.offered()
    more = {
        "call_sid": "CA" + "1" * 32,
        "from": "+1",
        "url": "https://x.example/",
        "supervisor": offer.worker_sid,
    }
    await hall.answered(Site(said(instruction, **more)))
    assert await floor.status(offer) == "pending"
    assert await hall.alerts() == [code]


async def test_the_fallback_is_told_what_was_wrong_and_may_decide(hall: Hall) -> None:
    await hall.urls(fallback=FALLBACK)
    offer = await hall.floor.offered()
    wrong_type = Reply(Outcome.BROKEN, 40000, "answered with 'text/html' and not application/json")
    site = Site(wrong_type, said("accept"))
    await hall.answered(site)
    first, second = site.told
    assert (first.url, second.url, second.token) == (URL, FALLBACK, first.token)
    assert dict(second.fields) == {**first.fields, "error_code": "40000", "error_url": URL}
    assert await hall.floor.status(offer) == "accepted"
    assert await hall.alerts() == [40000]


@pytest.mark.parametrize("second", [BROKEN, Reply(Outcome.BROKEN, 40000, "answered with 'text/html'")])
async def test_a_reservation_whose_two_urls_fail_is_canceled_and_its_task_delayed(
    hall: Hall, second: Reply
) -> None:
    await hall.urls(fallback=FALLBACK)
    floor = hall.floor
    offer = await floor.offered()
    site = Site(BROKEN, second)
    await hall.answered(site)
    assert [letter.url for letter in site.told] == [URL, FALLBACK]
    assert site.told[1].fields["error_code"] == str(UNREACHABLE)
    assert (await floor.status(offer), await floor.task_status(offer.task_sid)) == ("canceled", "pending")
    await floor.pass_ms(999)
    assert await floor.task_status(offer.task_sid) == "pending"
    await floor.pass_ms(1)
    assert await floor.task_status(offer.task_sid) == "reserved"


async def test_delays_grow_until_somebody_answers(hall: Hall) -> None:
    floor = hall.floor
    offer = await floor.offered()
    site = Site(BROKEN)
    for delay_ms in (1_000, 2_000, 4_000):
        await hall.answered(site)
        await floor.pass_ms(delay_ms - 1)
        assert await floor.task_status(offer.task_sid) == "pending"
        await floor.pass_ms(1)
    await hall.answered(Site(said("reject", activity_sid=floor.activities["Offline"])))
    await floor.engine.workers.update(*floor.at, offer.worker_sid, activity_sid=floor.activities["Available"])
    await floor.rest()
    await hall.answered(site)
    await floor.pass_ms(1_000)
    assert await floor.task_status(offer.task_sid) == "reserved"


@pytest.mark.parametrize(
    ("instruction", "code"),
    [
        ("reject", 55555),
        ("call", 40114),
        ("redirect", 40123),
        ("dequeue", 40135),
        ("conference", 40136),
    ],
)
async def test_an_answer_that_comes_too_late_changes_nothing(hall: Hall, instruction: str, code: int) -> None:
    floor = hall.floor
    offer = await floor.offered()
    more = {"call_sid": "CA" + "1" * 32, "from": "+1", "url": "https://x.example/"}
    site = Site(said(instruction, **more))
    post = site.post

    async def slowly(letter: Letter) -> Reply:
        await floor.accept(offer)
        return await post(letter)

    site.post = slowly  # type: ignore[method-assign]
    await hall.answered(site)
    assert await floor.status(offer) == "accepted"
    assert await hall.alerts() == [code]


@pytest.mark.parametrize("reply", [said("sing"), said("accept"), BROKEN])
async def test_an_answer_about_a_task_that_is_gone_is_no_trouble(hall: Hall, reply: Reply) -> None:
    offer = await hall.floor.offered()
    site = Site(reply)
    post = site.post

    async def slowly(letter: Letter) -> Reply:
        await hall.engine.tasks.delete(*hall.floor.at, offer.task_sid)
        return await post(letter)

    site.post = slowly  # type: ignore[method-assign]
    await hall.answered(site)
    assert (await hall.alerts(), await hall.waiting()) == ([], 0)


async def test_a_failure_that_comes_too_late_cancels_nothing(hall: Hall) -> None:
    floor = hall.floor
    offer = await floor.offered()
    site = Site(BROKEN)
    post = site.post

    async def slowly(letter: Letter) -> Reply:
        await floor.accept(offer)
        return await post(letter)

    site.post = slowly  # type: ignore[method-assign]
    await hall.answered(site)
    assert await floor.status(offer) == "accepted"
    assert await hall.alerts() == []
    assert await floor.pipeline.call("EXISTS", floor.keys.failing) == 0


async def test_what_an_instruction_set_up_meanwhile_is_not_canceled(hall: Hall) -> None:
    floor = hall.floor
    offer = await floor.offered()
    await floor.instruct(offer)
    await hall.answered(Site(BROKEN))
    assert await floor.status(offer) == "pending"
    assert len(await floor.letters()) == 1


async def test_reservations_that_ended_are_not_told(hall: Hall) -> None:
    floor = hall.floor
    offer = await floor.offered()
    await floor.engine.tasks.update(*floor.at, offer.task_sid, assignment_status="canceled")
    deleted = await floor.task()
    await hall.log()
    await floor.engine.tasks.delete(*floor.at, deleted)
    site = Site()
    await hall.assignments(site).run_once()
    assert (site.told, await hall.waiting()) == ([], 0)


async def test_one_that_was_accepted_already_is_told_still(hall: Hall) -> None:
    offer = await hall.floor.offered()
    await hall.floor.accept(offer)
    site = Site(said("accept"))
    await hall.answered(site)
    assert len(site.told) == 1
    assert await hall.alerts() == []


async def test_a_url_that_was_taken_away_is_not_called(hall: Hall) -> None:
    offer = await hall.floor.offered()
    await hall.log()
    await hall.urls("")
    site = Site(BROKEN)
    await hall.assignments(site).run_once()
    assert (site.told, await hall.floor.status(offer)) == ([], "pending")


async def test_nobody_is_told_of_a_deleted_workspace(hall: Hall) -> None:
    await hall.floor.offered()
    await hall.log()
    await hall.engine.workspaces.delete(*hall.floor.at)
    site = Site()
    assert await hall.assignments(site).run_once() == 1
    assert (site.told, await hall.waiting()) == ([], 0)


async def test_entries_that_cannot_be_understood_are_dropped(hall: Hall) -> None:
    number = str(hall.floor.config.workspace.number)
    for fields in (("k", "assignment"), ("k", "assignment", "w", "999999"), ("k", "assignment", "w", number)):
        await hall.floor.pipeline.call("XADD", SHARD.calls, "*", *fields)
    site = Site()
    assert await hall.assignments(site).run_once() == 3
    assert (site.told, await hall.waiting()) == ([], 0)


async def test_a_reservation_that_no_relay_can_tell_of_is_canceled(hall: Hall) -> None:
    offer = await hall.floor.offered()
    await hall.log()

    async def fall(_: Letter) -> Reply:
        raise RuntimeError("a mistake of ours")

    site = Site()
    site.post = fall  # type: ignore[method-assign]
    relay = hall.assignments(site)
    await relay.run_once()
    for _ in range(MAX_DELIVERIES - 1):
        assert await hall.floor.status(offer) == "pending"
        await relay.claim(SHARD, 0)
    await relay.claim(SHARD, 0)
    assert await hall.floor.status(offer) == "canceled"
    assert await hall.waiting() == 0


async def test_a_server_that_cannot_be_asked_has_the_call_made_again(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = await hall.floor.offered()
    await hall.log()
    answer, failures = hall.engine.reservations.answer_of_task, [1]

    async def fail_at_first(*args: Any, **given: Any) -> Any:
        if failures:
            failures.pop()
            raise Unavailable("the server is away", outcome_unknown=True)
        return await answer(*args, **given)

    monkeypatch.setattr(hall.engine.reservations, "answer_of_task", fail_at_first)
    site = Site(said("accept"))
    relay = hall.assignments(site)
    await relay.run_once()
    assert await hall.floor.status(offer) == "pending"
    await relay.claim(SHARD, 0)
    assert await hall.floor.status(offer) == "accepted"
    assert len(site.told) == 2
