"""A single run: composed once, given a directory, and run there."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
from datetime import datetime
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from mentalft.config import OPEN_KEYS, Config
from mentalft.config.composition import hydra_records, load_config, options_of
from mentalft.config.mistakes import in_words
from mentalft.errors import ConfigError, UserError

log = logging.getLogger("mentalft")


class Composed(NamedTuple):
    """What a command asks for, composed once."""

    config: Config
    plain: DictConfig
    """The same as Hydra composed it, with its own part under ``hydra``."""
    overrides: list[str]
    choices: dict[str, str]


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
        from mentalft.errors import typed

        key, folder = ("sweep_dir", self.sweep_dir) if self.sweep_dir else ("run_dir", self.run_dir or Path())
        return typed(key, shown(folder))


def readable(argument: str) -> str:
    """``argument`` as Hydra can read it: a plain value in another script is put into quotes, as it reads only ASCII
    without them, and a name of the user's own gets the ``++`` that lets it into a mapping."""
    key, equals, value = argument.partition("=")
    plain = re.fullmatch(r"[^'\"\\,\[\]{}()$]+", value)
    if equals and key.isascii() and plain and not value.isascii():
        argument = f'{key}="{value}"'
    return f"++{argument}" if re.match(rf"({'|'.join(map(re.escape, OPEN_KEYS))})[.=]", argument) else argument


def one_experiment(argv: list[str]) -> list[str]:
    """``argv`` with several ``experiment=NAME`` as one list in their order; Hydra would take the last alone."""
    places = [place for place, argument in enumerate(argv) if argument.startswith("experiment=")]
    values = [argv[place].partition("=")[2] for place in places]
    while "null" in values:
        values = values[values.index("null") + 1 :]
    if len(values) < 2:
        return argv
    options = [[value.strip("[]")] if value.startswith("[") else value.split(",") for value in values]
    together = ",".join(f"[{','.join(names)}]" for names in product(*options))
    others = {place: argument for place, argument in enumerate(argv) if place not in places[:-1]}
    return [*{**others, places[-1]: f"experiment={together}"}.values()]


@cache
def register_schema() -> None:
    """Tell Hydra of the schema; once, for it takes a tenth of the time in which a mistake is answered."""
    ConfigStore.instance().store("base_config", Config, replace=True)


def compose_alone(overrides: list[str]) -> Composed:
    """The configuration of one run, checked.

    Raises:
        ConfigError: a value is missing or out of range, or does not fit a single run.
        Exception: as Hydra and OmegaConf raise them (:func:`mentalft.config.mistakes.in_words`).
    """
    register_schema()
    around = GlobalHydra.instance().hydra  # a notebook may use Hydra for something of its own
    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_module("mentalft.conf"):
            plain = hydra.compose("config", overrides=overrides, return_hydra_config=True)
    finally:
        GlobalHydra.instance().hydra = around  # Hydra has put another instance in its place
    config = load_config(_without_hydra(plain))
    if config.sweep_dir:
        raise ConfigError("sweep_dir continues a sweep and needs --multirun; for one run it is run_dir=PATH")
    return Composed(config, plain, list(plain.hydra.overrides.task), options_of(plain.hydra))


def _without_hydra(plain: DictConfig) -> DictConfig:
    return OmegaConf.masked_copy(plain, [str(key) for key in plain if key != "hydra"])


def place_of(composed: Composed) -> Place:
    """Where a single run writes: a directory that it continues, or one that no other run has.

    Raises:
        ConfigError: the directory is no run's, is not there though it is needed, or holds what the run reads where it
            writes.
    """
    from mentalft.runs.place import check_apart, check_place
    from mentalft.stages import STAGES

    config = composed.config
    given = any(o.lstrip("+").startswith("hydra.run.dir=") for o in composed.plain.hydra.overrides.hydra)
    if not config.run_dir and not given:
        run_dir = claim(Path("outputs"))
        return Place(run_dir, None, run_dir)
    run_dir = Path(config.run_dir or str(composed.plain.hydra.run.dir)).expanduser()
    begins = "prepare" in config.stages or config.eval.references
    if config.run_dir and not begins and not run_dir.is_dir():
        raise ConfigError(
            f"run_dir={config.run_dir} does not exist, and stages=[{','.join(config.stages)}] has no stage to "
            "begin it with; correct the path, or add prepare to stages"
        )
    check_place(run_dir, "run_dir" if config.run_dir else "hydra.run.dir")
    check_apart(config, run_dir, [stage for stage in STAGES if stage.is_wanted(config)])
    return Place(run_dir, None, None if run_dir.exists() else run_dir)


def run_in(composed: Composed, place: Place) -> None:
    """Run the experiment in its directory; what ends it is in its log. One that fails at once leaves nothing behind.

    Raises:
        UserError: as :func:`mentalft.experiment.run_experiment` raises it, or another process uses the directory.
        Exception: a fault of ours, or an error that :func:`mentalft.config.mistakes.in_words` knows.
    """
    from mentalft.console import log_to
    from mentalft.experiment import run_tracked
    from mentalft.files import write_text
    from mentalft.runs.place import held

    run_dir = (place.run_dir or Path()).absolute()  # W&B's process keeps the folder in which it was started
    try:
        with held(run_dir), log_to(run_dir):
            for name, text in hydra_records(_without_hydra(composed.plain), composed.plain.hydra).items():
                write_text(run_dir / ".hydra" / name, text)
            try:
                run_tracked(composed.config, run_dir, composed.choices, composed.overrides)
            except Exception as error:
                message = in_words(error, composed.overrides, run_dir)
                if message is None:
                    log.exception("unexpected error")
                    raise
                log.error(message)  # noqa: TRY400 - a user's mistake needs no traceback
                if isinstance(error, UserError):
                    raise
                raise UserError(message) from error
    except Exception:
        remove_if_bare(place.claimed)
        raise


def claim(parent: Path) -> Path:
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


def remove_if_bare(claimed: Path | None) -> None:
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
    from mentalft.runs.declared import DECLARED

    written = [p.relative_to(claimed) for p in claimed.rglob("*") if p.is_file() and p.stat().st_size]
    if all(path.parts[0] in bare or path.suffix == ".attempt" or path.as_posix() == DECLARED.name for path in written):
        shutil.rmtree(claimed, ignore_errors=True)
        for parent in list(claimed.parents)[: 2 if claimed.parts[0] in ("outputs", "multirun") else 0]:
            with contextlib.suppress(OSError):
                parent.rmdir()  # the folder of the day, and outputs/, where the run was their first
