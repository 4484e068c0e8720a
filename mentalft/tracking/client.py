"""Opening a W&B run: online where there is a key and a server that answers, else offline into the run directory."""

from __future__ import annotations

import netrc
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlparse

from mentalft.config import TrackingConfig
from mentalft.errors import first_line
from mentalft.files import write_text

FLUSH_SECONDS = 2.0
"""How much of a run's log is lost at most where the run is killed; wandb's own 15 may be all of a short one."""


class Opened(NamedTuple):
    run: Any
    """wandb's run; None where W&B does not even work offline."""
    trouble: str | None
    """Why it is not online although it was to be, or why there is none."""


def open_run(cfg: TrackingConfig, run_dir: Path, **described: Any) -> Opened:
    """Open the run of ``run_dir`` within ``cfg.init_timeout`` seconds, as :func:`wanted_mode` says.

    Asks nobody anything, and raises nothing.

    Args:
        described: what the run is known by, as :func:`wandb.init` takes it.
    """
    _set_environment(cfg, run_dir)
    trouble = None
    try:
        if wanted_mode(cfg) != "offline" and not has_key():
            trouble = "no API key"
        elif wanted_mode(cfg) != "offline":
            try:
                return Opened(_init("online", cfg, run_dir, described), None)
            except Exception as error:
                trouble = f"no connection: {first_line(error)}"
                end_service()
        return Opened(_init("offline", cfg, run_dir, described), trouble)
    except Exception as error:
        return Opened(None, first_line(error))


def run_id(run_dir: Path) -> str:
    """The id of the W&B run that belongs to ``run_dir``: a run that is continued goes on in the same one."""
    path = run_dir / "wandb" / "run_id"
    if not path.is_file():
        write_text(path, f"{uuid.uuid4().hex[:12]}\n")
    return path.read_text(encoding="utf-8").strip()


def _set_environment(cfg: TrackingConfig, run_dir: Path) -> None:
    """Keep what wandb writes inside the run directory, its error reports at home, and its own lines off the screen."""
    os.environ.setdefault("WANDB_HTTP_TIMEOUT", str(cfg.init_timeout))  # tables and artifacts ask the server at once
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    os.environ.setdefault("WANDB_SILENT", "true")
    for variable, folder in (("WANDB_CACHE_DIR", "cache"), ("WANDB_DATA_DIR", "data")):
        os.environ[variable] = str((run_dir / "wandb" / folder).absolute())


def wanted_mode(cfg: TrackingConfig) -> str:
    """``auto``, ``online``, ``offline`` or ``disabled``; where ``cfg.mode`` is ``auto``, ``WANDB_MODE`` may say so."""
    named = os.environ.get("WANDB_MODE", "")
    return named if cfg.mode == "auto" and named in ("offline", "disabled") else cfg.mode


def has_key() -> bool:
    """Whether wandb would find a key without asking: in the environment, its own settings, or the netrc file."""
    import wandb

    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    known = wandb.setup().settings
    if known.api_key:
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL") or known.base_url).netloc
    path = Path(os.environ.get("NETRC", Path.home() / ".netrc")).expanduser()
    try:
        return netrc.netrc(str(path)).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _init(mode: str, cfg: TrackingConfig, run_dir: Path, described: dict[str, Any]) -> Any:
    import wandb

    settings = wandb.Settings(
        console="off",
        disable_git=True,
        save_code=False,
        disable_code=True,
        x_disable_meta=True,
        x_save_requirements=False,
        host="",
        program="mentalft",  # else the path of the script
        x_transaction_log_flush_interval=FLUSH_SECONDS,
        init_timeout=cfg.init_timeout,
        login_timeout=cfg.init_timeout,
        finish_timeout=cfg.finish_timeout,
        finish_timeout_raises=True,
    )
    return wandb.init(
        mode=mode,  # type: ignore[arg-type]
        project=cfg.project,
        entity=cfg.entity,
        id=run_id(run_dir),
        resume="allow" if mode == "online" else None,  # offline there is nothing to ask whether it is there
        dir=str(run_dir),
        reinit="finish_previous",
        settings=settings,
        **described,
    )


def end_service() -> None:
    """End wandb's process, which still holds the id of a run that could not be opened or closed."""
    import wandb

    with suppress(Exception):  # it may be gone already
        wandb.teardown()
