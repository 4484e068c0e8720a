"""Base against tuned on the same items: every metric's figures from one draw of resamples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mentalft.records import Group, Interval, LengthControlled, MetricComparison
from mentalft.statistics.grouping import ENOUGH_DIALOGUES, Groups
from mentalft.statistics.inference import (
    difference_of,
    effective_clusters,
    expanded_interval,
    holm,
    signs,
    smallest_effect,
    two_sided_p,
    verdict,
)
from mentalft.statistics.length import at_equal_length, is_extrapolated, regression_parts
from mentalft.statistics.resampling import Floats, cluster_sums, resampled_sums, swapped_sums


class Measured(NamedTuple):
    """One metric on both sides, for one run or for several that answered the same items."""

    signature: str
    base: Floats
    """(runs, items, parts), to be added up over items."""
    tuned: Floats
    """(runs, items, parts)."""
    total: Callable[[Floats], Floats]
    """Sums (…, parts) in, score (…) out."""
    higher_is_better: bool = True
    about_answers: bool = True
    """Whether the length of the answers may bear on it, and is not what it measures."""

    def item_differences(self) -> Floats:
        """(runs, items): each item's own score, tuned minus base."""
        return difference_of(self.total(self.base), self.total(self.tuned))

    def counted(self) -> Floats:
        """(runs, items): 1 where the item adds to the scores of both sides, 0 where a metric passes over an answer."""
        return np.asarray(self.base.any(axis=-1) & self.tuned.any(axis=-1), dtype=np.float64)

    def mean_item_differences(self) -> Floats:
        """(counted items,): the mean over the runs in which an item counts."""
        counted = self.counted()
        runs, items = counted.sum(axis=0), counted.any(axis=0)
        return np.asarray((counted * self.item_differences()).sum(axis=0)[items] / runs[items])

    def difference(self, base: Floats, tuned: Floats) -> Floats:
        """(…): the mean over runs of the difference of scores, from sums (…, runs, parts) of each side."""
        return np.asarray(difference_of(self.total(base), self.total(tuned)).mean(axis=-1))


class Settings(NamedTuple):
    resamples: int
    confidence: float
    seed: int


class _Draws(NamedTuple):
    resampled: Floats
    """(resamples, runs, parts)."""
    left_out: Floats
    """(clusters, runs, parts): the sums without each cluster."""


def compare_all(
    measured: Mapping[str, Measured], clusters: Sequence[str], log_length_ratios: Floats, settings: Settings
) -> tuple[MetricComparison, ...]:
    """One comparison a metric, in order.

    With several runs every score is the mean over runs; dialogues are resampled and swapped for all runs at once, the
    runs being taken as they are: the interval is over dialogues, and says nothing of further training seeds.

    Args:
        clusters: (items,) the dialogue of each item.
        log_length_ratios: (runs, items) of the answers, tuned over base.

    Raises:
        ValueError: there are fewer than two clusters.
    """
    lines = {
        name: regression_parts(m.item_differences(), log_length_ratios) * m.counted()[..., None]
        for name, m in measured.items()
        if m.about_answers
    }
    draws = _draw(
        {
            **{("base", name): m.base for name, m in measured.items()},
            **{("tuned", name): m.tuned for name, m in measured.items()},
            **{("line", name): parts for name, parts in lines.items()},
        },
        clusters,
        settings,
    )
    p_values = _p_values(measured, clusters, settings)
    extrapolated = any(map(is_extrapolated, log_length_ratios))
    found = []
    for (name, m), p_value, p_holm in zip(measured.items(), p_values, holm(p_values), strict=True):
        resampled, interval = _difference(m, draws["base", name], draws["tuned", name], settings)
        wins, ties, losses = signs(m.mean_item_differences(), higher_is_better=m.higher_is_better)
        found.append(
            MetricComparison(
                metric=name,
                signature=m.signature,
                base=float(m.total(m.base.sum(axis=1)).mean()),
                tuned=float(m.total(m.tuned.sum(axis=1)).mean()),
                difference=float(m.difference(m.base.sum(axis=1), m.tuned.sum(axis=1))),
                interval=interval,
                wins=wins,
                ties=ties,
                losses=losses,
                p_value=p_value,
                p_holm=p_holm,
                smallest_effect=smallest_effect(resampled, len(set(clusters)), settings.confidence),
                verdict=verdict(interval, p_holm, settings.confidence, higher_is_better=m.higher_is_better),
                higher_is_better=m.higher_is_better,
                length_controlled=_length_controlled(lines[name], draws["line", name], extrapolated, settings)
                if name in lines
                else None,
            )
        )
    return tuple(found)


def compare_groups(
    measured: Mapping[str, Measured], clusters: Sequence[str], groups: Groups, settings: Settings
) -> dict[str, tuple[Group, ...]]:
    """The difference within each group of items, by metric; {} where all items are in one group.

    The intervals are not corrected for there being several groups: they show where to look, not what is so.

    Args:
        clusters: (items,) the dialogue of each item.
    """
    if len(groups.order) < 2:
        return {}
    found = [_one_group(name, measured, clusters, groups.of_item, settings) for name in groups.order]
    return {metric: tuple(group[metric] for group in found) for metric in measured}


def _one_group(
    group: str, measured: Mapping[str, Measured], clusters: Sequence[str], of_item: Sequence[str], settings: Settings
) -> dict[str, Group]:
    at = [i for i, name in enumerate(of_item) if name == group]
    within = [clusters[i] for i in at]
    dialogues = len(set(within))
    draws = None
    if dialogues >= ENOUGH_DIALOGUES:
        slabs = {("base", name): m.base[:, at] for name, m in measured.items()}
        draws = _draw(slabs | {("tuned", name): m.tuned[:, at] for name, m in measured.items()}, within, settings)
    found = {}
    for name, m in measured.items():
        difference = float(m.difference(m.base[:, at].sum(axis=1), m.tuned[:, at].sum(axis=1)))
        interval = None
        if draws is not None:
            _, interval = _difference(m, draws["base", name], draws["tuned", name], settings)
        found[name] = Group(group, len(at), dialogues, difference, interval)
    return found


def _p_values(measured: Mapping[str, Measured], clusters: Sequence[str], settings: Settings) -> list[float]:
    base, places = _side_by_side([m.base for m in measured.values()])
    tuned, _ = _side_by_side([m.tuned for m in measured.values()])
    swapped = swapped_sums(base, tuned, clusters, resamples=settings.resamples, seed=settings.seed)
    return [
        two_sided_p(
            float(m.difference(m.base.sum(axis=1), m.tuned.sum(axis=1))),
            m.difference(_of_runs(swapped.base[:, at], m.base), _of_runs(swapped.tuned[:, at], m.tuned)),
        )
        for m, at in zip(measured.values(), places, strict=True)
    ]


def _draw(
    slabs: Mapping[tuple[str, str], Floats], clusters: Sequence[str], settings: Settings
) -> dict[tuple[str, str], _Draws]:
    """The draws of each slab (runs, items, parts); all are shared."""
    columns, places = _side_by_side(list(slabs.values()))
    resampled = resampled_sums(columns, clusters, resamples=settings.resamples, seed=settings.seed)
    left_out = columns.sum(axis=0) - cluster_sums(columns, clusters)
    return {
        key: _Draws(_of_runs(resampled[:, at], slab), _of_runs(left_out[:, at], slab))
        for (key, slab), at in zip(slabs.items(), places, strict=True)
    }


def _difference(m: Measured, base: _Draws, tuned: _Draws, settings: Settings) -> tuple[Floats, Interval]:
    """The resampled differences, (resamples,), and their interval."""
    resampled = m.difference(base.resampled, tuned.resampled)
    effective = effective_clusters(m.difference(base.left_out, tuned.left_out))
    return resampled, expanded_interval(resampled, effective, settings.confidence)


def _length_controlled(line: Floats, draws: _Draws, extrapolated: bool, settings: Settings) -> LengthControlled:
    effective = effective_clusters(at_equal_length(draws.left_out).mean(axis=-1))
    return LengthControlled(
        difference=float(at_equal_length(line.sum(axis=1)).mean()),
        interval=expanded_interval(at_equal_length(draws.resampled).mean(axis=-1), effective, settings.confidence),
        extrapolated=extrapolated,
    )


def _side_by_side(slabs: Sequence[Floats]) -> tuple[Floats, list[slice]]:
    """Slabs (runs, items, parts) as columns (items, runs × parts each), and where each of them is."""
    columns = [slab.transpose(1, 0, 2).reshape(slab.shape[1], -1) for slab in slabs]
    ends = np.cumsum([c.shape[1] for c in columns])
    return np.hstack(columns), [slice(end - c.shape[1], end) for c, end in zip(columns, ends, strict=True)]


def _of_runs(sums: Floats, slab: Floats) -> Floats:
    """(resamples, runs × parts) as (resamples, runs, parts) of ``slab``."""
    runs, _, parts = slab.shape
    return sums.reshape(len(sums), runs, parts)
