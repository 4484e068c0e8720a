"""The staged corpus: the same from one process and from several, cached, and never taken for whole when it is not."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mentalft.config import DataConfig
from mentalft.data.prepare import prepare
from mentalft.data.read import blocks, pool
from mentalft.data.read.pool import processes
from mentalft.data.read.sources import sources_of
from mentalft.data.read.staging import Index, stage
from mentalft.data.read.workers import Settings
from mentalft.files import read_json, read_jsonl, sha256_folder
from tests.conftest import dialogue_record
from tests.test_conf import composed

DATA = ("*.jsonl", "report.json")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dialogues with copies, damage, personal data and missing ids among them."""
    rows = [dialogue_record(n, exchanges=1 + n % 4) for n in range(600)]
    for number in range(0, 600, 50):
        rows.append({**rows[number], "id": f"copy-{number}"})
        rows[number + 1]["messages"][0]["content"] += "我的手机是13812345678"
        rows[number + 2]["messages"][0]["role"] = "alien"
        del rows[number + 3]["id"]
    path = tmp_path_factory.mktemp("corpus") / "d.json"
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    path.write_text(text.replace('"id": 300,', '"id": 300', 1), encoding="utf-8")  # one record that does not parse
    return path


def config(path: Path, *overrides: str) -> DataConfig:
    return composed("data=local", f"data.path={path}", *overrides).data


def run(cfg: DataConfig, run_dir: Path, cache: Path | None = None) -> str:
    sources = sources_of(cfg, run_dir)
    with processes(sum(source.size for source in sources), cfg.num_proc) as submit:
        prepare(cfg, sources, run_dir, submit, cache)
    return sha256_folder(run_dir / "data", DATA)


def test_one_process_and_two_give_the_same_bytes(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "SMALL", 0)
    monkeypatch.setattr(blocks, "BLOCK", 1 << 14)
    results = {run(config(corpus, f"data.num_proc={n}"), tmp_path / str(n)) for n in (1, 2)}
    monkeypatch.setattr(blocks, "BLOCK", 1 << 24)
    results.add(run(config(corpus, "data.num_proc=1"), tmp_path / "whole"))
    assert len(results) == 1
    report = read_json(tmp_path / "1" / "data" / "report.json")
    parts = [report["rejected"], report["duplicates"], report["between_splits"], *report["dialogues"].values()]
    assert report["records"] == sum(parts) == 612
    assert (report["rejected"], report["duplicates"]) == (13, 11)
    assert report["privacy"]["PHONE"] == 12
    assert "13812345678" not in "".join(p.read_text("utf-8") for p in (tmp_path / "1" / "data").iterdir())


def test_the_cache_is_used_and_holds_no_personal_data(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(config(corpus), tmp_path / "a", tmp_path / "cache")
    assert "from the cache" not in capsys.readouterr().out
    assert run(config(corpus), tmp_path / "b", tmp_path / "cache") == first
    assert "from the cache" in capsys.readouterr().out
    run(config(corpus, "data.split_seed=7"), tmp_path / "c", tmp_path / "cache")
    assert "from the cache" in capsys.readouterr().out, "another seed redoes the splits alone"
    run(config(corpus, "data.privacy=report"), tmp_path / "d", tmp_path / "cache2")
    assert "from the cache" not in capsys.readouterr().out
    for path in (tmp_path / "cache").rglob("*"):
        assert not path.is_file() or b"13812345678" not in path.read_bytes()


@pytest.mark.parametrize("pattern", ["index.json", "rows", "rejected.jsonl", "0*.jsonl"])
@pytest.mark.parametrize("damage", ["cut", "gone", "changed"])
def test_a_damaged_entry_is_noticed_and_made_again(pattern: str, damage: str, corpus: Path, tmp_path: Path) -> None:
    first = run(config(corpus), tmp_path / "a", tmp_path / "cache")
    path = next((tmp_path / "cache").rglob(pattern))
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-9] if damage == "cut" else data[:-9] + b"#" + data[-8:])
    assert run(config(corpus), tmp_path / "b", tmp_path / "cache") == first


CHILD = """
import os, sys
from pathlib import Path
sys.path[:0] = {path!r}
from tests.data.read.test_staging import config, run
from mentalft.data.read import blocks, pool
blocks.BLOCK = 1 << 14
pool.SMALL = {small}
left = {after}
def count(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove", "os.mkdir") and {folder!r} in str(arguments[0]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), 9)
cfg = config(Path({corpus!r}), "data.num_proc={processes}")
if left:
    sys.addaudithook(count)
run(cfg, Path({folder!r}) / "run", Path({folder!r}) / "cache")
print(left)
"""


def child(corpus: Path, folder: Path, after: int, processes: int = 1) -> subprocess.CompletedProcess[str]:
    code = CHILD.format(
        path=sys.path, corpus=str(corpus), folder=str(folder), after=after, processes=processes,
        small=0 if processes > 1 else pool.SMALL,
    )  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=dict(os.environ)
    )


def test_killed_at_any_moment_the_next_run_ends_as_if_nothing_had_been(corpus: Path, tmp_path: Path) -> None:
    whole = child(corpus, tmp_path / "whole", after=10**9)
    assert whole.returncode == 0, whole.stderr
    reference = sha256_folder(tmp_path / "whole" / "run" / "data", DATA)
    moments = 10**9 - int(whole.stdout.split()[-1])
    assert moments > 60
    for after in random.Random(0).sample(range(1, moments), 20):
        folder = tmp_path / str(after)
        assert child(corpus, folder, after).returncode == -9
        for name in ("train", "validation", "test"):
            half = folder / "run" / "data" / f"{name}.jsonl"
            assert not half.exists() or half.read_bytes() == (tmp_path / "whole/run/data" / half.name).read_bytes()
        assert run(config(corpus), folder / "run", folder / "cache") == reference, f"killed at {after} of {moments}"
        assert not list((folder / "cache").rglob("*.tmp"))


def test_killed_with_processes_of_its_own_it_leaves_nothing_half(corpus: Path, tmp_path: Path) -> None:
    whole = child(corpus, tmp_path / "whole", after=10**9, processes=2)
    assert whole.returncode == 0, whole.stderr
    reference = sha256_folder(tmp_path / "whole" / "run" / "data", DATA)
    moments = 10**9 - int(whole.stdout.split()[-1])
    for after in random.Random(1).sample(range(1, moments), 4):
        folder = tmp_path / str(after)
        assert child(corpus, folder, after, processes=2).returncode == -9
        assert run(config(corpus), folder / "run", folder / "cache") == reference, f"killed at {after} of {moments}"


def test_two_at_once_share_the_cache(corpus: Path, tmp_path: Path) -> None:
    code = CHILD.format(path=sys.path, corpus=str(corpus), folder=str(tmp_path), after=0, processes=1, small=pool.SMALL)
    runs = [
        subprocess.Popen([sys.executable, "-c", code.replace('"run"', f'"run{n}"')], stdout=subprocess.DEVNULL)
        for n in range(3)
    ]
    assert [process.wait() for process in runs] == [0, 0, 0]
    assert len({sha256_folder(tmp_path / f"run{n}" / "data", DATA) for n in range(3)}) == 1
    assert len(list((tmp_path / "cache" / "prepared").glob("*/index.json"))) == 1


def staged(cfg: DataConfig, folder: Path) -> Index:
    sources = sources_of(cfg, folder)
    with processes(0, 1) as submit:
        return stage(sources, {s.name: Settings(s.shape.format, {}) for s in sources}, None, submit, folder)


def lines_of(index: Index, folder: Path) -> list[dict[str, Any]]:
    return [row for part in index.parts for row in read_jsonl(folder / part.name)]


def test_parts_come_in_the_order_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 800)
    rows: list[Any] = [dialogue_record(n) for n in range(40)]
    rows[7] = "no dialogue"
    path = tmp_path / "d.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    index = staged(config(path), tmp_path / "staged")
    assert len(index.parts) > 5
    assert index.rows["record"].tolist() == [n for n in range(1, 41) if n != 8]
    assert [(r["file"], r["record"]) for r in read_jsonl(tmp_path / "staged" / "rejected.jsonl")] == [("d.jsonl", 8)]
    assert [index.topics[t] for t in index.rows["topic"][:3]] == ["话题0", "话题1", "话题2"]
    assert [row["id"] for row in lines_of(index, tmp_path / "staged")] == [str(n) for n in range(40) if n != 7]


def test_nothing_read_is_an_empty_index(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text('{"messages": []}\n', encoding="utf-8")
    index = staged(config(tmp_path / "d.jsonl"), tmp_path / "staged")
    assert (len(index.rows), index.sources[0].records, index.sources[0].dialogues) == (0, 1, 0)


def test_sources_keep_apart_whatever_is_damaged_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that does not parse as a whole has a part file's name and no part file."""
    monkeypatch.setattr(blocks, "BLOCK", 2000)
    for name, first in (("a", 0), ("b", 100), ("c", 200)):
        text = json.dumps([dialogue_record(n) for n in range(first, first + 40)], ensure_ascii=False)
        (tmp_path / f"{name}.json").write_text(text.replace(f'"id": {first + 20},', '"id" 5,'), encoding="utf-8")
    cfg = composed("data=local", f"data.sources=[{', '.join(str(tmp_path / f'{n}.json') for n in 'abc')}]").data
    index = staged(cfg, tmp_path / "staged")
    numbers = [n for n in range(240) if n % 100 < 40 and n % 100 != 20]
    assert [row["id"] for row in lines_of(index, tmp_path / "staged")] == [str(n) for n in numbers]
    assert [source.dialogues for source in index.sources] == [39, 39, 39]
    aside = [(r["source"], r["record"]) for r in read_jsonl(tmp_path / "staged" / "rejected.jsonl")]
    assert aside == [("a.json", 21), ("b.json", 21), ("c.json", 21)]
