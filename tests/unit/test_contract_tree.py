"""The arrows between packages, the settings in the README, and nothing of one machine in any file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from engine.settings import ENVIRONMENT_ONLY, Settings, environment_name, option_name

ROOT: Final = Path(__file__).parents[2]
HTTP: Final = {"litestar", "uvicorn", "httptools", "aiohttp", "httpx", "multipart", "click", "rich", "http"}
IO: Final = {
    "redis",
    "hiredis",
    "asyncio",
    "socket",
    "subprocess",
    "os",
    "pathlib",
    "time",
    "random",
    "secrets",
}
SKIPPED: Final = {"__pycache__", "node_modules", "build", "dist", "results"}


def imports_of(source: str, module: str) -> set[str]:
    """The modules a text imports, wherever in it; `from a import b` counts as a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{name.name}" for name in node.names}
    return found


def modules_under(folder: str) -> Iterator[tuple[str, set[str]]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield name, imports_of(path.read_text(), name)


def forbidden(folder: str, *packages: str) -> list[tuple[str, str]]:
    """Which module imports what it must not."""
    begins = tuple(f"{package}." for package in packages)
    return [
        (module, name)
        for module, names in modules_under(folder)
        for name in sorted(names)
        if name in packages or name.startswith(begins)
    ]


def test_every_form_of_import_is_seen() -> None:
    source = "import a.b\nfrom c import d\ndef f():\n    from . import e\n    from ..g import h"
    assert imports_of(source, "x.y.z") == {"a.b", "c", "c.d", "x.y", "x.y.e", "x.g", "x.g.h"}


def test_engine_imports_neither_api_nor_anything_of_http() -> None:
    assert forbidden("engine", "api", "tests", "benchmarks", *HTTP) == []


def test_api_imports_neither_tests_nor_benchmarks() -> None:
    """But for the commands of the load suite."""
    ran, read = "benchmarks.suite.command", "benchmarks.suite.compared"
    assert forbidden("api", "tests", "benchmarks") == [
        ("api.bench_cli", ran),
        ("api.bench_cli", f"{ran}.run_command"),
        ("api.bench_cli", read),
        ("api.bench_cli", f"{read}.run_compare"),
        ("api.bench_cli", f"{read}.run_page"),
    ]


def test_rules_import_nothing_else_of_the_project_and_do_no_io() -> None:
    own = [
        (module, name)
        for module, names in modules_under("engine/rules")
        for name in names
        if re.match(r"(engine|api|lua)\b", name) and not name.startswith("engine.rules")
    ]
    assert own == []
    assert forbidden("engine/rules", *IO) == []


def test_no_handler_reaches_redis() -> None:
    assert forbidden("api/v1", "redis", "hiredis", "engine.redis", "engine.scripts", "engine.keys") == []


def test_lua_is_read_in_one_place() -> None:
    readers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("engine", "api")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"""["']lua["']|\*\.lua""", path.read_text())
    ]
    assert readers == ["engine/scripts.py"]


def test_readme_has_every_setting_and_no_other() -> None:
    rows = re.findall(r"^\|(.*?)\| `(TRUNKLINE_\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    shown = {variable: re.findall(r"--[a-z-]+", option) for option, variable in rows}
    assert shown == {
        environment_name(field): [] if field in ENVIRONMENT_ONLY else [option_name(field)]
        for field in Settings.__struct_fields__
    }


def texts() -> Iterator[Path]:
    """The files of the project: no hidden folders but .ci, nothing generated."""
    for top in sorted(ROOT.iterdir()):
        if top.is_file():
            yield top
        elif top.name == ".ci" or top.name[0] not in "._":
            inside = (path.relative_to(top) for path in top.rglob("*") if path.is_file())
            yield from (top / path for path in sorted(inside) if not SKIPPED & set(path.parts))


@pytest.mark.parametrize(
    "pattern",
    [
        rf"(?<![\w.~])/(?:{'|'.join(('work', 'home', 'root', 'Users', 'mnt'))})/\w",
        r"\.\./" + "shared",
    ],
)
def test_no_file_mentions_a_path_of_one_machine(pattern: str) -> None:
    files = list(texts())
    assert {"README.md", "pyproject.toml", "keys.lua", "scripts.py"} <= {path.name for path in files}
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files
        for match in re.finditer(pattern, path.read_text(errors="ignore"))
    ]
    assert found == []
