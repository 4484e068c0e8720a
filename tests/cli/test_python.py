"""mentalft from Python: what a run left as typed objects and frames, and an experiment from a notebook."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra

import mentalft
from mentalft.errors import ConfigError, DataError
from mentalft.records import Comparison, ItemRow
from tests.recorded import recorded_run

PAGE = Path(mentalft.__file__).parents[1] / "docs" / "python.md"


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_run(tmp_path_factory.mktemp("python") / "run", "lora.r=5")


def test_importing_mentalft_imports_nothing_heavy() -> None:
    code = (
        "import sys, mentalft\n"
        "assert mentalft.__version__ and not hasattr(mentalft, 'nothing')\n"
        "heavy = {'torch', 'hydra', 'pandas', 'omegaconf', 'numpy', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "mentalft.load_run\n"
        "heavy = {'torch', 'hydra', 'pandas', 'transformers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_run_is_typed_objects_and_frames(run_dir: Path) -> None:
    run = mentalft.load_run(str(run_dir))
    assert run.path == run_dir
    assert run.settings.lora.r == 5
    assert isinstance(run.comparison, Comparison)
    assert {type(item) for item in run.answers} == {ItemRow}
    scores = run.scores()
    assert list(scores.columns) == ["id", "dialogue_id", "topic", "contender", "metric", "score"]
    assert len(scores) == sum(len(of) for item in run.answers for of in item.scores.values())
    for metric in run.comparison.metrics:
        means = scores[scores.metric == metric.metric].groupby("contender").score.mean()
        assert means.to_dict() == pytest.approx(metric.scores), metric.metric
    items = run.items()
    assert list(items.columns) == ["id", "dialogue_id", "topic", "asked", "reference", *run.comparison.contenders]
    assert items.asked[0] == run.answers[0].history[-1].content
    assert run.training()["train/tokens_seen"].tolist() == [12345]


def test_what_is_not_there_is_said(run_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give a run directory"):
        mentalft.load_run(tmp_path)
    (tmp_path / "config.resolved.yaml").write_bytes((run_dir / "config.resolved.yaml").read_bytes())
    run = mentalft.load_run(tmp_path)
    with pytest.raises(DataError, match=r"comparison\.json does not exist; .*compare"):
        _ = run.comparison
    with pytest.raises(DataError, match=r"items\.jsonl does not exist"):
        run.scores()


def test_the_example_of_the_docs_runs(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    said: dict[str, object] = {}
    exec(example.replace("outputs/2026-11-23/14-22-01", str(run_dir)), said)
    assert "ROUGE-1 tuned" in capsys.readouterr().out
    assert len(said["by_topic"]) > 0  # type: ignore[arg-type]


def test_an_experiment_runs_where_hydra_is_in_use_and_outside_of_the_main_thread(
    quick_overrides: list[str], tmp_path: Path
) -> None:
    given = [*quick_overrides, "stages=[prepare,train]", "tracking=none"]
    found: list[mentalft.Run] = []
    with hydra.initialize_config_module("mentalft.conf", job_name="theirs"):
        theirs = GlobalHydra.instance().hydra
        notebook = threading.Thread(target=lambda: found.append(mentalft.run([*given, f"run_dir={tmp_path / '记录'}"])))
        notebook.start()
        notebook.join()
        assert GlobalHydra.instance().hydra is theirs
    assert found[0].path == tmp_path / "记录"
    assert found[0].training()["train/step"].max() == 4
    assert mentalft.run(given).path.parts[0] == "outputs"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["lora.rank=3"], "there is no such key"),
        (["lora.r=0"], "must be at least 1"),
        (["lora.r=4,8"], "--multirun"),
        (["data=local", "data.path=nowhere.json", "tracking=none"], "nowhere.json"),
    ],
)
def test_a_mistake_is_an_error_with_the_words_of_the_command(overrides: list[str], message: str) -> None:
    with pytest.raises((ConfigError, DataError), match=message):
        mentalft.run(overrides)
    assert not list(Path.cwd().glob("outputs/*/*"))
