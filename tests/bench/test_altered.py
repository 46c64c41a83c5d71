"""The verdict of `trunkline bench theory` on a deployment that is wrong on purpose, and on one that is not.

All alterations at once, for some seconds; each_altered.py plays each alone and for longer.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from tests.bench.wrong_on_purpose import FOUND_BY, assert_found, assert_right, verdict_on

SECONDS: Final = 5.0


async def test_what_is_wrong_on_purpose_is_invalid_and_nothing_else(tmp_path: Path) -> None:
    for name in ("right", "wrong"):
        (tmp_path / name).mkdir()
    right, wrong = await asyncio.gather(
        verdict_on(tmp_path / "right", seconds=SECONDS),
        verdict_on(tmp_path / "wrong", *FOUND_BY, seconds=SECONDS),
    )
    assert_right(right)
    assert_found(wrong, *FOUND_BY)
