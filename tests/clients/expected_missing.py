"""What the tests of this folder ask for and the server does not have yet.

Names of operations, and of what is more than an operation. A test that needs one of them has to fail, and fails the
run when it does not: then the name is taken out of this list.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

EXPECTED_MISSING: Final[frozenset[str]] = frozenset()


def has(*names: str) -> bool:
    """Whether the server is expected to have all of these."""
    return EXPECTED_MISSING.isdisjoint(names)


def needing(*names: str, run: bool = True) -> tuple[Any, ...]:
    """Marks for a test that needs these: it must fail while one of them is missing.

    `run` False is for one that would only wait for what never comes: it is not tried.
    """
    missing = EXPECTED_MISSING.intersection(names)
    if not missing:
        return ()
    return (pytest.mark.xfail(strict=True, run=run, reason=f"missing: {', '.join(sorted(missing))}"),)
