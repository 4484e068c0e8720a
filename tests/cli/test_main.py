"""The command line: mistakes are answered at once, in one message, with the right exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mentalft.cli.main import run
from mentalft.cli.single import compose_alone, one_experiment, register_schema
from mentalft.sweep.plan import plan_sweep
from tests.conftest import dialogue_record


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["lora.rank=3"], ["lora.rank=3", "no such key", "lora.r"]),
        (["+lora.rank=3"], ["lora.rank=3", "no such key"]),
        (["+new.key=1"], ["new.key=1", "no such key", "trainer"]),
        (["foo=3"], ["foo=3", "no such key", "stages"]),
        (["eval.response.base=a.json"], ["no such key; did you mean 'eval.responses'?"]),
        (["eval.foo=1"], ["no such key", "openai", "responses", "bounds"]),
        (["trainer.precison=fp16"], ["did you mean 'trainer.precision'"]),
        (["trainer.lr=1e-4"], ["trainer.lr=1e-4", "did you mean 'trainer.learning_rate'?"]),
        (["model_name_or_path=x"], ["did you mean 'model.name_or_path'?"]),
        (["precision=fp16"], ["did you mean 'trainer.precision'?"]),
        (["eval.bounds.foo=1"], ["accepted there are caution, not_comparable"]),
        (["lora.r=abc"], ["lora.r=abc", "a whole number", "at least 1"]),
        (["lora.r="], ["lora.r=", "a whole number"]),
        (["lora.r=null"], ["lora.r=null", "a whole number"]),
        (["data.max_length=1.5"], ["data.max_length=1.5", "a whole number"]),
        (["trainer.gradient_checkpointing=maybe"], ["true or false"]),
        (["trainer.precision=fp12"], ["trainer.precision=fp12", "auto, fp16, bf16, fp32"]),
        (["data=sampel"], ["data=sampel", "local, mentalchat, sample, soulchat", "did you mean 'sample'"]),
        (["experiment=nope"], ["experiment=nope", "quick"]),
        (["lora=null"], ["lora=null", "qv_r8"]),
        (["stages=prepare"], ["write 'stages=[prepare]'"]),
        (["stages=[prepare,evalute]"], ["'evalute'", "did you mean 'evaluate'"]),
        (["eval.metrics=[bleu,bleu]"], ["eval.metrics", "twice"]),
        (["lora.target_modules=[]"], ["lora.target_modules is empty"]),
        (["data=local"], ["data.path has no value", "data.path=FILE", "data.sources="]),
        (["data.column={question: a}"], ["no such key", "data.columns"]),
        (["trainer.num_processes=0"], ["trainer.num_processes must be auto or a number"]),
        (["~lora.r"], ["lora.r", "cannot be deleted"]),
        (["lora.r=[1"], ["cannot read the override"]),
        (["junk"], ["cannot read the override 'junk'"]),
        (["lora.r=4,8"], ["--multirun"]),
        (["trainer.save_steps=30"], ["trainer.save_steps", "multiple"]),
        (["trainer.max_steps=0"], ["trainer.max_steps"]),
        (["data.validation_fraction=0.6", "data.test_fraction=0.5"], ["0.6 + 0.5"]),
        (["lora.r=0", "trainer.learning_rate=3", "data.test_fraction=0"],
         ["lora.r must be at least 1", "trainer.learning_rate must be above 0 and at most 1, got 3", "data.test_fraction"]),
        (["--multirun", "data=sampel"], ["did you mean 'sample'"]),
        (["--multirun", "lora.r=x,4"], ["a whole number"]),
        (["--multirun", "run_dir=somewhere", "lora.r=2,4"], ["run_dir", "--multirun", "sweep_dir=PATH"]),
        (["sweep_dir=somewhere"], ["sweep_dir", "needs --multirun"]),
        (["eval.objective=test/bleu"], ["its own choosing", "validation split", "eval.objective=bleu"]),
        (["eval.objective=rougel"], ["did you mean 'rougeL'"]),
        (["--cfg", "job", "lora.r=0"], ["lora.r must be at least 1"]),
    ],
)  # fmt: skip
def test_a_configuration_mistake_is_one_clear_message(
    overrides: list[str], words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["mentalft", *overrides])
    code = run(overrides)
    said = capsys.readouterr()
    assert code == 1
    for word in words:
        assert word in said.err
    assert "Traceback" not in said.err + said.out
    assert not list(Path.cwd().glob("outputs/*/*")), "a mistake leaves no run directory"


@pytest.mark.parametrize("arguments", [["--bogus"], ["-m", "--cfg", "job"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as error:
        run(arguments)
    assert error.value.code == 2


@pytest.mark.parametrize(
    "overrides",
    [
        ["data=local", "data.path=d.csv", "data.columns={question: foo, answer: bar}"],
        ["data=local", "data.path=d.csv", "data.columns.question=foo", "data.columns.answer=bar"],
        ["data=local", "data.sources=[d.csv]", "data.columns={question: foo, answer: bar}"],
    ],
)
def test_the_names_of_columns_are_the_users_own(overrides: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        ",".join(turn["content"].replace("，", "") for turn in dialogue_record(n, 1)["messages"]) for n in range(40)
    ]
    Path("d.csv").write_text("\n".join(["foo,bar", *rows]), encoding="utf-8")
    arguments = ["stages=[prepare]", "tracking=none", "run_dir=run", *overrides]
    monkeypatch.setattr(sys, "argv", ["mentalft", *arguments])
    assert run(arguments) == 0
    assert Path("run/data/train.jsonl").is_file()


def test_version_is_our_own(capsys: pytest.CaptureFixture[str]) -> None:
    from mentalft import __version__

    assert run(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"], ["lora.rank=3"], ["lora.r=0"]])
def test_quick_answers_do_not_import_torch(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from mentalft.cli.main import run\n"
        f"sys.argv = ['mentalft']\n"
        "try:\n"
        f"    run({arguments!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'torch', 'transformers', 'peft', 'wandb', 'datasets', 'nltk'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_names_every_option_of_every_group(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mentalft.config.mistakes import _groups

    monkeypatch.setattr(sys, "argv", ["mentalft", "--help"])
    with pytest.raises(SystemExit) as done:
        run(["--help"])
    assert not done.value.code
    shown = capsys.readouterr().out
    for group, options in _groups().items():
        line = next(line for line in shown.splitlines() if line.split()[:1] == [group])
        assert set(line.split()[1:]) == set(options), f"the help on {group}"


def test_a_second_run_in_the_same_second_gets_its_own_directory() -> None:
    from mentalft.cli.single import claim

    claimed = {claim(Path("outputs")) for _ in range(5)}
    assert len(claimed) == 5
    assert all(path.is_dir() for path in claimed)


def test_python_dash_m_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mentalft", "lora.rank=3"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "lora.rank=3: there is no such key" in done.stderr


@pytest.mark.parametrize("value", ["共同的", "数据/咨询 记录.json", "你好，请说。"])
def test_text_in_another_script_needs_no_quotes(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([f"data.system_message={value}", f"data.path={value}", "data=local", "--cfg", "job"]) == 0
    said = capsys.readouterr().out
    assert f"system_message: {value}\n" in said
    assert f"path: {value}\n" in said


@pytest.mark.parametrize(
    ("given", "one"),
    [
        (["experiment=quick"], ["experiment=quick"]),
        (["-m", "experiment=seeds", "lora.r=4", "experiment=quick"], ["-m", "lora.r=4", "experiment=[seeds,quick]"]),
        (["experiment=quick,full", "experiment=[seeds,reference]"],
         ["experiment=[quick,seeds,reference],[full,seeds,reference]"]),
        (["experiment=seeds", "experiment=null"], ["experiment=seeds", "experiment=null"]),
        (["experiment=seeds", "experiment=null", "experiment=quick", "experiment=full"], ["experiment=[quick,full]"]),
    ],
)  # fmt: skip
def test_of_two_experiments_both_apply(given: list[str], one: list[str]) -> None:
    assert one_experiment(given) == one


def test_the_later_experiment_goes_before_and_the_earlier_keeps_its_sweep() -> None:
    register_schema()
    both = one_experiment(["experiment=seeds", "experiment=quick"])
    jobs = plan_sweep(both, ["mentalft", "-m", *both]).plan.trials
    assert [job[-1] for job in jobs] == ["seed=1", "seed=2", "seed=3"]  # type: ignore[union-attr]
    config = compose_alone(one_experiment(["experiment=reference", "experiment=quick", "data=sample"])).config
    assert (config.trainer.max_steps, config.model.name) == (
        compose_alone(["experiment=quick"]).config.trainer.max_steps,
        "Llama-3.2-3B-Instruct",
    )
