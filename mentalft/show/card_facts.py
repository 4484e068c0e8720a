"""What a model card's front matter says of where an adapter comes from, from the record of its training."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.config import EMBEDDED
from mentalft.files import read_jsonl, sha256_folder
from mentalft.runs.files import DATA_REPORT
from mentalft.runs.markers import Marker, Record

LICENCES = (
    "apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0",
    "cc-by-nc-nd-4.0", "openrail", "odc-by", "bsd-3-clause",
)  # fmt: skip
"""What the hub calls licences that data sets are often under; others are ``other``, with their name."""
LOOKED_AT = 200
"""Training dialogues whose language is looked at."""
LEAST_SHARE = 0.1
"""Of the letters for a dialogue to be Chinese, of the dialogues for a language to be named."""


class Base(NamedTuple):
    name: str
    """On the hub, or of the folder."""
    revision: str | None
    load: str
    """A Python expression for what ``from_pretrained`` takes."""
    hub_id: str | None = None
    """Where others find it on Hugging Face; None for a folder and for what comes from elsewhere."""
    is_demonstration: bool = False
    """The package's own tiny model, which has learnt next to nothing."""


def base_of(record: Record) -> Base:
    """The base model as others can find it: by its name on the hub, else by that of its folder."""
    assert record.model is not None  # training loads one; for the type checker
    name, revision = record.config["model"]["name_or_path"], record.model.revision
    if name == EMBEDDED:
        return Base(record.model.name, None, "str(TINY_MODEL)", is_demonstration=True)
    on_a_hub = name.count("/") == 1 and not name.startswith((".", "/", "~")) and not Path(name).is_dir()
    if on_a_hub and record.model.hub == "huggingface":
        return Base(name, revision, f'"{name}"', hub_id=name)
    short = name if on_a_hub else Path(name).expanduser().resolve().name
    return Base(short, revision if on_a_hub else None, f'"FOLDER OF {short}"')


def own_contender(run_dir: Path, done: Mapping[str, Marker]) -> str | None:
    """What the contender with the very adapter that ``run_dir`` trained is called; None where there is none."""
    if not {"train", "evaluate"} <= done.keys():
        return None
    own = sha256_folder(run_dir / "adapter", ("adapter_*",))
    return next(
        (name for name, adapter in done["evaluate"].made_from.get("adapter", {}).items() if adapter == own), None
    )


def hub_names(data: dict[str, Any]) -> list[str]:
    """Of data sets on Hugging Face: ``OWNER/NAME`` of each ``hf://OWNER/NAME[@REVISION]/FILE``."""
    paths = [spec if isinstance(spec, str) else spec["path"] for spec in data["sources"]] or [str(data["path"])]
    parts = [path.removeprefix("hf://").split("/") for path in paths if path.startswith("hf://")]
    return list(dict.fromkeys(f"{owner}/{name.partition('@')[0]}" for owner, name, *_ in parts))


def licences_of(run_dir: Path) -> list[str]:
    """Of the data sets, each once."""
    sources = DATA_REPORT.load(run_dir).sources if DATA_REPORT.exists(run_dir) else ()
    return list(dict.fromkeys(source.licence for source in sources))


def licence_of(found: list[str]) -> tuple[str, str | None]:
    """The front matter's ``license`` and ``license_name``: of the data; the base model has a licence of its own."""
    if not found or found == ["not stated"]:
        return "unknown", None
    if len(found) == 1 and found[0].lower() in LICENCES:
        return found[0].lower(), None
    return "other", "; ".join(found)


def languages_of(path: Path) -> list[str] | None:
    """``zh`` and ``en``, whichever a tenth of the dialogues are in."""
    if not path.is_file():
        return None
    texts = ["".join(m["content"] for m in row["messages"]) for row in islice(read_jsonl(path), LOOKED_AT)]
    chinese = sum(_is_chinese(text) for text in texts) / max(len(texts), 1)
    return [name for name, share in (("zh", chinese), ("en", 1 - chinese)) if share >= LEAST_SHARE]


def _is_chinese(text: str) -> bool:
    return sum("\u3400" <= c <= "\u9fff" for c in text) >= LEAST_SHARE * max(sum(map(str.isalpha, text)), 1)
