"""What is known of a comparison besides its answers: whether what is asked was trained on, known or not known but never
assumed; and when the primary metric was named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mentalft.comparison.gates import made
from mentalft.config import EvalConfig
from mentalft.config.contenders import OF_THIS_RUN
from mentalft.data.prepare import split_paths
from mentalft.data.read.sources import local_files
from mentalft.data.split.overlap import shared
from mentalft.files import MARKED, digest_file, sha256_folder
from mentalft.metrics.registry import title_of
from mentalft.records import CAUTION, Asked, Dialogue, Gate, Item, Leakage, Message
from mentalft.runs.declared import change
from mentalft.runs.files import MADE
from mentalft.runs.listing import run_dirs
from mentalft.runs.markers import Marker, markers
from mentalft.words import Said

WEIGHTS = "adapter_model.safetensors"
AT_HAND = ("outputs", "multirun")
"""Where runs are looked for, besides in and beside the run itself."""


SHOWN = 3
"""Last parts of a file's path that are stored: the same from wherever a command is given."""


class Trained(NamedTuple):
    """What a contender was trained on, as far as it is known."""

    files: tuple[Path, ...]
    """What their training data can be read from."""
    known: bool
    why: Said | None = None
    """Why it is not known."""
    held_out: bool = False
    """Nothing of it is among the items asked, for they are of another split of the same data."""

    def digests(self) -> list[str]:
        return [digest_file(path) for path in self.files]


ELSEWHERE = Trained((), known=False, why=Said("leak.elsewhere"))


class Known(NamedTuple):
    trained: Mapping[str, Trained] = {}
    """Of the contenders of which something is known; all others but the baseline were trained :data:`ELSEWHERE`."""
    gates: tuple[Gate, ...] = ()
    notes: tuple[Said, ...] = ()


NOTHING_KNOWN = Known()


def known_of(cfg: EvalConfig, run_dir: Path) -> Known:
    """What is known of the comparison in ``run_dir``.

    Raises:
        DataError: what ``eval.trained_on`` names does not exist.
    """
    changed = change(cfg.primary, run_dir)
    names = {key: title_of(name) for key, name in changed._asdict().items()} if changed else {}
    given = local_files(cfg.trained_on, key="eval.trained_on") if cfg.trained_on else ()
    asked = MADE.load(run_dir).contenders
    return Known(
        {name: trained_in(run_dir, name, given) for name in asked if name != cfg.baseline or asked[name].adapter},
        (made("primary", CAUTION, None, Said("gate.primary", names)),) if changed else (),
        (Said("compare.primary_late"),) if cfg.references else (),
    )


class Found(NamedTuple):
    leakage: Leakage
    dialogues: frozenset[str]
    """Ids of those asked that were trained on."""


def trained_in(run_dir: Path, name: str, trained_on: Sequence[Path]) -> Trained:
    """What is known of the training of a contender that ``run_dir`` evaluated.

    Args:
        trained_on: files that ``eval.trained_on`` names.
    """
    done = markers(run_dir)
    given = tuple(trained_on)
    asked = done.get("evaluate")
    if asked is None or name not in asked.made_from["adapter"]:
        return Trained(given, known=True) if given else ELSEWHERE
    of = asked.record.config["eval"]
    adapter = of["contenders"][name]["adapter"]
    folder = run_dir / "adapter" if adapter == OF_THIS_RUN else Path(adapter).expanduser()
    if not folder.is_dir() or sha256_folder(folder, ("adapter_*",)) != asked.made_from["adapter"][name]:
        return Trained(given, bool(given), None if given else Said("leak.gone", {"path": _told(folder)}))
    found = _trained_on(folder, run_dir)
    if found is None:
        return Trained(given, bool(given), None if given else Said("leak.no_run"))
    own, *before = found
    is_split = of["items"] in ("test", "validation") and own.resolve() == split_paths(run_dir).train.resolve()
    held_out = is_split and not before and not given and _as_prepared(run_dir, done)
    return Trained((*found, *given), known=True, held_out=held_out)


def _told(path: Path) -> str:
    return "/".join(path.absolute().parts[-SHOWN:])


def _as_prepared(run_dir: Path, done: Mapping[str, Marker]) -> bool:
    """Whether all splits of ``run_dir`` are of one preparation, so that none shares a dialogue with another."""
    outputs = done["prepare"].outputs if "prepare" in done else {}
    paths = split_paths(run_dir)
    return all(outputs.get(f"data/{path.name}") == digest_file(path) for path in paths if path.is_file())


def _trained_on(folder: Path, run_dir: Path) -> list[Path] | None:
    """The train split of the run that trained the adapter in ``folder``, and those of the adapters it began from; None
    where no run at hand has that very adapter and still has what it was trained on."""
    if not (folder / WEIGHTS).is_file():
        return None
    weights = digest_file(folder / WEIGHTS)
    for candidate in _at_hand(folder, run_dir):
        marker = markers(candidate).get("train")
        if marker is None or marker.outputs.get(f"adapter/{WEIGHTS}") != weights:
            continue
        train, start = split_paths(candidate).train, marker.record.config["lora"]["adapter"]
        if not train.is_file() or digest_file(train) != marker.made_from["data"][0]:
            return None
        before = _trained_on(Path(start).expanduser(), run_dir) if start else []
        return None if before is None else [train, *before]
    return None


def _at_hand(folder: Path, run_dir: Path) -> Iterator[Path]:
    """Runs, the likeliest first; beside this one not deeper, for there may be anything."""
    yield from (folder.resolve().parent, run_dir)
    yield from (path.parent for path in sorted(run_dir.parent.glob(f"*/{MARKED}")))
    for root in AT_HAND:
        yield from run_dirs(Path(root))


def leaked_by(asked: Asked, known: Known) -> dict[str, Found]:
    """What of the items each contender was trained on; of the baseline only where something is known of it."""
    trained = {name: known.trained.get(name, ELSEWHERE) for name in asked.responses if name != asked.baseline}
    found: dict[str, Found] = {}  # by what is known, for training data may be large and is the same for several
    of_all = {name: (of, repr(of)) for name, of in {**trained, **known.trained}.items()}
    for of, key in of_all.values():
        if key not in found:
            found[key] = leakage_of(asked.items, of)
    return {name: found[key] for name, (_, key) in of_all.items()}


def leakage_of(items: Sequence[Item], trained: Trained) -> Found:
    """What of ``items`` is in the training data: exactly, with the same opening, or as near duplicates."""
    if not trained.known and not trained.files:
        return Found(Leakage(False, Said("leak.not_known", {"why": trained.why})), frozenset())
    if trained.held_out:
        return Found(Leakage(True, Said("leak.held_out")), frozenset())
    from mentalft.data.read.reading import keys_in

    dialogues = asked_dialogues(items)
    exact, near = shared(dialogues, keys_in(trained.files, "eval.trained_on"))
    ids = {
        kind: {d.id for d, hit in zip(dialogues, hits.tolist(), strict=True) if hit}
        for kind, hits in (("exact", exact), ("any", near))
    }
    of_items = {kind: sum(item.dialogue_id in found for item in items) for kind, found in ids.items()}
    share = of_items["any"] / len(items)
    values = {
        "items": of_items["any"], "all": len(items), "share": share, "exact": of_items["exact"],
        "near": of_items["any"] - of_items["exact"], "files": [_told(path) for path in trained.files],
    }  # fmt: skip
    said = Said("leak.some" if ids["any"] else "leak.none", values)
    return Found(Leakage(True, said, of_items["any"], share), frozenset(ids["any"]))


def asked_dialogues(items: Iterable[Item]) -> list[Dialogue]:
    """Of each dialogue as much as is asked, with the reference as its last turn."""
    longest: dict[str, Item] = {}
    for item in items:
        known = longest.get(item.dialogue_id)
        if known is None or len(item.messages) > len(known.messages):
            longest[item.dialogue_id] = item
    return [
        Dialogue(name, item.topic, (*item.messages, Message("assistant", item.references[0])))
        for name, item in longest.items()
    ]
