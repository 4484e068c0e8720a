"""What a run says in English, on a Chinese page; taken from the rules that say it."""

from __future__ import annotations

import pytest

from mentalft.metrics.integrity_rules import echo, empty, other_language, repetition
from mentalft.data.report import overlap_in_words
from mentalft.show.report_chinese import EVIDENCE, overlap_told, told

LONG = "最近总是睡不好，白天上课也没有精神，晚上又会想很多事情"


@pytest.mark.parametrize(
    ("evidence", "chinese"),
    [
        (repetition("长" * 20000), "“长”连续 20000 次"),
        (repetition("好的呢吧" * 8), "连续 8 次：好的呢吧"),
        (repetition("我在这里听你说。" * 2 + "嗯。我在这里听你说。"), "出现 3 次：我在这里听你说"),
        (other_language("I am very sorry indeed", ["听起来你很累"]), "5 个字词中有 5 个：I am very sorry indeed"),
        (echo(f"{LONG}。我明白了。", LONG), f"复述整句：{LONG}"),
        (empty(" "), "没有文字"),
    ],
)
def test_reasons_of_flags(evidence: str | None, chinese: str) -> None:
    assert evidence
    assert told(evidence, EVIDENCE, "zh") == chinese
    assert told(evidence, EVIDENCE, "en") == evidence


def test_a_quotation_stays_as_it_is() -> None:
    assert told("User:", EVIDENCE, "zh") == "User:"


def test_the_overlap_line() -> None:
    line = overlap_in_words(
        {"overlap": {"question bank": {"in_train": 0, "items": 60}, "my.json": {"in_train": 2, "items": 9}}}
    )
    assert overlap_told(line, "zh").endswith("近似重复；题库 60 条中有 0 条；my.json 的 9 条中有 2 条")
    assert overlap_told(f"{line}; and so on", "zh") == f"{line}; and so on"
    assert overlap_told(line, "en") == line
