"""A long dialogue as several examples: each answer is learnt from once, with as much true history as there is room for.

A window is a stretch of exchanges that fits, of which only the last answers are learnt from; those before are their
history. How much history an answer must have at least decides how far windows overlap, and so what it costs: at 1 each
answer has all that fits, and nearly every one needs a window of its own; at 0.5 every token is computed about twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from mentalft.data.prompts import PromptBuilder
from mentalft.records import Dialogue


def windows(dialogue: Dialogue, builder: PromptBuilder, max_length: int, least_history: float) -> list[Dialogue]:
    """``dialogue`` in pieces of at most ``max_length`` tokens, each with the system message.

    Together they have every answer to learn from exactly once, but for those whose own exchange does not fit. In each,
    the answers that another one learns are context.

    Args:
        least_history: the share of ``max_length`` that an answer has before it at least, where the dialogue has so much
            and it fits.
    """
    exchanges = _Exchanges(dialogue, builder)
    while True:  # the sizes of exchanges are estimates: a template may write something else around one of them
        pieces = [exchanges.piece(*of) for of in exchanges.planned(max_length, least_history)]
        over = max((len(builder.example(piece.messages).input_ids) for piece in pieces), default=0) - max_length
        if over <= 0:
            return pieces
        exchanges.around += over


class _Exchanges:
    """A dialogue cut before each user turn, and how many tokens each exchange has."""

    def __init__(self, dialogue: Dialogue, builder: PromptBuilder) -> None:
        self.dialogue = dialogue
        messages = dialogue.messages
        self.system = messages[:1] if messages[0].role == "system" else ()
        starts = [i for i, m in enumerate(messages) if m.role == "user"]
        starts[0] = len(self.system)  # what the assistant says unasked stays with the first
        self.parts = [messages[a:b] for a, b in pairwise([*starts, len(messages)])]
        self.learns = [any(m.role == "assistant" and m.learnt for m in part) for part in self.parts]
        self.ends = [0, *builder.exchange_ends(messages)]
        alone = len(builder.example([*self.system, *self.parts[-1]]).input_ids)
        self.around = max(alone - self._tokens(len(self.parts) - 1, len(self.parts)), 0)
        """Tokens of the system message and of what the template writes before everything."""

    def _tokens(self, start: int, end: int) -> int:
        return self.ends[end] - self.ends[start]

    def _length(self, start: int, end: int) -> int:
        """Of a window of the exchanges from ``start`` up to ``end``."""
        return self._tokens(start, end) + (self.around if start else 0)

    def planned(self, max_length: int, least_history: float) -> Iterator[tuple[int, int, int]]:
        """The fewest windows: where each begins, the first exchange whose answers it learns, and where it ends."""
        learnt = [n for n, learns in enumerate(self.learns) if learns and self._length(n, n + 1) <= max_length]
        while learnt:
            first = learnt[0]
            latest = self._latest(first, self._earliest(first, max_length), least_history * max_length)
            together = [n for n in learnt if self._earliest(n, max_length) <= latest]
            yield self._earliest(together[-1], max_length), first, together[-1] + 1
            learnt = learnt[len(together) :]

    def _earliest(self, exchange: int, max_length: int) -> int:
        """Where a window that ends with ``exchange`` may begin to fit."""
        return next(start for start in range(exchange + 1) if self._length(start, exchange + 1) <= max_length)

    def _latest(self, exchange: int, earliest: int, history: float) -> int:
        """Where it may begin at the latest, to have so many tokens before ``exchange``, or as many as fit."""
        starts = range(exchange, earliest, -1)
        return next((start for start in starts if self._tokens(start, exchange) >= history), earliest)

    def piece(self, begins: int, first: int, end: int) -> Dialogue:
        context = [
            m._replace(learnt=False) if m.role == "assistant" else m for part in self.parts[begins:first] for m in part
        ]
        learnt = [m for part in self.parts[first:end] for m in part]
        return replace(self.dialogue, messages=(*self.system, *context, *learnt))
