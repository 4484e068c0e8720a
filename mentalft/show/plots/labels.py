"""What is written in the figures: words in English or Chinese, and the names of metrics and topics."""

from __future__ import annotations

from dataclasses import dataclass, field

from mentalft.records import BETTER, UNDECIDED, WORSE
from mentalft.runs.loading import FinishedRun
from mentalft.show.plots.fonts import drawable, fonts_for, one_line, shortened
from mentalft.show.plots.style import BUNDLED, SMALL, TEXT
from mentalft.statistics.grouping import NO_TOPIC, OTHER

WORDS = {
    "en": {
        "loss": "Training and validation loss",
        "learning_rate": "Learning rate",
        "grad_norm": "Gradient norm",
        "tokens_per_second": "Training speed",
        "memory": "Memory in use",
        "comparison": "Differences between base and tuned, with intervals",
        "scores": "Distribution of the items' scores",
        "lengths": "Length of the answers",
        "topics": "Differences by topic, with intervals",
        "step": "step",
        "loss_axis": "loss (nats a token)",
        "training": "training",
        "validation": "validation",
        "best": "kept: {loss:.3f} at step {step:,}",
        "learning_rate_axis": "learning rate",
        "grad_norm_axis": "gradient norm",
        "tokens_per_second_axis": "tokens a second",
        "memory_axis": "memory (GiB)",
        "base": "base",
        "tuned": "tuned",
        "reference": "reference",
        "difference": "difference ({confidence:.0%} interval)",
        BETTER: "better",
        WORSE: "worse",
        UNDECIDED: "no evidence of a difference",
        "comparison_axis": "difference in % of the mean of both scores",
        "tuned_worse": "← worse",
        "tuned_better": "better →",
        "turned": "↓ lower is better, so turned round",
        "at_most": "share of items ≤ score",
        "characters": "characters",
        "count": "count",
        "of_side": "{name}: {said}",
        "median": "median {median:,.0f}",
        "empty": "{empty:,} empty",
        "topic_difference": "difference in {metric}",
        "includes": "interval includes 0",
        "no_interval": "too few dialogues for an interval",
        "overall": "all items",
        "dialogues": "{name} ({dialogues:,})",
        "more": "and {more} more",
        OTHER: "other topics",
        NO_TOPIC: "no topic",
    },
    "zh": {
        "loss": "训练损失与验证损失",
        "learning_rate": "学习率",
        "grad_norm": "梯度范数",
        "tokens_per_second": "训练速度",
        "memory": "内存占用",
        "comparison": "基座与微调模型的差异及区间",
        "scores": "逐条得分的分布",
        "lengths": "回答长度",
        "topics": "各话题的差异及区间",
        "step": "步数",
        "loss_axis": "损失（nat/词元）",
        "training": "训练",
        "validation": "验证",
        "best": "保留：第 {step:,} 步，{loss:.3f}",
        "learning_rate_axis": "学习率",
        "grad_norm_axis": "梯度范数",
        "tokens_per_second_axis": "词元/秒",
        "memory_axis": "内存（GiB）",
        "base": "基座",
        "tuned": "微调",
        "reference": "参考",
        "difference": "差异（{confidence:.0%} 区间）",
        BETTER: "更好",
        WORSE: "更差",
        UNDECIDED: "没有差异的证据",
        "comparison_axis": "差异占两者得分均值的百分比",
        "tuned_worse": "← 更差",
        "tuned_better": "更好 →",
        "turned": "↓ 越低越好，方向已翻转",
        "at_most": "得分 ≤ 此值的比例",
        "characters": "字符数",
        "count": "条数",
        "of_side": "{name}：{said}",
        "median": "中位数 {median:,.0f}",
        "empty": "{empty:,} 条为空",
        "topic_difference": "{metric} 的差异",
        "includes": "区间含 0",
        "no_interval": "对话太少，无区间",
        "overall": "全部条目",
        "dialogues": "{name}（{dialogues:,}）",
        "more": "另有 {more} 个",
        OTHER: "其他话题",
        NO_TOPIC: "无话题",
    },
}
NAME_WIDTH = 1.5
"""Inches that the name of a metric or topic may take."""


@dataclass(frozen=True)
class Labels:
    """The names to write, and the fonts that have their characters."""

    language: str
    metrics: dict[str, str]
    """Name of a metric → its title, as it is drawn."""
    topics: dict[str, str]
    """The same of topics."""
    fonts: tuple[str, ...] = (BUNDLED,)
    numbered: dict[str, str] = field(default_factory=dict)
    """Number → what it stands for, where no font here has the characters."""

    def word(self, key: str, **values: object) -> str:
        return WORDS[self.language][key].format(**values)


def labels_of(run: FinishedRun, language: str = "en") -> Labels:
    """Names as they are, for a page whose reader's browser has the fonts; ``language`` is ``en`` or ``zh``."""
    words = WORDS[language]
    topics = {group.name: group.name for metric in run.comparison.metrics for group in metric.by_topic}
    return Labels(
        language,
        {metric: shortened(title, TEXT, NAME_WIDTH) for metric, title in run.titles.items()},
        {name: shortened(words[name] if name in (OTHER, NO_TOPIC) else name, SMALL, NAME_WIDTH) for name in topics},
        fonts_for([*words.values(), *topics, *run.titles.values()]),
    )


def drawable_labels_of(run: FinishedRun) -> Labels:
    """Names in English for files, where a number (T1, M1 …) stands for what no font here can draw."""
    labels = labels_of(run)
    numbered: dict[str, str] = {}

    def names(of: dict[str, str], letter: str, whole: dict[str, str]) -> dict[str, str]:
        found = {}
        for i, (name, shown) in enumerate(of.items(), 1):
            found[name] = shown
            if not drawable(shown, labels.fonts):
                found[name] = f"{letter}{i}"
                numbered[found[name]] = one_line(whole[name])
        return found

    metrics = names(labels.metrics, "M", run.titles)
    topics = names(labels.topics, "T", {name: name for name in labels.topics})
    return Labels(labels.language, metrics, topics, labels.fonts, numbered)
