"""What raters found: who is better, how far they agree, what to make of them, and which metrics go with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mentalft.errors import DataError
from mentalft.judging.people import REVIEWED, PersonRow
from mentalft.judging.record import TIE
from mentalft.judging.rubric import Dimension
from mentalft.records import Comparison, Interval
from mentalft.review.answers import Given, Opinion, given
from mentalft.review.records import (
    CHOICE,
    REVIEW,
    TIED,
    Agreement,
    Followed,
    Preference,
    Rated,
    RaterResult,
    Review,
)
from mentalft.runs.files import COMPARISON
from mentalft.statistics.agreement import (
    MISSING,
    Estimate,
    Rows,
    Statistic,
    cohen_kappa,
    coincidences,
    cross_tables,
    estimate,
    kendall_tau_b,
    krippendorff_alpha,
    over_raters,
    resampled_rows,
    share,
)
from mentalft.statistics.inference import LEAST_SEEDS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def evaluate(run_dir: Path) -> Review:
    """Write ``review.json`` of what was imported into ``run_dir``, and ``review/choices.jsonl`` for a judge.

    Raises:
        DataError: nothing was, or no choice, or what raters saw is no longer what the run holds.
    """
    comparison = COMPARISON.load(run_dir)
    found = given(run_dir, comparison.baseline)
    if not any(o.kind == "pair" and o.choice is not None for o in found.opinions):
        raise DataError(f"{run_dir}: no rater chose between two answers yet; import files in which one did")
    review = reviewed(found, comparison)
    REVIEWED.save(run_dir, _choices(found.opinions, comparison.baseline))
    REVIEW.save(run_dir, review)
    return review


def _choices(opinions: Sequence[Opinion], baseline: str) -> Iterator[PersonRow]:
    """Pairs as they were first shown, in the form in which a judge is held against people."""
    for o in opinions:
        if o.kind != "pair" or (o.choice is None and not o.ratings):
            continue
        pair = (baseline, o.contender)
        ratings = {
            name: {d: float(level) for d, levels in o.ratings.items() if (level := levels[side]) is not None}
            for side, name in enumerate(pair)
        }
        choice = None if o.choice is None else TIE if o.choice == TIED else pair[int(o.choice)]
        yield PersonRow(o.item, pair, choice, o.rater, ratings)


def reviewed(found: Given, comparison: Comparison) -> Review:
    """The result of everything that raters gave."""
    sheet = _Sheet(found, comparison)
    ratings = {dimension.name: (dimension, sheet.ratings(dimension)) for dimension in _dimensions(found)}
    rated = {name: of for name, of in ratings.items() if (of[1] != MISSING).any()}
    repeats, votes = [*sheet.repeats()], [o for o in found.opinions if o.kind in ("pair", "repeat")]
    decided, guesses = [o for o in votes if o.first is not None], sheet.judged("guess")
    firsts = [float(o.first or 0) for o in decided]
    return Review(
        digests={key.export: key.digest for key in found.keys},
        sampled=found.keys[-1].sampled,
        baseline=comparison.baseline,
        raters=tuple(_rater(sheet, name) for name in sheet.raters),
        preferences={name: preference for name in comparison.others if (preference := _preference(sheet, name))},
        agreement=(
            _agreement(sheet, [sheet.categories], None),
            *(_agreement(sheet, [both[:, :, 0], both[:, :, 1]], dimension) for dimension, both in rated.values()),
        ),
        ratings=tuple(result for dimension, both in rated.values() for result in _rated(sheet, dimension, both)),
        repeated=sheet.share([float(a.choice == b.choice) for a, b in repeats], [a for a, _ in repeats]),
        first=sheet.share(firsts, decided),
        first_p=_binomial(firsts),
        told=sheet.share([o.choice or 0.0 for o in guesses], guesses),
        cannot_tell=sum(o.choice == TIED for o in guesses),
        metrics=tuple(_followed(sheet)),
        ceiling=_ceiling(sheet),
        confidence=comparison.confidence,
        resamples=comparison.resamples,
        seed=comparison.seed,
    )


class _Sheet:
    """Opinions as rows (a pair of an item and a contender) and columns (raters)."""

    def __init__(self, found: Given, comparison: Comparison) -> None:
        self.found, self.comparison, self.confidence = found, comparison, comparison.confidence
        self.raters = list(dict.fromkeys(opinion.rater for opinion in found.opinions))
        self.pairs = list(dict.fromkeys((o.item, o.contender) for o in self.judged("pair")))
        self.clusters = [found.items[item].dialogue_id for item, _ in self.pairs]
        self.contenders = np.array([contender for _, contender in self.pairs], dtype=str)
        self.rows = (
            resampled_rows(self.clusters, resamples=comparison.resamples, seed=comparison.seed)
            if len(set(self.clusters)) > 1
            else None
        )
        self._row = {pair: place for place, pair in enumerate(self.pairs)}
        self._column = {rater: place for place, rater in enumerate(self.raters)}
        self.choices = np.full((len(self.pairs), len(self.raters)), np.nan)  # 1 contender, 0 baseline, a half a tie
        for opinion in self.judged("pair"):
            self.choices[self.place(opinion)] = opinion.choice

    @property
    def categories(self) -> Ints:
        """:attr:`choices` as numbers from 0, or MISSING."""
        return np.where(np.isnan(self.choices), MISSING, self.choices * 2).astype(np.int64)

    def judged(self, kind: str) -> list[Opinion]:
        return [o for o in self.found.opinions if o.kind == kind and o.choice is not None]

    def place(self, opinion: Opinion) -> tuple[int, int]:
        return self._row[opinion.item, opinion.contender], self._column[opinion.rater]

    def repeats(self) -> Iterator[tuple[Opinion, Opinion]]:
        """A choice and the same one asked again."""
        before = {(o.rater, o.item, o.contender): o for o in self.judged("pair")}
        for again in self.judged("repeat"):
            if first := before.get((again.rater, again.item, again.contender)):
                yield first, again

    def ratings(self, dimension: Dimension) -> Ints:
        """(rows, raters, 2) of the level's number, or MISSING: the baseline's answer and the contender's."""
        found = np.full((*self.choices.shape, 2), MISSING, dtype=np.int64)
        number = {level: place for place, level in enumerate(dimension.levels)}
        for opinion in self.judged("pair"):
            pair = opinion.ratings.get(dimension.name, (None, None))
            found[self.place(opinion)] = [MISSING if level is None else number[level] for level in pair]
        return found

    def share(self, hits: Sequence[float], of: Sequence[Opinion]) -> Estimate | None:
        clusters = [self.found.items[opinion.item].dialogue_id for opinion in of]
        return share(np.asarray(hits), np.ones(len(hits)), clusters, self.confidence)

    def estimate(self, statistic: Statistic) -> Estimate | None:
        return estimate(statistic, self.rows, self.confidence) if self.rows else None

    def share_of(self, hits: Floats, at: NDArray[np.bool_]) -> Estimate | None:
        """Of the choices ``hits`` (rows, raters), NaN where there is none, in the rows ``at``."""
        counted = np.isfinite(hits[at])
        clusters = [name for name, is_in in zip(self.clusters, at, strict=True) if is_in]
        return share(
            np.where(counted, hits[at], 0).sum(axis=1), counted.sum(axis=1).astype(float), clusters, self.confidence
        )


def _dimensions(found: Given) -> list[Dimension]:
    return list({d.name: d for key in found.keys for d in key.rubric.dimensions}.values())


def _preference(sheet: _Sheet, name: str) -> Preference | None:
    at = sheet.contenders == name
    choices = sheet.choices[at]
    rate = sheet.share_of(sheet.choices, at)
    tied = sheet.share_of(np.where(np.isnan(sheet.choices), np.nan, sheet.choices == TIED), at)
    if rate is None or tied is None:
        return None
    attentive = np.array([_attentive(sheet, rater) is not False for rater in sheet.raters])
    without = np.where(attentive, sheet.choices, np.nan)
    return Preference(
        wins=int((choices == 1).sum()),
        ties=int((choices == TIED).sum()),
        losses=int((choices == 0).sum()),
        items=int(np.isfinite(choices).any(axis=1).sum()),
        dialogues=len({cluster for cluster, is_in in zip(sheet.clusters, at, strict=True) if is_in}),
        rate=rate,
        over_raters=_over_raters(sheet, at),
        tied=tied,
        attentive=None if attentive.all() else sheet.share_of(without, at),
    )


def _over_raters(sheet: _Sheet, at: NDArray[np.bool_]) -> Interval | None:
    counted = np.isfinite(sheet.choices) & at[:, None]
    voting = counted.any(axis=0)
    if voting.sum() < LEAST_SEEDS or sheet.rows is None:
        return None
    hits = np.where(counted, sheet.choices, 0.0)[:, voting]
    return over_raters(hits, counted[:, voting].astype(float), sheet.rows, sheet.confidence)


def _agreement(sheet: _Sheet, answers: Sequence[Ints], dimension: Dimension | None) -> Agreement:
    """How far raters agree on ``answers``, each (rows, raters) of categories.

    Args:
        dimension: None for the choice, whose categories are taken as without an order.
    """
    categories, weighted = len(dimension.levels) if dimension else 3, dimension is not None
    parts = np.sum([coincidences(answer, categories) for answer in answers], axis=0)
    tables = np.sum([cross_tables(answer, categories) for answer in answers], axis=0)
    equal = tables.trace(axis1=-2, axis2=-1).sum(axis=-1)
    return Agreement(
        dimension=dimension.name if dimension else CHOICE,
        title=dimension.title if dimension else CHOICE,
        units=int(sum(((answer != MISSING).sum(axis=1) > 1).sum() for answer in answers)),
        same=share(equal, tables.sum(axis=(-3, -2, -1)), sheet.clusters, sheet.confidence),
        kappa=sheet.estimate(cohen_kappa(tables, weighted=weighted)),
        alpha=sheet.estimate(krippendorff_alpha(parts, ordinal=weighted)),
    )


def _rated(sheet: _Sheet, dimension: Dimension, both: Ints) -> Iterator[Rated]:
    levels = np.array([*dimension.levels, np.nan])[both]  # MISSING takes the last one
    paired = np.where(np.isnan(levels).any(axis=-1, keepdims=True), np.nan, levels)
    for name in sheet.comparison.others:
        of_name = np.where((sheet.contenders == name)[:, None, None], paired, np.nan)
        counted = np.isfinite(of_name[..., 0])
        if not counted.any():
            continue
        counts, sums = counted.sum(axis=1), np.where(counted[..., None], of_name, 0.0).sum(axis=1)
        difference = sheet.estimate(_ratio(sums[:, 1] - sums[:, 0], counts.astype(float)))
        if difference:
            baseline, contender = sums.sum(axis=0) / counts.sum()
            yield Rated(
                dimension.name, dimension.title, name, dimension.higher_is_better, float(baseline), float(contender),
                difference, int(counts.sum()),
            )  # fmt: skip


def _ratio(sums: Floats, counts: Floats) -> Statistic:
    return lambda weights: (weights @ sums) / (weights @ counts)


def _rater(sheet: _Sheet, name: str) -> RaterResult:
    own = [o for o in sheet.found.opinions if o.rater == name]
    pairs = [o for o in own if o.kind == "pair"]
    decided = [o for o in own if o.kind in ("pair", "repeat") and o.first is not None]
    repeats = [(a, b) for a, b in sheet.repeats() if a.rater == name]
    guesses = [o.choice for o in own if o.kind == "guess" and o.choice is not None]
    return RaterResult(
        name=name,
        judged=sum(o.choice is not None for o in pairs),
        shown=len(pairs),
        skipped=sum(o.skipped for o in pairs),
        ties=sum(o.choice == TIED for o in pairs),
        first=(sum(bool(o.first) for o in decided), len(decided)),
        same=(sum(a.choice == b.choice for a, b in repeats), len(repeats)),
        attentive=_attentive(sheet, name),
        told=(sum(guesses), len(guesses)),
        edited=name in sheet.found.edited,
    )


def _attentive(sheet: _Sheet, rater: str) -> bool | None:
    """Whether the rater chose the genuine answer; None where that was not asked or not answered."""
    chosen = [o.choice for o in sheet.judged("attention") if o.rater == rater]
    return all(choice == 1 for choice in chosen) if chosen else None


def _binomial(hits: Sequence[float]) -> float | None:
    from scipy.stats import binomtest

    return float(binomtest(int(sum(hits)), len(hits)).pvalue) if hits else None


def _followed(sheet: _Sheet) -> Iterator[Followed]:
    """Every metric's difference against the mean choice; the intervals hold together (Bonferroni)."""
    metrics = sheet.comparison.metrics
    confidence = 1 - (1 - sheet.confidence) / len(metrics)
    preferred = np.nanmean(sheet.choices, axis=1)
    for metric in metrics:
        differences = np.array([_difference(sheet, metric.metric, item, name) for item, name in sheet.pairs])
        at = np.isfinite(differences)
        better = np.round(differences if metric.higher_is_better else -differences, 12)
        tau = None
        if at.any() and sheet.rows is not None:
            rows = Rows(*(weights[:, at] for weights in sheet.rows))
            tau = estimate(kendall_tau_b(better[at], preferred[at], sheet.contenders[at].tolist()), rows, confidence)
        yield Followed(metric.metric, metric.title, tau)


def _difference(sheet: _Sheet, metric: str, item: str, contender: str) -> float:
    scores = sheet.found.items[item].scores
    return scores[contender].get(metric, np.nan) - scores[sheet.comparison.baseline].get(metric, np.nan)


def _ceiling(sheet: _Sheet) -> Estimate | None:
    """How far one rater goes with the others, mean over raters: a metric can hardly be expected to do better."""
    statistics = []
    for place in range(len(sheet.raters)):
        others = np.delete(sheet.choices, place, axis=1)
        at = np.isfinite(sheet.choices[:, place]) & np.isfinite(others).any(axis=1)
        if at.sum() > 1:
            tau = kendall_tau_b(sheet.choices[at, place], np.nanmean(others[at], axis=1), sheet.contenders[at].tolist())
            statistics.append((tau, at))
    if not statistics:
        return None

    def mean(weights: Floats) -> Floats:
        found = np.stack([tau(weights[..., at]) for tau, at in statistics])
        counts = np.isfinite(found).sum(axis=0)
        return np.asarray(np.where(np.isfinite(found), found, 0).sum(axis=0) / counts)

    return sheet.estimate(mean)
