"""Stage 2: fine-tuning with ``transformers.Trainer``; the result is a PEFT adapter folder."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from humanize import naturalsize

from mentalft.config import Config
from mentalft.config.composition import typed_config
from mentalft.console import console, say, shown
from mentalft.data.batches import Collator, Encoded, Row, encode_split, sampled
from mentalft.data.preview import print_preview
from mentalft.data.prompts import PromptBuilder
from mentalft.errors import UserError
from mentalft.files import temporary_folder, write_json
from mentalft.modeling.adapter import add_adapter, keep_beginning, save_adapter
from mentalft.modeling.base import load_base_model, load_tokenizer
from mentalft.modeling.locate import LocatedModel
from mentalft.modeling.precision import PrecisionPlan, plan_precision
from mentalft.records import Splits, TrainingResult
from mentalft.runs.files import TRAINED
from mentalft.runs.place import install
from mentalft.training.arguments import training_arguments
from mentalft.training.checkpoints import newest_whole
from mentalft.training.log import TrainingLog, follow
from mentalft.training.memory import halving
from mentalft.training.processes import Meeting, launch, one_of_many, processes_wanted, world_size
from mentalft.training.steps import StepPlan
from mentalft.words import Said

if TYPE_CHECKING:
    from mentalft.training.trainer import Validation

ANSWER_CURVES = ("bleu", "rougeL")
"""What answers given during training are scored by: metrics that load no model."""
Send = Callable[[dict[str, float]], None]


class Trained(NamedTuple):
    adapter: Path
    validation_loss: float
    """Mean loss per supervised token on the validation split, of the checkpoint that was kept."""


class Material(NamedTuple):
    """What every attempt at training is made from."""

    cfg: Config
    located: LocatedModel
    run_dir: Path
    precision: PrecisionPlan
    tokenizer: Any
    train_set: Encoded
    validation_set: Encoded
    validation: Path


def train(cfg: Config, located: LocatedModel, splits: Splits, run_dir: Path, send: Send) -> Trained:
    """Train an adapter on ``splits.train``, keep the checkpoint with the lowest validation loss.

    A run that was stopped goes on from its last whole checkpoint in ``run_dir/checkpoints``. Where memory runs out,
    the batch is halved and the effective batch kept, unless ``trainer.auto_find_batch_size`` is off.

    Args:
        send: gets every row of ``training.jsonl``.

    Raises:
        DataError: no dialogue fits in ``data.max_length`` tokens.
        UserError: the loss is not a finite number; memory or disk do not suffice.
        Stopped: a signal ended the training; a checkpoint was saved.
    """
    if world_size() > 1:
        Meeting().call(_shared(cfg, located, splits, run_dir))
        with one_of_many():
            return _work(cfg, located, splits, run_dir, cfg.trainer.per_device_train_batch_size, send)
    processes = processes_wanted(cfg.trainer.num_processes)
    if processes == 1:
        material = _material(cfg, located, splits, run_dir)
        return halving(cfg, lambda micro: _attempt(material, micro, send))
    say(Said("train.processes", {"processes": processes}))
    with follow(run_dir / "training.jsonl", send):
        return halving(cfg, lambda micro: launch(_work, processes, (cfg, located, splits, run_dir, micro), run_dir))


def _work(
    cfg: Config, located: LocatedModel, splits: Splits, run_dir: Path, micro: int, send: Send = lambda _: None
) -> Trained:
    """What each of several processes does."""
    return _attempt(_material(cfg, located, splits, run_dir), micro, send)


def _shared(cfg: Config, located: LocatedModel, splits: Splits, run_dir: Path) -> dict[str, Any]:
    return {
        "stage": "train",
        "config": asdict(cfg),
        "located": [str(located.folder), located.name, located.revision],
        "splits": [str(path.absolute()) for path in splits],
        "run_dir": str(run_dir.absolute()),
    }


def take_part(shared: dict[str, Any]) -> None:
    """What a process above rank 0 does of an experiment that was launched from outside: train along."""
    cfg = typed_config(shared["config"])
    folder, name, revision = shared["located"]
    located, splits = LocatedModel(Path(folder), name, revision), Splits(*map(Path, shared["splits"]))
    with one_of_many():
        _work(cfg, located, splits, Path(shared["run_dir"]), cfg.trainer.per_device_train_batch_size)


def check(cfg: Config, located: LocatedModel, splits: Splits, run_dir: Path) -> None:
    """The preflight alone: what training would cost, into ``run_dir/preflight.json``."""
    material = _material(cfg, located, splits, run_dir)
    halving(cfg, lambda micro: _preflight(_trainer(material, micro, lambda _: None)[0], material))


def _material(cfg: Config, located: LocatedModel, splits: Splits, run_dir: Path) -> Material:
    tokenizer = load_tokenizer(cfg.model, located)
    builder = PromptBuilder.of(cfg, tokenizer)
    train_set, validation_set = (encode_split(path, builder, cfg.data) for path in (splits.train, splits.validation))
    print_preview(train_set.rows[: cfg.trainer.preview], tokenizer, console)
    return Material(
        cfg,
        located,
        run_dir,
        plan_precision(cfg.trainer.precision),
        tokenizer,
        train_set,
        validation_set,
        splits.validation,
    )


def _attempt(material: Material, micro: int, send: Send) -> Trained:
    from mentalft.training.stopping import StopOnSignal

    run_dir = material.run_dir
    with StopOnSignal() as stop:
        trainer, log, checkpoint, beginning = _trainer(material, micro, send, stop)
        try:
            if checkpoint is None and material.cfg.trainer.preflight and not trainer.is_sharded:
                _preflight(trainer, material)
            trainer.train(resume_from_checkpoint=checkpoint and str(checkpoint))
            trainer.accelerator.wait_for_everyone()  # one that ended now would end another that still saves
            stop.raise_if_stopped(trainer.state.global_step)
        finally:
            log.close()
        loss = trainer.validation_loss(whole=True)
    if not math.isfinite(loss):
        raise UserError(
            f"train: the validation loss is {loss}; lower trainer.learning_rate, or use trainer.precision=bf16 or fp32"
        )
    _save(trainer, material, beginning, loss)
    trainer.accelerator.wait_for_everyone()
    done = {"steps": trainer.state.global_step, "before": log.first_validation_loss, "after": loss}
    say(Said("train.done", done))
    return Trained(run_dir / "adapter", loss)


def _trainer(material: Material, micro: int, send: Send, *callbacks: Any) -> tuple[Any, TrainingLog, Path | None, Any]:
    """The trainer, its log, the checkpoint to go on from, and what the adapter began as."""
    from transformers import EarlyStoppingCallback, set_seed
    from transformers.trainer_callback import PrinterCallback

    from mentalft.training.callbacks import AnswerAtValidation, KeepBest
    from mentalft.training.trainer import SupervisedTrainer

    cfg, precision, folder = material.cfg, material.precision, material.run_dir / "checkpoints"
    checkpoint, sealed = _checkpoint(folder)
    arguments = training_arguments(
        cfg.trainer, folder, cfg.seed, precision=precision.name, device=precision.device, resuming=bool(checkpoint)
    )
    effective = arguments.train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
    plan = _plan(cfg, material.train_set, sealed.get("examples_per_step", effective), micro, arguments.world_size)
    arguments.per_device_train_batch_size, arguments.gradient_accumulation_steps = micro, plan.accumulation
    set_seed(cfg.seed)
    model = add_adapter(load_base_model(cfg.model, material.located, precision), cfg.lora, material.located.name)
    beginning = keep_beginning(model, cfg.lora, folder / "beginning")
    log = TrainingLog(material.run_dir / "training.jsonl", send, plan.tokens)
    answering = [AnswerAtValidation(_scoring(material), log.write)] if cfg.eval.during_training else []
    patience = cfg.trainer.early_stopping_patience
    rows, held_out, world = material.train_set.rows, material.validation_set.rows, arguments.world_size
    trainer = SupervisedTrainer(
        model=model,
        args=arguments,
        plan=plan,
        train_rows=rows,
        validation=_validation(cfg, sampled(held_out, cfg.trainer.max_eval_samples, cfg.data.split_seed), world),
        whole_validation=_validation(cfg, held_out, world),
        collator=Collator(material.tokenizer.pad_token_id, padding_free=_padding_free(cfg), filler=rows[0]),
        callbacks=[*answering, log, KeepBest(), *callbacks, *([EarlyStoppingCallback(patience)] if patience else [])],
    )
    trainer.remove_callback(PrinterCallback)
    if answering and trainer.is_sharded:
        say(Said("train.no_answers"), style="yellow")
        trainer.remove_callback(answering[0])
    _announce(model, material, plan)
    return trainer, log, checkpoint, beginning


def _scoring(material: Material) -> Callable[[Any], dict[str, float]]:
    """What answers the last turns of some validation dialogues and scores them: model in, values to log out."""
    from mentalft.data.asking import as_prompts, fit
    from mentalft.data.items import sample, split_items
    from mentalft.generation.batched import generate
    from mentalft.generation.decoding import Decoding
    from mentalft.metrics.registry import scorers_of
    from mentalft.modeling.base import end_token_ids

    cfg, tokenizer, e = material.cfg, material.tokenizer, material.cfg.eval
    decoding = Decoding(e.max_new_tokens, e.do_sample, e.temperature, e.top_p, e.top_k, cfg.seed)
    items = split_items(material.validation, every_turn=False)
    builder = PromptBuilder.of(cfg, tokenizer)
    wanted = sample(items, e.during_training, cfg.data.split_seed)
    prompts = as_prompts(fit(wanted, [builder], cfg.data.max_length), builder)
    references = {item.id: item.references for item in items}
    cheap = replace(e, metrics=list(ANSWER_CURVES), extra_metrics=[])
    metrics = scorers_of(cheap, list(references.values()))

    def scores(model: Any) -> dict[str, float]:
        given = list(generate(model, tokenizer, prompts, decoding, end_token_ids(model, builder), e.batch_size))
        texts, asked = [r.text for r in given], [references[r.id] for r in given]
        sums = {name: metric.score(texts, asked).sum(axis=0) for name, metric in metrics.items()}
        return {f"validation/generation_{name}": float(metrics[name].total(found)) for name, found in sums.items()}

    return scores


def _checkpoint(folder: Path) -> tuple[Path | None, dict[str, Any]]:
    found = newest_whole(folder)
    if found is None:
        return None, {}
    checkpoint, sealed, broken = found
    for name in broken:
        say(Said("train.cut_short", {"name": name}), style="yellow")
    say(Said("train.continuing", {"checkpoint": shown(checkpoint)}))
    return checkpoint, sealed


def _plan(cfg: Config, train_set: Encoded, effective: int, micro: int, world_size: int) -> StepPlan:
    grouped = cfg.trainer.train_sampling_strategy == "group_by_length"
    return StepPlan(train_set.lengths(), effective, micro, world_size, cfg.seed, grouped)


def _validation(cfg: Config, rows: Sequence[Row], world_size: int) -> Validation:
    """In micro-batches of like length."""
    from mentalft.training.trainer import Validation

    lengths, size = tuple(len(row.input_ids) for row in rows), cfg.trainer.per_device_eval_batch_size
    return Validation(rows, StepPlan(lengths, len(rows), size, world_size, 0, group_by_length=False))


def _padding_free(cfg: Config) -> bool:
    if cfg.trainer.batching == "auto":
        return cfg.model.attn_implementation == "flash_attention_2"
    return cfg.trainer.batching == "padding_free"


def _preflight(trainer: Any, material: Material) -> None:
    from mentalft.training.preflight import preflight

    found = preflight(trainer, material.run_dir)
    if trainer.is_world_process_zero():
        say(found.said())
        if warning := found.warning():
            say(warning, style="yellow")
        write_json(material.run_dir / "preflight.json", {"precision": material.precision.name, **found.to_json()})


def _announce(model: Any, material: Material, plan: StepPlan) -> None:
    train_set, precision = material.train_set, material.precision
    weights = [p for p in model.parameters() if p.requires_grad]
    trainable, size = sum(p.numel() for p in weights), sum(p.numel() * p.element_size() for p in weights)
    total = model.get_nb_trainable_parameters()[1]
    supervised = sum(int(row.supervised.sum()) for row in train_set.rows)
    held_out, most = len(material.validation_set.rows), material.cfg.trainer.max_eval_samples
    if most is not None and most < held_out:
        say(Said("train.validates", {"sample": most, "dialogues": held_out}))
    about = {
        "dialogues": len(train_set.rows),
        "tokens": sum(plan.lengths),
        "supervised": supervised,
        "trainable": trainable,
        "total": total,
        "share": trainable / total,
        "size": naturalsize(size, binary=True),
        "batch": plan.examples_per_step,
        "precision": precision.name,
        "device": precision.device,
    }
    say(Said("train.begins", about))


def _save(trainer: Any, material: Material, beginning: Path | None, loss: float) -> None:
    """The adapter, whole or not at all. A sharded one is gathered by all processes, then written by the first."""
    gathered = material.run_dir / "checkpoints" / "gathered"
    if trainer.is_sharded:
        trainer.save_model(str(gathered))
    if not trainer.is_world_process_zero():
        return
    run_dir = material.run_dir
    with temporary_folder(run_dir / "adapter") as folder:
        if trainer.is_sharded:
            for path in gathered.glob("adapter_*"):
                shutil.copy(path, folder)
        else:
            save_adapter(trainer.model, folder, beginning)
        material.tokenizer.save_pretrained(str(folder))
        install(run_dir, "train", folder, run_dir / "adapter")
    TRAINED.save(run_dir, TrainingResult(loss))
