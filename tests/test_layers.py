"""Imports point downward only, and rooms on one floor do not import each other."""

from __future__ import annotations

import ast
from pathlib import Path

import mentalft

PACKAGE = Path(mentalft.__file__).parent
FLOOR = {
    "errors": 0, "bounds": 0, "config": 0, "config_report": 0, "config_training": 0, "checks": 0, "records": 0, "files": 0, "groups": 0, "console": 0, "completion": 0, "assets": 0,
    "statistics": 0, "data": 1, "modeling": 1, "generation": 1, "metrics": 1, "training": 1, "launching": 1, "tracking": 1, "reporting": 1,
    "stages": 2, "inputs": 2, "outcome": 2, "experiment": 3, "cli_errors": 4, "running": 5,
    "sweeping": 6, "cli": 7, "runs_cli": 7, "__main__": 8,
}  # fmt: skip
ONLY_IN = {
    "hydra": {"cli", "cli_errors", "sweeping/plan"},
    "wandb": {"tracking"},
    "optuna": {"sweeping/study", "reporting/sweep/importance"},
}


def modules() -> list[tuple[str, Path]]:
    """(room, file) of every module of the package; the build scripts of the assets are not part of it."""
    files = [p for p in PACKAGE.rglob("*.py") if "source" not in p.relative_to(PACKAGE).parts]
    return [(p.relative_to(PACKAGE).parts[0].removesuffix(".py"), p) for p in files]


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | (
                {f"mentalft.{a.name}" for a in node.names} if node.module == "mentalft" else set()
            )
    return found


def test_every_room_has_a_floor() -> None:
    assert {room for room, _ in modules()} - {"__init__"} == set(FLOOR)


def test_imports_point_downward() -> None:
    for room, path in modules():
        for name in imported(path):
            if not name.startswith("mentalft.") or room == "__init__":
                continue
            other = name.split(".")[1]
            if other in FLOOR and other != room:
                same_ground = FLOOR[room] == FLOOR[other] == 0
                assert FLOOR[other] < FLOOR[room] or same_ground, f"{path.name} imports {name}"


def test_stages_do_not_import_each_other() -> None:
    for room, path in modules():
        if room == "stages":
            assert not [n for n in imported(path) if n.startswith("mentalft.stages")], path


def test_hydra_and_wandb_are_known_to_few() -> None:
    for _, path in modules():
        place = path.relative_to(PACKAGE).with_suffix("").as_posix()
        for name in imported(path):
            library = name.split(".")[0]
            if library in ONLY_IN:
                known = any(f"{place}/".startswith(f"{one}/") for one in ONLY_IN[library])
                assert known, f"{path.name} imports {name}"


def test_files_stay_readable() -> None:
    for _, path in modules():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 300, f"{path} has {lines} lines"
