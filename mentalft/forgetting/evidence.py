"""What the forgetting stage found, as tables and sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.comparison.gates import made
from mentalft.forgetting.figure import curves_svg
from mentalft.forgetting.records import FORGETTING, STAGE, Change, Estimate, Forgetting, PartResult, Point
from mentalft.records import CAUTION, Gate, Interval
from mentalft.show.comparison import interval_heading
from mentalft.show.evidence import Evidence, Figure
from mentalft.show.numbers import plain, probability, signed, spread
from mentalft.show.table import NOTHING, Cell, Column, Table, figure
from mentalft.words import Said, contender, listed


def evidence_of(run_dir: Path) -> Evidence | None:
    """None where the stage has not run.

    Raises:
        DataError: its file holds something else.
    """
    if not FORGETTING.exists(run_dir):
        return None
    found = FORGETTING.load(run_dir)
    return Evidence(
        STAGE,
        Said("forgetting.headline", {"found": [_headline(found, name) for name in found.others]})
        if found.others
        else Said("forgetting.nobody", {"baseline": contender(found.baseline)}),
        tables=(*([_parts_table(found)] if found.others else []), *([_curve_table(found)] if found.curves else [])),
        lines=tuple(_lines(found)),
        gates=tuple(_gates(found)),
        summary=tuple(_summary(found)),
        figures={"forgetting": partial(curves_svg, found)} if found.curves else {},
        identities=found.identities,
    )


class _Row(NamedTuple):
    part: PartResult
    contender: str

    @property
    def change(self) -> Change:
        return self.part.changes[self.contender]


def _parts_table(found: Forgetting) -> Table[_Row]:
    baseline = found.baseline

    def right(name: Callable[[_Row], str]) -> Callable[[_Row], Cell]:
        return lambda r: figure(r.part.right[name(r)] / r.part.items, "{:.1%}".format)

    several = len(found.others) > 1
    return Table(
        [
            Column("part", Said("forgetting.part"), lambda r: Cell(part_name(r.part.part), r.part.part), left=True,
                   wraps=True),
            *([Column[_Row]("contender", Said("show.contender"), lambda r: Cell(contender(r.contender), r.contender),
                            left=True)] if several else []),
            Column("items", Said("forgetting.items"), lambda r: figure(r.part.items, str)),
            Column(baseline, contender(baseline), right(lambda _: baseline)),
            Column("right", Said("forgetting.right") if several else contender(found.others[0]),
                   right(lambda r: r.contender)),
            Column("difference", Said("forgetting.points"), lambda r: _points_cell(r.change)),
            Column("interval", interval_heading(found.confidence), lambda r: Cell(_points(r.change.interval))),
            Column("changed", Said("forgetting.lost_gained"), lambda r: Cell(f"{r.change.lost}/{r.change.gained}"),
                   leave_out=2),
            Column("p_value", Said("show.p"), lambda r: figure(r.change.p_value, probability), leave_out=1),
            Column("p_holm", Said("show.holm"), lambda r: figure(r.change.p_holm, probability)),
            Column("said", Said("show.verdict"), lambda r: _said(r, found.confidence), left=True, css="said",
                   pill=True),
        ],
        [_Row(part, name) for part in found.parts for name in found.others],
        Said("forgetting.parts_title"),
    )  # fmt: skip


def part_name(part: str) -> Said:
    return Said(f"forgetting.part_{part}")


def _points_cell(change: Change) -> Cell:
    return Cell(f"{100 * change.difference:+.1f}", change.difference, "strong")


def _points(interval: Interval) -> str:
    return f"{100 * interval.low:+.1f} … {100 * interval.high:+.1f}"


def _said(row: _Row, confidence: float) -> Cell:
    change = row.change
    if change.shows_loss(confidence):
        return Cell(Said("forgetting.loss"), "worse", "worse")
    if change.p_holm < 1 - confidence:
        return Cell(Said("forgetting.rise"), "better", "better")
    if not row.part.can_show:
        return Cell(Said("forgetting.cannot_show"), "cannot_show", "diagnostic")
    return Cell(Said("forgetting.no_loss"), "undecided", "undecided")


def _curve_table(found: Forgetting) -> Table[tuple[str, Point]]:
    several, confidence = len(found.curves) > 1, interval_heading(found.confidence)

    def estimate(of: Callable[[Point], Estimate], form: Callable[[float], str]) -> Callable[[tuple[str, Point]], Cell]:
        return lambda row: figure(of(row[1]).value, form)

    def interval_of(key: str) -> Said:
        return Said("forgetting.interval_of", {"what": Said(f"forgetting.{key}"), "interval": confidence})

    def scale(row: tuple[str, Point]) -> Cell:
        text: Said | str = f"{row[1].scale:g}"
        return Cell(Said("forgetting.best_scale", {"scale": text}) if _is_best(found, row) else text, row[1].scale)

    return Table(
        [
            *([Column[tuple[str, Point]]("contender", Said("show.contender"), lambda r: Cell(contender(r[0]), r[0]),
                                         left=True)] if several else []),
            Column("scale", Said("forgetting.scale"), scale, left=True),
            Column("gain", Said("forgetting.gain"), estimate(lambda p: p.gain, signed)),
            Column("gain_interval", interval_of("gain"),
                   lambda r: Cell(spread(r[1].gain.interval)) if r[1].gain.interval else Cell(), leave_out=1),
            Column("right", Said("forgetting.right"),
                   lambda r: figure(r[1].right / found.whole.items, "{:.1%}".format)),
            Column("difference", Said("forgetting.points"), lambda r: _points_cell(r[1].change)),
            Column("interval", interval_of("points"), lambda r: Cell(_points(r[1].change.interval))),
            Column("p_value", Said("show.p"), lambda r: figure(r[1].change.p_value, probability)),
            Column("kl", Said("forgetting.kl"), estimate(lambda p: p.kl, plain)),
            Column("kl_interval", interval_of("kl"), lambda r: Cell(_range(r[1].kl) or NOTHING), leave_out=2),
        ],
        [(name, point) for name, curve in found.curves.items() for point in curve.points],
        Said("forgetting.curve_title"),
        kind=lambda row: "best" if _is_best(found, row) else "",
    )  # fmt: skip


def _range(of: Estimate) -> str:
    """The interval of what is never below 0; empty where there is none."""
    return f"{plain(of.interval.low)} … {plain(of.interval.high)}" if of.interval else ""


def _is_best(found: Forgetting, row: tuple[str, Point]) -> bool:
    return found.curves[row[0]].best == row[1].scale


def _headline(found: Forgetting, name: str) -> Said:
    change, whole = found.whole.changes[name], found.whole
    values: dict[str, Any] = {
        "name": contender(name),
        "baseline": contender(found.baseline),
        "points": f"{100 * change.difference:+.1f}",
        "interval": _points(change.interval),
        "confidence": f"{100 * found.confidence:.3g}",
        "items": whole.items,
        "parts": listed([part_name(part.part) for part in _lost(found, name)]),
    }
    if change.shows_loss(found.confidence):
        return Said("forgetting.lost", values)
    if _lost(found, name):
        return Said("forgetting.lost_in_parts", values)
    return Said("forgetting.not_lost" if whole.can_show else "forgetting.nothing_to_lose", values)


def _lost(found: Forgetting, name: str) -> list[PartResult]:
    """The parts, without all together, in which a loss is shown."""
    return [part for part in found.parts[:-1] if part.changes[name].shows_loss(found.confidence)]


def _lines(found: Forgetting) -> Iterator[Said]:
    yield Said("forgetting.how")
    chance = [part for part in found.parts[:-1] if part.chance is not None and not part.can_show]
    for part in chance:
        values: dict[str, Any] = {"part": part_name(part.part), "baseline": contender(found.baseline)}
        values |= {"right": part.right[found.baseline], "items": part.items, "chance": f"{part.chance:.0%}"}
        yield Said("forgetting.at_chance", values)
    if few := [part_name(part.part) for part in found.parts[:-1] if not part.can_show and part not in chance]:
        yield Said("forgetting.too_few_right", {"parts": few, "baseline": contender(found.baseline)})
    for name, kl in found.kl.items():
        interval = f" ({_range(kl)})" if kl.interval else ""
        values = {"name": contender(name), "baseline": contender(found.baseline), "texts": found.kl_texts}
        yield Said("forgetting.kl_line", {**values, "kl": plain(kl.value), "interval": interval})
    for name, curve in found.curves.items():
        yield _best_line(found, name, curve.best)
    if found.curves:
        yield Said("forgetting.curve_how", {"dialogues": found.validation_dialogues})
    if found.not_asked:
        yield Said("forgetting.not_asked", {"names": listed([contender(name) for name in found.not_asked])})


def _best_line(found: Forgetting, name: str, best: float | None) -> Said:
    values: dict[str, Any] = {"name": contender(name)}
    if best is None:
        return Said("forgetting.no_point", values)
    if not best:
        return Said("forgetting.best_is_base", values)
    point = next(p for p in found.curves[name].points if p.scale == best)
    values |= {"scale": f"{best:g}", "gain": signed(point.gain.value), "low": f"{-100 * point.change.interval.low:.1f}"}
    return Said("forgetting.best", values)


def _gates(found: Forgetting) -> Iterator[Gate]:
    for name in found.others:
        if found.whole.changes[name].shows_loss(found.confidence) or _lost(found, name):
            yield made("forgetting", CAUTION, name, _headline(found, name))
        kl = found.kl.get(name)
        if kl and found.max_kl is not None and kl.value > found.max_kl:
            values = {"name": contender(name), "kl": plain(kl.value), "bound": f"{found.max_kl:g}"}
            yield made("kl", CAUTION, name, Said("gate.kl", values))


def _summary(found: Forgetting) -> Iterator[Figure]:
    for name in found.contenders:
        label = Said("forgetting.of", {"name": contender(name), "what": Said("forgetting.right")})
        yield Figure(f"{name}/right", label, found.whole.right[name] / found.whole.items)
    for name, kl in found.kl.items():
        label = Said("forgetting.of", {"name": contender(name), "what": Said("forgetting.kl")})
        yield Figure(f"{name}/kl", label, kl.value, "{:.4f}")
    for name, curve in found.curves.items():
        if curve.best is not None:
            label = Said("forgetting.of", {"name": contender(name), "what": Said("forgetting.best_scale_name")})
            yield Figure(f"{name}/best_scale", label, curve.best, "{:g}")
