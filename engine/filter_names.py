"""What events show of the steps of Workflows: the filter's name and expression, and the Worker a step asks for.

Documents are read here without their rules, which takes a hundredth of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from engine.model import WorkspaceConfig
from engine.rules.workflow import task_value
from engine.sids import is_sid

MAX_DOCUMENTS: Final = 256  # kept taken apart; one of 1 MB takes some 3 MB


class Target(Struct, frozen=True):
    known_worker_sid: str | None = None


class Filter(Struct, frozen=True):
    expression: str | None = None
    friendly_name: str | None = None
    filter_friendly_name: str | None = None
    targets: list[Target] = []


class Routing(Struct, frozen=True):
    filters: list[Filter] | None = None
    default_filter: Target | None = None


class Document(Struct, frozen=True):
    task_routing: Routing


class StepName(Struct, frozen=True):
    """What is shown of a step."""

    filter_name: str | None
    expression: str | None  # a JSON array that holds the filter's
    known_worker: Callable[[dict[str, Any]], str | None] | None  # attributes -> SID


_decode: Final = msgspec.json.Decoder(Document).decode
_encode: Final = msgspec.json.Encoder().encode
Key = tuple[str, str, int]  # Workspace, Workflow, document


class FilterNames:
    """The documents of one configuration. `kept` is shared between them, least recently used first."""

    def __init__(self, config: WorkspaceConfig, kept: dict[Key, Document | None]) -> None:
        self._config, self._kept = config, kept
        self._asking: dict[str, bool] = {}

    def missing(self, workflow: str, at: str) -> bool:
        """Whether the document that `at` is about has to be given first, because it was replaced."""
        document = _number(at)
        if document is None or self._is_newest(workflow, document):
            return False
        return (self._config.workspace.sid, workflow, document) not in self._kept

    def may_ask_for_workers(self, workflow: str, document: str) -> bool:
        """Whether a step of the document may name the Worker it wants. False where the text says that none does."""
        asking = self._asking.get(workflow)
        if asking is None:
            known = self._config.workflows.get(workflow)
            asking = self._asking[workflow] = known is None or "known_worker_sid" in known.configuration
        return asking or not self._is_newest(workflow, int(document))

    def _is_newest(self, workflow: str, document: int) -> bool:
        known = self._config.workflows.get(workflow)
        return known is not None and known.document == document

    def give(self, workflow: str, at: str, text: bytes | None) -> None:
        """A replaced document; None when nobody kept it."""
        document = _number(at)
        if document is not None:
            self._keep(
                (self._config.workspace.sid, workflow, document), None if text is None else _decode(text)
            )

    def find(self, workflow: str, at: str) -> StepName | None:
        """The step that `at` is about; None for a target of the Task's own, or a document that is gone."""
        number = _number(at)
        document = None if number is None else self._document(workflow, number)
        if document is None:
            return None
        _, index, step, *_ = at.split(".")
        if index == "d":
            return StepName(None, None, _known(document.task_routing.default_filter))
        chosen = (document.task_routing.filters or [])[int(index)]
        name = chosen.friendly_name if chosen.filter_friendly_name is None else chosen.filter_friendly_name
        return StepName(name, _encode([chosen.expression]).decode(), _known(chosen.targets[int(step)]))

    def _document(self, workflow: str, number: int) -> Document | None:
        key = (self._config.workspace.sid, workflow, number)
        if key in self._kept:
            return self._keep(key, self._kept.pop(key))
        known = self._config.workflows.get(workflow)
        if known is None or known.document != number:
            return None
        return self._keep(key, _decode(known.configuration))

    def _keep(self, key: Key, document: Document | None) -> Document | None:
        self._kept[key] = document
        if len(self._kept) > MAX_DOCUMENTS:
            del self._kept[next(iter(self._kept))]
        return document


def _number(at: str) -> int | None:
    document, dot, _ = at.partition(".")
    return int(document) if dot and document.isdigit() else None


def _known(target: Target | None) -> Callable[[dict[str, Any]], str | None] | None:
    if target is None or target.known_worker_sid is None:
        return None
    path = target.known_worker_sid.removeprefix("task.")

    def read(attributes: dict[str, Any]) -> str | None:
        value = task_value(path, attributes)
        return value if isinstance(value, str) and is_sid(value, "WK") else None

    return read
