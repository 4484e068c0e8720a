"""The command line: Hydra in, a typed configuration out, exit codes.

A single run is composed once, in :mod:`mentalft.cli.single`; Hydra's own entry is for what needs it: sweeps, and
printing. Nothing heavy is imported before the configuration is known to be right.
Exit codes: 0 done, 1 an error, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig

from mentalft import __version__
from mentalft.cli.single import (
    Place,
    claim,
    compose_alone,
    one_experiment,
    place_of,
    readable,
    register_schema,
    remove_if_bare,
    run_in,
)
from mentalft.config.mistakes import in_words
from mentalft.errors import ConfigError, Stopped, UserError, override, show_any_character

log = logging.getLogger("mentalft")
EXIT_ERROR, EXIT_INTERRUPTED = 1, 130


def main() -> None:
    """Entry point of the console script ``mentalft``."""
    show_any_character()
    sys.exit(run(sys.argv[1:]))


def run(argv: list[str]) -> int:
    """Run ``mentalft`` with ``argv`` and return the exit code."""
    given = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises what went wrong instead of printing and exiting itself
    try:
        return _run(argv, want_traceback=given not in (None, "", "0"))
    finally:
        if given is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = given


def _run(argv: list[str], *, want_traceback: bool) -> int:
    register_schema()
    if "--version" in argv:
        print(f"mentalft {__version__} (Hydra {hydra.__version__})")
        return 0
    argv = one_experiment([readable(argument) for argument in argv])
    parser = get_args_parser()
    args = parser.parse_intermixed_args(argv)
    if sum(map(bool, (args.run, args.multirun, args.cfg, args.info, args.shell_completion))) > 1:
        parser.error("give only one of --run, --multirun, --cfg, --info and --shell-completion")
    place = Place()
    try:
        if _launched_as() is not None and _takes_part(args):
            return 0
        if args.multirun:
            place = _begin_sweep(args.overrides, argv)
        elif not _only_prints(args):
            composed = compose_alone(args.overrides)
            place = Place() if args.cfg else place_of(composed)
        if place.run_dir:
            run_in(composed, place)
        else:
            sys.argv = [sys.argv[0], *argv, *place.overrides]
            with _stopped_in_order(place.sweep_dir):
                _hydra_main()
        _dismiss_others()
    except KeyboardInterrupt as stop:
        _say_error(str(stop) or "interrupted; what is complete stays")
        if place.sweep_dir or place.run_dir:
            _say_error(f"to go on: the same command with {place.to_go_on()}")
        return _end_sweep(place, stop.exit_code if isinstance(stop, Stopped) else EXIT_INTERRUPTED)
    except Exception as error:
        remove_if_bare(place.claimed)
        if want_traceback:
            raise
        message = in_words(error, args.overrides) or _of_sweep(error, place)
        if message is None:
            raise
        _say_error(message)
        return _end_sweep(place, EXIT_ERROR)
    return _end_sweep(place, 0)


def _of_sweep(error: Exception, place: Place) -> str | None:
    """What is said of a sweep that something of Hydra's or ours ended; None where this is no sweep."""
    if not place.sweep_dir:
        return None
    from mentalft.sweep.ending import ended_early

    return f"{ended_early(place.sweep_dir, error)}\nto go on: the same command with {place.to_go_on()}"


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
    compose_alone(args.overrides)
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


@hydra.main(config_path="pkg://mentalft.conf", config_name="config")
def _hydra_main(cfg: DictConfig) -> float | None:
    from mentalft.sweep.plan import run_job

    return run_job(cfg)


def _only_prints(args: Any) -> bool:
    return bool(args.help or args.hydra_help or args.info or args.shell_completion)


def _begin_sweep(overrides: list[str], argv: list[str]) -> Place:
    from mentalft.sweep.plan import begin, check_free, plan_sweep

    chosen = {o.lstrip("+").partition("=")[0]: o.partition("=")[2] for o in overrides}
    if chosen.get("run_dir", "null") != "null":
        raise ConfigError("run_dir continues one run and cannot be used with --multirun; use sweep_dir=PATH")
    planned = plan_sweep(overrides, ["mentalft", *argv])
    given = planned.sweep_dir or (planned.hydra_sweep_dir if "hydra.sweep.dir" in chosen else None)
    if given:
        check_free(given)
    sweep_dir = given or claim(Path("multirun"))
    told = begin(planned, sweep_dir)
    claimed = None if given else sweep_dir
    return Place(None, sweep_dir, claimed, (override("hydra.sweep.dir", str(sweep_dir)), *told), time.time())


def _say_error(message: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody reads on
        for line in message.splitlines():
            print(f"mentalft: {line}", file=sys.stderr)
