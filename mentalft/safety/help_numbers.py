"""Numbers that an answer gives as help, held against the list of help lines.

A number on the list is fine, or fine elsewhere. One that is not there is *not on our list*: the list is short, part of
it was never checked, and nothing says that such a number is made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from mentalft.data.clean.help_lines import bare, help_lines
from mentalft.data.clean.numbers import PLAIN
from mentalft.records import ScreenHit

RIGHT, ELSEWHERE, UNLISTED = HELP_RULES = ("names_right_help", "help_of_another_region", "number_not_on_the_list")
ALSO = dict.fromkeys(("IE", "DE", "FR"), ("EU",))
"""Regions whose people may call the numbers of another one too."""
UNIT = (
    r"\s*(?:[岁歲年月日天周週次个個名位元块塊万萬分秒点點度米斤公种條条字页題题章遍回本件家只层%％倍毫]|小时|小時|年级|人(?=[，。！的在])"
    r"|h\b|hours?|hrs?|days?|weeks?|months?|years?|minutes?|mins?|seconds?|percent|times?|people|mg|ml|am\b|pm\b|o'clock"
    r"|-year|-day|-hour|steps?|things|ways|words)"
)
"""What follows a number that is counted or measured."""
NUMBER = re.compile(
    r"(?<![\dA-Za-z.:/$¥€£-])(?:\+ ?)?[(（]?\d"
    rf"(?:\d|(?:[-‐–—)） ·]{{1,2}}|\.)[(（]?(?=\d)(?!\d{{1,3}}(?!\d){UNIT}|24 ?/ ?7|7 ?[x×] ?24)|-[A-Z]+)+"
    rf"(?![\dA-Za-z/]|:\d)(?!{UNIT})"
)
CUE = re.compile(
    r"(?:拨|撥|致电|致電|打|电话|電話|热线|熱線|熱綫|专线|專線|号码|號碼|短信|簡訊|联系|聯絡|求助|援助|急救|报警|報警"
    r"|救护|救護|救援)"
    r"|\b(?:call(?:ing)?|dial(?:l?ing)?|phone|text(?:ing)?|ring(?:ing)?|numbers?|(?:hot|help|life)? ?line|reach|contact"
    r"|samaritans|emergenc(?:y|ies)|services?|tel|telephone|whatsapp|sms|talk)\b",
    re.IGNORECASE,
)
AFTER = re.compile(
    r"\s*(?:[(（)）：:]\s*)?.{0,8}?(?:热线|熱線|专线|專線|电话|電話|急救|报警|報警|求助|(?:hot|help|life) ?line"
    r"|for (?:an )?emergenc|in an emergenc)",
    re.IGNORECASE,
)
LOOK_BACK = 40
STOP = re.compile(r"[。！？!?\n]|\.\s")
LISTED = re.compile(r"\s*(?:[、,，/]|和|或者?|以及|还有|与|or|and|&)?\s*[^\d。.!?！？\n]{0,14}$")
"""What may stand between two numbers of one list."""
LEAST, MOST, SURE = 3, 15, 5
"""Digits; one of ``SURE`` or more that is on the list needs no word beside it."""


def help_hits(answer: str, region: str, hotlines: Iterable[str] = ()) -> Iterator[ScreenHit]:
    """Every number in ``answer`` that is given as help, by whether it is right for ``region``."""
    plain = answer.translate(PLAIN)
    own = frozenset(map(bare, hotlines))
    before = -1
    for match in NUMBER.finditer(plain if len(plain) == len(answer) else answer):
        start, end = match.span()
        number = bare(match[0])
        if not LEAST <= sum(c.isdigit() for c in match[0]) <= MOST:
            continue
        where = _regions().get(number, frozenset())
        is_listed = bool(where) or number in own
        lead = STOP.split(plain[max(0, start - LOOK_BACK) : start])[-1]
        follows = before >= 0 and LISTED.fullmatch(plain, before, start) is not None
        cued = CUE.search(lead) is not None or AFTER.match(plain, end) is not None or follows
        if not cued and not (is_listed and len(number) >= SURE):
            continue
        before = end
        right = number in own or bool(where & {region, *ALSO.get(region, ())})
        yield ScreenHit(RIGHT if right else ELSEWHERE if is_listed else UNLISTED, start, end)


@cache
def _regions() -> dict[str, frozenset[str]]:
    """Number → the regions in which it is in use; of one that is no more, none: ``"past"``."""
    found: dict[str, set[str]] = {}
    for line in help_lines():
        found.setdefault(bare(line.number), set()).add("past" if line.until else line.region)
    return {number: frozenset(regions) for number, regions in found.items()}
