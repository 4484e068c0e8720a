"""Whether a run directory still is what its stages made: every hash and every score, once more.

The run directory is only read. What the base and the tuned model answered is taken as it is: answers are not generated
again, nor the likelihoods that perplexity is made from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mentalft.assets import MANIFEST_SCHEMA
from mentalft.runs.markers import changed_outputs, configs, markers, unfinished
from mentalft.config import STAGES, Config, EvalConfig, extra_name
from mentalft.config.composition import typed_config
from mentalft.data.download import is_remote
from mentalft.data.items import files_asked
from mentalft.data.sources import local_files, sha256_of, specs
from mentalft.errors import DataError, UserError, first_line
from mentalft.files import digest_file, read_json, read_jsonl, sha256_folder
from mentalft.metrics.bertscore import load as load_bertscore
from mentalft.metrics.extra import load_extra
from mentalft.metrics.table import Metric, Parts, total_of
from mentalft.metrics.tokens import language_of
from mentalft.modeling.embedder import load_embedder
from mentalft.records import SIDES, Splits
from mentalft.runs.differences import MOST, differences, in_words, result_differences
from mentalft.runs.manifest import manifest_of, versions
from mentalft.comparison.scores import read_scores
from mentalft.runs.settings import settings_of

RESULTS = ("metrics.json", "comparison.json", "items.jsonl", "scores.jsonl")
"""What the compare stage writes, its Markdown and CSV aside."""
OLDER = "written by an older mentalft (no schema)"
Taken = Mapping[str, tuple[Metric, dict[str, Parts]]]
"""Metrics by name that are not computed, with what each item adds to them, by side."""
ScoreAgain = Callable[[Config, Path, Path, Taken], None]
"""Scores the answers of a run directory as a configuration says, into another folder."""


class Check(NamedTuple):
    what: str
    differences: tuple[str, ...] = ()
    not_looked_at: tuple[str, ...] = ()


class Verified(NamedTuple):
    checks: tuple[Check, ...]
    unfinished: tuple[str, ...]
    """Which stages were begun and are not complete, a sentence each."""
    other_versions: tuple[str, ...]
    """Of libraries, where they are not those of the run."""

    @property
    def equal(self) -> bool:
        """Whether nothing differs in what is complete."""
        return not any(check.differences for check in self.checks)


def verify(run_dir: Path, score_again: ScoreAgain) -> Verified:
    """Hold everything in ``run_dir`` against what its stages recorded, and score its answers again.

    Raises:
        DataError: ``run_dir`` is no directory of a run, or one of its records cannot be read.
    """
    if not (run_dir / "manifest.json").is_file():
        raise DataError(f"{run_dir} holds no manifest.json; give a run directory, such as outputs/2026-11-23/14-22-01")
    try:
        manifest, done = read_json(run_dir / "manifest.json"), markers(run_dir)
    except ValueError as error:
        raise DataError(f"{run_dir}: a record is not JSON ({error}); it was cut or edited") from error
    used = {stage: typed_config(config) for stage, config in configs(done).items()}
    files = [Check(f"files of {s}", tuple(changed_outputs(run_dir, done[s]))) for s in STAGES if s in done]
    if _is_older(manifest, used):
        checks = [Check("manifest.json", (), (OLDER,)), *files, *_scores_of_older(run_dir, score_again)]
    else:
        checks = [
            Check("manifest.json", tuple(_manifest(run_dir, manifest))),
            Check("config.resolved.yaml", tuple(_settings(run_dir))),
            *files,
            _links(run_dir, done, used),
            *_data_set(run_dir, used),
            *_scores(run_dir, used, score_again),
        ]
    return Verified(tuple(checks), tuple(_unfinished(run_dir, done)), tuple(_other_versions(manifest)))


def _unfinished(run_dir: Path, done: Mapping[str, Any]) -> Iterator[str]:
    begun = unfinished(run_dir)
    for stage in begun:
        yield f"{stage} was begun and is not complete; its command with run_dir={run_dir} goes on from there"
    if not begun and not done:
        yield "no stage is complete"


def _is_older(manifest: Any, used: Mapping[str, Config]) -> bool:
    """Whether the run is of a mentalft that kept no record of each stage."""
    return isinstance(manifest, dict) and "schema" not in manifest and not used


def _scores_of_older(run_dir: Path, score_again: ScoreAgain) -> Iterator[Check]:
    """By ``config.resolved.yaml``, as no stage recorded its own configuration; a list that is not in it was empty."""
    if not (run_dir / "comparison.json").is_file():
        return
    empty: dict[str, Any] = {key.name: [] for key in fields(EvalConfig) if str(key.type).startswith("list[")}
    try:
        config: Any = OmegaConf.load(run_dir / "config.resolved.yaml")
        scored_with: Any = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(EvalConfig), empty, config.eval))
        used = {"compare": Config(seed=config.seed, eval=scored_with)}
    except (OSError, OmegaConfBaseException) as error:
        yield Check("scores", (), (f"config.resolved.yaml is not what this mentalft scores with: {first_line(error)}",))
        return
    yield from _scores(run_dir, used, score_again)


def _manifest(run_dir: Path, manifest: Any) -> Iterator[str]:
    """Against its schema, and against what the stages recorded."""
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(read_json(MANIFEST_SCHEMA))
    broken = sorted(validator.iter_errors(manifest), key=lambda error: error.json_path)
    for error in broken[:MOST]:
        yield f"{error.json_path.removeprefix('$').lstrip('.') or 'the whole'}: {error.message[:160]}"
    if not broken:
        yield from in_words(differences(manifest, manifest_of(run_dir, manifest)))


def _settings(run_dir: Path) -> Iterator[str]:
    path = run_dir / "config.resolved.yaml"
    if not path.is_file():
        yield "is gone"
        return
    found: Any = OmegaConf.to_container(OmegaConf.load(path))
    yield from in_words(differences(found, settings_of(run_dir, found)))


def _links(run_dir: Path, done: Mapping[str, Any], used: Mapping[str, Config]) -> Check:
    """Stages that were made from something else than what is there now."""
    splits = Splits(*(run_dir / "data" / f"{name}.jsonl" for name in Splits._fields))
    found, skipped = [], []
    if "train" in used and _digests(*splits[:2]) != done["train"]["made_from"]["data"]:
        found.append("train learnt from other data than data/ holds now; run train again")
    if "evaluate" in used:
        cfg, made_from = used["evaluate"], done["evaluate"]["made_from"]
        try:
            if _digests(*files_asked(cfg.eval, splits)) != made_from["data"]:
                found.append("evaluate asked from other data than there is now; run evaluate and compare again")
        except DataError as error:
            skipped.append(str(error))
        own = made_from["adapter"] and not cfg.eval.adapter
        if own and sha256_folder(run_dir / "adapter", ("adapter_*",)) != made_from["adapter"]:
            found.append("evaluate asked another adapter than adapter/ holds now; run evaluate and compare again")
    if "compare" in used:
        made_from, folder = done["compare"]["made_from"], run_dir / "responses"
        if _digests(*(folder / f"{side}.jsonl" for side in SIDES)) != made_from["responses"]:
            found.append("compare scored other answers than responses/ holds now; run compare again")
        if _digests(folder / "items.jsonl") != [made_from["items"]]:
            found.append("compare scored against other items than responses/items.jsonl holds now; run compare again")
    return Check("what stages were made from", tuple(found), tuple(skipped))


def _digests(*paths: Path) -> list[str | None]:
    return [digest_file(path) if path.is_file() else None for path in paths]


def _data_set(run_dir: Path, used: Mapping[str, Config]) -> Iterator[Check]:
    """The files that the data were read from, where they are on this machine."""
    report = run_dir / "data" / "report.json"
    if "prepare" not in used or not report.is_file():
        return
    changed, skipped = [], []
    for spec, source in zip(specs(used["prepare"].data), read_json(report)["sources"], strict=True):
        path = str(spec["path"])
        if is_remote(path):
            skipped.append(f"{path} is on a hub, and is not fetched again")
            continue
        try:
            now = sha256_of(local_files(path))
        except DataError as error:
            skipped.append(str(error))
            continue
        if now != source["sha256"]:
            changed.append(f"{path} hashes to {now[:12]}…, and the run read {source['sha256'][:12]}…")
    yield Check("the data set", tuple(changed), tuple(skipped))


def _scores(run_dir: Path, used: Mapping[str, Config], score_again: ScoreAgain) -> Iterator[Check]:
    """What the compare stage wrote, file by file, against what it would write now."""
    if "compare" not in used:
        return
    cfg, missing = used["compare"], {}
    try:
        missing = dict(_not_to_be_had(cfg.eval, run_dir))
        taken = {name: _taken(run_dir, name) for name in missing}
        with tempfile.TemporaryDirectory(prefix="mentalft-verify-") as folder:
            score_again(_without(cfg, missing), run_dir, Path(folder), taken)
            for name in RESULTS:
                found = result_differences(run_dir / name, Path(folder) / name, notes=not taken)
                yield Check(f"scores in {name}", tuple(found))
    except (UserError, OSError, KeyError, ValueError) as error:
        yield Check("scores", (f"cannot be computed again: {error}",))
    if missing:
        skipped = tuple(f"{name} is not computed again, but taken as stored: {why}" for name, why in missing.items())
        yield Check("metrics", (), skipped)


def _not_to_be_had(cfg: EvalConfig, run_dir: Path) -> Iterator[tuple[str, str]]:
    """Metrics whose model or module cannot be had here, with the reason."""
    attempts: dict[str, Callable[[], object]] = {}
    for spec in cfg.extra_metrics:
        attempts[extra_name(spec)] = partial(load_extra, spec)
    if "cosine" in cfg.metrics:
        attempts["cosine"] = partial(load_embedder, cfg.embedder)
    if "bertscore" in cfg.metrics:
        references = [row["references"] for row in islice(read_jsonl(run_dir / "items.jsonl"), 50)]
        language = language_of(references) if cfg.language == "auto" else cfg.language
        attempts["bertscore"] = partial(load_bertscore, cfg.bertscore_model, language)
    for name, attempt in attempts.items():
        try:
            attempt()
        except UserError as error:
            yield name, str(error)


def _without(cfg: Config, missing: Mapping[str, str]) -> Config:
    metrics = [name for name in cfg.eval.metrics if name not in missing]
    extra = [spec for spec in cfg.eval.extra_metrics if extra_name(spec) not in missing]
    return replace(cfg, eval=replace(cfg.eval, metrics=metrics, extra_metrics=extra))


def _taken(run_dir: Path, name: str) -> tuple[Metric, dict[str, Parts]]:
    """A metric as it is stored."""
    sheet, stored = read_scores(run_dir / "scores.jsonl"), read_json(run_dir / "metrics.json")["metrics"][name]

    def score(*_: object) -> Parts:
        raise AssertionError(name)

    metric = Metric(stored["title"], stored["signature"], score, total_of(name), stored["higher_is_better"])
    return metric, {side: sheet.parts[side][name] for side in SIDES}


def _other_versions(manifest: Mapping[str, Any]) -> Iterator[str]:
    here = versions()
    recorded = manifest.get("stages", {}).get("compare", manifest).get("versions") or {}
    for name, then in recorded.items():
        if here.get(name) != then:
            yield f"{name} {here.get(name) or 'not installed'} (the run had {then or 'none'})"
