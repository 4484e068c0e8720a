"""Models of ``transformers`` as the proof asks them: the one that was evaluated, and an export in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentalft.errors import ModelError, first_line
from mentalft.export.source import Source
from mentalft.generation.batched import decoded
from mentalft.modeling.adapter import CONFIG, load_adapter
from mentalft.modeling.base import base_config
from mentalft.modeling.locate import LocatedModel
from mentalft.records import Message, Prompt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Logits = NDArray[np.float32]

NEVER = -1
"""In place of an end token where a model has none."""


class TransformersModel:
    """A model in memory with what its answers depend on besides; it is a :class:`mentalft.export.proof.Loaded`."""

    def __init__(self, source: Source, model: Any, tokenizer: Any, end_ids: Sequence[int]) -> None:
        self.source, self.model, self.tokenizer, self.end_ids = source, model, tokenizer, list(end_ids)

    @property
    def device(self) -> str:
        return str(self.model.device)

    def prompt_tokens(self, messages: Sequence[Message]) -> list[int]:
        text = rendered(self.tokenizer, messages)
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"]) if text else []

    def answers(self, prompts: Sequence[Prompt]) -> dict[str, list[int]]:
        source, found = self.source, {}
        pad_id = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.tokenizer.eos_token_id
        ends = self.end_ids or [NEVER]
        given = decoded(self.model, pad_id, prompts, source.decoding, ends, source.cfg.eval.batch_size)
        for prompt, tokens in given:
            end = next((place for place, token in enumerate(tokens, 1) if token in self.end_ids), len(tokens))
            found[prompt.id] = tokens[:end]
        return found

    def logits(self, prompt: list[int], answer: list[int]) -> Logits:
        import torch

        ids = torch.tensor([prompt + answer[:-1]], device=self.model.device)  # (1, time)
        with torch.inference_mode():
            logits = self.model(input_ids=ids, use_cache=False).logits[0, -len(answer) :]  # (len(answer), vocabulary)
        found: Logits = logits.float().cpu().numpy()
        return found


def device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def evaluated_model(source: Source) -> TransformersModel:
    """Base and adapter as they were evaluated, except that quantised weights are taken as they are on disk."""
    model = load_adapter(source.base_model(source.evaluated_in, device()), source.adapter)
    return TransformersModel(source, model, source.builder.tokenizer, source.end_ids)


def model_in(source: Source, folder: Path) -> TransformersModel:
    """What ``folder`` gives to anybody: model, tokenizer, template and end tokens are those of its files alone.

    An adapter is put on the run's base model.

    Raises:
        ModelError: it does not load.
    """
    from transformers import AutoModelForCausalLM

    with explained(folder):
        if (folder / CONFIG).is_file():
            model = load_adapter(source.base_model(source.evaluated_in, device()), folder, key=str(folder))
        else:
            safe = {"use_safetensors": True, "trust_remote_code": False}
            model = AutoModelForCausalLM.from_pretrained(str(folder), dtype="auto", **safe).to(device())
    return TransformersModel(source, model.eval(), tokenizer_in(folder), end_ids_in(folder))


def rendered(tokenizer: Any, messages: Sequence[Message]) -> str | None:
    """The text of a prompt by the tokenizer's own template; None where it has none, or one that refuses them."""
    from jinja2 import TemplateError

    try:
        chat = [message.chat() for message in messages]
        return str(tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True))
    except (TemplateError, TypeError, ValueError):
        return None


def tokenizer_in(folder: Path) -> Any:
    from transformers import AutoTokenizer

    with explained(folder):
        return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)


def config_in(folder: Path) -> Any:
    return base_config(LocatedModel(folder, str(folder), None))


def end_ids_in(folder: Path) -> list[int]:
    """The tokens at which generation ends by what ``folder`` says."""
    from transformers import GenerationConfig

    with explained(folder):
        if (folder / "generation_config.json").is_file():
            config = GenerationConfig.from_pretrained(str(folder))
        else:
            config = GenerationConfig.from_model_config(config_in(folder))
    listed = config.eos_token_id
    return [token for token in (listed if isinstance(listed, list) else [listed]) if token is not None]


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Errors of transformers about ``folder`` as one line."""
    try:
        yield
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelError(f"{folder} does not load as a model with its tokenizer ({first_line(error)})") from error
