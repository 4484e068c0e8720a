"""The real entry point from start to end: what it writes, what it skips, and how it fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from omegaconf import OmegaConf

from mentalft.assets import MANIFEST_SCHEMA
from mentalft.cli.main import run
from mentalft.files import read_json, read_jsonl
from mentalft.runs.api import load_run
from mentalft.runs.markers import markers
from mentalft.runs.verify import verify
from mentalft.stages import STAGES
from tests.conftest import dialogue_record
from tests.tracking.reading import transaction_log

PROMISED = [
    ".hydra/config.yaml", "mentalft.log", "config.resolved.yaml", "manifest.json",
    "data/train.jsonl", "data/validation.jsonl", "data/test.jsonl", "data/rejected.jsonl", "data/report.json",
    "adapter/adapter_model.safetensors", "adapter/adapter_config.json", "adapter/tokenizer.json", "adapter/README.md",
    "training.jsonl", "responses/base.jsonl", "responses/tuned.jsonl", "metrics.json",
    "comparison.md", "comparison.csv", "comparison.json", "items.jsonl", "scores.jsonl",
    "comparison.tex", "methods.md", "items.csv", "report.html", "plots/loss.png", "plots/loss.svg",
]  # fmt: skip

SYSTEM_MESSAGE = "你陪着来访者慢慢说，不催促"


def mentalft(monkeypatch: pytest.MonkeyPatch, *overrides: str) -> int:
    monkeypatch.setattr(sys, "argv", ["mentalft", *overrides])
    return run(list(overrides))


def only_run(kind: str = "outputs") -> Path:
    (found,) = Path.cwd().glob(f"{kind}/*/*")
    return found


def test_a_whole_run_writes_what_it_promises(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        mentalft(
            monkeypatch,
            *quick_overrides,
            f"data.system_message={SYSTEM_MESSAGE}",
            "report.html=true",
            "report.plots=true",
        )
        == 0
    )
    run_dir, said = only_run(), capsys.readouterr().out
    assert f"report: {run_dir.relative_to(Path.cwd())}/report.html" in said
    assert [name for name in PROMISED if not (run_dir / name).is_file()] == []
    assert list(run_dir.glob("wandb/offline-run-*"))
    assert not list(run_dir.rglob("*.tmp"))
    for word in ("BLEU", "ROUGE-1", "cosine", "95% interval", f"run directory: {run_dir.relative_to(Path.cwd())}"):
        assert word in said
    check_data(run_dir)
    check_answers(run_dir)
    check_manifest(run_dir)
    check_privacy(run_dir)
    assert {p.name for p in Path.cwd().iterdir()} == {"outputs"}, "nothing is written outside the run directory"


def check_data(run_dir: Path) -> None:
    splits = {
        name: [r["id"] for r in read_jsonl(run_dir / "data" / f"{name}.jsonl")]
        for name in ("train", "validation", "test")
    }
    ids = [i for found in splits.values() for i in found]
    assert len(ids) == len(set(ids)) == 60
    report = read_json(run_dir / "data" / "report.json")
    assert report["records"] == sum(report["dialogues"].values()) + report["rejected"] + report["duplicates"]


def check_answers(run_dir: Path) -> None:
    base, tuned = (list(read_jsonl(run_dir / "responses" / f"{side}.jsonl")) for side in ("base", "tuned"))
    assert [r["prompt_sha256"] for r in base] == [r["prompt_sha256"] for r in tuned]
    items = list(read_jsonl(run_dir / "items.jsonl"))
    comparison = read_json(run_dir / "comparison.json")
    assert comparison["items"] == len(items) == len(base)
    for row in comparison["metrics"]:
        for name in ("base", "tuned"):
            scores = [i["scores"][name][row["metric"]] for i in items]
            if row["metric"] not in ("corpus_bleu", "chrf", "perplexity"):  # these are no means of items
                assert row["scores"][name] == pytest.approx(sum(scores) / len(scores))
        found = row["differences"]["tuned"]
        assert found["interval"][0] <= found["difference"] <= found["interval"][1]


def check_manifest(run_dir: Path) -> None:
    manifest = read_json(run_dir / "manifest.json")
    assert list(Draft202012Validator(read_json(MANIFEST_SCHEMA)).iter_errors(manifest)) == []
    assert set(manifest["stages"]) == {"prepare", "train", "evaluate", "screen", "compare"}
    assert len(manifest["data"]["sha256"]) == 64
    assert manifest["versions"]["torch"]
    assert manifest["seeds"]["seed"] == 42


def check_privacy(run_dir: Path) -> None:
    """The scores and no sentence of the data, of the system message or of the answers in what W&B would upload."""
    records = transaction_log(run_dir)
    logged = {k: v for r in records if r["type"] == "summary" for k, v in r["summary"]["update"].items()}
    for score in read_json(run_dir / "comparison.json")["metrics"]:
        assert logged[f"tuned/{score['metric']}"] == score["scores"]["tuned"]
    log = json.dumps(records, ensure_ascii=False)
    files = [path for path in (run_dir / "wandb").rglob("*") if path.is_file() and path.suffix != ".wandb"]
    uploaded = log + "".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
    dialogues = [r for name in ("train", "validation", "test") for r in read_jsonl(run_dir / "data" / f"{name}.jsonl")]
    said = {message["content"] for record in dialogues for message in record["messages"]}
    answers = {row["text"] for side in ("base", "tuned") for row in read_jsonl(run_dir / "responses" / f"{side}.jsonl")}
    assert SYSTEM_MESSAGE in said
    parts = {text[i : i + 8] for text in said | answers for i in range(max(1, len(text) - 7)) if len(text) >= 8}
    assert len(parts) > 1000
    assert [part for part in parts if part in uploaded or json.dumps(part)[1:-1] in uploaded] == []


def test_a_finished_run_is_not_done_again_and_a_changed_stage_is(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert mentalft(monkeypatch, *quick_overrides) == 0
    run_dir = only_run()
    first = (run_dir / "comparison.json").read_bytes()
    capsys.readouterr()
    again = [*quick_overrides, f"run_dir={run_dir}"]
    assert mentalft(monkeypatch, *again) == 0
    assert capsys.readouterr().out.count("already done") == 5
    assert (run_dir / "comparison.json").read_bytes() == first
    assert mentalft(monkeypatch, *again, "eval.metrics=[rouge1]", "stages=[compare]") == 0
    assert "compare: runs again: eval.metrics changed" in capsys.readouterr().out
    assert [m["metric"] for m in read_json(run_dir / "comparison.json")["metrics"]] == [
        "rougeL",
        "rouge1",
        "perplexity",
    ]
    assert mentalft(monkeypatch, *again, "lora.r=4") == 0
    said = capsys.readouterr().out
    assert "train: runs again: lora.r changed from 8 to 4" in said
    assert "evaluate: runs again: the adapter of tuned changed" in said
    assert "base: 8 answers from the cache" in said or "answers from the cache" in said


def test_a_later_command_changes_the_record_of_what_it_did_alone(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert mentalft(monkeypatch, *quick_overrides, "tracking=none", "lora.r=4") == 0
    run_dir = only_run()
    card = run_dir / "adapter" / "README.md"
    assert "| ROUGE-1 |" in card.read_text()
    before = read_json(run_dir / "manifest.json")
    assert (
        mentalft(monkeypatch, "stages=[compare]", f"run_dir={run_dir}", "tracking=none", "eval.metrics=[length]") == 0
    )
    after = read_json(run_dir / "manifest.json")
    assert before["command"] == after["command"] == ["mentalft", *quick_overrides, "tracking=none", "lora.r=4"]
    assert after["stages"]["train"] == before["stages"]["train"]
    assert after["stages"]["compare"]["command"][1] == "stages=[compare]"
    resolved = OmegaConf.load(run_dir / "config.resolved.yaml")
    assert (resolved.lora.r, resolved.data.name, resolved.eval.metrics) == (4, "local", ["rougeL", "length"])
    assert "| length |" in card.read_text(), "the card has the new comparison"
    assert "| ROUGE-1 |" not in card.read_text()
    assert verify(run_dir, STAGES).equal
    capsys.readouterr()
    assert mentalft(monkeypatch, *quick_overrides, "tracking=none", "lora.r=4", f"run_dir={run_dir}") == 0
    assert "train: already done" in capsys.readouterr().out, "a card written anew is no reason to train again"


def test_the_same_command_gives_the_same_result(monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str]) -> None:
    results = []
    for _ in range(2):
        assert mentalft(monkeypatch, *quick_overrides, "cache=off", "tracking=none", "eval.metrics=[bleu]") == 0
    for run_dir in sorted(Path.cwd().glob("outputs/*/*")):
        results.append(
            [
                (run_dir / name).read_bytes()
                for name in ("adapter/adapter_model.safetensors", "responses/tuned.jsonl", "comparison.csv")
            ]
        )
    assert results[0] == results[1]


def test_a_sweep_gives_each_job_a_run_directory_and_a_tracker_run(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str]
) -> None:
    assert mentalft(monkeypatch, "-m", *quick_overrides, "lora.r=2,4") == 0
    sweep = only_run("multirun")
    for number, rank in (("0", 2), ("1", 4)):
        assert read_json(sweep / number / "adapter" / "adapter_config.json")["r"] == rank
        assert len(list((sweep / number).glob("wandb/offline-run-*"))) == 1
        assert (sweep / number / "comparison.md").is_file()
        assert read_json(sweep / number / "manifest.json")["command"][-1] == f"lora.r={rank}"


def test_one_bad_job_of_a_sweep_is_reported_and_the_others_run(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = mentalft(monkeypatch, "-m", *quick_overrides, "tracking=none", "stages=[prepare]", "lora.r=0,4")
    said = capsys.readouterr()
    assert code == 1
    assert said.err.count("lora.r must be at least 1") == 2, "at once, and when all is over"
    assert "lora.r must be at least 1" in (only_run("multirun") / "0" / "mentalft.log").read_text()
    assert (only_run("multirun") / "1" / "data" / "train.jsonl").is_file()


def damaged(path: Path) -> Path:
    """A SoulChatCorpus file of which three records cannot be used."""
    good = [json.dumps(dialogue_record(n), ensure_ascii=False) for n in range(60)]
    good[5] = '{"id": 5, "messages": [{"role": "user"'
    good[9] = '{"id": 9, "messages": []}'
    return_text = "[" + ",\n".join(good) + ', {"id": 60, "messages": [{"role": "us'
    path.write_text(return_text, encoding="utf-8")
    return path


def test_damaged_records_are_set_aside_and_counted_on_screen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = damaged(tmp_path / "soul.json")
    assert mentalft(monkeypatch, "data=local", f"data.path={path}", "stages=[prepare]", "tracking=none") == 0
    rejected = list(read_jsonl(only_run() / "data" / "rejected.jsonl"))
    assert {r["record"] for r in rejected} == {6, 10, 61}
    assert all(r["file"] == "soul.json" and r["reason"] for r in rejected)
    assert "3 records set aside" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["data.path=nowhere.json"], ["nowhere.json", "does not exist"]),
        (["data.path=folder"], ["is a directory without data files"]),
        (["data.path=empty.json"], ["is empty"]),
        (["data.path=other.json"], ["the keys a", "set data.format"]),
        (["data.path=unusable.json"], ["no usable dialogue in 3 records", "rejected.jsonl"]),
        (["data.path=few.json"], ["too few for", "data.test_fraction"]),
        (["data.path=good.json", "trainer.precision=fp16"], ["trainer.precision=fp16 needs a CUDA GPU"]),
        (["data.path=good.json", "model.name_or_path=./no_model"], ["./no_model", "does not exist"]),
        (["data.path=good.json", "eval.embedder=./no_embedder"], ["eval.embedder=./no_embedder"]),
        (
            ["data.path=good.json", "stages=[compare]"],
            ["compare needs what the evaluate stage makes", "add evaluate to stages"],
        ),
        (["data.path=good.json", "stages=[prepare,evaluate]"], ["holds no adapter", "add train to stages"]),
        (
            ["data.path=good.json", "eval.adapter=./none", "stages=[prepare,evaluate]"],
            ["eval.adapter=none has no adapter_config.json"],
        ),
        (["data.path=good.json", "data.max_length=16", "stages=[prepare,train]"], ["data.max_length=16"]),
    ],
)
def test_bad_input_is_one_clear_message_and_nothing_half_written(
    overrides: list[str], words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    small_model: Path,
) -> None:  # fmt: skip
    write_bad_files()
    model = [] if any("model." in o for o in overrides) else [f"model.name_or_path={small_model}"]
    code = mentalft(monkeypatch, "data=local", "tracking=none", *model, *overrides)
    said = capsys.readouterr()
    assert code == 1
    for word in words:
        assert word in said.err
    assert "Traceback" not in said.err + said.out
    left = [p.name for p in Path.cwd().glob("outputs/*/*/**/*") if p.is_file()]
    assert not [name for name in left if "tmp" in name or "comparison" in name or name.startswith("adapter")]
    if "rejected.jsonl" not in said.err and "stages" not in " ".join(overrides):
        assert not Path("outputs").exists(), "a run that wrote nothing of use leaves no directory"


def test_a_comparison_of_one_dialogue_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert mentalft(monkeypatch, *quick_overrides, "eval.turns=every_turn", "eval.max_items=3", "tracking=none") == 1
    said = capsys.readouterr()
    assert "would ask 2 items from a single dialogue" in said.err
    assert "train:" not in said.out


def test_a_run_that_fails_is_closed_at_w_and_b_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    write_bad_files()
    assert mentalft(monkeypatch, "data=local", "data.path=unusable.json", "stages=[prepare]") == 1
    log = transaction_log(only_run())
    told = [
        record["summary"]["update"]["error"] for record in log if "error" in record.get("summary", {}).get("update", {})
    ]
    assert len(told) == 1
    assert told[0].startswith("DataError: ")
    assert [record["exit"]["exit_code"] for record in log if record["type"] == "exit"] == [1]


def test_a_run_directory_to_go_on_from_that_is_not_there_is_named_and_not_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mentalft(monkeypatch, "stages=[compare]", "run_dir=typo/run") == 1
    assert "run_dir=typo/run does not exist" in capsys.readouterr().err
    assert not Path("typo").exists()


def test_a_command_that_fails_removes_what_it_made_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("here").mkdir()
    for command in (["run_dir=here"], ["stages=[compare]"], ["run_dir=new/run", "stages=[prepare,compare]"]):
        assert mentalft(monkeypatch, "data.path=nowhere.json", "data=local", *command) == 1
    assert Path("here").is_dir(), "it was there before"
    assert not Path("outputs").exists()
    assert not Path("new/run").exists()


def write_bad_files() -> None:
    def dump(rows: list[Any]) -> str:
        return json.dumps(rows, ensure_ascii=False)

    Path("empty.json").write_text("")
    Path("folder").mkdir()
    Path("other.json").write_text('[{"a": 1}]', encoding="utf-8")
    Path("unusable.json").write_text(dump([{"messages": []}] * 3), encoding="utf-8")
    Path("few.json").write_text(dump([dialogue_record(n) for n in range(2)]), encoding="utf-8")
    Path("good.json").write_text(dump([dialogue_record(n) for n in range(60)]), encoding="utf-8")


def test_a_run_directory_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").write_text("")
    assert mentalft(monkeypatch, "run_dir=file/run") == 1
    said = capsys.readouterr().err
    assert "file" in said
    assert "Traceback" not in said


@pytest.mark.skipif(
    os.geteuid() != 0 or not sys.platform.startswith("linux"), reason="mounting a small disk needs root on Linux"
)
def test_a_full_disk_is_one_clear_message(tmp_path: Path, quick_overrides: list[str]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("this machine does not let tests mount a small disk")
    try:
        done = start([*quick_overrides, "tracking=none", f"run_dir={disk / 'run'}"])
        _, said = done.communicate(timeout=300)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
    assert done.returncode == 1
    assert "No space left on device" in said
    assert "Traceback" not in said


def start(overrides: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mentalft", *overrides], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(pattern: str, process: subprocess.Popen[str]) -> None:
    while not list(Path.cwd().glob(pattern)):
        assert process.poll() is None, f"ended before {pattern} appeared"
        time.sleep(0.05)


LONG = ["trainer.max_steps=2000", "trainer.eval_steps=10", "trainer.save_steps=10", "tracking=none"]


def test_ctrl_c_exits_with_130_and_keeps_what_is_complete(quick_overrides: list[str]) -> None:
    process = start([*quick_overrides, *LONG])
    wait_for("outputs/*/*/checkpoints/checkpoint-10/complete.json", process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "run_dir=outputs/" in said
    assert "Traceback" not in said
    assert (only_run() / "data" / "test.jsonl").is_file()


def test_a_killed_run_goes_on_from_its_checkpoint(quick_overrides: list[str]) -> None:
    process = start([*quick_overrides, *LONG])
    wait_for("outputs/*/*/checkpoints/checkpoint-20/complete.json", process)
    process.kill()
    process.communicate()
    run_dir = only_run()
    again = start([*quick_overrides, *LONG, "trainer.max_steps=2000", f"run_dir={run_dir}"])
    deadline = time.monotonic() + 120
    while "continuing from" not in (run_dir / "mentalft.log").read_text():
        assert again.poll() is None, again.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    again.kill()
    again.communicate()


def test_a_run_keeps_the_precision_that_it_began_in_on_another_machine(
    monkeypatch: pytest.MonkeyPatch, quick_overrides: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    command = [*quick_overrides, "trainer.precision=auto", "tracking=none", "trainer.preflight=false"]
    assert mentalft(monkeypatch, *command, "stages=[prepare]") == 0
    run_dir = only_run()
    assert load_run(run_dir).settings.trainer.precision == "auto", "nothing has used one yet"
    command.append(f"run_dir={run_dir}")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    assert mentalft(monkeypatch, *command, "stages=[prepare,train]") == 0
    assert "bf16 on cpu" in capsys.readouterr().out
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    assert mentalft(monkeypatch, *command, "stages=[prepare,train]") == 0
    assert "train: already done" in " ".join(capsys.readouterr().out.split())
    assert load_run(run_dir).settings.trainer.precision == "bf16"
    assert markers(run_dir)["train"].made_from["trainer.precision"] == "bf16"


def test_answers_that_exist_are_scored_in_a_fresh_run_without_a_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = [f"第{n}个问题：怎么睡得好些？" for n in range(12)]
    files = {
        "references": {q: f"先固定起床时间，第{n}步再看。" for n, q in enumerate(questions)},
        "base": dict.fromkeys(questions[1:], "不知道。") | {"别的问题": "答"},
        "tuned": {q: f"先固定起床时间，第{n}步。" for n, q in enumerate(questions)},
    }
    for name, value in files.items():
        Path(f"{name}.json").write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    given = ["eval.responses.base=base.json", "eval.responses.tuned=tuned.json", "eval.references=references.json"]
    monkeypatch.setattr("mentalft.modeling.base.load_base_model", None)
    command = ["stages=[compare]", "tracking=none", "eval.metrics=[rouge1]", *given]
    assert mentalft(monkeypatch, *command) == 0
    said, run_dir = capsys.readouterr().out, only_run()
    assert "base.json, record 12: '别的问题' is not among the references; it is left out" in said
    assert f"base.json: no answer to '{questions[0]}'; it scores as an empty one" in said
    assert len(list(read_jsonl(run_dir / "responses" / "problems.jsonl"))) == 2
    comparison = read_json(run_dir / "comparison.json")
    assert (comparison["items"], comparison["metrics"][0]["differences"]["tuned"]["verdict"]) == (12, "better")
    first = next(iter(read_jsonl(run_dir / "items.jsonl")))
    assert (first["answers"]["base"], first["scores"]["base"]["rouge1"]) == ("", 0.0)
    assert read_json(run_dir / "manifest.json")["choices"] == {"eval": "default", "tracking": "none"}
    shown = (run_dir / "report.html").read_text(encoding="utf-8")
    assert "rouge_tokenizer" in shown
    assert "lora_alpha" not in shown, "settings that were not used"
