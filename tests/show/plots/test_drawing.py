"""Every figure that a run has the data for is drawn, and an odd run is drawn right."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from mentalft.records import Interval
from mentalft.show.plots import NAMES, figures_of
from tests.show.compared import changed, with_a_third
from tests.show.plots.made import BLEU, PERPLEXITY, TRAINING, item, made_run


def texts(figure: Any) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_a_whole_run_has_every_figure() -> None:
    assert tuple(figures_of(made_run())) == NAMES


def test_without_training_items_or_topics_only_the_comparison_is_drawn() -> None:
    assert list(figures_of(made_run(training=[], items=[], topics=[]))) == ["comparison"]


def test_matplotlib_waits_for_the_first_figure() -> None:
    code = "import sys, mentalft.show.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_users_own_matplotlib_settings_are_left_alone() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    figures_of(made_run())
    assert dict(matplotlib.rcParams) == before


def test_the_checkpoint_that_was_kept_is_the_best_after_the_first_step() -> None:
    assert "kept: 4.000 at step 10" in texts(figures_of(made_run())["loss"])
    rising = [{"train/step": 0, "validation/loss": 1.0}, {"train/step": 3, "validation/loss": 2.0}]
    figures = figures_of(made_run(training=rising))
    assert "kept: 2.000 at step 3" in texts(figures["loss"])
    assert "grad_norm" not in figures


def test_a_single_step_of_training_is_seen() -> None:
    figures = figures_of(made_run(training=TRAINING[1:2]))
    (line,) = figures["learning_rate"].axes[0].get_lines()
    assert line.get_marker() == "o", "one point makes no line"
    left, right = figures["loss"].axes[0].get_xlim()
    assert left < 5 < right


def test_one_item_and_scores_that_are_all_zero() -> None:
    zero = changed(BLEU, base=0.0, tuned=0.0, difference=0.0, interval=Interval(0.0, 0.0))
    one = replace(item(0, ["bleu"]), scores={side: {"bleu": 0.0} for side in ("base", "tuned")})
    assert set(figures_of(made_run([zero], items=[one]))) == set(NAMES)


@pytest.mark.parametrize("tuned", ["", "长" * 20_000])
def test_empty_and_endless_answers(tuned: str) -> None:
    rows = [item(i, ["bleu"], base="", tuned=tuned) for i in range(5)]
    figure = figures_of(made_run([BLEU], items=rows))["lengths"]
    assert any("5 empty" in text for text in texts(figure))
    if tuned:
        assert any("median 20,000" in text for text in texts(figure))
        assert figure.axes[-1].get_xlim()[1] > 20_000
        assert figure.axes[-1].get_xscale() == "log"


def test_sixty_topics_are_fifteen_and_a_count() -> None:
    shown = texts(figures_of(made_run(topics=[f"topic {i}" for i in range(60)]))["topics"])
    assert "topic 14 (46)" in shown
    assert "topic 15 (45)" not in shown
    assert "and 45 more" in shown


def test_chinese_reports_have_chinese_figures() -> None:
    figures = figures_of(made_run(), "zh")
    assert "学习率" in texts(figures["learning_rate"])
    assert "其他话题（58）" in texts(figures["topics"])


def test_a_metric_that_should_fall_points_right_where_it_falls() -> None:
    axes = figures_of(made_run([PERPLEXITY]))["topics"].axes[0]
    left, right = axes.get_xlim()
    assert left > right, "the axis of topics is turned"


def test_a_third_contender_has_its_own_rows_curve_and_colour() -> None:
    run = made_run([BLEU, PERPLEXITY])
    rows = [
        replace(row, answers={**row.answers, "other-7b": "嗯嗯"}, scores={**row.scores, "other-7b": row.scores["base"]})
        for row in run.items
    ]
    figures = figures_of(replace(run, comparison=with_a_third(run.comparison), items=rows))
    assert tuple(figures) == NAMES
    assert {"BLEU-4, tuned", "BLEU-4, other-7b", "score"} <= set(texts(figures["comparison"]))
    colours = [line.get_color() for line in figures["scores"].axes[0].get_lines()]
    assert len(set(colours)) == 3
    assert any(text.startswith("other-7b: median") for text in texts(figures["lengths"]))


def test_every_word_of_a_chinese_figure_is_chinese() -> None:
    shown = {text for figure in figures_of(made_run(), "zh").values() for text in texts(figure)}
    left = {word for text in shown for word in re.findall(r"[A-Za-z]{2,}", text)}
    assert left == {"BLEU", "ROUGE", "nat", "GiB"}, "names of metrics, and units"
