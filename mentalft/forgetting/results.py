"""What follows from the answers: right and wrong against the baseline, distance from the base, the curve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mentalft.config import Config
from mentalft.forgetting.probe import CHOICE
from mentalft.forgetting.records import (
    ALL,
    Change,
    Curve,
    Diverged,
    Estimate,
    Forgetting,
    PartResult,
    Point,
    Probed,
    ProbeItem,
    at_scale,
)
from mentalft.records import Perplexed
from mentalft.statistics.inference import effective_clusters, expanded_interval, holm
from mentalft.statistics.paired import Pairs, beyond_chance_p, mcnemar_p, newcombe_interval
from mentalft.statistics.resampling import resampled_sums


class Found(NamedTuple):
    """What the models made of the probe."""

    items: Sequence[ProbeItem]
    answers: Mapping[str, Sequence[Probed]]
    """By subject, in the order of the items."""
    divergences: Sequence[Diverged]
    losses: Sequence[Perplexed]

    def right(self, name: str, at: Sequence[int]) -> list[bool]:
        return [self.answers[name][i].right for i in at]


def result_of(
    cfg: Config,
    found: Found,
    *,
    contenders: Sequence[str],
    not_asked: Sequence[str],
    identities: Mapping[str, str | None],
) -> Forgetting:
    """Everything that is shown.

    Args:
        contenders: those that were asked.
        identities: of each of them.
    """
    baseline = cfg.eval.baseline
    others = [name for name in contenders if name != baseline]
    parts = _corrected([_part(cfg, found, part, others) for part in dict.fromkeys(i.part for i in found.items)])
    whole = _part(cfg, found, ALL, others)
    whole = replace(whole, can_show=any(part.can_show for part in parts))
    measured = {name for row in found.divergences for name in row.nats} & {n for row in found.losses for n in row.nll}
    adapted = [name for name in others if name in measured]
    kl = {name: _divergence(cfg, found, name) for name in adapted}
    return Forgetting(
        baseline=baseline,
        contenders=tuple(contenders),
        confidence=cfg.eval.confidence,
        parts=(*parts, whole),
        kl=kl,
        kl_texts=len(found.divergences),
        curves={name: _curve(cfg, found, name, can_show=whole.can_show) for name in adapted},
        validation_dialogues=len(found.losses),
        max_kl=cfg.forgetting.max_kl,
        not_asked=tuple(not_asked),
        identities=dict(identities),
    )


def _part(cfg: Config, found: Found, part: str, others: Sequence[str]) -> PartResult:
    at = [i for i, item in enumerate(found.items) if part in (ALL, item.part)]
    baseline = found.right(cfg.eval.baseline, at)
    items = [found.items[i] for i in at]
    level, right = 1 - cfg.eval.confidence, sum(baseline)
    chance = chance_p = None
    if all(item.form == CHOICE for item in items):
        chance = float(np.mean([1 / item.given["options"] for item in items]))
        chance_p = beyond_chance_p(right, len(items), chance)
    all_lost = mcnemar_p(Pairs(0, right, 0, len(items) - right))
    return PartResult(
        part,
        len(items),
        {name: sum(found.right(name, at)) for name in (cfg.eval.baseline, *others)},
        {name: _change(baseline, found.right(name, at), cfg.eval.confidence) for name in others},
        chance,
        chance_p,
        can_show=all_lost < level and (chance_p is None or chance_p < level),
    )


def _change(before: Sequence[bool], after: Sequence[bool], confidence: float) -> Change:
    both = [(b, a) for b, a in zip(before, after, strict=True)]
    pairs = Pairs(both.count((True, True)), both.count((True, False)), both.count((False, True)),
                  both.count((False, False)))  # fmt: skip
    p = mcnemar_p(pairs)
    return Change(pairs.lost, pairs.gained, pairs.difference, newcombe_interval(pairs, confidence), p, p)


def _corrected(parts: Sequence[PartResult]) -> list[PartResult]:
    """With Holm's correction over parts × contenders."""
    keys = [(n, name) for n, part in enumerate(parts) for name in part.changes]
    adjusted = dict(zip(keys, holm([parts[n].changes[name].p_value for n, name in keys]), strict=True))
    return [
        replace(part, changes={name: replace(c, p_holm=adjusted[n, name]) for name, c in part.changes.items()})
        for n, part in enumerate(parts)
    ]


def _divergence(cfg: Config, found: Found, name: str) -> Estimate:
    """Mean KL(base‖subject) a token of the base's own greedy answers, in nats (Kullback and Leibler 1951,
    doi 10.1214/aoms/1177729694): all tokens of all answers weigh the same."""
    rows = found.divergences
    return _per_token(cfg, [row.nats[name] for row in rows], rows)


def _gain(cfg: Config, found: Found, name: str) -> Estimate:
    rows, baseline = found.losses, cfg.eval.baseline
    return _per_token(cfg, [row.nll[baseline] - row.nll[name] for row in rows], rows)


def _per_token(cfg: Config, nats: Sequence[float], rows: Sequence[Diverged] | Sequence[Perplexed]) -> Estimate:
    """A ratio of sums over texts, with the interval of resampled texts."""
    columns = np.array([nats, [row.tokens for row in rows]], dtype=np.float64).T  # (texts, 2)
    value = float(columns[:, 0].sum() / columns[:, 1].sum())
    if len(rows) < 2:
        return Estimate(value, None)
    names = [row.id for row in rows]
    drawn = resampled_sums(columns, names, resamples=cfg.eval.bootstrap_resamples, seed=cfg.seed)
    left_out = columns.sum(axis=0) - columns
    clusters = effective_clusters(left_out[:, 0] / left_out[:, 1])
    return Estimate(value, expanded_interval(drawn[:, 0] / drawn[:, 1], clusters, cfg.eval.confidence))


def _curve(cfg: Config, found: Found, name: str, *, can_show: bool) -> Curve:
    everything = range(len(found.items))
    baseline = found.right(cfg.eval.baseline, everything)
    points = []
    for scale in sorted({0.0, *cfg.forgetting.scales}):
        subject = at_scale(name, scale) if scale else cfg.eval.baseline
        right = found.right(subject, everything)
        kl = _divergence(cfg, found, subject) if scale else Estimate(0.0, None)
        change = _change(baseline, right, cfg.eval.confidence)
        points.append(Point(scale, sum(right), change, kl, _gain(cfg, found, subject)))
    return Curve(tuple(points), _best(points, cfg.eval.confidence) if can_show else None)


def _best(points: Iterable[Point], confidence: float) -> float | None:
    """The scale with the most gain among those at which no loss is shown, the smaller of two that are equal."""
    unharmed = [point for point in points if not point.change.shows_loss(confidence)]
    return max(unharmed, key=lambda point: (point.gain.value, -point.scale)).scale if unharmed else None
