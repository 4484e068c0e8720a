"""Files damaged in many ways: read without a crash, and every record accounted for."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from mentalft.data.prepare import prepare
from mentalft.data.read.pool import processes
from mentalft.data.read.reading import read_dialogues
from mentalft.data.read.sources import sources_of
from mentalft.errors import DataError
from mentalft.files import read_json
from mentalft.records import Dialogue
from tests.conftest import dialogue_record
from tests.test_conf import composed

FILES = 240
ROWS = [dialogue_record(n) for n in range(12)]
EMOLLM = [
    {"conversation": [{"input": m[0]["content"], "output": m[1]["content"]}]} for m in (r["messages"] for r in ROWS)
]
WHOLE = {
    "array.json": json.dumps(ROWS, ensure_ascii=False),
    "indented.json": json.dumps(ROWS, ensure_ascii=False, indent=2),
    "escaped.json": json.dumps(ROWS),
    "lines.jsonl": "\n".join(json.dumps(r, ensure_ascii=False) for r in ROWS),
    "emollm.json": json.dumps(EMOLLM, ensure_ascii=False),
    "table.csv": "question,answer\n" + "\n".join(f"{n}问题，\"引{n}\",回答{n}" for n in range(12)),
    "talk.txt": "".join(f"来访者：第{n}句\n心理咨询师：回应{n}\n" for n in range(6)),
}  # fmt: skip


def damaged(data: bytes, draw: random.Random) -> bytes:
    """``data`` after one to four accidents."""
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(max(1, len(data)))
        junk = bytes(draw.randrange(256) for _ in range(draw.randint(1, 6)))
        kind = draw.randrange(7)
        if kind == 0:
            data = data[: max(2, at)]
        elif kind == 1:
            data = data[:at] + junk + data[at:]
        elif kind == 2:
            data = data[:at] + data[at + len(junk) :]
        elif kind == 3:
            data = data[:at] + junk + data[at + len(junk) :]
        elif kind == 4:
            data = data[:at] + draw.choice([b'"', b"{", b"}", b"[", b"]", b",", b"\n", b"\\", b"\x00"]) + data[at:]
        elif kind == 5:
            end = min(len(data), at + draw.randint(1, 400))
            data = data[:end] + data[at:end] + data[end:]
        else:
            data = data.replace(b"user", draw.choice([b"null", b"\xff\xfe", b"User ", b"1"]), draw.randint(1, 3))
    return data


@pytest.mark.parametrize("name", WHOLE)
def test_damaged_files_are_read_to_the_end(name: str, tmp_path: Path) -> None:
    draw = random.Random(name)
    read = 0
    for number in range(-(-FILES // len(WHOLE))):
        path = tmp_path / f"{number}-{name}"
        path.write_bytes(damaged(WHOLE[name].encode(), draw))
        try:
            found = list(read_dialogues(path))
        except DataError:
            continue
        read += len(found) > 0
        assert all(isinstance(d, Dialogue) or (d.reason and d.record > 0) for d in found)
    assert read > 10, "most damage is survived"


def test_the_account_adds_up_for_damaged_files(tmp_path: Path) -> None:
    draw = random.Random(7)
    text = json.dumps([dialogue_record(n) for n in range(80)], ensure_ascii=False)
    kept = 0
    for number in range(20):
        path = tmp_path / f"{number}.json"
        path.write_bytes(damaged(text.encode(), draw))
        cfg = composed("data=local", f"data.path={path}", "data.max_rejected=1").data
        run_dir = tmp_path / f"run{number}"
        try:
            with processes(0, 1) as submit:
                prepare(cfg, sources_of(cfg, tmp_path), run_dir, submit)
        except DataError:
            continue
        report = read_json(run_dir / "data" / "report.json")
        parts = [report["rejected"], report["duplicates"], report["between_splits"], *report["dialogues"].values()]
        assert report["records"] == sum(parts)
        kept += sum(report["dialogues"].values()) > 60
    assert kept > 8
