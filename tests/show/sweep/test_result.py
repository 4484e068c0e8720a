"""What varies is found, whatever the overrides look like."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from mentalft.show.sweep.result import DEFAULT, axes_of, number
from mentalft.show.sweep.trials import Trial
from tests.show.sweep.fabricated import trial


def trials(*overrides: tuple[str, ...]) -> list[Trial]:
    return [trial(i, *given) for i, given in enumerate(overrides)]


def test_only_what_varies_is_an_axis() -> None:
    found = axes_of(
        trials(
            ("experiment=quick", "lora=qv_r8", "trainer.learning_rate=1e-5", "hydra.job.num=0"),
            ("experiment=quick", "lora=all_linear", "trainer.learning_rate=0.001", "hydra.job.num=1"),
        ),
        (),
    )
    assert [(axis.key, axis.label, axis.numeric) for axis in found] == [
        ("lora", "lora", False),
        ("trainer.learning_rate", "learning_rate", True),
    ]
    assert found[1].values == ("1e-5", "0.001")
    assert found[1].logarithmic


def test_one_trial_has_the_axes_that_the_command_sweeps() -> None:
    swept = ["lora.r=4,8", "trainer.learning_rate=interval(1e-5,1e-3)"]
    found = axes_of(trials(("lora.r=4", "trainer.learning_rate=0.0002", "data.path='a,b'")), swept)
    assert [axis.key for axis in found] == ["lora.r", "trainer.learning_rate"]


def test_a_key_that_some_trials_leave_alone_is_text() -> None:
    (axis,) = axes_of(trials(("lora.r=4", "seed=1"), ("seed=1",)), ())
    assert (axis.values, axis.numeric) == (("4", DEFAULT), False)


def test_names_are_short_unless_two_would_be_the_same() -> None:
    found = axes_of(
        trials(("data.name=a", "model.name=b", "lora.r=1"), ("data.name=c", "model.name=d", "lora.r=2")), ()
    )
    assert [axis.label for axis in found] == ["data.name", "model.name", "r"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_one(value: float) -> None:
    assert number(repr(value)) == value


@given(st.text())
def test_nothing_else_is(text: str) -> None:
    found = number(text)
    assert found is None or math.isfinite(found)
