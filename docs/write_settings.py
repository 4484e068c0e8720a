"""Writes ``settings.md`` from the schema, and the table of ``metrics.md``: ``python docs/write_settings.py``."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from mentalft.config import Config
from mentalft.config.fields import bounds_of
from mentalft.metrics.registry import listed

METRICS = Path(__file__).with_name("metrics.md")
BEGIN, END = "<!-- made by python docs/write_settings.py -->", "<!-- end -->"
HEAD = """# Settings
Every setting, its type and bounds, and the stages whose results it decides: a change of it makes those stages run again
([runs.md](runs.md)), and the stages that read what they write. *pace* and *presentation* change no result, *place* says
where files lie or which stages run. `mentalft --cfg job` shows the values, with overrides to see their effect.
Made from the schema by `python docs/write_settings.py`; a test holds the two against each other.
"""


def settings_page() -> str:
    """The page, in Markdown."""
    lines = [HEAD.rstrip()]
    for title, rows in _tables(Config, ""):
        lines += ["", f"## {title}", "| setting | type | bears on | |", "|---|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _tables(kind: type, prefix: str) -> Iterator[tuple[str, list[str]]]:
    """The table of the settings that lie directly in ``kind``, then those of the groups within it."""
    hints, told = get_type_hints(kind), docstrings(kind)
    groups = {f.name: hints[f.name] for f in fields(kind) if is_dataclass(hints[f.name])}
    rows = [_row(f"{prefix}{f.name}", f, hints[f.name], told) for f in fields(kind) if f.name not in groups]
    if rows:
        yield f"`{prefix.removesuffix('.')}`" if prefix else "At the root", rows
    for name, group in groups.items():
        yield from _tables(group, f"{prefix}{name}.")


def _row(key: str, field: Any, kind: Any, told: dict[str, str]) -> str:
    bounds = ", ".join(f"{word} {bound:g}" for word, bound in bounds_of(field).items())
    on = ", ".join(field.metadata["on"])
    cells = (f"`{key}`", _type(kind) + (f", {bounds}" if bounds else ""), on, told.get(field.name, ""))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if NoneType in get_args(kind):
        return " or ".join([*(_type(one) for one in get_args(kind) if one is not NoneType), "null"])
    if get_origin(kind) in (list, dict):
        inner = ", ".join("any" if one is Any else _type(one) for one in get_args(kind)[-1:])
        return f"{'list' if get_origin(kind) is list else 'mapping'} of {inner}"
    return {str: "text", bool: "true or false", int: "whole number", float: "number"}.get(kind, str(kind))


def metrics_page() -> str:
    """``metrics.md`` with its table as the registry has it."""
    before, _, rest = METRICS.read_text(encoding="utf-8").partition(BEGIN)
    rows = [
        f"| `{m['name']}` | {m['title']} | {m['scale']} | {m['better']} | {m['about']} |".replace("  ", " ")
        for m in listed("en")
    ]
    table = "\n".join(["| name | in tables | scale | better | what it is |", "|---|---|---|---|---|", *rows])
    return f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}"


def docstrings(kind: type) -> dict[str, str]:
    """The text that stands below each field of a dataclass, its own and inherited, in one line, by the field's name."""
    found = docstrings(kind.__base__) if kind.__base__ and is_dataclass(kind.__base__) else {}
    definition = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(definition, ast.ClassDef)
    for node, after in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(after, ast.Expr):
            text = ast.literal_eval(after.value)
            found[node.target.id] = " ".join(text.replace("``", "`").split())
    return found


if __name__ == "__main__":
    Path(__file__).with_name("settings.md").write_text(settings_page(), encoding="utf-8")
    METRICS.write_text(metrics_page(), encoding="utf-8")
