"""What an access token allows: its TaskRouter grant names a Workspace, a Worker and a role, and has no policies.

Each role may do what the one before it may, in its own Workspace and nowhere else:

worker      what the SDK's Worker asks for (worker-sdk-protocol 5): see itself, its Reservations and channels, the
            Activities and Tasks; change its Activity and attributes; answer Reservations; update Tasks; create a
            Task that is routed to itself
supervisor  see all Workers, and change their Activity and attributes
admin       see everything in the Workspace

A role without what it needs (a worker without a Worker SID) allows nothing, and so does an unknown one.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from api.policies import HOST, BoundPolicy, Policy, Rule
from engine.sids import is_sid

_OPTIONAL: Final = Rule(required=False)
_REQUIRED: Final = Rule(required=True)

# What an agent's desktop sets of a Worker: not its name, and nothing of its channels.
WORKER_FORM: Final = dict.fromkeys(("ActivitySid", "Attributes", "RejectPendingReservations"), _OPTIONAL)

# A call or chat that the Worker begins itself.
OWN_TASK_FORM: Final = {
    "RoutingTarget": _REQUIRED,
    **dict.fromkeys(
        ("Attributes", "TaskChannel", "TaskQueueSid", "VirtualStartTime", "WorkflowSid"), _OPTIONAL
    ),
}


class TaskRouterGrant(Struct, frozen=True):
    """The member `task_router` of an access token's grants. What was not set is left out."""

    workspace_sid: str | None = None
    worker_sid: str | None = None
    role: str | None = None


def policies_of(grant: TaskRouterGrant) -> tuple[Policy, ...]:
    """The policies that a grant stands for."""
    if not is_sid(grant.workspace_sid or "", "WS"):
        return ()
    workspace = f"{HOST}/v1/Workspaces/{grant.workspace_sid}"
    worker = grant.worker_sid if grant.worker_sid and is_sid(grant.worker_sid, "WK") else None
    own = () if worker is None else _of_worker(workspace, worker)
    match grant.role:
        case "worker":
            return own
        case "supervisor":
            return (*own, *_of_supervisor(workspace)) if worker is not None else ()
        case "admin":
            return (*own, *_of_supervisor(workspace), *_of_admin(workspace))
        case _:
            return ()


def _of_worker(workspace: str, sid: str) -> tuple[Policy, ...]:
    itself = f"{workspace}/Workers/{sid}"
    return (
        _reading(itself),
        _reading(f"{itself}/**"),
        _reading(f"{workspace}/Activities"),
        _reading(f"{workspace}/Tasks/**"),
        Policy(itself, "POST", True, post_filter=WORKER_FORM),
        Policy(f"{itself}/Reservations/**", "POST", True),
        Policy(f"{workspace}/Tasks/**", "POST", True),
        BoundPolicy(
            f"{workspace}/Tasks", "POST", True, post_filter=OWN_TASK_FORM, values={"RoutingTarget": sid}
        ),
    )


def _of_supervisor(workspace: str) -> tuple[Policy, ...]:
    # Below a Worker are its channels and Reservations too; no update of those has a parameter of this form.
    return (
        _reading(f"{workspace}/Workers/**"),
        Policy(f"{workspace}/Workers/**", "POST", True, post_filter=WORKER_FORM),
    )


def _of_admin(workspace: str) -> tuple[Policy, ...]:
    return _reading(workspace), _reading(f"{workspace}/**")


def _reading(url: str) -> Policy:
    return Policy(url, "GET", True)
