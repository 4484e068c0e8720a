"""Contenders against one baseline on the same items: every metric's figures from one draw of resamples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mentalft.records import Difference, Group, Interval, LengthControlled, MetricResult
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

    def pair(self, baseline: str, contender: str) -> _Pair:
        return _Pair(self.parts[baseline], self.parts[contender], self.total)


class _Pair(NamedTuple):
    """A metric of the baseline and of one contender."""

    base: Floats
    other: Floats
    total: Callable[[Floats], Floats]

    def item_differences(self) -> Floats:
        """(runs, items): each item's own score, the contender's minus the baseline's."""
        return difference_of(self.total(self.base), self.total(self.other))

    def counted(self) -> Floats:
        """(runs, items): 1 where the item adds to both scores, 0 where a metric passes over an answer."""
        return np.asarray(self.base.any(axis=-1) & self.other.any(axis=-1), dtype=np.float64)

    def mean_item_differences(self) -> Floats:
        """(counted items,): the mean over the runs in which an item counts."""
        counted = self.counted()
        runs, items = counted.sum(axis=0), counted.any(axis=0)
        return np.asarray((counted * self.item_differences()).sum(axis=0)[items] / runs[items])

    def difference(self, base: Floats, other: Floats) -> Floats:
        """(…): the mean over runs of the difference of scores, from sums (…, runs, parts) of each."""
        return np.asarray(difference_of(self.total(base), self.total(other)).mean(axis=-1))

    def whole(self) -> float:
        """The difference over all items."""
        return float(self.difference(self.base.sum(axis=1), self.other.sum(axis=1)))


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
    measured: Mapping[str, Measured],
    baseline: str,
    clusters: Sequence[str],
    log_length_ratios: Mapping[str, Floats],
    settings: Settings,
) -> tuple[MetricResult, ...]:
    """One result a metric, in order: each contender against the baseline.

    With several runs every score is the mean over runs; dialogues are resampled and swapped for all runs at once, the
    runs being taken as they are: the interval is over dialogues, and says nothing of further training seeds.
    Holm's correction is over all tests: metrics times contenders.

    Args:
        clusters: (items,) the dialogue of each item.
        log_length_ratios: contender, without the baseline → (runs, items) of the answers, the contender's over the
            baseline's.

    Raises:
        ValueError: there are fewer than two clusters.
    """
    others = list(log_length_ratios)
    pairs = {(name, other): m.pair(baseline, other) for name, m in measured.items() for other in others}
    lines = {
        (name, other): regression_parts(pair.item_differences(), log_length_ratios[other]) * pair.counted()[..., None]
        for (name, other), pair in pairs.items()
        if measured[name].of_answer
    }
    draws = _draw(
        {
            **{
                ("", name, contender): m.parts[contender]
                for contender in (baseline, *others)
                for name, m in measured.items()
            },
            **{("line", name, other): parts for (name, other), parts in lines.items()},
        },
        clusters,
        settings,
    )
    p_values = _p_values(pairs, others, clusters, settings)
    corrected = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    extrapolated = {other: any(map(is_extrapolated, log_length_ratios[other])) for other in others}
    found: dict[tuple[str, str], Difference] = {}
    for (name, other), pair in pairs.items():
        higher = measured[name].higher_is_better
        resampled, interval = _difference(pair, draws["", name, baseline], draws["", name, other], settings)
        wins, ties, losses = signs(pair.mean_item_differences(), higher_is_better=higher)
        p_holm = corrected[name, other]
        line = lines.get((name, other))
        found[name, other] = Difference(
            difference=pair.whole(),
            interval=interval,
            wins=wins,
            ties=ties,
            losses=losses,
            p_value=p_values[name, other],
            p_holm=p_holm,
            smallest_effect=smallest_effect(resampled, len(set(clusters)), settings.confidence),
            verdict=verdict(interval, p_holm, settings.confidence, higher_is_better=higher),
            length_controlled=None
            if line is None
            else _length_controlled(line, draws["line", name, other], extrapolated[other], settings),
        )
    return tuple(
        MetricResult(
            metric=name,
            title=m.title,
            signature=m.signature,
            higher_is_better=m.higher_is_better,
            scale=m.scale,
            scores={
                contender: float(m.total(m.parts[contender].sum(axis=1)).mean()) for contender in (baseline, *others)
            },
            differences={other: found[name, other] for other in others},
        )
        for name, m in measured.items()
    )


def compare_groups(
    measured: Mapping[str, Measured],
    pair: tuple[str, str],
    clusters: Sequence[str],
    groups: Groups,
    settings: Settings,
) -> dict[str, tuple[Group, ...]]:
    """The difference within each group of items, by metric; {} where all items are in one group.

    The intervals are not corrected for there being several groups: they show where to look, not what is so.

    Args:
        pair: the baseline and the contender.
        clusters: (items,) the dialogue of each item.
    """
    if len(groups.order) < 2:
        return {}
    pairs = {name: m.pair(*pair) for name, m in measured.items()}
    found = [_one_group(name, pairs, clusters, groups.of_item, settings) for name in groups.order]
    return {metric: tuple(group[metric] for group in found) for metric in measured}


def _one_group(
    group: str, pairs: Mapping[str, _Pair], clusters: Sequence[str], of_item: Sequence[str], settings: Settings
) -> dict[str, Group]:
    at = [i for i, name in enumerate(of_item) if name == group]
    within = [clusters[i] for i in at]
    dialogues = len(set(within))
    inside = {name: _Pair(pair.base[:, at], pair.other[:, at], pair.total) for name, pair in pairs.items()}
    draws = None
    if dialogues >= ENOUGH_DIALOGUES:
        slabs: dict[tuple[str, ...], Floats] = {("base", name): pair.base for name, pair in inside.items()}
        draws = _draw(slabs | {("other", name): pair.other for name, pair in inside.items()}, within, settings)
    found = {}
    for name, pair in inside.items():
        interval = None
        if draws is not None:
            _, interval = _difference(pair, draws["base", name], draws["other", name], settings)
        found[name] = Group(group, len(at), dialogues, pair.whole(), interval)
    return found


def _p_values(
    pairs: Mapping[tuple[str, str], _Pair], others: Sequence[str], clusters: Sequence[str], settings: Settings
) -> dict[tuple[str, str], float]:
    """In the order of ``pairs``; one contender's answers are swapped with the baseline's for all metrics at once."""
    found = {}
    for other in others:
        mine = {key: pair for key, pair in pairs.items() if key[1] == other}
        base, places = _side_by_side([pair.base for pair in mine.values()])
        theirs, _ = _side_by_side([pair.other for pair in mine.values()])
        swapped = swapped_sums(base, theirs, clusters, resamples=settings.resamples, seed=settings.seed)
        for (key, pair), at in zip(mine.items(), places, strict=True):
            sums = _of_runs(swapped.base[:, at], pair.base), _of_runs(swapped.other[:, at], pair.other)
            found[key] = two_sided_p(pair.whole(), pair.difference(*sums))
    return {key: found[key] for key in pairs}


def _draw(
    slabs: Mapping[tuple[str, ...], Floats], clusters: Sequence[str], settings: Settings
) -> dict[tuple[str, ...], _Draws]:
    """The draws of each slab (runs, items, parts); all are shared."""
    columns, places = _side_by_side(list(slabs.values()))
    resampled = resampled_sums(columns, clusters, resamples=settings.resamples, seed=settings.seed)
    left_out = columns.sum(axis=0) - cluster_sums(columns, clusters)
    return {
        key: _Draws(_of_runs(resampled[:, at], slab), _of_runs(left_out[:, at], slab))
        for (key, slab), at in zip(slabs.items(), places, strict=True)
    }


def _difference(pair: _Pair, base: _Draws, other: _Draws, settings: Settings) -> tuple[Floats, Interval]:
    """The resampled differences, (resamples,), and their interval."""
    resampled = pair.difference(base.resampled, other.resampled)
    effective = effective_clusters(pair.difference(base.left_out, other.left_out))
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
