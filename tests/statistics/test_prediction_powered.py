"""A judge's bias does not bias the estimate, and a good judge makes it surer."""

from __future__ import annotations

import numpy as np
import pytest

from mentalft.statistics.prediction_powered import Powered, prediction_powered

NAMES = np.repeat(np.arange(150).astype(str), 2).tolist()


def drawn(seed: int, bias: float, noise: float) -> Powered:
    """150 dialogues of two items, 40 of them rated; people's mean is one half."""
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(150, 1)) * 0.7 + rng.normal(size=(150, 2)) * 0.7

    def choice(latent: np.ndarray) -> np.ndarray:
        return np.where(latent > 0.3, 1.0, np.where(latent < -0.3, 0.0, 0.5)).ravel()

    judged = choice(taste * (1 - noise) + rng.normal(size=taste.shape) * noise + bias)
    rated = np.repeat(rng.permutation(150) < 40, 2)
    return prediction_powered(judged, choice(taste), rated, NAMES, 0.95, 0.5)


@pytest.mark.parametrize(("bias", "noise"), [(0.0, 0.3), (0.8, 0.3), (-1.5, 0.3), (0.0, 1.0)])
def test_the_interval_holds_the_truth_whatever_the_bias(bias: float, noise: float) -> None:
    found = [drawn(seed, bias, noise) for seed in range(300)]
    held = np.mean([f.interval.low <= 0.5 <= f.interval.high for f in found])
    assert held > 0.915  # 95 % less two and a half standard errors of 300 draws
    assert np.mean([f.p_value < 0.05 for f in found]) < 0.085
    width, alone = (
        np.mean([i.high - i.low for i in of])
        for of in ([f.interval for f in found], [f.people_interval for f in found])
    )
    assert width < 1.02 * alone, "a judge who knows nothing costs next to nothing"
    if noise < 1 and abs(bias) < 1:
        assert width < 0.85 * alone, "a good judge makes it surer"


def test_a_judge_of_the_rated_alone_adds_nothing() -> None:
    people = np.array([1.0, 0.25, 0.5, 0.75, 0.5, 0.25])
    found = prediction_powered(people, people, np.ones(6, dtype=bool), list("abcdef"), 0.95, 0.5)
    assert (found.value, found.weight) == (pytest.approx(people.mean()), 0.0)
    assert found.interval == found.people_interval
    reach = 2.5706 * people.std(ddof=1) / np.sqrt(6)  # Student's t with five degrees of freedom
    assert found.interval == pytest.approx((people.mean() - reach, people.mean() + reach), abs=1e-4)


def test_a_perfect_judge_is_worth_his_items() -> None:
    rng = np.random.default_rng(0)
    people = rng.integers(2, size=1000).astype(float)
    rated = np.arange(1000) < 50
    found = prediction_powered(people, people, rated, list(map(str, range(1000))), 0.95, 0.5)
    assert found.weight == pytest.approx(1 / (1 + 50 / 950), abs=0.05)
    assert found.value == pytest.approx(people.mean(), abs=0.01)


def test_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="there must be 4 rated dialogues or more, got 1"):
        prediction_powered(np.ones(3), np.ones(3), np.array([True, True, False]), list("aab"), 0.95, 0.5)
