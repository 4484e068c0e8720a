"""Sentences, commands and figures that the files, the page and the terminal share."""

from __future__ import annotations

import shlex

from mentalft.console import shown as shown_path
from mentalft.errors import override
from mentalft.runs.sweep_files import DONE, FAILED, RUNNING, UNREADABLE, key_of
from mentalft.show.numbers import plain
from mentalft.show.sweep.result import NEAR, SEED, UNKNOWN, Setting, Sweep, shown
from mentalft.show.sweep.trials import Trial
from mentalft.words import Said

MANY, FEW, FEW_AXES = 6, 2, 4
"""How many settings a sentence names, by how long their names are; the table has all."""


def states(sweep: Sweep) -> list[Said]:
    """``6 done, 1 running, 1 failed``."""
    counts = {state: len(sweep.in_state(state)) for state in (DONE, RUNNING, FAILED, UNREADABLE)}
    return [Said(f"sweep.count.{state}", {"count": count}) for state, count in counts.items() if count]


def counted(sweep: Sweep) -> Said:
    """``8 trials: 6 done, 1 running, 1 failed``."""
    return Said("sweep.counted", {"trials": number_of("trial", len(sweep.trials)), "states": states(sweep)})


def objective_in_words(sweep: Sweep) -> Said:
    return Said(f"sweep.objective.{'higher' if sweep.maximize else 'lower'}", {"name": objective_name(sweep)})


def objective_name(sweep: Sweep) -> Said:
    if sweep.objective_name == "validation_loss":
        return Said("sweep.name.validation_loss")
    name = sweep.objective_name.replace("_", " ")
    return Said(f"sweep.name.{'as_it_is' if 'validation' in name else 'on_validation'}", {"name": name})


def tried(sweep: Sweep) -> Said:
    """How many were looked at: what the best of them must be read against."""
    trials = number_of("trial", len(sweep.looked_at))
    if not sweep.by_seeds:
        return trials
    return Said("sweep.with_trials", {"settings": number_of("setting", len(sweep.settings)), "trials": trials})


def described(sweep: Sweep, setting: Setting) -> Said | str:
    """``r=8, learning_rate=0.001``; where nothing varies but seeds, their number; else the trial's directory."""
    values = [f"{axis.label}={shown(setting.values[axis.key])}" for axis in sweep.varied]
    if values:
        return ", ".join(values)
    if len(setting.trials) == 1:
        return Said("sweep.described.trial", {"name": setting.trials[0].name})
    return Said("sweep.described.seeds", {"count": len(setting.trials)})


def command_of(setting: Setting) -> str:
    """What runs the setting again, quoted for a POSIX shell: one run, or one run a seed."""
    first = setting.trials[0]
    if len(setting.trials) == 1:
        return run_command(first)
    seeds = [trial.values[SEED] for trial in setting.trials if SEED in trial.values]
    kept = [argument for argument in first.status.command[1:] if key_of(argument) != SEED]
    return shlex.join(["mentalft", "-m", *kept, f"{SEED}={','.join(seeds)}"])


def sweep_command(sweep: Sweep) -> str:
    """The command that goes on with the whole sweep; empty where it is not known."""
    command = sweep.plan.command
    if not command:
        return ""
    named = any(key_of(argument) in ("sweep_dir", "hydra.sweep.dir") for argument in command)
    return shlex.join([*command, *([] if named else [override("sweep_dir", shown_path(sweep.sweep_dir))])])


def run_command(trial: Trial) -> str:
    """The single run that the trial was."""
    return shlex.join(["mentalft", *trial.status.command[1:]])


def warnings_of(setting: Setting) -> list[Said]:
    """Of its runs' comparisons, each once."""
    found: list[Said] = []
    for warning in (w for trial in setting.trials if trial.comparison for w in trial.comparison.warnings):
        found += [] if warning in found else [warning]
    return found


def headline(sweep: Sweep) -> Said:
    """The result in a sentence."""
    chosen = sweep.chosen
    if chosen is None:
        failed = len(sweep.in_state(FAILED, UNREADABLE)) == len(sweep.trials)
        return Said("sweep.headline.failed" if failed else "sweep.headline.none")
    figure: Said | str = plain(chosen.objective)
    if chosen.sd is not None:
        spread = {"mean": figure, "sd": plain(chosen.sd), "count": len(chosen.trials)}
        figure = Said("sweep.headline.over_seeds", spread)
    base = sweep.base_objective
    near = sum(setting.standing == NEAR for setting in sweep.settings)
    values = {
        "tried": tried(sweep),
        "setting": described(sweep, chosen),
        "objective": objective_name(sweep),
        "figure": figure,
        "base": "" if base is None else Said("sweep.headline.base", {"figure": plain(base)}),
        "near": Said("sweep.headline.near", {"count": near}) if near else "",
    }
    return Said("sweep.headline.alone" if len(sweep.settings) == 1 else "sweep.headline.best", values)


def near_in_words(sweep: Sweep) -> Said:
    """Which settings cannot be told from the chosen one."""
    others = len(sweep.settings) - 1
    if others < 1:
        return Said("sweep.near.alone")
    near = [setting for setting in sweep.settings if setting.standing == NEAR]
    unknown = sum(setting.standing == UNKNOWN for setting in sweep.settings)
    if unknown == others:
        return Said("sweep.near.not_known")
    if not near and unknown:
        return Said("sweep.near.some_worse", {"worse": others - unknown, "unknown": unknown})
    if not near:
        return Said("sweep.near.all_worse")
    most = MANY if len(sweep.axes) < FEW_AXES else FEW
    named = described(sweep, near[0])
    for setting in near[1:most]:
        named = Said("sweep.near.two", {"one": named, "other": described(sweep, setting)})
    more = Said("sweep.near.more", {"count": len(near) - most}) if len(near) > most else ""
    return Said("sweep.near.some", {"settings": named, "more": more})


def number_of(noun: str, count: int) -> Said:
    return Said(f"sweep.{noun}" if count == 1 else f"sweep.{noun}s", {"count": count})


def duration(seconds: float) -> Said:
    if seconds < 100:
        return Said("sweep.seconds", {"seconds": seconds})
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return Said("sweep.minutes", {"minutes": minutes, "seconds": left})
    return Said("sweep.hours", {"hours": minutes // 60, "minutes": minutes % 60})
