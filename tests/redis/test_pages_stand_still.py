"""Pages of every list, turned on and back while resources come and go: nothing is seen twice, nothing is missed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress

import pytest

from engine.errors import IllegalState, Invalid
from tests.redis.list_kinds import KINDS, MANY, Ground, Kind
from tests.scenarios.lab import Lab

AT_FIRST = 12
WALKS = 2


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lists")) as opened:
        yield opened


class Reader:
    """Turns pages, and lets something happen after each."""

    def __init__(self, ground: Ground, kind: Kind) -> None:
        self.ground, self.kind, self.chance = ground, kind, ground.chance
        self.gone: set[str] = set()

    async def all(self) -> list[str]:
        """The whole list as one page; one that was cut at the same instant would be no list."""
        page = await self.kind.page(None, MANY)
        assert (page.next_after, page.previous_after) == (None, None)
        return [item.sid for item in page.items]

    async def happen(self) -> None:
        """Up to two creations and deletions, anywhere in the list."""
        for _ in range(self.chance.randrange(3)):
            self.ground.lab.now_ms += self.chance.randrange(2)
            present = await self.all()
            if self.kind.delete is not None and present and self.chance.random() < 0.5:
                victim = self.chance.choice(present)
                with suppress(IllegalState):  # a default Activity, a channel or queue in use: it stays
                    await self.kind.delete(victim)
                    self.gone.add(victim)
            else:
                await self.kind.create()

    async def walk(self, after: str | None, back: bool) -> tuple[list[list[str]], str | None]:
        """The pages from a cursor to the end of the list, and the last cursor; things happen in between."""
        pages = []
        while True:
            limit = self.chance.randrange(1, 5)
            page = await self.kind.page(after, limit)
            assert len(page.items) <= limit
            pages.append([item.sid for item in page.items])
            cursor = page.previous_after if back else page.next_after
            if cursor is None:
                return pages, page.next_after if back else page.previous_after
            after = cursor
            await self.happen()


@pytest.mark.parametrize("walk", range(WALKS))
@pytest.mark.parametrize("name", list(KINDS))
def test_nothing_is_seen_twice_and_nothing_that_stayed_is_missed(lab: Lab, name: str, walk: int) -> None:
    lab.run(on_and_back(Ground(lab, random.Random(f"{name} {walk}")), name))


async def on_and_back(ground: Ground, name: str) -> None:
    await ground.open()
    reader = Reader(ground, KINDS[name](ground))
    for _ in range(AT_FIRST):
        ground.lab.now_ms += ground.chance.randrange(2)
        await reader.kind.create()
    before = await reader.all()
    pages, turn = await reader.walk(None, back=False)
    seen = [sid for page in pages for sid in page]
    check(before, seen, reader.gone)
    if turn is None:  # it all was one page, or those before it are gone
        return
    there = await reader.all()
    returned, onward = await reader.walk(turn, back=True)
    backward = [sid for page in returned[::-1] for sid in page]
    check(there, [*backward, *pages[-1]], reader.gone)
    if onward is not None:  # from the beginning on again, behind what the last page back has shown
        there = await reader.all()
        again, _ = await reader.walk(onward, back=False)
        check(there, [*returned[-1], *(sid for page in again for sid in page)], reader.gone)


def check(before: list[str], seen: list[str], gone: set[str]) -> None:
    """`before` is the list as it was at the start, `seen` what pages showed of it by and by."""
    assert len(set(seen)) == len(seen), "seen twice"
    stayed = [sid for sid in before if sid not in gone]
    assert [sid for sid in seen if sid in set(stayed)] == stayed


@pytest.mark.parametrize("name", list(KINDS))
def test_a_place_that_is_none_is_refused(lab: Lab, name: str) -> None:
    ground = Ground(lab, random.Random(name))

    async def ask() -> None:
        await ground.open()
        kind = KINDS[name](ground)
        await kind.create()
        for after in ("", "<", "x", "-", "1,2,3,4", "<<1.WS1", "٣.WS", "WS1.1", "9" * 99, f"<{'9' * 99}.WS1"):
            with pytest.raises(Invalid) as refusal:
                await kind.page(after, 5)
            assert refusal.value.field == "after"

    lab.run(ask())


def test_a_page_that_looked_at_enough_goes_on_where_it_stopped(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = Ground(lab, random.Random(5))

    async def turn() -> None:
        await ground.open()
        for _ in range(30):
            await ground.task()
        kind = KINDS["some tasks"](ground)
        expected = [task.sid for task in (await kind.page(None, 30)).items]
        monkeypatch.setattr("engine.scan.MAX_SCAN", 4)
        monkeypatch.setattr("engine.scan.CHUNK", 2)
        pages = [await kind.page(None, 3)]
        while pages[-1].next_after is not None:
            pages.append(await kind.page(pages[-1].next_after, 3))
        assert [task.sid for page in pages for task in page.items] == expected
        assert sum(len(page.items) < 3 for page in pages) > 3
        pages = pages[-1:]
        while pages[0].previous_after is not None:
            pages.insert(0, await kind.page(pages[0].previous_after, 3))
        assert [task.sid for page in pages for task in page.items] == expected

    lab.run(turn())
