"""The curve as a figure: what an adapter gains against what it costs, at each strength."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mentalft.forgetting.records import Forgetting, Point
from mentalft.show.plots.style import (
    INK,
    PAGE,
    PAPER,
    SMALL,
    contender_look,
    faint_lines,
    few_ticks,
    missing_glyphs_allowed,
    new_figure,
    style,
)
from mentalft.show.plots.svg import inline_svg
from mentalft.words import Language, Said, contender, told

HEIGHT = 2.5


def curves_svg(found: Forgetting, language: Language) -> str:
    """An ``<svg>`` for the page: right answers, and the distance from the base, over the gain; a point a scale."""

    def word(key: str) -> str:
        return told(Said(f"forgetting.{key}", {"confidence": f"{100 * found.confidence:.3g}"}), language)

    with style(), missing_glyphs_allowed():
        figure = new_figure("forgetting", PAGE, HEIGHT)
        for axes, key, of in zip(figure.subplots(1, 2), ("points_axis", "kl_axis"), (_points, _kl), strict=True):
            for place, name in enumerate(found.curves, 1):
                _curve(axes, found, name, contender_look(place), of, told(contender(name), language))
            axes.set_xlabel(word("gain_axis"))
            axes.set_ylabel(word(key))
            few_ticks(axes.xaxis, 5)
            few_ticks(axes.yaxis, 5)
            axes.margins(0.12)
            faint_lines(axes)
        figure.axes[0].axhline(0, color=INK, linewidth=0.6, zorder=0)
        figure.axes[1].legend()
        return inline_svg(figure, word("figure"))


def _points(point: Point) -> tuple[float, float, float]:
    """Value, low and high."""
    change = point.change
    return 100 * change.difference, 100 * change.interval.low, 100 * change.interval.high


def _kl(point: Point) -> tuple[float, float, float]:
    low, high = point.kl.interval or (point.kl.value, point.kl.value)
    return point.kl.value, low, high


def _curve(
    axes: Any,
    found: Forgetting,
    name: str,
    look: dict[str, Any],
    of: Callable[[Point], tuple[float, float, float]],
    label: str,
) -> None:
    curve = found.curves[name]
    gains = [point.gain.value for point in curve.points]
    axes.plot(gains, [of(p)[0] for p in curve.points], **look, marker="o", markersize=3.5, label=label)
    for gain, point in zip(gains, curve.points, strict=True):
        value, low, high = of(point)
        axes.plot([gain, gain], [low, high], color=look["color"], linewidth=0.8, alpha=0.6)
        if point.scale == curve.best:
            axes.plot([gain], [value], marker="D", markersize=7, markerfacecolor=PAPER, markeredgecolor=look["color"])
        axes.annotate(f"{point.scale:g}", (gain, value), (4, 4), textcoords="offset points", fontsize=SMALL)
