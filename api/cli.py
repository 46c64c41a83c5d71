"""`trunkline`: the command line.

Exit status: 0 done, 1 it could not be done, 2 wrong usage or a wrong setting, 130 interrupted. A failure is
one line on stderr that says what to do next; `--debug` adds the traceback.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import structs
from redis.exceptions import RedisError

from api import logs, process
from api.accounts_cli import accounts
from api.bench_cli import bench
from api.keys_cli import keys
from api.options import API, CONNECTION, LOGGING, debug_option, setting_options, settings_from
from api.running import running_url
from engine.errors import Invalid, SettingError, TrunklineError
from engine.redis import EmbeddedServerError, PipelineError, ServerRefused

if TYPE_CHECKING:
    from api.serve import Ready
    from engine.settings import Settings

EXPECTED: Final = (
    process.StartFailed,
    TrunklineError,
    EmbeddedServerError,
    PipelineError,
    ServerRefused,
    RedisError,
    OSError,
)

# Litestar and uvicorn take 0.5 s to import, so roles are imported in the commands that need them.


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("trunkline"), prog_name="trunkline", message="%(prog)s %(version)s")
@debug_option
def cli() -> None:
    """Trunkline: a self-hosted TaskRouter on Redis.

    \b
    trunkline serve                       everything, with its own server
    trunkline serve --redis redis://h:1   everything, on your server
    trunkline matcher --redis redis://h:1 one more matcher
    trunkline relay --redis redis://h:1   one more relay
    trunkline accounts create acme        credentials for a client
    trunkline keys create AC... phones    one more pair of them for that account
    trunkline demo                        a small contact centre at work
    trunkline bench lives                 load, and whether all went right

    Exit status: 0 done, 1 could not be done, 2 wrong usage or setting, 130 interrupted.
    """


cli.add_command(accounts)
cli.add_command(bench)
cli.add_command(keys)


@cli.command()
@setting_options("host", "port", "data", "redis", "api", "matchers", "relays", "shards", "durability")
@setting_options("allow_weak_durability", "public_url", "trusted_proxies", "allow_private_callbacks")
@setting_options("deployment", *LOGGING)
@debug_option
def serve(**given: Any) -> None:
    """Run everything: a server (unless --redis names yours), API processes, matchers, relays.

    \b
    trunkline serve --port 8780 --data ./trunkline-data --api 2
    TRUNKLINE_REDIS=redis://:secret@10.0.0.5:6379 trunkline serve --matchers 4

    Prints the URL once requests are answered. Ctrl-C or SIGTERM ends all of it in less than 10 s.
    """
    from api.serve import serve as run_serve

    settings = settings_from(given)
    logs.configure("serve", level=settings.log_level, form=settings.log_format)

    async def main(stopping: asyncio.Event) -> None:
        await run_serve(settings, stopping, on_ready=_announce)

    process.run(main)


@cli.command()
@setting_options(*API, *CONNECTION, *LOGGING)
@click.option("--name", default="api", hidden=True)
@click.option("--listen-fd", type=int, hidden=True)
@click.option("--parent-pipe", type=int, hidden=True)
@debug_option
def api(name: str, listen_fd: int | None, parent_pipe: int | None, **given: Any) -> None:
    """Run one API process, on your server or beside a running `trunkline serve`.

    \b
    trunkline api --port 8781 --redis redis://10.0.0.5:6379
    """
    settings = _role_settings(given, name)

    import socket

    import uvloop

    from api.listen import bind
    from api.role_api import run_api

    listening = bind(settings.host, settings.port) if listen_fd is None else socket.socket(fileno=listen_fd)
    with listening:
        process.run(
            lambda stopping: run_api(settings, stopping, name=name, listening=listening),
            parent_pipe=parent_pipe,
            loop_factory=uvloop.new_event_loop,
        )


@cli.command()
@setting_options(*CONNECTION, *LOGGING)
@click.option("--name", default="matcher", hidden=True)
@click.option("--parent-pipe", type=int, hidden=True)
@debug_option
def matcher(name: str, parent_pipe: int | None, **given: Any) -> None:
    """Run one more matcher, on your server or beside a running `trunkline serve`.

    \b
    trunkline matcher --redis redis://10.0.0.5:6379
    """
    settings = _role_settings(given, name)

    import uvloop

    from api.role_matcher import run_matcher

    process.run(
        lambda stopping: run_matcher(settings, stopping, name=name),
        parent_pipe=parent_pipe,
        loop_factory=uvloop.new_event_loop,
    )


@cli.command()
@setting_options("allow_private_callbacks", *CONNECTION, *LOGGING)
@click.option("--name", default="relay", hidden=True)
@click.option("--parent-pipe", type=int, hidden=True)
@debug_option
def relay(name: str, parent_pipe: int | None, **given: Any) -> None:
    """Run one more relay, on your server or beside a running `trunkline serve`. It talks to media adapters.

    \b
    trunkline relay --redis redis://10.0.0.5:6379
    """
    settings = _role_settings(given, name)

    import uvloop

    from api.role_relay import run_relay

    process.run(
        lambda stopping: run_relay(settings, stopping, name=name),
        parent_pipe=parent_pipe,
        loop_factory=uvloop.new_event_loop,
    )


@cli.command()
@click.option(
    "--tasks", type=click.IntRange(1, 100_000), default=2000, show_default=True, help="Tasks to post."
)
@click.option("--workers", type=click.IntRange(1, 1000), default=50, show_default=True, help="Agents.")
@click.option("--seed", type=int, default=1, show_default=True, help="Decides handle times and skills.")
@click.option(
    "--matchers", type=click.IntRange(1, 64), default=1, show_default=True, help="Matcher processes."
)
@debug_option
def demo(tasks: int, workers: int, seed: int, matchers: int) -> None:
    """Run a small contact centre against a server of its own and check that no Task was lost.

    Takes less than a minute, listens on a free port of 127.0.0.1 and leaves nothing behind. Exit status 1 if
    a Task was not completed exactly once.
    """
    from api.demo import Plan, run_demo

    logs.configure("demo", level="warning", form="text")
    plan = Plan(tasks=tasks, workers=workers, seed=seed)
    if not run_demo(plan, matchers=matchers):
        raise process.StartFailed("the demo found Tasks that were not completed exactly once; see above")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    state: dict[str, bool] = {"debug": False}
    try:
        status = cli.main(args=arguments, prog_name="trunkline", standalone_mode=False, obj=state)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:
        return _report(_innermost(error), debug=state["debug"])
    return status if isinstance(status, int) else 0  # what a command gave to click's Exit


def _report(error: BaseException, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()  # the help of a group that was called alone, on stderr, in its lines
        return 2
    if isinstance(error, click.ClickException):
        usage = isinstance(error, click.UsageError)
        hint = (
            f"; see {error.ctx.command_path} --help"
            if isinstance(error, click.UsageError) and error.ctx
            else ""
        )
        return _say(error.format_message().rstrip(".") + hint, 2 if usage else 1)
    if isinstance(error, SettingError):
        return _say(str(error), 2)
    if isinstance(error, Invalid):
        return _say(f"{error.field} {error.message}", 2)
    if isinstance(error, EXPECTED):
        return _say(str(error) or type(error).__name__, 1)
    return _say(
        f"unexpected {type(error).__name__}: {error}; run it with --debug and report the traceback", 1
    )


def _say(message: str, status: int) -> int:
    click.echo("trunkline: " + " ".join(message.split()), err=True)
    return status


def _innermost(error: BaseException) -> BaseException:
    """The first failure inside nested groups: the others are its consequences."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _role_settings(given: dict[str, Any], name: str) -> Settings:
    """The settings of a single role. Without --redis it joins the `serve` that runs on the data folder."""
    settings = settings_from(given)
    logs.configure(name, level=settings.log_level, form=settings.log_format)
    if settings.redis:
        return settings
    url = running_url(settings.data_dir)
    if url is None:
        raise process.StartFailed(
            f"no server runs on {settings.data_dir}; give --redis URL, or start `trunkline serve` there first"
        )
    weak = settings.allow_weak_durability or settings.durability == "relaxed"
    return structs.replace(settings, redis=url, data="", allow_weak_durability=weak)


def _announce(ready: Ready) -> None:
    """The lines a person needs first. The token appears only when it was made just now."""
    from api.ready import lines

    click.echo("\n".join(lines(ready)))


if __name__ == "__main__":
    sys.exit(main())
