"""The account a deployment begins with: the one named in the environment, or one made at the first start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from engine.errors import SettingError

if TYPE_CHECKING:
    from engine.accounts import Accounts
    from engine.settings import Settings

NAME = "default"


class Credentials(Struct, frozen=True, kw_only=True):
    """Whom to show at the start. `token` is known only when the account was made just now."""

    sid: str
    token: str | None
    named: bool  # by TRUNKLINE_ACCOUNT_SID: whoever started us has the token


async def first_account(accounts: Accounts, settings: Settings) -> Credentials | None:
    """Find or make the account to start with; None if there are only suspended ones.

    Raises SettingError if the named account exists with another token, or is suspended.
    """
    if settings.account_sid:
        return await _named(accounts, settings.account_sid, settings.auth_token)
    known = await accounts.list()
    if not known:
        account, token = await accounts.create(NAME)
        return Credentials(sid=account.sid, token=token, named=False)
    active = [account for account in known if account.status == "active"]
    oldest = min(active, key=lambda account: account.created_ms, default=None)
    return Credentials(sid=oldest.sid, token=None, named=False) if oldest else None


async def _named(accounts: Accounts, sid: str, token: str) -> Credentials:
    found = await accounts.get(sid)
    if found is None:
        await accounts.create(NAME, sid=sid, token=token)
    elif found.status != "active":
        raise SettingError(f"account_sid (TRUNKLINE_ACCOUNT_SID) is {sid}; that account is suspended")
    elif await accounts.verify(sid, token) is None:
        raise SettingError(
            f"auth_token (TRUNKLINE_AUTH_TOKEN) is not the token of account {sid}; give that one, name another"
            f" account, or take the new one that this prints: trunkline accounts rotate {sid}"
        )
    return Credentials(sid=sid, token=None, named=True)
