"""``sweep.md``, ``sweep.csv`` and ``sweep.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mentalft.files import write_json, write_text
from mentalft.show.sweep.result import Sweep
from mentalft.show.sweep.sentences import (
    command_of,
    counted,
    described,
    near_in_words,
    objective_in_words,
    run_command,
    tried,
    warnings_of,
)
from mentalft.show.sweep.tables import (
    COST_FIELDS,
    chosen_table,
    scores_table,
    seeds_table,
    settings_table,
    test_figures,
    trials_table,
    unfinished_table,
)
from mentalft.show.sweep.trials import Trial
from mentalft.show.table import csv_text, markdown
from mentalft.words import Said, told


def write_sweep_json(sweep: Sweep, path: Path, **more: Any) -> None:
    """Everything, by name; ``more`` stands at the top level."""
    chosen = sweep.chosen
    write_json(
        path,
        {
            "objective": {"name": sweep.objective_name, "direction": "maximize" if sweep.maximize else "minimize"},
            "axes": [axis.key for axis in sweep.axes],
            "command": list(sweep.command),
            "sweeper": sweep.sweeper,
            "launcher": sweep.launcher,
            "started": sweep.started,
            "notes": [told(note) for note in sweep.notes],
            "trials_looked_at": len(sweep.looked_at),
            "chosen": chosen and {
                "values": chosen.values,
                "trials": [trial.name for trial in chosen.trials],
                "objective": chosen.objective,
                "command": command_of(chosen),
            },
            "base": {"objective": sweep.base_objective, "test": sweep.base_scores},
            "settings": [
                {
                    "values": setting.values,
                    "objective": setting.objective,
                    "sd": setting.sd,
                    "standing": setting.standing,
                    "trials": [trial.name for trial in setting.trials],
                }
                for setting in sweep.settings
            ],
            "noise": told(sweep.noise),
            "importance": {"shares": sweep.importance.shares, "how": told(sweep.importance.how)},
            "trials": [_trial(trial) for trial in sweep.trials],
            **more,
        },
    )  # fmt: skip


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.name,
        "state": trial.status.state,
        "overrides": trial.status.overrides,
        "objective": trial.status.objective,
        "base_objective": trial.base_objective,
        "error": told(trial.problem) if trial.problem else None,
        "started": trial.status.started or None,
        **{cost: getattr(trial, cost) for cost in COST_FIELDS},
        "command": run_command(trial) if trial.status.command else None,
        "test": test_figures(trial),
    }


def write_sweep_csv(sweep: Sweep, path: Path) -> None:
    write_text(path, csv_text(trials_table(sweep)))


def write_sweep_markdown(sweep: Sweep, path: Path) -> None:
    language = sweep.language

    def said(key: str, **values: Any) -> str:
        return told(Said(f"sweep.{key}", values), language)

    unfinished, scores = unfinished_table(sweep), scores_table(sweep)
    blocks = [[f"# {said('title_counted', name=sweep.sweep_dir.resolve().name, counted=counted(sweep))}"]]
    blocks += [[f"- **{said('note')}** {told(note, language)}" for note in sweep.notes]]
    blocks += [[said("objective_is", objective=objective_in_words(sweep))]]
    if chosen := sweep.chosen:
        table, comparison = chosen_table(sweep), chosen.trials[0].comparison
        name = " ".join(told(described(sweep, chosen), language).replace("|", "\\|").split())
        blocks += [[f"## {said('chosen_is', setting=name)}"]]
        blocks += [[said("optimistic", tried=tried(sweep)), told(near_in_words(sweep), language)]]
        blocks += [["```bash", command_of(chosen), "```"]]
        blocks += [[said("scores_decoded", decoding=comparison.decoding)]] if comparison and comparison.decoding else []
        blocks += [[f"- **{said('warning_mark')}** {told(warning, language)}" for warning in warnings_of(chosen)]]
        blocks += [markdown(table, language) if table else [said("not_compared")]]
        blocks += [[f"## {said('by_objective')}"], markdown(settings_table(sweep), language)]
        blocks += [[told(sweep.noise, language)], [said("memory")]]
    if unfinished.rows:
        blocks += [[f"## {said('without_objective')}"], markdown(unfinished, language)]
    if sweep.by_seeds:
        blocks += [[f"## {said('each_seed')}"], markdown(seeds_table(sweep), language)]
    if len(sweep.varied) > 1:
        labels = {axis.key: axis.label for axis in sweep.axes}
        shares = ", ".join(f"{labels[key]} {share:.2f}" for key, share in sweep.importance.shares.items())
        how = told(sweep.importance.how, language)
        blocks += [[f"## {said('what_matters')}"], [f"{shares}. {how}" if shares else how]]
    if scores and len(sweep.settings) != 1:
        blocks += [[f"## {said('all_scores')}"], [said("second_look")], markdown(scores, language), [said("marks")]]
    write_text(path, "\n\n".join("\n".join(block) for block in blocks if block) + "\n")
