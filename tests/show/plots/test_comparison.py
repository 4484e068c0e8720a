"""Metrics of any unit share one axis on which right is better."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.records import Interval
from mentalft.show.comparison import Compared
from mentalft.show.plots import figures_of
from mentalft.show.plots.comparison import scaled
from mentalft.show.plots.style import BLUE, MUTED, PAPER
from tests.show.compared import changed
from tests.show.plots.made import BLEU, PERPLEXITY, ROUGE, made_run

SCORE = st.floats(0, 1e6, allow_subnormal=False)


@given(SCORE, SCORE, SCORE, SCORE, st.booleans())
def test_right_is_better_and_no_score_of_one_sign_leaves_the_axis(
    base: float, tuned: float, below: float, above: float, higher_is_better: bool
) -> None:
    difference = tuned - base
    m = changed(
        BLEU, base=base, tuned=tuned, difference=difference, higher_is_better=higher_is_better,
        interval=Interval(difference - below, difference + above),
    )  # fmt: skip
    row = scaled(Compared(m, "base", "tuned", 0))
    assert abs(row.difference) <= 200.001
    assert row.low <= row.difference + 1e-6
    assert row.difference <= row.high + 1e-6
    if difference:
        assert (row.difference > 0) == ((difference > 0) == higher_is_better)


def test_a_score_that_doubles() -> None:
    m = changed(BLEU, base=0.1, tuned=0.2, difference=0.1, interval=Interval(0.05, 0.15))
    row = scaled(Compared(m, "base", "tuned", 0))
    assert row == pytest.approx((200 / 3, 100 / 3, 100))


def markers(axes: Any) -> list[Any]:
    return [line for line in axes.get_lines() if line.get_marker() in {"<", ">", "o"}]


def test_verdicts_differ_in_marker_and_colour() -> None:
    better, undecided, falls = markers(figures_of(made_run([BLEU, ROUGE, PERPLEXITY]))["comparison"].axes[0])
    assert (better.get_marker(), better.get_markerfacecolor()) == (">", BLUE)
    assert (undecided.get_marker(), undecided.get_markerfacecolor()) == ("o", PAPER)
    assert undecided.get_markeredgecolor() == MUTED
    assert falls.get_xdata()[0] > 0, "it is turned round"


def test_the_figures_stand_beside_in_their_own_units() -> None:
    figure = figures_of(made_run([PERPLEXITY]))["comparison"]
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert "−550.00  (−620.00 … −480.00)" in shown
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["perplexity ↓"]


def test_an_endless_interval_runs_to_the_edge_without_a_cap() -> None:
    wild = changed(BLEU, base=0.001, tuned=0.002, difference=0.001, interval=Interval(-0.1, 0.1))
    axes = figures_of(made_run([wild]))["comparison"].axes[0]
    assert axes.get_xlim()[1] < 400
    caps = [line for line in axes.get_lines() if line.get_marker() == "|"]
    assert not any(len(line.get_xdata()) for line in caps)
