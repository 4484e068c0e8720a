"""Trials become settings, sorted by what was to be reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.errors import DataError
from mentalft.show.sweep.reading import read_sweep
from mentalft.show.sweep.sentences import command_of, counted, described, near_in_words, sweep_command, tried
from mentalft.words import told
from tests.show.sweep.fabricated import make_marker, make_plan, make_trial


def test_the_best_is_first_and_its_command_runs_it_alone(tmp_path: Path) -> None:
    make_plan(tmp_path, "lora.r=4,8")
    make_trial(tmp_path, 0, "lora.r=4", "data.path='a b, 来'", objective=3.2)
    make_trial(tmp_path, 1, "lora.r=8", "data.path='a b, 来'", objective=3.0)
    make_trial(tmp_path, 2, "lora.r=16", "data.path='a b, 来'", state="failed", objective=None, error="out of memory")
    found = read_sweep(tmp_path)
    assert [s.objective for s in found.settings] == [3.0, 3.2]
    assert command_of(found.settings[0]) == """mentalft experiment=quick lora.r=8 'data.path='"'"'a b, 来'"'"''"""
    assert described(found, found.settings[0]) == "r=8"
    assert told(counted(found)) == "3 trials: 2 done, 1 failed"
    assert found.base_objective == 6.5
    assert found.base_scores["rougeL"] == 0.08


def test_more_can_be_better(tmp_path: Path) -> None:
    for number, objective in enumerate((0.2, 0.4, 0.3)):
        make_trial(
            tmp_path, number, f"lora.r={number}", objective=objective, objective_name="rougeL", direction="maximize"
        )
    found = read_sweep(tmp_path)
    assert [s.objective for s in found.settings] == [0.4, 0.3, 0.2]
    assert found.base_objective is None


def test_seeds_are_one_setting_and_no_rivals(tmp_path: Path) -> None:
    make_plan(tmp_path, "lora.r=4,8", "seed=1,2,3")
    for number, (r, seed, objective) in enumerate(
        [(4, 1, 3.0), (4, 2, 3.2), (4, 3, 3.1), (8, 1, 2.0), (8, 2, 2.2), (8, 3, 2.1)]
    ):
        make_trial(tmp_path, number, f"lora.r={r}", f"seed={seed}", objective=objective)
    found = read_sweep(tmp_path)
    assert [(s.values, len(s.trials)) for s in found.settings] == [({"lora.r": "8"}, 3), ({"lora.r": "4"}, 3)]
    assert found.settings[0].objective == pytest.approx(2.1)
    assert found.settings[0].sd == pytest.approx(0.1)
    assert command_of(found.settings[0]) == "mentalft -m experiment=quick lora.r=8 seed=1,2,3"
    assert told(tried(found)) == "2 settings (6 trials)"
    assert told(near_in_words(found)) == "Every other setting is shown to be worse."


def test_seeds_alone_are_one_setting(tmp_path: Path) -> None:
    make_plan(tmp_path, "seed=1,2")
    for seed in (1, 2):
        make_trial(tmp_path, seed, f"seed={seed}", objective=3 + seed / 10)
    found = read_sweep(tmp_path)
    assert len(found.settings) == 1
    assert found.settings[0].sd == pytest.approx(0.0707, abs=1e-4)


def test_one_trial_and_no_plan(tmp_path: Path) -> None:
    make_trial(tmp_path, 7, objective=3.0)
    found = read_sweep(tmp_path)
    assert found.chosen is not None
    assert told(described(found, found.chosen)) == "trial 7"
    assert told(near_in_words(found)) == "There is no other setting to tell it from."


def test_nothing_is_chosen_where_nothing_has_an_objective(tmp_path: Path) -> None:
    make_trial(tmp_path, 0, "lora.r=0", state="failed", objective=None, error="lora.r must be at least 1, got 0")
    make_trial(tmp_path, 1, "lora.r=4", objective=None, trained=False)
    found = read_sweep(tmp_path)
    assert found.chosen is None
    assert "No trial has an objective yet" in told(found.notes[0])


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    make_trial(tmp_path, 0, "data.split_seed=1", "model=tiny", objective=3.0)
    other = make_trial(tmp_path, 1, "data.split_seed=2", "model=qwen3_4b", objective=3.1)
    make_marker(other, "prepare", **{"data/validation.jsonl": "other"})
    notes = " ".join(map(told, read_sweep(tmp_path).notes))
    assert "validated on different dialogues" in notes
    assert "different tokenizers" in notes


def test_a_base_that_differs_from_trial_to_trial_is_no_figure(tmp_path: Path) -> None:
    make_trial(tmp_path, 0, "model=a", objective=3.0)
    other = make_trial(tmp_path, 1, "model=b", objective=3.1)
    (other / "training.jsonl").write_text('{"train/step": 0, "validation/loss": 5.0}\n')
    assert read_sweep(tmp_path).base_objective is None


def test_a_folder_without_trials_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no trial"):
        read_sweep(tmp_path)


def test_the_whole_sweep_is_gone_on_with_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    here = Path("multirun/10-00-00")
    make_plan(here, "lora.r=1,2")
    make_trial(here, 0, "lora.r=1")
    assert sweep_command(read_sweep(here)).endswith(" lora.r=1,2 sweep_dir=multirun/10-00-00")
    make_plan(here, "lora.r=1,2", "sweep_dir=elsewhere")
    assert sweep_command(read_sweep(here)).endswith(" sweep_dir=elsewhere")
