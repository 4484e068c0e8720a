"""What may be wrong with the inputs is looked at before anything runs or is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mentalft.config import EMBEDDED, Config
from mentalft.console import say
from mentalft.errors import ConfigError


def check_run_dir(cfg: Config) -> None:
    """Raise :class:`ConfigError` where ``run_dir`` is to be continued and is not there."""
    if not cfg.run_dir or "prepare" in cfg.stages or cfg.eval.references:
        return
    if not Path(cfg.run_dir).expanduser().is_dir():
        raise ConfigError(
            f"run_dir={cfg.run_dir} does not exist, and stages=[{','.join(cfg.stages)}] has no stage to begin it with; "
            "correct the path, or add prepare to stages"
        )


def check_inputs(cfg: Config) -> Any:
    """The located model (None where no stage needs one), after looking at everything that may be wrong."""
    if "prepare" in cfg.stages:
        from mentalft.data.sources import check_local

        check_local(cfg.data)
    located = None
    if "evaluate" in cfg.stages:
        from mentalft.generation.engines import check_engine

        check_engine(cfg.eval)
        if cfg.eval.questions:
            from mentalft.data.question_files import read_questions

            read_questions(Path(cfg.eval.questions).expanduser(), "eval.questions", None)
        if "train" in cfg.stages and cfg.eval.engine == "openai":
            say(
                "warning: eval.engine=openai asks the server for eval.openai.tuned_model="
                f"{cfg.eval.openai.tuned_model}; the adapter that this run trains is not asked",
                style="yellow",
            )
    _check_adapters(cfg)
    if {"preflight", "train"} & set(cfg.stages) or asks_here(cfg):
        from mentalft.modeling.base import check_attention, check_quantization
        from mentalft.modeling.locate import locate_model
        from mentalft.modeling.precision import plan_precision
        from mentalft.training.arguments import check_options

        located = locate_model(cfg.model)
        device = plan_precision(cfg.trainer.precision).device
        check_attention(cfg.model, device)
        check_quantization(cfg.model, device)
        check_options(cfg.trainer, device)
    if "compare" in cfg.stages:
        from mentalft.metrics.table import check_available

        check_available(cfg.eval)
    objective = cfg.eval.objective if "train" in cfg.stages else None
    if objective == "bertscore":
        from mentalft.metrics.bertscore import check_installed

        check_installed()
    embeds = objective == "cosine" or ("compare" in cfg.stages and "cosine" in cfg.eval.metrics)
    if embeds and cfg.eval.embedder != EMBEDDED:
        from mentalft.modeling.embedder import load_embedder

        load_embedder(cfg.eval.embedder)
    return located


def _check_adapters(cfg: Config) -> None:
    from mentalft.modeling.adapter import check_adapter

    if {"preflight", "train"} & set(cfg.stages) and cfg.lora.adapter:
        check_adapter(Path(cfg.lora.adapter).expanduser(), "lora.adapter")
    if asks_here(cfg) and cfg.eval.adapter:
        check_adapter(Path(cfg.eval.adapter).expanduser(), "eval.adapter")


def asks_here(cfg: Config) -> bool:
    return "evaluate" in cfg.stages and cfg.eval.engine != "openai"
