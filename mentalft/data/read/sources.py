"""Where dialogues come from: paths, folders, patterns and hubs."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from natsort import natsorted

from mentalft.assets import SAMPLE_DIALOGUES
from mentalft.config import EMBEDDED, DataConfig, source_name
from mentalft.console import say
from mentalft.data.read.compressed import check_file, inner_suffix
from mentalft.data.read.download import check_hash, fetched, is_remote
from mentalft.data.read.shapes import ACCEPTED, Shape, shape_of
from mentalft.data.read.tables import TABLES
from mentalft.errors import DataError
from mentalft.files import digest_file, sha256_file, sha256_json
from mentalft.records import SourceReport
from mentalft.words import Said

SAVED = ("state.json", "dataset_dict.json", "dataset_info.json")
"""What datasets' ``save_to_disk`` puts beside its data."""
SHOWN = 5
"""Names of what is not read that are said."""
TRIED = 20
"""Files that are looked into for the form of all."""


@dataclass(frozen=True)
class Source:
    """One corpus: its files, and how much of it is wanted."""

    name: str
    files: tuple[Path, ...]
    shape: Shape
    """Of the first file that has one."""
    max_dialogues: int | None
    weight: float
    licence: str
    homepage: str | None
    revision: str | None
    columns: Mapping[str, str]
    """``data.columns``, or those of this source."""

    @cached_property
    def labels(self) -> list[str]:
        """What each file is called where a record is set aside: its name, with its folder where names repeat."""
        names = [path.name for path in self.files]
        if len(set(names)) < len(names):
            top = os.path.commonpath([path.absolute().parent for path in self.files])
            names = [path.absolute().relative_to(top).as_posix() for path in self.files]
        return [os.fsencode(name).decode("utf-8", "replace") for name in names]

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.files)

    @cached_property
    def digest(self) -> str:
        """A quick hash of what its files hold, to tell whether they changed; not for the record."""
        return sha256_json([digest_file(path) for path in self.files])

    def report(
        self, records: int, dialogues: int, rejected_by_reason: dict[str, int], encodings: dict[str, int]
    ) -> SourceReport:
        """What is reported of it before its files were hashed."""
        return SourceReport(
            name=self.name,
            files=tuple(self.labels[:20]),
            file_count=len(self.files),
            format=self.shape.format,
            revision=self.revision,
            licence=self.licence,
            homepage=self.homepage,
            weight=self.weight,
            records=records,
            dialogues=dialogues,
            rejected_by_reason=rejected_by_reason,
            encodings=encodings,
        )

    def fingerprint(self) -> dict[str, Any]:
        """What its files hold, as (bytes, SHA-256) over all of them."""
        return {"bytes": self.size, "sha256": sha256_of(self.files)}


def sha256_of(files: Sequence[Path]) -> str:
    """SHA-256 of a file; of several, of the list of theirs."""
    digests = [sha256_file(path) for path in files]
    return digests[0] if len(digests) == 1 else sha256_json(digests)


def sources_of(cfg: DataConfig, cache_dir: Path) -> list[Source]:
    """The corpora that ``cfg`` names, found, downloaded where need be, and looked into.

    Raises:
        DataError: one of them is missing, empty, of no known form, or cannot be fetched.
    """
    return [_source(cfg, dict(spec), cache_dir) for spec in specs(cfg)]


def check_local(cfg: DataConfig) -> None:
    """Raise :class:`DataError` where a path of ``cfg`` cannot be a data file; cheap, done before any work starts."""
    for spec in specs(cfg):
        if not is_remote(str(spec["path"])):
            local_files(str(spec["path"]), cfg.homepage, encoding=cfg.encoding)
    for path in cfg.external_tests:
        local_files(path, key="data.external_tests")


def specs(cfg: DataConfig) -> list[Mapping[str, Any]]:
    """``data.sources``, each as a mapping with a path; or ``data.path`` alone."""
    if not cfg.sources:
        return [{"path": cfg.path, "name": cfg.name}]
    return [spec if isinstance(spec, Mapping) else {"path": spec} for spec in cfg.sources]


def _source(cfg: DataConfig, spec: dict[str, Any], cache_dir: Path) -> Source:
    path, revision, columns = str(spec["path"]), None, spec.get("columns") or cfg.columns
    sha256 = spec.get("sha256") or (None if cfg.sources else cfg.sha256)
    if is_remote(path):
        if spec.get("licence") or cfg.licence != "not stated":
            terms = {"path": path, "licence": spec.get("licence") or cfg.licence}
            say(Said("data.terms", {**terms, "where": cfg.homepage or Said("data.its_page")}))
        files, revision = fetched(
            path,
            cache_dir / "downloads",
            sha256,
            spec.get("hub_config") or cfg.hub_config,
            spec.get("hub_split") or cfg.hub_split,
        )
    else:
        files = local_files(path, cfg.homepage, encoding=cfg.encoding)
        if left := not_read(Path(path).expanduser(), files):
            rest = [Said("data.and_more", {"rest": len(left) - SHOWN})] if len(left) > SHOWN else []
            say(Said("data.not_read", {"folder": path, "names": [*left[:SHOWN], *rest]}), style="yellow")
        if sha256:
            check_hash(files, sha256, path)
    forced = spec.get("format") or cfg.format
    shape = _shape(files, None if forced == "auto" else forced, columns, cfg.encoding)
    return Source(
        name=source_name(spec),
        files=tuple(files),
        shape=shape,
        max_dialogues=spec.get("max_dialogues"),
        weight=float(spec.get("weight", 1.0)),
        licence=str(spec.get("licence") or cfg.licence),
        homepage=spec.get("homepage") or cfg.homepage,
        revision=revision,
        columns=columns,
    )


def _shape(files: list[Path], forced: str | None, columns: Mapping[str, str], encoding: str | None) -> Shape:
    """The form of the first file that has one; a damaged file among many costs itself alone."""
    errors = []
    for path in files[:TRIED]:
        try:
            return shape_of(path, forced, columns, encoding=encoding)
        except DataError as error:
            errors.append(error)
    raise errors[0]


def not_read(path: Path, files: Collection[Path]) -> list[str]:
    """What a folder holds besides its data files; what is hidden is nobody's."""
    found, read = path.iterdir() if path.is_dir() and not _is_saved(path) else (), set(files)
    left = (one for one in found if one not in read and not one.name.startswith("."))
    return natsorted(f"{one.name}/" if one.is_dir() else one.name for one in left)


def _is_saved(folder: Path) -> bool:
    """Whether datasets' ``save_to_disk`` wrote ``folder``."""
    return any((folder / name).is_file() for name in SAVED)


def local_files(
    written: str, homepage: str | None = None, key: str = "data.path", encoding: str | None = None
) -> list[Path]:
    """The files that a path, a folder or a pattern stands for, in natural order (2 before 10).

    Of a folder that datasets' ``save_to_disk`` wrote they are the Arrow files of all its splits.

    Raises:
        DataError: there are none, or one is empty or cannot be read.
    """
    if written == EMBEDDED:
        return [SAMPLE_DIALOGUES]
    path = Path(written).expanduser()
    if path.is_dir():
        suffixes = (".json", ".jsonl", ".txt", *TABLES)
        found = [p for p in path.glob("**/*.arrow" if _is_saved(path) else "*") if _is_data(p, suffixes)]
        if not found:
            deeper = next((p for p in path.rglob("*") if _is_data(p, suffixes)), None)
            pattern = f"{path}/**/*{deeper.suffix if deeper else ''}"
            plain = re.fullmatch(r"[\w/.*~+-]+", pattern)
            named = f"data.path='{pattern}'" if plain else f"'data.path=\"{pattern}\"'"  # what Hydra's grammar needs
            hint = f"there are some below: {named}; or " if deeper else ""
            raise DataError(f"{key}={written} is a directory without data files; {hint}give {ACCEPTED}")
    elif path.exists():
        found = [path]
    else:
        found = [Path(p) for p in glob.glob(str(path), recursive=True) if Path(p).is_file()]  # noqa: PTH207 - absolute too
        if not found:
            origin = f"download it from {homepage}, or " if homepage else ""
            raise DataError(f"{key}={written} does not exist; {origin}give {ACCEPTED}")
    found = natsorted(found, key=str)
    if len(found) == 1:
        check_file(found[0], key, ACCEPTED, encoding)
    return found


def _is_data(path: Path, suffixes: tuple[str, ...]) -> bool:
    """Whether a folder's reader takes ``path``; what is hidden (``._1.json`` of a Mac) is none of the corpus."""
    named = inner_suffix(path) in suffixes and not path.name.startswith(".") and path.name not in SAVED
    return named and path.is_file()
