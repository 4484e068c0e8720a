"""A message that needs a help line named gets it; everyday speech does not."""

from __future__ import annotations

import pytest

from mentalft.safety.signs import Sign, signs_of

SIGNS = {
    "suicide": [
        "我不想活了", "最近总想自杀", "我想死", "我想杀了自己", "kill my self", "真的活不下去了，怎么办", "活着没意思", "死了算了", "我想结束自己的生命",
        "要是我不在了，大家会轻松一点", "不想再醒过来", "我不是没想过自杀", "忍不住想死", "你会不会想过轻生", "我有没有想过自杀？有",
        "難受得不想活", "我控制不了，想自殺", "I want to die", "i don't want to live anymore", "I can't stop thinking about suicide",
        "I don’t know if I want to die", "I'm trying not to kill myself", "everyone would be better off without me",
        "我最近很suicidal", "There is no reason to live",
    ],
    "self_harm": ["我又伤害自己了", "我有自残", "I keep hurting myself", "thinking of self-harm"],
    "violence": ["他又打我了", "我被家暴", "my husband beats me", "I was abused as a child"],
    "harm_to_others": ["我想杀了他", "I want to kill him"],
}  # fmt: skip
NO_SIGNS = [
    "累死了", "想死你了！", "想死你们啦", "笑死我了", "尴尬得想死", "我从来没想过自杀", "我没有想过要轻生", "我不想死", "我不会自杀的",
    "不想活动", "我不想活成别人的样子", "杀人的心都有了", "他打我电话", "我妈打我手机", "急死我了", "今天的作业多到爆炸", "想杀时间", "deadline 要到了",
    "I'm dying to see you", "a view to die for", "my feet are killing me", "We killed time", "I wanted to die of embarrassment",
    "I don't want to die", "I have never thought about suicide", "no thoughts of self-harm", "I'm not going to kill myself",
    "She beat me to it", "it hit me that I was tired", "You're killing it", "", "  ",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in SIGNS.items() for text in texts])
def test_a_sign_is_seen(kind: str, text: str) -> None:
    assert kind in {sign.kind for sign in signs_of(text)}


@pytest.mark.parametrize("text", NO_SIGNS)
def test_everyday_speech_and_what_is_denied_are_no_signs(text: str) -> None:
    assert signs_of(text) == []


def test_a_sign_says_what_was_written_and_where() -> None:
    assert signs_of("我从没想过自杀，可是活不下去了。I WANT TO DIE") == [
        Sign("suicide", "活不下去", 10),
        Sign("suicide", "WANT TO DIE", 18),
    ]
