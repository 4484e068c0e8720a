"""Sentences and figures that the files, the page and the terminal share."""

from __future__ import annotations

import shlex

from mentalft.console import shown as shown_path
from mentalft.show.numbers import plain
from mentalft.show.sweep.axes import SEED, shown
from mentalft.show.sweep.result import NEAR, UNKNOWN, Setting, Sweep
from mentalft.show.sweep.trials import DONE, FAILED, RUNNING, UNREADABLE, Trial

OPTIMISTIC = (
    "It is the best of {tried} by its objective, so that figure is better than new data would show. The test scores "
    "below had no part in the choice, and are not subject to that."
)
SECOND_LOOK = (
    "These are test scores of settings that were not chosen. To choose by them would be to tune on the test split, and "
    "no score in this table would then be one of held-out data."
)
MEMORY = (
    "Memory is the most in use while the trial trained: of the GPU, or else of the process, which holds what earlier "
    "trials of the same process left behind. Training time is that of the train stage; time is that of the whole job, "
    "which is shorter where base answers came from the cache."
)

MANY, FEW, FEW_AXES = 6, 2, 4
"""How many settings a sentence names, by how long their names are; the table has all."""


def counted(sweep: Sweep) -> str:
    """``8 trials: 6 done, 1 running, 1 failed``."""
    states = {state: len(sweep.in_state(state)) for state in (DONE, RUNNING, FAILED, UNREADABLE)}
    parts = [f"{count} {state}" for state, count in states.items() if count]
    return f"{plural(len(sweep.trials), 'trial')}: {', '.join(parts)}"


def objective_in_words(sweep: Sweep) -> str:
    return f"{_name(sweep)} ({'higher' if sweep.maximize else 'lower'} is better)"


def _name(sweep: Sweep) -> str:
    name = sweep.objective_name.replace("_", " ")
    return name if "validation" in name else f"{name} on the validation split"


def tried(sweep: Sweep) -> str:
    """How many were looked at: what the best of them must be read against."""
    trials = sum(len(setting.trials) for setting in sweep.settings)
    if not sweep.by_seeds:
        return plural(trials, "trial")
    return f"{plural(len(sweep.settings), 'setting')} ({plural(trials, 'trial')})"


def described(sweep: Sweep, setting: Setting) -> str:
    """``r=8, learning_rate=0.001``; where nothing varies but seeds, their number; else the trial's directory."""
    values = [f"{axis.label}={shown(setting.values[axis.key])}" for axis in sweep.varied]
    alone = f"trial {setting.trials[0].name}" if len(setting.trials) == 1 else f"{len(setting.trials)} seeds"
    return ", ".join(values) or alone


def command_of(setting: Setting) -> str:
    """What runs the setting again, quoted for a POSIX shell: one run, or one run a seed."""
    first = setting.trials[0]
    if len(setting.trials) == 1:
        return run_command(first)
    seeds = [trial.values[SEED] for trial in setting.trials if SEED in trial.values]
    kept = [override for override in _arguments(first) if override.lstrip("+").partition("=")[0] != SEED]
    return shlex.join(["mentalft", "-m", *kept, f"{SEED}={','.join(seeds)}"])


def sweep_command(sweep: Sweep) -> str:
    """The command that goes on with the whole sweep; empty where it is not known."""
    if not sweep.command:
        return ""
    named = any(argument.startswith(("sweep_dir=", "hydra.sweep.dir=")) for argument in sweep.command)
    return shlex.join([*sweep.command, *([] if named else [f"sweep_dir={shown_path(sweep.sweep_dir)}"])])


def run_command(trial: Trial) -> str:
    """The single run that the trial was."""
    return shlex.join(["mentalft", *_arguments(trial)])


def _arguments(trial: Trial) -> list[str]:
    """Of the command that the trial's record holds, unless that is the whole sweep's."""
    own = trial.command[1:]
    single = not {"-m", "--multirun"} & set(own) and set(trial.overrides) <= set(own)
    return list(own if single else trial.overrides)


def warnings_of(setting: Setting) -> list[str]:
    """Of its runs' comparisons, each once."""
    compared = [trial.comparison for trial in setting.trials if trial.comparison]
    return list(dict.fromkeys(warning for comparison in compared for warning in comparison.warnings))


def headline(sweep: Sweep) -> str:
    """The result in a sentence."""
    chosen = sweep.chosen
    if chosen is None:
        states = len(sweep.in_state(FAILED, UNREADABLE)), len(sweep.trials)
        return "Every trial failed." if states[0] == states[1] else "No trial has an objective, so none is chosen."
    figure = plain(chosen.objective)
    if chosen.sd is not None:
        figure += f" ± {plain(chosen.sd)} (mean ± sd of {len(chosen.trials)} seeds)"
    base = f"; {plain(sweep.base_objective)} before training" if sweep.base_objective is not None else ""
    name = described(sweep, chosen)
    if len(sweep.settings) == 1:
        return f"{name}: {_name(sweep)} {figure}{base}."
    near = sum(setting.standing == NEAR for setting in sweep.settings)
    others = f" Within noise of it: {near}." if near else ""
    return f"Of {tried(sweep)}, {name} has the best {_name(sweep)}: {figure}{base}.{others}"


def near_in_words(sweep: Sweep) -> str:
    """Which settings cannot be told from the chosen one."""
    if len(sweep.settings) < 2:
        return "There is no other setting to tell it from."
    near = [setting for setting in sweep.settings if setting.standing == NEAR]
    unknown = sum(setting.standing == UNKNOWN for setting in sweep.settings)
    if unknown == len(sweep.settings) - 1:
        return "How far the others are from it beyond noise is not known."
    if not near and unknown:
        return f"Shown to be worse: {len(sweep.settings) - 1 - unknown} others; of {unknown} it is not known."
    if not near:
        return "Every other setting is shown to be worse."
    most = MANY if len(sweep.axes) < FEW_AXES else FEW
    more = f" and {len(near) - most} more" if len(near) > most else ""
    return f"Within noise of it: {'; '.join(described(sweep, setting) for setting in near[:most])}{more}."


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {left:02d} s"


def size(count: int | None) -> str:
    """Bytes, in the unit that leaves at most four digits."""
    if count is None:
        return "–"
    for unit, name in ((2**30, "GiB"), (2**20, "MiB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 2**10:.0f} KiB"


def whole(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"
