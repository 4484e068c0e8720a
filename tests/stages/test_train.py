"""Training arguments as they really are, and the loss that is really measured."""

from __future__ import annotations

from pathlib import Path

import torch

from mentalft.modeling.precision import PrecisionPlan
from mentalft.stages.train import _last_checkpoint, training_arguments
from tests.test_conf import composed


def test_the_reference_case_reaches_the_trainer(tmp_path: Path) -> None:
    cfg = composed("experiment=reference")
    arguments = training_arguments(cfg.trainer, PrecisionPlan("fp32", "cpu", torch.float32), tmp_path, cfg.seed)
    assert arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps == 8
    assert (arguments.learning_rate, arguments.weight_decay, arguments.num_train_epochs) == (2e-5, 0.01, 3)
    assert arguments.lr_scheduler_type == "cosine"
    assert arguments.get_warmup_steps(1000) == 100
    assert arguments.optim == "adamw_torch"
    assert (arguments.eval_steps, arguments.save_steps, arguments.logging_steps) == (200, 400, 50)
    assert (arguments.load_best_model_at_end, arguments.metric_for_best_model) == (True, "eval_loss")
    assert arguments.activation_checkpointing
    assert (arguments.seed, arguments.report_to) == (42, [])


def test_a_checkpoint_cut_short_is_not_used(tmp_path: Path) -> None:
    for step in (10, 20):
        (tmp_path / f"checkpoint-{step}").mkdir()
    (tmp_path / "checkpoint-10" / "trainer_state.json").write_text("{}")
    assert _last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")
    assert not (tmp_path / "checkpoint-20").exists()
    assert _last_checkpoint(tmp_path / "absent") is None
