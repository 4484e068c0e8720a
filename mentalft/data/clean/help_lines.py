"""Help lines: numbers that are nobody's own, and that somebody in danger may need."""

from __future__ import annotations

import csv
import re
from functools import cache
from typing import NamedTuple

from mentalft.assets import HELP_LINES


class HelpLine(NamedTuple):
    region: str
    """ISO 3166 code, or ``EU``."""
    name: str
    number: str
    """As people write it there; letters stand for keys."""
    since: str
    """A date, or as much of it as is known; empty where it is not."""
    until: str
    """Empty while it is in use. Old numbers stand in old texts."""
    source: str
    """Who runs it or says so."""


@cache
def help_lines() -> tuple[HelpLine, ...]:
    """The lines of ``assets/help_lines.csv``."""
    with HELP_LINES.open(encoding="utf-8", newline="") as file:
        return tuple(HelpLine(**row) for row in csv.DictReader(file))


EMERGENCY = re.compile(r"emergency|急救|报警|緊急")


def first_lines(region: str) -> list[HelpLine]:
    """What somebody in danger in a region is told first: the first line in use there, and those for emergencies."""
    used = [line for line in help_lines() if line.region == region and not line.until]
    return used[:1] + [line for line in used[1:] if EMERGENCY.search(line.name)]


def bare(number: str) -> str:
    """``number`` as it is compared: its digits and capitals, without the codes of China and North America."""
    plain = re.sub(r"[^0-9A-Z]", "", number)
    return re.sub(r"^(?:0086|86|1)(?=[0-9A-Z]{9})", "", plain).lstrip("0")


WORDS = (
    r"热线|熱線|热綫|专线|專線|援助|生命[线線]|危机(?:干预|电话|中心)|危機|求助(?:电话|電話)|(?:防治|研究)中心|希望24|张老师|張老師"
    r"|(?i:hot ?line|help ?line|life ?line|crisis|samaritans|befrienders|suicide prevention|warm ?line|childline)"
)
OWN = r"我|本人|微信|QQ|扣扣|(?i:\bmy (?:number|phone|cell|mobile|tel)|\bme\b|\bmine\b)"
"""Between such a word and a number these say that the number is somebody's own."""
STOP = rf"(?:{OWN}|[。！？!?；;\n\x02-\x04]|\.\s)"
BEFORE = re.compile(rf"(?:{WORDS})(?:(?!{STOP}).){{0,24}}$")
MOBILE_BEFORE = re.compile(rf"(?:{WORDS})(?:(?!{STOP}|[，,]).){{0,12}}$")
AFTER = re.compile(
    rf"\s*(?:(?:[（(【\[:：—-]|是|为|為|is\b|was\b)(?:(?!{STOP}).){{0,16}}|的?(?:心理|青少年|自杀|危机|妇女|这个|公益)?)(?:{WORDS})"
)
LOOK_BACK, LOOK_AHEAD = 48, 40
"""Characters around a number that are looked at."""
LIST = re.compile(rf"(?:(?!{STOP}).){{0,10}}")
"""Between two numbers of one list."""


def beside_words(text: str, start: int, end: int, *, mobile: bool, listed_until: int) -> bool:
    """Whether the number ``text[start:end]`` is said to be a help line, or follows one in a list.

    Args:
        mobile: it looks like a person's number, so the words must be nearer.
        listed_until: where the help line before it ends, or -1.
    """
    if listed_until >= 0 and not mobile and LIST.fullmatch(text, listed_until, start):
        return True
    before = (MOBILE_BEFORE if mobile else BEFORE).search(text[max(0, start - LOOK_BACK) : start])
    return before is not None or AFTER.match(text[end : end + LOOK_AHEAD]) is not None
