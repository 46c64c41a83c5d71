"""Two snapshots that must be the same."""

from __future__ import annotations

from tests.scenarios.drivers import Snapshot


def assert_same(actual: Snapshot, expected: Snapshot) -> None:
    """Raises AssertionError that names only what differs."""
    if actual == expected:
        return
    lines = []
    for kind in expected:
        for sid in sorted(actual[kind].keys() | expected[kind].keys()):
            ours, theirs = expected[kind].get(sid), actual[kind].get(sid)
            if ours is None or theirs is None:
                who = "engine" if ours is None else "model"
                lines.append(f"{sid}: only the {who} has it: {ours or theirs}")
            elif ours != theirs:
                lines += [
                    f"{sid} {k}: engine {theirs[k]!r}, model {ours[k]!r}"
                    for k in ours
                    if ours[k] != theirs[k]
                ]
    raise AssertionError("\n".join(lines))
