"""The command line: Hydra in, a typed configuration out, exit codes.

Only this module knows Hydra. Nothing heavy is imported before the configuration is known to be right.
Exit codes: 0 done, 1 an error, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from mentalft import __version__
from mentalft.config import OPEN_KEYS, Config
from mentalft.errors import ConfigError, Stopped, UserError
from mentalft.inputs import check_run_dir
from mentalft.running import in_words, load_config, run_tracked

log = logging.getLogger("mentalft")
EXIT_ERROR, EXIT_INTERRUPTED = 1, 130
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
    place = Place()
    try:
        if _launched_as() is not None and _takes_part(args):
            return 0
        if not _only_prints(args):
            place = _check_and_claim(args, argv)
        sys.argv = [sys.argv[0], *argv, *place.overrides]
        _failed.clear()
        with _stopped_in_order(place.sweep_dir):
            _hydra_main()
        _dismiss_others()
        if _failed:
            _remove_if_bare(place.claimed)
    except KeyboardInterrupt as stop:
        _say_error(str(stop) or "interrupted; what is complete stays")
        if place.sweep_dir or place.run_dir:
            _say_error(f"to go on: the same command with {place.to_go_on()}")
        return _end_sweep(place, stop.exit_code if isinstance(stop, Stopped) else EXIT_INTERRUPTED)
    except Exception as error:
        _remove_if_bare(place.claimed)
        if want_traceback:
            raise
        message = in_words(error, args.overrides)
        if message is None:
            if not place.sweep_dir:
                raise
            from mentalft.sweep.ending import ended_early

            message = f"{ended_early(place.sweep_dir, error)}\nto go on: the same command with {place.to_go_on()}"
        _say_error(message)
        return _end_sweep(place, EXIT_ERROR)
    return _end_sweep(place, EXIT_ERROR if _failed else 0)


class Place(NamedTuple):
    """Where this command writes."""

    run_dir: Path | None = None
    sweep_dir: Path | None = None
    claimed: Path | None = None
    """Either, if it is new."""
    overrides: tuple[str, ...] = ()
    """What Hydra must be told for it."""
    begun: float = 0.0
    """When a sweep did, in seconds since the epoch."""

    def to_go_on(self) -> str:
        from mentalft.console import shown

        return f"sweep_dir={shown(self.sweep_dir)}" if self.sweep_dir else f"run_dir={shown(self.run_dir or Path())}"


def _stopped_in_order(sweep_dir: Path | None) -> contextlib.AbstractContextManager[None]:
    if sweep_dir is None:
        return contextlib.nullcontext()
    from mentalft.sweep.stopping import stopped_with_its_trials

    return stopped_with_its_trials(sweep_dir)


def _end_sweep(place: Place, code: int) -> int:
    """The exit code, once what became of the trials has been said; ``code`` where this is no sweep."""
    if place.sweep_dir is None or not place.sweep_dir.is_dir():
        return code
    from mentalft.sweep.ending import conclude

    failed = conclude(place.sweep_dir, place.begun)
    for line in failed:
        _say_error(line)
    if failed and not code:
        _say_error(f"to run what failed: the same command with {place.to_go_on()}")
    return code or (EXIT_ERROR if failed else 0)


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
    from mentalft.training.processes import Meeting

    quiet_libraries()
    for work in Meeting().work():
        from mentalft.generation import evaluate
        from mentalft.training import train

        {"train": train.take_part, "evaluate": evaluate.take_part}[work["stage"]](work)
    return True


def _dismiss_others() -> None:
    """Those that were launched with this process and wait for work need wait no longer."""
    if _launched_as() == 0:
        from mentalft.training.processes import Meeting

        Meeting().dismiss()


def _quoted(argument: str) -> str:
    """``key=value`` with a plain value in another script put into quotes; Hydra reads only ASCII without them."""
    key, equals, value = argument.partition("=")
    plain = re.fullmatch(r"[^'\"\\,\[\]{}()$]+", value)
    return f'{key}="{value}"' if equals and key.isascii() and plain and not value.isascii() else argument


def _opened(argument: str) -> str:
    """Leave to add names to a mapping that is the user's own, which Hydra gives only where it is asked with ``++``."""
    return f"++{argument}" if re.match(rf"({'|'.join(map(re.escape, OPEN_KEYS))})[.=]", argument) else argument


@hydra.main(config_path="pkg://mentalft.conf", config_name="config")
def _hydra_main(cfg: DictConfig) -> float | None:
    from mentalft.console import log_to

    if HydraConfig.get().mode == RunMode.MULTIRUN:
        from mentalft.sweep.plan import run_job

        return run_job(cfg)
    run_dir = Path(HydraConfig.get().runtime.output_dir)
    choices = {k: v for k, v in HydraConfig.get().runtime.choices.items() if "/" not in k and v is not None}
    with log_to(run_dir):
        try:
            return run_tracked(load_config(cfg), run_dir, choices, list(HydraConfig.get().overrides.task))
        except Exception as error:
            message = in_words(error, list(HydraConfig.get().overrides.task), run_dir)
            if message is None:
                log.exception("unexpected error")
                raise
            log.error(message)  # noqa: TRY400 - a user's mistake needs no traceback
            _say_error(message)
            _failed.append(message)  # a raised error would be reported a second time, by Hydra
            return None


def _only_prints(args: Any) -> bool:
    return bool(args.help or args.hydra_help or args.info or args.shell_completion)


def _check_and_claim(args: Any, argv: list[str]) -> Place:
    """Compose once, before Hydra makes any directory; claim a directory that no other run has."""
    chosen = {o.lstrip("+").partition("=")[0]: o.partition("=")[2] for o in args.overrides}
    if args.multirun:
        if chosen.get("run_dir", "null") != "null":
            raise ConfigError("run_dir continues one run and cannot be used with --multirun; use sweep_dir=PATH")
        return _begin_sweep(args.overrides, argv, chosen)
    with hydra.initialize_config_module("mentalft.conf"):
        config = load_config(hydra.compose("config", overrides=args.overrides))
    if config.sweep_dir:
        raise ConfigError("sweep_dir continues a sweep and needs --multirun; for one run it is run_dir=PATH")
    if args.cfg or "hydra.run.dir" in chosen:
        return Place()
    check_run_dir(config)
    run_dir = Path(config.run_dir).expanduser() if config.run_dir else _claim(Path("outputs"))
    is_new = not config.run_dir or not run_dir.exists()
    return Place(run_dir, None, run_dir if is_new else None, (f"hydra.run.dir={_escaped(run_dir)}",))


def _begin_sweep(overrides: list[str], argv: list[str], chosen: dict[str, str]) -> Place:
    from mentalft.sweep.plan import begin, check_free, plan_sweep

    plan = plan_sweep(overrides)
    given = plan.sweep_dir or (plan.hydra_sweep_dir if "hydra.sweep.dir" in chosen else None)
    if given:
        check_free(given)
    sweep_dir = given or _claim(Path("multirun"))
    told = begin(plan, ["mentalft", *argv], sweep_dir)
    claimed = None if given else sweep_dir
    return Place(None, sweep_dir, claimed, (f"hydra.sweep.dir={_escaped(sweep_dir)}", *told), time.time())


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


def _escaped(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _remove_if_bare(claimed: Path | None) -> None:
    """A run that failed before its first result leaves nothing behind."""
    if claimed is None or not claimed.is_dir():
        return
    bare = {
        ".hydra",
        "mentalft.log",
        "config.resolved.yaml",
        "manifest.json",
        "wandb",
        "sweep_plan.json",
        "multirun.yaml",
    }
    written = [p.relative_to(claimed) for p in claimed.rglob("*") if p.is_file() and p.stat().st_size]
    if all(path.parts[0] in bare or path.suffix == ".attempt" for path in written):
        shutil.rmtree(claimed, ignore_errors=True)
        for parent in list(claimed.parents)[: 2 if claimed.parts[0] in ("outputs", "multirun") else 0]:
            with contextlib.suppress(OSError):
                parent.rmdir()  # the folder of the day, and outputs/, where the run was their first


def _say_error(message: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody reads on
        for line in message.splitlines():
            print(f"mentalft: {line}", file=sys.stderr)
