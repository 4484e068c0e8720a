"""Text in another encoding is read where it is sure which, else refused by name; it is not taken for damage."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from mentalft.data.read.compressed import opened
from mentalft.data.read.encoding import is_foreign
from mentalft.data.read.reading import read_dialogues
from mentalft.errors import DataError
from mentalft.records import Dialogue, Rejected
from tests.conftest import dialogue_record

LINES = [json.dumps(dialogue_record(n), ensure_ascii=False) for n in range(40)]


TEXTS = {
    "zh": "最近总是睡不着，心里很乱，不知道该怎么办。谢谢你愿意告诉我这些，我们可以慢慢聊。",
    "zh-Hant": "最近總是睡不著，心裡很亂，不知道該怎麼辦。謝謝你願意告訴我這些，我們可以慢慢聊。",
    "ja": "最近よく眠れません。仕事のストレスが大きくて、どうしたらいいのか分かりません。",
    "ko": "요즘 잠을 잘 못 자요. 일 때문에 스트레스가 많고 어떻게 해야 할지 모르겠어요.",
    "fr": "Je ne dors plus très bien, c’est déjà la troisième année – et voilà, je suis épuisée.",
    "ru": "Я плохо сплю последнее время, много стресса на работе, и я не знаю, что делать.",
}


def corpus(text: str, name: str) -> str:
    rows = [{"question": f"{n} {text}", "answer": text[n:]} for n in range(9)]
    if name.endswith(".csv"):
        return "question,answer\n" + "".join(f'"{row["question"]}","{row["answer"]}"\n' for row in rows)
    return json.dumps(rows, ensure_ascii=False) if name == "d.json" else "\n".join(map(dump, rows))


def dump(row: dict[str, str]) -> str:
    return json.dumps(row, ensure_ascii=False)


@pytest.mark.parametrize("name", ["d.jsonl", "d.json", "d.csv", "d.jsonl.gz"])
@pytest.mark.parametrize(
    ("encoding", "text"),
    [("gb18030", "zh"), ("gbk", "zh"), ("big5", "zh-Hant"), ("euc_kr", "ko"), ("euc_jp", "ja"), ("utf-16", "zh"),
     ("utf-16-le", "fr"), ("utf-16-be", "zh"), ("utf-32", "zh"), ("utf-32-be", "ko")],
)  # fmt: skip
def test_text_that_is_surely_in_another_encoding_is_read(encoding: str, text: str, name: str, tmp_path: Path) -> None:
    data = corpus(TEXTS[text], name).encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    found = list(read_dialogues(tmp_path / name))
    assert [d.messages[0].content for d in found if isinstance(d, Dialogue)] == [f"{n} {TEXTS[text]}" for n in range(9)]


@pytest.mark.parametrize(
    ("encoding", "text", "said"),
    [("shift_jis", "ja", "Shift-JIS, .*data.encoding=cp932"), ("cp1252", "fr", "Windows-1252, .*data.encoding=cp1252"),
     ("cp1251", "ru", "cp1251, .*data.encoding=cp1251")],
)  # fmt: skip
def test_an_encoding_that_is_not_sure_is_named_and_can_be_forced(
    encoding: str, text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(corpus(TEXTS[text], "d.jsonl").encode(encoding))
    with pytest.raises(DataError, match=rf"d.jsonl is not in UTF-8; it looks like {said}"):
        list(read_dialogues(path))
    with opened(path, encoding) as handle:
        assert handle.read().decode() == corpus(TEXTS[text], "d.jsonl")


def test_bytes_of_no_encoding_are_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_bytes(random.Random(0).randbytes(4000).replace(b"\0", b"\1"))
    with pytest.raises(DataError, match=r"its encoding is not known.*data\.encoding=NAME"):
        list(read_dialogues(tmp_path / "d.jsonl"))


def test_a_line_in_another_encoding_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"\n".join(line.encode("gb18030" if n == 3 else "utf-8") for n, line in enumerate(LINES)))
    found = list(read_dialogues(path))
    assert [(r.record, r.reason) for r in found if isinstance(r, Rejected)] == [(4, "the text is not in UTF-8")]
    assert len(found) == len(LINES)


def test_some_broken_bytes_are_damage_and_no_encoding() -> None:
    assert not is_foreign("最近很累".encode() + b"\xff\xfe")
    assert not is_foreign(b"plain " * 9 + b"\xff")
    assert is_foreign("最近很累，睡不着".encode("gb18030"))
