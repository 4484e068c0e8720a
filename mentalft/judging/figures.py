"""What a judge's verdicts come to for one contender, and how far they can be trusted: plain records in and out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

from mentalft.judging.asking import Answers, is_identical
from mentalft.judging.people import PersonRow
from mentalft.judging.record import (
    TIE,
    Agreement,
    Corrected,
    Fault,
    Judged,
    JudgeRow,
    Length,
    Rated,
    Reason,
)
from mentalft.judging.rubric import Rubric
from mentalft.records import UNDECIDED, WITHHELD, Interval, Item, Verdict
from mentalft.statistics import FEW_DIALOGUES, Settings, log_length_ratio
from mentalft.statistics.agreement import Estimate, Rows, Statistic, estimate, resampled_rows, share
from mentalft.statistics.inference import verdict
from mentalft.statistics.length import is_extrapolated
from mentalft.statistics.linear import concordance, correlation, moments, value_at_equal_length
from mentalft.statistics.prediction_powered import LEAST_RATED, prediction_powered
from mentalft.statistics.resampling import Floats

NEARLY_EQUAL = 1.2
"""Longer by at most this."""


@dataclass(frozen=True)
class Pairs:
    """One contender and the baseline on the items that were judged."""

    items: Sequence[Item]
    baseline: str
    contender: str
    answers: Answers
    rows: Sequence[JudgeRow]
    """Of this contender."""
    people: Sequence[PersonRow]
    """Likewise."""
    repeats: int
    settings: Settings

    @cached_property
    def place(self) -> dict[str, int]:
        return {item.id: place for place, item in enumerate(self.items)}

    @cached_property
    def clusters(self) -> list[str]:
        return [item.dialogue_id for item in self.items]

    @cached_property
    def drawn(self) -> Rows | None:
        """None where there are too few dialogues to resample."""
        if len(set(self.clusters)) < 2:
            return None
        return resampled_rows(self.clusters, resamples=self.settings.resamples, seed=self.settings.seed)

    @cached_property
    def won(self) -> Floats:
        """(items, repeats, 2): 1 where the contender was chosen, ½ for a tie, 0 where the baseline was, NaN where
        nothing was read; with the contender first, then with the baseline first."""
        found = np.full((len(self.items), self.repeats, 2), np.nan)
        for row in self.rows:
            if row.choice is not None:
                found[self.place[row.item], row.repeat, int(row.first == self.baseline)] = self.value(row.choice)
        return found

    @cached_property
    def both(self) -> Floats:
        """(items, repeats) of 0 and 1: whether both orders were read."""
        return np.asarray(np.isfinite(self.won).all(axis=-1), dtype=np.float64)

    @cached_property
    def agree(self) -> Floats:
        """(items, repeats) of 0 and 1: whether both orders had the same verdict."""
        return np.asarray(self.both * (self.won[..., 0] == self.won[..., 1]))

    @cached_property
    def identical(self) -> Floats:
        """(items,) of 0 and 1."""
        return np.array([float(is_identical(self.answers, self.baseline, self.contender, i)) for i in self.place])

    @cached_property
    def scores(self) -> Floats:
        """(items,): the mean over repeats of 1 for a win in both orders, 0 for a loss in both, else ½; NaN where no
        repeat has both orders."""
        of_repeats = np.where(self.agree > 0, np.nan_to_num(self.won[..., 0]), 0.5) * self.both
        repeats = self.both.sum(axis=1)
        asked = np.where(repeats > 0, of_repeats.sum(axis=1) / np.maximum(repeats, 1), np.nan)
        return np.where(self.identical > 0, 0.5, asked)

    @cached_property
    def log_ratios(self) -> Floats:
        """(items,) of the contender's length over the baseline's; NaN where the two are one answer."""
        lengths = [
            np.array([float(len(self.answers[n][i])) for i in self.place]) for n in (self.baseline, self.contender)
        ]
        return np.where(self.identical > 0, np.nan, log_length_ratio(*lengths))

    def value(self, choice: str) -> float:
        return 0.5 if choice == TIE else float(choice == self.contender)

    def rating(self, of: str, dimension: str) -> Floats:
        """(items,): the judge's mean over its replies that rate both answers; NaN where none does."""
        found: list[list[float]] = [[] for _ in self.items]
        for row in self.rows:
            if all(dimension in row.ratings.get(name, {}) for name in (self.baseline, self.contender)):
                found[self.place[row.item]].append(float(row.ratings[of][dimension]))
        return np.array([np.mean(given) if given else np.nan for given in found])

    def estimate(self, statistic: Statistic) -> Estimate | None:
        if self.drawn is not None:
            return estimate(statistic, self.drawn, self.settings.confidence)
        value = float(statistic(np.ones(len(self.items))))
        return Estimate(value, None) if math.isfinite(value) else None

    def share(self, hits: Floats, counts: Floats) -> Estimate | None:
        """For (items, …) of 0, ½ and 1."""
        hits, counts = (values.reshape(len(values), -1).sum(axis=1) for values in (hits * counts, counts))
        seen = {name for name, count in zip(self.clusters, counts, strict=True) if count}
        return share(hits, counts, self.clusters, self.settings.confidence, degrees=max(len(seen) - 1, 1))


def judged(pairs: Pairs, rubric: Rubric) -> Judged:
    """All figures of one contender; its verdict is still to be given by :func:`decided`, over all contenders."""
    scores, counted = pairs.scores, np.isfinite(pairs.scores)
    length = _length(pairs)
    first, order_kappa = _first(pairs), _order_kappa(pairs)
    people = _choices(pairs)
    agreement = _agreement(pairs, people, scores[None]) if people else None
    return Judged(
        items=len(pairs.items),
        dialogues=len(set(pairs.clusters)),
        identical=int(pairs.identical.sum()),
        wins=int((scores > 0.5).sum()),
        ties=int((scores == 0.5).sum()),
        losses=int((scores < 0.5).sum()),
        unfinished=int((~counted).sum()),
        verdicts=len(pairs.rows),
        unread=sum(row.choice is None and row.refusal is None for row in pairs.rows),
        refused=sum(row.refusal is not None for row in pairs.rows),
        in_words=sum(row.read_as == "words" for row in pairs.rows),
        win_rate=pairs.share(np.nan_to_num(scores), counted.astype(np.float64)),
        flips=pairs.share(1 - pairs.agree, pairs.both),
        first=first,
        order_kappa=order_kappa,
        repeats=_repeats(pairs),
        length=length,
        dimensions={d.name: _rated(pairs, d.name) for d in rubric.dimensions},
        agreement=agreement,
        corrected=_corrected(pairs, people),
        faults=tuple(_faults(first, order_kappa, length)),
        reason=_reason(agreement, len({pairs.clusters[pairs.place[item]] for item in _chosen_twice(people)})),
        verdict=WITHHELD,
    )


def decided(of: Judged, p_holm: float, confidence: float) -> Verdict:
    """Of a judge who is validated, by the corrected win rate; else none."""
    if of.reason != "validated" or of.corrected is None:
        return WITHHELD
    interval = of.corrected.win_rate.interval
    if interval is None:
        return UNDECIDED
    return verdict(Interval(interval.low - 0.5, interval.high - 0.5), p_holm, confidence, higher_is_better=True)


def _first(pairs: Pairs) -> Estimate | None:
    decided = (np.isfinite(pairs.won) & (pairs.won != 0.5)).astype(np.float64)
    return pairs.share((pairs.won == np.array([1.0, 0.0])).astype(np.float64), decided)


def _order_kappa(pairs: Pairs) -> Estimate | None:
    """``(p - e) / (1 - e)``, where p is the share of pairs with one verdict in both orders, and e what p would be of a
    judge who chooses the first answer, the second or none as often as this one does, without reading: ``2fs + t²``
    (as Scott's π has it, 1955, doi 10.1086/266577)."""
    of_both = np.repeat(pairs.both[..., None], 2, axis=-1)
    first = of_both * (pairs.won == np.array([1.0, 0.0]))
    tie = of_both * (pairs.won == 0.5)
    columns = np.stack([of.reshape(len(of), -1).sum(axis=1) for of in (pairs.both, pairs.agree, first, tie)], axis=-1)

    def statistic(weights: Floats) -> Floats:
        n, agree, first, tie = np.moveaxis(weights @ columns, -1, 0)
        f, t = first / (2 * n), tie / (2 * n)
        by_chance = 2 * f * (1 - f - t) + t * t
        return np.asarray((agree / n - by_chance) / np.where(by_chance < 1 - 1e-9, 1 - by_chance, np.nan))

    return pairs.estimate(statistic)


def _repeats(pairs: Pairs) -> Estimate | None:
    if pairs.repeats < 2:
        return None
    ours, theirs = (pairs.won[:, list(places)] for places in zip(*permutations(range(pairs.repeats), 2), strict=True))
    read = np.isfinite(ours) & np.isfinite(theirs)
    return pairs.share((ours == theirs).astype(np.float64), read / 2)


def _length(pairs: Pairs) -> Length:
    ratios, scores = pairs.log_ratios, pairs.scores
    told = np.isfinite(ratios) & np.isfinite(scores)
    unequal = told & (scores != 0.5) & (ratios != 0)
    near = told & (np.abs(ratios) <= math.log(NEARLY_EQUAL))
    parts = moments(ratios, scores)
    extrapolated = bool(told.any()) and is_extrapolated(ratios[told])
    return Length(
        longer=pairs.share(((scores > 0.5) == (ratios > 0)).astype(np.float64), unequal.astype(np.float64)),
        correlation=pairs.estimate(correlation(parts)),
        near_equal=pairs.share(np.nan_to_num(scores), near.astype(np.float64)),
        near_equal_pairs=int(near.sum()),
        at_equal_length=None if extrapolated or not told.any() else pairs.estimate(value_at_equal_length(parts)),
        extrapolated=extrapolated,
    )


def _faults(first: Estimate | None, order_kappa: Estimate | None, length: Length) -> list[Fault]:
    found: list[Fault] = []
    if first is None:
        found.append("undecided")
    elif order_kappa is not None and (order_kappa.interval is None or order_kappa.interval.low <= 0):
        found.append("chance")
    if first is not None and first.interval is not None and not first.interval.low <= 0.5 <= first.interval.high:
        found.append("position")
    followed = length.correlation.interval if length.correlation else None
    if not {"chance", "undecided"} & set(found):
        if followed is not None and followed.low > 0:
            found.append("length")
        elif length.extrapolated:
            found.append("length_unknown")
    return found


Choices = dict[tuple[str, str], Floats]
"""(item, rater) → (values,) of that rater; NaN where there is none."""


def _choices(pairs: Pairs) -> Choices:
    return {(row.id, row.rater): np.array([pairs.value(row.choice)]) for row in pairs.people if row.choice is not None}


def _rated(pairs: Pairs, dimension: str) -> Rated:
    sides = (pairs.baseline, pairs.contender)
    theirs, ours = (pairs.rating(name, dimension) for name in sides)
    people = {
        (row.id, row.rater): np.array([row.ratings.get(name, {}).get(dimension, np.nan) for name in sides])
        for row in pairs.people
        if any(dimension in row.ratings.get(name, {}) for name in sides)
    }
    if not np.isfinite(ours).any():
        return Rated({}, None, None)
    means = {name: float(np.nanmean(values)) for name, values in zip(sides, (theirs, ours), strict=True)}
    agreement = _agreement(pairs, people, np.stack([theirs, ours])) if people else None
    rated = moments(ours, ours - theirs)[:, [0, 2]]  # how often, and the difference
    difference = pairs.estimate(lambda weights: (weights @ rated)[..., 1] / (weights @ rated)[..., 0])
    return Rated(means, difference, agreement)


def _agreement(pairs: Pairs, people: Choices, judge: Floats) -> Agreement:
    """Of ratings by people with those of the judge, and with each other's.

    Args:
        judge: (values, items).
    """
    with_judge, with_people = np.zeros((2, len(pairs.items), 6))
    of_item: dict[str, list[Floats]] = {}
    for (item, _), given in people.items():
        of_item.setdefault(item, []).append(given)
    for item, of_raters in of_item.items():
        at = pairs.place[item]
        for values in of_raters:
            with_judge[at] += moments(judge[:, at], values).sum(axis=0)
        for one, other in permutations(of_raters, 2):
            with_people[at] += moments(one, other).sum(axis=0)
    shared = np.where((with_people[:, 0] > 0)[:, None], with_judge, 0.0)
    judge_shared, among_people = concordance(shared), concordance(with_people)
    return Agreement(
        judge=pairs.estimate(concordance(with_judge)),
        people=pairs.estimate(among_people),
        difference=pairs.estimate(lambda weights: judge_shared(weights) - among_people(weights)),
        ratings=int(sum(np.isfinite(given).sum() for given in people.values())),
        pairs=int(with_people[:, 0].sum()) // 2,
    )


def _chosen_twice(people: Choices) -> set[str]:
    """The items that two people or more chose on."""
    return {item for item, times in Counter(item for item, _ in people).items() if times > 1}


def _reason(agreement: Agreement | None, dialogues: int) -> Reason:
    """Whether a judge is validated by what people chose: see docs/judge.md.

    Args:
        dialogues: in which two people or more chose on the same item.
    """
    if agreement is None:
        return "no_people"
    if not agreement.pairs:
        return "one_rater"
    if dialogues < FEW_DIALOGUES:
        return "few"
    if agreement.judge is None or agreement.judge.interval is None or agreement.difference is None:
        return "unknown"
    if agreement.judge.interval.low <= 0:
        return "no_agreement"
    return "below" if agreement.difference.value < 0 else "validated"


def _corrected(pairs: Pairs, people: Choices) -> Corrected | None:
    given: list[list[float]] = [[] for _ in pairs.items]
    for (item, _), (value,) in people.items():
        given[pairs.place[item]].append(float(value))
    scores = pairs.scores
    at = np.isfinite(scores)
    rated = at & np.array([bool(values) for values in given])
    dialogues = {name for name, is_rated in zip(pairs.clusters, rated, strict=True) if is_rated}
    if len(dialogues) < LEAST_RATED:
        return None
    means = np.array([np.mean(values) if values else 0.0 for values in given])
    clusters = [name for name, kept in zip(pairs.clusters, at, strict=True) if kept]
    found = prediction_powered(scores[at], means[at], rated[at], clusters, pairs.settings.confidence, null=0.5)
    return Corrected(
        win_rate=Estimate(found.value, found.interval),
        p_value=found.p_value,
        p_holm=found.p_value,
        weight=found.weight,
        people=Estimate(found.people, found.people_interval),
        rated=int(rated.sum()),
        dialogues=len(dialogues),
    )
