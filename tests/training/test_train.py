"""The training stage: what is really used, what is said, and what happens when memory runs out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mentalft.errors import UserError
from mentalft.files import read_json
from mentalft.modeling.adapter import load_adapter
from mentalft.modeling.base import load_base_model
from mentalft.modeling.locate import locate_model
from mentalft.modeling.precision import PrecisionPlan
from mentalft.records import Splits
from mentalft.training import train as stage
from mentalft.training.preflight import Preflight
from mentalft.training.trainer import SupervisedTrainer
from mentalft.words import told
from tests.test_conf import composed
from tests.training.resuming import fit, settings
from tests.training.test_resume import data  # noqa: F401 - a fixture


def test_the_reference_case_is_what_is_really_trained_with(data: Path, tmp_path: Path) -> None:  # noqa: F811
    """Against the figures of the published recipe, read from the trainer and from peft."""
    cfg = composed("experiment=reference", "model=tiny", "data=sample")
    splits = Splits(data / "train.jsonl", data / "validation.jsonl", data / "validation.jsonl")
    material = stage._material(cfg, locate_model(cfg.model), splits, tmp_path)
    trainer = stage._trainer(material, cfg.trainer.per_device_train_batch_size, lambda row: None)[0]
    args, lora = trainer.args, trainer.model.peft_config["default"]
    assert (lora.r, lora.lora_alpha, lora.lora_dropout, lora.bias) == (8, 32, 0.05, "none")
    assert lora.target_modules == {"q_proj", "v_proj"}
    assert (lora.use_rslora, lora.use_dora, lora.init_lora_weights, lora.modules_to_save) == (False, False, True, None)
    assert (args.per_device_train_batch_size, args.per_device_eval_batch_size) == (2, 1)
    assert (args.gradient_accumulation_steps, trainer.plan.examples_per_step) == (4, 8)
    assert (args.learning_rate, args.lr_scheduler_type, args.get_warmup_steps(1000)) == (2e-5, "cosine", 100)
    assert (args.weight_decay, args.optim, args.num_train_epochs, args.max_steps) == (0.01, "adamw_torch", 3, -1)
    assert (args.adam_beta1, args.adam_beta2, args.adam_epsilon, args.max_grad_norm) == (0.9, 0.999, 1e-8, 1.0)
    assert (args.eval_steps, args.save_steps, args.logging_steps) == (200, 400, 50)
    assert (args.load_best_model_at_end, args.metric_for_best_model, args.activation_checkpointing) == (
        True,
        "eval_loss",
        True,
    )
    assert (args.seed, cfg.data.max_length, args.fp16) == (42, 512, torch.cuda.is_available())
    assert trainer.plan.group_by_length is False


def oom_above(rows: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make the model run out of memory, as a GPU would say it, with more than so many rows."""
    seen: list[int] = []
    real = SupervisedTrainer.negative_log_likelihood

    def small(self: Any, model: Any, inputs: dict[str, Any]) -> Any:
        if model.training:
            seen.append(len(inputs["input_ids"]))
            if seen[-1] > rows:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return real(self, model, inputs)

    monkeypatch.setattr(SupervisedTrainer, "negative_log_likelihood", small)
    return seen


@pytest.mark.parametrize("preflight", ["true", "false"])
def test_out_of_memory_halves_the_batch_and_keeps_the_effective_one(
    preflight: str, small_model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    cfg = settings(str(small_model), "lora.lora_dropout=0", f"trainer.preflight={preflight}")
    fit(cfg, data, tmp_path / "roomy")
    seen = oom_above(1, monkeypatch)
    fit(cfg, data, tmp_path / "tight")
    said = capsys.readouterr().out
    assert "going on with 2 dialogues" in said
    assert "going on with 1 dialogues" in said
    assert set(seen) == {4, 2, 1}
    weights = [load_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("roomy", "tight")]
    assert all(torch.allclose(weights[0][k], weights[1][k], atol=1e-5) for k in weights[0])


def test_without_leave_to_halve_the_message_says_what_would_fit(
    small_model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    cfg = settings(str(small_model), "trainer.auto_find_batch_size=false")
    oom_above(3, monkeypatch)
    with pytest.raises(UserError) as failed:
        fit(cfg, data, tmp_path)
    assert "trainer.per_device_train_batch_size=2 trainer.gradient_accumulation_steps=4" in str(failed.value)
    assert "trainer.gradient_checkpointing=true" in str(failed.value)


def test_the_preflight_changes_nothing_and_tells_the_cost(small_model: Path, data: Path, tmp_path: Path) -> None:  # noqa: F811
    with_it = fit(settings(str(small_model), "trainer.preflight=true"), data, tmp_path / "a")
    assert fit(settings(str(small_model), "trainer.preflight=false"), data, tmp_path / "b") == with_it
    found = read_json(tmp_path / "a" / "preflight.json")
    assert (found["precision"], found["steps"], found["batch_rows"]) == ("fp32", 12, 4)
    assert found["tokens_per_second"] > 0 < found["seconds"]
    adapter = (tmp_path / "a" / "adapter" / "adapter_model.safetensors").stat().st_size
    assert adapter < found["disk_bytes"] < found["free_disk_bytes"]


def test_validation_is_on_a_sample_during_training_and_on_all_at_the_end(
    small_model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],  # noqa: F811
) -> None:  # fmt: skip
    fit(settings(str(small_model), "trainer.max_eval_samples=2"), data, tmp_path / "sampled")
    assert "the validation loss during training is of 2 of " in " ".join(capsys.readouterr().out.split())
    fit(settings(str(small_model)), data, tmp_path / "whole")
    assert "max_eval_samples" not in capsys.readouterr().out

    def curve(name: str) -> list[float]:
        rows = map(json.loads, (tmp_path / name / "training.jsonl").read_text().splitlines())
        return [row["validation/loss"] for row in rows if "validation/loss" in row]

    assert curve("sampled")[0] != curve("whole")[0]
    ends = [read_json(tmp_path / name / "training.json")["validation_loss"] for name in ("sampled", "whole")]
    assert ends[0] == pytest.approx(curve("whole")[-1], abs=1e-6)
    assert ends[0] == pytest.approx(ends[1], abs=1e-6)


@pytest.mark.parametrize(("share", "warns"), [(0.1, False), (0.11, True)])
def test_much_time_for_validation_is_said_with_the_setting(share: float, warns: bool) -> None:
    found = Preflight(1, 1, 1, 1.0, 1, 1.0, share, 1, 1).warning()
    assert (found is not None) is warns
    assert not found or "11% of that time goes into validation; lower trainer.max_eval_samples" in told(found)


def test_a_disk_without_room_is_refused_before_training(
    small_model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    import shutil
    from types import SimpleNamespace

    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(UserError, match=r"preflight: .* 1000 Bytes free.*save_total_limit"):
        fit(settings(str(small_model), "trainer.preflight=true"), data, tmp_path)


def test_what_is_learnt_is_counted_before_training(
    small_model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]  # noqa: F811
) -> None:  # fmt: skip
    fit(settings(str(small_model), "trainer.preview=1", "trainer.max_steps=3"), data, tmp_path)
    said = capsys.readouterr().out
    assert "2,048 of 221,344 parameters (0.93%), an adapter of 8.0 KiB; effective batch 8" in said
    assert said.count("⟦") >= 1
    log = (tmp_path / "training.jsonl").read_text()
    for name in (
        "train/loss",
        "learning_rate",
        "grad_norm",
        "tokens_seen",
        "tokens_per_second",
        "memory_bytes",
        "validation/loss",
    ):
        assert name in log


WAYS = {
    "lora=all_linear": (), "lora=rslora": (), "lora=dora": (), "lora=pissa": (), "lora=full": (),
    "lora.init_lora_weights=olora": (), "lora.modules_to_save=[lm_head]": (), "trainer.gradient_checkpointing=true": (),
    "trainer.batching=padding_free": (), "trainer.precision=bf16": ("trainer.learning_rate=0.02",),
}  # fmt: skip


@pytest.mark.parametrize("way", sorted(WAYS))
def test_every_way_of_tuning_learns_and_its_adapter_fits_the_untouched_base(
    way: str, small_model: Path, data: Path, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    cfg = settings(str(small_model), way, *WAYS[way], "trainer.save_total_limit=9")
    fit(cfg, data, tmp_path)
    rows = [line for line in (tmp_path / "training.jsonl").read_text().splitlines() if "validation/loss" in line]
    losses = [float(line.rsplit(" ", 1)[1].rstrip("}")) for line in rows]
    assert losses[-1] < losses[0] - 0.3
    base = load_base_model(cfg.model, locate_model(cfg.model), PrecisionPlan("fp32", "cpu", torch.float32))
    ids = torch.arange(10, 30)[None]
    with torch.no_grad():
        before = base(ids).logits
        tuned = load_adapter(base, tmp_path / "adapter")
        assert not torch.allclose(tuned(ids).logits, before, atol=1e-3)
        with tuned.disable_adapter():
            assert torch.equal(tuned(ids).logits, before)
    assert read_json(tmp_path / "training.json")["validation_loss"] == pytest.approx(min(losses), rel=2e-3)


def test_bf16_ends_at_the_loss_that_fp32_ends_at(small_model: Path, data: Path, tmp_path: Path) -> None:  # noqa: F811
    losses = []
    for precision in ("fp32", "bf16"):
        fit(settings(str(small_model), f"trainer.precision={precision}"), data, tmp_path / precision)
        losses.append(read_json(tmp_path / precision / "training.json")["validation_loss"])
    assert losses[1] == pytest.approx(losses[0], abs=0.01)


def test_training_goes_on_from_an_adapter(small_model: Path, data: Path, tmp_path: Path) -> None:  # noqa: F811
    fit(settings(str(small_model), "lora=all_linear", "lora.r=4"), data, tmp_path / "first")
    first = read_json(tmp_path / "first" / "training.json")["validation_loss"]
    cfg = settings(str(small_model), f"lora.adapter={tmp_path / 'first' / 'adapter'}", "trainer.learning_rate=0.003")
    fit(cfg, data, tmp_path / "second")
    start = next(
        line for line in (tmp_path / "second" / "training.jsonl").read_text().splitlines() if "validation" in line
    )
    assert json.loads(start)["validation/loss"] == pytest.approx(first, abs=1e-6)
    assert read_json(tmp_path / "second" / "training.json")["validation_loss"] < first
    assert read_json(tmp_path / "second" / "adapter" / "adapter_config.json")["r"] == 4


def test_answers_during_training_are_scored_and_change_nothing(data: Path, small_model: Path, tmp_path: Path) -> None:  # noqa: F811
    runs = {number: tmp_path / str(number) for number in (0, 3)}
    for number, run_dir in runs.items():
        fit(settings(str(small_model), f"eval.during_training={number}", "eval.max_new_tokens=4"), data, run_dir)
    adapters = [(run_dir / "adapter" / "adapter_model.safetensors").read_bytes() for run_dir in runs.values()]
    assert adapters[0] == adapters[1]
    logged = {number: list(map(json.loads, (run_dir / "training.jsonl").open())) for number, run_dir in runs.items()}
    scored = [row for row in logged[3] if "validation/generation_rougeL" in row]
    validated = [row["train/step"] for row in logged[3] if "validation/loss" in row]
    assert [row["train/step"] for row in scored] == validated
    assert all(0 <= row["validation/generation_bleu"] <= 1 for row in scored)
    assert not any("validation/generation_bleu" in row for row in logged[0])
