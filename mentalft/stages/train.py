"""Stage 2: LoRA fine-tuning with ``transformers.Trainer``; the result is a PEFT adapter folder."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mentalft.config import Config, TrainerConfig
from mentalft.console import say
from mentalft.data.batches import Collator, Encoded, encode_file
from mentalft.data.prompts import IGNORED_LABEL, PromptBuilder
from mentalft.errors import DataError, UserError
from mentalft.files import folder_written_whole, write_json, write_text
from mentalft.modeling.adapter import add_adapter
from mentalft.modeling.base import load_base_model, load_tokenizer
from mentalft.modeling.locate import LocatedModel
from mentalft.modeling.precision import PrecisionPlan, plan_precision
from mentalft.records import Splits
from mentalft.reporting.model_card import model_card
from mentalft.reporting.training_log import TrainingLog
from mentalft.tracking import Tracker

if TYPE_CHECKING:
    from transformers import TrainingArguments


class Trained(NamedTuple):
    adapter: Path
    validation_loss: float
    """Mean loss per supervised token on the validation split, of the checkpoint that was kept."""


def train(cfg: Config, located: LocatedModel, splits: Splits, run_dir: Path, tracker: Tracker) -> Trained:
    """Train an adapter on ``splits.train``, keep the checkpoint with the lowest validation loss.

    A run that was stopped goes on from its last checkpoint in ``run_dir/checkpoints``.

    Raises:
        DataError: no dialogue fits in ``data.max_length`` tokens.
        UserError: the loss is not a finite number.
    """
    from transformers import Trainer, set_seed

    plan = plan_precision(cfg.trainer.precision)
    set_seed(cfg.seed)
    tokenizer = load_tokenizer(cfg.model, located)
    builder = PromptBuilder(tokenizer, cfg.model.chat_template_kwargs, cfg.model.name)
    train_set, validation_set = (_encoded(path, builder, cfg) for path in (splits.train, splits.validation))
    model = add_adapter(load_base_model(cfg.model, located, plan), cfg.lora, located.name)
    arguments = training_arguments(cfg.trainer, plan, run_dir / "checkpoints", cfg.seed)
    observer = TrainingLog(run_dir / "training.jsonl", tracker.log)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=_rows(train_set),
        eval_dataset=_rows(validation_set),
        data_collator=Collator(tokenizer.pad_token_id),
        callbacks=[observer],
    )
    trainer.remove_callback(_printer())
    _announce(model, train_set, plan)
    checkpoint = _last_checkpoint(run_dir / "checkpoints")
    if checkpoint:
        say(f"train: continuing from {checkpoint}")
    trainer.train(resume_from_checkpoint=checkpoint)
    loss = float(trainer.evaluate()["eval_loss"])
    if not math.isfinite(loss):
        raise UserError(
            f"train: the validation loss is {loss}; lower trainer.learning_rate, or use trainer.precision=bf16 or fp32"
        )
    adapter = _save(trainer.model, tokenizer, cfg, located, loss, run_dir)
    say(f"train: {trainer.state.global_step} steps, validation loss {observer.first_validation_loss:.3f} → {loss:.3f}")
    return Trained(adapter, loss)


def training_arguments(cfg: TrainerConfig, plan: PrecisionPlan, output_dir: Path, seed: int) -> TrainingArguments:
    """The trainer's settings as transformers takes them."""
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=str(output_dir),
        num_train_epochs=cfg.num_train_epochs,
        max_steps=cfg.max_steps,
        per_device_train_batch_size=cfg.per_device_train_batch_size,
        per_device_eval_batch_size=cfg.per_device_eval_batch_size,
        gradient_accumulation_steps=cfg.gradient_accumulation_steps,
        learning_rate=cfg.learning_rate,
        lr_scheduler_type=cfg.lr_scheduler_type,
        warmup_steps=cfg.warmup_ratio,  # transformers 5 reads a value below 1 as a share of all steps
        weight_decay=cfg.weight_decay,
        max_grad_norm=cfg.max_grad_norm,
        optim=cfg.optim,
        fp16=plan.name == "fp16",
        bf16=plan.name == "bf16",
        use_cpu=plan.device == "cpu",
        activation_checkpointing=cfg.gradient_checkpointing,  # its name since transformers 5
        activation_checkpointing_kwargs={"use_reentrant": False},
        train_sampling_strategy=cfg.train_sampling_strategy,
        logging_strategy="steps",
        logging_steps=cfg.logging_steps,
        logging_nan_inf_filter=False,
        eval_strategy="steps",
        eval_steps=cfg.eval_steps,
        eval_on_start=True,
        save_strategy="steps",
        save_steps=cfg.save_steps,
        save_total_limit=cfg.save_total_limit,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        prediction_loss_only=True,
        remove_unused_columns=False,
        dataloader_pin_memory=plan.device == "cuda",
        seed=seed,
        data_seed=seed,
        report_to="none",
        disable_tqdm=True,
    )


def _encoded(path: Path, builder: PromptBuilder, cfg: Config) -> Encoded:
    encoded = encode_file(path, builder, cfg.data.max_length)
    total = len(encoded.examples) + encoded.dropped
    if not encoded.examples:
        raise DataError(
            f"{path}: not one of its {total} dialogues fits in data.max_length={cfg.data.max_length} tokens; raise it"
        )
    if encoded.cut or encoded.dropped:
        say(
            f"train: {path.stem}: {encoded.cut} of {total} dialogues lost their oldest turns to fit in "
            f"{cfg.data.max_length} tokens, {encoded.dropped} do not fit at all and are left out",
            style="yellow",
        )
    return encoded


def _rows(encoded: Encoded) -> list[dict[str, Any]]:
    return [{**e._asdict(), "length": len(e.input_ids)} for e in encoded.examples]


def _announce(model: Any, train_set: Encoded, plan: PrecisionPlan) -> None:
    trainable, total = model.get_nb_trainable_parameters()
    supervised = sum(label != IGNORED_LABEL for e in train_set.examples for label in e.labels)
    say(
        f"train: {len(train_set.examples)} dialogues, {supervised:,} supervised tokens; "
        f"{trainable:,} of {total:,} parameters; {plan.name} on {plan.device}"
    )


def _save(model: Any, tokenizer: Any, cfg: Config, located: LocatedModel, loss: float, run_dir: Path) -> Path:
    with folder_written_whole(run_dir / "adapter") as folder:
        # peft would ask the hub whether the vocabulary grew; it did not
        model.save_pretrained(str(folder), save_embedding_layers=False)
        tokenizer.save_pretrained(str(folder))
        write_text(folder / "README.md", model_card(cfg, located.name, located.revision, loss))
    write_json(run_dir / "training.json", {"validation_loss": loss})
    return run_dir / "adapter"


def _last_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint; transformers writes ``trainer_state.json`` last."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda p: int(p.name.rpartition("-")[2]), reverse=True)
    for checkpoint in found:
        if (checkpoint / "trainer_state.json").is_file():
            return str(checkpoint)
        shutil.rmtree(checkpoint)
    return None


def _printer() -> Any:
    from transformers.trainer_callback import PrinterCallback

    return PrinterCallback
