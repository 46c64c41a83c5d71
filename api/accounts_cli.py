"""`trunkline accounts`: make, list, suspend and rotate accounts, whether or not a server is running."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from api.offline import date_of, json_option, place_options, print_json, run_on
from api.options import debug_option, settings_from
from engine.accounts import Accounts

if TYPE_CHECKING:
    from engine.model import Account

T = TypeVar("T")


@click.group()
def accounts() -> None:
    """Make, list, suspend and rotate accounts. Works while `trunkline serve` runs, and without it.

    \b
    trunkline accounts create acme --json
    trunkline accounts list --redis redis://10.0.0.5:6379
    """


@accounts.command()
@click.argument("name")
@place_options
@json_option
@debug_option
def create(name: str, as_json: bool, **given: Any) -> None:
    """Make an account and print its SID and auth token, which is shown this once only."""
    account, _ = _with_accounts(given, lambda a: a.create(name))
    _print_token(account, as_json)


@accounts.command("list")
@place_options
@json_option
@debug_option
def list_(as_json: bool, **given: Any) -> None:
    """Print all accounts, oldest first."""
    found = _with_accounts(given, lambda a: a.list())
    if as_json:
        print_json([_shown(account) for account in found])
    for account in [] if as_json else found:
        click.echo(f"{account.sid}  {account.status:<9}  {account.name}")


@accounts.command()
@click.argument("sid")
@place_options
@json_option
@debug_option
def suspend(sid: str, as_json: bool, **given: Any) -> None:
    """Refuse the credentials of an account from now on, its API keys too; running servers notice within 2 s."""
    _print_status(_with_accounts(given, lambda a: a.suspend(sid)), as_json)


@accounts.command()
@click.argument("sid")
@place_options
@json_option
@debug_option
def activate(sid: str, as_json: bool, **given: Any) -> None:
    """Accept the credentials of a suspended account again."""
    _print_status(_with_accounts(given, lambda a: a.activate(sid)), as_json)


@accounts.command()
@click.argument("sid")
@place_options
@json_option
@debug_option
def rotate(sid: str, as_json: bool, **given: Any) -> None:
    """Give an account a new auth token and print it, this once only.

    The old one is refused from now on, and so are the capability tokens signed with it; running servers notice
    within 2 s. API keys stay as they are.
    """
    _print_token(_with_accounts(given, lambda a: a.rotate(sid)), as_json)


def _with_accounts(given: dict[str, Any], work: Callable[[Accounts], Awaitable[T]]) -> T:
    return run_on(settings_from(given), lambda redis: work(Accounts(redis)))


def _print_token(account: Account, as_json: bool) -> None:
    if as_json:
        print_json(_shown(account) | {"auth_token": account.token})
    else:
        click.echo(f"account SID  {account.sid}\nauth token   {account.token}")


def _print_status(account: Account, as_json: bool) -> None:
    if as_json:
        print_json(_shown(account))
    else:
        click.echo(f"{account.sid} is {account.status}")


def _shown(account: Account) -> dict[str, str]:
    return {
        "sid": account.sid,
        "name": account.name,
        "status": account.status,
        "date_created": date_of(account.created_ms),
    }
