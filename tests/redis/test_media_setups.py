"""Reservations that are being set up: held, confirmed, failed, withdrawn, and what may not happen to them meanwhile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from engine.errors import Gone, IllegalState, Invalid, NotFound, RevisionMismatch
from engine.media_setups import SETUP_S
from engine.model import WorkspaceConfig
from engine.records import Fields
from tests.redis.media_support import ADAPTER, ANSWER_S, Floor, floor, media_server

__all__ = ["floor", "media_server"]  # fixtures

CA = "CA" + "1" * 32
URL = "https://example.com/voice"
CALL = {"call_from": "+1555", "call_url": URL}


async def test_a_held_reservation_stays_pending_and_is_not_timed_out(floor: Floor) -> None:
    offer = await floor.offered()
    held = await floor.instruct(offer)
    assert (held.status, held.revision) == ("pending", offer.revision + 1)
    await floor.pass_ms(ANSWER_S * 1000 + 1)
    assert await floor.status(offer) == "pending"
    assert await floor.task_status(offer.task_sid) == "reserved"


async def test_the_letter_is_written_with_the_hold_and_the_instruction_with_the_task(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer, "dequeue", dequeue_from="+1555")
    (letter,) = await floor.letters()
    assert (letter["k"], letter["t"], letter["r"]) == ("setup", offer.task_sid, offer.sid)
    stored = (await floor.pipeline.call("HGET", floor.keys.task(offer.task_sid), f"i:{offer.sid}")).decode()
    setup, deadline, text = stored.split("|", 2)
    assert setup.startswith("SU")
    assert int(deadline) == floor.now_ms + SETUP_S * 1000
    parameters = json.loads(text)["parameters"]
    assert (parameters["from"], parameters["to"], parameters["timeout"]) == ("+1555", "client:ann", 60)
    assert (
        f"reservation.instruction|{offer.sid}|{offer.task_sid}|{offer.worker_sid}|{setup}|dequeue|held"
        in (await floor.events())
    )


async def test_a_setup_that_nobody_reports_fails_at_its_limit_and_not_before(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    await floor.pass_ms(SETUP_S * 1000 - 1)
    assert await floor.status(offer) == "pending"
    await floor.pass_ms(1)
    assert await floor.status(offer) == "canceled"
    assert [letter["k"] for letter in await floor.letters()] == ["setup", "withdrawn"]
    again = await floor.offer(offer.task_sid)  # like a rejection: the only Worker is asked again
    assert (again.status, again.worker_sid) == ("pending", offer.worker_sid)
    assert again.sid != offer.sid


async def test_the_limit_of_a_setup_counts_where_a_worker_would_have_longer_to_answer(floor: Floor) -> None:
    (flow,) = floor.config.workflows
    await floor.engine.workflows.update(*floor.at, flow, task_reservation_timeout=3_600)
    offer = await floor.offered()
    await floor.instruct(offer)
    await floor.pass_ms(SETUP_S * 1000 - 1)
    assert await floor.status(offer) == "pending"
    await floor.pass_ms(1)
    assert await floor.status(offer) == "canceled"


async def test_the_tasks_own_time_ends_a_setup_too(floor: Floor) -> None:
    offer = await floor.offered(timeout=200)
    await floor.instruct(offer)
    await floor.pass_ms(199_999)
    assert await floor.status(offer) == "pending"
    await floor.pass_ms(1)
    assert await floor.status(offer) == "canceled"
    assert await floor.task_status(offer.task_sid) == "canceled"


async def test_a_confirmed_setup_accepts_as_an_acceptance_does(floor: Floor) -> None:
    offer = await floor.offered(attributes='{"a": 1, "b": 2}')
    held = await floor.instruct(offer)
    before = await floor.engine.tasks.fetch(*floor.at, offer.task_sid)
    done = await floor.report(offer, "confirmed", task_attributes={"b": 3, "conference": {"sid": "CF"}})
    assert (done.status, done.revision) == ("accepted", held.revision + 1)
    task = (await floor.engine.tasks.fetch(*floor.at, offer.task_sid)).value
    assert (task.status, task.revision) == ("assigned", before.value.revision + 1)
    assert json.loads(task.attributes) == {"a": 1, "b": 3, "conference": {"sid": "CF"}}
    instructed, updated, accepted = (await floor.events())[-3:]
    assert instructed.startswith(
        f"reservation.instruction|{offer.sid}|{offer.task_sid}|{offer.worker_sid}|SU"
    )
    assert instructed.endswith("|confirmed|")
    assert updated.startswith(f"task.updated|{offer.task_sid}|")
    assert accepted.startswith(f"reservation.accepted|{offer.sid}|")
    channels = (await floor.engine.worker_channels.list(*floor.at, offer.worker_sid)).value.items
    assert sum(channel.assigned_tasks for channel in channels) == 1
    await floor.accept(offer, "completed")
    assert await floor.task_status(offer.task_sid) == "completed"


async def test_a_report_may_be_repeated(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    first = await floor.report(offer, "confirmed", task_attributes={"x": 1})
    events = await floor.events()
    assert await floor.report(offer, "confirmed", task_attributes={"x": 1}) == first
    assert await floor.events() == events
    with pytest.raises(IllegalState, match=r"already in state \[accepted\]"):
        await floor.report(offer, "failed")


async def test_a_failed_setup_cancels_the_reservation_and_the_task_waits_again(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    floor.now_ms += 1  # so that the next offer is the newer one
    assert (await floor.report(offer, "failed", reason="no answer")).status == "canceled"
    assert any(event.endswith("|failed|no answer") for event in await floor.events())
    events = await floor.events()
    assert (await floor.report(offer, "failed")).status == "canceled"
    assert await floor.events() == events
    assert (await floor.offer(offer.task_sid)).sid != offer.sid
    assert [letter["k"] for letter in await floor.letters()] == ["setup"]  # whoever said it, knows it


@pytest.mark.parametrize("end", ["reject", "cancel", "ttl", "delete"])
async def test_what_ends_while_it_is_set_up_is_withdrawn_and_a_late_confirmation_is_gone(
    floor: Floor, end: str
) -> None:
    offer = await floor.offered(timeout=300)
    await floor.instruct(offer)
    if end == "reject":
        await floor.accept(offer, "rejected")
    elif end == "cancel":
        await floor.engine.tasks.update(*floor.at, offer.task_sid, assignment_status="canceled")
    elif end == "ttl":
        await floor.pass_ms(300_000)
    else:
        await floor.engine.tasks.delete(*floor.at, offer.task_sid)
    letters = await floor.letters()
    assert [letter["k"] for letter in letters] == ["setup", "withdrawn"]
    assert letters[1]["s"] == ("rejected" if end == "reject" else "canceled")
    assert letters[1]["i"].startswith("SU")
    with pytest.raises(NotFound if end == "delete" else Gone):
        await floor.report(offer, "confirmed")
    if end != "delete":
        assert (await floor.report(offer, "failed")).status in {"rejected", "canceled"}


async def test_one_instruction_at_a_time(floor: Floor) -> None:
    offer = await floor.offered()
    held = await floor.instruct(offer)
    for instruction, given in (("conference", {}), ("dequeue", {}), ("call", CALL)):
        with pytest.raises(IllegalState, match="is being set up"):
            await floor.instruct(offer, instruction, **given)
    with pytest.raises(IllegalState, match="is being set up"):
        await floor.accept(offer)
    assert (await floor.offer(offer.task_sid)) == held
    assert len(await floor.letters()) == 1


@pytest.mark.parametrize(
    ("instruction", "given"), [("call", CALL), ("redirect", {"redirect_call_sid": CA, "redirect_url": URL})]
)
async def test_a_call_that_does_not_accept_changes_nothing_and_may_be_repeated(
    floor: Floor, instruction: str, given: dict[str, Any]
) -> None:
    offer = await floor.offered()
    for _ in range(2):
        assert await floor.instruct(offer, instruction, **given) == offer
    assert [letter["k"] for letter in await floor.letters()] == ["send", "send"]
    with pytest.raises(IllegalState, match="is not being set up"):
        await floor.report(offer, "confirmed")
    await floor.pass_ms(ANSWER_S * 1000)
    assert await floor.status(offer) == "timeout"


@pytest.mark.parametrize(
    ("instruction", "given"),
    [
        ("call", {**CALL, "call_accept": "true"}),
        ("redirect", {"redirect_call_sid": CA, "redirect_url": URL, "redirect_accept": "true"}),
    ],
)
async def test_a_call_that_accepts_is_held(floor: Floor, instruction: str, given: dict[str, Any]) -> None:
    offer = await floor.offered()
    await floor.instruct(offer, instruction, **given)
    assert (await floor.report(offer, "confirmed")).status == "accepted"


async def test_a_supervisor_listens_in_on_accepted_work_only(floor: Floor) -> None:
    offer = await floor.offered()
    boss = await floor.worker("boss", activity="Offline", contact="client:boss")
    deaf = await floor.worker("deaf", activity="Offline")
    with pytest.raises(IllegalState, match=r"in state \[pending\]"):
        await floor.instruct(offer, "supervise", supervisor=boss)
    accepted = await floor.accept(offer)
    assert await floor.instruct(offer, "supervise", supervisor=boss, supervisor_mode="whisper") == accepted
    (letter,) = await floor.letters()
    told = json.loads(letter["j"])["parameters"]
    assert told == {"supervisor": boss, "supervisor_mode": "whisper", "to": "client:boss"}
    for supervisor, message in ((deaf, "names no address"), ("WK" + "0" * 32, "is not the SID of a Worker")):
        with pytest.raises(Invalid, match=message) as refused:
            await floor.instruct(offer, "supervise", supervisor=supervisor)
        assert refused.value.field == "supervisor"
    await floor.accept(offer, "wrapping")
    with pytest.raises(IllegalState, match=r"in state \[wrapping\]"):
        await floor.instruct(offer, "supervise", supervisor=boss)


async def test_other_instructions_need_a_pending_reservation(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.accept(offer)
    with pytest.raises(IllegalState, match=r"in state \[accepted\]"):
        await floor.instruct(offer)
    other = await floor.offer(await floor.task(task_channel="voice"))
    await floor.accept(other, "rejected")
    with pytest.raises(Gone, match=r"in state \[rejected\]"):
        await floor.instruct(other)


async def test_without_an_adapter_an_instruction_is_refused_and_nothing_changes(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.engine.workspaces.update(*floor.at, media_adapter_url="")
    events = await floor.events()
    with pytest.raises(Invalid, match="conference needs a media adapter: set MediaAdapterUrl") as refused:
        await floor.instruct(offer)
    assert refused.value.field == "instruction"
    assert await floor.events() == events
    assert (await floor.offer(offer.task_sid)) == offer
    assert await floor.letters() == []


async def test_a_wrong_instruction_changes_nothing(floor: Floor) -> None:
    offer = await floor.offered()
    unknown = "WA" + "0" * 32
    wrong: tuple[tuple[str, dict[str, str], str], ...] = (
        ("conference", {"timeout": "0"}, "timeout"),
        ("conference", {"post_work_activity_sid": unknown}, "post_work_activity_sid"),
        ("dequeue", {"dequeue_post_work_activity_sid": unknown}, "dequeue_post_work_activity_sid"),
        ("accept", {}, "instruction"),
    )
    for instruction, given, field in wrong:
        with pytest.raises(Invalid) as refused:
            await floor.instruct(offer, instruction, **given)
        assert refused.value.field == field
    assert (await floor.offer(offer.task_sid)) == offer


async def test_an_instruction_that_was_checked_against_an_older_configuration_is_checked_anew(
    floor: Floor,
) -> None:
    offer = await floor.offered()
    read, old = floor.engine.config.get, await floor.engine.config.get(*floor.at)
    outdated = [old]

    async def get(account: str, workspace: str) -> WorkspaceConfig:
        return outdated.pop() if outdated else await read(account, workspace)

    floor.engine.config.get = get  # type: ignore[method-assign]
    lunch = (await floor.engine.activities.create(*floor.at, friendly_name="Lunch")).value.sid
    await floor.engine.activities.delete(*floor.at, lunch)
    outdated[:] = [
        replace(old, activities={**old.activities, lunch: old.activities[floor.activities["Offline"]]})
    ]
    with pytest.raises(Invalid) as refused:
        await floor.instruct(offer, post_work_activity_sid=lunch)
    assert refused.value.field == "post_work_activity_sid"
    assert outdated == []
    assert (await floor.offer(offer.task_sid)) == offer


async def test_a_worker_without_an_address_has_to_be_given_one(floor: Floor) -> None:
    await floor.worker("mute")
    offer = await floor.offer(await floor.task())
    with pytest.raises(Invalid) as refused:
        await floor.instruct(offer)
    assert refused.value.field == "to"
    assert (await floor.instruct(offer, to="sip:mute@example.com")).status == "pending"


async def test_an_instruction_reaches_its_reservation_through_the_worker_too(floor: Floor) -> None:
    offer = await floor.offered()
    other = await floor.worker("bo", activity="Offline", contact="client:bo")
    instruct = floor.engine.setups.instruct
    how: dict[str, Any] = {"instruction": "dequeue", "given": {}, "base_url": ""}
    with pytest.raises(NotFound):
        await instruct(*floor.at, offer.sid, worker=other, **how)
    with pytest.raises(NotFound):
        await instruct(*floor.at, "WR" + "0" * 32, worker=offer.worker_sid, **how)
    with pytest.raises(NotFound):
        await instruct(*floor.at, offer.sid, task="WT" + "0" * 32, **how)
    with pytest.raises(RevisionMismatch):
        await instruct(*floor.at, offer.sid, worker=offer.worker_sid, if_match=7, **how)
    found = await instruct(*floor.at, offer.sid, worker=offer.worker_sid, if_match=offer.revision, **how)
    assert found.value.status == "pending"


async def test_attributes_are_added_as_they_are_at_that_moment_or_not_at_all(floor: Floor) -> None:
    offer = await floor.offered(attributes='{"a": 1}')
    await floor.instruct(offer)
    await floor.engine.tasks.update(*floor.at, offer.task_sid, attributes='{"a": 2}')
    with pytest.raises(Invalid) as refused:
        await floor.report(offer, "confirmed", task_attributes={"x": "y" * 4_096})
    assert refused.value.field == "task_attributes"
    with pytest.raises(Invalid):
        await floor.report(offer, "failed", task_attributes={"x": 1})
    with pytest.raises(Invalid):
        await floor.report(offer, "perhaps")
    assert await floor.status(offer) == "pending"
    await floor.report(offer, "confirmed", task_attributes={"x": 1})
    task = (await floor.engine.tasks.fetch(*floor.at, offer.task_sid)).value
    assert json.loads(task.attributes) == {"a": 2, "x": 1}


async def test_every_setting_of_the_url_mints_a_secret_and_clearing_it_forgets_it(floor: Floor) -> None:
    workspaces, seen = floor.engine.workspaces, set()
    for url in (ADAPTER, ADAPTER, "https://other.example/"):
        made = (await workspaces.update(*floor.at, media_adapter_url=url)).value
        assert made.media_adapter_url == url
        assert len(made.media_adapter_secret) >= 32
        seen.add(made.media_adapter_secret)
    assert len(seen) == 3
    kept = (await workspaces.update(*floor.at, friendly_name="Other")).value
    assert kept.media_adapter_secret == made.media_adapter_secret
    cleared = (await workspaces.update(*floor.at, media_adapter_url="")).value
    assert (cleared.media_adapter_url, cleared.media_adapter_secret) == ("", "")


async def test_attributes_that_change_while_a_report_is_taken_are_not_lost(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = await floor.offered(attributes='{"a": 1}')
    await floor.instruct(offer)
    live = floor.engine._live
    read, changes = live.hashes, ['{"a": 2, "b": 1}']

    async def hashes(keys: Sequence[str]) -> list[Fields]:
        found = await read(keys)
        if changes:
            await floor.engine.tasks.update(*floor.at, offer.task_sid, attributes=changes.pop())
        return found

    monkeypatch.setattr(live, "hashes", hashes)
    await floor.report(offer, "confirmed", task_attributes={"x": 1})
    task = (await floor.engine.tasks.fetch(*floor.at, offer.task_sid)).value
    assert (task.status, json.loads(task.attributes)) == ("assigned", {"a": 2, "b": 1, "x": 1})


async def test_an_instruction_is_in_the_log_and_says_what_became_of_it(floor: Floor) -> None:
    offer = await floor.offered()
    await floor.instruct(offer)
    await floor.report(offer, "confirmed")
    await floor.engine.chronicle().run_once()
    found = await floor.engine.events.list(*floor.at, reservation_sid=offer.sid)
    told = [(event.type, event.data.get("instruction")) for event in reversed(found.value.items)]
    assert told == [
        ("reservation.created", None),
        ("reservation.instruction", "conference"),
        ("reservation.instruction", "confirmed"),
        ("reservation.accepted", None),
    ]
    assert {event.data["worker_sid"] for event in found.value.items} == {offer.worker_sid}
    assert found.value.items[1].data["setup_sid"].startswith("SU")


async def test_a_round_whose_offers_all_end_at_the_same_look_leaves_the_task_pending(floor: Floor) -> None:
    """One was not set up in time, the other not answered, and no matcher looked before."""
    await floor.engine.task_queues.update(*floor.at, floor.queue, max_reserved_workers=2)
    offer = await floor.offered()
    other = await floor.worker("bo")
    await floor.engine.tasks.update(*floor.at, offer.task_sid, assignment_status="canceled")
    task = await floor.task()
    offers = {one.worker_sid: one for one in await floor.offers(task)}
    assert offers.keys() == {offer.worker_sid, other}
    await floor.instruct(offers[offer.worker_sid])
    for worker in (offer.worker_sid, other):
        await floor.engine.worker_channels.update(*floor.at, worker, "default", available=False)
    await floor.pass_ms(SETUP_S * 1000)
    assert sorted(one.status for one in await floor.offers(task)) == ["canceled", "timeout"]
    assert await floor.task_status(task) == "pending"
