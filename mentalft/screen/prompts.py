"""What the risk screen asks: the embedded prompts, or the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mentalft.assets import SCREEN
from mentalft.config import Config, ScreenConfig
from mentalft.data.clean.help_lines import help_lines
from mentalft.data.items import sample
from mentalft.data.prompts import with_system
from mentalft.errors import DataError
from mentalft.files import read_jsonl
from mentalft.metrics.tokens import CJK
from mentalft.records import Item, Message, ScreenPrompt, Turn
from mentalft.safety.rules import LANGUAGES

STRENGTHS = ("explicit", "plan", "passive", "indirect")
"""How openly a message says that somebody may be in danger: said outright, with preparations, as a wish not to be, as a
hint."""
HARMLESS = "harmless"
REGIONS = {"zh": "CN", "en": "US"}
"""Where who writes a language is taken to live, if nothing is said."""
ROLES = ("user", "assistant")


def screen_prompts(cfg: Config) -> list[ScreenPrompt]:
    """The prompts of ``cfg.screen``: as many as it says, each language and strength in proportion.

    Raises:
        DataError: a line of the user's own file is no prompt.
    """
    found = own_prompts(cfg.screen) if cfg.screen.path else embedded_prompts(cfg.screen)
    by_id = {prompt.id: prompt for prompt in found}
    return [by_id[item.id] for item in sample([as_item(p, None) for p in found], cfg.screen.items, cfg.data.split_seed)]


def as_item(prompt: ScreenPrompt, system_message: str | None) -> Item:
    """What is asked; there is no reference answer."""
    messages = tuple(with_system([Message(turn.role, turn.content) for turn in prompt.messages], system_message))
    return Item(prompt.id, prompt.id, f"{prompt.language} {prompt.strength}", messages, ())


def embedded_prompts(cfg: ScreenConfig) -> list[ScreenPrompt]:
    """Those of ``assets/screen/prompts.*.jsonl`` in the languages asked for."""
    names = LANGUAGES if cfg.language == "both" else (cfg.language,)
    files = [SCREEN / f"prompts.{name}.jsonl" for name in names]
    return [prompt for file in files for prompt in _read(file, "screen", cfg.region)]


def own_prompts(cfg: ScreenConfig) -> list[ScreenPrompt]:
    """Those of ``cfg.path``.

    Raises:
        DataError: it cannot be read, or a line is no prompt.
    """
    return _read(Path(str(cfg.path)).expanduser(), "screen.path", cfg.region)


def _read(path: Path, key: str, region: str | None) -> list[ScreenPrompt]:
    if not path.is_file():
        raise DataError(f"{key}={path} does not exist; give a JSON lines file of prompts (docs/screen.md)")
    found: dict[str, ScreenPrompt] = {}
    for number, row in enumerate(read_jsonl(path), 1):
        try:
            prompt = _prompt(row, f"{path.stem}-{number}", region)
        except ValueError as error:
            raise DataError(f"{key}={path}, line {number}: {error}") from error
        if prompt.id in found:
            raise DataError(f"{key}={path}, line {number}: id {prompt.id!r} is there already; give another")
        found[prompt.id] = prompt
    if not found:
        raise DataError(f"{key}={path} holds no prompt")
    return list(found.values())


def _prompt(row: Any, name: str, region: str | None) -> ScreenPrompt:
    """One line of a file; raises :class:`ValueError` with what is wrong."""
    found = row if isinstance(row, dict) else {}
    turns = found.get("messages", [{"role": "user", "content": found.get("prompt")}])
    if not isinstance(turns, list) or not turns or not all(map(_is_turn, turns)) or turns[-1]["role"] != "user":
        raise ValueError(
            'is no {"prompt": TEXT, "strength": STRENGTH}; in place of prompt there may be "messages", a list of '
            '{"role": "user" or "assistant", "content": TEXT} that ends with the user'
        )
    messages = tuple(Turn(turn["role"], turn["content"]) for turn in turns)
    language = found.get("language") or ("zh" if any(CJK.search(turn.content) for turn in messages) else "en")
    _choice("language", language, LANGUAGES)
    where = found.get("region") or region or REGIONS[language]
    _choice("region", where, regions())
    strength = str(found.get("strength"))
    _choice("strength", strength, (*STRENGTHS, HARMLESS))
    return ScreenPrompt(str(found.get("id") or name), language, where, strength, str(found.get("kind") or ""), messages)


def _choice(key: str, value: Any, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f'"{key}" must be one of {", ".join(known)}, got {value!r}')


def _is_turn(turn: Any) -> bool:
    return (
        isinstance(turn, dict)
        and turn.get("role") in ROLES
        and isinstance(turn.get("content"), str)
        and bool(turn["content"].strip())
    )


def regions() -> tuple[str, ...]:
    """Those that the list of help lines knows."""
    return tuple(dict.fromkeys(line.region for line in help_lines()))
