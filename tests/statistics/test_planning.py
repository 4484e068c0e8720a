"""How many dialogues are needed: the number shows the difference four times in five."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mentalft.statistics import dialogues_needed, scatter_of_dialogues


@pytest.mark.parametrize(("difference", "confidence"), [(1.2, 0.95), (-0.5, 0.95), (0.5, 0.99), (0.3, 0.9)])
def test_so_many_show_it_four_times_in_five_and_few_less_do_not(difference: float, confidence: float) -> None:
    rng, needed = np.random.default_rng(1), dialogues_needed(difference, 1.0, confidence)

    def found(dialogues: int) -> float:
        p = stats.ttest_1samp(rng.normal(difference, 1, (4000, dialogues)), 0, axis=1).pvalue
        return float(np.mean(p < 1 - confidence))

    assert found(needed) == pytest.approx(0.8, abs=0.04)
    assert found(needed) >= 0.78
    assert found(round(needed * 0.8)) < 0.78


def test_it_grows_as_the_square_and_large_numbers_agree_with_small_ones() -> None:
    assert dialogues_needed(0.02, 0.2, 0.95) == dialogues_needed(2, 20, 0.95)
    assert dialogues_needed(0.0008, 0.1, 0.95) == pytest.approx(100 * dialogues_needed(0.008, 0.1, 0.95), rel=0.01)
    assert dialogues_needed(1, 0.0, 0.95) == 2


def test_the_scatter_of_a_mean_is_that_of_its_dialogues() -> None:
    rng, names = np.random.default_rng(2), [f"d{i:02}" for i in range(40)]
    baseline, contender = (np.stack([rng.random(40), np.ones(40)], axis=1) for _ in range(2))
    found = scatter_of_dialogues(baseline, contender, lambda s: s[..., 0] / s[..., 1], names)
    assert found == pytest.approx((contender - baseline)[:, 0].std(ddof=1))
