"""The stage on a small model: an adapter that does nothing shows exactly nothing, a broken one is flagged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mentalft.config import Config
from mentalft.errors import ConfigError
from mentalft.forgetting.evidence import evidence_of
from mentalft.forgetting.measure import measure
from mentalft.forgetting.records import FORGETTING, Forgetting
from mentalft.generation.contenders import contenders_of
from mentalft.generation.engines import TransformersEngine
from mentalft.modeling.locate import locate_model
from mentalft.records import Splits
from mentalft.stages import FORGETTING as STAGE
from tests.generation.test_evaluate import adapter, splits
from tests.test_conf import composed

__all__ = ["adapter", "splits"]
QUICK = (
    "forgetting.items=10", "forgetting.max_new_tokens=16", "forgetting.validation_dialogues=3",
    "forgetting.scales=[0,0.5,1]", "eval.bootstrap_resamples=200",
)  # fmt: skip
NOTHING, BROKEN = "eval.contenders.nothing.adapter", "eval.contenders.broken.adapter"


def config(small_model: Path, *overrides: str) -> Config:
    return composed(f"model.name_or_path={small_model}", *QUICK, *overrides)


def scaled_copy(adapter: Path, folder: Path, factor: float) -> Path:
    from safetensors.torch import load_file, save_file

    shutil.copytree(adapter, folder)
    path = folder / "adapter_model.safetensors"
    weights = {name: weight * (factor if "lora_B" in name else 1) for name, weight in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})
    return folder


def run(cfg: Config, adapter: Path, splits: Splits, run_dir: Path) -> Forgetting:
    contenders = contenders_of(cfg, locate_model(cfg.model), lambda: adapter)
    return measure(cfg, contenders, splits.validation, run_dir)


@pytest.fixture(scope="module")
def made(
    small_model: Path, adapter: Path, splits: Splits, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Config]:
    """A run with the tuned model, an adapter that does nothing, one blown up, another model, a file and no server."""
    folder = tmp_path_factory.mktemp("forgetting")
    answers = folder / "answers.json"
    answers.write_text("{}")
    other = folder / "other_model"
    shutil.copytree(small_model, other)
    cfg = config(
        small_model,
        f"{NOTHING}={scaled_copy(adapter, folder / 'nothing', 0)}",
        f"{BROKEN}={scaled_copy(adapter, folder / 'broken', 20)}",
        f"eval.contenders.other.name_or_path={other}",
        f"eval.contenders.theirs.answers={answers}",
    )
    run(cfg, adapter, splits, folder / "run")
    return folder / "run", cfg


def test_an_adapter_that_does_nothing_shows_exactly_nothing(made: tuple[Path, Config]) -> None:
    found = FORGETTING.load(made[0])
    for part in found.parts:
        change = part.changes["nothing"]
        assert (change.lost, change.gained, change.difference, change.p_value) == (0, 0, 0.0, 1.0)
        assert part.right["nothing"] == part.right["base"]
    for point in found.curves["nothing"].points:
        assert (point.kl.value, point.gain.value, point.change.difference) == (0.0, 0.0, 0.0)
        assert point.gain.interval == (0.0, 0.0)
    texts = {n: (made[0] / f"forgetting/answers/{n}.jsonl").read_bytes() for n in ("base", "nothing", "nothing@0.5")}
    assert len(set(texts.values())) == 1
    assert found.kl["tuned"].value > 0


def test_a_broken_adapter_is_a_caution(made: tuple[Path, Config]) -> None:
    shown = evidence_of(made[0])
    assert shown is not None
    flagged = {(gate.rule, gate.contender) for gate in shown.gates}
    assert ("kl", "broken") in flagged
    assert not {name for _, name in flagged} & {"nothing", "other"}


def test_only_adapters_on_the_base_have_a_distance_and_a_curve(made: tuple[Path, Config]) -> None:
    found = FORGETTING.load(made[0])
    assert found.contenders == ("base", "tuned", "nothing", "broken", "other")
    assert found.not_asked == ("theirs",)
    assert set(found.kl) == set(found.curves) == {"tuned", "nothing", "broken"}
    assert found.whole.changes["other"].difference == 0.0, "the same weights in another folder"
    assert set(found.identities) == set(found.contenders)


def test_the_ends_of_the_curve_are_the_base_and_the_contender(made: tuple[Path, Config]) -> None:
    found = FORGETTING.load(made[0])
    first, _, last = found.curves["tuned"].points
    assert (first.right, first.gain.value, first.kl.value) == (found.whole.right["base"], 0.0, 0.0)
    assert (last.right, last.kl) == (found.whole.right["tuned"], found.kl["tuned"])


def test_a_model_at_chance_says_so(made: tuple[Path, Config]) -> None:
    found = FORGETTING.load(made[0])
    if not any(part.can_show for part in found.parts):
        assert all(curve.best is None for curve in found.curves.values())
    for part in found.parts:
        if part.part.startswith("choice"):
            assert part.chance == 0.25
            assert part.can_show is (part.chance_p is not None and part.chance_p < 0.05)


def test_what_an_unfinished_attempt_left_is_kept(
    made: tuple[Path, Config], adapter: Path, splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir, cfg = made
    shutil.copytree(run_dir / "forgetting", tmp_path / "forgetting")
    before = {path.name: path.read_bytes() for path in (tmp_path / "forgetting").rglob("*.jsonl")}
    cut = tmp_path / "forgetting" / "answers" / "tuned.jsonl"
    lines = cut.read_text(encoding="utf-8").splitlines(keepends=True)
    cut.with_name("tuned.partial.0.jsonl").write_text("".join(lines[:-2]) + lines[-1][:9], encoding="utf-8")
    cut.unlink()
    asked: list[int] = []
    ask: Callable[..., Any] = TransformersEngine.ask

    def counted(self: TransformersEngine, contender: Any, prompts: Any) -> Any:
        asked.append(len(prompts))
        return ask(self, contender, prompts)

    monkeypatch.setattr(TransformersEngine, "ask", counted)
    found = run(cfg, adapter, splits, tmp_path)
    assert asked == [2], "the line that was cut, and the one that was lost"
    assert found == FORGETTING.load(run_dir)
    assert {path.name: path.read_bytes() for path in (tmp_path / "forgetting").rglob("*.jsonl")} == before


def test_a_baseline_that_is_not_loaded_is_refused_at_once(small_model: Path) -> None:
    server = ("eval.baseline=far", "eval.contenders.far.base_url=http://localhost:1/v1", "eval.contenders.far.model=m")
    with pytest.raises(ConfigError, match="baseline far is not loaded here"):
        STAGE.check(config(small_model, *server))


def test_prompts_that_are_too_long_are_not_asked(
    small_model: Path, adapter: Path, splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(config(small_model, "data.max_length=16"), adapter, splits, tmp_path)
    assert f"{60 - found.whole.items} of 60 prompts are too long and are left out" in capsys.readouterr().out
