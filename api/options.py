"""Command line options made from engine/settings.py, so that both say the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from engine.settings import Settings, allowed, default_of, describe, environment_name, option_name, read

F = TypeVar("F", bound=Callable[..., Any])

CONNECTION: Final = ("data", "redis", "allow_weak_durability", "shards", "deployment")
API: Final = (
    "host",
    "port",
    "public_url",
    "trusted_proxies",
    "allow_private_callbacks",
    "rate_limit",
    "rate_limit_expressions",
    "rate_limit_bulk",
)
LOGGING: Final = ("log_level", "log_format")


def setting_options(*fields: str) -> Callable[[F], F]:
    """One option for each setting. Values stay text: `engine.settings.read` is what checks them."""

    def decorate(command: F) -> F:
        for field in reversed(fields):
            command = _option(field)(command)
        return command

    return decorate


def settings_from(given: dict[str, Any]) -> Settings:
    """The settings of this process; `given` are the options as click hands them over."""
    return read(
        {name: value for name, value in given.items() if name in Settings.__struct_fields__}, os.environ
    )


def debug_option(command: F) -> F:
    """`--debug`, which `api.cli.main` looks for."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            context.find_root().obj["debug"] = True

    return click.option(
        "--debug", is_flag=True, expose_value=False, callback=remember, help="Show tracebacks of failures."
    )(command)


def _option(field: str) -> Callable[[F], F]:
    name, default = option_name(field), default_of(field)
    words = describe(field)
    text = f"{words[0].upper()}{words[1:]}. [env {environment_name(field)}"
    if isinstance(default, bool):
        return click.option(f"{name}/--no-{name[2:]}", field, default=None, help=text + "; default off]")
    if default != "":
        text += f"; default {default}"
    return click.option(name, field, metavar=_metavar(field), help=text + "]")


def _metavar(field: str) -> str:
    words = allowed(field)
    if words.startswith("one of "):
        return words.removeprefix("one of ").replace(", ", "|")
    return {"data": "DIR", "redis": "URL", "public_url": "URL", "host": "ADDRESS"}.get(
        field, "N" if isinstance(default_of(field), int) else "TEXT"
    )
