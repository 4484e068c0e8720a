"""``comparison.md``: warnings first, then the table, then where the difference is and what it was made from."""

from __future__ import annotations

from collections.abc import Sequence

from mentalft.records import NOT_KNOWN, Comparison, Group, MetricComparison
from mentalft.show.numbers import plain, probability, signed, spread

HOW_TO_READ = """\
The interval is that of the difference: whole dialogues are resampled, base and tuned together, and the percentiles \
are widened for the number of dialogues. p is that of a permutation test that swaps base and tuned in whole dialogues; \
"Holm p" corrects it for the number of metrics. A difference reads better or worse only where the interval excludes 0 \
and Holm p is below {level:g}; otherwise there is no evidence of a difference. "Least shown" is the smallest true \
difference that so many dialogues would have shown four times in five."""
EQUAL_LENGTH = """\
"Equal length" is what a straight line of the items' differences on the log ratio of the answers' lengths gives at \
equal length; {mark} marks one that is extrapolated, because hardly an item has answers of about equal length."""
EXTRAPOLATED = "*"
UNKNOWN_OVERLAP = "not known, for this run prepared no data; whether these items were trained on, it cannot say"
ANSWERS = """\
Shares of answers that a check by rule found, item by item in items.jsonl: they repeat the user (echo), are empty, end \
at the length limit (cut), loop (repetition), are in another script than the references (other language), or hold role \
labels or template tokens (role leak). The length ratio is that of all answers to all references."""
GROUPS = "The intervals by group are not corrected for their number: they show where to look."


def table_lines(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,)) -> list[str]:
    """A Markdown table; all columns but ``left`` are set to the right."""
    rules = ["---" if i in left else "---:" for i in range(len(headings))]
    return [_line(headings), f"|{'|'.join(rules)}|", *map(_line, rows)]


def comparison_markdown(comparison: Comparison, titles: dict[str, str]) -> str:
    metrics = comparison.metrics
    blocks = [
        [f"# {caption_of(comparison)}"],
        [f"- **Warning:** {warning}" for warning in comparison.warnings],
        main_table(comparison, titles),
        [HOW_TO_READ.format(level=round(1 - comparison.confidence, 6))],
        [EQUAL_LENGTH.format(mark=EXTRAPOLATED)] if any(m.length_controlled for m in metrics) else [],
        [f"Overlap with the train split: {comparison.overlap or UNKNOWN_OVERLAP}."],
        *([["## By topic"], [f"Not shown: {comparison.no_topics}."]] if comparison.no_topics else []),
        *_groups("By topic", "topic", [(titles[m.metric], m.by_topic) for m in metrics]),
        *_groups("By turn of the dialogue", "user turn", [(titles[m.metric], m.by_depth) for m in metrics]),
        ["## Answers"],
        _answers(comparison),
        [ANSWERS],
        [f"- {note[0].upper()}{note[1:]}." for note in comparison.notes],
        ["## Signatures", "", "Scores with unequal signatures are not comparable.", ""]
        + [f"- `{m.signature}`" for m in metrics],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def caption_of(comparison: Comparison) -> str:
    where = f"{comparison.items} items from {comparison.dialogues} dialogues"
    return f"Base against tuned on {where} ({decoding_in_words(comparison.decoding)})"


def decoding_in_words(decoding: str) -> str:
    """As a caption states it, where nothing else says that this is the decoding."""
    return f"decoding {decoding}" if decoding.startswith(NOT_KNOWN) else decoding


def at_equal_length(m: MetricComparison) -> str:
    if m.length_controlled is None:
        return "–"
    return signed(m.length_controlled.difference) + EXTRAPOLATED * m.length_controlled.extrapolated


def main_table(comparison: Comparison, titles: dict[str, str]) -> list[str]:
    """Every metric's figures as a Markdown table, line by line."""
    interval = f"{comparison.confidence:.0%} interval"
    headings = [
        "metric", "base", "tuned", "diff", interval, "p", "Holm p", "win/tie/loss", "least shown", "equal length",
        "verdict",
    ]  # fmt: skip
    rows = [
        [
            titles[m.metric] + ("" if m.higher_is_better else " (lower is better)"),
            plain(m.base),
            plain(m.tuned),
            signed(m.difference),
            spread(m.interval),
            probability(m.p_value),
            probability(m.p_holm),
            f"{m.wins}/{m.ties}/{m.losses}",
            plain(m.smallest_effect),
            at_equal_length(m) + (f" ({spread(m.length_controlled.interval)})" if m.length_controlled else ""),
            m.verdict,
        ]
        for m in comparison.metrics
    ]
    return table_lines(headings, rows, left=(0, len(headings) - 1))


def _groups(title: str, name: str, by_metric: Sequence[tuple[str, tuple[Group, ...]]]) -> list[list[str]]:
    """The differences of every metric, a row a group."""
    shown = [(metric, groups) for metric, groups in by_metric if groups]
    if not shown:
        return []
    first = shown[0][1]
    rows = [
        [_escaped(group.name), str(group.items), str(group.dialogues)] + [_group_cell(g[i]) for _, g in shown]
        for i, group in enumerate(first)
    ]
    headings = [name, "items", "dialogues", *(metric for metric, _ in shown)]
    return [[f"## {title}"], table_lines(headings, rows), [GROUPS]]


def _group_cell(group: Group) -> str:
    return f"{signed(group.difference)} ({spread(group.interval) if group.interval else 'too few'})"


def _answers(comparison: Comparison) -> list[str]:
    checks = list(dict.fromkeys(name for rates in comparison.checks.values() for name in rates))
    rows = [
        [side, f"{shape['mean_characters']:.0f}", f"{shape['length_ratio']:.2f}"]
        + [f"{comparison.checks[side][name]:.1%}" for name in checks]
        for side, shape in comparison.responses.items()
    ]
    return table_lines(
        ["answers", "mean characters", "length ratio", *(name.replace("_", " ") for name in checks)], rows
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
