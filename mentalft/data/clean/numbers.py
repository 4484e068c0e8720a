"""Numbers that are somebody's: telephone, identity card, bank card, however their digits are written.

Libraries decide what is one: ``phonenumbers`` by numbering plans, ``python-stdnum`` by the checksums of identity cards
and bank cards. A number with a word for it before it needs no right checksum.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import phonenumbers
from stdnum import luhn
from stdnum.iso7064 import mod_11_2

from mentalft.data.clean.help_lines import bare, beside_words
from mentalft.records import HELP_LINES

SPELT = dict(zip("零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖貳參叄陸", "0012345678911234567892336", strict=True))
SEPARATORS = "-–—()（） \t\n\u00a0\u3000_/、·•*"
ENCLOSING = "\ufe0f\u20e3"
"""What makes a digit a keycap."""


def _plain() -> dict[int, str]:
    """For each unusual form of a digit, a letter or a sign of ASCII: that sign."""
    wide = {point: chr(point - 0xFEE0) for point in range(0xFF01, 0xFF5F) if chr(point - 0xFEE0) not in "!(),:;?"}
    blocks = (range(0xB2, 0xBA), range(0x2070, 0x208A), range(0x2460, 0x2800), range(0x1D7CE, 0x1D800))
    others = {point: unicodedata.digit(chr(point), None) for block in blocks for point in block}
    digits = {point: str(digit) for point, digit in others.items() if digit is not None}
    return wide | digits | dict.fromkeys(map(ord, ENCLOSING), " ")


PLAIN = _plain()
"""For :meth:`str.translate`; every character becomes one character."""
SPELT_OUT = {ord(character): digit for character, digit in SPELT.items()}

S = f"[{re.escape(SEPARATORS)}]{{0,3}}"
DIGITS = re.compile(rf"[0-9](?:(?:{S}[0-9]){{5,}}[Xx]?|(?<!\d.)\d\d\.\d{{3,4}}\.\d{{4}}(?!\.?\d))")
"""Digits that stand close together; what is no number as a whole may hold one."""
SPELT_DIGITS = re.compile(rf"[1一幺壹]{S}[3-9三-九{''.join(SPELT)}](?:{S}[\d{''.join(SPELT)}]){{9}}")
IDENTITY_CARD = re.compile(r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]")
"""Region, date of birth, number of the day, and a check digit (GB 11643-1999, ISO 7064 MOD 11-2)."""
OLD_IDENTITY_CARD = re.compile(
    r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])\d{4}\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}"
)
"""The same without century and check digit, as until 1999; the region is a province."""
BANK_CARD = re.compile(r"(?:62|4|5[1-5]|2[2-7]|3[457]|60|95)\d+")
"""What the numbers of UnionPay, Visa, Mastercard, JCB, Amex and Chinese banks begin with."""

AS = r"(?:号码?|號碼?|卡号|[是为為:：#=(（\s]|(?i:number|no\.?|is|was))*$"
"""Between a word and its number."""
LABELS = {
    "ID": re.compile(rf"(?:身份[证證]|证件|証件|證件|(?i:\bid(?: ?card)?)){AS}"),
    "CARD": re.compile(rf"(?:银行卡|銀行卡|信用卡|储蓄卡|卡号|卡號|(?i:bank card|credit card|debit card|card)){AS}"),
    "PHONE": re.compile(rf"(?:电话|電話|座机|座機|手机|手機|联系方式|(?i:phone|\btel|mobile|\bcell|whatsapp)){AS}"),
}
OTHER_NUMBER = re.compile(
    r"(?:单号|單號|订单|訂單|编号|編號|序列|流水|条码|验证码|学号|工号|(?i:isbn|issn|doi|order|invoice|tracking|version|serial))"
    rf"{AS}"
)
AMOUNT_BEFORE = re.compile(r"[¥￥$€£₩=]\s?$")
AMOUNT_AFTER = re.compile(
    r"\s?多?(?:元(?!旦)|年(?![底前后初级])|[万亿萬億块塊円圆圓盾人]|[韩韓日美欧港台][元币圆]|卢布|人民币|美金|公里|光年|字节|次"
    r"|(?i:won|yen|dollars?|usd|krw|jpy|vnd|people)\b)"
)


class Found(NamedTuple):
    start: int
    end: int
    type: str


class Candidate(NamedTuple):
    digits: str
    written: str
    before: str
    """The few characters before it."""

    def labelled(self, type_: str) -> bool:
        return LABELS[type_].search(self.before) is not None


def _is_identity_card(one: Candidate) -> bool:
    plain = one.digits.upper()
    return one.labelled("ID") or (IDENTITY_CARD.fullmatch(plain) is not None and mod_11_2.is_valid(plain))


def _is_old_identity_card(one: Candidate) -> bool:
    return one.labelled("ID") or OLD_IDENTITY_CARD.fullmatch(one.digits) is not None


def _is_bank_card(one: Candidate) -> bool:
    return one.labelled("CARD") or (BANK_CARD.match(one.digits) is not None and luhn.is_valid(one.digits))


def _is_mobile(one: Candidate) -> bool:
    groups = [len(group) for group in re.findall(r"\d+", one.written)]
    return "\n" not in one.written or len(groups) == 2 or groups == [3, 4, 4]  # one number, in parts


def _is_american(one: Candidate) -> bool:
    return _is_valid(one.digits, "US")


def _is_phone(one: Candidate) -> bool:
    """Whether a numbering plan has it; seven or eight digits alone may be anything."""
    plain = re.sub(r"[\s()（）–—-]", "", one.written)
    if not re.fullmatch(r"\+?\d+", plain) or "\n" in one.written:
        return False
    if one.labelled("PHONE") and 7 <= len(plain) <= 12:
        return True
    if not plain.startswith(("+", "0", "400", "800")) or (
        plain.startswith("0") and plain == one.written.strip() and len(plain) < 11
    ):
        return False
    return _is_valid(plain, "CN") or (plain.startswith("+") and 10 <= len(plain) <= 16)


def _is_valid(plain: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(plain, region))
    except phonenumbers.NumberParseException:
        return False


AMERICAN = r"(?<!\d)(?:1[\s-]{1,2})?[(（]?[2-9]\d\d[)）]?[\s.-]{1,2}\d{3}[\s.-]{1,2}\d{4}(?!\d)"
KINDS: tuple[tuple[str, re.Pattern[str], Callable[[Candidate], bool]], ...] = (
    ("PHONE", re.compile(r"\+\d[\d\s()–—-]{6,}\d"), _is_phone),
    ("ID", re.compile(rf"(?<!\d)[1-9](?:{S}\d){{16}}{S}[\dXx](?!\d)"), _is_identity_card),
    ("CARD", re.compile(rf"(?<!\d)[2-69](?:{S}\d){{14,18}}(?!\d)"), _is_bank_card),
    ("ID", re.compile(r"(?<!\d)[1-9]\d{14}(?!\d)"), _is_old_identity_card),
    ("PHONE", re.compile(rf"(?<!\d)(?:(?:00)?86{S})?1[3-9]\d(?:(?:{S}|\.)\d{{4}}){{2}}(?!\d)"), _is_mobile),
    ("PHONE", re.compile(rf"(?<!\d)(?<!\d.)(?:86{S})?1{S}[3-9](?:{S}\d){{9}}(?!{S}\d)"), _is_mobile),
    ("PHONE", re.compile(AMERICAN), _is_american),
    ("PHONE", re.compile(rf"[(（]?\d(?:{S}\d)+"), _is_phone),
    ("PHONE", re.compile(r"[(（]?\d(?:[-–—()（）]?\d){6,}"), _is_phone),
)  # fmt: skip
"""In each stretch of digits these are looked for, the first having what it finds."""
MOBILE = re.compile(r"(?:(?:00)?86)?1[3-9]\d{9}")


def numbers(plain: str, kept: frozenset[str], found: Counter[str]) -> list[Found]:
    """The numbers of ``plain`` that are somebody's; help lines, which are nobody's, are counted in ``found``.

    Args:
        kept: help lines, as :func:`mentalft.data.clean.help_lines.bare` has them.
    """
    spans: list[Found] = []
    listed_until = -1
    for one in _candidates(plain):
        written, mobile = plain[one.start : one.end], False
        if one.type == "PHONE":
            mobile = MOBILE.fullmatch(re.sub(r"\D", "", written)) is not None
            if _known(written, kept) or beside_words(plain, *one[:2], mobile=mobile, listed_until=listed_until):
                found[HELP_LINES] += 1
                listed_until = one.end
                continue
        spans.append(one)
    return spans


def _known(written: str, kept: frozenset[str]) -> bool:
    number = bare(written)
    abroad = [number[n:] for n in (1, 2, 3)] if written.startswith("+") else []
    return not kept.isdisjoint((number, *abroad))


def _candidates(plain: str) -> Iterator[Found]:
    for stretch in DIGITS.finditer(plain):
        start, end = stretch.span()
        if plain[max(0, start - 1) : start] == "." or _runs_on_in_letters(plain, start, end):
            continue
        start -= plain[max(0, start - 1) : start] in ("+", "(", "（")
        yield from sorted(_in_stretch(plain, start, end))


def _runs_on_in_letters(plain: str, start: int, end: int) -> bool:
    """As 800-273-TALK does, which is a service's number and no person's."""
    digits = re.sub(r"\D", "", plain[start:end])
    return (
        re.match(r"1?8\d\d\d{0,5}$", digits) is not None and re.match(r"-?[A-Z]{2}", plain[end : end + 3]) is not None
    )


def _in_stretch(plain: str, start: int, end: int) -> list[Found]:
    spans: list[Found] = []
    for type_, pattern, is_one in KINDS:
        for match in pattern.finditer(plain, start, end):
            first, last = match.span()
            if any(first < span.end and span.start < last for span in spans):
                continue
            written, before = match[0], plain[max(0, first - 16) : first]
            one = Candidate(re.sub(r"[^\dXx]", "", written), written, before)
            if _is_of_one_number(written) and not _counts_something(one, plain[last : last + 8]) and is_one(one):
                spans.append(Found(first, last, type_))
    return spans


def _is_of_one_number(written: str) -> bool:
    """Whether its digits stand one by one or in groups, and not in pairs as in a list of ages or dates."""
    lengths = {len(group) for group in re.findall(r"\d+", written)}
    return lengths == {1} or max(lengths) >= 3


def _counts_something(one: Candidate, after: str) -> bool:
    if any(map(one.labelled, LABELS)):
        return False
    return bool(OTHER_NUMBER.search(one.before) or AMOUNT_BEFORE.search(one.before) or AMOUNT_AFTER.match(after))


def spelt_numbers(plain: str) -> list[Found]:
    """Mobile numbers of which some digits are words: 一三八…, 壹叁捌…"""
    if SPELT_DIGITS.search(plain) is None:
        return []
    digits = plain.translate(SPELT_OUT)
    return [
        one
        for match in SPELT_DIGITS.finditer(plain)
        if not match[0].isascii()
        for one in _in_stretch(digits, *match.span())
        if MOBILE.fullmatch(re.sub(r"\D", "", digits[one.start : one.end]))
        and not re.match(r"\d", digits[one.end :])
        and not re.search(r"\d$", digits[: one.start])
    ]
