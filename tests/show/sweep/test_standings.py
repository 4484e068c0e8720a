"""Near the best is what was not shown to be worse."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.files import read_jsonl, write_jsonl
from mentalft.show.sweep.reading import read_sweep
from mentalft.show.sweep.result import Setting
from mentalft.show.sweep.standings import tell_apart
from mentalft.words import told as in_words
from tests.show.sweep.fabricated import make_plan, make_trial, trial

NOWHERE = Path("/nowhere")


def setting(name: str, *objectives: float) -> Setting:
    runs = tuple(trial(i, f"seed={i}", objective=o) for i, o in enumerate(objectives))
    return Setting({"lora.r": name}, runs)


def standings(settings: list[Setting], *, maximize: bool = False) -> list[str]:
    told, _ = tell_apart(settings, NOWHERE, "validation_loss", maximize=maximize)
    return [s.standing for s in told]


def test_the_scatter_between_seeds_decides() -> None:
    settings = [setting("a", 3.0, 3.1, 3.05), setting("b", 3.05, 3.15, 3.1), setting("c", 4.0, 4.1, 4.05)]
    assert standings(settings) == ["chosen", "within noise", "worse"]


def test_it_decides_the_same_way_where_more_is_better() -> None:
    settings = [setting("c", 4.0, 4.1, 4.05), setting("b", 3.95, 4.05, 4.0), setting("a", 3.0, 3.1, 3.05)]
    assert standings(settings, maximize=True) == ["chosen", "within noise", "worse"]


def test_a_single_run_is_compared_by_the_others_scatter() -> None:
    assert standings([setting("a", 3.0, 3.1, 3.05, 3.07), setting("b", 3.06), setting("c", 9.0)]) == [
        "chosen", "within noise", "worse",
    ]  # fmt: skip


def test_with_few_seeds_what_is_not_shown_to_be_worse_is_not_known() -> None:
    settings = [setting("a", 3.0, 3.1, 3.05), setting("b", 3.06), setting("c", 9.0)]
    assert standings(settings) == ["chosen", "not known", "worse"]
    _, how = tell_apart(settings, NOWHERE, "validation_loss", maximize=False)
    assert "With so few seeds" in in_words(how)


def test_alone_it_is_chosen() -> None:
    assert standings([setting("a", 3.0)]) == ["chosen"]
    assert standings([]) == []


@given(st.lists(st.lists(st.floats(1, 5), min_size=2, max_size=4), min_size=2, max_size=6), st.booleans())
def test_what_is_worse_is_behind_all_that_is_near_with_as_many_seeds(found: list[list[float]], maximize: bool) -> None:
    settings = sorted(
        (setting(str(i), *objectives[:2]) for i, objectives in enumerate(found)),
        key=lambda s: -s.objective if maximize else s.objective,
    )
    told = standings(settings, maximize=maximize)
    assert told[0] == "chosen"
    assert sorted(told[1:], key=["within noise", "not known", "worse"].index) == told[1:]


def test_without_seeds_paired_losses_on_test_items_decide(tmp_path: Path) -> None:
    make_plan(tmp_path, "lora.r=4,8,16")
    make_trial(tmp_path, 0, "lora.r=4", objective=3.00)
    make_trial(tmp_path, 1, "lora.r=8", objective=3.01)
    make_trial(tmp_path, 2, "lora.r=16", objective=3.40, worse=0.4)
    make_trial(tmp_path, 3, "lora.r=2", objective=3.50, compared=False)
    found = read_sweep(tmp_path)
    assert [s.standing for s in found.settings] == ["chosen", "within noise", "worse", "not known"]
    assert "60 test items from 20 dialogues" in in_words(found.noise)


def test_a_rival_that_does_better_on_the_test_items_is_not_put_first(tmp_path: Path) -> None:
    make_trial(tmp_path, 0, "lora.r=4", objective=3.0, worse=0.5)
    make_trial(tmp_path, 1, "lora.r=8", objective=3.1)
    found = read_sweep(tmp_path)
    assert [s.values["lora.r"] for s in found.settings] == ["4", "8"]
    assert [s.standing for s in found.settings] == ["chosen", "within noise"]


@pytest.mark.parametrize("damage", ["gone", "cut", "other items"])
def test_scores_that_cannot_be_paired_say_nothing(tmp_path: Path, damage: str) -> None:
    make_trial(tmp_path, 0, "lora.r=4", objective=3.0)
    scores = make_trial(tmp_path, 1, "lora.r=8", objective=3.1) / "scores.jsonl"
    if damage == "gone":
        scores.unlink()
    elif damage == "cut":
        scores.write_text(scores.read_text()[:100])
    else:
        write_jsonl(scores, [{**row, "digest": "other"} for row in read_jsonl(scores)])
    found = read_sweep(tmp_path)
    assert [s.standing for s in found.settings] == ["chosen", "not known"]
    assert "not known" in in_words(found.noise)


def test_an_objective_that_is_no_mean_over_items_is_not_paired(tmp_path: Path) -> None:
    for number, objective in enumerate((0.5, 0.4)):
        make_trial(
            tmp_path,
            number,
            f"lora.r={number}",
            objective=objective,
            objective_name="corpus_bleu",
            direction="maximize",
        )
    assert [s.standing for s in read_sweep(tmp_path).settings] == ["chosen", "not known"]


def test_with_few_dialogues_what_is_not_shown_to_be_worse_is_not_known(tmp_path: Path) -> None:
    for number, objective in enumerate((3.0, 3.5)):
        scores = make_trial(tmp_path, number, f"lora.r={number}", objective=objective) / "scores.jsonl"
        rows = list(read_jsonl(scores))
        write_jsonl(scores, [{**row, "dialogue_id": f"d{place % 3}"} for place, row in enumerate(rows)])
    found = read_sweep(tmp_path)
    assert [s.standing for s in found.settings] == ["chosen", "not known"]
    assert "only 3 dialogues" in in_words(found.noise)
