"""The one prompt builder: training and evaluation get the same tokens for the same history.

A dialogue is rendered with the tokenizer's own chat template and tokenised piece by piece, cut where
an answer begins and where it ends. The prompt of a history is then, by construction, the beginning of
every training example that holds that history. What the template does with a dialogue is proven on that dialogue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mentalft.data.thinking import AROUND_THINKING, apart
from mentalft.errors import ModelError, first_line
from mentalft.records import Message

if TYPE_CHECKING:
    from mentalft.config import Config

IGNORED_LABEL = -100
"""What ``torch.nn.CrossEntropyLoss`` leaves out of the loss."""

# ChatML, with the tokenizer's own end-of-sequence token as the end of a turn, so that no token is added
FALLBACK_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + eos_token + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
CUT = "\ufdd0"
"""Stands in a rendered text where a control token that somebody wrote is cut in two, so that it stays text;
Unicode keeps this character out of text."""
OTHER_TEMPLATE = "use another template: model.chat_template=chatml, or a file that holds one"
PROBE = (Message("user", "?"), Message("assistant", "…"))


class Example(NamedTuple):
    """One training example."""

    input_ids: list[int]  # (time,)
    labels: list[int]  # (time,): the token itself where it is supervised, IGNORED_LABEL elsewhere


class Frame(NamedTuple):
    """What a chat template writes around what is said."""

    header: str
    """Before an answer, where the template has no generation prompt that would write it."""
    end: str
    """The token that closes an answer."""
    controls: re.Pattern[str]
    """The tokens that only the template may write."""


class _UnfitError(Exception):
    """Why a dialogue cannot be rendered so that training and evaluation see what is in it."""


class PromptBuilder:
    """Turns messages into tokens for one tokenizer.

    Control tokens in what somebody said are encoded as text: they begin and end no turn.

    Args:
        system_as: ``system`` leaves the system message to the template, ``user_prefix`` puts it before the first user
            turn.

    Raises:
        ModelError: of every method: the template refuses a dialogue, leaves out or reorders what was said, is not
            prefix-stable (an answer changes how earlier turns are rendered), writes the beginning-of-sequence token
            twice, or does not end an answer with a token of its own.
    """

    def __init__(
        self, tokenizer: Any, template_kwargs: Mapping[str, Any], name: str, system_as: str = "system"
    ) -> None:
        self.tokenizer, self.template_kwargs, self.name = tokenizer, dict(template_kwargs), name
        self.system_as = system_as
        if not tokenizer.chat_template:
            begins = tokenizer("x")["input_ids"][0] == tokenizer.bos_token_id  # as the model's training texts did
            tokenizer.chat_template = ("{{ bos_token }}" if begins else "") + FALLBACK_TEMPLATE
        try:
            self.frame = self._found_frame()
        except _UnfitError as problem:
            raise self._refusal(problem, OTHER_TEMPLATE) from problem
        self.end_token_id: int = tokenizer.convert_tokens_to_ids(self.frame.end)

    @classmethod
    def of(cls, cfg: Config, tokenizer: Any, name: str | None = None) -> PromptBuilder:
        """The builder that a configuration asks for; of another model than its own by that one's ``name``."""
        return cls(tokenizer, cfg.model.chat_template_kwargs, name or cfg.model.name, cfg.data.system_as)

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

    def exchange_ends(self, messages: Sequence[Message]) -> list[int]:
        """How many tokens of a whole dialogue there are up to the end of each user turn's answer, one an exchange."""
        ends, tokens = [], 0
        for place, (piece, _) in enumerate(self._pieces(messages)[:-1]):
            tokens += len(self._tokens(piece))
            ends += [tokens] if place % 2 else []
        return ends

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
        try:
            return self._cut(messages)
        except _UnfitError as problem:
            raise self._refusal(problem, self._mend(messages)) from problem

    def _cut(self, messages: Sequence[Message]) -> list[tuple[str, bool]]:
        said = [m._replace(content=self.frame.controls.sub(_cut_in_two, m.content)) for m in messages]
        said = arranged(said, self.system_as)
        whole = self._render(said)
        _check_content(said, whole)
        pieces: list[tuple[str, bool]] = []
        done = 0
        for index, message in enumerate(said):
            if message.role != "assistant" or all(m.role != "user" for m in said[:index]):
                continue  # what the assistant says unasked is context, not an answer
            before = self._render(said[:index], add_generation_prompt=True) + self.frame.header
            after = self._render(said[: index + 1]).rstrip()  # layout after the end of turn is not the answer's
            if not (whole.startswith(before) and whole.startswith(after) and len(before) >= done):
                raise _UnfitError(
                    "is not prefix-stable (an answer changes how the turns before it are rendered), so training and "
                    "evaluation would see different prompts"
                )
            if not after.endswith(self.frame.end):
                raise _UnfitError(f"ends one answer with {self.frame.end} and another without")
            pieces += [(whole[done : len(before)], False), (whole[len(before) : len(after)], message.learnt)]
            done = len(after)
        return [*pieces, (whole[done:], False)]

    def _mend(self, messages: Sequence[Message]) -> str:
        """The settings under which these messages can be rendered, if there are any."""
        plain = [m._replace(content=apart(m.content).answer) if m.role == "assistant" else m for m in messages]
        for settings, changed in (
            ("data.thinking=strip", plain),
            ("data.system_as=user_prefix", arranged(messages, "user_prefix")),
            ("data.thinking=strip data.system_as=user_prefix", arranged(plain, "user_prefix")),
        ):
            try:
                self._cut(changed)
            except _UnfitError:
                continue
            return f"use {settings}"
        return OTHER_TEMPLATE

    def _found_frame(self) -> Frame:
        asked, whole = self._render(PROBE[:1]), self._render(PROBE).rstrip()
        tokens = {token.content: token.special for token in self.tokenizer.added_tokens_decoder.values()}
        tokens |= dict.fromkeys(self.tokenizer.all_special_tokens, True)
        end = max((token for token in tokens if whole.endswith(token)), key=len, default=None)
        if end is None:
            raise _UnfitError("does not end an answer with a special token, so the model could not learn to stop")
        header = ""
        if asked == self._render(PROBE[:1], add_generation_prompt=True):
            header = whole[len(asked) :].partition(PROBE[1].content)[0]
        controls = [
            token
            for token, special in tokens.items()
            if (special or token in whole) and len(token) > 1 and not token.isspace() and token not in AROUND_THINKING
        ]
        pattern = "|".join(map(re.escape, sorted(controls, key=len, reverse=True))) or "(?!)"
        return Frame(header if header.strip() else "", end, re.compile(pattern))

    def _render(self, messages: Sequence[Message], *, add_generation_prompt: bool = False) -> str:
        from jinja2 import TemplateError, UndefinedError

        try:
            text = self.tokenizer.apply_chat_template(
                [m.chat() for m in messages],
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
                **self.template_kwargs,
            )
        except (TemplateError, TypeError) as error:
            given = "; model.chat_template_kwargs gives it variables" if isinstance(error, UndefinedError) else ""
            raise _UnfitError(f"refuses these messages ({first_line(error)}{given})") from error
        return str(text)

    def _refusal(self, problem: _UnfitError, mend: str) -> ModelError:
        return ModelError(f"model {self.name}: its chat template {problem}; {mend}")

    def _tokens(self, piece: str) -> list[int]:
        parts = filter(None, piece.split(CUT))
        return [t for part in parts for t in self.tokenizer(part, add_special_tokens=False, verbose=False)["input_ids"]]

    def _check_bos(self, input_ids: list[int]) -> None:
        if input_ids[:2] == [self.tokenizer.bos_token_id] * 2:
            raise ModelError(f"model {self.name}: its chat template writes 2 beginning-of-sequence tokens")


def _check_content(said: Sequence[Message], whole: str) -> None:
    """Everything that was said stands in ``whole``, in order, white space apart."""
    text, at = _dense(whole), 0
    for message in said:
        content = _dense(message.content)
        found = text.find(content, at)
        if found < 0:
            what = "text" if apart(message.content).thinking is None else "reasoning or text"
            raise _UnfitError(f"leaves out or moves {what} of {message.role} messages")
        at = found + len(content)


def _cut_in_two(found: re.Match[str]) -> str:
    return found[0][0] + CUT + found[0][1:]


def _dense(text: str) -> str:
    return "".join(text.split())


def arranged(messages: Sequence[Message], system_as: str) -> list[Message]:
    """``messages``; with ``user_prefix`` the system message stands at the head of the first user turn."""
    first = next((i for i, m in enumerate(messages) if m.role == "user"), None)
    if first is None or messages[0].role != "system" or system_as == "system":
        return list(messages)
    user = messages[first]
    content = f"{messages[0].content}\n\n{user.content}"
    return [*messages[1:first], user._replace(content=content), *messages[first + 1 :]]


def with_system(messages: Sequence[Message], system_message: str | None) -> list[Message]:
    """``messages`` with ``system_message`` in front, unless they have a system message of their own."""
    if system_message is None or messages[0].role == "system":
        return list(messages)
    return [Message("system", system_message), *messages]
