"""Which runs there are: newest first, each with how far it got, and none that breaks the list."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from mentalft.files import MARKED, read_json, write_json
from mentalft.runs.listing import ListedRun, list_runs, overrides_in_words
from mentalft.runs.markers import Cost, Marker, marker_file
from mentalft.runs.sweep_files import FAILED, RUNNING, STATUS, Status
from mentalft.show.listing import runs_table
from mentalft.words import told
from tests.recorded import METRICS, PRIMARY, record, recorded_run, score
from tests.test_conf import composed

DAY = "outputs/2026-11-2"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_run(tmp_path_factory.mktemp("list") / "run")


def begun(name: str, started: str, *stages: str, open_stage: str | None = None, log: str = "") -> Path:
    """A run directory with no more than what the list reads."""
    run_dir = Path(name)
    for stage in stages:
        marker_file(stage).save(run_dir, Marker(started, {}, {}, Cost(1.0, 1), record()))
        write_json(run_dir / MARKED / f"{stage}.attempt", "")
    if open_stage:
        write_json(run_dir / MARKED / f"{open_stage}.attempt", "")
    times = {stage: {"started": started} for stage in stages}
    manifest = {
        "choices": {"data": "sample", "model": "tiny"},
        "command": ["mentalft", "data=sample", "lora.r=4", "tracking=none"],
    }
    write_json(run_dir / "manifest.json", {**manifest, "stages": times})
    (run_dir / "mentalft.log").write_text(log, encoding="utf-8")
    return run_dir


def by_name(runs: list[ListedRun]) -> dict[str, ListedRun]:
    return {Path(run.directory).name: run for run in runs}


def test_runs_are_found_below_their_roots_newest_first(whole: Path) -> None:
    begun(f"{DAY}1/old", "2026-11-21T10:00:00+00:00", "prepare")
    begun("multirun/2026-11-22/sweep/0", "2026-11-22T10:00:00+00:00", "prepare", "compare")
    Path("multirun/2026-11-22/sweep/multirun.yaml").write_text("")
    runs = list_runs([Path("outputs"), Path("multirun"), Path("nowhere"), whole])
    assert [Path(run.directory).name for run in runs][-2:] == ["0", "old"]
    assert len(runs) == 3


def test_a_whole_run_has_its_choices_and_its_verdict(whole: Path) -> None:
    (run,) = list_runs([whole])
    assert (run.state, run.stages) == ("done", ("prepare", "train", "evaluate", "compare"))
    assert run.choices["lora"] == "qv_r8"
    assert any(o.startswith("data.path=") for o in run.overrides)
    assert run.verdict
    assert told(run.verdict) == "better: ROUGE-1 +0.479"


def test_a_trial_is_listed_with_what_its_sweep_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    begun("multirun/sweep/0", "2026-11-21T10:00:00+00:00", "prepare")
    for number, state, error in ((0, FAILED, "lora.r must be at least 1"), (1, RUNNING, None)):
        recorded = Status(
            job=number, overrides=[f"lora.r={number}"], fixed=["seed=1"], state=state, error=error, objective=None,
            objective_name="validation_loss", direction="minimize", started="2026-11-21T10:00:00+00:00", ended=None,
            seconds=None, command=[], choices={},
        )  # fmt: skip
        STATUS.save(Path(f"multirun/sweep/{number}"), recorded)
    runs = by_name(list_runs([Path("multirun")]))
    assert {name: (run.state, run.overrides) for name, run in runs.items()} == {
        "0": ("failed", ("seed=1", "lora.r=0")),
        "1": ("running", ("seed=1", "lora.r=1")),
    }
    Console(width=200).print(runs_table(list(runs.values())))
    assert "failed: lora.r must be at least 1" in capsys.readouterr().out


def test_how_far_a_run_got(whole: Path) -> None:
    error = "2026-11-22 10:00:00,123 ERROR mentalft: no usable dialogue\nmore of it\n"
    info = "2026-11-22 10:00:01,123 INFO mentalft: train: continuing\n"
    begun(f"{DAY}1/audit", "2026-11-21T10:00:00+00:00", "prepare")
    begun(f"{DAY}1/failed", "2026-11-21T10:00:00+00:00", "prepare", open_stage="train", log=info + error)
    begun(f"{DAY}1/stopped", "2026-11-21T10:00:00+00:00", "prepare", open_stage="train", log=error + info)
    runs = by_name(list_runs([Path("outputs")]))
    assert (runs["audit"].state, runs["audit"].verdict) == ("done", None)
    assert runs["audit"].choices == {"data": "sample"}, "no stage used a model"
    assert (runs["failed"].state, runs["failed"].open_stage) == ("failed", "train")
    assert runs["failed"].problem == "no usable dialogue"
    assert (runs["stopped"].state, runs["stopped"].open_stage) == ("unfinished", "train")


def test_a_run_without_a_complete_stage_is_not_done() -> None:
    (Path(f"{DAY}1/stopped") / MARKED).mkdir(parents=True)
    (run,) = list_runs([Path("outputs")])
    assert (run.state, run.stages) == ("unfinished", ())
    console = Console(width=160)
    with console.capture() as captured:
        console.print(runs_table([run]))
    assert "unfinished: nothing done" in captured.get()


@pytest.mark.parametrize("stage", ["compare", "train"])
def test_a_stage_that_is_done_again_leaves_no_verdict(stage: str, whole: Path, tmp_path: Path) -> None:
    run_dir = shutil.copytree(whole, tmp_path / "again")
    (run_dir / MARKED / f"{stage}.json").unlink()
    (run,) = list_runs([run_dir])
    assert (run.state, run.open_stage, run.verdict) == ("unfinished", stage, None)


def test_what_a_later_command_gave_is_shown_by_stage(tmp_path: Path) -> None:
    run_dir = recorded_run(tmp_path / "run")
    later = ("data=local", "stages=[compare]", "eval.metrics=[rouge1]", "eval.bootstrap_resamples=200")
    score(run_dir, composed("data=local", "data.path=x", *later[1:]), overrides=later)
    (run,) = list_runs([run_dir])
    assert run.stage_overrides == {"compare": ("eval.metrics=[rouge1]",)}
    assert overrides_in_words(run).endswith(f"{METRICS} {PRIMARY} eval.bootstrap_resamples=200; compare: eval.metrics=[rouge1]")
    assert run.to_json()["stage_overrides"] == {"compare": ("eval.metrics=[rouge1]",)}


@pytest.mark.parametrize("one_line", [True, False])
def test_directories_are_never_broken(one_line: bool) -> None:
    name = f"{DAY}1/{'long' * 6}-[睡眠]"
    begun(name, "2026-11-21T10:00:00+00:00", "prepare")
    console = Console(width=1000 if one_line else 100)
    with console.capture() as captured:
        console.print(runs_table(list_runs([Path("outputs")]), one_line=one_line))
    said = captured.get()
    assert name in said
    if one_line:
        assert len(said.splitlines()) == 3, "heading, line, run"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("manifest.json", "{"),
        ("manifest.json", "[]"),
        ("manifest.json", '{"stages": {"prepare": {"started": "yesterday"}}}'),
        ("comparison.json", "nonsense"),
        ("comparison.json", '{"metrics": [{}]}'),
    ],
)
def test_a_run_that_cannot_be_read_is_listed_as_such(name: str, text: str) -> None:
    run_dir = begun(f"{DAY}1/broken", "2026-11-21T10:00:00+00:00", "prepare", "compare")
    (run_dir / name).write_text(text)
    begun(f"{DAY}1/sound", "2026-11-21T10:00:00+00:00", "prepare")
    runs = by_name(list_runs([Path("outputs")]))
    assert (runs["broken"].state, runs["sound"].state) == ("unreadable", "done")
    assert runs["broken"].problem


def test_the_table_and_the_json_hold_every_run(whole: Path) -> None:
    begun(f"{DAY}1/[odd]", "2026-11-21T10:00:00+00:00", "prepare", open_stage="train")
    runs = list_runs([Path("outputs"), whole])
    console = Console(width=160)
    with console.capture() as captured:
        console.print(runs_table(runs))
    said = captured.get()
    for part in ("unfinished: train", "[odd]", "sample/tiny/–/–/–", "lora.r=4", "local/tiny/qv_r8/tiny/default"):
        assert part in said
    rows = json.loads(json.dumps([run.to_json() for run in runs]))
    assert "tracking" not in said
    assert {row["state"] for row in rows} == {"done", "unfinished"}
    assert rows[0]["verdict"].startswith("better: ROUGE-1")
