"""Any further metric through ``evaluate``: by name from the hub, or a module of the user's own, which works offline.

A module's ``compute`` takes ``predictions`` and ``references`` and returns a mapping. Where that offers a list with
one number an item, those are the scores; otherwise items are scored one by one. Of several references the best counts
where the module takes one at a time. One whose ``_compute`` or features name ``history`` is given that as well.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable, Sequence
from importlib.metadata import version
from numbers import Real
from pathlib import Path
from typing import Any

from mentalft.config import extra_name
from mentalft.errors import ConfigError, first_line
from mentalft.metrics.registry import Given, Metric, per_item

NO_CLASS = "'NoneType' object is not callable"
"""What ``evaluate.load`` fails with where a file has no class of its own kind."""


def load_extra(spec: str, *, higher_is_better: bool = True) -> Metric:
    """The metric of one entry of ``eval.extra_metrics``.

    Args:
        spec: a name on the hub (``rouge``) or a path (``./my_metric.py``), with ``#KEY`` where the result holds several
            scores (``rouge#rougeLsum``).
        higher_is_better: else, of several references, the lowest score counts.

    Raises:
        ConfigError: there is no such module, it does not load, it needs other input than texts, or (on scoring) its
            result holds no score.
    """
    place, _, key = spec.partition("#")
    path = Path(place).expanduser()
    is_path = place.endswith(".py") or "/" in place[:2]
    if is_path and not path.exists():
        raise ConfigError(f"eval.extra_metrics: {place} does not exist; give the path of a Python file, or a name")
    if is_path and path.is_file():
        _check_file(place, path)
    try:
        import evaluate

        module = evaluate.load(str(path.resolve()) if is_path else place)
    except Exception as error:  # a module is anybody's code, and the hub fails in many ways
        if is_path and str(error) == NO_CLASS:
            raise ConfigError(
                f"eval.extra_metrics: {place} holds no subclass of evaluate.Metric; write one with _info and _compute, "
                "as docs/metrics.md shows"
            ) from error
        raise ConfigError(
            f"eval.extra_metrics: {place} cannot be loaded ({first_line(error)}); a name needs the hub, "
            "a path to a module of evaluate works offline"
        ) from error
    source = hashlib.sha256(path.read_bytes()).hexdigest()[:8] if path.is_file() else "hub"
    best = max if higher_is_better else min
    name = extra_name(spec)
    signature = f"{name}|source:{source}|refs:{best.__name__}|evaluate:{version('evaluate')}"
    return Metric(
        name=name,
        title=name,
        about={"en": place, "zh": place},
        scale=None,
        make=lambda given: per_item(
            signature, lambda responses, refs: _score(spec, module, key, best, given, responses, refs)
        ),
        higher_is_better=higher_is_better,
        has_model=True,
    )


def _check_file(place: str, path: Path) -> None:
    """Say what ``evaluate`` would put in riddles: it reads imports by the line."""
    try:
        body = ast.parse(path.read_bytes(), filename=str(path)).body
    except (SyntaxError, ValueError) as error:  # ValueError: NUL bytes
        raise ConfigError(f"eval.extra_metrics: {place} is not Python ({first_line(error)})") from error
    for node in body:
        if isinstance(node, ast.Import) and len(node.names) > 1:
            apart = "; ".join(f"import {alias.name}" for alias in node.names)
            raise ConfigError(
                f"eval.extra_metrics: {place}, line {node.lineno}: evaluate reads one import a line; "
                f"write on lines of their own: {apart}"
            )


def _score(
    spec: str,
    module: Any,
    key: str,
    best: Callable[..., float],
    given: Given,
    responses: Sequence[str],
    references: Sequence[Sequence[str]],
) -> list[float]:
    if not responses:
        return []
    inputs: dict[str, list[Any]] = {"predictions": list(responses), "references": [list(refs) for refs in references]}
    if _takes_history(module):
        inputs["history"] = list(given.histories)
    if _takes_lists(module):
        return _computed(spec, module, key, inputs)
    several = {name: [v for v, refs in zip(of, references, strict=True) for _ in refs] for name, of in inputs.items()}
    scores = iter(_computed(spec, module, key, {**several, "references": [ref for refs in references for ref in refs]}))
    return [best(next(scores) for _ in refs) for refs in references]


def _takes_lists(module: Any) -> bool:
    """Whether a prediction may have several references, by the module's own description of its input."""
    from datasets import Value

    return any(not isinstance(f.get("references"), Value) for f in _features(module))


def _takes_history(module: Any) -> bool:
    return "history" in {*inspect.signature(module._compute).parameters, *(n for f in _features(module) for n in f)}


def _features(module: Any) -> list[Any]:
    return module.features if isinstance(module.features, list) else [module.features]


def _computed(spec: str, module: Any, key: str, inputs: dict[str, list[Any]]) -> list[float]:
    def compute(inputs: dict[str, list[Any]]) -> dict[str, Any]:
        try:
            result = module.compute(**inputs)
        except Exception as error:  # whatever the module does wrong, the user must hear which module it was
            raise ConfigError(f"eval.extra_metrics: {spec} fails on these answers ({first_line(error)})") from error
        return result if isinstance(result, dict) else {extra_name(spec): result}

    name = extra_name(spec).split(".")[0]
    whole, size = compute(inputs), len(inputs["predictions"])
    lists = {k: v for k, v in whole.items() if _is_list_of(v, size)}
    if key in lists or (not key and lists):
        scores = lists[_key(spec, key, name, lists)]
    else:
        one_by_one = [compute({name: of[i : i + 1] for name, of in inputs.items()}) for i in range(size)]
        scores = [_number(spec, key, name, result) for result in one_by_one]
    import numpy as np

    found = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(found).all():
        raise ConfigError(f"eval.extra_metrics: {spec} gives {found[~np.isfinite(found)][0]} for an answer")
    return [float(score) for score in found]


def _number(spec: str, key: str, name: str, result: dict[str, Any]) -> float:
    single = {k: v[0] if _is_list_of(v, 1) else v for k, v in result.items()}
    numbers: dict[str, float] = {k: float(v) for k, v in single.items() if isinstance(v, Real)}
    return numbers[_key(spec, key, name, numbers)]


def _key(spec: str, key: str, name: str, scores: dict[str, Any]) -> str:
    """Which of ``scores`` is meant: the one named, the one called like the module, or the only one."""
    if key in scores or (not key and name in scores):
        return key or name
    if not key and len(scores) == 1:
        return next(iter(scores))
    found = ", ".join(scores) or "no number"
    raise ConfigError(
        f"eval.extra_metrics: the result of {spec} holds {found}; name one, in quotes: "
        f"""'eval.extra_metrics=["{spec.split("#", maxsplit=1)[0]}#KEY"]'"""
    )


def _is_list_of(value: Any, size: int) -> bool:
    is_list = isinstance(value, list | tuple) or type(value).__name__ == "ndarray"
    return is_list and len(value) == size and all(isinstance(v, Real) for v in value)
