"""A mean that people rated for a part of the items, made surer by a judge who rated all of them.

Prediction-powered inference (Angelopoulos, Bates, Fannjiang, Jordan and Zrnic 2023, Science,
doi 10.1126/science.adi6000): the judge's mean over the items that people did not rate, corrected by how far the judge
is off on those that they did. It holds however wrong the judge is. The weight given to the judge is chosen by the data
(PPI++, Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453), so that a judge who knows nothing costs next to nothing.
Its coverage is in ``benchmarks/RESULTS.md``.

It rests on one thing: the items that people rated are like the others, as a random part of them is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mentalft.records import Interval
from mentalft.statistics.resampling import Floats

LEAST_RATED = 4


class Powered(NamedTuple):
    value: float
    interval: Interval
    p_value: float
    """Two-sided."""
    weight: float
    """Of the judge, between 0 and 1 (λ)."""
    people: float
    """The mean of what people rated, without a judge."""
    people_interval: Interval


class _Mean(NamedTuple):
    value: float
    error: float
    degrees: int

    def interval(self, confidence: float) -> Interval:
        from scipy.special import stdtrit

        reach = float(stdtrit(self.degrees, 0.5 + confidence / 2)) * self.error
        return Interval(max(self.value - reach, 0.0), min(self.value + reach, 1.0))

    def p_value(self, null: float) -> float:
        from scipy.special import stdtr

        if not self.error:
            return float(self.value == null)
        return 2 * float(stdtr(self.degrees, -abs(self.value - null) / self.error))


def prediction_powered(
    judged: Floats, people: Floats, rated: NDArray[np.bool_], clusters: Sequence[str], confidence: float, null: float
) -> Powered:
    """The mean of what people would say of all items, between 0 and 1.

    The variance is that of the dialogues' summed influences. Student's t has as many degrees of freedom as there are
    rated dialogues, less one for the mean and one for the weight.

    Args:
        judged: (items,) what the judge says.
        people: (items,) what people say; looked at where ``rated``.
        rated: (items,) whether people did.
        clusters: (items,) the dialogue of each item.
        null: what the mean is tested against.

    Raises:
        ValueError: people rated items of fewer than :data:`LEAST_RATED` dialogues.
    """
    names, member = np.unique(np.asarray(clusters), return_inverse=True)
    dialogues = len(np.unique(member[rated]))
    if dialogues < LEAST_RATED:
        raise ValueError(f"there must be {LEAST_RATED} rated dialogues or more, got {dialogues}")
    y, f, rest = people[rated], judged[rated], judged[~rated]
    far = float(rest.mean()) if len(rest) else 0.0

    def estimate(weight: float) -> _Mean:
        corrected = y - weight * f
        influence = np.zeros(len(judged))
        influence[rated] = (corrected - corrected.mean()) / len(y)
        influence[~rated] = weight * (rest - far) / max(len(rest), 1)
        degrees = dialogues - (2 if weight else 1)
        squares = np.bincount(member, weights=influence, minlength=len(names)) ** 2
        error = float(np.sqrt(dialogues / degrees * squares.sum()))
        return _Mean(float(corrected.mean()) + weight * far, error, degrees)

    weight = _weight(y, f, rest)
    found, alone = estimate(weight), estimate(0.0)
    return Powered(
        found.value, found.interval(confidence), found.p_value(null), weight, alone.value, alone.interval(confidence)
    )


def _weight(y: Floats, f: Floats, rest: Floats) -> float:
    """λ of PPI++ for a mean: ``Cov(y, f) / ((1 + n/N) Var(f))``, within 0 and 1; 0 where there is nothing to learn."""
    spread = float(np.var(np.concatenate([f, rest]), ddof=1)) if len(f) + len(rest) > 1 else 0.0
    if not len(rest) or spread < 1e-12:
        return 0.0
    together = float(np.cov(y, f)[0, 1])
    return float(np.clip(together / ((1 + len(f) / len(rest)) * spread), 0.0, 1.0))
