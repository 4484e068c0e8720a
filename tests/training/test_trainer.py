"""The loss that is trained on: the mean over supervised tokens, however the step is cut, padded or packed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mentalft.config import Config
from mentalft.data.batches import Collator, Row
from mentalft.errors import DataError, UserError
from mentalft.modeling.adapter import add_adapter
from mentalft.modeling.base import load_base_model
from mentalft.modeling.locate import locate_model
from mentalft.modeling.precision import PrecisionPlan
from mentalft.training.arguments import training_arguments
from mentalft.training.steps import StepPlan
from mentalft.training.trainer import SupervisedTrainer, Validation
from tests.test_conf import composed

TINY = ("trainer.max_steps=3", "trainer.eval_steps=3", "trainer.save_steps=3", "trainer.learning_rate=0.01")


def rows(count: int = 12) -> list[Row]:
    draw = np.random.default_rng(0)
    made = []
    for number in range(count):
        length = int(draw.integers(4, 30))
        supervised = draw.random(length) < 0.5
        supervised[0], supervised[-1] = False, True
        made.append(Row(f"d{number}", draw.integers(5, 400, length).astype(np.int32), supervised))
    return made


def trainer_of(
    cfg: Config, small_model: Path, folder: Path, *, padding_free: bool = False, micro: int | None = None,
    examples: list[Row] | None = None, callbacks: tuple[Any, ...] = (),
) -> SupervisedTrainer:  # fmt: skip
    torch.manual_seed(0)
    precision = PrecisionPlan("fp32", "cpu", torch.float32)
    model_cfg = composed(f"model.name_or_path={small_model}").model
    model = add_adapter(load_base_model(model_cfg, locate_model(model_cfg), precision), cfg.lora, "base")
    arguments = training_arguments(cfg.trainer, folder, 0, precision="fp32", device="cpu")
    examples = examples or rows()
    lengths = tuple(len(r.input_ids) for r in examples)
    effective = cfg.trainer.per_device_train_batch_size * cfg.trainer.gradient_accumulation_steps
    plan = StepPlan(lengths, effective, micro or cfg.trainer.per_device_train_batch_size, 1, 0, group_by_length=False)
    arguments.per_device_train_batch_size, arguments.gradient_accumulation_steps = (
        plan.micro_batch_size,
        plan.accumulation,
    )
    return SupervisedTrainer(
        model=model, args=arguments, plan=plan, train_rows=examples, callbacks=callbacks,
        validation=Validation(examples[:5], StepPlan(lengths[:5], 5, 2, 1, 0, group_by_length=False)),
        collator=Collator(0, padding_free=padding_free, filler=examples[0]),
    )  # fmt: skip


def reference_nll(model: Any, row: Row) -> tuple[float, int]:
    """One dialogue alone through transformers' own loss."""
    ids = torch.from_numpy(row.input_ids.astype(np.int64))[None]
    labels = torch.where(torch.from_numpy(row.supervised)[None], ids, -100)
    with torch.no_grad():
        return float(model(input_ids=ids, labels=labels).loss) * int(row.supervised.sum()), int(row.supervised.sum())


@pytest.mark.parametrize("padding_free", [False, True])
def test_the_loss_is_that_of_each_dialogue_alone(padding_free: bool, small_model: Path, tmp_path: Path) -> None:
    trainer = trainer_of(composed(*TINY), small_model, tmp_path, padding_free=padding_free)
    examples = rows()
    wanted = [reference_nll(trainer.model, row) for row in examples]
    batch = {k: v for k, v in trainer.data_collator(examples).items() if k != "record_ids"}
    with torch.no_grad():
        total, labels = trainer.negative_log_likelihood(trainer.model, batch)
    count = sum(n for _, n in wanted)
    assert float(total) / count == pytest.approx(sum(v for v, _ in wanted) / count, abs=1e-4)
    assert labels == count


def test_packed_and_unpacked_training_end_with_the_same_weights(small_model: Path, tmp_path: Path) -> None:
    cfg = composed(*TINY, "lora.lora_dropout=0")
    ends = []
    for padding_free in (False, True):
        trainer = trainer_of(cfg, small_model, tmp_path / str(padding_free), padding_free=padding_free)
        trainer.train()
        ends.append(torch.cat([p.detach().flatten() for p in trainer.model.parameters() if p.requires_grad]))
    assert torch.allclose(*ends, atol=1e-4)


def test_how_a_step_is_cut_into_micro_batches_does_not_matter(small_model: Path, tmp_path: Path) -> None:
    cfg = composed(*TINY, "lora.lora_dropout=0")
    ends = []
    for micro in (8, 3, 1):
        trainer = trainer_of(cfg, small_model, tmp_path / str(micro), micro=micro)
        trainer.train()
        ends.append(torch.cat([p.detach().flatten() for p in trainer.model.parameters() if p.requires_grad]))
    assert torch.allclose(ends[0], ends[1], atol=1e-5)
    assert torch.allclose(ends[0], ends[2], atol=1e-5)


def test_the_validation_loss_is_a_mean_over_tokens_and_not_over_batches(small_model: Path, tmp_path: Path) -> None:
    trainer = trainer_of(composed(*TINY), small_model, tmp_path)
    wanted = [reference_nll(trainer.model.eval(), row) for row in rows()[:5]]
    found = trainer.validation_loss()
    assert found == pytest.approx(sum(v for v, _ in wanted) / sum(n for _, n in wanted), abs=1e-5)


def test_a_loss_that_is_no_number_names_step_and_records(small_model: Path, tmp_path: Path) -> None:
    trainer = trainer_of(composed(*TINY), small_model, tmp_path)
    trainer.args.eval_on_start = False
    with torch.no_grad():
        next(p for p in trainer.model.parameters() if p.requires_grad).fill_(float("nan"))
    with pytest.raises(UserError, match=r"loss is nan at step 1 \(records d\d+.*learning_rate"):
        trainer.train()


def test_a_validation_loss_that_is_no_number_stops_the_run_too(small_model: Path, tmp_path: Path) -> None:
    trainer = trainer_of(composed(*TINY), small_model, tmp_path)
    with torch.no_grad():
        next(p for p in trainer.model.parameters() if p.requires_grad).fill_(float("nan"))
    with pytest.raises(UserError, match=r"validation loss is nan at step 0; lower trainer.learning_rate"):
        trainer.train()


def test_a_step_without_labels_is_an_error_and_not_a_loss_of_0(small_model: Path, tmp_path: Path) -> None:
    silent = [row._replace(supervised=np.zeros_like(row.supervised)) for row in rows(8)]
    trainer = trainer_of(
        composed(*TINY, "trainer.per_device_eval_batch_size=1"), small_model, tmp_path, examples=silent
    )
    trainer.args.eval_on_start = False
    with pytest.raises(DataError, match="no token of this step is supervised"):
        trainer.train()
