"""Lines of a body, in whatever pieces it comes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.ndjson import Lines

LIMIT = 8


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[begin:end] for begin, end in pairwise(edges)]


@given(st.binary(max_size=60).map(lambda text: text.replace(b"x", b"\n")), st.lists(st.integers(0, 60)))
def test_lines_do_not_depend_on_the_pieces(body: bytes, places: list[int]) -> None:
    lines = Lines(LIMIT)
    found = [line for piece in cut(body, places) for line in lines.feed(piece)] + [lines.end()]
    assert found == [line if len(line) <= LIMIT else None for line in body.split(b"\n")]


def test_nothing_is_kept_of_a_line_that_is_too_long() -> None:
    lines = Lines(LIMIT)
    for _ in range(1_000):
        assert lines.feed(b"12345") == []
    assert lines._parts == []
    assert lines.feed(b"\nnext\nla") == [None, b"next"]
    assert lines.feed(b"st") == []
    assert lines.end() == b"last"
    assert lines.end() == b""
