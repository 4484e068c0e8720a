"""One W&B run beside one experiment.

Private by default: console text, git state, code and machine metadata are not collected, and no dialogue text is
logged unless ``tracking.log_text`` says so. Nothing prompts, nothing hangs, and no error of W&B ends an experiment.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mentalft.config import TrackingConfig
from mentalft.console import say, shown
from mentalft.errors import first_line
from mentalft.records import Comparison, ItemRow
from mentalft.show.comparison import comparison_table
from mentalft.show.evidence import Evidence
from mentalft.show.table import records
from mentalft.tracking.client import end_service, open_run, wanted_mode
from mentalft.tracking.failure import without_data
from mentalft.tracking.naming import CURVES, STEP, comparison_summary, job_type, run_config, run_name, run_tags
from mentalft.words import Said


class Tracker:
    """Opened by :meth:`start` and closed by :meth:`finish`; does nothing when tracking is disabled."""

    def __init__(
        self, cfg: TrackingConfig, run_dir: Path, *, group: str | None = None, name: str | None = None
    ) -> None:
        """Args:
        group, name: of the run, where it is a trial of a sweep; ``cfg.name`` has precedence.
        """
        self.cfg, self.run_dir, self.group, self.name = cfg, run_dir, group, name
        self.run: Any = None
        self.warned = False

    @property
    def log_text(self) -> bool:
        return self.cfg.log_text

    def start(self, config: Mapping[str, Any], choices: Mapping[str, str]) -> None:
        """Open the run, offline where online is not to be had.

        Args:
            config: the settings, as nested mappings; ``stages``, ``data.name`` and ``model.name`` also name the run,
                the last two where they are there.
            choices: the option chosen of each config group.
        """
        if wanted_mode(self.cfg) == "disabled":
            return
        names = [config[group]["name"] for group in ("data", "model") if group in config]
        self.run, trouble = open_run(
            self.cfg,
            self.run_dir,
            name=self.cfg.name or run_name(self.name, self.run_dir, log_text=self.log_text),
            group=self.group,
            job_type=job_type(config["stages"]),
            tags=run_tags(self.cfg.tags, *names),
            config=run_config(config, choices),
        )
        if self.run is None:
            say(Said("tracking.none", {"trouble": trouble}), style="yellow")
        elif self.run.offline:
            refused = self.cfg.mode == "online"
            how = "refused" if refused else "offline_because" if trouble else "offline"
            told = Said(f"tracking.{how}", {"trouble": trouble, "command": self._sync()})
            say(told, style="yellow" if refused else None)
        else:
            say(Said("tracking.online", {"url": self.run.url}))
        self._attempt(_define_metrics)

    def log(self, values: Mapping[str, Any]) -> None:
        self._attempt(lambda run: run.log(dict(values)))

    def summary(self, values: Mapping[str, Any]) -> None:
        self._attempt(lambda run: run.summary.update(dict(values)))

    def comparison(self, comparison: Comparison) -> None:
        """Final scores as summary values, and the comparison as a table; no dialogue text."""
        self.summary(comparison_summary(comparison))
        rows = records(comparison_table(comparison))
        self._table("comparison", list(rows[0]), [list(row.values()) for row in rows])

    def evidence(self, found: Sequence[Evidence]) -> None:
        """Each kind's figures as summary values, and its tables; no dialogue text."""
        for one in found:
            self.summary({f"{one.kind}/{figure.key}": figure.value for figure in one.summary})
            for number, table in enumerate(one.tables, 1):
                rows = records(table)
                if rows:
                    self._table(f"{one.kind}/{number}", list(rows[0]), [list(row.values()) for row in rows])

    def items(self, rows: Sequence[ItemRow]) -> None:
        """Every item with its texts, only where ``tracking.log_text`` allows it."""
        if self.run is None or not self.log_text or not rows:
            return
        columns = ("id", "topic", "last_user_turn", "reference", *rows[0].answers)
        cells = [[r.id, r.topic, r.history[-1].content, r.references[0], *r.answers.values()] for r in rows]
        self._table("items", columns, cells)

    def plots(self, folder: Path) -> None:
        """The PNG files of ``folder``; topics are words of the data, so their plots go only with ``log_text``."""
        images = {
            f"plots/{path.stem}": path
            for path in sorted(folder.glob("*.png"))
            if self.log_text or "topic" not in path.stem
        }
        self._attempt(lambda run: _log_images(run, images))

    def artifacts(self) -> None:
        """What ``tracking.log_artifacts`` names and the run has: the adapter, the report."""
        names = {"adapter": (self.run_dir / "adapter", "model"), "report": (self.run_dir / "report.html", "report")}
        for name in self.cfg.log_artifacts:
            path, kind = names[name]
            if path.exists():
                self._attempt(partial(_log_artifact, name=name, kind=kind, path=path))
            elif self.run is not None:
                say(Said(f"tracking.no_{name}"), style="yellow")

    def finish(self, error: BaseException | None = None) -> None:
        """Close the run; ``error`` is what ended the experiment, where something did."""
        if self.run is None:
            return
        if error is not None:
            told = f"{type(error).__name__}: {first_line(error)}" if self.log_text else without_data(error)
            self.summary({"error": told})
        missing = Said("tracking.not_all_logged") if self.warned else None
        try:
            self.run.finish(exit_code=0 if error is None else 1)
        except TimeoutError:
            missing = Said("tracking.not_all_uploaded", {"seconds": self.cfg.finish_timeout})
        except Exception as trouble:
            self._warn(trouble)
            end_service()
            missing = Said("tracking.not_all_logged")
        if missing:
            say(Said("tracking.kept", {"missing": missing, "command": self._sync()}), style="yellow")
        self.run = None

    def _table(self, name: str, columns: Iterable[str], rows: list[list[Any]]) -> None:
        def log(run: Any) -> None:
            import wandb

            run.log({name: wandb.Table(columns=list(columns), data=rows)})

        self._attempt(log)

    def _attempt(self, work: Callable[[Any], object]) -> None:
        """Do ``work`` with the run, if there is one; no error of a tracker may end the experiment."""
        if self.run is None:
            return
        try:
            work(self.run)
        except Exception as trouble:
            self._warn(trouble)

    def _warn(self, trouble: Exception) -> None:
        if not self.warned:
            say(Said("tracking.trouble", {"trouble": first_line(trouble)}), style="yellow")
        self.warned = True

    def _sync(self) -> str:
        """The command that uploads this run's log; wandb passes over logs of online runs unless it is told not to."""
        folder = shlex.quote(shown(Path(self.run.settings.sync_dir)))
        return f"wandb sync {folder}" if self.run.offline else f"wandb sync --include-online {folder}"


def _define_metrics(run: Any) -> None:
    for name, kept in CURVES.items():
        hidden = name == STEP or None
        run.define_metric(name, step_metric=None if hidden else STEP, hidden=hidden, summary=kept)


def _log_images(run: Any, images: Mapping[str, Path]) -> None:
    import wandb

    if images:
        run.log({name: wandb.Image(str(path)) for name, path in images.items()})


def _log_artifact(run: Any, *, name: str, kind: str, path: Path) -> None:
    import wandb

    artifact = wandb.Artifact(f"{name}-{run.id}", type=kind)
    if path.is_dir():
        artifact.add_dir(str(path), skip_cache=True, policy="immutable")
    else:
        artifact.add_file(str(path), skip_cache=True, policy="immutable")
    run.log_artifact(artifact)
