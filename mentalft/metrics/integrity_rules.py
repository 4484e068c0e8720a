"""What can be wrong with an answer whatever its score: one rule a function, each returning what it found, or None.

Rules are wary rather than sharp: a counsellor who quotes a few words of the client, says "慢慢来" twice or uses an
English abbreviation does nothing wrong. Units are those of the ``char`` tokenizer, without punctuation: a Chinese
character, or a word of another script.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from mentalft.metrics.tokens import CJK, tokenizer
from mentalft.words import Said

BEGINS_WITH = 5
"""Units of the user's turn from which on an answer that begins with all of it, or has it as a line, is an echo."""
REPEATED = 30
"""Units of the user's turn from which on an answer that holds most of it is an echo: to restate a short one is common
in counselling, and restating changes 我 into 你."""
COPIED = 20
"""Units of an answer from which on it is an echo if nearly all of it is the user's."""
RUN = 5
"""Units in a row that must be the same to count as taken over."""
EVIDENCE = 40
"""Characters of evidence shown."""

_PAIRS = (
    "们們 个個 来來 时時 说說 对對 会會 这這 为為 么麼 过過 还還 没沒 样樣 开開 关關 让讓 给給 话話 难難 "
    "觉覺 谁誰 边邊 点點 听聽 问問 题題 见見 长長 间間 现現 实實 发發 经經 动動 应應 种種 当當 两兩 从從 "
    "无無 东東 车車 头頭 书書 买買 卖賣 爱愛 乐樂 亲親 儿兒 岁歲 梦夢 压壓 紧緊 轻輕 忧憂 虑慮 恼惱 恶惡 "
    "愤憤 惧懼 闷悶 伤傷 绪緒 烦煩 医醫 师師 疗療 药藥 体體 认認 识識 记記 忆憶 语語 谈談 请請 谢謝 诉訴 "
    "试試 该該 变變 绝絕 继繼 续續 结結 统統 总總 习習 惯慣 环環 节節 处處 业業 务務 员員 团團 国國 图圖 "
    "场場 报報 办辦 写寫 号號 欢歡 气氣 热熱 静靜 归歸 怀懷 态態 战戰 独獨 导導 尽盡 层層 张張 弹彈 录錄 "
    "达達 迟遲 选選 遗遺 邻鄰 钱錢 错錯 门門 "
)
SIMPLIFIED, TRADITIONAL = (frozenset(pair[side] for pair in _PAIRS.split()) for side in (0, 1))
"""Common characters that only one of the two Chinese scripts has."""

_LOOP = re.compile(r"(.{2,60}?)\1{3,}", re.DOTALL)
_ONE_CHARACTER = re.compile(r"(\w)\1{14,}")
LOOPED = 16
"""Characters from which on a unit that follows itself at least three times is a loop."""
_SENTENCE = re.compile(r"[^。！？!?.;；\n]+")

_ROLES_ZH = "用户|来访者|求助者|咨询者|心理咨询师|咨询师|支持者|助手|助理"
_ROLES_EN = "user|assistant|human|system|client|counsellor|counselor|therapist|seeker|supporter"
_LEAKS = re.compile(
    r"<[|｜][A-Za-z0-9_▁]{2,40}[|｜]>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|</?s>|###\s*(?:Instruction|Response|Human|Assistant)"
    rf"|(?:^|(?<=[。！？!?\n”\"]))[ \t*#]*(?:{_ROLES_ZH}|(?i:{_ROLES_EN}))[ \t*]*[：:]"
    r"|^[ \t]*(?i:user|assistant|system)[ \t]*$",
    re.MULTILINE,
)
_ACRONYM = re.compile(r"[A-Z]{2,6}s?")


def empty(text: str) -> Said | None:
    return None if text.strip() else Said("found.no_text")


def cut(text: str, finish_reason: str) -> Said | None:
    """Whether the answer ended at the length limit; its end is the evidence."""
    return Said("found.end", {"text": text.strip()[-20:]}) if finish_reason == "length" else None


def echo(text: str, user: str) -> Said | None:
    """Whether the answer begins with the user's last turn, has it as a line, or largely repeats it."""
    said, answer = _units(user), _units(text)
    if len(said) >= BEGINS_WITH:
        if answer[: len(said)] == said or any(_units(line) == said for line in text.splitlines()):
            return Said("found.whole_turn", {"text": user.strip()[:EVIDENCE]})
        if len(said) >= REPEATED and _share(said, answer) >= 0.6:
            return Said("found.most_of_turn", {"text": _longest_run(said, answer)})
    if len(answer) >= COPIED and _share(answer, said) >= 0.8:
        return Said("found.is_users", {"text": _longest_run(answer, said)})
    return None


def repetition(text: str) -> Said | None:
    """Whether the answer loops: one piece many times in a row, one sentence three times, or few different 4-grams."""
    letters = "".join(re.findall(r"\w+", text))
    if single := _ONE_CHARACTER.search(letters):
        return Said("found.character", {"times": len(single[0]), "text": single[1]})
    for loop in _LOOP.finditer(letters):
        if len(loop[0]) >= LOOPED:
            return Said("found.in_a_row", {"times": len(loop[0]) // len(loop[1]), "text": loop[1][:EVIDENCE]})
    sentences = Counter(s for found in _SENTENCE.findall(text) if len(s := found.strip()) >= 6)
    if sentences and (most := sentences.most_common(1)[0])[1] >= 3:
        return Said("found.sentence", {"times": most[1], "text": most[0][:EVIDENCE]})
    units = _units(text)
    grams = Counter(zip(*(units[i:] for i in range(4)), strict=False))
    if len(units) >= 40 and len(grams) < 0.5 * (len(units) - 3):
        most_common = _joined(grams.most_common(1)[0][0])
        return Said("found.runs", {"different": len(grams), "all": len(units) - 3, "text": most_common})
    return None


def other_language(text: str, references: Sequence[str]) -> Said | None:
    """Whether three tenths of the answer (and at least five units) are in a script unlike the references'.

    Abbreviations in capitals (CBT) count on neither side.
    """
    expected = Counter(script for ref in references for unit in _units(ref, fold=False) if (script := _script(unit)))
    if not expected:
        return None
    usual = expected.most_common(1)[0][0]
    units = [(unit, script) for unit in _units(text, fold=False) if (script := _script(unit))]
    foreign = [unit for unit, script in units if script != usual]
    if len(foreign) < 5 or len(foreign) < 0.3 * len(units):
        return None
    between = "" if CJK.match(foreign[0]) else " "
    values = {"foreign": len(foreign), "all": len(units), "text": between.join(foreign)[:EVIDENCE]}
    return Said("found.foreign", values)


def other_script(text: str, references: Sequence[str]) -> Said | None:
    """Whether an answer is in traditional characters where its references are in simplified ones, or the other way.

    A single character may be part of a name or a quotation.
    """
    both = (TRADITIONAL, SIMPLIFIED)
    usual, other = sorted(both, key=lambda script: -sum(char in script for ref in references for char in ref))
    if not any(char in usual for ref in references for char in ref):
        return None
    found = [char for char in text if char in other]
    if len(found) < 2 or len(found) < sum(char in usual for char in text):
        return None
    return Said("found.other_script", {"times": len(found), "text": "".join(dict.fromkeys(found))[:EVIDENCE]})


def thinking(thought: str | None) -> Said | None:
    """Whether the answer came with a block of thinking, which is scored nowhere."""
    return None if thought is None else Said("found.quoted", {"text": thought[:EVIDENCE] or "<think></think>"})


def refused(refusal: str | None) -> Said | None:
    return None if refusal is None else Said("found.quoted", {"text": refusal})


def role_leak(text: str, references: Sequence[str]) -> Said | None:
    """Whether the answer holds a role label at the start of a line or sentence, or a template token.

    What an item's references hold as well is the corpus's own manner.
    """
    allowed = {match[0].strip() for ref in references for match in _LEAKS.finditer(ref)}
    leaks = (found for match in _LEAKS.finditer(text) if (found := match[0].strip()) not in allowed)
    first = next(leaks, None)
    return Said("found.quoted", {"text": first}) if first else None


def _units(text: str, *, fold: bool = True) -> list[str]:
    tokens = (token for token in tokenizer("char").tokens(text) if re.match(r"\w", token))
    return [token.casefold() for token in tokens] if fold else list(tokens)


def _runs(units: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(*(units[i:] for i in range(RUN)), strict=False))


def _share(units: list[str], other: list[str]) -> float:
    """Share of the runs of ``units`` that stand in ``other``."""
    runs, others = _runs(units), set(_runs(other))
    return sum(run in others for run in runs) / len(runs) if runs else 0.0


def _longest_run(units: list[str], other: list[str]) -> str:
    """The longest piece of ``units`` whose runs all stand in ``other``."""
    others, best, start = set(_runs(other)), (0, 0), None
    for i, run in enumerate([*_runs(units), ()]):
        if run in others:
            start = i if start is None else start
        elif start is not None:
            best, start = max(best, (i - start, start)), None
    length, first = best
    return _joined(units[first : first + length + RUN - 1])[:EVIDENCE]


def _joined(units: Sequence[str]) -> str:
    return ("" if all(CJK.match(unit) for unit in units) else " ").join(units)


def _script(unit: str) -> str | None:
    """``CJK``, ``kana``, or the script that a letter's Unicode name begins with; None for what is no word."""
    from unicodedata import name

    if _ACRONYM.fullmatch(unit) or not unit[0].isalpha():
        return None
    if "\u3040" <= unit[0] <= "\u30ff":
        return "kana"
    return "CJK" if CJK.match(unit) else name(unit[0], "").split(" ")[0].removeprefix("FULLWIDTH") or "LATIN"
