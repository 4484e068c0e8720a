"""One experiment from a composed configuration: checked, tracked, and its mistakes in words."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from mentalft.cli_errors import explain
from mentalft.config import Config
from mentalft.config.checks import problems
from mentalft.errors import ConfigError, UserError

SMALLEST_FREE_SPACE = 1 << 20


def load_config(cfg: DictConfig) -> Config:
    """The typed configuration, checked.

    Hydra lets ``+lora.rank=3`` past the schema, so the plain values are merged into a fresh one.

    Raises:
        ConfigError: values are missing or out of range; the message names every one of them.
        omegaconf.errors.OmegaConfBaseException: an unknown key or a wrong type.
    """
    plain = OmegaConf.to_container(cfg, resolve=True)
    typed = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), plain))
    assert isinstance(typed, Config)  # what to_object returns for a structured config; for the type checker
    found = problems(typed)
    if found:
        raise ConfigError("\n".join(found))
    return typed


def run_tracked(
    config: Config,
    run_dir: Path,
    choices: dict[str, str],
    overrides: Sequence[str],
    *,
    group: str | None = None,
    name: str | None = None,
) -> float | None:
    """Run the experiment and return its objective; the tracker's run is closed however it ends.

    Args:
        choices: the option taken from each group of ``conf/``.
        overrides: the command's own.
        group, name: of the tracker's run, where this is a trial of a sweep.
    """
    from mentalft.console import quiet_libraries
    from mentalft.experiment import run_experiment
    from mentalft.tracking import Tracker
    from mentalft.training.processes import sigterm_raised

    quiet_libraries()
    tracker = Tracker(config.tracking, run_dir, group=group, name=name)
    try:
        with sigterm_raised():
            result = run_experiment(config, run_dir, tracker, choices=choices, overrides=overrides)
    except BaseException as error:
        tracker.finish(error)
        raise
    tracker.finish()
    return result.objective


def in_words(error: Exception, overrides: list[str], run_dir: Path | None = None) -> str | None:
    """What the user is told of ``error``; None where it is a fault of ours."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}; free space or choose another place with run_dir=PATH"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}; what is complete stays, and the same command with run_dir= goes on from there"
    return explain(error, overrides) or (_full_disk(error, run_dir) if run_dir else None)


def _full_disk(error: Exception, run_dir: Path) -> str | None:
    """torch and safetensors report a full disk as an error of their own, without its number."""
    writer = isinstance(error, RuntimeError) or type(error).__name__ == "SafetensorError"
    if writer and shutil.disk_usage(run_dir).free < SMALLEST_FREE_SPACE:
        return f"{run_dir}: {os.strerror(errno.ENOSPC)}; free space, then go on with run_dir={run_dir}"
    return None
