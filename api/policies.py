"""What the bearer of a token may do: policies, and whether they let a request through (clients 4.1).

A policy names a method and an address. Its last part may be `/**`, everything below; as clients that may read
everything below a collection ask for the list first, GET on `.../Tasks/**` covers GET on `.../Tasks` too. No other
method is stretched like that: whoever may change Tasks may not create one.

A filter names parameters, each of which must be sent or may be. One that names any says what may be sent at all,
so `{"ActivitySid": {"required": true}}` lets nobody change the name along with the Activity; an empty one says
nothing. Where a policy forbids, parameters that it does not name do not weaken it: it forbids every request that
has the required ones.

A request passes if a policy allows it and none forbids it. Addresses are compared as text, under the host that
client libraries write into policies; a resource with two addresses needs two policies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from api.errors import RequestError

if TYPE_CHECKING:
    from api.forms import Form
    from api.routes import Route

HOST: Final = "https://taskrouter.twilio.com"
BELOW: Final = "/**"
_PARAMETER: Final = re.compile(r"\{\w+\}")


class Rule(Struct, frozen=True):
    """What a filter says about one parameter."""

    required: bool


Filter = Mapping[str, Rule]


class Policy(Struct, frozen=True):
    """One line of a token. Unknown members are ignored."""

    url: str
    method: str
    allow: bool
    query_filter: dict[str, Rule] | None = None
    post_filter: dict[str, Rule] | None = None


class BoundPolicy(Policy, frozen=True):
    """One that we make ourselves and no token can spell: some parameters must have this very value."""

    values: dict[str, str] = {}


class Permit(Struct, frozen=True):
    """The policies that decide about one request, as far as its address and query tell."""

    allowing: list[Policy]
    forbidding: list[Policy]

    def check(self, form: Form) -> None:
        """Raises RequestError (403) unless the parameters of the body may be sent."""
        if any(_demanded(policy.post_filter, form) for policy in self.forbidding):
            raise forbidden()
        if not any(_permitted(p.post_filter, form) and _bound(p, form) for p in self.allowing):
            raise forbidden()


class Grant(Struct, frozen=True):
    """All that a token allows."""

    policies: tuple[Policy, ...]

    def at(self, route: Route, params: tuple[str, ...], query: Form) -> Permit:
        """The policies about this request. O(policies).

        Raises RequestError (403) if none allows it whatever its body says, so that the body is not read.
        """
        url, is_list = url_of(route.path, params), _is_list(route)
        near = [p for p in self.policies if p.method == route.method and _covers(p.url, url, is_list=is_list)]
        permit = Permit(
            [policy for policy in near if policy.allow and _permitted(policy.query_filter, query)],
            [policy for policy in near if not policy.allow and _demanded(policy.query_filter, query)],
        )
        if not permit.allowing:
            raise forbidden()
        return permit


def url_of(path: str, params: tuple[str, ...]) -> str:
    """The address of a route as policies spell it: built from what the router understood, not as it was sent."""
    values = iter(params)
    return HOST + _PARAMETER.sub(lambda _: next(values), path)


def forbidden() -> RequestError:
    return RequestError(403, 20403, "The token does not allow this request; nothing was changed")


def _is_list(route: Route) -> bool:
    return route.method == "GET" and not route.path.endswith("}")


def _covers(pattern: str, url: str, *, is_list: bool) -> bool:
    if not pattern.endswith(BELOW):
        return pattern == url
    base = pattern.removesuffix(BELOW)
    return url.startswith(base + "/") or (is_list and url == base)


def _demanded(rules: Filter | None, sent: Form) -> bool:
    """Whether all required parameters were sent."""
    return all(sent.raw(name) is not None for name, rule in (rules or {}).items() if rule.required)


def _permitted(rules: Filter | None, sent: Form) -> bool:
    """Whether all required parameters were sent, and none that the filter does not name."""
    return not rules or (_demanded(rules, sent) and all(name in rules for name, _ in sent.pairs))


def _bound(policy: Policy, form: Form) -> bool:
    """Whether the parameters that must have a certain value have no other one."""
    values = policy.values if isinstance(policy, BoundPolicy) else {}
    return all(set(form.all(name)) == {value} for name, value in values.items())
