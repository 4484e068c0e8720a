"""All metrics over all answers: in one process, or for many answers in several, with the same result."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING

from mentalft.config import EvalConfig
from mentalft.metrics.registry import Metric, Scorer, scorers_of
from mentalft.metrics.tokens import language_of

if TYPE_CHECKING:
    from mentalft.metrics.registry import Parts

Scores = dict[str, dict[str, "Parts"]]
"""Contender → metric → what each item adds to the score: (items, parts)."""

MANY = 4000
"""Answers from which on processes are started: below, they cost more than they save."""
CHUNK = 500
"""Items a process takes at a time."""


def score_all(
    cfg: EvalConfig,
    scorers: Mapping[str, Scorer],
    answers: Mapping[str, Sequence[str]],
    references: Sequence[Sequence[str]],
    *,
    processes: int | None = None,
) -> Scores:
    """The parts of every metric for every contender.

    Args:
        scorers: what :func:`~mentalft.metrics.registry.scorers_of` made of ``cfg`` and ``references``.
        answers: contender → (items,) texts.
        references: (items,) of at least one text each.
        processes: null is one a core where there are many answers, else this one alone.
    """
    count = processes or ((os.cpu_count() or 1) if len(answers) * len(references) >= MANY else 1)
    away = [name for name, scorer in scorers.items() if not _stays_here(scorer.metric)] if count > 1 else []
    here = {name: metric for name, metric in scorers.items() if name not in away}
    spread = _in_processes(cfg, away, answers, references, count) if away else {contender: {} for contender in answers}
    home = _score(here, answers, references)
    return {contender: {name: (spread[contender] | home[contender])[name] for name in scorers} for contender in answers}


def _stays_here(metric: Metric) -> bool:
    """Whether it has a model, which one process holds."""
    return metric.has_model or metric.needs_embedder


def _in_processes(
    cfg: EvalConfig, names: list[str], answers: Mapping[str, Sequence[str]], references: Sequence[Sequence[str]],
    processes: int,
) -> Scores:  # fmt: skip
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    import numpy as np

    plain = copy(cfg)
    plain.metrics, plain.extra_metrics = names, []
    if plain.language == "auto":
        plain.language = language_of(references)
    slices = [slice(start, start + CHUNK) for start in range(0, len(references), CHUNK)]
    jobs = [({contender: texts[part] for contender, texts in answers.items()}, references[part]) for part in slices]
    with ProcessPoolExecutor(min(processes, len(jobs)), get_context("spawn"), _start, (plain,)) as pool:
        chunks = list(pool.map(_score_chunk, *zip(*jobs, strict=True)))
    return {
        contender: {name: np.concatenate([chunk[contender][name] for chunk in chunks]) for name in names}
        for contender in answers
    }


_scorers: dict[str, Scorer] = {}


def _start(cfg: EvalConfig) -> None:
    _scorers.update(scorers_of(cfg, []))


def _score_chunk(answers: Mapping[str, Sequence[str]], references: Sequence[Sequence[str]]) -> Scores:
    return _score(_scorers, answers, references)


def _score(
    scorers: Mapping[str, Scorer], answers: Mapping[str, Sequence[str]], references: Sequence[Sequence[str]]
) -> Scores:
    return {
        contender: {name: metric.score(texts, references) for name, metric in scorers.items()}
        for contender, texts in answers.items()
    }
