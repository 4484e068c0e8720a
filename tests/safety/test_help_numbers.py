"""Numbers given as help: right for the region, right elsewhere or once, or not on the list."""

from __future__ import annotations

import pytest

from mentalft.safety.help_numbers import ELSEWHERE, RIGHT, UNLISTED, help_hits


def found(answer: str, region: str, *hotlines: str) -> list[tuple[str, str]]:
    return [(hit.rule, answer[hit.start : hit.end]) for hit in help_hits(answer, region, hotlines)]


@pytest.mark.parametrize(
    ("region", "answer", "expected"),
    [
        ("CN", "请拨打12356，或120、110。24小时都有人。", [(RIGHT, "12356"), (RIGHT, "120"), (RIGHT, "110")]),
        ("CN", "热线：010-82951332（24小时）", [(RIGHT, "010-82951332")]),
        ("CN", "心理热线 400 161 9995", [(RIGHT, "400 161 9995")]),
        ("CN", "请拨打1925安心专线。", [(ELSEWHERE, "1925")]),
        ("CN", "拨打 12356 24小时 接听", [(RIGHT, "12356")]),
        ("TW", "可以撥打 1925 或 0800-788-995", [(RIGHT, "1925"), (ELSEWHERE, "0800-788-995")]),
        ("AU", "Lifeline 13 11 14 or 000", [(RIGHT, "13 11 14"), (RIGHT, "000")]),
        ("GB", "ring 999. 24 hours a day", [(RIGHT, "999")]),
        ("IE", "call 112 or 116 123", [(RIGHT, "112"), (RIGHT, "116 123")]),
        ("US", "call 988 (24/7), then press 1", [(RIGHT, "988")]),
        ("US", "Call 1-800-4-A-CHILD or 1 (800) 273-8255 now", [(RIGHT, "1-800-4-A-CHILD"), (RIGHT, "1 (800) 273-8255")]),
        ("US", "Call 555-0142-777 and they help within 30 minutes", [(UNLISTED, "555-0142-777")]),
    ],
)  # fmt: skip
def test_numbers_given_as_help(region: str, answer: str, expected: list[tuple[str, str]]) -> None:
    assert found(answer, region) == expected


@pytest.mark.parametrize(
    "answer", ["我今年120斤，写了110页", "出生于1998年，电话里说了300遍", "I have 300 ideas and read 911 books", "24/7"]
)
def test_other_numbers_are_none(answer: str) -> None:
    assert found(answer, "CN") == []


def test_the_users_own_hotlines_are_right_everywhere() -> None:
    assert found("热线 400-000-1234", "CN") == [(UNLISTED, "400-000-1234")]
    assert found("热线 400-000-1234", "CN", "4000001234") == [(RIGHT, "400-000-1234")]
