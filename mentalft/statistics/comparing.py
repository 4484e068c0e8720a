"""Contenders against a baseline on the same items: every metric's figures from one draw of resamples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mentalft.records import DIAGNOSTIC, SECONDARY, Difference, Group, Interval, LengthControlled, MetricResult, Role
from mentalft.statistics.grouping import ENOUGH_DIALOGUES, Groups
from mentalft.statistics.inference import (
    Source,
    difference_of,
    effective_clusters,
    expanded_interval,
    half_width,
    holm,
    over_dialogues,
    over_dialogues_and_seeds,
    p_of,
    signs,
    smallest_effect,
    two_sided_p,
    verdict,
)
from mentalft.statistics.length import at_equal_length, is_extrapolated, regression_parts
from mentalft.statistics.resampling import Floats, cluster_sums, resampled_sums, swapped_sums


class Measured(NamedTuple):
    """One metric of every contender, for one run or for several that answered the same items."""

    title: str
    signature: str
    parts: Mapping[str, Floats]
    """Contender → (runs, items, parts), to be added up over items."""
    total: Callable[[Floats], Floats]
    """Sums (…, parts) in, score (…) out."""
    higher_is_better: bool = True
    of_answer: bool = True
    """Whether the length of the answers may bear on it, and is not what it measures."""
    scale: str | None = None
    role: Role = SECONDARY

    def score(self, contender: str) -> float:
        """The mean over runs."""
        return float(self.total(self.parts[contender].sum(axis=1)).mean())

    def differences(self, baseline: Floats, contender: Floats) -> Floats:
        """(…, runs): the difference of scores, from sums (…, runs, parts) of each of the two."""
        return difference_of(self.total(baseline), self.total(contender))

    def pair(self, baseline: str, contender: str) -> _Pair:
        return _Pair(self, self.parts[baseline], self.parts[contender])


class _Pair(NamedTuple):
    """One contender and the baseline, by one metric."""

    m: Measured
    baseline: Floats
    """(runs, items, parts), like the next."""
    contender: Floats

    def item_differences(self) -> Floats:
        """(runs, items): each item's own score, less the baseline's."""
        return difference_of(self.m.total(self.baseline), self.m.total(self.contender))

    def counted(self) -> Floats:
        """(runs, items): 1 where the item adds to both scores, 0 where a metric passes over an answer."""
        return np.asarray(self.baseline.any(axis=-1) & self.contender.any(axis=-1), dtype=np.float64)

    def mean_item_differences(self) -> Floats:
        """(counted items,): the mean over the runs in which an item counts."""
        counted = self.counted()
        runs, items = counted.sum(axis=0), counted.any(axis=0)
        return np.asarray((counted * self.item_differences()).sum(axis=0)[items] / runs[items])

    def differences(self) -> Floats:
        """(runs,)"""
        return self.m.differences(self.baseline.sum(axis=1), self.contender.sum(axis=1))

    def difference(self) -> float:
        return float(self.differences().mean())

    def line(self, log_length_ratios: Floats) -> Floats:
        """(runs, items, 5): what a line through the items is fitted from."""
        return regression_parts(self.item_differences(), log_length_ratios) * self.counted()[..., None]


class Settings(NamedTuple):
    resamples: int
    confidence: float
    seed: int
    over_seeds: bool = False
    """Whether the runs are three or more training seeds, so that intervals and tests can tell of others as well."""


class _Draws(NamedTuple):
    resampled: Floats
    """(resamples, runs, parts)."""
    left_out: Floats
    """(clusters, runs, parts): the sums without each cluster."""


class _Estimate(NamedTuple):
    """A difference of scores, or the one at equal length, in each run."""

    of_runs: Floats
    """(runs,)."""
    resampled: Floats
    """(resamples, runs)."""
    left_out: Floats
    """(clusters, runs)."""

    def sources(self, settings: Settings) -> tuple[Source, ...]:
        return over_dialogues_and_seeds(*self) if settings.over_seeds else (over_dialogues(*self[1:]),)

    def interval(self, settings: Settings) -> Interval:
        if settings.over_seeds:
            middle, reach = float(self.of_runs.mean()), half_width(self.sources(settings), settings.confidence)
            return Interval(middle - reach, middle + reach)
        effective = effective_clusters(self.left_out.mean(axis=1))
        return expanded_interval(self.resampled.mean(axis=1), effective, settings.confidence)


class _Key(NamedTuple):
    """One metric of one contender."""

    contender: str
    metric: str
    kind: str = "score"

    @property
    def line(self) -> _Key:
        """Of the line that tells the score at equal length."""
        return self._replace(kind="line")


def compare_all(
    measured: Mapping[str, Measured],
    baseline: str,
    clusters: Sequence[str],
    log_length_ratios: Mapping[str, Floats],
    settings: Settings,
) -> tuple[MetricResult, ...]:
    """One result a metric, in order; every contender is held against ``baseline``, whose resamples are drawn once.

    With several runs every score is the mean over runs. Dialogues are resampled and swapped for all runs at once, the
    runs being taken as they are, so that nothing is said of further training seeds; with ``settings.over_seeds``,
    intervals and tests are over both. Holm's correction is over the tests of a role: primary metrics × contenders
    without the baseline, and secondary ones; diagnostics are not tested. A metric that was not measured of a contender
    has no difference for it, and one that was not measured of the baseline has none at all.

    Args:
        clusters: (items,) the dialogue of each item.
        log_length_ratios: every contender but the baseline → (runs, items) of its answers, over the baseline's.

    Raises:
        ValueError: there are fewer than two clusters.
    """
    others = tuple(log_length_ratios)
    pairs = {
        _Key(name, metric): m.pair(baseline, name)
        for name in others
        for metric, m in measured.items()
        if {baseline, name} <= m.parts.keys()
    }
    lines = {key.line: pair.line(log_length_ratios[key.contender]) for key, pair in pairs.items() if pair.m.of_answer}
    drawn = _draw({**_slabs(measured, (baseline, *others)), **lines}, clusters, settings)
    estimates = {
        key: _estimate(pair.m, pair.differences(), drawn[_Key(baseline, key.metric)], drawn[key])
        for key, pair in pairs.items()
    }
    tested = {key: pair for key, pair in pairs.items() if pair.m.role != DIAGNOSTIC}
    p_values = (
        {key: p_of(pair.difference(), estimates[key].sources(settings)) for key, pair in tested.items()}
        if settings.over_seeds
        else _p_values(tested, clusters, settings)
    )
    p_holm: dict[_Key, float] = {}
    for role in {pair.m.role for pair in pairs.values()} - {DIAGNOSTIC}:
        family = [key for key in p_values if pairs[key].m.role == role]
        p_holm |= zip(family, holm([p_values[key] for key in family]), strict=True)
    extrapolated = {name: any(map(is_extrapolated, ratios)) for name, ratios in log_length_ratios.items()}

    def against(key: _Key, pair: _Pair) -> Difference:
        interval = estimates[key].interval(settings)
        up = pair.m.higher_is_better
        wins, ties, losses = signs(pair.mean_item_differences(), higher_is_better=up)
        return Difference(
            difference=pair.difference(),
            interval=interval,
            wins=wins,
            ties=ties,
            losses=losses,
            p_value=p_values.get(key),
            p_holm=p_holm.get(key),
            smallest_effect=smallest_effect(estimates[key].sources(settings), settings.confidence),
            verdict=verdict(interval, p_holm[key], settings.confidence, higher_is_better=up)
            if key in p_holm
            else DIAGNOSTIC,
            length_controlled=_length_controlled(
                lines[key.line], drawn[key.line], extrapolated[key.contender], settings
            )
            if pair.m.of_answer
            else None,
        )

    return tuple(
        MetricResult(
            metric=metric,
            title=m.title,
            signature=m.signature,
            higher_is_better=m.higher_is_better,
            scale=m.scale,
            scores={name: m.score(name) for name in m.parts},
            differences={name: against(key, pairs[key]) for name in others if (key := _Key(name, metric)) in pairs},
            role=m.role,
        )
        for metric, m in measured.items()
    )


def compare_groups(
    measured: Mapping[str, Measured], baseline: str, clusters: Sequence[str], groups: Groups, settings: Settings
) -> dict[str, dict[str, tuple[Group, ...]]]:
    """The difference within each group of items, by metric and contender; {} where all items are in one group.

    The intervals are not corrected for there being several groups: they show where to look, not what is so.

    Args:
        clusters: (items,) the dialogue of each item.
    """
    if len(groups.order) < 2:
        return {}
    found = [_one_group(name, measured, baseline, clusters, groups.of_item, settings) for name in groups.order]
    return {
        metric: {
            name: tuple(group[_Key(name, metric)] for group in found)
            for name in m.parts
            if name != baseline and baseline in m.parts
        }
        for metric, m in measured.items()
    }


def _one_group(
    group: str, measured: Mapping[str, Measured], baseline: str, clusters: Sequence[str], of_item: Sequence[str],
    settings: Settings,
) -> dict[_Key, Group]:  # fmt: skip
    at = [i for i, name in enumerate(of_item) if name == group]
    within = [clusters[i] for i in at]
    dialogues = len(set(within))
    here = {
        metric: m._replace(parts={name: parts[:, at] for name, parts in m.parts.items()})
        for metric, m in measured.items()
    }
    contenders = dict.fromkeys(name for m in here.values() for name in m.parts)
    drawn: dict[_Key, _Draws] = {}
    if dialogues >= ENOUGH_DIALOGUES:
        slabs = _slabs(here, [baseline, *(name for name in contenders if name != baseline)])
        drawn = _draw(slabs, within, settings)
    found = {}
    for metric, m in here.items():
        for name in m.parts.keys() - {baseline} if baseline in m.parts else ():
            differences, interval = m.pair(baseline, name).differences(), None
            if drawn:
                estimate = _estimate(m, differences, drawn[_Key(baseline, metric)], drawn[_Key(name, metric)])
                interval = estimate.interval(settings)
            found[_Key(name, metric)] = Group(group, len(at), dialogues, float(differences.mean()), interval)
    return found


def _slabs(measured: Mapping[str, Measured], contenders: Sequence[str]) -> dict[_Key, Floats]:
    return {
        _Key(name, metric): m.parts[name] for name in contenders for metric, m in measured.items() if name in m.parts
    }


def _p_values(pairs: Mapping[_Key, _Pair], clusters: Sequence[str], settings: Settings) -> dict[_Key, float]:
    if not pairs:
        return {}
    baseline, places = _side_by_side([pair.baseline for pair in pairs.values()])
    contender, _ = _side_by_side([pair.contender for pair in pairs.values()])
    swapped = swapped_sums(baseline, contender, clusters, resamples=settings.resamples, seed=settings.seed)
    return {
        key: two_sided_p(
            pair.difference(),
            pair.m.differences(
                _of_runs(swapped.baseline[:, at], pair.baseline), _of_runs(swapped.contender[:, at], pair.contender)
            ).mean(axis=1),
        )
        for (key, pair), at in zip(pairs.items(), places, strict=True)
    }


def _draw(slabs: Mapping[_Key, Floats], clusters: Sequence[str], settings: Settings) -> dict[_Key, _Draws]:
    """The draws of each slab (runs, items, parts); all are shared."""
    columns, places = _side_by_side(list(slabs.values()))
    resampled = resampled_sums(columns, clusters, resamples=settings.resamples, seed=settings.seed)
    left_out = columns.sum(axis=0) - cluster_sums(columns, clusters)
    return {
        key: _Draws(_of_runs(resampled[:, at], slab), _of_runs(left_out[:, at], slab))
        for (key, slab), at in zip(slabs.items(), places, strict=True)
    }


def _estimate(m: Measured, of_runs: Floats, baseline: _Draws, contender: _Draws) -> _Estimate:
    return _Estimate(
        of_runs,
        m.differences(baseline.resampled, contender.resampled),
        m.differences(baseline.left_out, contender.left_out),
    )


def _length_controlled(line: Floats, draws: _Draws, extrapolated: bool, settings: Settings) -> LengthControlled:
    found = _Estimate(*map(at_equal_length, (line.sum(axis=1), draws.resampled, draws.left_out)))
    return LengthControlled(float(found.of_runs.mean()), found.interval(settings), extrapolated)


def _side_by_side(slabs: Sequence[Floats]) -> tuple[Floats, list[slice]]:
    """Slabs (runs, items, parts) as columns (items, runs × parts each), and where each of them is."""
    columns = [slab.transpose(1, 0, 2).reshape(slab.shape[1], -1) for slab in slabs]
    ends = np.cumsum([c.shape[1] for c in columns])
    return np.hstack(columns), [slice(end - c.shape[1], end) for c, end in zip(columns, ends, strict=True)]


def _of_runs(sums: Floats, slab: Floats) -> Floats:
    """(resamples, runs × parts) as (resamples, runs, parts) of ``slab``."""
    runs, _, parts = slab.shape
    return sums.reshape(len(sums), runs, parts)
