"""A conversation with several contenders at once: the same messages to each, and to each its own history.

Both fronts, terminal and browser, are made of this; nothing here prints.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, Literal, NamedTuple

from mentalft.chat.voices import Voice
from mentalft.config import Config, EvalConfig
from mentalft.config.checks import bound_problems
from mentalft.config.fields import bounds_of
from mentalft.data.prompts import with_system
from mentalft.errors import ConfigError, DataError, UserError
from mentalft.files import sha256_json, write_jsonl
from mentalft.generation.decoding import Decoding
from mentalft.generation.streaming import GROWING, STOPPED
from mentalft.records import Message, Prompt, Response, Vote
from mentalft.runs.files import VOTES
from mentalft.words import Said, contender

Choice = Literal["left", "right", "tie"]
SETTABLE = {
    "temperature": float, "top_p": float, "top_k": int, "max_new_tokens": int, "seed": int,
}  # fmt: skip
"""Settings of decoding, and what their values are read as."""


class Piece(NamedTuple):
    """What is there of one answer."""

    column: int
    response: Response
    left_out: int
    """How many of the oldest messages did not fit in ``data.max_length``."""


class Session:
    """One user's conversation at a time with contenders of a run.

    Args:
        cfg: what the run was made with; its decoding and system message are those to begin with.
        keep: store each conversation in ``chats/`` of the run as it goes; otherwise only :meth:`save` stores one.
    """

    def __init__(self, cfg: Config, run_dir: Path, voices: Sequence[Voice], *, keep: bool = False) -> None:
        self.cfg, self.run_dir, self.voices, self.keep = cfg, run_dir, tuple(voices), keep
        self.system = cfg.data.system_message
        self.columns = list(voices)
        """Those who are asked, from left to right."""
        self.blind = False
        self.tally: Counter[str] = Counter()
        """Votes of this blind round: contender, or ``tie``, → how many."""
        self._stopped = Event()
        self._written: set[Path] = set()
        self.reset()

    def reset(self) -> None:
        """Begin a new conversation; a blind one in a new order."""
        self.id = f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        self.turn, self.attempt, self.message = 0, 1, ""
        self.histories: dict[str, tuple[Message, ...]] = {voice.name: () for voice in self.voices}
        self.before = dict(self.histories)
        """The histories without the last message."""
        self.can_vote = False
        if self.blind:
            secrets.SystemRandom().shuffle(self.columns)

    @property
    def decoding(self) -> Decoding:
        return Decoding.of(self.cfg)

    @property
    def titles(self) -> list[Said | str]:
        """What is written above each column."""
        if self.blind:
            return [Said("chat.left"), Said("chat.right")]
        return [contender(voice.name) for voice in self.columns]

    def ask(self, message: str) -> Iterator[Piece]:
        """Ask everybody in turn, from left to right; each answer comes as it grows, at last whole.

        One that :meth:`stop` ended stays in its contender's history as far as it came.

        Raises:
            UserError: the message alone is longer than ``data.max_length`` tokens, or does not fit in memory.
        """
        text = message.encode("utf-8", "replace").decode()  # half a character is none
        yield from self._ask(text, dict(self.histories), self.turn + 1, 1)

    def again(self) -> Iterator[Piece]:
        """Ask the last message again, in place of what was answered.

        Raises:
            UserError: there is none, or as :meth:`ask`.
        """
        if not self.turn:
            raise DataError("there is no message yet to ask again; write one")
        yield from self._ask(self.message, dict(self.before), self.turn, self.attempt + 1)

    def _ask(self, message: str, before: dict[str, tuple[Message, ...]], turn: int, attempt: int) -> Iterator[Piece]:
        told = [(*before[voice.name], Message("user", message)) for voice in self.columns]
        prompts = [self._prompt(*one, f"{turn}.{attempt}") for one in zip(self.columns, told, strict=True)]
        self.message, self.turn, self.attempt, self.before = message, turn, attempt, before
        self.histories, self.can_vote, stopped = dict(before), False, False
        for column, (voice, history, prompt) in enumerate(zip(self.columns, told, prompts, strict=True)):
            self._stopped.clear()
            for response in voice.engine.stream(voice.contender, prompt, self.decoding, self._stopped.is_set):
                yield Piece(column, response, len(with_system(history, self.system)) - len(prompt.messages))
            stopped |= response.finish_reason == STOPPED
            if response.text or response.finish_reason != STOPPED:
                self.histories[voice.name] = (*history, Message("assistant", response.text))
        self.can_vote = self.blind and not stopped
        if self.keep and any(self.histories.values()):
            self.save()

    def stop(self) -> None:
        """End the answer that is being written."""
        self._stopped.set()

    def _prompt(self, voice: Voice, history: Sequence[Message], id: str) -> Prompt:
        longest = self.cfg.data.max_length
        asked = voice.builder.fit(with_system(history, self.system), longest, as_prompt=True)
        if asked is None:
            raise DataError(f"the message is longer than data.max_length={longest} tokens of this run; shorten it")
        tokens = voice.builder.prompt(asked)
        return Prompt(id, sha256_json(tokens), tokens, tuple(asked))

    def remark(self, response: Response) -> Said | str:
        """What is to be said of an answer besides its text; empty where that is nothing."""
        if response.finish_reason == GROWING:
            return Said("chat.thinking") if response.thinking and not response.text else ""
        if response.finish_reason == STOPPED:
            return Said("chat.stopped")
        if response.finish_reason == "length":
            return Said("chat.cut", {"limit": self.decoding.max_new_tokens})
        return "" if response.text else Said("chat.empty")

    def note(self, piece: Piece) -> Said | None:
        """What is to be said of the history that was answered; None where it was whole."""
        limit = self.cfg.data.max_length
        return Said("chat.left_out", {"limit": limit, "count": piece.left_out}) if piece.left_out else None

    def only(self, names: Sequence[str]) -> None:
        """Ask these alone from now on, in this order; all again without names. Histories stay.

        Raises:
            ConfigError: there is no such contender, or the conversation is a blind one.
        """
        if self.blind:
            raise ConfigError("in a blind conversation nobody is named; end it first: /blind")
        by_name = {voice.name: voice for voice in self.voices}
        unknown = [name for name in names if name not in by_name]
        if unknown:
            raise ConfigError(f"{unknown[0]} is not among those who talk here: {', '.join(by_name)}")
        self.columns = [by_name[name] for name in dict.fromkeys(names)] or list(self.voices)

    def set_blind(self, blind: bool) -> Said:
        """Begin a blind conversation between the two who are asked, or end it; what there is to say of it.

        The order is drawn for a conversation and not for a message: an answer leans on those before it, and a speaker
        who jumps from side to side would give both away. Either way a new conversation begins, since one in which
        names were seen is not blind.

        Raises:
            ConfigError: not two are asked.
        """
        if blind and len(self.columns) != 2:
            names = [voice.name for voice in self.voices]
            raise ConfigError(
                f"a blind conversation is between two, and {len(self.columns)} are asked; name two of "
                f"{', '.join(names)} first: /only NAME NAME"
            )
        left, right = (voice.name for voice in self.columns) if self.blind else ("", "")
        was_blind, self.blind = self.blind, blind
        if blind:
            self.tally.clear()
        elif was_blind:
            self.only([voice.name for voice in self.voices if voice in self.columns])
        self.reset()
        if blind or not was_blind:
            return Said("chat.blind" if blind else "chat.not_blind")
        votes = [Said("chat.votes", {"name": contender(n), "votes": self.tally[n]}) for n in sorted((left, right))]
        values = {"left": contender(left), "right": contender(right), "votes": votes, "ties": self.tally["tie"]}
        return Said("chat.revealed", values)

    def vote(self, choice: Choice) -> Said:
        """Keep which of the two last answers is better in ``votes.jsonl`` of the run.

        Raises:
            DataError: there are no two whole answers to vote on, or there was a vote on them.
        """
        if not self.can_vote:
            raise DataError("there are no two whole answers of a blind conversation to vote on; ask something")
        order = (self.columns[0].name, self.columns[1].name)
        VOTES.append(
            self.run_dir,
            Vote(
                at=datetime.now(UTC).isoformat(timespec="seconds"),
                conversation=self.id,
                turn=self.turn,
                attempt=self.attempt,
                message_sha256=hashlib.sha256(self.message.encode()).hexdigest(),
                order=order,
                choice=choice,
                decoding=str(self.decoding),
                models={voice.name: voice.model for voice in self.columns},
            ),
        )
        self.can_vote = False
        self.tally["tie" if choice == "tie" else order[choice == "right"]] += 1
        return Said("chat.voted", {"votes": self.tally.total()})

    def set(self, key: str, text: str) -> None:
        """Change a setting of decoding: one of :data:`SETTABLE`; temperature 0 is greedy, another one samples.

        Raises:
            ConfigError: there is no such setting, or the value is out of bounds.
        """
        if key not in SETTABLE:
            raise ConfigError(f"{key or 'nothing'} cannot be set here; the settings are {', '.join(SETTABLE)}")
        try:
            number = SETTABLE[key](text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            kind = "a whole number" if SETTABLE[key] is int else "a number"
            raise ConfigError(f"{key} must be {kind}, got {text or 'nothing'}: /set {key} NUMBER")
        if key == "temperature" and number == 0:
            self._change(do_sample=False)
            return
        owner: Any = Config if key == "seed" else EvalConfig
        bounds = next(bounds_of(field) for field in fields(owner) if field.name == key)
        for problem in bound_problems(key, number, bounds):
            raise ConfigError(problem)
        if key == "seed":
            self.cfg = replace(self.cfg, seed=int(number))
        elif key == "temperature":
            self._change(temperature=number, do_sample=True)
        else:
            self._change(**{key: number})

    def value(self, key: str) -> float:
        """What a setting of decoding is now; temperature 0 where decoding is greedy."""
        decoding = self.decoding
        return 0 if key == "temperature" and not decoding.do_sample else float(getattr(decoding, key))

    def _change(self, **values: Any) -> None:
        self.cfg = replace(self.cfg, eval=replace(self.cfg.eval, **values))

    def save(self, path: Path | None = None) -> Path:
        """Write the conversation, one line a contender, as a data file that mentalft reads too; where it is now.

        Args:
            path: ``chats/`` of the run if left out.

        Raises:
            UserError: nothing was said yet, or there is another file of that name.
        """
        path = path or self.run_dir / "chats" / f"{self.id}.jsonl"
        if not any(self.histories.values()):
            raise DataError("nothing was said yet, so there is nothing to save")
        if path.exists() and path not in self._written:
            raise UserError(f"{path} exists, and was left as it is; give another name: /save FILE")
        rows = [
            {
                "id": f"{self.id}-{voice.name}",
                "contender": voice.name,
                "model": voice.model,
                "decoding": str(self.decoding),
                "messages": [message.to_json() for message in with_system(self.histories[voice.name], self.system)],
            }
            for voice in self.voices
            if self.histories[voice.name]
        ]
        write_jsonl(path, rows)
        self._written.add(path)
        return path
