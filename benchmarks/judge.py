"""Whether a judge's win rate, corrected by people, holds the truth 95 times in 100 however biased the judge is.

    python benchmarks/judge.py                       # every setting
    python benchmarks/judge.py --repetitions 300     # quicker, and rougher

People choose by a latent worth of the two answers, to which the dialogue and the item both add; the judge sees that
worth with noise, and with a bias towards one contender. All dialogues are judged, a random part is rated by people.
"""

from __future__ import annotations

import argparse
from itertools import product
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mentalft.statistics.prediction_powered import prediction_powered

CONFIDENCE, TIE = 0.95, 0.3
"""Worth within which a pair is a tie."""
SIZES = ((200, 1, 30), (200, 1, 60), (300, 3, 40), (100, 4, 20))
"""Dialogues, items of each, rated dialogues."""
JUDGES = {
    "unbiased": (0.0, 0.3),
    "biased": (0.8, 0.3),
    "strongly biased": (-1.5, 0.3),
    "always one": (3.0, 0.3),
    "noise": (0.0, 1.0),
}
"""Bias and share of noise."""


def choice(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(worth > TIE, 1.0, np.where(worth < -TIE, 0.0, 0.5)).ravel()


def coverage(
    size: tuple[int, int, int], judge: tuple[float, float], worth: float, repetitions: int
) -> tuple[float, ...]:
    """Coverage and mean width with the judge, then of people alone."""
    dialogues, items, rated = size
    bias, noise = judge
    rng, normal = np.random.default_rng(0), NormalDist()
    truth = 1 - normal.cdf(TIE - worth) + 0.5 * (normal.cdf(TIE - worth) - normal.cdf(-TIE - worth))
    names = np.repeat(np.arange(dialogues).astype(str), items).tolist()
    found = np.zeros((repetitions, 4))
    for row in found:
        latent = worth + np.sqrt(0.5) * (rng.normal(size=(dialogues, 1)) + rng.normal(size=(dialogues, items)))
        seen = latent * (1 - noise) + noise * rng.normal(size=latent.shape) + bias
        is_rated = np.repeat(rng.permutation(dialogues) < rated, items)
        powered = prediction_powered(choice(seen), choice(latent), is_rated, names, CONFIDENCE, 0.5)
        for place, (low, high) in enumerate((powered.interval, powered.people_interval)):
            row[2 * place :][:2] = low <= truth <= high, high - low
    return tuple(found.mean(axis=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1500)
    repetitions = parser.parse_args().repetitions
    print("| dialogues × items, rated | judge | true win rate 50% | true win rate 67% |\n|---|---|---:|---:|")
    for size, (name, judge) in product(SIZES, JUDGES.items()):
        cells = []
        for worth in (0.0, 0.5):
            held, width, _, alone = coverage(size, judge, worth, repetitions)
            cells.append(f"{held:.1%} ({width:.2f} / {alone:.2f})")
        print(f"| {size[0]} × {size[1]}, {size[2]} | {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
