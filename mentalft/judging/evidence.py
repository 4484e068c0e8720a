"""What a judge found, as evidence beside the table: the verdict if it is validated, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from mentalft.errors import DataError
from mentalft.generation.evaluate import asked_in
from mentalft.judging.record import TIE, Agreement, Judged, JudgeRecord, JudgeRow, Rated
from mentalft.judging.verdict import reason_of
from mentalft.records import DIAGNOSTIC, WITHHELD
from mentalft.runs.files import JUDGE, VERDICTS, responses
from mentalft.show.evidence import Evidence, Example, Figure
from mentalft.show.table import Cell, Column, Table, figure
from mentalft.statistics import FEW_DIALOGUES
from mentalft.statistics.agreement import Estimate
from mentalft.words import Said, contender, listed

SHARE, NUMBER, SIGNED = "{:.0%}", "{:.2f}", "{:+.2f}"
EXAMPLES_A_KIND = 2
NOTHING_RATED = Agreement(None, None, None, 0, 0)


class Check(NamedTuple):
    """Something that tells how far a judge can be trusted."""

    name: str
    """Of the catalogue, and in CSV and JSON."""
    form: str
    ideal: str
    """What a good judge has; empty where it is no matter of that."""
    estimates: dict[str, Estimate | None]
    """By contender."""
    pairs: Mapping[str, int] = MappingProxyType({})
    """How many it rests on, where that is not all."""


def evidence_of(run_dir: Path) -> Evidence | None:
    """The judge's evidence in ``run_dir``; None where nothing was judged."""
    if not JUDGE.exists(run_dir):
        return None
    found = JUDGE.load(run_dir)
    return Evidence(
        kind="judge",
        headline=headline(found),
        tables=tuple(tables(found)),
        lines=tuple(lines(found)),
        summary=tuple(figures(found)),
        examples=tuple(examples(found, run_dir)),
        identities=found.identities,
    )


def headline(found: JudgeRecord) -> Said:
    each = [_of_contender(found, name, one) for name, one in found.contenders.items()]
    return Said("judge.headline", {"model": found.model, "rubric": found.rubric, "each": each})


def _of_contender(found: JudgeRecord, name: str, one: Judged) -> Said:
    names = {"name": contender(name), "baseline": contender(found.baseline)}
    if one.verdict != WITHHELD and one.corrected is not None:
        rate = one.corrected.win_rate
        return Said(f"judge.{one.verdict}", {**names, "rate": rate.value, "interval": _text(rate, SHARE, bare=True)})
    if one.win_rate is None:
        return Said("judge.nothing", names)
    return Said("judge.withheld", {**names, "rate": one.win_rate.value})


def tables(found: JudgeRecord) -> Iterator[Table[Any]]:
    yield _win_rates(found)
    yield _checks(found)
    if any(one.agreement or one.dimensions for one in found.contenders.values()):
        yield _dimensions(found)


def _win_rates(found: JudgeRecord) -> Table[Any]:
    def row(name: str, one: Judged) -> dict[str, Cell]:
        corrected = one.corrected
        is_withheld = one.verdict == WITHHELD
        return {
            "contender": Cell(contender(name), name),
            "win_rate": _cell(one.win_rate, SHARE),
            "wins": Cell(f"{one.wins}/{one.ties}/{one.losses}", one.wins),
            "people": _cell(corrected.people if corrected else None, SHARE),
            "corrected": _cell(corrected.win_rate if corrected else None, SHARE),
            "verdict": Cell(
                Said("judge.not_validated" if is_withheld else f"verdict.{one.verdict}"), one.verdict
            )._replace(kind=DIAGNOSTIC if is_withheld else one.verdict),
        }

    columns = [
        Column[dict[str, Cell]]("contender", Said("judge.contender"), left=True),
        Column("win_rate", Said("judge.win_rate"), wraps=True),
        Column("wins", Said("judge.wins"), leave_out=1),
        Column("people", Said("judge.people_alone"), wraps=True),
        Column("corrected", Said("judge.corrected"), wraps=True),
        Column("verdict", Said("judge.verdict"), left=True, pill=True, wraps=True),
    ]
    if not any(one.corrected for one in found.contenders.values()):
        columns = [column for column in columns if column.key not in ("people", "corrected")]
    title = {"baseline": contender(found.baseline), "confidence": found.confidence}
    return Table(columns, [row(*of) for of in found.contenders.items()], Said("judge.win_rates", title))


def checks(found: JudgeRecord) -> list[Check]:
    """What tells how far the judge can be trusted; without what there is nothing of."""
    of = found.contenders

    def share(name: str, counts: str) -> Check:
        rates = {
            n: Estimate(getattr(one, counts) / one.verdicts, None) if one.verdicts else None for n, one in of.items()
        }
        return Check(name, SHARE, "0%", rates)

    known = (
        Check("order_kappa", NUMBER, "1", {n: one.order_kappa for n, one in of.items()}),
        Check("flips", SHARE, "0%", {n: one.flips for n, one in of.items()}),
        Check("first", SHARE, "50%", {n: one.first for n, one in of.items()}),
        Check("repeats", SHARE, "100%", {n: one.repeats for n, one in of.items()}),
        Check("longer", SHARE, "", {n: one.length.longer for n, one in of.items()}),
        Check("correlation", SIGNED, "", {n: one.length.correlation for n, one in of.items()}),
        Check(
            "near_equal", SHARE, "", {n: one.length.near_equal for n, one in of.items()},
            {n: one.length.near_equal_pairs for n, one in of.items()},
        ),
        Check("at_equal_length", SHARE, "", {n: one.length.at_equal_length for n, one in of.items()}),
        share("unread", "unread"),
        share("refused", "refused"),
    )  # fmt: skip
    return [check for check in known if any(check.estimates.values())]


def _checks(found: JudgeRecord) -> Table[Any]:
    def row(check: Check) -> dict[str, Cell]:
        cells = {name: _cell(one, check.form) for name, one in check.estimates.items()}
        for name, pairs in check.pairs.items():
            cells[name] = cells[name]._replace(text=Said("judge.of_pairs", {"text": cells[name].text, "pairs": pairs}))
        return {
            "check": Cell(Said(f"judge.{check.name}"), check.name),
            **cells,
            "ideal": Cell(check.ideal or Cell().text),
        }

    columns = [Column[dict[str, Cell]]("check", Said("judge.check"), left=True, wraps=True)]
    columns += [Column(name, contender(name), wraps=True) for name in found.contenders]
    columns += [Column("ideal", Said("judge.ideal"), leave_out=1)]
    return Table(columns, [row(check) for check in checks(found)], Said("judge.checks"))


def _dimensions(found: JudgeRecord) -> Table[Any]:
    def row(name: str, key: str, what: Said, rated: Rated) -> dict[str, Cell]:
        agreement = rated.agreement or NOTHING_RATED
        return {
            "contender": Cell(contender(name), name),
            "dimension": Cell(what, key),
            "baseline": figure(rated.means.get(found.baseline), NUMBER.format),
            "mean": figure(rated.means.get(name), NUMBER.format),
            "difference": _cell(rated.difference, SIGNED),
            "with_people": _cell(agreement.judge, NUMBER),
            "among_people": _cell(agreement.people, NUMBER),
            "below_people": _cell(agreement.difference, SIGNED),
        }

    rows = []
    for name, one in found.contenders.items():
        rows += [row(name, "choice", Said("judge.choice"), Rated({}, None, one.agreement))] * bool(one.agreement)
        titles = {key: Said("list.of", {"members": found.titles[key]}) for key in one.dimensions}
        rows += [row(name, key, titles[key], rated) for key, rated in one.dimensions.items()]
    only = next(iter(found.contenders)) if len(found.contenders) == 1 else None
    columns = [
        Column[dict[str, Cell]]("contender", Said("judge.contender"), left=True, leave_out=3 if only else 0),
        Column("dimension", Said("judge.dimension"), left=True, wraps=True),
        Column("baseline", contender(found.baseline), leave_out=2),
        Column("mean", contender(only) if only else Said("judge.contender"), leave_out=2),
        Column("difference", Said("judge.difference"), wraps=True),
        Column("with_people", Said("judge.with_people"), wraps=True),
        Column("among_people", Said("judge.among_people"), wraps=True),
        Column("below_people", Said("judge.below_people"), wraps=True, leave_out=1),
    ]
    filled = {key for of in rows for key, cell in of.items() if cell.value is not None}
    return Table([column for column in columns if column.key in filled], rows, Said("judge.dimensions"))


def lines(found: JudgeRecord) -> Iterator[Said]:
    for name, one in found.contenders.items():
        yield _why(name, one)
        yield from _faults(name, one)
    if found.families:
        names = listed([contender(name) for name in found.families])
        families = sorted({family for shared in found.families.values() for family in shared})
        yield Said("judge.family", {"names": names, "families": families})
    for name, one in found.contenders.items():
        if one.corrected:
            yield Said("judge.how_corrected", {"name": contender(name), **one.corrected.__dict__})
    yield Said("judge.how")
    for name, one in found.contenders.items():
        yield Said("judge.counts", {**one.__dict__, "name": contender(name)})
        if one.unread:
            yield Said("judge.not_read", {**one.__dict__, "name": contender(name)})
    if found.people:
        yield Said("judge.people_file", {"raters": found.raters, "path": found.people.path})
    made = {
        "model": found.model,
        "server": found.server,
        "rubric": found.rubric,
        "source": found.rubric_source,
        "decoding": found.decoding,
        "structured": Said("judge.structured" if found.structured else "judge.unstructured"),
        **found.cost.__dict__,
    }
    yield Said("judge.made", {**made, "price": price_of(found)})


def price_of(found: JudgeRecord) -> Said | str:
    return "" if found.cost.price is None else Said("judge.price", {"price": found.cost.price})


def _why(name: str, one: Judged) -> Said:
    """Why the judge is, or is not, validated for a contender."""
    agreement = one.agreement or NOTHING_RATED
    kappas = {
        "judge": _text(agreement.judge, NUMBER),
        "people": _text(agreement.people, NUMBER),
        "difference": _text(agreement.difference, SIGNED),
    }
    return Said(f"judge.why_{one.reason}", {"name": contender(name), "few": FEW_DIALOGUES, **kappas})


def _faults(name: str, one: Judged) -> Iterator[Said]:
    values: dict[str, Any] = {"name": contender(name)}
    if not one.faults and one.first is not None:
        yield Said("judge.sound", values)
    for fault in one.faults:
        if fault == "position" and one.first is not None:
            side = "first" if one.first.value > 0.5 else "second"
            yield Said(f"judge.fault_position_{side}", {**values, "share": one.first.value})
        elif fault == "length" and one.length.correlation is not None:
            longer = one.length.longer.value if one.length.longer else 0.0
            yield Said("judge.fault_length", {**values, "value": one.length.correlation.value, "longer": longer})
        else:
            yield Said(f"judge.fault_{fault}", values)


def figures(found: JudgeRecord) -> Iterator[Figure]:
    for name, one in found.contenders.items():
        kappa = (one.agreement or NOTHING_RATED).judge
        known: dict[str, tuple[Estimate | None, str]] = {
            "win_rate": (one.win_rate, "{:.1%}"),
            "corrected": (one.corrected.win_rate if one.corrected else None, "{:.1%}"),
            "with_people": (kappa, NUMBER),
            **{check.name: (check.estimates[name], check.form) for check in checks(found)},
        }
        for key, (estimate, form) in known.items():
            if estimate is not None:
                label = Said("judge.figure", {"name": contender(name), "what": Said(f"judge.{key}")})
                yield Figure(f"{name}/{key}", label, estimate.value, form)


def examples(found: JudgeRecord, run_dir: Path) -> Iterator[Example]:
    """Some pairs of each contender that were won, lost, and decided by their order; the first repeat alone."""
    try:
        asked = asked_in(run_dir, found.baseline)
        rows = [row for row in VERDICTS.load(run_dir) if row.repeat == 0]
    except DataError:  # the answers are no longer there
        return
    items = {item.id: item for item in asked.items}
    answers = {name: {r.id: r.text for r in responses(name).load(run_dir)} for name in asked.responses}
    pairs: dict[tuple[str, str], list[JudgeRow]] = {}
    for row in rows:
        pairs.setdefault((row.contender, row.item), []).append(row)
    for name in found.contenders:
        given: dict[str, int] = {}
        for (of, item), both in pairs.items():
            kind = _kind(name, found.baseline, [row.choice for row in both])
            if of != name or kind is None or item not in items or given.get(kind, 0) >= EXAMPLES_A_KIND:
                continue
            given[kind] = given.get(kind, 0) + 1
            names = {"item": item, "name": contender(name), "baseline": contender(found.baseline)}
            asked_for = "\n".join(f"{m.role}: {m.content}" for m in items[item].messages if m.role != "system")
            replies = [(_reply_label(row), reason_of(row.reply), ()) for row in both]
            shown = [(contender(n), answers[n][item], ()) for n in (found.baseline, name)]
            texts = ((Said("judge.example_asked"), asked_for, ()), *shown, *replies)
            yield Example(Said(f"judge.example_{kind}", names), texts, {"win": "better", "loss": "worse"}.get(kind, ""))


def _reply_label(row: JudgeRow) -> Said:
    choice = Said("judge.draw") if row.choice == TIE else contender(str(row.choice))
    return Said("judge.example_reply", {"first": contender(row.first), "choice": choice})


def _kind(name: str, baseline: str, choices: Sequence[str | None]) -> str | None:
    if len(choices) != 2 or None in choices:
        return None
    if choices[0] != choices[1]:
        return "flip"
    return {name: "win", baseline: "loss"}.get(str(choices[0]))


def _cell(estimate: Estimate | None, form: str) -> Cell:
    return Cell() if estimate is None else Cell(_text(estimate, form), estimate.value)


def _text(estimate: Estimate | None, form: str, *, bare: bool = False) -> Said | str:
    """The figure and its interval; ``bare`` is the interval alone."""
    if estimate is None:
        return Said("judge.unknown")
    if estimate.interval is None:
        return form.format(estimate.value)
    low, high = map(form.format, estimate.interval)
    interval = Said("judge.interval", {"low": low, "high": high})
    return interval if bare else Said("judge.estimate", {"value": form.format(estimate.value), "interval": interval})
