"""What is no proper answer is found, with evidence; ordinary counselling is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.metrics.integrity import CHECKS, Integrity, check_answers
from mentalft.records import Item, Message, Response
from mentalft.words import told
from tests.metrics.pairs import PAIRS

USER = "我最近晚上总是睡不着，一躺下就想到白天领导批评我的那些话，越想越难受，第二天上班也没有精神，怕自己撑不住。"
REFERENCE = "听起来那些批评一直压在你心上，连休息的时候也放不下。愿意说说是哪一句最让你难受吗？"
PHRASES = st.sampled_from([text for pair in PAIRS for text in pair if 0 < len(text) < 100])


def looked_at(text: str, user: str = USER, reference: str = REFERENCE, finish: str = "stop") -> Integrity:
    item = Item("1", "d", None, (Message("system", "你是助手。"), Message("user", user)), (reference,))
    return check_answers([item], [Response("1", "p", text, finish, 9)])


def found(text: str, user: str = USER, reference: str = REFERENCE, finish: str = "stop") -> dict[str, str]:
    return {flag.check: told(flag.evidence) for flag in looked_at(text, user, reference, finish).flags[0]}


@pytest.mark.parametrize(
    ("check", "text", "evidence"),
    [
        ("echo", f"{USER}\n你可以早点睡。", "repeats the whole turn"),
        ("echo", f"system 你是助手。\n{USER}\n好的。", "repeats the whole turn"),
        ("echo", f"你说{USER[:40]}，是吗", "repeats most of the turn"),
        ("echo", USER[10:42], "most of the answer is the user's: 一躺下"),
        ("empty", " \n", "no text"),
        ("repetition", "我在这里。" + "慢慢来，别着急，" * 6, "times in a row: 慢慢来别着急"),
        ("repetition", "我会一直在这里。你先说。我会一直在这里。他怎么想？我会一直在这里。", "3 times: 我会一直在这里"),
        ("repetition", "哈" * 30, "30 times 哈"),
        ("repetition", "".join(f"第{n}个晚上我也是这样过来的，" for n in range(1, 9)), "different of"),
        ("repetition", "I hear you. " * 8, "8 times in a row: Ihearyou"),
        ("other_language", "I am sorry to hear that you could not sleep well.", "11 of 11 units: I am sorry"),
        ("other_language", "听起来很难，maybe you could try to relax before bed tonight", "9 of 14 units: maybe you could"),
        ("other_language", "それはとても大変でしたね", "units"),
        ("role_leak", "先休息一下。\n用户：我不想休息。", "用户："),
        ("role_leak", "先休息一下。来访者：好的", "来访者："),
        ("role_leak", "好的\nUser: thanks", "User:"),
        ("role_leak", "assistant\n\n先休息一下。", "assistant"),
        ("role_leak", "先休息<|im_start|>", "<|im_start|>"),
        ("role_leak", "先休息<|eot_id|>", "<|eot_id|>"),
        ("role_leak", "先休息<｜User｜>", "<｜User｜>"),
        ("role_leak", "[INST] 先休息 [/INST]", "[INST]"),
        ("role_leak", "**咨询师**：先休息", "咨询师**："),
    ],
)  # fmt: skip
def test_found_with_evidence(check: str, text: str, evidence: str) -> None:
    flags = found(text)
    assert evidence in flags[check], flags


@pytest.mark.parametrize(
    ("text", "user"),
    [
        (REFERENCE, USER),
        ("你说“越想越难受”，那是什么样的难受？", USER),
        ("你和室友吵架以后一直睡不好，心里很委屈，是这样吗？", "我和室友吵架以后一直睡不好，心里很委屈。"),
        ("晚上好，今天过得怎么样？", "晚上好"),
        ("慢慢来，慢慢来。我们有时间。", USER),
        ("哈哈哈哈，听到你这样说我也很高兴……", USER),
        ("可以试试 CBT，也可以了解 ACT、DBT 和 MBSR，都有研究支持。", USER),
        ("1. 深呼吸\n2. 散步\n3. 写日记\n4. 和朋友聊聊", USER),
        ("认知行为疗法（Cognitive Behavioral Therapy，CBT）关注想法、情绪和行为之间的联系。", "什么是CBT？"),
        ("焦虑是对还没发生的事的担心。", "什么是焦虑？"),
        ("作为助手，我会认真听。来访者和咨询师之间的信任很重要：它需要时间。", USER),
        ("用户名可以改，这不要紧。", USER),
        ("😊", USER),
    ],
)
def test_ordinary_answers_are_left_alone(text: str, user: str) -> None:
    assert found(text, user) == {}


def test_a_short_question_repeated_first_is_an_echo() -> None:
    assert "echo" in found("什么是焦虑？焦虑是一种情绪。", "什么是焦虑？")


def test_what_the_references_hold_too_is_the_corpus_own_manner() -> None:
    assert found("咨询师：慢慢说。", reference="咨询师：我在听。") == {}
    assert found("Take your time, I am listening to you.", reference="I am here and I am listening.") == {}
    assert "other_language" in found("慢慢来，我在听你说。", reference="I am here and I am listening.")


def test_cut_goes_by_how_the_answer_ended() -> None:
    assert found("听起来你很累，我们可以先", finish="length") == {"cut": "…听起来你很累，我们可以先"}


def test_rates_and_length_ratio_are_over_all_items() -> None:
    items = [Item(str(n), "d", None, (Message("user", USER),), ("一二三四", "一二三四五六")) for n in range(4)]
    texts = ["", "甲乙丙丁戊己庚辛壬癸", "", "甲乙丙丁戊己庚辛壬癸"]
    result = check_answers(items, [Response(str(n), "p", t, "stop", 1) for n, t in enumerate(texts)])
    assert result.rates == {**dict.fromkeys(CHECKS, 0.0), "empty": 0.5}
    assert result.length_ratio == 1.0
    assert check_answers([], []).rates["empty"] == 0.0


@given(st.text(max_size=120), st.text(max_size=120), st.text(max_size=60))
def test_never_crashes_on_any_text(text: str, user: str, reference: str) -> None:
    for check, evidence in found(text, user, reference).items():
        assert check in CHECKS
        assert isinstance(evidence, str)


@given(PHRASES, PHRASES)
def test_a_counsellors_phrase_is_never_flagged_as_a_loop_or_a_leak(text: str, user: str) -> None:
    assert not {"repetition", "role_leak"} & set(found(text, user))


@given(st.text("我你他在想累睡觉天", min_size=30, max_size=80), st.text("好的嗯谢谢", max_size=10))
def test_repeating_the_turn_is_always_an_echo(user: str, rest: str) -> None:
    assert "echo" in found(f"{user}\n{rest}", user)


@given(st.text("甲乙丙丁戊己庚辛", min_size=2, max_size=12).filter(lambda t: len(set(t)) > 1), st.integers(8, 30))
def test_a_piece_many_times_over_is_always_a_loop(piece: str, times: int) -> None:
    assert "repetition" in found(f"好。{piece * times}")
