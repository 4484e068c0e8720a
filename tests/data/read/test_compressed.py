"""Compressed files: whole in any number of pieces, cut ones as far as they go, damaged ones refused."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from mentalft.data.read.compressed import CUT, cut_short, inner_suffix, opened
from mentalft.data.read.reading import read_dialogues
from mentalft.data.read.shapes import shape_of
from mentalft.errors import DataError
from mentalft.records import Dialogue, Rejected
from tests.conftest import dialogue_record

PACK: dict[str, Callable[[bytes], bytes]] = {
    ".bz2": bz2.compress, ".xz": lzma.compress, ".gz": gzip.compress, ".zst": zstandard.compress,
}  # fmt: skip
TEXT = "".join(f"第{n}行\n" for n in range(40_000)).encode()
ROWS = [dialogue_record(n) for n in range(3000)]
TURNS = [{"role": "client", "content": "最近很累"}, {"role": "counselor", "content": "愿意说说吗"}]


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", PACK)
def test_a_file_of_several_members_is_read_to_the_end(suffix: str, tmp_path: Path) -> None:
    half = len(TEXT) // 2
    skippable = struct.pack("<II", 0x184D2A50, 3) + b"any" if suffix == ".zst" else b""
    padding = b"\0" * 512 if suffix == ".gz" else b""
    data = PACK[suffix](TEXT[:half]) + skippable + PACK[suffix](TEXT[half:]) + padding
    with opened(written(tmp_path / f"d.jsonl{suffix}", data)) as handle:
        assert handle.read() == TEXT
        assert cut_short(handle) is None


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".xz"])  # of bzip2, blocks of 900 kB
def test_a_cut_file_is_read_as_far_as_it_goes(suffix: str, tmp_path: Path) -> None:
    data = PACK[suffix](TEXT)
    with opened(written(tmp_path / f"d.jsonl{suffix}", data[: len(data) * 2 // 3])) as handle:
        found = handle.read()
        assert cut_short(handle) == CUT
    assert 0 < len(found) < len(TEXT)
    assert TEXT.startswith(found)


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".xz"])  # of bzip2, blocks of 900 kB
@pytest.mark.parametrize("layout", ["array", "lines", "table"])
def test_a_cut_corpus_loses_its_end_alone_and_says_so(suffix: str, layout: str, tmp_path: Path) -> None:
    text = {
        "array": json.dumps(ROWS),
        "lines": "\n".join(map(json.dumps, ROWS)),
        "table": "question,answer\n" + "".join(f"第{n}问,第{n}答\n" for n in range(60_000)),
    }[layout].encode()
    data = PACK[suffix](text)
    path = written(tmp_path / f"d.{'csv' if layout == 'table' else 'json'}{suffix}", data[: len(data) * 2 // 3])
    found = list(read_dialogues(path))
    bad = [r for r in found if isinstance(r, Rejected)]
    assert len(found) > 100
    assert len(bad) <= 2
    assert CUT in [r.reason for r in bad]


@pytest.mark.parametrize("suffix", PACK)
def test_a_damaged_file_is_refused_by_name(suffix: str, tmp_path: Path) -> None:
    data = bytearray(PACK[suffix]("\n".join(map(json.dumps, ROWS)).encode()))
    data[len(data) // 2] ^= 0xFF
    path = written(tmp_path / f"d.jsonl{suffix}", bytes(data) if suffix == ".gz" else b"no frame at all")
    with pytest.raises(DataError, match=rf"d.jsonl{suffix}.*damaged.*get the file again"):
        list(read_dialogues(path))


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("1.json", json.dumps(TURNS), "smilechat"),
        ("1.txt", "来访者：最近很累\n心理咨询师：愿意说说吗\n", "cpsycound"),
        ("1.json", json.dumps(["求助者：最近很累", "支持者：愿意说说吗"]), "cpsycoune"),
    ],
)
def test_a_compressed_file_may_be_one_dialogue(suffix: str, name: str, text: str, form: str, tmp_path: Path) -> None:
    path = written(tmp_path / f"{name}{suffix}", PACK[suffix](text.encode()))
    assert tuple(shape_of(path)) == (form, True)
    (found,) = read_dialogues(path)
    assert isinstance(found, Dialogue)
    assert [m.content for m in found.messages] == ["最近很累", "愿意说说吗"]


def test_the_suffix_inside() -> None:
    assert [inner_suffix(Path(n)) for n in ("a.JSON", "a.json.gz", "a.csv.zst", "a")] == [".json", ".json", ".csv", ""]
