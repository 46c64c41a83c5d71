"""`trunkline keys`: make, list, rotate and revoke the API keys of accounts, whether or not a server is running."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from api.offline import date_of, json_option, place_options, print_json, run_on
from api.options import debug_option, settings_from
from engine.api_keys import ApiKeys

if TYPE_CHECKING:
    from engine.model import ApiKey

T = TypeVar("T")


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke API keys: credentials of an account that can be taken away one by one.

    \b
    trunkline keys create AC3f9d2c0e7b8a41d6a5c4e1f00b97d812 dashboard
    trunkline keys list --json
    """


@keys.command()
@click.argument("account")
@click.argument("name")
@place_options
@json_option
@debug_option
def create(account: str, name: str, as_json: bool, **given: Any) -> None:
    """Make a key for an ACCOUNT (its SID) and print its SID and secret, which is shown this once only."""
    _print_secret(_with_keys(given, lambda k: k.create(account, name)), as_json)


@keys.command("list")
@click.argument("account", required=False)
@place_options
@json_option
@debug_option
def list_(account: str | None, as_json: bool, **given: Any) -> None:
    """Print the keys of an ACCOUNT (its SID), or of all, oldest first."""
    found = _with_keys(given, lambda k: k.list(account))
    if as_json:
        print_json([_shown(key) for key in found])
    for key in [] if as_json else found:
        click.echo(f"{key.sid}  {key.account_sid}  {key.name}")


@keys.command()
@click.argument("sid")
@place_options
@json_option
@debug_option
def rotate(sid: str, as_json: bool, **given: Any) -> None:
    """Give a key a new secret and print it, this once only.

    The old one is refused from now on, and so are the access tokens signed with it; running servers notice
    within 2 s.
    """
    _print_secret(_with_keys(given, lambda k: k.rotate(sid)), as_json)


@keys.command()
@click.argument("sid")
@place_options
@json_option
@debug_option
def revoke(sid: str, as_json: bool, **given: Any) -> None:
    """Refuse a key for good, with the access tokens signed with it; running servers notice within 2 s."""
    key = _with_keys(given, lambda k: k.revoke(sid))
    if as_json:
        print_json(_shown(key))
    else:
        click.echo(f"{key.sid} is revoked")


def _with_keys(given: dict[str, Any], work: Callable[[ApiKeys], Awaitable[T]]) -> T:
    return run_on(settings_from(given), lambda redis: work(ApiKeys(redis)))


def _print_secret(key: ApiKey, as_json: bool) -> None:
    if as_json:
        print_json(_shown(key) | {"secret": key.secret})
    else:
        click.echo(f"API key SID  {key.sid}\nsecret       {key.secret}")


def _shown(key: ApiKey) -> dict[str, str]:
    return {
        "sid": key.sid,
        "account_sid": key.account_sid,
        "name": key.name,
        "date_created": date_of(key.created_ms),
    }
