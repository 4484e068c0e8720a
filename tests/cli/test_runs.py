"""``mentalft-runs`` as it is called: tables, exit codes, one line an error, and no torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mentalft
from mentalft.cli import runs as runs_cli
from mentalft.files import read_json
from mentalft.runs.manifest import write_records
from mentalft.stages import STAGES
from tests.comparison.test_runs import make_run
from tests.recorded import record, recorded_run
from tests.show.sweep.fabricated import make_trial


def called(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["mentalft-runs", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        runs_cli.main()
    return int(stopped.value.code or 0)


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [make_run(tmp_path / f"seed{seed}", seed) for seed in (1, 2)]


def test_a_table_in_the_terminal_and_in_files(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = (tmp_path / "t.md", tmp_path / "t.json")
    assert called(monkeypatch, "compare", *runs, "--markdown", files[0], "--json", files[1]) == 0
    said = capsys.readouterr().out
    for part in ("run 2:", "ROUGE-1", "all", "Spread between runs", "better"):
        assert part in said
    assert "| ROUGE-1 | all |" in files[0].read_text()
    assert read_json(files[1])["combined"][0]["metric"] == "rouge1"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_run(tmp_path_factory.mktemp("whole") / "run")


def test_a_finished_run_is_shown_again(
    whole: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert called(monkeypatch, "show", whole) == 0
    said = capsys.readouterr().out
    for part in (
        "The tuned model is",
        "caution: there are only 12 dialogues",
        "ROUGE-1",
        "Holm p:",
        "note: ",
        f"run directory: {whole}",
    ):
        assert part in said
    assert called(monkeypatch, "show", whole, "--open") == 1
    assert "holds no report.html" in capsys.readouterr().err
    (whole / "report.html").write_text("")
    assert called(monkeypatch, "show", whole) == 0
    assert opened == [], "not where nobody looks at a screen"
    assert f"report: {whole / 'report.html'}" in capsys.readouterr().out
    assert called(monkeypatch, "show", whole, "--open") == 0
    assert opened == [(whole / "report.html").as_uri()]
    (whole / "report.html").unlink()


def test_runs_are_listed(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, "list") == 0
    assert "no runs in outputs and multirun" in capsys.readouterr().out
    for name in ("a", "b", "c"):
        (tmp_path / "outputs" / "day" / name / ".stages").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert called(monkeypatch, "list", "--limit", 2) == 0
    said = capsys.readouterr().out
    assert said.count("outputs/day/") == 2
    assert "and 1 older runs" in said
    long = f"outputs/day/{'long' * 60}"
    (tmp_path / long / ".stages").mkdir(parents=True)
    assert called(monkeypatch, "list", "outputs/day") == 0
    assert any(long in line and "nothing done" in line for line in capsys.readouterr().out.splitlines())
    assert called(monkeypatch, "list", whole, "outputs", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 5
    assert {bool(row["verdict"]) for row in rows} == {False, True}
    assert called(monkeypatch, "list", "nowhere") == 1
    assert "nowhere is no directory" in capsys.readouterr().err


def test_verify_ends_with_0_or_1(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, "verify", whole) == 0
    said = capsys.readouterr().out
    assert "equal: scores in comparison.json" in said
    assert "all equal" in said
    broken = shutil.copytree(whole, tmp_path / "broken")
    (broken / "metrics.json").write_text('{"metrics": {}}')
    assert called(monkeypatch, "verify", broken) == 1
    said = capsys.readouterr().out
    assert "differs: files of compare: metrics.json was changed" in said
    assert "something differs" in said
    assert called(monkeypatch, "verify", tmp_path / "nowhere") == 1
    stopped = recorded_run(tmp_path / "stopped")
    (stopped / ".stages" / "compare.json").unlink()
    settings = mentalft.load_run(stopped).settings
    write_records(stopped, record(settings), STAGES)  # as a stage does that begins again
    assert called(monkeypatch, "verify", stopped) == 1
    said = capsys.readouterr().out
    assert "unfinished: compare was begun and is not complete" in said
    assert f"{stopped}: unfinished" in said
    assert "differs" not in said


def test_errors_are_lines_and_exit_codes(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, "compare", runs[0], tmp_path / "nowhere") == 1
    error = capsys.readouterr().err
    assert error.startswith("mentalft-runs: ")
    assert len(error.splitlines()) == 1
    assert called(monkeypatch, "compare", runs[0], "--json", tmp_path) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert called(monkeypatch, "compare") == 2
    assert called(monkeypatch, "compere", runs[0]) == 2
    assert called(monkeypatch, "--help") == 0


@pytest.mark.parametrize("command", ["compare", "list", "power", "show"])
def test_it_needs_no_torch(runs: list[Path], command: str) -> None:
    code = (
        "import sys\nfrom mentalft.cli import runs as runs_cli\n"
        "try:\n    runs_cli.main()\nexcept SystemExit as stopped:\n    assert not stopped.code\n"
        "print([name for name in ('torch', 'transformers', 'nltk', 'jieba', 'wandb', 'hydra') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, command, *map(str, runs[:1] if command in ("power", "show") else runs)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_how_many_dialogues_a_difference_takes(
    runs: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, "power", runs[0], "--difference", 0.02) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "a difference of +0.0200 in ROUGE-1 takes about" in said
    assert "this run has 24, so" in said
    assert called(monkeypatch, "power", runs[0], "--metric", "bleu") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "what was seen is itself uncertain" in said
    assert "which is enough" in said
    for wrong, code, words in (
        (("--metric", "blue"), 1, "has no blue; there are rouge1, bleu"),
        (("--difference", 0), 2, "is no size"),
        (("--difference", "nan"), 2, "is no size"),
    ):
        assert called(monkeypatch, "power", runs[0], *wrong) == code
        assert words in capsys.readouterr().err


def test_a_sweep_is_shown_and_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_trial(tmp_path, 0, "lora.r=4", objective=3.2)
    make_trial(tmp_path, 1, "lora.r=8", objective=3.0)
    make_trial(tmp_path, 2, "lora.r=16", state="failed", objective=None, error="out of [memory]")
    assert called(monkeypatch, "sweep", tmp_path) == 0
    said = capsys.readouterr().out
    for part in (
        "2 done, 1 failed",
        "chosen",
        "out of [memory]",
        "Test scores of r=8",
        "alone: mentalft experiment=quick lora.r=8",
        "page: ",
    ):
        assert part in said
    assert (tmp_path / "sweep.html").is_file()
    assert called(monkeypatch, "sweep", tmp_path / "nowhere") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_metrics_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from mentalft.metrics.registry import listed

    assert called(monkeypatch, "metrics", "--json") == 0
    assert json.loads(capsys.readouterr().out) == listed("en")
    assert called(monkeypatch, "metrics") == 0
    said = capsys.readouterr().out
    assert all(metric["name"] in said and metric["title"] in said for metric in listed("en"))


def test_a_run_in_chinese_is_shown_in_chinese(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = recorded_run(tmp_path / "run", "report.language=zh")
    assert called(monkeypatch, "show", run) == 0
    said = capsys.readouterr().out
    assert "运行目录：" in said
    assert "run directory" not in said
    for command, words in (
        (["compare", run], ["运行 1：", "长度接近度"]),
        (["list", run], ["结论", "更好：ROUGE-1"]),
        (["power", run, "--difference", 0.02], ["若相差 +0.0200", "功效 80%"]),
        (["verify", run], ["一致：comparison.json 中的得分", "一致：prepare 的文件", "全部一致"]),
    ):
        assert called(monkeypatch, *command) == 0
        said = capsys.readouterr().out
        assert all(word in said for word in words), said
    (run / "metrics.json").write_text('{"metrics": {}}')
    assert called(monkeypatch, "verify", run) == 1
    said = capsys.readouterr().out
    assert "不一致：compare 的文件：metrics.json 写入后被改动过" in said
    assert "有不一致之处" in said


def test_what_is_of_no_run_is_said_in_the_language_of_the_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.chdir(tmp_path)
    assert called(monkeypatch, "metrics") == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("余弦相似度", "困惑度", "越低越好"))
    assert called(monkeypatch, "metrics", "--json") == 0
    assert {metric["better"] for metric in json.loads(capsys.readouterr().out)} == {"higher", "lower"}
    assert called(monkeypatch, "list") == 0
    assert "outputs和multirun 中没有运行" in capsys.readouterr().out


def test_brackets_in_the_help_are_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(monkeypatch, "workspace", "--help") == 0
    assert "mentalft[workspaces]" in capsys.readouterr().out
