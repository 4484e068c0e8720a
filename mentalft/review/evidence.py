"""What a blind review found, as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mentalft.judging.rubric import Text
from mentalft.metrics.registry import registry
from mentalft.records import BETTER, UNDECIDED, WORSE, Interval, Verdict
from mentalft.review.answers import Opinion, given, is_current
from mentalft.review.records import CHOICE, REVIEW, TIED, Agreement, Followed, Preference, Rated, RaterResult, Review
from mentalft.runs.files import VOTES
from mentalft.show.evidence import Evidence, Example, Figure
from mentalft.show.table import Cell, Column, Table
from mentalft.statistics import FEW_DIALOGUES
from mentalft.statistics.agreement import Estimate
from mentalft.words import Said, contender, listed

SHARE, NUMBER = "{:.0%}", "{:+.2f}"
REMARKS = 30
"""Shown at most."""
Row = dict[str, Cell]


def evidence_of(run_dir: Path) -> Evidence | None:
    """The blind review of ``run_dir``; None where no rater's answers were imported.

    Raises:
        DataError: a file of it is not what mentalft writes.
    """
    if not REVIEW.exists(run_dir):
        return None
    found = REVIEW.load(run_dir)
    if not is_current(run_dir, found.digests):
        return Evidence("review", Said("review.of_others"))
    return Evidence(
        "review",
        Said("review.headline", {"raters": len(found.raters), "each": [*_headlines(found)]}),
        tuple(_tables(found)),
        tuple(_lines(found, run_dir)),
        summary=tuple(_summary(found)),
        examples=tuple(_remarks(run_dir, found.baseline)),
    )


def _headlines(found: Review) -> Iterator[Said]:
    for name, p in found.preferences.items():
        values = {
            "name": contender(name), "baseline": contender(found.baseline), "rate": SHARE.format(p.rate.value),
            "interval": _interval(p.rate.interval, SHARE), "items": p.items, "dialogues": p.dialogues,
        }  # fmt: skip
        yield Said(f"review.{_against(p.rate.interval, TIED)}", values)


def _tables(found: Review) -> Iterator[Table[Any]]:
    yield _table(
        Said("review.preferences", {"baseline": contender(found.baseline)}),
        ("contender", "rate", "interval", "over_raters", "votes", "tied"),
        [_preference(name, preference) for name, preference in found.preferences.items()],
    )
    if found.ratings:
        keys = ("dimension", "contender", "baseline_mean", "mean", "difference", "interval")
        yield _table(Said("review.ratings"), keys, map(_rated, found.ratings))
    agreement = ("dimension", "units", "same", "kappa", "alpha", "interval")
    yield _table(Said("review.agreement"), agreement, map(_agreement, found.agreement))
    raters = ("rater", "judged", "ties", "first", "repeated", "attention", "told")
    yield _table(Said("review.raters"), raters, map(_rater, found.raters))
    known = sorted((tau.value, place) for place, m in enumerate(found.metrics) if (tau := m.tau))
    if known:
        rows = [_followed(found.metrics[place]) for _, place in reversed(known)]
        yield _table(Said("review.metrics"), ("metric", "tau", "interval", "follows"), rows)


def _table(title: Said, keys: Sequence[str], rows: Iterable[Row]) -> Table[Row]:
    left = {"contender", "dimension", "rater", "metric", "follows"}
    columns = [Column[Row](key, Said(f"review.column_{key}"), left=key in left, wraps=key in left) for key in keys]
    return Table(columns, [*rows], title)


def _preference(name: str, p: Preference) -> Row:
    return {
        "contender": Cell(contender(name), name),
        "rate": Cell(SHARE.format(p.rate.value), p.rate.value, _against(p.rate.interval, TIED)),
        "interval": Cell(_interval(p.rate.interval, SHARE)),
        "over_raters": Cell(_interval(p.over_raters, SHARE)),
        "votes": Cell(f"{p.wins}/{p.ties}/{p.losses}", p.wins),
        "tied": Cell(SHARE.format(p.tied.value), p.tied.value),
    }


def _rated(r: Rated) -> Row:
    verdict = _against(r.difference.interval, 0.0)
    if not r.higher_is_better:
        verdict = {BETTER: WORSE, WORSE: BETTER}.get(verdict, verdict)  # type: ignore[assignment]
    return {
        "dimension": Cell(_title(r.title, lower=not r.higher_is_better), r.dimension),
        "contender": Cell(contender(r.contender), r.contender),
        "baseline_mean": Cell(f"{r.baseline_mean:.2f}", r.baseline_mean),
        "mean": Cell(f"{r.mean:.2f}", r.mean),
        "difference": Cell(NUMBER.format(r.difference.value), r.difference.value, verdict),
        "interval": Cell(_interval(r.difference.interval, NUMBER)),
    }


def _agreement(a: Agreement) -> Row:
    return {
        "dimension": Cell(_dimension(a), a.dimension),
        "units": Cell(str(a.units), a.units),
        "same": _figure(a.same, SHARE),
        "kappa": _figure(a.kappa, "{:.2f}"),
        "alpha": _figure(a.alpha, "{:.2f}"),
        "interval": Cell(_interval(a.alpha.interval if a.alpha else None, "{:.2f}")),
    }


def _rater(r: RaterResult) -> Row:
    watched = "none" if r.attentive is None else "passed" if r.attentive else "failed"
    return {
        "rater": Cell(r.name, r.name),
        "judged": Cell(f"{r.judged}/{r.shown}", r.judged),
        "ties": Cell(str(r.ties), r.ties),
        "first": _of(*r.first),
        "repeated": _of(*r.same),
        "attention": Cell(Said(f"review.attention_{watched}"), watched, "worse" if watched == "failed" else ""),
        "told": _of(*r.told),
    }


def _followed(f: Followed) -> Row:
    interval = f.tau.interval if f.tau else None
    verdict = _against(interval, 0.0)
    return {
        "metric": Cell(_metric(f.metric, f.title), f.metric),
        "tau": _figure(f.tau, NUMBER),
        "interval": Cell(_interval(interval, NUMBER)),
        "follows": Cell(Said(f"review.follows_{verdict}"), verdict, verdict),
    }


def _lines(found: Review, run_dir: Path) -> Iterator[Said]:
    if any(p.dialogues < FEW_DIALOGUES for p in found.preferences.values()):
        yield Said("review.few", {"count": FEW_DIALOGUES})
    drawn = {"pairs": found.sampled.pairs, "metric": _metric(found.sampled.metric, found.sampled.metric)}
    yield Said("review.how_drawn", {**drawn, "identical": found.sampled.identical})
    yield Said("review.how_preferred")
    if found.first and found.first_p is not None:
        leaning = found.first_p < 1 - found.confidence
        yield Said(f"review.first_{'leans' if leaning else 'even'}", {**_values(found.first), "p": found.first_p})
    if found.repeated:
        yield Said("review.repeated", _values(found.repeated))
    if found.told:
        verdict = _against(found.told.interval, TIED)
        which = "told" if verdict == BETTER else "not_told"
        yield Said(f"review.{which}", {**_values(found.told), "cannot": found.cannot_tell})
    failed = [r.name for r in found.raters if r.attentive is False]
    if failed:
        rates = [
            Said("review.rate_of", {"name": contender(name), **_values(p.attentive)})
            for name, p in found.preferences.items()
            if p.attentive
        ]
        yield Said("review.inattentive", {"raters": listed(failed), "rates": rates or Said("review.nobody_left")})
    edited = [r.name for r in found.raters if r.edited]
    if edited:
        yield Said("review.edited", {"raters": listed(edited)})
    yield Said("review.how_agreement")
    if any(m.tau for m in found.metrics):
        yield Said("review.how_metrics", {"count": len(found.metrics)})
    if found.ceiling:
        yield Said("review.ceiling", {"tau": NUMBER.format(found.ceiling.value),
                                      "interval": _interval(found.ceiling.interval, NUMBER)})  # fmt: skip
    yield from _chat_votes(run_dir, found)


def _chat_votes(run_dir: Path, found: Review) -> Iterator[Said]:
    """What was voted in ``mentalft-chat``, beside the review and no part of it."""
    for name in found.preferences if VOTES.exists(run_dir) else ():
        pair = {name, found.baseline}
        chosen = [
            {"left": vote.order[0], "right": vote.order[1], "tie": ""}[vote.choice]
            for vote in VOTES.load(run_dir)
            if set(vote.order) == pair
        ]
        if chosen:
            counts = {"wins": chosen.count(name), "ties": chosen.count(""), "losses": chosen.count(found.baseline)}
            rate = SHARE.format((counts["wins"] + counts["ties"] / 2) / len(chosen))
            yield Said("review.chat", {"name": contender(name), "rate": rate, **counts})


def _summary(found: Review) -> Iterator[Figure]:
    for name, p in found.preferences.items():
        yield Figure(f"{name}/win_rate", Said("review.figure_rate", {"name": contender(name)}), p.rate.value, SHARE)
    for r in found.ratings:
        values = {"name": contender(r.contender), "dimension": _title(r.title)}
        yield Figure(f"{r.contender}/{r.dimension}", Said("review.figure_rated", values), r.difference.value, NUMBER)
    for a in found.agreement:
        if a.alpha:
            title = Said("review.choice") if a.dimension == CHOICE else _title(a.title)
            yield Figure(
                f"alpha/{a.dimension}", Said("review.figure_alpha", {"dimension": title}), a.alpha.value, NUMBER
            )
    for name, estimate in {"first": found.first, "repeated": found.repeated, "told": found.told}.items():
        if estimate:
            yield Figure(name, Said(f"review.figure_{name}"), estimate.value, SHARE)
    for m in found.metrics:
        if m.tau:
            yield Figure(
                f"tau/{m.metric}",
                Said("review.figure_tau", {"metric": _metric(m.metric, m.title)}),
                m.tau.value,
                NUMBER,
            )


def _remarks(run_dir: Path, baseline: str) -> Iterator[Example]:
    """What raters wrote, with what it is about."""
    found = given(run_dir, baseline)
    of_pair: dict[tuple[str, str], list[Opinion]] = {}
    for opinion in found.opinions:
        if opinion.remark and opinion.kind in ("pair", "repeat"):
            of_pair.setdefault((opinion.item, opinion.contender), []).append(opinion)
    for (item_id, name), opinions in [*of_pair.items()][:REMARKS]:
        item = found.items[item_id]
        texts: list[tuple[Said | str, str, tuple[()]]] = [
            (Said("review.asked"), item.history[-1].content if item.history else "", ()),
            *((contender(side), item.answers[side], ()) for side in (baseline, name)),
            *((Said("review.remark_of", {"rater": o.rater}), o.remark, ()) for o in opinions),
        ]
        yield Example(item_id, tuple(texts))


def _against(interval: Interval | None, middle: float) -> Verdict:
    """Better or worse where the interval lies on one side of ``middle``."""
    if interval is None or interval.low <= middle <= interval.high:
        return UNDECIDED
    return BETTER if interval.low > middle else WORSE


def _metric(name: str, title: str) -> Said | str:
    """A metric's title in the reader's language; ``title`` where it is none of ours."""
    known = registry().get(name)
    return known.said if known else title


def _dimension(a: Agreement) -> Said:
    return Said("review.choice") if a.dimension == CHOICE else _title(a.title)


def _title(text: Text, *, lower: bool = False) -> Said:
    """A rubric's title in the reader's language."""
    both = {"en": text, "zh": text} if isinstance(text, str) else {"en": "", "zh": "", **text}
    filled = {name: found or both["en"] or both["zh"] for name, found in both.items()}
    return Said("review.title_lower" if lower else "review.title", {"title": filled})


def _figure(estimate: Estimate | None, form: str) -> Cell:
    return Cell(form.format(estimate.value), estimate.value) if estimate else Cell()


def _of(part: float, whole: int) -> Cell:
    return Cell(f"{part:g}/{whole}", part / whole) if whole else Cell()


def _interval(interval: Interval | None, form: str) -> str:
    return f"{form.format(interval.low)} … {form.format(interval.high)}" if interval else "–"


def _values(estimate: Estimate) -> dict[str, str]:
    return {"rate": SHARE.format(estimate.value), "interval": _interval(estimate.interval, SHARE)}
