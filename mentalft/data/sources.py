"""Where dialogues come from: paths, folders, patterns and hubs, and the form of what is there."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from xxhash import xxh3_128, xxh3_128_hexdigest

from mentalft.assets import SAMPLE_DIALOGUES
from mentalft.config import EMBEDDED, DataConfig, source_name
from mentalft.console import say
from mentalft.data.blocks import BOM, COMPRESSED, TABLES, inner_suffix, opened, scanned_text
from mentalft.data.download import fetched, is_remote
from mentalft.data.records_of import format_of, marked
from mentalft.data.scanning import ArrayScanner, Raw
from mentalft.errors import DataError
from mentalft.files import sha256_file, sha256_json

FORMATS = "soulchat, chatml, emollm, sharegpt, alpaca, smilechat, cpsycound, cpsycoune, psyqa, esconv, table"
ACCEPTED = (
    f"a file, folder or pattern of dialogues in one of the forms {FORMATS} "
    "(JSON, JSON lines, text, CSV, TSV or Parquet; .gz and .zst too)"
)
LOOKED_AT = 100
"""Records that are looked at to find out the form."""


class Shape(NamedTuple):
    """The form of a file."""

    format: str
    whole_file: bool
    """Whether the file is one record."""


@dataclass(frozen=True)
class Source:
    """One corpus: its files, and how much of it is wanted."""

    name: str
    files: tuple[Path, ...]
    shape: Shape
    max_dialogues: int | None
    weight: float
    licence: str
    homepage: str | None
    revision: str | None

    @cached_property
    def digest(self) -> str:
        """A quick hash (XXH3) of what its files hold, to tell whether they changed; not for the record."""
        return xxh3_128_hexdigest("".join(map(_quick_digest, self.files)).encode())

    def fingerprint(self) -> dict[str, Any]:
        """What its files hold, as (bytes, SHA-256) over all of them."""
        digests = [sha256_file(path) for path in self.files]
        return {
            "bytes": sum(path.stat().st_size for path in self.files),
            "sha256": digests[0] if len(digests) == 1 else sha256_json(digests),
        }


def _quick_digest(path: Path) -> str:
    state = xxh3_128()
    with path.open("rb") as handle:
        while chunk := handle.read(1 << 22):
            state.update(chunk)
    return state.hexdigest()


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
            local_files(str(spec["path"]), cfg.homepage)


def specs(cfg: DataConfig) -> list[Mapping[str, Any]]:
    """``data.sources``, each as a mapping with a path; or ``data.path`` alone."""
    if not cfg.sources:
        return [{"path": cfg.path, "name": cfg.name}]
    return [spec if isinstance(spec, Mapping) else {"path": spec} for spec in cfg.sources]


def _source(cfg: DataConfig, spec: dict[str, Any], cache_dir: Path) -> Source:
    path, revision = str(spec["path"]), None
    if is_remote(path):
        if spec.get("licence") or cfg.licence != "not stated":
            say(f"data: {path}: terms of use: {spec.get('licence') or cfg.licence} ({cfg.homepage or 'see its page'})")
        files, revision = fetched(path, cache_dir / "downloads", spec.get("sha256") or cfg.sha256)
    else:
        files = local_files(path, cfg.homepage)
    forced = spec.get("format") or cfg.format
    shape = shape_of(files[0], None if forced == "auto" else forced)
    return Source(
        name=source_name(spec),
        files=tuple(files),
        shape=shape,
        max_dialogues=spec.get("max_dialogues"),
        weight=float(spec.get("weight", 1.0)),
        licence=str(spec.get("licence") or cfg.licence),
        homepage=spec.get("homepage") or cfg.homepage,
        revision=revision,
    )


def local_files(written: str, homepage: str | None = None) -> list[Path]:
    """The files that a path, a folder or a pattern stands for, in natural order (2 before 10).

    Raises:
        DataError: there are none, or one is empty or cannot be read.
    """
    if written == EMBEDDED:
        return [SAMPLE_DIALOGUES]
    path = Path(written).expanduser()
    if path.is_dir():
        suffixes = (".json", ".jsonl", ".txt", *TABLES)
        found = [p for p in path.iterdir() if p.is_file() and inner_suffix(p) in suffixes]
        if not found:
            raise DataError(f"data.path={written} is a directory without data files; give {ACCEPTED}")
    elif path.exists():
        found = [path]
    else:
        found = [Path(p) for p in glob.glob(str(path), recursive=True) if Path(p).is_file()]  # noqa: PTH207 - absolute too
        if not found:
            origin = f"download it from {homepage}, or " if homepage else ""
            raise DataError(f"data.path={written} does not exist; {origin}give {ACCEPTED}")
    found.sort(key=lambda p: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", str(p))])
    if len(found) == 1:
        _check_readable(found[0])
    return found


def _check_readable(path: Path) -> None:
    try:
        with opened(path) as handle:
            first = handle.read(4096)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"data.path={path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except Exception as error:  # zstandard's own
        raise DataError(f"data.path={path} cannot be decompressed: {error}") from error
    if not first.strip(b" \t\r\n\xef\xbb\xbf"):
        raise DataError(f"data.path={path} is empty; expected {ACCEPTED}")


def shape_of(path: Path, forced: str | None = None) -> Shape:
    """The form of ``path``, found from its first records unless ``forced`` says it.

    Raises:
        DataError: it is none of the known ones; the message says what was seen.
    """
    if inner_suffix(path) in TABLES:
        if forced not in (None, "table", "alpaca"):
            raise DataError(f"data.format={forced}: {path.name} is a table; use data.format=table or auto")
        return Shape(forced or "table", whole_file=False)
    seen = "nothing that parses as JSON"
    for whole_file, value in _first_values(path):
        if (found := format_of(value)) is not None:
            return Shape(forced or found, whole_file)
        seen = _in_words(value) if value is not None else seen
        if forced:
            break
    if forced:
        return Shape(forced, whole_file=forced == "cpsycound" or _is_turn_list(path))
    raise DataError(f"data.path={path}: cannot tell its form: saw {seen}; set data.format, or give {ACCEPTED}")


def is_array(path: Path) -> bool:
    """Whether ``path`` holds a JSON array, not JSON lines."""
    with opened(path) as handle:
        return handle.read(4096).lstrip(b" \t\r\n" + BOM).startswith(b"[")


def _first_values(path: Path) -> Iterator[tuple[bool, Any]]:
    """(whether it is the whole file, value) of what may be the first records."""
    with opened(path) as handle:
        head = handle.read(1 << 16).removeprefix(BOM).decode("utf-8", "replace")
    if head.lstrip().startswith("["):
        if _is_turn_list(path):
            yield True, _whole(path)
            return
        scanner = ArrayScanner(*scanned_text(path))
        for _, raw in zip(range(LOOKED_AT), scanner.records(), strict=False):
            yield False, raw.value
    elif head.lstrip().startswith("{"):
        values = [raw.value for raw in _parsed_lines(head)]
        yield from ((False, value) for value in values)
        if not any(isinstance(value, dict) for value in values):
            yield True, _whole(path)
    elif any(marked(line)[0] for line in head.splitlines()):
        yield True, head


def _parsed_lines(head: str) -> Iterator[Raw]:
    for line in head.splitlines()[:LOOKED_AT]:
        try:
            yield Raw(None, json.loads(line))
        except (ValueError, RecursionError):
            continue


def _is_turn_list(path: Path) -> bool:
    """Whether ``path`` is one conversation: an array whose items are turns, not records."""
    if path.suffix in COMPRESSED or path.stat().st_size > 1 << 20:
        return False
    value = _whole(path)
    return isinstance(value, list) and format_of(value) in ("smilechat", "cpsycoune")


def _whole(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes().removeprefix(BOM))
    except (ValueError, RecursionError):
        return None


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return f"JSON objects with the keys {', '.join(sorted(map(str, value)))[:120] or '(none)'}"
    return f"JSON whose records are {type(value).__name__}s"
