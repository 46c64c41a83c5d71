"""docs/compatibility.md is what api/surface makes of it, and leaves nothing out."""

from __future__ import annotations

import re
from typing import Final

import pytest

from api.surface import OPERATIONS
from api.surface.common import PAGING
from api.surface.compatibility import PAGE, main, page
from api.surface.model import Operation

TEXT: Final = page()
CHAPTERS: Final = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", TEXT, re.DOTALL | re.MULTILINE))


def test_the_page_is_as_it_is_made() -> None:
    assert PAGE.read_text() == TEXT, "make docs renews it"


@pytest.mark.parametrize("one", list(OPERATIONS.values()), ids=list(OPERATIONS))
def test_every_operation_and_parameter_has_a_verdict(one: Operation) -> None:
    chapter = CHAPTERS[one.name]
    assert f"`{one.method} {one.path}`: " in chapter
    verdicts = dict(re.findall(r"^\| `([\w-]+)`[^|]*\| ([^|]+) \|", chapter, re.MULTILINE))
    assert verdicts.keys() == {p.name for p in one.parameters if p.place != "path" and p not in PAGING}
    assert set(verdicts.values()) <= {"same", "chosen", "refused", "chosen, refused", "ours", "not yet"}


def test_a_page_that_is_out_of_date_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    assert main([]) == 0
    monkeypatch.setattr("api.surface.compatibility.page", lambda: "other")
    assert main([]) == 1
    assert main(["--what"]) == 2
