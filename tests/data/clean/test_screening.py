"""The one look at all characters misses nothing that a closer look would find."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.data.clean import screening
from mentalft.data.clean.privacy import redactor
from mentalft.data.clean.repair import remarks
from mentalft.data.clean.screening import screened
from mentalft.files import read_jsonl

LINES = [line["text"] for path in sorted(Path(__file__).parent.glob("privacy_*.jsonl")) for line in read_jsonl(path)]
FRAGMENTS = [
    *"我叫名字是在号楼路微信@.[]xX壹",
    "13812345678",
    "q1w2e3r4",
    "v-1234567",
    "a.b@c.cn",
    "李小明",
    "北京",
    "三单元",
    "，",
    "\n",
    "\u0301",
    "é",
]


def test_redaction_with_flags_is_redaction_without() -> None:
    redact = redactor(["12356"])
    for text, flag in zip(LINES, screened(LINES).flags.tolist(), strict=True):
        assert redact(text, Counter(), flag) == redact(text, Counter())


@given(st.lists(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=12).map("".join), min_size=1, max_size=6))
def test_nor_does_it_miss_anything_in_pieces_put_together(texts: list[str]) -> None:
    redact = redactor(["12356"])
    for text, flag in zip(texts, screened(texts).flags.tolist(), strict=True):
        assert redact(text, Counter(), flag) == redact(text, Counter())
        assert flag & screening.REMARK or not remarks(text)


def test_neighbouring_texts_do_not_lend_each_other_characters() -> None:
    together, apart = screened(["我", "叫李雷"]).flags.tolist(), screened(["我叫李雷"]).flags.tolist()
    assert not together[0] & screening.NAME
    assert not together[1] & screening.NAME
    assert apart[0] & screening.NAME


@pytest.mark.parametrize("texts", [[], ["😀"], ["a\U0001f600b"]])
def test_edges(texts: list[str]) -> None:
    assert len(screened(texts).flags) == len(texts)
