"""Tokens by the name of their tokenizer, which language is which, and where jieba keeps its table."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from mentalft.metrics.tokens import _TOKENS, NOT_CHINESE, chosen, in_ascii, language_of, tokenizer
from tests.metrics.pairs import PAIRS

TEXTS = [text for pair in PAIRS for text in pair]


def cut(name: str, text: str) -> list[str]:
    return list(tokenizer(name).tokens(text))


def test_jieba_cuts_words_and_white_space_is_none() -> None:
    assert cut("jieba", "我 想\n谈谈") == ["我", "想", "谈谈"]


def test_char_takes_chinese_apart_and_keeps_runs_of_letters_and_digits() -> None:
    assert cut("char", "我用CBT治疗 3.5 次😊ＡＢ１！") == [
        "我", "用", "CBT", "治", "疗", "3", ".", "5", "次", "😊", "AB1", "！",
    ]  # fmt: skip
    assert cut("char", "𠮷野家はいい") == ["𠮷", "野", "家", "は", "い", "い"]


@pytest.mark.parametrize("text", TEXTS)
def test_the_others_are_what_they_say(text: str) -> None:
    assert cut("jieba_raw", text) == list(jieba.cut(text))
    assert cut("jieba_stripped", text) == [w.strip(" ") for w in jieba.cut(text) if w.strip(" ")]
    assert " ".join(cut("jieba_joined", text)) == " ".join(jieba.cut(text.replace(" ", "")))
    assert cut("char_raw", text) == list(text)
    assert cut("13a", text) == Tokenizer13a()(text.rstrip()).split()


@given(st.text(max_size=80))
def test_char_loses_nothing_but_white_space(text: str) -> None:
    assert "".join(cut("char", text)) == in_ascii("".join(text.split()))


@pytest.mark.parametrize("name", sorted(_TOKENS.keys() - set(NOT_CHINESE)))
def test_full_width_digits_and_letters_count_as_ascii_in_every_tokenizer_for_chinese(name: str) -> None:
    assert cut(name, "我用ＣＢＴ治疗１２周，ｏｋ") == cut(name, "我用CBT治疗12周，ok")
    assert cut(name, "好，好") != cut(name, "好,好"), "punctuation is what it is"
    assert tokenizer(name).signature.endswith("-ascii")


def test_signatures_name_the_library_and_its_version() -> None:
    assert tokenizer("jieba").signature == "jieba-0.42.1-ascii"
    assert tokenizer("13a").signature.startswith("13a-2.")
    assert tokenizer("char").signature == "char-ascii"


def test_the_language_is_that_of_the_references() -> None:
    assert language_of([["慢慢来，我们一起想办法。"], ["好"]]) == "zh"
    assert language_of([["我最近 stress management 做得不太好，deadline 太多"]]) == "zh"
    assert language_of([["That sounds hard."], ["Tell me more.", "What happened 今天?"]]) == "en"
    assert language_of([["……"], [""]]) == "zh"
    assert (chosen("auto", "zh").name, chosen("auto", "en").name, chosen("char", "en").name) == ("jieba", "13a", "char")


def test_nothing_is_left_in_the_shared_temporary_folder(tmp_path: Path) -> None:
    for name in ("temporary", "home"):
        (tmp_path / name).mkdir()
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "temporary")}
    code = "from mentalft.metrics.tokens import tokenizer; tokenizer('jieba').tokens('你好')"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert not list((tmp_path / "temporary").iterdir())
    assert any(p.name == "jieba.cache" for p in (tmp_path / "home").rglob("*"))
