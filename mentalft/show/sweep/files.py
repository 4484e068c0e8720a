"""``sweep.md``, ``sweep.csv`` and ``sweep.json``."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from mentalft.files import write_json, write_text, written_whole
from mentalft.records import MetricComparison
from mentalft.show.markdown import table_lines
from mentalft.show.sweep.axes import DEFAULT
from mentalft.show.sweep.cells import Table, settings_table, trials_table, unfinished_table
from mentalft.show.sweep.result import UNKNOWN, Sweep
from mentalft.show.sweep.scores import MARKS, chosen_table, scores_table
from mentalft.show.sweep.trials import Trial
from mentalft.show.sweep.words import (
    MEMORY,
    OPTIMISTIC,
    SECOND_LOOK,
    command_of,
    counted,
    described,
    near_in_words,
    objective_in_words,
    run_command,
    tried,
    warnings_of,
)

COSTS = ("seconds", "training_seconds", "memory_bytes", "adapter_bytes", "parameters", "train_dialogues")
FIGURES = ("base", "tuned", "difference", "low", "high", "p_holm", "verdict")


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
            "notes": list(sweep.notes),
            "trials_looked_at": sum(len(setting.trials) for setting in sweep.settings),
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
            "noise": sweep.noise,
            "importance": {"shares": sweep.importance.shares, "how": sweep.importance.how},
            "trials": [_trial(trial) for trial in sweep.trials],
            **more,
        },
    )  # fmt: skip


def write_sweep_csv(sweep: Sweep, path: Path) -> None:
    """A row a trial, in the order of their directories; test scores in columns that begin with ``test/``."""
    metrics = list(dict.fromkeys(name for trial in sweep.trials for name in trial.titles))
    standing = {trial.name: setting.standing for setting in sweep.settings for trial in setting.trials}
    keys = [axis.key for axis in sweep.axes]
    heads = ["trial", "state", *keys, "objective", "standing", *COSTS, "error", "command"]
    with written_whole(path) as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow([*heads, *(f"test/{metric}/{figure}" for metric in metrics for figure in FIGURES)])
        for trial in sweep.trials:
            scores = {m.metric: _figures(m) for m in (trial.comparison.metrics if trial.comparison else ())}
            writer.writerow(
                [
                    trial.name,
                    trial.state,
                    *(trial.values.get(key, DEFAULT) for key in keys),
                    trial.objective,
                    standing.get(trial.name, UNKNOWN),
                    *(getattr(trial, cost) for cost in COSTS),
                    trial.error,
                    run_command(trial) if trial.overrides else None,
                    *(scores.get(metric, {}).get(figure) for metric in metrics for figure in FIGURES),
                ]
            )


def write_sweep_markdown(sweep: Sweep, path: Path) -> None:
    unfinished, scores = unfinished_table(sweep), scores_table(sweep)
    others = len(sweep.settings) > 1 or not sweep.settings
    blocks = [
        [f"# Sweep {sweep.sweep_dir.resolve().name}: {counted(sweep)}"],
        [f"- **Note:** {note}" for note in sweep.notes],
        [f"Objective: {objective_in_words(sweep)}."],
        *_chosen(sweep),
        *([["## By objective"], _lines(settings_table(sweep)), [sweep.noise], [MEMORY]] if sweep.settings else []),
        *([["## Without an objective"], _lines(unfinished)] if unfinished.rows else []),
        *([["## Each seed"], _lines(trials_table(sweep, _seeded(sweep)))] if sweep.by_seeds else []),
        *([["## What matters"], [_importance(sweep)]] if len(sweep.varied) > 1 else []),
        *([["## Test scores of all"], [SECOND_LOOK], _lines(scores), [MARKS]] if scores and others else []),
    ]
    write_text(path, "\n\n".join("\n".join(block) for block in blocks if block) + "\n")


def _chosen(sweep: Sweep) -> list[list[str]]:
    chosen = sweep.chosen
    if chosen is None:
        return []
    table = chosen_table(sweep)
    return [
        [f"## Chosen on the validation split: {_escaped(described(sweep, chosen))}"],
        [OPTIMISTIC.format(tried=tried(sweep)), near_in_words(sweep)],
        ["```bash", command_of(chosen), "```"],
        [f"Test scores ({chosen.trials[0].comparison.decoding}):"] if table and chosen.trials[0].comparison else [],
        [f"- **Warning:** {warning}" for warning in warnings_of(chosen)],
        _lines(table) if table else ["It has not been compared with the base on the test split."],
    ]


def _seeded(sweep: Sweep) -> list[Trial]:
    return [trial for setting in sweep.settings for trial in setting.trials]


def _importance(sweep: Sweep) -> str:
    labels = {axis.key: axis.label for axis in sweep.axes}
    shares = ", ".join(f"{labels[key]} {share:.2f}" for key, share in sweep.importance.shares.items())
    return f"{shares}. {sweep.importance.how}" if shares else sweep.importance.how


def _lines(table: Table) -> list[str]:
    rows = [[_escaped(cell.text) for cell in row.cells] for row in table.rows]
    return table_lines([_escaped(heading) for heading in table.headings], rows, left=table.left)


def _escaped(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.name,
        "state": trial.state,
        "overrides": list(trial.overrides),
        "objective": trial.objective,
        "base_objective": trial.base_objective,
        "error": trial.error,
        "started": trial.started,
        **{cost: getattr(trial, cost) for cost in COSTS},
        "command": run_command(trial) if trial.overrides else None,
        "test": {m.metric: _figures(m) for m in (trial.comparison.metrics if trial.comparison else ())},
    }


def _figures(m: MetricComparison) -> dict[str, Any]:
    return {
        "base": m.base, "tuned": m.tuned, "difference": m.difference, "low": m.interval.low, "high": m.interval.high,
        "p_holm": m.p_holm, "verdict": m.verdict,
    }  # fmt: skip
