"""What a comparison found, in one sentence."""

from __future__ import annotations

from mentalft.records import BETTER, UNDECIDED, WORSE, Comparison

WORDS = {
    "en": {
        BETTER: "better on {n} of {all} metrics ({names})",
        WORSE: "worse on {n} of {all} ({names})",
        UNDECIDED: "no evidence of a difference on {n} ({names})",
        "whole": "The tuned model is {parts}, over {items} answers from {dialogues} dialogues.",
        "none": "There is no evidence of a difference between base and tuned on any of {all} metrics, "
        "over {items} answers from {dialogues} dialogues.",
        "comma": ", ",
        "between": "; ",
    },
    "zh": {
        BETTER: "{all} 项指标中 {n} 项更好（{names}）",
        WORSE: "{n} 项更差（{names}）",
        UNDECIDED: "{n} 项没有差异的证据（{names}）",
        "whole": "微调后的模型：{parts}；共 {items} 条回答，来自 {dialogues} 段对话。",
        "none": "{all} 项指标都没有显示基座与微调模型有差异；共 {items} 条回答，来自 {dialogues} 段对话。",
        "comma": "、",
        "between": "；",
    },
}


def verdict_sentence(comparison: Comparison, titles: dict[str, str], language: str = "en") -> str:
    """Where tuned is better, worse, or not to be told from base; ``language`` is ``en`` or ``zh``."""
    words = WORDS[language]
    figures = {"items": comparison.items, "dialogues": comparison.dialogues, "all": len(comparison.metrics)}
    by_verdict = {
        v: [titles[m.metric] for m in comparison.metrics if m.verdict == v] for v in (BETTER, WORSE, UNDECIDED)
    }
    if not by_verdict[BETTER] and not by_verdict[WORSE]:
        return words["none"].format(**figures)
    parts = [
        words[verdict].format(n=len(names), names=words["comma"].join(names), **figures)
        for verdict, names in by_verdict.items()
        if names
    ]
    return words["whole"].format(parts=words["between"].join(parts), **figures)
