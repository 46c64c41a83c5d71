"""`trunkline accounts`: make, list, suspend and rotate accounts, whether or not a server is running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import click
import msgspec
from msgspec import structs

from api.options import debug_option, setting_options, settings_from
from api.running import running_url
from engine.accounts import Accounts
from engine.deployment import open_deployment
from engine.model import Account
from engine.redis import EmbeddedServer, connect
from engine.settings import Settings

T = TypeVar("T")

STOP_S: Final = 4.0  # for the server that was started for one command


@click.group()
def accounts() -> None:
    """Make, list, suspend and rotate accounts. Works while `trunkline serve` runs, and without it.

    \b
    trunkline accounts create acme --json
    trunkline accounts list --redis redis://10.0.0.5:6379
    """


_place = setting_options("data", "redis", "deployment")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


@accounts.command()
@click.argument("name")
@_place
@_json
@debug_option
def create(name: str, as_json: bool, **given: Any) -> None:
    """Make an account and print its SID and auth token, which is shown this once only."""
    account, token = _with_accounts(settings_from(given), lambda a: a.create(name))
    _print_token(account, token, as_json)


@accounts.command("list")
@_place
@_json
@debug_option
def list_(as_json: bool, **given: Any) -> None:
    """Print all accounts, oldest first."""
    found = _with_accounts(settings_from(given), lambda a: a.list())
    found = sorted(found, key=lambda account: (account.created_ms, account.sid))
    if as_json:
        _print_json([_shown(account) for account in found])
    for account in [] if as_json else found:
        click.echo(f"{account.sid}  {account.status:<9}  {account.name}")


@accounts.command()
@click.argument("sid")
@_place
@_json
@debug_option
def suspend(sid: str, as_json: bool, **given: Any) -> None:
    """Refuse the credentials of an account from now on; running servers notice within 2 s."""
    _print_status(_with_accounts(settings_from(given), lambda a: a.suspend(sid)), as_json)


@accounts.command()
@click.argument("sid")
@_place
@_json
@debug_option
def activate(sid: str, as_json: bool, **given: Any) -> None:
    """Accept the credentials of a suspended account again."""
    _print_status(_with_accounts(settings_from(given), lambda a: a.activate(sid)), as_json)


@accounts.command()
@click.argument("sid")
@_place
@_json
@debug_option
def rotate(sid: str, as_json: bool, **given: Any) -> None:
    """Give an account a new auth token and print it, this once only.

    The old one is refused from now on, and so are the capability tokens signed with it; running servers notice
    within 2 s.
    """
    account = _with_accounts(settings_from(given), lambda a: a.rotate(sid))
    _print_token(account, account.token, as_json)


def _with_accounts(settings: Settings, work: Callable[[Accounts], Awaitable[T]]) -> T:
    with _server_url(settings) as url:
        return asyncio.run(_work_at(url, settings, work))


async def _work_at(url: str, settings: Settings, work: Callable[[Accounts], Awaitable[T]]) -> T:
    redis = connect(url)
    try:
        await open_deployment(
            redis, shards=0, default_shards=settings.shards_wanted, expected_id=settings.deployment
        )
        return await work(Accounts(redis))
    finally:
        await redis.aclose()


@contextmanager
def _server_url(settings: Settings) -> Iterator[str]:
    """The server to talk to: yours, the embedded one that runs, or one started for this command."""
    url = settings.redis or running_url(settings.data_dir)
    if url:
        yield url
        return
    server = EmbeddedServer(settings.data_dir)
    try:
        server.start()
        yield server.url
    finally:
        server.stop(STOP_S)


def _print_token(account: Account, token: str, as_json: bool) -> None:
    if as_json:
        _print_json(_shown(account) | {"auth_token": token})
    else:
        click.echo(f"account SID  {account.sid}\nauth token   {token}")


def _print_status(account: Account, as_json: bool) -> None:
    if as_json:
        _print_json(_shown(account))
    else:
        click.echo(f"{account.sid} is {account.status}")


def _shown(account: Account) -> dict[str, str]:
    created = datetime.fromtimestamp(account.created_ms / 1000, UTC)
    fields = structs.asdict(account)
    return {name: fields[name] for name in ("sid", "name", "status")} | {
        "date_created": created.strftime("%Y-%m-%dT%H:%M:%SZ")
    }


def _print_json(value: Any) -> None:
    click.echo(msgspec.json.encode(value))
