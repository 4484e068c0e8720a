"""Text in another encoding is refused by name, not taken for damage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mentalft.data.read.encoding import is_foreign
from mentalft.data.read.reading import read_dialogues
from mentalft.errors import DataError
from mentalft.records import Rejected
from tests.conftest import dialogue_record

LINES = [json.dumps(dialogue_record(n), ensure_ascii=False) for n in range(40)]
TABLE = "question,answer\n" + "".join(f"最近很累{n},愿意说说吗\n" for n in range(40))


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
@pytest.mark.parametrize(("name", "text"), [("d.jsonl", "\n".join(LINES)), ("d.csv", TABLE)])
def test_another_encoding_is_named_with_the_command_that_converts(
    encoding: str, name: str, text: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    with pytest.raises(DataError, match=rf"{name} is not in UTF-8; it looks like {encoding.upper()}.*iconv -f"):
        list(read_dialogues(path))


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
