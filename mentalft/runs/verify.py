"""Whether a run directory still is what its stages made: every hash and every score, once more.

The run directory is only read. What the contenders answered is taken as it is: answers are not generated again, nor
the likelihoods that perplexity is made from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mentalft.assets import MANIFEST_SCHEMA
from mentalft.comparison.compare import compare
from mentalft.comparison.known import known_of
from mentalft.comparison.scores import read_scores
from mentalft.config import Config, EvalConfig, extra_name
from mentalft.config.composition import typed_config
from mentalft.data.read.download import is_remote
from mentalft.data.read.sources import local_files, sha256_of, specs
from mentalft.errors import DataError, UserError, typed
from mentalft.files import read_json
from mentalft.generation.evaluate import asked_in
from mentalft.metrics.registry import Embedder, Scorer, scorers_of, stored_scorer
from mentalft.modeling.embedder import load_embedder
from mentalft.runs.differences import MOST, differences, in_words, result_differences
from mentalft.runs.files import COMPARISON, DATA_REPORT, ITEMS
from mentalft.runs.manifest import RESOLVED, manifest_of, resolved, versions
from mentalft.runs.markers import Marker, Record, changed_outputs, marker_file, markers, unfinished, unreadable
from mentalft.runs.stage import Context, Stage, as_json
from mentalft.words import Said

if TYPE_CHECKING:
    from mentalft.metrics.registry import Parts

RESULTS = ("metrics.json", "comparison.json", "items.jsonl", "scores.jsonl")
"""What the compare stage writes, its Markdown and CSV aside."""


class Check(NamedTuple):
    what: Said | str
    differences: tuple[Said | str, ...] = ()
    not_looked_at: tuple[Said | str, ...] = ()


class Verified(NamedTuple):
    checks: tuple[Check, ...]
    unfinished: tuple[Said, ...]
    """Which stages were begun and are not complete, a sentence each."""
    other_versions: tuple[Said, ...]
    """Of libraries, where they are not those of the run."""

    @property
    def equal(self) -> bool:
        """Whether nothing differs in what is complete."""
        return not any(check.differences for check in self.checks)


def verify(run_dir: Path, stages: Sequence[Stage]) -> Verified:
    """Hold everything in ``run_dir`` against what its stages recorded, and score its answers again.

    Args:
        stages: every stage there is, in running order.

    Raises:
        DataError: ``run_dir`` is no directory of a run, or its manifest cannot be read.
    """
    if not (run_dir / "manifest.json").is_file():
        raise DataError(f"{run_dir} holds no manifest.json; give a run directory, such as outputs/2026-11-23/14-22-01")
    try:
        manifest = read_json(run_dir / "manifest.json")
    except ValueError as error:
        raise DataError(f"{run_dir / 'manifest.json'}: not JSON ({error})") from error
    done = markers(run_dir)
    used = {name: _typed(marker, run_dir / marker_file(name).name) for name, marker in done.items()}
    broken = unreadable(run_dir)
    checks = [
        Check("manifest.json", tuple(_manifest(run_dir, manifest, done, stages))),
        Check(RESOLVED, tuple(_settings(run_dir, done, stages))),
        *([Check(Said("verify.markers"), tuple(broken.values()))] if broken else []),
        *(
            Check(Said("verify.files_of", {"stage": s.name}), tuple(changed_outputs(run_dir, done[s.name])))
            for s in stages
            if s.name in done
        ),
        _links(run_dir, done, used, stages),
        *_data_set(run_dir, used),
        *_scores(run_dir, used),
    ]
    return Verified(tuple(checks), tuple(_unfinished(run_dir, done)), tuple(_other_versions(done)))


def _typed(marker: Marker, path: Path) -> Config:
    try:
        return typed_config(marker.record.config)
    except OmegaConfBaseException as error:
        raise DataError(
            f"{path}: does not have the settings of this mentalft ({str(error).splitlines()[0]}); "
            f"verify the run with the version that made it: {marker.record.mentalft}"
        ) from error


def _unfinished(run_dir: Path, done: Mapping[str, Marker]) -> Iterator[Said]:
    begun = unfinished(run_dir)
    for stage in begun:
        yield Said("verify.begun", {"stage": stage, "run": typed("run_dir", run_dir)})
    if not begun and not done:
        yield Said("verify.nothing")


def _manifest(
    run_dir: Path, manifest: Any, done: Mapping[str, Marker], stages: Sequence[Stage]
) -> Iterator[Said | str]:
    """Against its schema, and against what the stages recorded."""
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(read_json(MANIFEST_SCHEMA))
    broken = sorted(validator.iter_errors(manifest), key=lambda error: error.json_path)
    for error in broken[:MOST]:
        yield f"{error.json_path.removeprefix('$').lstrip('.') or 'the whole'}: {error.message[:160]}"
    if not broken:
        now = msgspec.convert({**manifest, "config": {}}, Record)
        yield from in_words(differences(manifest, manifest_of(run_dir, done, now, stages)))


def _settings(run_dir: Path, done: Mapping[str, Marker], stages: Sequence[Stage]) -> Iterator[Said]:
    path = run_dir / RESOLVED
    if not path.is_file():
        yield Said("verify.gone")
        return
    found: Any = OmegaConf.to_container(OmegaConf.load(path))
    yield from in_words(differences(found, resolved(done, found, stages)))


def _links(run_dir: Path, done: Mapping[str, Marker], used: Mapping[str, Config], stages: Sequence[Stage]) -> Check:
    """Stages that were made from something else than the run directory holds now."""
    found: list[Said | str] = []
    skipped: list[Said | str] = []
    for stage in stages:
        if stage.name not in done:
            continue
        try:
            now = as_json(stage.from_run(Context(used[stage.name], run_dir)))
        except (UserError, OSError) as error:
            skipped.append(f"{stage.name}: {error}")
            continue
        then = done[stage.name].made_from
        if changed := [key for key in now if now[key] != then.get(key)]:
            found.append(Said("verify.made_from_other", {"stage": stage.name, "changed": changed}))
    return Check(Said("verify.made_from"), tuple(found), tuple(skipped))


def _data_set(run_dir: Path, used: Mapping[str, Config]) -> Iterator[Check]:
    """The files that the data were read from, where they are on this machine."""
    if "prepare" not in used or not DATA_REPORT.exists(run_dir):
        return
    changed: list[Said | str] = []
    skipped: list[Said | str] = []
    for spec, source in zip(specs(used["prepare"].data), DATA_REPORT.load(run_dir).sources, strict=True):
        path = str(spec["path"])
        if is_remote(path):
            skipped.append(Said("verify.on_a_hub", {"path": path}))
            continue
        try:
            now = sha256_of(local_files(path))
        except DataError as error:
            skipped.append(str(error))
            continue
        if now != source.sha256:
            changed.append(Said("verify.hashes_to", {"path": path, "now": now[:12], "then": source.sha256[:12]}))
    yield Check(Said("verify.data_set"), tuple(changed), tuple(skipped))


def _scores(run_dir: Path, used: Mapping[str, Config]) -> Iterator[Check]:
    """What the compare stage wrote, file by file, against what it would write now."""
    if "compare" not in used:
        return
    cfg, missing = used["compare"], {}
    try:
        missing = dict(_not_to_be_had(cfg.eval, run_dir))
        taken = {name: _taken(run_dir, name) for name in missing}
        with tempfile.TemporaryDirectory(prefix="mentalft-verify-") as folder:
            kept = _without(cfg, missing)
            asked, known = asked_in(run_dir, kept.eval.baseline), known_of(cfg.eval, run_dir)
            compare(kept.eval, asked, cfg.seed, Path(folder), known, taken)
            for name in RESULTS:
                found = result_differences(run_dir / name, Path(folder) / name, notes=not taken)
                yield Check(Said("verify.scores_in", {"name": name}), tuple(found))
    except (UserError, OSError, KeyError, ValueError) as error:
        yield Check(Said("verify.scores"), (Said("verify.not_computed", {"error": str(error)}),))
    if missing:
        taken_as = (Said("verify.taken_as_stored", {"name": name, "why": why}) for name, why in missing.items())
        yield Check(Said("verify.metrics"), (), tuple(taken_as))


def _not_to_be_had(cfg: EvalConfig, run_dir: Path) -> Iterator[tuple[str, str]]:
    """Metrics whose model or module cannot be had here, with the reason."""
    references = [row.references for row in ITEMS.load(run_dir)[:50]]
    named = [(name, replace(cfg, metrics=[name], extra_metrics=[])) for name in cfg.metrics]
    named += [(extra_name(spec), replace(cfg, metrics=[], extra_metrics=[spec])) for spec in cfg.extra_metrics]
    for name, alone in named:
        try:
            scorers_of(alone, references, lambda: Embedder(*load_embedder(cfg.embedder)))
        except UserError as error:
            yield name, str(error)


def _without(cfg: Config, missing: Mapping[str, str]) -> Config:
    metrics = [name for name in cfg.eval.metrics if name not in missing]
    extra = [spec for spec in cfg.eval.extra_metrics if extra_name(spec) not in missing]
    return replace(cfg, eval=replace(cfg.eval, metrics=metrics, extra_metrics=extra))


def _taken(run_dir: Path, name: str) -> tuple[Scorer, dict[str, Parts]]:
    """A metric as it is stored."""
    sheet = read_scores(run_dir)
    (stored,) = [m for m in COMPARISON.load(run_dir).metrics if m.metric == name]
    scorer = stored_scorer(name, stored.title, stored.signature, higher_is_better=stored.higher_is_better)
    return scorer, {contender: parts[name] for contender, parts in sheet.parts.items()}


def _other_versions(done: Mapping[str, Marker]) -> Iterator[Said]:
    """Of the stage that made the scores, else of the last complete one."""
    if not done:
        return
    here, marker = versions(), done.get("compare") or list(done.values())[-1]
    for name, then in marker.record.versions.items():
        if here.get(name) != then:
            now = here.get(name) or Said("verify.not_installed")
            yield Said("verify.version", {"name": name, "now": now, "then": then or Said("verify.none")})
