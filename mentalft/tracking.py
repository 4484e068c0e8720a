"""Weights & Biases: the only module that knows it.

Private by default: console text, git state, code and machine metadata are not collected, and no
dialogue text is logged unless ``tracking.log_text`` says so. Without a key or a network the run goes
on offline; nothing prompts and nothing hangs.
"""

from __future__ import annotations

import logging
import netrc
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from mentalft.config import TrackingConfig
from mentalft.console import say, shown
from mentalft.files import write_text
from mentalft.records import Comparison

log = logging.getLogger("mentalft")


class Tracker:
    """One W&B run, opened by :meth:`start` and closed by :meth:`finish`; does nothing when tracking is disabled."""

    def __init__(
        self, cfg: TrackingConfig, run_dir: Path, *, group: str | None = None, name: str | None = None
    ) -> None:
        self.cfg, self.run_dir, self.group, self.name = cfg, run_dir, group, name
        self.run: Any = None

    @property
    def log_text(self) -> bool:
        return self.cfg.log_text

    @property
    def run_id(self) -> str:
        """The id of this run directory's W&B run: a run that is continued goes on in the same one."""
        path = self.run_dir / "wandb" / "run_id"
        if not path.is_file():
            write_text(path, f"{uuid.uuid4().hex[:12]}\n")
        return path.read_text(encoding="utf-8").strip()

    def start(self, config: dict[str, Any]) -> None:
        """Open the run with ``config``; offline where online is not to be had."""
        if self.cfg.mode == "disabled":
            return
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        for variable, folder in (
            ("WANDB_CACHE_DIR", "cache"),
            ("WANDB_DATA_DIR", "data"),
            ("WANDB_CONFIG_DIR", "config"),
        ):
            os.environ[variable] = str((self.run_dir / "wandb" / folder).absolute())
        mode = self._mode()
        try:
            self.run = self._init(mode, config)
        except Exception as error:  # whatever a tracker raises must not end the experiment
            if mode == "offline":
                say(f"W&B: not available ({_first_line(error)}); the run goes on without it", style="yellow")
                return
            say(f"W&B: no connection ({_first_line(error)}); logging offline instead", style="yellow")
            _forget()
            self.run = self._init("offline", config)
        self.run.define_metric("train/step")
        for prefix in ("train/*", "validation/*"):
            self.run.define_metric(prefix, step_metric="train/step")
        if self.run.settings.mode == "offline" or self.run.offline:
            say(f"W&B: offline; to upload later: wandb sync {shown(self.run_dir / 'wandb')}/offline-run-*")
        else:
            say(f"W&B: {self.run.url}")

    def log(self, values: dict[str, Any]) -> None:
        if self.run is not None:
            self.run.log(values)

    def table(self, name: str, columns: list[str], rows: list[list[Any]]) -> None:
        if self.run is not None:
            import wandb

            self.run.log({name: wandb.Table(columns=columns, data=rows)})

    def summary(self, values: dict[str, Any]) -> None:
        if self.run is not None:
            self.run.summary.update(values)

    def comparison(self, comparison: Comparison) -> None:
        """Final scores as summary values, and the comparison as a table; no dialogue text."""
        for m in comparison.metrics:
            self.summary(
                {f"base/{m.metric}": m.base, f"tuned/{m.metric}": m.tuned, f"difference/{m.metric}": m.difference}
            )
        columns = [
            "metric",
            "base",
            "tuned",
            "difference",
            "low",
            "high",
            "wins",
            "ties",
            "losses",
            "p_holm",
            "verdict",
        ]
        rows = [
            [m.metric, m.base, m.tuned, m.difference, *m.interval, m.wins, m.ties, m.losses, m.p_holm, m.verdict]
            for m in comparison.metrics
        ]
        self.table("comparison", columns, rows)

    def items(self, rows: Iterable[dict[str, Any]]) -> None:
        """Every item with its texts, only where ``tracking.log_text`` allows it."""
        if self.run is None or not self.log_text:
            return
        cells = [
            [
                r["id"],
                r["topic"],
                r["history"][-1]["content"],
                r["references"][0],
                r["answers"]["base"],
                r["answers"]["tuned"],
            ]
            for r in rows
        ]
        self.table("items", ["id", "topic", "last_user_turn", "reference", "base", "tuned"], cells)

    def finish(self, *, failed: bool = False) -> None:
        """Close the run; it is marked as failed when the experiment was."""
        if self.run is not None:
            self.run.finish(exit_code=1 if failed else 0)
            self.run = None

    def _mode(self) -> str:
        if self.cfg.mode != "auto":
            return str(self.cfg.mode)
        if os.environ.get("WANDB_MODE") in ("offline", "disabled"):
            return "offline"
        return "online" if _has_key() else "offline"

    def _init(self, mode: str, config: dict[str, Any]) -> Any:
        import wandb

        settings = wandb.Settings(
            console="off",
            disable_git=True,
            save_code=False,
            disable_code=True,
            x_disable_meta=True,
            x_disable_machine_info=True,
            init_timeout=self.cfg.init_timeout,
            silent=True,
        )
        return wandb.init(
            mode=mode,  # type: ignore[arg-type]
            project=self.cfg.project,
            entity=self.cfg.entity,
            id=self.run_id,
            resume="allow" if mode == "online" else None,  # offline there is nothing to ask whether it is there
            name=self.cfg.name or self.name or f"{self.run_dir.parent.name}/{self.run_dir.name}",
            group=self.group,
            tags=list(self.cfg.tags),
            dir=str(self.run_dir),
            config=config,
            reinit="finish_previous",
            settings=settings,
        )


def _forget() -> None:
    """End wandb's service, which still holds the id of a run that could not be opened."""
    import wandb

    wandb.teardown()


def _has_key() -> bool:
    """Whether W&B would find an API key without asking: in the environment, or in the user's netrc file."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    path = Path(os.environ.get("NETRC", Path.home() / ".netrc"))
    try:
        return netrc.netrc(str(path)).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]
