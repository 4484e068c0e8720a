"""Personal data: what is found in lines that were labelled by hand, and what is left alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mentalft.data.clean.privacy import redactor
from mentalft.files import read_jsonl
from mentalft.records import HELP_LINES
from tests.test_conf import composed

OURS, OTHERS, THIRD = (
    list(read_jsonl(Path(__file__).parent / f"privacy_{name}.jsonl")) for name in ("lines", "more_lines", "third_lines")
)
"""Written together with the rules, and twice by other hands; the rules were widened in view of the last two."""
LINES = OURS + OTHERS + THIRD


def measured(lines: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """For each type, how many placeholders are right, wrong and missing."""
    redact = redactor(composed().data.hotlines)
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("right", "wrong", "missing")}
    for line in lines:
        found: Counter[str] = Counter()
        redact(line["text"], found)
        wanted = Counter(span["type"] for span in line["personal"])
        for counter in (found, wanted):  # where one lives and where one works are one type in the second set
            counter["ADDRESS"] += counter.pop("WORKPLACE", 0)
            counter["ACCOUNT"] += counter.pop("WECHAT", 0) + counter.pop("QQ", 0)
            counter.pop(HELP_LINES, None)
        counts["right"] += wanted & found
        counts["wrong"] += found - wanted
        counts["missing"] += wanted - found
    return counts


@pytest.mark.parametrize(("lines", "recall"), [(OURS, 0.95), (OTHERS, 0.85), (THIRD, 0.94)])
def test_precision_and_recall_on_labelled_lines(lines: list[dict[str, Any]], recall: float) -> None:
    counts = measured(lines)
    right, wrong, missing = (sum(counts[name].values()) for name in ("right", "wrong", "missing"))
    assert len(lines) >= 300
    assert right / (right + wrong) >= 0.95, counts["wrong"]
    assert right / (right + missing) >= recall, counts["missing"]
    for kind in ("PHONE", "ID", "EMAIL"):
        assert counts["right"][kind] / (counts["right"][kind] + counts["missing"][kind]) >= 0.95, kind


def test_nothing_of_what_was_found_is_left() -> None:
    redact = redactor(composed().data.hotlines)
    for line in LINES:
        found: Counter[str] = Counter()
        clean = redact(line["text"], found)
        if sum(found.values()) == len(line["personal"]):
            assert not [s for s in line["personal"] if s["text"].strip("+(") in clean], clean


def test_what_is_redacted_is_not_redacted_again() -> None:
    redact = redactor([])
    for line in LINES:
        clean = redact(line["text"], Counter())
        found: Counter[str] = Counter()
        assert redact(clean, found) == clean
        assert found.keys() <= {HELP_LINES}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("今年25 13812345678", "今年25 [PHONE]"),
        ("我今年30\n13812345678是我的", "我今年30\n[PHONE]是我的"),
        ("13812345678 139 8765 4321", "[PHONE] [PHONE]"),
        ("13812345678 13987654321 13712345678", "[PHONE] [PHONE] [PHONE]"),
        ("25 010-62751234", "25 [PHONE]"),
        ("12356 13812345678", "12356 [PHONE]"),
        ("批次6222 0213 8123 4567 890", "批次6222 0213 8123 4567 890"),
        ("订单20231108138123456789012", "订单20231108138123456789012"),
        ("π是3.1415926535897932384626", "π是3.1415926535897932384626"),
    ],
)
def test_a_number_beside_other_digits_is_found(text: str, clean: str) -> None:
    assert redactor(["12356"])(text, Counter()) == clean


@pytest.mark.parametrize("number", ["12356", "400-161-9995", "010-82951332"])
def test_numbers_of_help_stay(number: str) -> None:
    text = f"可以打{number}，全天有人。"
    assert redactor(composed().data.hotlines)(text, Counter()) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("lucy_wang(at)gmail.com", "[EMAIL]"),
        ("写lucy[at]163.com", "写[EMAIL]"),
        ("lucy（at）qq点com", "[EMAIL]"),
        ("lucy艾特163点com", "[EMAIL]"),
        ("lucy dot wang at gmail dot com", "[EMAIL]"),
        ("ＱＱ：１２３４５６７８９", "ＱＱ：[QQ]"),
        ("QQ 1 2 3 4 5 6 7 8 9", "QQ [QQ]"),
        ("微信：ｌｕｃｙ＿ｗａｎｇ１９９０", "微信：[WECHAT]"),
        ("我叫李雷😊", "我叫[NAME]😊"),
        ("我叫lily，今年20", "我叫[NAME]，今年20"),
        ("my name is john.", "my name is [NAME]."),
        ("My name's mary jane", "My name's [NAME]"),
    ],
)
def test_other_ways_of_writing(text: str, clean: str) -> None:
    assert redactor([])(text, Counter()) == clean


@pytest.mark.parametrize(
    "text",
    [
        "住在医院3栋", "我住在学校宿舍5栋", "他住在小区12栋", "我住在我们小区3栋", "在国内知名有限公司上班", "公司是当地大型有限公司",
        "在北京一家公司上班", "在上海的医院工作", "look at amazon.com", "meet me at example.com", "在百度点com上看到",
        "my name is not important", "My name is mud.", "我叫外卖", "我叫ta起床", "QQ飞车", "我的QQ等级64",
    ],
)  # fmt: skip
def test_what_names_nobody_stays(text: str) -> None:
    found: Counter[str] = Counter()
    assert redactor([])(text, found) == text
    assert not found
