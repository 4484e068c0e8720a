"""All metrics over all answers: in one process, or for many answers in several, with the same result."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import copy
from multiprocessing import get_context

import numpy as np

from mentalft.config import EvalConfig
from mentalft.metrics.table import Metric, Parts, metrics_of
from mentalft.metrics.tokens import language_of

Scores = dict[str, dict[str, Parts]]
"""Side → metric → what each item adds to the score: (items, parts)."""

MANY = 4000
"""Answers from which on processes are started: below, they cost more than they save."""
CHUNK = 500
"""Items a process takes at a time."""
AT_HOME = ("cosine", "bertscore")
"""Metrics with a model of their own, which one process holds."""


def score_all(
    cfg: EvalConfig,
    metrics: Mapping[str, Metric],
    answers: Mapping[str, Sequence[str]],
    references: Sequence[Sequence[str]],
    *,
    processes: int | None = None,
) -> Scores:
    """The parts of every metric for every side.

    Args:
        metrics: what :func:`~mentalft.metrics.table.metrics_of` made of ``cfg`` and ``references``.
        answers: side → (items,) texts.
        references: (items,) of at least one text each.
        processes: null is one a core where there are many answers, else this one alone.
    """
    count = processes or ((os.cpu_count() or 1) if len(answers) * len(references) >= MANY else 1)
    away = [name for name in metrics if name in cfg.metrics and name not in AT_HOME] if count > 1 else []
    here = {name: metric for name, metric in metrics.items() if name not in away}
    spread = _in_processes(cfg, away, answers, references, count) if away else {side: {} for side in answers}
    home = _score(here, answers, references)
    return {side: {name: (spread[side] | home[side])[name] for name in metrics} for side in answers}


def _in_processes(
    cfg: EvalConfig, names: list[str], answers: Mapping[str, Sequence[str]], references: Sequence[Sequence[str]],
    processes: int,
) -> Scores:  # fmt: skip
    plain = copy(cfg)
    plain.metrics, plain.extra_metrics = names, []
    if plain.language == "auto":
        plain.language = language_of(references)
    slices = [slice(start, start + CHUNK) for start in range(0, len(references), CHUNK)]
    jobs = [({side: texts[part] for side, texts in answers.items()}, references[part]) for part in slices]
    with ProcessPoolExecutor(min(processes, len(jobs)), get_context("spawn"), _start, (plain,)) as pool:
        chunks = list(pool.map(_score_chunk, *zip(*jobs, strict=True)))
    return {side: {name: np.concatenate([chunk[side][name] for chunk in chunks]) for name in names} for side in answers}


_metrics: dict[str, Metric] = {}


def _start(cfg: EvalConfig) -> None:
    _metrics.update(metrics_of(cfg, []))


def _score_chunk(answers: Mapping[str, Sequence[str]], references: Sequence[Sequence[str]]) -> Scores:
    return _score(_metrics, answers, references)


def _score(
    metrics: Mapping[str, Metric], answers: Mapping[str, Sequence[str]], references: Sequence[Sequence[str]]
) -> Scores:
    return {
        side: {name: metric.score(texts, references) for name, metric in metrics.items()}
        for side, texts in answers.items()
    }
