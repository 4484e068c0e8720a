"""Words as jieba cuts them, and where jieba keeps its table."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mentalft.metrics.tokens import words, words_and_no_punctuation


def test_words_are_cut_and_white_space_is_not_one() -> None:
    assert words("我 想\n谈谈") == ["我", "想", "谈谈"]


def test_what_rouge_counts_has_a_letter_or_a_digit() -> None:
    assert words_and_no_punctuation("好的，CBT！12356") == ["好", "的", "cbt", "12356"]
    assert words_and_no_punctuation("……！") == []


def test_nothing_is_left_in_the_shared_temporary_folder(tmp_path: Path) -> None:
    for name in ("temporary", "home"):
        (tmp_path / name).mkdir()
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "temporary")}
    code = "from mentalft.metrics.tokens import words; words('你好')"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert not list((tmp_path / "temporary").iterdir())
    assert any(p.name == "jieba.cache" for p in (tmp_path / "home").rglob("*"))
