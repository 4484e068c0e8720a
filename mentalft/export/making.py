"""From a run to an export: made in a working place, proven, and in place only then."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mentalft.console import say, shown
from mentalft.errors import ConfigError, DataError, ModelError, UserError, first_line
from mentalft.export import causes
from mentalft.export.forms import NoProofError, forms
from mentalft.export.loaded import evaluated_model
from mentalft.export.proof import Kept, keep, prove
from mentalft.export.record import EXPORT, Cause, Export, Made
from mentalft.export.source import Source, source_of
from mentalft.files import sha256_file, temporary_folder
from mentalft.runs.manifest import versions
from mentalft.runs.place import set_aside
from mentalft.training.memory import release
from mentalft.words import Said

EXPORTS = "exports"


def place_of(run_dir: Path, form: str, contender: str) -> Path:
    """Where an export lies unless ``--out`` says otherwise."""
    return run_dir / EXPORTS / (form if contender == "tuned" else f"{form}-{contender}")


def make_export(
    run_dir: Path, form: str, contender: str, dtype: str | None, prompts: int, out: Path | None
) -> tuple[Path, Export]:
    """Make an export of ``run_dir`` and prove it; an earlier one in the run is set aside.

    Args:
        run_dir: kept for this process by :func:`mentalft.runs.place.held`.
        dtype: of the weights; None is what the run evaluated in, so that what leaves is what was measured.
        prompts: how many the proof asks.

    Returns:
        Where it is, and its record.

    Raises:
        UserError: it cannot be made, or is not what was evaluated; it is then in ``exports/FORM.failed``.
    """
    target = out or place_of(run_dir, form, contender)
    if out and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"--out {out} is there already, and nothing is overwritten; give another folder")
    how, source = forms()[form], source_of(run_dir, contender, prompts)
    wanted = dtype or source.evaluated_in
    how.check(source, wanted)
    kept = _asked(source)
    with temporary_folder(target) as folder:
        say(Said("export.making", {"form": form}))
        how.make(source, folder, wanted)
        export = proven(source, kept, folder, form, wanted)
        EXPORT.save(folder, export)
        if export.causes:
            failed = place_of(run_dir, form, contender).with_suffix(".failed")
            shutil.rmtree(failed, ignore_errors=True)
            failed.parent.mkdir(exist_ok=True)
            shutil.move(folder, failed)
            raise ModelError(_not_exported(export, f"what was made is in {shown(failed)}"))
        set_aside(run_dir, "export", [target] if target.is_relative_to(run_dir) else [])
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.replace(target)
    return target, export


def check_folder(run_dir: Path, folder: Path, contender: str, dtype: str | None, prompts: int) -> Export:
    """Prove a folder that something else made; it is only read.

    Raises:
        UserError: it is not what was evaluated.
    """
    form = next((name for name, form in forms().items() if folder.is_dir() and form.holds(folder)), None)
    if form is None:
        raise DataError(
            f"--check {folder} is no folder of a model or of an adapter: it has no config.json with "
            "*.safetensors, and no *.gguf"
        )
    source = source_of(run_dir, contender, prompts)
    export = proven(source, _asked(source), folder, form, dtype or source.evaluated_in)
    if export.causes:
        raise ModelError(_not_exported(export, f"{folder} was left as it is"))
    return export


def _asked(source: Source) -> list[Kept]:
    """What the evaluated model answers here; it is let go."""
    asked = {"name": source.contender.name, "dtype": source.evaluated_in, "prompts": len(source.prompts)}
    say(Said("export.evaluated", asked))
    kept = keep(evaluated_model(source), source.prompts)
    release()
    return kept


def proven(source: Source, kept: Sequence[Kept], folder: Path, form: str, dtype: str) -> Export:
    """Load ``folder`` afresh, ask it, look at its files, and say what that shows."""
    how = forms()[form]
    say(Said("export.proving"))
    looked = how.inspect(source, folder, dtype)
    release()
    found, proof, why = list(looked.causes), None, None
    try:
        proof = prove(source, kept, how.load(source, folder), how.bounds(kept, source.evaluated_in, dtype))
    except NoProofError as error:
        why = str(error)
    except (UserError, IndexError, RuntimeError) as error:
        why = first_line(error).replace(str(folder), "the folder")
        found = found or [Cause("cannot be asked", why, "export again, or with another --dtype")]
    if proof and not found:
        found += causes.of_proof(proof, looked.dtype)
    located = source.located
    made = Made(
        form=form,
        contender=source.contender.name,
        base=source.base,
        revision=located.revision,
        adapter_sha256=source.adapter_sha256,
        dtype=looked.dtype,
        evaluated_in=source.evaluated_in,
        quantization=source.cfg.model.quantization,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=dict(versions()),
    )
    parts = {p.relative_to(folder).as_posix(): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    return Export(made, tuple(found), proof, why, looked.weights, parts, proof is not None and not found)


def _not_exported(export: Export, where: str) -> str:
    return "\n".join([f"not exported: {cause}" for cause in export.causes] + [where])
