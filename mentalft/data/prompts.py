"""The one prompt builder: training and evaluation get the same tokens for the same history.

A dialogue is rendered with the tokenizer's own chat template and tokenised piece by piece, cut where
an answer begins and where it ends. The prompt of a history is then, by construction, the beginning of
every training example that holds that history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mentalft.errors import ModelError
from mentalft.records import Message

IGNORED_LABEL = -100
"""What ``torch.nn.CrossEntropyLoss`` leaves out of the loss."""

# ChatML, with the tokenizer's own end-of-sequence token as the end of a turn, so that no token is added
FALLBACK_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + eos_token + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


class Example(NamedTuple):
    """One training example."""

    input_ids: list[int]  # (time,)
    labels: list[int]  # (time,): the token itself where it is supervised, IGNORED_LABEL elsewhere


class PromptBuilder:
    """Turns messages into tokens for one tokenizer.

    Raises:
        ModelError: the template is not prefix-stable (an answer changes how earlier turns are rendered),
            writes two beginning-of-sequence tokens, or does not end an answer with a known end-of-turn token.
    """

    def __init__(self, tokenizer: Any, template_kwargs: Mapping[str, Any], name: str) -> None:
        self.tokenizer, self.template_kwargs, self.name = tokenizer, dict(template_kwargs), name
        if not tokenizer.chat_template:
            tokenizer.chat_template = FALLBACK_TEMPLATE

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Tokens of a history that ends with the user, up to where the assistant's answer begins."""
        pieces = self._pieces([*messages, Message("assistant", "…")])
        return [token for piece, _ in pieces[:-2] for token in self._tokens(piece)]

    def example(self, messages: Sequence[Message]) -> Example:
        """Tokens of a whole dialogue, with assistant turns to learn from (end of turn included) as labels."""
        input_ids: list[int] = []
        labels: list[int] = []
        for piece, supervised in self._pieces(messages):
            tokens = self._tokens(piece)
            input_ids += tokens
            labels += tokens if supervised else [IGNORED_LABEL] * len(tokens)
        self._check_bos(input_ids)
        return Example(input_ids, labels)

    def lengths(self, dialogues: Sequence[Sequence[Message]]) -> list[int]:
        """Tokens of each dialogue, template included; tokenised together, for it is fast."""
        texts = [self._render(messages) for messages in dialogues]
        found = self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"] if texts else []
        return [len(tokens) for tokens in found]

    def fit(self, messages: Sequence[Message], max_length: int, *, as_prompt: bool = False) -> list[Message] | None:
        """``messages`` with the oldest exchanges dropped until they fit in ``max_length`` tokens.

        The system message stays, and the cut is always before a user turn. None when even the last
        exchange does not fit.
        """
        system = [m for m in messages[:1] if m.role == "system"]
        turns = list(messages[len(system) :])
        while turns:
            kept = [*system, *turns]
            length = len(self.prompt(kept)) if as_prompt else len(self.example(kept).input_ids)
            if length <= max_length:
                return kept
            turns = turns[next((i for i, m in enumerate(turns) if i and m.role == "user"), len(turns)) :]
        return None

    def _pieces(self, messages: Sequence[Message]) -> list[tuple[str, bool]]:
        """The rendered text as (piece, supervised): prompt, answer, prompt, answer, … and what follows the last."""
        whole = self._render(messages)
        pieces: list[tuple[str, bool]] = []
        done = 0
        for index, message in enumerate(messages):
            if message.role != "assistant" or all(m.role != "user" for m in messages[:index]):
                continue  # what the assistant says unasked is context, not an answer
            before = self._render(messages[:index], add_generation_prompt=True)
            after = self._render(messages[: index + 1])
            if not (whole.startswith(before) and whole.startswith(after) and len(before) >= done):
                raise ModelError(
                    f"model {self.name}: its chat template is not prefix-stable (an answer changes how the turns "
                    "before it are rendered), so training and evaluation would see different prompts; "
                    "use a tokenizer with another chat template"
                )
            answer_end = len(before) + self._answer_length(after[len(before) :])
            pieces += [(whole[done : len(before)], False), (whole[len(before) : answer_end], message.learnt)]
            done = answer_end
        return [*pieces, (whole[done:], False)]

    def _answer_length(self, rendered: str) -> int:
        """Length of ``rendered`` up to and including its end-of-turn token; layout after it is not the answer's."""
        ends = [t for t in self.tokenizer.all_special_tokens if rendered.rstrip().endswith(t)]
        if not ends:
            raise ModelError(
                f"model {self.name}: its chat template does not end an answer with a special token, "
                "so the model could not learn to stop; use a tokenizer with another chat template"
            )
        return len(rendered.rstrip())

    def _render(self, messages: Sequence[Message], *, add_generation_prompt: bool = False) -> str:
        text = self.tokenizer.apply_chat_template(
            [m.chat() for m in messages],
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            **self.template_kwargs,
        )
        return str(text)

    def _tokens(self, piece: str) -> list[int]:
        return list(self.tokenizer(piece, add_special_tokens=False, verbose=False)["input_ids"]) if piece else []

    def _check_bos(self, input_ids: list[int]) -> None:
        bos = self.tokenizer.bos_token_id
        if bos is not None and bos != self.tokenizer.eos_token_id and input_ids.count(bos) > 1:
            raise ModelError(
                f"model {self.name}: its chat template writes {input_ids.count(bos)} beginning-of-sequence tokens"
            )


def with_system(messages: Sequence[Message], system_message: str | None) -> list[Message]:
    """``messages`` with ``system_message`` in front, unless they have a system message of their own."""
    if system_message is None or messages[0].role == "system":
        return list(messages)
    return [Message("system", system_message), *messages]
