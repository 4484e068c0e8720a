"""Which files are published: of an adapter as it was trained, or of a proven export, those of an allow-list."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

from mentalft.errors import DataError, UserError
from mentalft.export.making import EXPORTS
from mentalft.export.record import EXPORT
from mentalft.files import digest_file, read_json, sha256_file, write_json, write_text
from mentalft.modeling.adapter import CONFIG
from mentalft.runs.markers import Record, markers
from mentalft.show.card_facts import Base, base_of
from mentalft.show.model_card import model_card

ADAPTER = "adapter"
CARD = "README.md"
ALLOWED = (
    CARD, "LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*", "export.json", "adapter_config.json",
    "adapter_model.safetensors", "config.json", "generation_config.json", "model.safetensors", "model-*.safetensors",
    "model.safetensors.index.json", "*.gguf", "Modelfile", "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja",
)  # fmt: skip
"""Names of files that may be published. Weights are safetensors or GGUF, for pickled ones can run code when loaded."""


def folder_of(run_dir: Path, what: str) -> Path:
    """The folder that is published, after a look at whether it is what was trained, or what was proven.

    Args:
        what: ``adapter``, or the name of a folder in ``exports/``.

    Raises:
        UserError: it is not there, is not proven, changed since, or holds a file that is not published.
    """
    folder = run_dir / ADAPTER if what == ADAPTER else run_dir / EXPORTS / what
    if not folder.is_dir():
        made = {path.name for path in (run_dir / EXPORTS).glob("*") if path.is_dir()}
        raise DataError(f"--what {what}: {folder} does not exist; this run has {', '.join(sorted({ADAPTER, *made}))}")
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(fnmatch(name, pattern) for pattern in ALLOWED):
            raise UserError(f"{path} is none of the files that are published; nothing was sent. Move it elsewhere")
    changed = _changed_adapter(run_dir) if what == ADAPTER else _changed_export(folder)
    if changed:
        raise UserError(f"{folder / changed[0]} is not what it was when it was {changed[1]}; make it again")
    if not (folder / CARD).is_file():
        raise UserError(
            f"{folder} has no {CARD}, and a model is published with its card; write one, and say its limits"
        )
    return folder


def _changed_adapter(run_dir: Path) -> tuple[str, str] | None:
    done = markers(run_dir)
    if "train" not in done:
        raise DataError(f"{run_dir} trained no adapter; give a run that got as far as train")
    outputs = {Path(name): digest for name, digest in done["train"].outputs.items() if digest}
    for path, digest in outputs.items():
        if path.parent.name == ADAPTER and digest_file(run_dir / path) != digest:
            return path.name, "trained"
    return None


def _changed_export(folder: Path) -> tuple[str, str] | None:
    if not EXPORT.exists(folder):
        raise UserError(f"{folder} has no {EXPORT.name}, so nothing proves it; make it with mentalft-export")
    export = EXPORT.load(folder)
    if not export.passed:
        why = export.not_proven or "; ".join(map(str, export.causes))
        raise UserError(f"{folder} is not proven to be what was evaluated ({why}); only proven exports are published")
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != EXPORT.name and export.files.get(name) != sha256_file(path):
            return name, "proven"
    return next(((name, "proven") for name in export.files if not (folder / name).is_file()), None)


def base_named(run_dir: Path, hub: str, base_id: str | None, revision: str | None) -> Base:
    """The base model by the name under which others find it.

    Args:
        hub: where it is published, ``huggingface`` or ``modelscope``.

    Raises:
        UserError: it is known by a folder alone.
    """
    if base_id:
        return Base(base_id, revision, f'"{base_id}"', hub_id=base_id)
    record: Record = markers(run_dir)["train"].record
    base = base_of(record)
    if base.hub_id:
        return base
    if record.model and record.model.hub == hub and base.name.count("/") == 1:
        return base._replace(hub_id=base.name)
    raise UserError(
        f"the base model of this run is {base.name}, which nobody finds by that name; say which one of the hub it is: "
        "--base-id OWNER/NAME, and --base-revision COMMIT"
    )


def stage(run_dir: Path, folder: Path, base: Base, staging: Path, *, named_by_hand: bool) -> None:
    """Fill ``staging`` with what is published: links to the files, and those that name the base model written anew.

    Args:
        named_by_hand: whether the card must be made again, for ``base`` is not that of the record.
    """
    for path in folder.rglob("*"):
        if path.is_file():
            link = staging / path.relative_to(folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
    rewritten: Mapping[str, object] = {"base_model_name_or_path": base.hub_id, "revision": base.revision}
    if (folder / CONFIG).is_file():
        (staging / CONFIG).unlink()
        write_json(staging / CONFIG, {**read_json(folder / CONFIG), **rewritten})
    if named_by_hand:
        (staging / CARD).unlink()
        write_text(staging / CARD, model_card(run_dir, merged=not (folder / CONFIG).is_file(), base=base))
