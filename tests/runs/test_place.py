"""Whose a run directory is, who uses it, and that nothing of the user's in it is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mentalft.config import Config
from mentalft.config.contenders import ContenderConfig
from mentalft.errors import ConfigError
from mentalft.files import MARKED, TEMPORARY, write_text
from mentalft.runs.place import HOLDER, check_apart, check_place, held, install, set_aside
from mentalft.stages import ANSWERS, EVALUATE, PREPARE, TRAIN
from tests.test_conf import composed


@pytest.fixture(scope="module")
def cfg() -> Config:
    return composed()


def test_a_directory_of_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "my_model.pt").write_text("the user's")
    with pytest.raises(ConfigError, match="are of no run of mentalft"):
        check_place(tmp_path)
    with pytest.raises(ConfigError, match="are of no run"), held(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoints"]


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(ConfigError, match="is a file"):
        check_place(tmp_path / "x")


@pytest.mark.parametrize("name", ["", ".hydra", "mentalft.log", MARKED])
def test_new_empty_and_own_directories_are_taken(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    check_place(folder)
    (folder / name).mkdir(parents=True)
    check_place(folder)
    with held(folder):
        assert HOLDER.load(folder).process == os.getpid()
    assert not HOLDER.exists(folder)


def test_a_second_process_is_told_who_uses_the_run(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from mentalft.runs.place import held\n"
        "with held(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    run_dir = tmp_path / "run"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(run_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout
    assert other.stdout.readline() == "held\n"
    with pytest.raises(ConfigError, match=rf"is in use by process {other.pid} on .+, since 20"), held(run_dir):
        pass
    other.kill()
    other.wait()
    assert HOLDER.exists(run_dir), "a killed process leaves its note, but not its lock"
    with held(run_dir):
        assert HOLDER.load(run_dir).process == os.getpid()


def test_what_a_kill_left_half_written_is_cleared_by_the_next_use(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; from mentalft.files import written_whole\n"
        "with written_whole(pathlib.Path(sys.argv[1]) / 'folder' / 'x.json') as handle: handle.write('half'); os._exit(9)"
    )
    with held(tmp_path):
        pass
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert [p.read_text() for p in (tmp_path / MARKED / TEMPORARY).iterdir()] in (["half"], [""])
    assert not list((tmp_path / "folder").iterdir()), "nothing half written stands among the files"
    with held(tmp_path):
        assert not list((tmp_path / MARKED / TEMPORARY).iterdir())


def test_what_makes_way_keeps_its_place_below_superseded(tmp_path: Path) -> None:
    for text in ("one", "two"):
        write_text(tmp_path / "a" / "b.txt", text)
        assert set_aside(tmp_path, "train", [tmp_path / "a" / "b.txt", tmp_path / "nowhere"])
    found = sorted(p.read_text() for p in (tmp_path / "superseded").rglob("a/b.txt"))
    assert found == ["one", "two"]
    assert set_aside(tmp_path, "train", [tmp_path / "nowhere"]) is None


def test_a_folder_is_filled_without_touching_what_else_is_there(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "weights", "new")
    write_text(tmp_path / "adapter" / "weights", "old")
    write_text(tmp_path / "adapter" / "notes.md", "the user's")
    install(tmp_path, "train", tmp_path / "new", tmp_path / "adapter")
    assert (tmp_path / "adapter" / "weights").read_text() == "new"
    assert (tmp_path / "adapter" / "notes.md").read_text() == "the user's"
    assert [p.read_text() for p in (tmp_path / "superseded").rglob("weights")] == ["old"]


def inside(cfg: Config, run_dir: Path) -> list[tuple[Config, list]]:
    data, e = cfg.data, cfg.eval
    tuned = {"tuned": ContenderConfig(adapter=f"{run_dir}/adapter")}
    given = {"base": ContenderConfig(answers="x"), "tuned": ContenderConfig(answers=f"{run_dir}/responses/tuned.jsonl")}
    return [
        (replace(cfg, data=replace(data, path=f"{run_dir}/data/train.jsonl")), [PREPARE]),
        (replace(cfg, data=replace(data, path=f"{run_dir}/data")), [PREPARE]),
        (replace(cfg, data=replace(data, path=str(run_dir))), [PREPARE]),
        (replace(cfg, data=replace(data, path=None, sources=[{"path": f"{run_dir}/data/a.json"}])), [PREPARE]),
        (replace(cfg, data=replace(data, external_tests=[f"{run_dir}/data/test.jsonl"])), [PREPARE]),
        (replace(cfg, lora=replace(cfg.lora, adapter=f"{run_dir}/adapter")), [TRAIN]),
        (replace(cfg, eval=replace(e, contenders=tuned)), [TRAIN, EVALUATE]),
        (replace(cfg, eval=replace(e, questions=f"{run_dir}/responses/q.jsonl")), [EVALUATE]),
        (replace(cfg, eval=replace(e, contenders=given, references="r.jsonl")), [ANSWERS]),
    ]


@pytest.mark.parametrize("case", range(9))
def test_an_input_where_the_run_writes_is_refused(case: int, tmp_path: Path, cfg: Config) -> None:
    changed, stages = inside(cfg, tmp_path)[case]
    with pytest.raises(ConfigError, match="lies where this run writes"):
        check_apart(changed, tmp_path, stages)
    check_apart(changed, tmp_path / "elsewhere", stages)


def test_a_link_does_not_hide_where_an_input_lies(tmp_path: Path, cfg: Config) -> None:
    run_dir = tmp_path / "run"
    write_text(run_dir / "data" / "train.jsonl", "{}")
    (tmp_path / "link.jsonl").symlink_to(run_dir / "data" / "train.jsonl")
    with pytest.raises(ConfigError, match="lies where this run writes"):
        check_apart(replace(cfg, data=replace(cfg.data, path=str(tmp_path / "link.jsonl"))), run_dir, [PREPARE])


def test_an_input_beside_the_files_of_the_stages_is_fine(tmp_path: Path, cfg: Config) -> None:
    check_apart(replace(cfg, eval=replace(cfg.eval, adapter=f"{tmp_path}/adapter")), tmp_path, [EVALUATE])
    check_apart(replace(cfg, data=replace(cfg.data, path="hf://OWNER/NAME/data/train.jsonl")), tmp_path, [PREPARE])
