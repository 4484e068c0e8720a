"""Whether a configuration's values are within bounds and fit together: every problem at once, in words."""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from mentalft.config.contenders import contender_problems, url_problems
from mentalft.config.fields import MISSING, bounds_of
from mentalft.config.judge import judge_problems
from mentalft.config.schema import (
    ARTIFACTS,
    AUTO,
    STAGES,
    VALIDATION_LOSS,
    Config,
    EvalConfig,
    extra_name,
    source_name,
)

NOT_IN_A_PROJECT, LONGEST_PROJECT = "/\\#?%:", 128
"""What W&B refuses in the name of a project."""


def _metrics() -> tuple[str, ...]:
    from mentalft.metrics.registry import names

    return names()


def _voting() -> tuple[str, ...]:
    from mentalft.metrics.registry import voting

    return voting()


def _formats() -> tuple[str, ...]:
    from mentalft.data.read.forms import names

    return names()


def problems(cfg: Any, prefix: str = "") -> list[str]:
    """Every value of ``cfg`` that is missing or out of range, one sentence each; empty when all is well.

    ``cfg`` is a :class:`Config` instance as OmegaConf builds it (``OmegaConf.to_object``).
    """
    return [*_field_problems(cfg, prefix), *(_cross_problems(cfg) if isinstance(cfg, Config) else [])]


def _field_problems(node: Any, prefix: str) -> Iterator[str]:
    for spec in fields(node):
        key, value = f"{prefix}{spec.name}", getattr(node, spec.name)
        if is_dataclass(value):
            yield from _field_problems(value, f"{key}.")
        elif value == MISSING:
            yield f"{key} has no value; give one: {key}=VALUE"
        elif value is not None:
            yield from bound_problems(key, value, bounds_of(spec))


def bound_problems(key: str, value: float, bounds: dict[str, float]) -> Iterator[str]:
    """What is wrong with one value, if anything."""
    holds = {
        "at least": lambda bound: value >= bound,
        "above": lambda bound: value > bound,
        "at most": lambda bound: value <= bound,
        "below": lambda bound: value < bound,
    }
    broken = [word for word, bound in bounds.items() if not holds[word](bound)]
    if broken:
        accepted = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items())
        yield f"{key} must be {accepted}, got {value:g}"


def _cross_problems(cfg: Config) -> Iterator[str]:
    yield from _choice_problems("stages", cfg.stages, STAGES)
    yield from _choice_problems("data.format", [cfg.data.format], _formats())
    try:
        codecs.lookup(cfg.data.encoding or "utf-8")
    except LookupError:
        yield f"data.encoding must be an encoding such as gb18030, big5 or cp1252, got {cfg.data.encoding}"
    yield from _choice_problems("eval.metrics", cfg.eval.metrics, _metrics())
    yield from _extra_metric_problems(cfg.eval)
    yield from _eval_problems(cfg)
    yield from judge_problems(cfg)
    if cfg.tracking.log_artifacts:
        yield from _choice_problems("tracking.log_artifacts", cfg.tracking.log_artifacts, ARTIFACTS)
    if "report" in cfg.tracking.log_artifacts and not cfg.tracking.log_text:
        yield "tracking.log_artifacts holds report, which holds dialogue text; add tracking.log_text=true to upload it"
    if wrong := sorted(set(cfg.tracking.project) & set(NOT_IN_A_PROJECT)):
        yield f"tracking.project={cfg.tracking.project} holds {' '.join(wrong)}, which W&B does not take; leave it out"
    if not 1 <= len(cfg.tracking.project) <= LONGEST_PROJECT:
        yield (
            f"tracking.project must have 1 to {LONGEST_PROJECT} characters, as W&B takes them, "
            f"got {len(cfg.tracking.project)}"
        )
    if cfg.lora.method == "lora" and not cfg.lora.target_modules:
        yield "lora.target_modules is empty; name layers such as [q_proj, v_proj], or [all-linear]"
    if cfg.data.path is None and not cfg.data.sources:
        yield "data.path has no value; give one: data.path=FILE, or several: 'data.sources=[FILE, FILE]'"
    yield from _source_problems(cfg.data.sources)
    held_out = (cfg.data.validation_fraction, cfg.data.test_fraction)
    if all(isinstance(f, float) for f in held_out) and sum(held_out) >= 1:
        yield (
            "data.validation_fraction + data.test_fraction must be below 1 to leave something to train on, "
            f"got {held_out[0]:g} + {held_out[1]:g}"
        )
    if cfg.trainer.eval_steps > 0 and cfg.trainer.save_steps % cfg.trainer.eval_steps:
        yield (
            f"trainer.save_steps must be a multiple of trainer.eval_steps ({cfg.trainer.eval_steps}) "
            f"so that the best checkpoint can be kept, got {cfg.trainer.save_steps}"
        )
    processes = cfg.trainer.num_processes
    if processes != "auto" and (not isinstance(processes, int) or isinstance(processes, bool) or processes < 1):
        yield f"trainer.num_processes must be auto or a number of at least 1, got {processes!r}"
    if cfg.trainer.max_steps == 0:
        yield "trainer.max_steps must be -1 (train for num_train_epochs) or at least 1, got 0"


def _objective_problems(cfg: Config) -> Iterator[str]:
    name = cfg.eval.objective
    if name in (VALIDATION_LOSS, *_metrics()):
        return
    if name.partition("/")[0] in ("test", "difference", *cfg.eval.contenders):
        yield (
            f"eval.objective={name} is what the final comparison is made on; a sweep that chose by it would report its "
            "own choosing. Name a metric alone, and it is measured on the validation split: "
            f"eval.objective={name.partition('/')[2] if name.partition('/')[2] in _metrics() else 'rougeL'}"
        )
    else:
        yield from _choice_problems("eval.objective", [name], (VALIDATION_LOSS, *_metrics()))


def _primary_problems(e: EvalConfig) -> Iterator[str]:
    may_be_primary = (*_voting(), *map(extra_name, e.extra_metrics))
    if e.primary in _metrics() and e.primary not in may_be_primary:
        yield (
            f"eval.primary={e.primary} says how answers are, not whether they are better; accepted are "
            f"{', '.join(may_be_primary)}"
        )
    else:
        yield from _choice_problems("eval.primary", [e.primary], may_be_primary)
    for key in ("primary", "objective"):
        if getattr(e, key) == "cosine" and e.embedder == AUTO:
            yield f"eval.{key}=cosine needs an embedder that suits the data: eval.embedder=NAME or FOLDER"


def _eval_problems(cfg: Config) -> Iterator[str]:
    yield from _objective_problems(cfg)
    yield from _primary_problems(cfg.eval)
    e = cfg.eval
    if e.items == "file" and not e.questions:
        yield "eval.items=file needs eval.questions=FILE, a JSON, JSONL or CSV file of questions and answers"
    if e.questions and e.items != "file":
        yield f"eval.questions={e.questions} is asked with eval.items=file alone, got eval.items={e.items}"
    yield from dict.fromkeys(contender_problems(cfg))
    yield from url_problems("eval.openai.base_url", e.openai.base_url)
    if "perplexity" in e.metrics:
        yield "eval.metrics: perplexity is no name for it; it is in every table unless eval.perplexity=false"


def _source_problems(sources: list[Any]) -> Iterator[str]:
    known = {"path", "name", "format", "max_dialogues", "weight", "licence", "homepage", "sha256", "columns"}
    known |= {"hub_config", "hub_split"}
    names = []
    for place, spec in enumerate(sources):
        key = f"data.sources[{place}]"
        if not isinstance(spec, str | dict) or (isinstance(spec, dict) and not isinstance(spec.get("path"), str)):
            yield f"{key} must be a path, or a mapping with a path such as {{path: a.json, weight: 2}}, got {spec!r}"
            continue
        if isinstance(spec, dict):
            if unknown := sorted(map(str, spec.keys() - known)):
                yield f"{key}: no such key {', '.join(unknown)}; accepted are {', '.join(sorted(known))}"
            if spec.get("format") is not None:
                yield from _choice_problems(f"{key}.format", [str(spec["format"])], _formats())
            if not isinstance(spec.get("columns", {}), dict):
                yield f"{key}.columns must be a mapping such as {{question: NAME, answer: NAME}}"
            weight, most = spec.get("weight", 1), spec.get("max_dialogues", 1)
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
                yield f"{key}.weight must be a number, at least 0, got {weight!r}"
            if isinstance(most, bool) or not (most is None or (isinstance(most, int) and most >= 1)):
                yield f"{key}.max_dialogues must be a whole number, at least 1, got {most!r}"
        names.append(source_name(spec))
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"data.sources: two are called {name!r}; give each a name of its own"


def _extra_metric_problems(cfg: EvalConfig) -> Iterator[str]:
    names = [extra_name(spec) for spec in cfg.extra_metrics]
    for spec, name in zip(cfg.extra_metrics, names, strict=True):
        if name in _metrics():
            yield f"eval.extra_metrics holds {spec!r}, and eval.metrics has a metric called {name!r}; rename the file"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"eval.extra_metrics names {name!r} twice"
    for name in cfg.lower_is_better:
        if name not in names:
            known = f"those are called {', '.join(names)}" if names else "there are none"
            yield f"eval.lower_is_better holds {name!r}, which is none of eval.extra_metrics; {known}"


def _choice_problems(key: str, chosen: list[str], known: tuple[str, ...]) -> Iterator[str]:
    from difflib import get_close_matches

    if not chosen:
        yield f"{key} is empty; choose from {', '.join(known)}"
    for name in chosen:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield f"{key} holds {name!r}; accepted are {', '.join(known)}{hint}"
    for name in sorted({name for name in chosen if chosen.count(name) > 1}):
        yield f"{key} names {name!r} twice"
