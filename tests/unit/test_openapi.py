"""The OpenAPI description: valid, about everything that is served, and the same on every start."""

from __future__ import annotations

import json
from typing import Any, Final

from openapi_spec_validator import validate

from api.openapi import FORMS, document
from api.surface import OPERATIONS
from api.v1 import ROUTES

SERVED: Final = document({route.name for route in ROUTES})
ALL: Final = document(OPERATIONS)


def operations(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["operationId"]: one for methods in description["paths"].values() for one in methods.values()}


def test_it_is_valid_openapi_3_1() -> None:
    validate(json.loads(json.dumps(ALL)))


def test_it_has_the_operations_that_are_served_and_no_other() -> None:
    assert operations(SERVED).keys() == {route.name for route in ROUTES} & OPERATIONS.keys()
    assert operations(ALL).keys() == OPERATIONS.keys()


def test_every_schema_and_header_that_is_named_is_there_and_every_one_there_is_named() -> None:
    text = json.dumps(ALL)
    for kind, names in ALL["components"].items():
        if kind != "securitySchemes":
            assert [name for name in names if f'"#/components/{kind}/{name}"' not in text] == []


def test_a_form_is_described_for_each_encoding_that_is_taken() -> None:
    create = operations(ALL)["CreateTask"]
    assert tuple(create["requestBody"]["content"]) == FORMS
    form = ALL["components"]["schemas"]["CreateTaskForm"]["properties"]
    assert form["Priority"]["maximum"] == 2_147_483_647
    assert form["Timeout"]["default"] == 86_400
    assert "default" not in form["WorkflowSid"]
    assert "Default: the only one there is." in form["WorkflowSid"]["description"]


def test_success_and_errors_are_described() -> None:
    update = operations(ALL)["UpdateTaskReservation"]
    assert {"200", "400", "401", "404", "410", "412", "413", "415", "429", "503"} <= update[
        "responses"
    ].keys()
    assert "ETag" in update["responses"]["200"]["headers"]
    assert next(iter(operations(ALL)["DeleteTask"]["responses"])) == "204"
    assert "content" not in operations(ALL)["DeleteTask"]["responses"]["204"]
