"""Showing what would be published, asking, and sending it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from humanize import naturalsize

from mentalft.console import console, language, say
from mentalft.errors import UserError
from mentalft.publishing.checks import check_publishable
from mentalft.publishing.contents import CARD, base_named, folder_of, stage
from mentalft.publishing.hubs import HUBS, Existing, Hub, explained
from mentalft.runs.files import COMPARISON
from mentalft.runs.markers import markers
from mentalft.show.table import Cell, Column, Table, terminal
from mentalft.show.verdict import verdict_sentence
from mentalft.words import Said, listed


class Repository(NamedTuple):
    hub: str
    """``hf`` or ``modelscope``."""
    name: str
    """``OWNER/NAME``."""
    public: bool


class NamedBase(NamedTuple):
    """What the command says of the base model."""

    name: str | None
    revision: str | None


def publish(run_dir: Path, to: Repository, what: str, named: NamedBase, agreed: Callable[[], bool]) -> None:
    """Publish the adapter of ``run_dir``, or an export; the run stays as it is.

    Args:
        what: ``adapter``, or the name of a folder in ``exports/``.
        agreed: asked once everything that would happen has been shown.

    Raises:
        UserError: something must not be published, nobody agreed, or the hub refuses.
    """
    folder = folder_of(run_dir, what)
    hub = HUBS[to.hub]()
    base = base_named(run_dir, hub.key, *named)
    with TemporaryDirectory(prefix="mentalft-publish-") as temporary:
        staging = Path(temporary)
        stage(run_dir, folder, base, staging, named_by_hand=named.name is not None)
        check_publishable(run_dir, staging, hub.token)
        with explained(hub, to.name):
            user, existing = hub.user(), hub.existing(to.name)
        if existing and not existing.private and not to.public:
            raise UserError(f"{to.name} on {hub.endpoint} is public; give --public to publish there, or another name")
        _show(staging, hub, to, user, existing)
        say(Said("publishing.base", {"base": str(base.hub_id), "revision": base.revision or "–"}))
        system = markers(run_dir)["train"].record.config["data"]["system_message"]
        modelfile = staging / "Modelfile"
        if system and modelfile.is_file() and system in modelfile.read_text(encoding="utf-8"):
            say(Said("publishing.system_message", {"characters": len(system)}), style="yellow")
        if COMPARISON.exists(run_dir):
            say(verdict_sentence(COMPARISON.load(run_dir)))
        if not agreed():
            raise UserError("nothing was sent")
        with explained(hub, to.name):
            if existing is None:
                hub.create(to.name, private=not to.public, licence=_licence(staging))
            url = hub.upload(to.name, staging, f"mentalft: {what} of {base.hub_id}")
    say(Said("publishing.done", {"url": url}))


def _show(staging: Path, hub: Hub, to: Repository, user: str, existing: Existing | None) -> None:
    private = existing.private if existing else not to.public
    told = {"repository": to.name, "endpoint": hub.endpoint, "user": user}
    say(Said(f"publishing.to_{'private' if private else 'public'}", told), style=None if private else "yellow")
    files = sorted(path.relative_to(staging) for path in staging.rglob("*") if path.is_file())
    columns: list[Column[Path]] = [
        Column("file", Said("publishing.file"), lambda file: Cell(file.as_posix()), left=True, keeps=True),
        Column("size", Said("publishing.size"), lambda file: Cell(naturalsize((staging / file).stat().st_size))),
    ]
    console.print(terminal(Table(columns, files), console.width, language()))
    if existing is None:
        return
    replaced = sorted({file.as_posix() for file in files} & set(existing.files))
    kept = sorted(set(existing.files) - {file.as_posix() for file in files})
    for key, names in (("replaced", replaced), ("kept", kept)):
        if names:
            say(Said(f"publishing.{key}", {"files": listed(names)}), style="yellow")


def _licence(staging: Path) -> str | None:
    from huggingface_hub import ModelCard

    found = ModelCard.load(staging / CARD).data.license
    return str(found) if found else None
