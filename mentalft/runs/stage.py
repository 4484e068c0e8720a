"""What a stage is: declared once, and everything else that is known of it is derived from the declaration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from mentalft.config import Config
from mentalft.config.fields import Setting, bears, settings_of, stages_of, value_at
from mentalft.console import say
from mentalft.errors import first_line
from mentalft.files import check_writable, default_cache_dir, digest_file
from mentalft.words import Said

if TYPE_CHECKING:
    from mentalft.modeling.locate import LocatedModel

T = TypeVar("T")


@dataclass
class Context:
    """What a stage of a run is given."""

    cfg: Config
    run_dir: Path
    log: Callable[[dict[str, float]], None] = lambda _: None
    """Gets every row of the training log."""
    located: LocatedModel | None = None
    """None where no stage of this command loads the model."""
    _made: dict[str, Any] = field(default_factory=dict)

    @property
    def cache_dir(self) -> Path:
        """What is shared between runs lies there."""
        return Path(self.cfg.cache_dir).expanduser() if self.cfg.cache_dir else default_cache_dir()

    def cache(self) -> Path | None:
        """The same, for what can be made without it: None where it is not wanted, or cannot be written."""
        return self.once("cache", self._cache) if self.cfg.cache else None

    def _cache(self) -> Path | None:
        try:
            check_writable(self.cache_dir)
        except OSError as error:
            say(Said("cli.no_cache", {"folder": str(self.cache_dir), "error": first_line(error)}), style="yellow")
            return None
        return self.cache_dir

    def model(self) -> LocatedModel:
        """The located model, for a stage that loads it."""
        if self.located is None:
            raise ValueError("no stage of this command loads the model")
        return self.located

    def fingerprint(self, located: LocatedModel | None = None) -> str:
        """Of a model's files (None: of the command's own), and of the template used instead of its own."""
        from mentalft.modeling.locate import template_file

        own = template_file(self.cfg.model)
        return (located or self.model()).fingerprint() + (f"+{digest(own)}" if own else "")

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What ``make`` returns, made once a command."""
        if name not in self._made:
            self._made[name] = make()
        made: T = self._made[name]
        return made


@dataclass(frozen=True)
class Stage:
    """One step of an experiment.

    Which settings decide its result stands beside the settings (``bears_on``), not here.
    """

    name: str
    work: Callable[[Context], object]
    needs: tuple[str, ...]
    """The stages whose files it reads; they are complete in the run directory, or run before it."""
    writes: tuple[str, ...]
    """Patterns of the files, below the run directory, that it promises."""
    leaves: tuple[str, ...] = ()
    """Patterns of what an unfinished attempt may go on from, and may use only if its inputs are the same."""
    rewritten: tuple[str, ...] = ()
    """Those of its files that are written again later on purpose, so that their hashes say nothing."""
    from_run: Callable[[Context], dict[str, Any]] = lambda _: {}
    """What decides its result besides settings and lies in the run directory, such as hashes of other stages' files."""
    inputs: Callable[[Context], dict[str, Any]] = lambda _: {}
    """What decides its result besides settings and comes from elsewhere, such as hashes of the user's files."""
    wanted: Callable[[Config], bool] | None = None
    """Whether a command asks for it; None where ``stages`` names it."""
    reads: Callable[[Config], Iterable[tuple[str, str | None]]] = lambda _: ()
    """Key and path of files of the user's own that it reads."""
    loads_model: bool | Callable[[Config], bool] = False
    check: Callable[[Config], object] = lambda _: None
    """Raises :class:`~mentalft.errors.UserError` for what can be found wrong before anything runs."""
    leads: bool = True
    """Whether the run is known by it: its versions, machine and command stand at the top of the manifest."""

    def is_wanted(self, cfg: Config) -> bool:
        return self.wanted(cfg) if self.wanted else self.name in cfg.stages

    def will_load_model(self, cfg: Config) -> bool:
        return self.loads_model if isinstance(self.loads_model, bool) else self.loads_model(cfg)

    def made_from(self, context: Context) -> dict[str, Any]:
        """All that decides its result: each setting that bears on it, by its key, and its inputs, as JSON has them."""
        cfg = context.cfg
        settings = {s.key: value_at(cfg, s.key) for s in settings_of(cfg) if bears(s, self.name, cfg)}
        return as_json({**settings, **self.from_run(context), **self.inputs(context)})


def digest(path: Path) -> str | None:
    """Of the file ``path``; None where it is not there."""
    return digest_file(path) if path.is_file() else None


def as_json(values: dict[str, Any]) -> dict[str, Any]:
    """``values`` as they come back from a file, so that both can be held against each other."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(values))
    return found


def groups_of(stages: Iterable[str]) -> set[str]:
    """The groups of the configuration that hold a setting which bears on one of ``stages``."""
    names = set(stages)
    return {s.group for s in settings_of(Config) if names & set(stages_of(s))} - {""}


def used_by(stages: Iterable[str], of_groups: Mapping[str, T]) -> dict[str, T]:
    """``of_groups`` without the groups that bear on results, but on those of no stage of ``stages``."""
    used = groups_of(stages)
    return {group: value for group, value in of_groups.items() if group in used or group not in RESULT_GROUPS}


def settings_used_by(stages: Iterable[str], config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``config`` without the settings of other stages: what bears on their results, and on their pace and looks."""
    names = set(stages)
    found: dict[str, Any] = {}
    for name, value in config.items():
        key = f"{prefix}{name}"
        if key in BEARS_ON:
            of = stages_of(Setting(key, BEARS_ON[key])) or (owners(key.partition(".")[0])[:1] if prefix else [])
            if not of or names & set(of) or name == "name":  # by which a run is found
                found[name] = value
        elif isinstance(value, Mapping) and (inner := settings_used_by(names, value, f"{key}.")):
            found[name] = inner
    return found


def owner(bears_on: Sequence[str], complete: Iterable[str]) -> str | None:
    """The stage whose value of a setting stands for the run: the first that it bears on and that is complete."""
    done = set(complete)
    return next((name for name in bears_on if name in done), None)


def owners(group: str) -> list[str]:
    """The stages that settings of ``group`` bear on: first those that own most settings, then the others."""
    found = [stages_of(s) for s in settings_of(Config) if s.group == group]
    owning = Counter(names[0] for names in found if names)
    others = Counter(name for names in found for name in names if name not in owning)
    return [stage for counts in (owning, others) for stage, _ in counts.most_common()]


BEARS_ON = {s.key: s.bears_on for s in settings_of(Config)}
RESULT_GROUPS = tuple(f.name for f in fields(Config) if owners(f.name))
"""The groups of the configuration that bear on results."""
