"""Personal data in text: found by rules that are sure, replaced by typed placeholders, counted.

Numbers are checked by libraries (``phonenumbers`` for numbering plans, ``python-stdnum`` for the checksum of Chinese
identity cards); ``docs/decisions/008-privacy-rules.md`` says why the rest is rules of our own, and
``tests/data/privacy_lines.jsonl`` measures them. A rule that is not sure leaves the text alone: what this finds is a
floor, not a guarantee.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

import phonenumbers
from stdnum.iso7064 import mod_11_2

from mentalft.data import screening
from mentalft.data.screening import DIGIT, LETTER, NUMBERED, PLACE

CJK = "\u4e00-\u9fff"
SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田"
    "任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
COMPOUND_SURNAMES = "欧阳|司马|上官|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯"
PLACES = (
    "北京|上海|天津|重庆|广州|深圳|杭州|南京|苏州|成都|武汉|西安|长沙|郑州|青岛|济南|沈阳|大连|哈尔滨|长春|合肥|福州|厦门|宁波|"
    "无锡|佛山|东莞|昆明|贵阳|南宁|南昌|太原|石家庄|兰州|银川|西宁|乌鲁木齐|拉萨|海口|呼和浩特|温州|珠海|徐州|洛阳|烟台|河北|河南|"
    "山东|山西|湖北|湖南|广东|广西|江苏|浙江|安徽|福建|江西|四川|贵州|云南|陕西|甘肃|青海|辽宁|吉林|黑龙江|海南|内蒙古|宁夏|新疆|西藏"
)
COMPANIES = "(?:有限公司|集团|公司|医院|银行|大学|学院|中学|小学|法院|律师事务所|研究院|研究所)"
NUMBER = re.compile(r"[0-9０-９](?:[-－—\s()（）]{0,2}[0-9０-９]){5,17}[Xx]?")
"""Begins with a digit and nothing before it, so that the search is quick; what stands around is looked at after."""
IDENTITY_CARD = re.compile(r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]")
"""Region, date of birth, number of the day, and a check digit (GB 11643-1999, ISO 7064 MOD 11-2)."""
DIGITS = str.maketrans("０１２３４５６７８９＋－—（）＠", "0123456789+--()@")


class Rule(NamedTuple):
    type: str
    concern: int
    """The flag of :mod:`mentalft.data.screening` without which there is nothing to find."""
    hints: tuple[str, ...]
    """One of these, if any, stands in every text that the rule finds something in; looking for them is faster."""
    pattern: re.Pattern[str]
    """Fast where it begins with one literal or one class of characters, and without flags."""
    group: int = 0
    """What is replaced."""
    needs: re.Pattern[str] | None = None
    """A cheaper pattern without which the dear one cannot match."""


NAME = rf"(?:(?:{COMPOUND_SURNAMES})[{CJK}]{{1,2}}|[{SURNAMES}][{CJK}]{{1,2}})"
AFTER_NAME = r"(?=[\x02-\x04，。！？、；：,.!?;:\s~～)）」”\"']|$|今年|来自|是一|是个|，)"
RULES = (
    Rule("URL", LETTER, ("http", "www.", "HTTP", "WWW."), re.compile(r"(?ai)(?:https?://|www\.)[\w./?=&%#~:+@!$,;*-]+[\w/=&#]")),
    Rule(
        "EMAIL",
        LETTER,
        ("@", "＠"),
        re.compile(
            r"(?a)(?<![\w.])[A-Za-z0-9][\w.+-]*\s?[@＠]\s?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
        ),
    ),
    Rule(
        "WECHAT",
        LETTER,
        ("微信", "薇信", "威信", "x", "X", "hat", "V", "v"),
        re.compile(
            r"[微薇威WwVv加](?:(?<=[微薇威])信号?|(?<=[Ww])[Ee][Cc][Hh][Aa][Tt]|(?<=[VvWw])(?<![A-Za-z].)[Xx]|(?<=加)我?[Vv])"
            r"(?:号码?|[Ii][Dd])?\s*(?:[:：是为叫]|就是)?\s*([A-Za-z][-_A-Za-z0-9]{5,19})(?![-_A-Za-z0-9])"
        ),
        1,
    ),
    Rule(
        "QQ",
        DIGIT,
        ("Q", "q", "扣", "企"),
        re.compile(r"(?i)(?:qq|扣扣|企鹅号)(?:号码?|群号?)?\s*(?:[:：是为]|就是)?\s*([1-9]\d{4,10})(?!\d)"),
        1,
    ),
    Rule(
        "NAME",
        screening.NAME,
        (),
        re.compile(rf"(?:我(?:的名字)?(?:就)?叫做?|我名叫|本人叫|我的名字是|姓名[:：是])\s*({NAME}|小[{CJK}]){AFTER_NAME}"),
        1,
    ),
    Rule(
        "NAME",
        LETTER,
        ("name is", "name's"),
        re.compile(r"\b[Mm]y name(?: is|'s) ([A-Z][a-z]+(?:[ -][A-Z][a-z]+){0,2})"),
        1,
    ),
    Rule(
        "ADDRESS",
        NUMBERED,
        ("号", "弄"),
        re.compile(
            rf"(?:(?:{PLACES})[{CJK}]{{0,10}}?|(?<=住在)[{CJK}]{{1,8}}?|(?<=家在)[{CJK}]{{1,8}}?|(?<=地址[是：:])[{CJK}]{{1,12}}?)"
            r"(?:路|街|大道|巷|弄|胡同)[\d０-９一二三四五六七八九十百]{1,5}(?:号|弄)"
            r"(?:[\d０-９一二三四五六七八九十A-Za-z-]{1,5}(?:号楼|栋|幢|单元|座|楼|层|室|号)){0,4}"
        ),
        needs=re.compile(r"[路街道巷弄同][\d０-９一二三四五六七八九十百]{1,5}[号弄]"),
    ),
    Rule(
        "WORKPLACE",
        PLACE,
        ("在",),
        re.compile(rf"在((?:{PLACES})(?:大学|[{CJK}]{{1,12}}?{COMPANIES}))(?=里?(?:上班|工作|任职|实习|上学|读书|读|当|做|念))"),
        1,
        re.compile(rf"在(?:{PLACES})"),
    ),
)  # fmt: skip


def redactor(hotlines: Iterable[str]) -> Callable[..., str]:
    """A function that redacts one text and adds what it found, by type, to a counter.

    Args:
        hotlines: numbers that stay, as people write them; only their digits count.

    The function takes as a third argument what the text may concern, as :mod:`mentalft.data.screening` found it.
    """
    kept = {re.sub(r"\D", "", number) for number in hotlines}

    def redact(text: str, found: Counter[str], flags: int = 255) -> str:
        for rule in _rules(flags):
            if _may_match(rule, text):
                text = _replaced(text, rule, found)
        if flags & DIGIT:
            text = NUMBER.sub(lambda match: _number(match, kept, found), text).replace("+[PHONE]", "[PHONE]")
        return text

    return redact


@cache
def _rules(flags: int) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if rule.concern & flags)


def _may_match(rule: Rule, text: str) -> bool:
    if not rule.hints:
        return True
    for hint in rule.hints:  # a loop, for it runs for every dialogue
        if hint in text:
            return rule.needs is None or rule.needs.search(text) is not None
    return False


def _replaced(text: str, rule: Rule, found: Counter[str]) -> str:
    def placeholder(match: re.Match[str]) -> str:
        found[rule.type] += 1
        start, end = match.start(rule.group) - match.start(), match.end(rule.group) - match.start()
        return f"{match[0][:start]}[{rule.type}]{match[0][end:]}"

    return rule.pattern.sub(placeholder, text)


def _number(match: re.Match[str], kept: set[str], found: Counter[str]) -> str:
    """What was written, or a placeholder where it is an identity card or a telephone number that is not kept."""
    written = match[0]
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    plain = re.sub(r"[\s()-]", "", written.translate(DIGITS))
    if (
        before in (".", "．")
        or before.isdigit()
        or after.isdigit()
        or plain in kept
        or plain.removeprefix("86") in kept
    ):
        return written
    if IDENTITY_CARD.fullmatch(plain) and mod_11_2.is_valid(plain.upper()):
        found["ID"] += 1
        return "[ID]"
    if _is_phone(f"+{plain}" if before in ("+", "＋") else plain, written):
        found["PHONE"] += 1
        return "[PHONE]"
    return written


def _is_phone(plain: str, written: str) -> bool:
    if plain[-1] in "Xx":
        return False
    mobile = re.fullmatch(r"(?:\+?86)?1[3-9]\d{9}", plain)
    if not mobile and not plain.startswith(("+", "0", "400", "800")):
        return False  # seven or eight digits alone may be anything
    if not mobile and plain.startswith("0") and not re.search(r"\D", written.strip()) and len(plain) < 11:
        return False
    try:
        return bool(mobile) or phonenumbers.is_valid_number(phonenumbers.parse(plain, "CN"))
    except phonenumbers.NumberParseException:
        return False
