"""``transformers.Trainer`` with what a before/after experiment needs on top.

- The loss is the mean over supervised tokens, of a whole step and of a whole validation set alike: neither the
  padding nor the way a step is cut into micro-batches or spread over processes changes it.
- Logits are made at supervised positions only (:mod:`mentalft.training.head`).
- The order of the examples comes from a :class:`~mentalft.training.steps.StepPlan`.
- A checkpoint is sealed after its last file; a loss that is no number ends the run with the records it came from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader
from transformers import EarlyStoppingCallback, Trainer

from mentalft.errors import DataError, UserError
from mentalft.training.checkpoints import full_disk_in_words, rotate, seal
from mentalft.training.head import SupervisedHead
from mentalft.training.steps import RankBatches, StepPlan


class Validation(NamedTuple):
    """What a validation loss is measured on."""

    rows: Sequence[Any]
    plan: StepPlan
    """One step that holds all of ``rows``."""


class SupervisedTrainer(Trainer):  # type: ignore[misc]
    """A trainer over rows that a collator turns into batches with ``positions`` (see ``mentalft.data.batches``).

    Raises:
        UserError: the loss is NaN or infinite; the message names the step and the records.
        DataError: a step has no supervised token.
    """

    control: Any

    def __init__(
        self,
        *,
        model: Any,
        args: Any,
        plan: StepPlan,
        train_rows: Sequence[Any],
        validation: Validation,
        whole_validation: Validation | None = None,
        collator: Callable[[Sequence[Any]], dict[str, Any]],
        callbacks: Sequence[Any] = (),
    ) -> None:
        """Args:
        validation: what is measured during training.
        whole_validation: what is measured at the end, where that is more.
        """
        super().__init__(
            model=model,
            args=args,
            train_dataset=list(train_rows),
            eval_dataset=list(validation.rows),
            data_collator=collator,
            callbacks=list(callbacks),
        )
        # older checkpoints are deleted here, after the seal; transformers would do it before, and at the end once more
        self.checkpoints_kept, args.save_total_limit = args.save_total_limit, None
        self.plan, self.validation, self.whole_validation = plan, validation, whole_validation or validation
        self.ids_of_step: list[str] = []
        self.loss_is_scaled_for_ga = True  # what compute_loss returns is already a share of the whole step
        # Liger joins head and loss itself
        liger = self.args.use_liger_kernel
        self.head = None if liger else SupervisedHead(self.model, chunked=not self.is_deepspeed_enabled)

    @property
    def is_sharded(self) -> bool:
        """Whether FSDP or DeepSpeed hold the model; it is then only whole inside the training loop."""
        return bool(self.is_fsdp_enabled or self.is_deepspeed_enabled)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """This process's micro-batches; already shared out, so Accelerate need not."""
        return _Loader(self.train_dataset, RankBatches(self.plan, self.args.process_index), self)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Sum of the negative log likelihoods of the labels, divided by the labels of the whole step.

        Times the number of processes, because gradients are averaged over them.
        """
        inputs = dict(inputs)
        self.ids_of_step += inputs.pop("record_ids")
        total, labels = self.negative_log_likelihood(model, inputs)
        count = num_items_in_batch if num_items_in_batch is not None else labels
        if int(count) == 0:
            raise DataError(f"train: no token of this step is supervised (records {', '.join(self.ids_of_step)})")
        loss = total / count
        if not torch.isfinite(loss):
            raise UserError(self._not_a_number(float(loss.detach())))
        loss = loss * self.accelerator.num_processes
        return (loss, {}) if return_outputs else loss

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """:meth:`validation_loss`, logged and told to the callbacks."""
        del eval_dataset, ignore_keys
        loss = self.validation_loss()
        if not math.isfinite(loss):
            raise UserError(
                f"train: the validation loss is {loss} at step {self.state.global_step}; "
                "lower trainer.learning_rate, or use trainer.precision=bf16 or fp32"
            )
        metrics = {f"{metric_key_prefix}_loss": loss}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def validation_loss(self, *, whole: bool = False) -> float:
        """The mean over all supervised tokens; transformers would average the means of batches.

        Args:
            whole: of all that there is to validate on, not of the sample.
        """
        rows, plan = self.whole_validation if whole else self.validation
        totals = torch.zeros(2, dtype=torch.float64, device="cpu")
        model = self.model_wrapped if self.is_sharded else self.model
        was_training = model.training
        model.eval()
        with torch.no_grad():
            for batch in _Loader(rows, RankBatches(plan, self.args.process_index), self):
                inputs = self._prepare_inputs({k: v for k, v in batch.items() if k != "record_ids"})
                with self.compute_loss_context_manager(), self.accelerator.autocast():
                    total, labels = self.negative_log_likelihood(model, inputs)
                totals += torch.tensor([float(total), labels], dtype=torch.float64)
        model.train(was_training)
        summed = self.accelerator.reduce(totals.to(self.args.device))
        return float(summed[0] / summed[1])

    def negative_log_likelihood(self, model: Any, inputs: dict[str, Any]) -> tuple[torch.Tensor, int]:
        """Summed negative log likelihood of the labels in nats, and how many labels there are."""
        if self.head is not None:
            return self.head.negative_log_likelihood(model, inputs)
        given = {k: v for k, v in inputs.items() if k != "positions"}
        outputs = model(**given, use_cache=False, num_items_in_batch=1, skip_logits=True)
        return outputs.loss, len(inputs["positions"])

    def _run_epoch(self, **given: Any) -> None:
        """Nothing more where the checkpoint that was continued from is already the end of the training."""
        if self.state.global_step >= self.state.max_steps or self._patience_is_over():
            self.control.should_training_stop = True
            return
        super()._run_epoch(**given)

    def _patience_is_over(self) -> bool:
        return any(
            callback.early_stopping_patience_counter >= callback.early_stopping_patience
            for callback in self.callback_handler.callbacks
            if isinstance(callback, EarlyStoppingCallback)
        )

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:  # noqa: ARG002
        """Not estimated: the base class would walk all parameters at every micro-batch."""
        return 0

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> torch.Tensor:
        """Labels of the whole step, over all its micro-batches and processes."""
        self.ids_of_step = []
        count = torch.tensor(sum(len(batch["positions"]) for batch in batch_samples), device=device)
        return self.accelerator.reduce(count) if self.args.world_size > 1 else count

    def _not_a_number(self, value: float) -> str:
        return (
            f"train: the loss is {value} at step {self.state.global_step + 1} (records {', '.join(self.ids_of_step)}); "
            "lower trainer.learning_rate, use trainer.precision=bf16 or fp32, or look at those records"
        )

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Save, seal, and only then delete older checkpoints: a kill at any moment leaves a whole one."""
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        try:
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                seal(folder, examples_per_step=self.plan.examples_per_step)
        except Exception as error:
            message = full_disk_in_words(error, folder)
            if message is None:
                raise
            raise UserError(message) from error
        if self.args.should_save:
            rotate(folder.parent, self.checkpoints_kept, self.state.best_model_checkpoint)


class _Loader(DataLoader[Any]):
    """A data loader that hands the epoch on to its batch sampler, where the trainer looks for that."""

    def __init__(self, rows: Any, batches: RankBatches, trainer: SupervisedTrainer) -> None:
        super().__init__(
            rows,
            batch_sampler=batches,
            collate_fn=trainer.data_collator,
            pin_memory=trainer.args.dataloader_pin_memory,
        )
        self.set_epoch = batches.set_epoch
