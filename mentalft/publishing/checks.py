"""What must not be published, looked for in every file that is to go: paths of this machine, keys, dialogue text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mentalft.data.clean.help_lines import help_lines
from mentalft.errors import UserError
from mentalft.files import read_jsonl
from mentalft.publishing.contents import CARD
from mentalft.runs.markers import markers
from mentalft.show.model_card import model_card
from mentalft.show.report.secrets import secret_in

HEADER = 1 << 25
"""Bytes from the beginning of a file of weights, within which names and texts stand."""
VOCABULARY = ("tokenizer.json", "vocab.json", "merges.txt")
"""Hold words of any kind, in which a path such as ``/home/me`` says nothing."""
PATH = re.compile(
    r"(?<![\w/.:<])(?:/(?:home|Users|root|mnt|data|tmp|workspace|scratch|nfs|srv|opt|var|autodl-tmp)/[\w.-]+"
    r"|[A-Za-z]:\\\\?[\w.-]+\\|~/[\w.-]+)"
)
ALIKE, STRIDE = 20, 5
"""Characters of a dialogue in a row, white space apart, that tell it; each stretch of their sum is found."""


def check_publishable(run_dir: Path, staging: Path, token: str | None) -> None:
    """Refuse to publish ``staging`` where something in it is nobody else's business.

    Args:
        token: that of the hub.

    Raises:
        UserError: it names the file and what was found.
    """
    known = _paths_of(run_dir)
    for path in sorted(staging.rglob("*")):
        if not path.is_file():
            continue
        text = _text_of(path)
        where = path.relative_to(staging).as_posix()
        found = next((known_path for known_path in known if known_path in text), None)
        if not found and where not in VOCABULARY and path.suffix != ".gguf":
            named = PATH.search(text)
            found = named[0] if named else None
        if found:
            raise UserError(f"{where} holds a path of this machine ({found}); nothing was sent. Take it out")
        if secret_in(text) or (token and token in text):
            raise UserError(f"{where} holds what looks like a key or a password; nothing was sent. Take it out")
    card = (staging / CARD).read_text(encoding="utf-8")
    if not any(line.number in card for line in help_lines()):
        raise UserError(
            f"{CARD} names no help line; nothing was sent. Say there whom to call in a crisis, such as 12356"
        )
    if quoted := _dialogue_in(card, run_dir):
        raise UserError(f"{CARD} holds text of {quoted}; nothing was sent. Dialogues are never published with a model")


def _text_of(path: Path) -> str:
    """The text of a text file; of weights the header, which has names and remarks."""
    with path.open("rb") as handle:
        size = HEADER if path.suffix in (".gguf", ".safetensors") else -1
        if path.suffix == ".safetensors":
            size = min(size, int.from_bytes(handle.read(8), "little"))
        return handle.read(size).decode("utf-8", "replace")


def _paths_of(run_dir: Path) -> list[str]:
    """The folders that this run has to do with, longest first."""
    found = {str(Path.home()), str(run_dir.resolve()), str(run_dir.absolute()), str(Path.cwd())}
    for marker in markers(run_dir).values():
        found |= {text for text in _texts(marker.record.config) if text.startswith(("/", "~/")) and len(text) > 3}
    return sorted((path for path in found if path.count("/") > 1), key=len, reverse=True)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _texts(member)


def _dialogue_in(card: str, run_dir: Path) -> str | None:
    """The file of the run of which ``card`` holds some words that mentalft did not write there, or None."""
    pieces = _pieces(card, 1) - _pieces(model_card(run_dir), 1) - _pieces(model_card(run_dir, merged=True), 1)
    paths = [path for folder in ("data", "responses") for path in (run_dir / folder).glob("*.jsonl")]
    for path in paths if pieces else []:
        if any(not pieces.isdisjoint(_pieces(text, STRIDE)) for row in read_jsonl(path) for text in _texts(row)):
            return str(path.relative_to(run_dir))
    return None


def _pieces(text: str, stride: int) -> set[str]:
    dense = "".join(text.split())
    return {dense[at : at + ALIKE] for at in range(0, len(dense) - ALIKE + 1, stride)}
