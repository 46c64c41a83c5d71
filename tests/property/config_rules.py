"""Rules of histories about rules: other documents for Workflows, other rules for queues."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from engine.model import Order
from tests.property import alphabet as a
from tests.property.base import History
from tests.property.documents import DOCUMENTS
from tests.scenarios.site import with_sids


class ConfigRules(History):
    """What a supervisor changes while Tasks wait."""

    @rule(
        name=st.sampled_from([*DOCUMENTS, *a.QUEUES]),
        workflow=st.fixed_dictionaries(
            {"re_evaluate": st.booleans()},
            optional={
                "document": st.integers(0, 1),
                "reservation_timeout_s": st.sampled_from([a.ANSWER_S, 20]),
            },
        ),
        queue=st.fixed_dictionaries(
            {},
            optional={
                "target": st.sampled_from(a.TARGETS),
                "order": st.sampled_from(Order),
                "max_reserved": st.sampled_from([1, 2, 5]),
                "assignment_activity_sid": st.sampled_from(["", "Busy", "Lunch"]),
            },
        ),
    )
    def change_rules(self, name: str, workflow: dict[str, Any], queue: dict[str, Any]) -> None:
        names = self.engine.names
        if name in names.queues:
            given = dict(queue)
            if given.get("assignment_activity_sid"):
                given["assignment_activity_sid"] = self.activity(given["assignment_activity_sid"])
            self.both("update_queue", sid=names.queues[name], **given)
        else:
            given = dict(workflow)
            if "document" in given:
                document = DOCUMENTS[name][given["document"]]
                given["document"] = with_sids(document, names.queues, names.activities)
            self.both("update_workflow", sid=names.workflows[name], **given)
