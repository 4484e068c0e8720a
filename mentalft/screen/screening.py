"""The stage: every contender is asked, each answer is examined, and rates are held against the baseline's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from mentalft.config import Config
from mentalft.console import say
from mentalft.files import read_jsonl
from mentalft.generation.cache import ResponseCache
from mentalft.generation.contenders import Contender
from mentalft.generation.evaluate import ask_besides
from mentalft.records import MetricResult, Response, ScreenPrompt, ScreenResult, ScreenRow
from mentalft.runs.files import SCREEN_HITS, SCREENED
from mentalft.safety.rules import ALARMS, BAD, FALSE_ALARM, GOOD, RULES, examine
from mentalft.screen.classifier import classify
from mentalft.screen.prompts import as_item, screen_prompts
from mentalft.statistics import Measured, Settings, compare_all
from mentalft.statistics.resampling import Floats
from mentalft.words import Said, contender, listed

STAGE = "screen"
LEAST = 2
"""Prompts, over which an interval can be had."""
RATE = "share of answers"
"""The signature of every rate."""


def screen(cfg: Config, contenders: Sequence[Contender], run_dir: Path, cache: ResponseCache | None) -> ScreenResult:
    """Write ``screen/NAME.jsonl`` for each contender that can be asked, ``screen/hits.jsonl`` with what each answer
    does, and ``screen.json`` with the rates.

    Raises:
        DataError: a prompt of the user's own cannot be used; not one prompt fits.
        UserError: memory does not suffice; a server does not answer.
    """
    prompts = screen_prompts(cfg)
    asked = tuple(one for one in contenders if one.system)
    not_asked = tuple(one.name for one in contenders if not one.system)
    if not_asked:
        say(Said("screen.not_asked", {"names": listed([contender(name) for name in not_asked])}), style="yellow")
    rows: list[ScreenRow] = []
    if asked:
        items = [as_item(prompt, cfg.data.system_message) for prompt in prompts]
        fitting = {item.id for item in ask_besides(STAGE, cfg, asked, items, run_dir, cache)}
        given = {one.name: _answers(run_dir / STAGE / f"{one.name}.jsonl") for one in asked}
        rows = [_examined(p, given, cfg.data.hotlines) for p in prompts if p.id in fitting]
    if cfg.screen.classifier and rows:
        rows = classify(cfg, rows)
    SCREEN_HITS.save(run_dir, rows)
    result = summed_up(cfg, rows, tuple(one.name for one in asked), not_asked)
    SCREENED.save(run_dir, result)
    say(Said("screen.done", {"prompts": len(rows), "contenders": len(asked)}))
    return result


def summed_up(
    cfg: Config, rows: Sequence[ScreenRow], names: tuple[str, ...], not_asked: tuple[str, ...]
) -> ScreenResult:
    """The rates of ``names``, from what each of their answers does."""
    settings = Settings(cfg.eval.bootstrap_resamples, cfg.eval.confidence, cfg.seed)
    return ScreenResult(
        baseline=cfg.eval.baseline,
        contenders=names,
        not_asked=not_asked,
        prompts=dict(Counter(row.prompt.strength for row in rows)),
        of=Path(cfg.screen.path).name if cfg.screen.path else "embedded",
        confidence=cfg.eval.confidence,
        rules=tuple(_rates(rows, names, cfg.eval.baseline, settings)),
        by_strength=_by_strength(rows, names),
        classifier=cfg.screen.classifier,
        classes={name: dict(Counter(row.classified[name] for row in rows if row.classified)) for name in names},
    )


def _answers(path: Path) -> dict[str, str]:
    return {row.id: row.text for row in (msgspec.convert(row, Response) for row in read_jsonl(path))}


def _examined(prompt: ScreenPrompt, given: Mapping[str, Mapping[str, str]], hotlines: Sequence[str]) -> ScreenRow:
    answers = {name: texts[prompt.id] for name, texts in given.items()}
    return ScreenRow(prompt, answers, {name: examine(text, prompt.region, hotlines) for name, text in answers.items()})


def does(row: ScreenRow, name: str, rule: str) -> bool:
    """Whether the answer of a contender does what a rule names."""
    return any(hit.rule in (ALARMS if rule == FALSE_ALARM else (rule,)) for hit in row.hits[name])


def _rates(
    rows: Sequence[ScreenRow], names: Sequence[str], baseline: str, settings: Settings
) -> Iterator[MetricResult]:
    """Each rule over the answers that it is about: whole prompts are resampled, tests corrected within each group."""
    groups: tuple[tuple[Sequence[str], Callable[[ScreenPrompt], bool], bool], ...] = (
        (GOOD, lambda prompt: not prompt.is_harmless, True),
        ((FALSE_ALARM,), lambda prompt: prompt.is_harmless, False),
        (BAD, lambda _: True, False),
    )
    for rules, is_about, higher_is_better in groups:
        about = [row for row in rows if is_about(row.prompt)]
        if len(about) < LEAST:
            continue
        measured = {
            rule: Measured(
                rule, RATE, {name: _parts(about, name, rule) for name in names}, _share,
                higher_is_better=higher_is_better, of_answer=False, scale="0–1",
            )
            for rule in rules
        }  # fmt: skip
        others = {name: np.zeros((1, len(about))) for name in names if name != baseline}
        yield from compare_all(measured, baseline, [row.prompt.id for row in about], others, settings)


def _parts(rows: Sequence[ScreenRow], name: str, rule: str) -> Floats:
    """(1, rows, 2): whether it does, and 1."""
    return np.array([[(does(row, name, rule), 1) for row in rows]], dtype=np.float64)


def _share(sums: Floats) -> Floats:
    return np.asarray(sums[..., 0] / sums[..., 1])


def _by_strength(rows: Sequence[ScreenRow], names: Sequence[str]) -> dict[str, dict[str, dict[str, float]]]:
    strengths = dict.fromkeys(row.prompt.strength for row in rows)
    return {
        rule: {
            strength: {
                name: float(np.mean([does(row, name, rule) for row in rows if row.prompt.strength == strength]))
                for name in names
            }
            for strength in strengths
        }
        for rule in RULES
    }
