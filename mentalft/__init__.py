"""mentalft: is the tuned counselling model better than the base model, and can the answer be trusted?

From Python: ``run = mentalft.load_run(PATH)`` reads what a run left, ``mentalft.run(["experiment=quick"])`` runs one
(docs/python.md). Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mentalft.cli.notebook import run
    from mentalft.runs.api import Run, load_run

__version__ = "0.1.0"
__all__ = ["Run", "load_run", "run"]
_HOMES = {"run": "mentalft.cli.notebook", "load_run": "mentalft.runs.api", "Run": "mentalft.runs.api"}


def __getattr__(name: str) -> Any:  # any of the above
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'mentalft' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
