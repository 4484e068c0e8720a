"""A saved view of a W&B project: curves, scores before and after, and what a sweep's settings did."""

from __future__ import annotations

import os
from typing import Any

from mentalft.errors import ConfigError, UserError, first_line
from mentalft.tracking.client import has_key
from mentalft.tracking.naming import STEP

NAME = "mentalft"
CURVES = {
    "training loss": ("train/loss",),
    "validation loss": ("validation/loss",),
    "learning rate": ("train/learning_rate",),
    "tokens per second": ("train/tokens_per_second",),
    "gradient norm": ("train/grad_norm",),
    "answers at validation": ("validation/generation_bleu", "validation/generation_rougeL"),
}
SCORES = ("bleu", "rouge1", "rouge2", "rougeL", "meteor", "cosine", "perplexity")
SWEPT = {"lora/r": False, "lora/lora_alpha": False, "lora/lora_dropout": False, "trainer/learning_rate": True}
"""Settings that sweeps vary, and whether their axis is logarithmic."""
TIMEOUT_SECONDS = 10
OBJECTIVE = "validation/best_loss"
COLUMNS = (
    "run:displayName", "run:state", "config:data.value", "config:model.value", "config:lora.value",
    f"summary:{OBJECTIVE}", *(f"summary:difference/{name}" for name in ("bleu", "rougeL", "cosine")),
)  # fmt: skip


def save_workspace(target: str) -> str:
    """Add the view to the project ``ENTITY/PROJECT`` and return its address.

    Raises:
        ConfigError: ``target`` is of another form.
        UserError: ``wandb-workspaces`` is not installed, or W&B does not take the view: no key, no network, no access.
    """
    import wandb

    os.environ.setdefault("WANDB_HTTP_TIMEOUT", str(TIMEOUT_SECONDS))
    entity, _, project = target.partition("/")
    if not entity or not project or "/" in project:
        raise ConfigError(f"{target!r} is no ENTITY/PROJECT, such as my-team/mentalft")
    workspace = build_workspace(entity, project)
    if not has_key():
        raise UserError("a workspace is saved at W&B, and there is no API key; set WANDB_API_KEY, or run wandb login")
    try:
        wandb.setup(wandb.Settings(silent=True))
        workspace.save()
    except Exception as error:
        raise UserError(
            f"W&B did not take the workspace: {first_line(error)}; it needs a network, and a key with access "
            f"to {target}"
        ) from error
    return str(workspace.url)


def build_workspace(entity: str, project: str) -> Any:
    """The view as a ``wandb_workspaces.workspaces.Workspace``; needs neither key nor network.

    Raises:
        UserError: ``wandb-workspaces`` is not installed.
    """
    try:
        import wandb_workspaces.reports.v2 as wr
        import wandb_workspaces.workspaces as ws
    except ImportError as error:
        raise UserError("a workspace needs wandb-workspaces: pip install 'mentalft[workspaces]'") from error
    curves = [wr.LinePlot(title=title, x=STEP, y=list(names)) for title, names in CURVES.items()]
    scores = [
        wr.BarPlot(title=f"{name}: before and after", metrics=[f"base/{name}", f"tuned/{name}"]) for name in SCORES
    ]
    differences = wr.BarPlot(title="differences", metrics=[f"difference/{name}" for name in SCORES])
    columns = [
        wr.ParallelCoordinatesPlotColumn(metric=wr.Config(name), display_name=name, log=logarithmic or None)
        for name, logarithmic in SWEPT.items()
    ]
    columns.append(wr.ParallelCoordinatesPlotColumn(metric=wr.SummaryMetric(OBJECTIVE), display_name=OBJECTIVE))
    sweep = [
        wr.ParallelCoordinatesPlot(title="settings and validation loss", columns=columns),
        wr.ParameterImportancePlot(with_respect_to=OBJECTIVE),
        wr.RunComparer(diff_only=True),
    ]
    return ws.Workspace(
        name=NAME,
        entity=entity,
        project=project,
        auto_generate_panels=False,
        sections=[
            ws.Section(name="Curves", panels=curves, is_open=True),
            ws.Section(name="Before and after", panels=[differences, *scores], is_open=True),
            ws.Section(name="Sweeps", panels=sweep, is_open=True),
        ],
        settings=ws.WorkspaceSettings(x_axis=STEP),
        runset_settings=ws.RunsetSettings(pinned_columns=list(COLUMNS)),
    )
