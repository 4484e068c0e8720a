"""Whether two models are the same: they are asked the same prompts, one after the other.

The evaluated model answers greedily. At every position of its answers its likeliest tokens are kept with their logits;
the export is then led through the same tokens, and its logits are held against them. So a first difference does not
hide what comes after it, and the two need not be in memory together. Besides, the export answers on its own: prompts by
its own tokenizer and template, ended by its own end tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mentalft.errors import ModelError
from mentalft.export.record import Bounds, Proof, TokenDifference
from mentalft.generation.batched import response_of
from mentalft.records import Message, Prompt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mentalft.export.source import Source

LIKELIEST = 50
"""Tokens of each position whose logits are kept of the evaluated model, and compared."""


class Tolerance(NamedTuple):
    """What rounding to a dtype may do to the answers of a model."""

    logits: float
    """The largest difference, by the standard deviation of the logits that are kept: they have no common scale."""
    agreement: float
    """The least share of positions at which the same token is the likeliest."""


TOLERATED = {"float32": Tolerance(2e-4, 0.99), "float16": Tolerance(0.1, 0.95), "bfloat16": Tolerance(0.5, 0.9)}
"""Five to ten times what was measured of good merges, so that larger models have room. SmolLM2-135M and the embedded
model, 560 tokens each: at most 0.00002, 0.02 and 0.11 standard deviations, with 100, 99.5 and 97 % of the tokens the
same. The bare base in place of the tuned embedded model: 9.5, with 26 %; a merge onto weights of 4 bit: 2.8, with 80 %.
In float32 too a near tie may fall out otherwise. Finer faults are no larger than rounding here, and show in the weights
(:mod:`mentalft.export.weights`)."""


def bounds_of(kept: Sequence[Kept], *dtypes: str, tolerated: Mapping[str, Tolerance] = TOLERATED) -> Bounds:
    """What is accepted where the evaluated model and the export are in ``dtypes``: what the coarser one needs."""
    import numpy as np

    needed = [tolerated[dtype] for dtype in dtypes]
    spread = float(np.concatenate([one.logits for one in kept]).std())
    return Bounds(spread * max(one.logits for one in needed), min(one.agreement for one in needed))


class Loaded(Protocol):
    """A model with its tokenizer, as loaded from files."""

    end_ids: list[int]
    """The tokens at which it stops."""

    @property
    def device(self) -> str:
        """Where it runs, such as ``cpu``."""
        ...

    def prompt_tokens(self, messages: Sequence[Message]) -> list[int]:
        """What its own tokenizer and chat template make of a history that ends with the user; empty without one."""
        ...

    def answers(self, prompts: Sequence[Prompt]) -> dict[str, list[int]]:
        """Prompt id → greedy new tokens, up to and with its own end token, at most the run's ``max_new_tokens``."""
        ...

    def logits(self, prompt: list[int], answer: list[int]) -> NDArray[np.float32]:
        """The logits from which each token of ``answer`` is chosen: (len(answer), vocabulary)."""
        ...


class Kept(NamedTuple):
    """What is kept of the evaluated model's greedy answer to one prompt."""

    prompt: Prompt
    answer: list[int]
    tokens: NDArray[np.int64]
    """The likeliest of each position, in descending order: (len(answer), LIKELIEST)."""
    logits: NDArray[np.float32]
    """Theirs."""


def keep(model: Loaded, prompts: Sequence[Prompt]) -> list[Kept]:
    """Ask the evaluated model, so that it can be let go before the export is loaded."""
    import numpy as np

    answers, found = model.answers(prompts), []
    for prompt in prompts:
        logits = model.logits(prompt.tokens, answers[prompt.id])
        tokens = np.argsort(-logits, axis=1, kind="stable")[:, :LIKELIEST]
        found.append(Kept(prompt, answers[prompt.id], tokens, np.take_along_axis(logits, tokens, axis=1)))
    return found


def prove(source: Source, kept: Sequence[Kept], model: Loaded, bounds: Bounds) -> Proof:
    """Ask the export what was kept of the evaluated model.

    Raises:
        ModelError: its logits are not finite.
    """
    own = [one.prompt._replace(tokens=model.prompt_tokens(one.prompt.messages)) for one in kept]
    given = model.answers([mine if mine.tokens else one.prompt for mine, one in zip(own, kept, strict=True)])
    answers = [given[one.prompt.id] for one in kept]
    led = [_led(one, model) for one in kept]
    pairs = list(zip(kept, answers, strict=True))
    return Proof(
        prompts=len(kept),
        prompts_equal=sum(mine.tokens == one.prompt.tokens for mine, one in zip(own, kept, strict=True)),
        tokens=sum(len(one.answer) for one in kept),
        tokens_equal=sum(
            int((found.likeliest == one.tokens[:, 0]).sum()) for one, found in zip(kept, led, strict=True)
        ),
        largest_logit_difference=max(found.difference for found in led),
        first_difference=next(_differences(source, kept, led), None),
        answers_equal=sum(answer == one.answer for one, answer in pairs),
        answers_equal_to_evaluated=_equal_to_evaluated(source, pairs, model.end_ids),
        reproduced=_equal_to_evaluated(source, [(one, one.answer) for one in kept], source.end_ids),
        ended=sum(answer[-1] in model.end_ids for answer in answers),
        ended_evaluated=sum(one.answer[-1] in source.end_ids for one in kept),
        bounds=bounds,
        device=model.device,
    )


class _Led(NamedTuple):
    """What the export makes of the positions of an answer, led through the evaluated model's tokens."""

    likeliest: NDArray[np.int64]
    """(len(answer),)."""
    difference: float
    """The largest of all positions."""


def _led(one: Kept, model: Loaded) -> _Led:
    import numpy as np

    logits = model.logits(one.prompt.tokens, one.answer)
    known = one.tokens < logits.shape[1]  # a vocabulary that was cut lacks some
    there = np.take_along_axis(logits, np.where(known, one.tokens, 0), axis=1)
    if not np.isfinite(there).all():
        raise ModelError("its logits are not finite, as where float16 does not hold the numbers of a model")
    return _Led(logits.argmax(axis=1), float(np.abs(there - one.logits)[known].max()))


def _differences(source: Source, kept: Sequence[Kept], led: Sequence[_Led]) -> Iterator[TokenDifference]:
    """Of each prompt the first position at which another token would be taken."""
    tokenizer = source.builder.tokenizer
    for one, found in zip(kept, led, strict=True):
        for position in (found.likeliest != one.tokens[:, 0]).nonzero()[0].tolist()[:1]:
            near, exported = one.tokens[position].tolist(), int(found.likeliest[position])
            place = near.index(exported) if exported in near else LIKELIEST - 1
            margin = float(one.logits[position, 0] - one.logits[position, place])
            before, now = (str(tokenizer.decode([token])) for token in (near[0], exported))
            yield TokenDifference(one.prompt.id, position, before, now, margin)


def _equal_to_evaluated(source: Source, answers: Sequence[tuple[Kept, list[int]]], end_ids: list[int]) -> int | None:
    """How many ``answers`` are those of ``responses/NAME.jsonl``; None where the run sampled."""
    if source.cfg.eval.do_sample:
        return None
    texts = [
        (one.prompt.id, response_of(one.prompt, answer, source.builder.tokenizer, set(end_ids)).text)
        for one, answer in answers
    ]
    return sum(text == source.evaluated[name].text for name, text in texts)
