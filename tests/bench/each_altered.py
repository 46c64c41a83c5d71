"""Each alteration alone, and none, for half a minute. Not found by itself: `make altered` plays it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.bench.wrong_on_purpose import FOUND_BY, assert_found, assert_right, verdict_on
from tests.mutations.table import Mutation

SECONDS: Final = 30.0


async def test_the_program_as_it_is_is_right(tmp_path: Path) -> None:
    assert_right(await verdict_on(tmp_path, seconds=SECONDS))


@pytest.mark.parametrize("mutation", FOUND_BY, ids=lambda mutation: mutation.subject)
async def test_an_alteration_is_found_by_its_own_check(mutation: Mutation, tmp_path: Path) -> None:
    assert_found(await verdict_on(tmp_path, mutation, seconds=SECONDS), mutation)
