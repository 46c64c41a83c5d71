"""Requests made from the API's own description, right ones and wrong ones: each is answered as described.

TRUNKLINE_FUZZ sets how many there are for each operation; `make fuzz` makes more than 20,000 altogether.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from functools import cache
from typing import Any, Final

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests.auth import HTTPBasicAuth
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.openapi import document
from api.surface import OPERATIONS
from api.v1 import ROUTES
from engine.instructions import PARAMETERS
from tests.clients.places import open_offer, sids
from tests.clients.site import Site, build_site
from tests.clients.stack import Stack

MANY: Final = int(os.environ.get("TRUNKLINE_FUZZ", "0"))
EXAMPLES: Final = MANY or 3  # of each operation
CHECKS: Final = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SERVED: Final = [
    route.name for route in ROUTES if route.name in OPERATIONS and route.name != "CreateTaskBulk"
]
NEVER_RIGHT: Final = {"ReportReservationSetup"}  # nobody has told the Reservation an instruction
INSTRUCTIONS: Final = ("accept", "reject", *PARAMETERS)
AS_MADE: Final = "cdef"  # made-up values that end in one of these are left as they are
_SID: Final = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")


@cache
def described() -> Any:
    return schemathesis.openapi.from_dict(document(SERVED))


class Ground:
    """A site of its own for one operation, and what SIDs in requests become so that they lead somewhere."""

    def __init__(self, site: Site, name: str) -> None:
        offer = open_offer(site)
        self.path = sids(site, OPERATIONS[name])
        self.answers = name in ("UpdateTaskReservation", "UpdateWorkerReservation")
        known = (site.workspace, site.available, site.queue, site.workflow, site.worker, offer)
        self.by_prefix: dict[str, str] = {one["sid"][:2]: one["sid"] for one in known}
        self.by_prefix["WT"] = offer["task_sid"]
        self.documents: dict[str, str] = {
            "Configuration": site.workflow["configuration"],
            "Attributes": '{"skill": "é", "level": 3}',
            "TaskAttributes": '{"call": "CA1"}',
            "EvaluateWorkerAttributes": '{"skill": "é"}',
            "EvaluateTaskAttributes": "level > 2",
            "TargetWorkersExpression": "skill == 'é'",
            "TargetWorkers": "skill != null",
        }
        self.statuses: Counter[int] = Counter()

    def lead(self, case: Any) -> None:
        """Put SIDs of this site, and texts that mean something, in the place of most of those that were made up."""
        for name, value in (case.path_parameters or {}).items():
            if isinstance(value, str) and value[-1:] not in AS_MADE:
                case.path_parameters[name] = self.path[name]
        for part in (case.query, case.body):
            for name, value in part.items() if isinstance(part, dict) else ():
                if isinstance(value, str) and value[-1:] not in AS_MADE:
                    part[name] = self._meaning(name, value)

        if self.answers:
            self._answer(case)

    def _answer(self, case: Any) -> None:
        """Answer the Reservation where nothing was said of it; beside an instruction nothing else may be said."""
        if not isinstance(case.body, dict) or not case.body:
            case.body = {"ReservationStatus": "accepted"}
            (case.headers or {}).pop("If-Match", None)
        elif "Instruction" in case.body:
            for name in ("ReservationStatus", "WorkerActivitySid"):
                case.body.pop(name, None)

    def _meaning(self, name: str, value: str) -> str:
        if name == "Instruction":
            return INSTRUCTIONS[len(value) % len(INSTRUCTIONS)]
        known = self.by_prefix.get(value[:2], value) if _SID.fullmatch(value) else value
        return self.documents.get(name, known)


def requests_for(name: str) -> st.SearchStrategy[Any]:
    """Requests that the description allows, and requests that it does not."""
    operation = described().find_operation_by_id(name)
    return st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )


@pytest.mark.parametrize("name", SERVED)
def test_requests_made_from_the_description_are_answered_as_it_says(stack: Stack, name: str) -> None:
    with (
        requests.Session() as session,
        httpx.Client(base_url=stack.urls[True], auth=stack.credentials) as http,
    ):
        session.auth = HTTPBasicAuth(*stack.credentials)
        ground = Ground(build_site(http), name)

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=not MANY,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=requests_for(name))
        def probe(case: Any) -> None:
            ground.lead(case)
            response = case.call_and_validate(base_url=stack.urls[True], session=session, checks=CHECKS)
            ground.statuses[response.status_code] += 1

        probe()
        http.delete(f"/v1/Workspaces/{ground.by_prefix['WS']}")
    assert sum(ground.statuses.values()) >= EXAMPLES * 0.9, ground.statuses
    assert not MANY or name in NEVER_RIGHT or OPERATIONS[name].status in ground.statuses, ground.statuses
