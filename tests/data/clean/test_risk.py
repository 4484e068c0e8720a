"""The audit counts dialogues with signs of risk, and what their answers do."""

from __future__ import annotations

from collections import Counter

import pytest

from mentalft.data.clean.risk import count_risk
from mentalft.data.clean.screening import screened
from mentalft.data.split.fingerprints import marked_text
from mentalft.records import Dialogue, Message
from mentalft.safety.signs import signs_of


def counted(*exchanges: tuple[str, str]) -> Counter[str]:
    dialogues = [
        Dialogue(str(i), None, (Message("user", u), Message("assistant", a))) for i, (u, a) in enumerate(exchanges)
    ]
    texts, counts = [marked_text(dialogue) for dialogue in dialogues], Counter[str]()
    count_risk(dialogues, texts, screened(texts), counts)
    return +counts


def test_only_dialogues_with_a_sign_are_looked_at() -> None:
    found = counted(
        ("最近老想死，撑不住了。", "请拨打12356，也可以去医院看看。"),
        ("我真的不想活了。", "先把药停了吧，点赞关注我。"),
        ("I want to kill myself.", "Please see a doctor."),
        ("今天累死了。", "先把药停了吧，点赞关注我，请去医院。"),
    )
    assert found == {"dialogues": 3, "refers_to_help": 2, "medication_advice": 1, "platform_residue": 1}


def test_what_the_assistant_says_is_no_sign() -> None:
    assert counted(("睡不好。", "你有自杀的念头吗？")) == {}


@pytest.mark.parametrize(
    "said",
    ["我想自杀", "遺書寫好了", "不如死了算了", "希望别再醒来", "我总伤害自己", "他又打我", "家暴", "想杀了他", "I keep hurting myself",
     "I wish I was dead", "活着真没意思", "有想永远消失的念头", "没什么可留恋的", "I was raped", "要是没有我就好了"],
)  # fmt: skip
def test_the_first_look_misses_no_usual_sign(said: str) -> None:
    assert signs_of(said)
    assert counted((f"前面先说些别的事情。{said}。", "嗯。")) == {"dialogues": 1}
