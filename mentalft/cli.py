"""The command line: Hydra in, a typed configuration out, exit codes.

Only this module knows Hydra. Nothing heavy is imported before the configuration is known to be right.
Exit codes: 0 done, 1 an error, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from mentalft import __version__
from mentalft.checks import problems
from mentalft.cli_errors import explain
from mentalft.config import OPEN_KEYS, Config
from mentalft.errors import ConfigError, Stopped, UserError
from mentalft.inputs import check_run_dir

log = logging.getLogger("mentalft")
EXIT_ERROR, EXIT_INTERRUPTED = 1, 130
SMALLEST_FREE_SPACE = 1 << 20
_failed: list[str] = []
"""What ended a single run, on its way past Hydra."""


def main() -> None:
    """Entry point of the console script ``mentalft``."""
    sys.exit(run(sys.argv[1:]))


def run(argv: list[str]) -> int:
    """Run ``mentalft`` with ``argv`` and return the exit code."""
    want_traceback = os.environ.get("HYDRA_FULL_ERROR", "0") not in ("", "0")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises what went wrong instead of printing and exiting itself
    ConfigStore.instance().store("base_config", Config, replace=True)
    if "--version" in argv:
        print(f"mentalft {__version__} (Hydra {hydra.__version__})")
        return 0
    argv = [_opened(_quoted(argument)) for argument in argv]
    parser = get_args_parser()
    args = parser.parse_intermixed_args(argv)
    if sum(map(bool, (args.run, args.multirun, args.cfg, args.info, args.shell_completion))) > 1:
        parser.error("give only one of --run, --multirun, --cfg, --info and --shell-completion")
    claimed: Path | None = None
    is_new = False
    try:
        if _launched_as() is not None and _takes_part(args):
            return 0
        if not _only_prints(args):
            claimed, is_new = _check_and_claim(args)
        sys.argv = [sys.argv[0], *argv, *_directory_override(args, claimed)]
        _failed.clear()
        _hydra_main()
        _dismiss_others()
        if _failed:
            _remove_if_bare(claimed if is_new else None)
    except Stopped as stop:
        _say_error(str(stop))
        return stop.exit_code
    except KeyboardInterrupt:
        _say_error("interrupted; what is complete stays")
        if claimed:
            _say_error(f"to go on: the same command with run_dir={claimed}")
        return EXIT_INTERRUPTED
    except Exception as error:
        _remove_if_bare(claimed if is_new else None)
        if want_traceback:
            raise
        if not getattr(error, "reported", False):
            message = _in_words(error, args.overrides)
            if message is None:
                raise
            _say_error(message)
        return EXIT_ERROR
    return EXIT_ERROR if _failed else 0


def _launched_as() -> int | None:
    """The rank of this process where a launcher started several, else None."""
    return int(os.environ.get("RANK", "0")) if int(os.environ.get("WORLD_SIZE", "1")) > 1 else None


def _takes_part(args: Any) -> bool:
    """Whether this process is one above rank 0, which has done its share: no directory, no log, only work together."""
    if _only_prints(args) or args.cfg:
        return _launched_as() != 0
    if args.multirun:
        raise UserError(
            "--multirun cannot be used under torchrun or accelerate launch, which would run every job of the sweep in "
            "every process; use mentalft --multirun … trainer.num_processes=N without them"
        )
    if _launched_as() == 0:
        return False
    with hydra.initialize_config_module("mentalft.conf"):
        load_config(hydra.compose("config", overrides=args.overrides))
    from mentalft.console import quiet_libraries
    from mentalft.launching import Meeting

    quiet_libraries()
    for work in Meeting().work():
        from mentalft.stages import evaluate, train

        {"train": train.take_part, "evaluate": evaluate.take_part}[work["stage"]](work)
    return True


def _dismiss_others() -> None:
    """Those that were launched with this process and wait for work need wait no longer."""
    if _launched_as() == 0:
        from mentalft.launching import Meeting

        Meeting().dismiss()


def _quoted(argument: str) -> str:
    """``key=value`` with a plain value in another script put into quotes; Hydra reads only ASCII without them."""
    key, equals, value = argument.partition("=")
    plain = re.fullmatch(r"[^'\"\\,\[\]{}()$]+", value)
    return f'{key}="{value}"' if equals and key.isascii() and plain and not value.isascii() else argument


def _opened(argument: str) -> str:
    """Leave to add names to a mapping that is the user's own, which Hydra gives only where it is asked with ``++``."""
    return f"++{argument}" if re.match(rf"({'|'.join(map(re.escape, OPEN_KEYS))})[.=]", argument) else argument


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


@hydra.main(config_path="pkg://mentalft.conf", config_name="config")
def _hydra_main(cfg: DictConfig) -> float | None:
    from mentalft.console import log_to

    run_dir = Path(HydraConfig.get().runtime.output_dir)
    overrides = list(HydraConfig.get().overrides.task)
    with log_to(run_dir):
        try:
            return _run_tracked(load_config(cfg), run_dir)
        except Exception as error:
            message = _in_words(error, overrides) or _full_disk(error, run_dir)
            if message is None:
                log.exception("unexpected error")
                raise
            log.error(message)  # noqa: TRY400 - a user's mistake needs no traceback
            _say_error(message)
            error.reported = True  # type: ignore[attr-defined]
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                raise  # so that the sweeper knows
            _failed.append(message)  # a raised error would be reported a second time, by Hydra
            return None


def _run_tracked(config: Config, run_dir: Path) -> float | None:
    from mentalft.console import quiet_libraries
    from mentalft.experiment import run_experiment
    from mentalft.launching import sigterm_raised
    from mentalft.tracking import Tracker

    quiet_libraries()
    choices = {k: v for k, v in HydraConfig.get().runtime.choices.items() if "/" not in k and v is not None}
    sweep = Path(HydraConfig.get().sweep.dir) if HydraConfig.get().mode == RunMode.MULTIRUN else None
    group = "-".join(sweep.parts[-2:]) if sweep else None
    tracker = Tracker(config.tracking, run_dir, group=group)
    try:
        overrides = list(HydraConfig.get().overrides.task)
        with sigterm_raised(run_dir):
            result = run_experiment(config, run_dir, tracker, choices=choices, overrides=overrides)
    except BaseException as error:
        tracker.finish(error)
        raise
    tracker.finish()
    return result.objective


def _only_prints(args: Any) -> bool:
    return bool(args.help or args.hydra_help or args.info or args.shell_completion)


def _check_and_claim(args: Any) -> tuple[Path | None, bool]:
    """Compose once, before Hydra makes any directory; claim a directory that no other run has, and say if it is new."""
    chosen = {o.lstrip("+").partition("=")[0]: o.partition("=")[2] for o in args.overrides}
    if args.multirun:
        if chosen.get("run_dir", "null") != "null":
            raise ConfigError("run_dir continues one run and cannot be used with --multirun; use hydra.sweep.dir=PATH")
        return (None, False) if "hydra.sweep.dir" in chosen else (_claim(Path("multirun")), True)
    with hydra.initialize_config_module("mentalft.conf"):
        config = load_config(hydra.compose("config", overrides=args.overrides))
    if args.cfg or "hydra.run.dir" in chosen:
        return None, False
    if not config.run_dir:
        return _claim(Path("outputs")), True
    check_run_dir(config)
    run_dir = Path(config.run_dir).expanduser()
    return run_dir, not run_dir.exists()


def _claim(parent: Path) -> Path:
    """Make a directory named after the present second; a second run in the same second gets ``-2``, and so on."""
    now = datetime.now()
    day = parent / f"{now:%Y-%m-%d}"
    day.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, 1000):
        path = day / (f"{now:%H-%M-%S}" if attempt == 1 else f"{now:%H-%M-%S}-{attempt}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise UserError(f"{day} already holds a thousand runs of this second; use hydra.run.dir=PATH")


def _directory_override(args: Any, claimed: Path | None) -> list[str]:
    if claimed is None:
        return []
    key = "hydra.sweep.dir" if args.multirun else "hydra.run.dir"
    escaped = str(claimed).replace("\\", "\\\\").replace("'", "\\'")
    return [f"{key}='{escaped}'"]


def _remove_if_bare(claimed: Path | None) -> None:
    """A run that failed before its first result leaves nothing behind."""
    if claimed is None or not claimed.is_dir():
        return
    bare = {".hydra", "mentalft.log", "config.resolved.yaml", "manifest.json", "wandb"}
    written = [p.relative_to(claimed) for p in claimed.rglob("*") if p.is_file() and p.stat().st_size]
    if all(path.parts[0] in bare or path.suffix == ".attempt" for path in written):
        shutil.rmtree(claimed, ignore_errors=True)
        for parent in list(claimed.parents)[: 2 if claimed.parts[0] in ("outputs", "multirun") else 0]:
            with contextlib.suppress(OSError):
                parent.rmdir()  # the folder of the day, and outputs/, where the run was their first


def _in_words(error: Exception, overrides: list[str]) -> str | None:
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}; free space or choose another place with run_dir=PATH"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}; what is complete stays, and the same command with run_dir= goes on from there"
    return explain(error, overrides)


def _full_disk(error: Exception, run_dir: Path) -> str | None:
    """torch and safetensors report a full disk as an error of their own, without its number."""
    writer = isinstance(error, RuntimeError) or type(error).__name__ == "SafetensorError"
    if writer and shutil.disk_usage(run_dir).free < SMALLEST_FREE_SPACE:
        return f"{run_dir}: {os.strerror(errno.ENOSPC)}; free space, then go on with run_dir={run_dir}"
    return None


def _say_error(message: str) -> None:
    for line in message.splitlines():
        print(f"mentalft: {line}", file=sys.stderr)
