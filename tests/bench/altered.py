"""Deployments that route in another way on purpose: the program with one line of its scripts altered."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from benchmarks.suite.target import Access, running
from tests.cli.cli_support import Program, environment
from tests.mutations.table import Mutation

ROOT: Final = Path(__file__).parents[2]
SID, TOKEN = "AC" + "6" * 32, "a-token-for-altered-ones"


def altered(what: str, file: str, old: str, new: str) -> Mutation:
    """Another text in place of one that is there once."""
    return Mutation(0, what, file, "", old, new, False)


@asynccontextmanager
async def deployed(folder: Path, *mutations: Mutation) -> AsyncIterator[Access]:
    """A deployment of a copy of the program, altered or as it is; it runs in processes of its own."""
    for name in ("api", "engine", "lua"):
        shutil.copytree(ROOT / name, folder / name)  # with what is compiled: each process would do it anew
    for mutation in mutations:
        path = folder / "lua" / mutation.file
        path.write_text(mutation.applied(path.read_text()))
    program = Program(
        *("serve", "--port", "0", "--data", str(folder / "data"), "--durability", "relaxed"),
        env=environment(PYTHONPATH=str(folder), TRUNKLINE_ACCOUNT_SID=SID, TRUNKLINE_AUTH_TOKEN=TOKEN),
    )
    try:
        ready = await asyncio.to_thread(program.line, r"ready at (http://\S+)")
        yield await running(ready[1], SID, TOKEN)
    finally:
        await asyncio.to_thread(program.__exit__, None, None, None)
