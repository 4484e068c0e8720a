"""What matters is found where there is enough to find it in, and else it is said that there is not."""

from __future__ import annotations

from itertools import product

from mentalft.show.sweep.importance import importance_of
from mentalft.show.sweep.result import Importance, Setting, axes_of
from mentalft.words import told
from tests.show.sweep.fabricated import trial


def found(count: int) -> Importance:
    """A grid in which the learning rate decides and the rest hardly does."""
    grid = list(product(("0.0001", "0.001", "0.01"), ("4", "8", "16"), ("qv_r8", "all_linear")))[:count]
    trials = [
        trial(i, f"lr={lr}", f"r={r}", f"lora={lora}", objective=float(lr) * 100 + float(r) / 1000)
        for i, (lr, r, lora) in enumerate(grid)
    ]
    axes = axes_of(trials, ["lr=a,b", "r=a,b", "lora=a,b"])
    return importance_of([Setting(t.values, (t,)) for t in trials], axes, maximize=False)


def test_fanova_names_the_axis_that_decides() -> None:
    importance = found(18)
    assert next(iter(importance.shares)) == "lr"
    assert importance.shares["lr"] > 0.8
    assert set(importance.shares) == {"lr", "r", "lora"}
    assert told(importance.how).startswith("fANOVA")
    assert "18 trials" in told(importance.how)


def test_a_few_trials_are_ranked_and_text_is_left_out_by_name() -> None:
    importance = found(10)
    assert next(iter(importance.shares)) == "lr"
    assert "lora" not in importance.shares
    assert "has none for lora" in told(importance.how)


def test_fewer_say_nothing() -> None:
    importance = found(3)
    assert importance.shares == {}
    assert told(importance.how).startswith("3 trials are too few")


def test_one_axis_or_one_objective_has_no_importance() -> None:
    trials = [trial(i, f"r={i}", objective=1.0) for i in range(20)]
    settings = [Setting(t.values, (t,)) for t in trials]
    assert importance_of(settings, axes_of(trials, ()), maximize=False).shares == {}
    two = [trial(i, f"r={i}", f"a={-i}", objective=1.0) for i in range(20)]
    settings = [Setting(t.values, (t,)) for t in two]
    assert "nothing varies" in told(importance_of(settings, axes_of(two, ()), maximize=False).how)
