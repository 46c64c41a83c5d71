"""What the installed client library has: its modules, their public methods with parameters, and declared fields.

Read by introspection, so that a newer release with one method or parameter more fails the tests that lack it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from types import FunctionType, ModuleType
from typing import Any, Final

from twilio.base.page import Page
from twilio.rest.taskrouter import v1

Method = tuple[str, str]  # class, method


def _modules() -> dict[str, ModuleType]:
    found = [importlib.import_module(m.name) for m in pkgutil.walk_packages(v1.__path__, f"{v1.__name__}.")]
    return {module.__name__.removeprefix(f"{v1.__name__}."): module for module in found}


MODULES: Final = _modules()
FIRST: Final = "workspace"  # its story also answers for what all pages inherit

# Fields that may be null, by class. Any other field that is declared has to have a value.
NULLABLE: Final[dict[str, frozenset[str]]] = {
    "WorkspaceInstance": frozenset({"events_filter"}),
    "TaskInstance": frozenset(
        {
            "reason",
            "routing_target",
            "task_queue_entered_date",
            "task_queue_friendly_name",
            "task_queue_sid",
        }
    ),
    "TaskQueueInstance": frozenset(
        {
            "assignment_activity_name",
            "assignment_activity_sid",
            "reservation_activity_name",
            "reservation_activity_sid",
        }
    ),
    "WorkflowInstance": frozenset({"assignment_callback_url", "fallback_assignment_callback_url"}),
    "EventInstance": frozenset({"actor_sid", "actor_type", "actor_url", "source_ip_address"}),
    "WorkspaceRealTimeStatisticsInstance": frozenset({"longest_task_waiting_sid"}),
    "TaskQueueRealTimeStatisticsInstance": frozenset(
        {"longest_task_waiting_sid", "longest_relative_task_sid_in_queue"}
    ),
    "WorkflowRealTimeStatisticsInstance": frozenset({"longest_task_waiting_sid"}),
    **dict.fromkeys(
        (
            "WorkspaceCumulativeStatisticsInstance",
            "TaskQueueCumulativeStatisticsInstance",
            "WorkflowCumulativeStatisticsInstance",
        ),
        frozenset({"split_by_wait_time"}),
    ),
}


def classes_of(module: str) -> list[type]:
    """The classes defined in a module, and for the first module what its pages inherit."""
    return [*_own(module), Page] if module == FIRST else _own(module)


def _own(module: str) -> list[type]:
    source = MODULES[module]
    return [c for c in vars(source).values() if inspect.isclass(c) and c.__module__ == source.__name__]


def methods_of(kind: type) -> Iterator[tuple[str, FunctionType]]:
    """Public methods that a class defines itself. `get_instance` of Page is for those that inherit it."""
    for name, value in vars(kind).items():
        public = not name.startswith("_") or name == "__call__"
        if isinstance(value, FunctionType) and public and not (kind is Page and name not in _PAGE):
            yield name, value


_PAGE: Final = ("next_page", "next_page_async", "previous_page", "previous_page_async")


def properties_of(kind: type) -> list[str]:
    """What leads from a class to the resources below it."""
    return [name for name, value in vars(kind).items() if isinstance(value, property) and name[0] != "_"]


def parameters_of(method: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(method).parameters) - {"self"}


def required(module: str) -> dict[Method, set[str]]:
    """Every method of a module, with all its parameters."""
    methods = {
        (kind.__name__, name): parameters_of(method)
        for kind in classes_of(module)
        for name, method in methods_of(kind)
    }
    below = {(kind.__name__, name) for kind in _own(module) for name in properties_of(kind)}
    return {**methods, **{key: set() for key in below}}


def complaints(record: Any) -> list[str]:
    """What is wrong with a record by the library's own declarations: a type, a null, a link that is none."""
    name = type(record).__name__
    wrong = []
    for field, declared in declarations(type(record)).items():
        value = getattr(record, field)
        if value is None:
            if field not in NULLABLE.get(name, ()):
                wrong.append(f"{field} is null")
        elif not _fits(type(record), value, declared):
            wrong.append(f"{field} is {value!r}, not {declared}")
    return wrong + _lost(record)


def _lost(record: Any) -> list[str]:
    """Links that lead out of the server, and a URL that is not the one the library itself asks at."""
    base = f"{record._version.domain.base_url}/v1"
    links = {"url": getattr(record, "url", None), **(getattr(record, "links", None) or {})}
    wrong = [
        f"{name} leads to {url}" for name, url in links.items() if url and not url.startswith(f"{base}/W")
    ]
    sid, place = record._solution.get("sid"), getattr(record, "_proxy", None)
    named = sid is not None and len(sid) != 34  # asked for by a unique name: the URL has the SID
    if place is not None and not named and links["url"] != base + place._uri:
        wrong.append(f"url is {links['url']}, not {base}{place._uri}")
    return wrong


@cache
def declarations(kind: type) -> dict[str, str]:
    """The fields that a record's constructor sets, with the types it declares them to have."""
    source = textwrap.dedent(inspect.getsource(vars(kind)["__init__"]))
    return {
        node.target.attr: ast.unparse(node.annotation).removeprefix("Optional[").removesuffix("]")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Attribute)
        and not node.target.attr.startswith("_")
    }


def _fits(kind: type, value: Any, declared: str) -> bool:
    match declared:
        case "datetime":
            return isinstance(value, datetime) and value.tzinfo is not None
        case "str":
            return isinstance(value, str)
        case "int":
            return type(value) is int
        case "bool":
            return type(value) is bool
    if declared.startswith("Dict["):
        return isinstance(value, dict)
    if declared.startswith(("List[", "list[")):
        return isinstance(value, list) and all(isinstance(row, dict) for row in value)
    _, _, enum = declared.strip("'").partition(".")
    words = vars(getattr(kind, enum))
    return value in [word for name, word in words.items() if not name.startswith("_")]
