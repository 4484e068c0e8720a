"""The comparison as a table, described once; ``comparison.md``, ``comparison.tex`` and ``comparison.csv``.

A row is a metric and a contender against the baseline. With two contenders each has a column of scores, headed by its
name; with more, one column has the contender's name and another its score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.files import write_text
from mentalft.records import PRIMARY, Comparison, Difference, MetricResult
from mentalft.show.evidence import Evidence, evidence_in, evidence_markdown
from mentalft.show.groups import groups_of
from mentalft.show.language import in_language, sentence
from mentalft.show.numbers import plain, probability, signed, spread
from mentalft.show.strips import drawn_shares, drawn_strip, strip
from mentalft.show.table import (
    EVERYWHERE,
    PEOPLE,
    PROGRAMS,
    Cell,
    Column,
    Place,
    Table,
    csv_text,
    figure,
    latex,
    latex_escaped,
    markdown,
)
from mentalft.show.verdict import verdict_sentence
from mentalft.words import BETWEEN, Language, Said, catalogue, contender, labels, told

EXTRAPOLATED = "*"
PAGE: frozenset[Place] = frozenset({"html"})
TERMINAL: frozenset[Place] = frozenset({"terminal"})
COLOURS = 6
"""Of contenders, in the page's style sheet; then they begin again."""
FILES: frozenset[Place] = frozenset({"markdown", "csv", "json"})
"""Besides LaTeX, for a printed page has no room for so many columns."""


class Compared(NamedTuple):
    """A row: one metric, and one contender against the baseline."""

    m: MetricResult
    baseline: str
    contender: str
    place: int
    """Among the contenders of its metric; the first says what the metric is called."""

    @property
    def d(self) -> Difference:
        return self.m.differences[self.contender]


def rows_of(comparison: Comparison) -> list[Compared]:
    return [
        Compared(m, comparison.baseline, name, place)
        for m in comparison.metrics
        for place, name in enumerate(m.differences)
    ]


def comparison_table(comparison: Comparison, language: Language = "en") -> Table[Compared]:
    """Every figure of the comparison, a row a metric and contender: primary, secondary, diagnostics.

    Args:
        language: of what a page says where it points at something; headings are put into a language by the renderers.
    """
    if not comparison.others:
        return _alone(comparison, language)
    role_after = {m.metric: after.role for m, after in pairwise(comparison.metrics)}
    return Table(
        [
            Column("metric", Said("show.metric"), lambda r: metric_cell(r.m, language, first=r.place == 0), left=True,
                   wraps=True),
            *score_columns(comparison.baseline, comparison.others, lambda r: (r.m, r.contender)),
            Column("difference", Said("show.difference"),
                   lambda r: figure(r.d.difference, signed)._replace(kind="strong")),
            Column("strip", _ends(language), lambda r: _strip_cell(r, language), PAGE, left=True, css="drawn"),
            Column("interval", interval_heading(comparison.confidence), lambda r: Cell(spread(r.d.interval)), PEOPLE),
            Column("low", cell=lambda r: Cell(value=r.d.interval.low), places=PROGRAMS),
            Column("high", cell=lambda r: Cell(value=r.d.interval.high), places=PROGRAMS),
            *(Column(k, cell=_attribute(k), places=PROGRAMS) for k in ("wins", "ties", "losses", "verdict")),
            Column("role", cell=lambda r: Cell(value=r.m.role), places=PROGRAMS),
            Column("p_value", Said("show.p"), lambda r: figure(r.d.p_value, probability),
                   EVERYWHERE - {"latex"}, leave_out=3),
            Column("p_holm", Said("show.holm"), lambda r: figure(r.d.p_holm, probability), leave_out=5),
            Column("counts", Said("show.win_tie_loss"), _counts, PAGE | {"markdown"}),
            Column("smallest_effect", Said("show.least_shown"), _least, FILES),
            Column("equal_length", Said("show.equal_length"), lambda r: equal_length_cell(r.d),
                   TERMINAL | FILES, broken=True, leave_out=4),
            Column("equal_length_low", cell=lambda r: _equal_length_end(r.d, 0), places=PROGRAMS),
            Column("equal_length_high", cell=lambda r: _equal_length_end(r.d, 1), places=PROGRAMS),
            Column("least", Said("show.least_shown"), _least, TERMINAL, broken=True, leave_out=2),
            Column("win_tie_loss", Said("show.win_tie_loss"), _counts, TERMINAL, leave_out=1),
            Column("said", Said("show.verdict"), lambda r: verdict_cell(r.d), PEOPLE, left=True, css="said", pill=True),
            Column("on_page", Said("show.equal_length"), lambda r: equal_length_cell(r.d), PAGE),
            Column("least_on_page", Said("show.least_shown"), _least, PAGE),
            Column("signature", cell=lambda r: Cell(value=r.m.signature), places=PROGRAMS),
        ],
        rows_of(comparison),
        caption_of(comparison),
        ends=lambda r: r.place == len(r.m.differences) - 1
        and (r.place > 0 or r.m.role != role_after.get(r.m.metric, r.m.role)),
    )  # fmt: skip


def _alone(comparison: Comparison, language: Language) -> Table[Compared]:
    """The scores of a single contender, which is held against nothing."""
    name = comparison.baseline
    return Table(
        [
            Column("metric", Said("show.metric"), lambda r: metric_cell(r.m, language), left=True, wraps=True),
            Column(name, contender(name), lambda r: figure(r.m.scores[name], plain)),
            Column("signature", cell=lambda r: Cell(value=r.m.signature), places=PROGRAMS),
        ],
        [Compared(m, name, name, 0) for m in comparison.metrics],
        caption_of(comparison),
    )


def score_columns(
    baseline: str, others: Sequence[str], of: Callable[[Any], tuple[MetricResult, str]]
) -> list[Column[Any]]:
    """The scores of a row, whose metric and contender ``of`` takes from it."""

    def score(name: str | None) -> Callable[[Any], Cell]:
        return lambda row: figure(of(row)[0].scores[name or of(row)[1]], plain)

    if len(others) == 1:
        return [Column(name, contender(name), score(name)) for name in (baseline, others[0])]
    return [
        Column("contender", Said("show.contender"), lambda r: Cell(contender(of(r)[1]), of(r)[1]), left=True),
        Column(baseline, contender(baseline), score(baseline)),
        Column("score", Said("show.score"), score(None)),
    ]


def metric_cell(m: MetricResult, language: Language = "en", *, first: bool = True) -> Cell:
    """What a metric is called; empty where the row above says it, but on a page, where a row may be a card."""
    from markupsafe import Markup

    remarks = [Said("show.primary")] if m.role == PRIMARY else []
    remarks += [] if m.higher_is_better else [Said("show.lower_is_better")]
    small = BETWEEN[language].join(told(remark, language) for remark in remarks)
    html = Markup("{}<small>{}</small>" if remarks else "{}").format(m.title, small)
    about = about_of(m.metric, language)
    if not first:
        return Cell("", m.metric, hint=about, html=html)
    text: Said | str = Said("show.scale", {"title": m.title, "scale": remarks}) if remarks else m.title
    short = Said("show.scale", {"title": m.title, "scale": remarks[:1]}) if m.role == PRIMARY else m.title
    return Cell(text, m.metric, "", short, about, html)


def verdict_cell(d: Difference) -> Cell:
    whole, short = Said(f"verdict.{d.verdict}"), f"show.{d.verdict}_short"
    return Cell(whole, d.verdict, d.verdict, Said(short) if short in catalogue() else whole, whole)


def equal_length_cell(d: Difference) -> Cell:
    equal = d.length_controlled
    if equal is None:
        return Cell()
    short = signed(equal.difference) + EXTRAPOLATED * equal.extrapolated
    return Cell(f"{short} ({spread(equal.interval)})", equal.difference, short=short)


def interval_heading(confidence: float) -> Said:
    return Said("show.interval", {"confidence": f"{100 * confidence:.3g}%"})


def names_of(baseline: str, others: Sequence[str]) -> dict[str, Any]:
    """The values of a sentence about ``baseline`` and ``others``."""
    return {"baseline": contender(baseline), "others": [contender(name) for name in others]}


def at_the_beginning(name: str) -> Said | str:
    """A contender's name where a sentence begins with it."""
    return Said(f"first.{name}") if f"first.{name}" in catalogue() else contender(name)


def caption_of(comparison: Comparison) -> Said:
    values = {
        **names_of(comparison.baseline, comparison.others),
        "baseline": at_the_beginning(comparison.baseline),
        "items": comparison.items,
        "dialogues": comparison.dialogues,
        "decoding": decoding_of(comparison.decoding),
    }
    return Said("show.caption" if comparison.others else "show.caption_alone", values)


def decoding_of(decoding: str | None) -> Said | str:
    return decoding or Said("show.decoding_unknown")


def how_to_read(comparison: Comparison) -> Said:
    level = f"{round(1 - comparison.confidence, 6):g}"
    if not comparison.others:
        return Said("show.how_to_read_alone")
    return Said("show.how_to_read", {**names_of(comparison.baseline, comparison.others), "level": level})


def scope_lines(comparison: Comparison, language: Language) -> list[str]:
    """What the verdict holds for.

    What of the items asked each contender was trained on, a sentence each (one where it is the same for all), and which
    weights are spoken of.
    """
    of_weights = [sentence(Said("compare.these_weights"), language)] if comparison.others else []
    found = {name: sentence(one.said, language) for name, one in comparison.leakage.items()}
    if len(set(found.values())) == 1:
        return [*list(found.values())[:1], *of_weights]
    of_each = [told(Said("plot.of_side", {"name": contender(n), "said": said}), language) for n, said in found.items()]
    return of_each + of_weights


def about_of(metric: str, language: Language) -> str:
    """What a metric is, in a line; empty for one that was registered elsewhere."""
    from mentalft.metrics.registry import about

    return about(metric, language) or ""


def scaled(m: MetricResult, language: Language = "en") -> str:
    """The title with what its values can be, such as ``BLEU-4 (0–1)``; as it is where nothing is known of it."""
    known = [m.scale] if m.scale else []
    known += [] if m.higher_is_better else [told(Said("show.lower_is_better"), language)]
    values = {"title": m.title, "scale": BETWEEN[language].join(known)}
    return told(Said("show.scale", values), language) if known else m.title


def explained(metrics: Sequence[MetricResult], language: Language = "en") -> list[str]:
    """A line for every metric that something is known of: its title, scale and what it is."""
    abouts = {scaled(m, language): about_of(m.metric, language) for m in metrics}
    return [
        told(Said("show.about", {"title": title, "about": about}), language) for title, about in abouts.items() if about
    ]


def answers_table(comparison: Comparison) -> Table[str]:
    """How long each contender's answers are, and the shares that each check found."""
    checks = list(dict.fromkeys(name for rates in comparison.checks.values() for name in rates))

    def share(check: str) -> Callable[[str], Cell]:
        def of(name: str) -> Cell:
            rate = comparison.checks.get(name, {}).get(check)
            return Cell() if rate is None else Cell(f"{rate:.1%}", rate, "" if rate else "dim")

        return of

    return Table(
        [
            Column("contender", Said("show.answers"), lambda name: _side_cell(comparison, name), left=True),
            Column("mean_characters", Said("show.mean_characters"),
                   lambda name: figure(comparison.answers[name].mean_characters, "{:.0f}".format)),
            Column("length_ratio", Said("show.length_ratio"),
                   lambda name: figure(comparison.answers[name].length_ratio, "{:.2f}".format)),
            *(Column(check, check_name(check), share(check)) for check in checks),
        ],
        [name for name in comparison.contenders if name in comparison.answers],
    )  # fmt: skip


def check_name(check: str) -> Said | str:
    return Said(f"check.{check}") if f"check.{check}" in catalogue() else check.replace("_", " ")


def _side_cell(comparison: Comparison, name: str) -> Cell:
    return Cell(contender(name), name, f"side c{places_of(comparison)[name] % COLOURS}")


def places_of(comparison: Comparison) -> dict[str, int]:
    """By contender, its place, which decides its colour: 0 is the baseline."""
    return {name: place for place, name in enumerate((comparison.baseline, *comparison.others))}


def write_tables(comparison: Comparison, run_dir: Path, language: Language = "en") -> None:
    """Write ``comparison.md`` and ``.tex``, in ``language``, and ``comparison.csv``, which has names for programs."""
    write_text(run_dir / "comparison.csv", csv_text(comparison_table(comparison)))
    write_text(run_dir / "comparison.md", comparison_markdown(comparison, language, evidence_in(run_dir)))
    write_text(run_dir / "comparison.tex", comparison_latex(comparison, language))


def comparison_latex(comparison: Comparison, language: Language = "en") -> str:
    """A ``table`` for ``\\usepackage{booktabs}``, whose caption says what was found, on how much, and how."""
    comparison = in_language(comparison, language)
    lower = [m.title for m in comparison.metrics if not m.higher_is_better]
    values = {
        "verdict": verdict_sentence(comparison, language),
        "caption": caption_of(comparison),
        "interval": interval_heading(comparison.confidence),
        "resamples": comparison.resamples,
        "lower": Said("paper.lower", {"titles": lower}) if lower else "",
    }
    caption = latex_escaped(told(Said("paper.caption", values), language))
    body = latex(comparison_table(comparison, language), language)
    head = [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{caption}}}",
    ]
    return "\n".join([*head, r"\label{tab:mentalft}", body + r"\end{table}", ""])


def comparison_markdown(comparison: Comparison, language: Language = "en", evidence: Sequence[Evidence] = ()) -> str:
    """Warnings first, then the table, where the difference is, other evidence, and what it was made from."""
    w, comparison = labels("show", language), in_language(comparison, language)
    groups = groups_of(comparison)
    lengths = any(d.length_controlled for m in comparison.metrics for d in m.differences.values())
    no_topics = comparison.others and comparison.no_topics and told(comparison.no_topics, language)
    blocks = [
        [f"# {told(caption_of(comparison), language)}"],
        [f"**{verdict_sentence(comparison, language)}**"],
        [f"- {told(Said(f'show.{gate.level}_line', {'what': gate.line}), language)}" for gate in comparison.gates],
        markdown(comparison_table(comparison, language), language),
        [told(how_to_read(comparison), language)],
        [w["equal_length_how"]] if lengths else [],
        scope_lines(comparison, language),
        *_unseen(comparison, language),
        *([[f"## {w['by_topic']}"], [w["not_shown"].format(why=no_topics)]] if no_topics else []),
        *(
            block
            for found in groups
            for block in ([f"## {told(found.heading, language)}"], markdown(found.table, language), [w["groups_how"]])
        ),
        [f"## {w['answers_heading']}"],
        markdown(answers_table(comparison), language),
        [w["answers_how"]],
        *evidence_markdown(evidence, language),
        [f"- {sentence(note, language)}" for note in comparison.notes],
        [f"## {w['signatures']}", "", w["signatures_how"], ""] + [f"- `{m.signature}`" for m in comparison.metrics],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _unseen(comparison: Comparison, language: Language) -> list[list[str]]:
    """The table of the items that were not trained on, where some were."""
    if comparison.unseen is None:
        return []
    heading = told(Said("show.unseen"), language)
    return [[f"## {heading}"], markdown(comparison_table(comparison.unseen, language), language)]


def _attribute(name: str) -> Callable[[Compared], Cell]:
    return lambda row: Cell(value=getattr(row.d, name))


def _least(row: Compared) -> Cell:
    return figure(row.d.smallest_effect, plain)


def _counts(row: Compared) -> Cell:
    counts = (row.d.wins, row.d.ties, row.d.losses)
    return Cell("/".join(map(str, counts)), html=" / ".join(map(str, counts)) + drawn_shares(row.d))


def _equal_length_end(d: Difference, end: int) -> Cell:
    return Cell(value=d.length_controlled.interval[end] if d.length_controlled else None)


def _strip_cell(row: Compared, language: Language) -> Cell:
    return Cell("", html=drawn_strip(strip(row.m, row.d), told(Said("report.interval_of"), language)))


def _ends(language: Language) -> str:
    from markupsafe import Markup

    w = labels("report", language)
    return Markup('<span class="ends"><span>◂ {}</span><span>{} ▸</span></span>').format(w["worse"], w["better"])
