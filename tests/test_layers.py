"""Imports point downward only; rooms of one floor may use each other's modules, but no imports go in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import mentalft

PACKAGE = Path(mentalft.__file__).parent
FLOORS = (
    ("__main__",),
    ("cli",),
    ("sweep",),
    ("experiment",),
    ("stages",),
    (
        "chat",
        "comparison",
        "data",
        "generation",
        "judging",
        "metrics",
        "modeling",
        "review",
        "runs",
        "safety",
        "show",
        "statistics",
        "tracking",
        "training",
    ),
    ("assets", "config", "console", "errors", "files", "records", "words"),
)
"""From the top down."""
FLOOR = {room: -depth for depth, rooms in enumerate(FLOORS) for room in rooms}
ONLY_IN = {
    "hydra": {"cli", "config.mistakes", "sweep.plan"},
    "wandb": {"tracking"},
    "gradio": {"chat.web"},
    "optuna": {"sweep.study", "show.sweep.importance"},
}
UPWARD = {("config.checks", "metrics.registry"), ("config.checks", "data.read.forms")}
"""The imports upward, made when a configuration is checked: metrics and forms of data say their names, each where it is
defined."""
LOOSE_MODULES = 6


class Module(NamedTuple):
    name: str
    """Below ``mentalft``: ``data.read.forms``; empty for the package itself."""
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


MODULES = {  # the build scripts of the assets are no part of the package
    module_name(path): Module(module_name(path), ast.parse(path.read_text(encoding="utf-8")))
    for path in sorted(PACKAGE.rglob("*.py"))
    if "source" not in path.relative_to(PACKAGE).parts
}


def statements(body: list[ast.stmt], *, in_functions: bool) -> Iterator[ast.stmt]:
    """Every statement of ``body`` and of what it holds, without those that only type checkers see."""
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from statements(node.orelse, in_functions=in_functions)
            continue
        yield node
        if in_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            handled = [s for h in getattr(node, "handlers", []) for s in h.body]
            yield from statements(inner + handled, in_functions=in_functions)


def imported(module: Module, *, in_functions: bool = True) -> set[str]:
    """Full names of what ``module`` imports: modules where they are ours, else as the statement has them."""
    found: set[str] = set()
    for node in statements(module.tree.body, in_functions=in_functions):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}".removeprefix("mentalft.")
                found.add(f"mentalft.{inner}" if inner in MODULES else node.module)
    return found


def ours(module: Module, *, in_functions: bool = True) -> set[str]:
    """The modules of the package that ``module`` imports, by their names below it."""
    names = {name for name in imported(module, in_functions=in_functions) if f"{name}.".startswith("mentalft.")}
    return {name.partition(".")[2] for name in names}


def test_every_room_has_a_floor() -> None:
    assert {module.room for module in MODULES.values()} - {""} == set(FLOOR)


def test_few_modules_are_loose_at_the_top() -> None:
    loose = [path.name for path in PACKAGE.glob("*.py") if path.name != "__init__.py"]
    assert len(loose) <= LOOSE_MODULES, loose


@pytest.mark.parametrize("name", [name for name in MODULES if name])
def test_imports_point_downward(name: str) -> None:
    module = MODULES[name]
    above = [n for n in ours(module) if n and FLOOR[n.partition(".")[0]] > FLOOR[module.room]]
    upward = [n for n in above if (name, n) not in UPWARD]
    assert not upward, f"{name} imports {upward}, which lie on a higher floor"


def test_no_imports_go_in_a_circle() -> None:
    graph = {name: ours(module, in_functions=False) - {name, ""} for name, module in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other: {' ← '.join(error.args[1])}")


def test_stages_do_not_import_each_other() -> None:
    for name, module in MODULES.items():
        if name.startswith("stages."):
            others = {n for n in ours(module) if n.startswith("stages")}
            assert not others, f"{name} imports {others}"


def test_a_library_is_known_to_few() -> None:
    for name, module in MODULES.items():
        for library in {n.partition(".")[0] for n in imported(module)} & ONLY_IN.keys():
            known = any(f"{name}.".startswith(f"{place}.") for place in ONLY_IN[library])
            assert known, f"{name} imports {library}"


def test_a_circle_and_a_function_are_seen() -> None:
    """The walk itself: an import inside a function counts for floors, one for type checkers alone for nothing."""
    text = "if TYPE_CHECKING:\n    import a\nelse:\n    import b\nclass C:\n    def f(self):\n        import c\n"
    module = Module("x", ast.parse(text))
    assert imported(module) == {"b", "c"}
    assert imported(module, in_functions=False) == {"b"}
