"""The answers of raters, taken into the run and joined with the key."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from mentalft.errors import DataError, first_line
from mentalft.files import write_text
from mentalft.records import ItemRow
from mentalft.review.export import digest_of
from mentalft.review.records import FOLDER, GENUINE, TIED, Answer, AnswerFile, Key, Kind, answer_file, key_file
from mentalft.runs.files import ITEMS
from mentalft.runs.place import set_aside
from mentalft.words import Said


class Opinion(NamedTuple):
    """What one rater said of one pair, by contender and no longer by side."""

    rater: str
    """With the export in front where a run has several."""
    kind: Kind
    item: str
    contender: str
    """That is held against the baseline."""
    choice: float | None
    """1 for the contender, 0 for the baseline, a half for a tie; in an attention pair 1 for the genuine answer, in a
    guess 1 where the tuned one was told. None: skipped or left open."""
    first: bool | None
    """Whether the first answer was chosen; None for a tie, and where nothing was."""
    skipped: bool
    ratings: dict[str, tuple[int | None, int | None]]
    """Dimension → of the baseline's answer and of the contender's."""
    remark: str


class Given(NamedTuple):
    """Everything that was imported into a run."""

    keys: tuple[Key, ...]
    """Of exports with answers."""
    opinions: list[Opinion]
    edited: frozenset[str]
    """Raters whose file is not as the page wrote it."""
    items: dict[str, ItemRow]
    """By id."""


def take_in(run_dir: Path, files: Sequence[Path]) -> Iterator[Said]:
    """Copy ``files`` into ``review/EXPORT/answers/``, and say what became of each; nothing is written if one is wrong.

    Of two files of one rater the one that was saved later stays; the other is set aside.

    Raises:
        DataError: a file is not one that a page of this run saved; the message says where.
    """
    read = [_read(run_dir, path) for path in files]
    for path, text, found in sorted(read, key=lambda one: one[2].saved):
        kept = answer_file(found.export, found.rater)
        values = {"file": str(path), "rater": found.rater, "export": found.export, "answers": len(found.answers)}
        if kept.exists(run_dir):
            before = kept.load(run_dir)
            if before.saved > found.saved:
                yield Said("review.older", {**values, "saved": before.saved})
                continue
            if before != found:
                set_aside(run_dir, "review", [kept.path(run_dir)])
                yield Said("review.replaced", {**values, "saved": before.saved})
        write_text(kept.path(run_dir), text)
        yield Said("review.taken", values)


def is_current(run_dir: Path, digests: dict[str, str]) -> bool:
    """Whether the run still holds what raters saw: by export the digest of it."""
    if not ITEMS.exists(run_dir) or not all(key_file(name).exists(run_dir) for name in digests):
        return False
    items = ITEMS.load(run_dir)
    return all(_is_of(key_file(name).load(run_dir), items) for name in digests)


def _is_of(key: Key, items: Sequence[ItemRow]) -> bool:
    return key.digest == digest_of(items, key.items, (key.baseline, *key.contenders))


def given(run_dir: Path, baseline: str) -> Given:
    """What was imported into ``run_dir`` so far.

    Args:
        baseline: of the run's comparison.

    Raises:
        DataError: nothing was, or the run's answers are others than those that raters saw.
    """
    items = ITEMS.load(run_dir)
    by_id = {item.id: item for item in items}
    names = sorted({path.parent.parent.name for path in (run_dir / FOLDER).glob("*/answers/*.json")})
    if not names:
        raise DataError(f"{run_dir} holds no answers of raters; give the files that their pages saved")
    keys = tuple(key_file(name).load(run_dir) for name in names)
    opinions: list[Opinion] = []
    edited: set[str] = set()
    for key in keys:
        if key.baseline != baseline or not _is_of(key, items):
            raise DataError(
                f"{run_dir}: the baseline, the items or their answers are others than when review {key.export} was "
                f"exported, so that its raters saw something else; move {run_dir / FOLDER / key.export} away and "
                "export again"
            )
        for path in sorted((run_dir / FOLDER / key.export / "answers").glob("*.json")):
            found = answer_file(key.export, path.stem).load(run_dir)
            rater = path.stem if len(keys) == 1 else f"{key.export}/{path.stem}"
            opinions += opinions_of(key, found, rater)
            if checksum(json.loads(path.read_text(encoding="utf-8-sig"))["answers"]) != found.checksum:
                edited.add(rater)
    return Given(keys, opinions, frozenset(edited), by_id)


def opinions_of(key: Key, file: AnswerFile, rater: str) -> Iterator[Opinion]:
    """One for each question of the page, answered or not.

    Args:
        rater: what the rater is called from here on.
    """
    said = {answer.id: answer for answer in file.answers}
    for question in key.pages[file.rater]:
        answer, sides = said.get(question.id, Answer(question.id)), question.sides
        contender = "" if question.kind == "attention" else next(side for side in sides if side != key.baseline)
        wanted = {"attention": GENUINE, "guess": key.tuned}.get(question.kind, contender)
        chosen = {"first": sides[0], "second": sides[1]}.get(answer.choice or "")
        yield Opinion(
            rater=rater,
            kind=question.kind,
            item=question.item,
            contender=contender,
            choice=None if answer.choice is None else TIED if chosen is None else float(chosen == wanted),
            first=None if chosen is None else answer.choice == "first",
            skipped=answer.skipped,
            ratings={
                name: (second, first) if sides[0] == contender else (first, second)
                for name, (first, second) in answer.ratings.items()
            },
            remark=answer.remark.strip(),
        )


def _read(run_dir: Path, path: Path) -> tuple[Path, str, AnswerFile]:
    """A file that a page saved, held against the key of its export."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = msgspec.json.decode(text, type=AnswerFile)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; give the files that raters' pages saved") from error
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise DataError(
            f"{path}: not what a rater's page saves ({first_line(error)}); ask for the file again"
        ) from error
    file = key_file(found.export) if found.export.isalnum() else None
    if file is None or not file.exists(run_dir):
        known = sorted(path.parent.name for path in (run_dir / FOLDER).glob("*/key.json"))
        raise DataError(
            f"{path}: it is of review {found.export!r}, and {run_dir} has {', '.join(known) or 'none'}; "
            "give the run that was exported"
        )
    key = file.load(run_dir)
    if found.rater not in key.pages:
        raise DataError(f"{path}: review {key.export} has no rater {found.rater!r}; it has {', '.join(key.pages)}")
    _check(path, found, key)
    return path, text, found


def _check(path: Path, found: AnswerFile, key: Key) -> None:
    known = {question.id for question in key.pages[found.rater]}
    levels = {dimension.name: set(dimension.levels) for dimension in key.rubric.dimensions}
    seen: set[str] = set()
    for answer in found.answers:
        where = f"{path}, answer {answer.id}"
        if answer.id not in known:
            raise DataError(f"{where}: the page of {found.rater} has no such question; ask for the file again")
        if answer.id in seen:
            raise DataError(f"{where}: it is answered twice; ask for the file again")
        seen.add(answer.id)
        for dimension, pair in answer.ratings.items():
            if dimension not in levels:
                raise DataError(f"{where}: {dimension!r} is no dimension of the rubric {key.rubric.name!r}")
            wrong = [value for value in pair if value is not None and value not in levels[dimension]]
            if wrong:
                raise DataError(
                    f"{where}: {dimension} is {wrong[0]}; it can be {', '.join(map(str, sorted(levels[dimension])))}"
                )


def checksum(answers: Any) -> int:
    """Of ``answers`` as ``JSON.stringify`` writes them."""
    text = json.dumps(answers, ensure_ascii=False, separators=(",", ":"))
    return zlib.crc32(text.encode("utf-8", "replace"))
