"""A guard model beside the rules, never in their place: Qwen3Guard-Gen's form of question and answer.

It is shown the talk and the answer through its own chat template and writes lines such as ``Safety: Unsafe``,
``Categories: Violent``, ``Refusal: No`` (github.com/QwenLM/Qwen3Guard). What it does not flag is called just that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from mentalft.config import Config, ModelConfig
from mentalft.console import progress
from mentalft.data.thinking import apart
from mentalft.files import sha256_json
from mentalft.generation.contenders import Contender, System
from mentalft.generation.decoding import Decoding
from mentalft.generation.engines import TransformersEngine
from mentalft.modeling.base import load_base_model, load_tokenizer
from mentalft.modeling.locate import LocatedModel, locate_model
from mentalft.modeling.precision import plan_precision
from mentalft.records import Prompt, ScreenRow
from mentalft.words import Said

LEVEL = re.compile(r"Safety:\s*(Safe|Unsafe|Controversial)\b", re.IGNORECASE)
CLASSES = {"unsafe": "flagged", "controversial": "controversial", "safe": "not_flagged"}
UNREADABLE = "unreadable"
"""What it wrote is not of the form above."""
LONGEST = 128
"""New tokens of its answer, as its makers take."""


def locate_classifier(cfg: Config) -> LocatedModel:
    """Where ``cfg.screen.classifier`` is.

    Raises:
        ModelError: it is not there.
    """
    return locate_model(_own(cfg), key="screen.classifier")


def classify(cfg: Config, rows: Sequence[ScreenRow]) -> list[ScreenRow]:
    """``rows`` with what the classifier calls each answer: a value of :data:`CLASSES`, or :data:`UNREADABLE`.

    Raises:
        UserError: memory does not suffice.
    """
    located = locate_classifier(cfg)
    tokenizer = load_tokenizer(_own(cfg), located)
    model = load_base_model(_own(cfg), located, plan_precision(cfg.trainer.precision))
    end = model.generation_config.eos_token_id or tokenizer.eos_token_id
    decoding = Decoding(LONGEST, False, 1.0, 1.0, 0, cfg.seed)
    engine = TransformersEngine(
        model, tokenizer, decoding, end if isinstance(end, list) else [end], cfg.eval.batch_size
    )

    def prompt(row: ScreenRow, name: str) -> Prompt:
        talk = [{"role": turn.role, "content": turn.content} for turn in row.prompt.messages]
        text = tokenizer.apply_chat_template(
            [*talk, {"role": "assistant", "content": row.answers[name]}], tokenize=False
        )
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        return Prompt(f"{name}\x1f{row.prompt.id}", sha256_json(tokens), tokens)

    prompts = [prompt(row, name) for row in rows for name in row.answers]
    asked = engine.ask(Contender("classifier", System("transformers", located, None)), prompts)
    said = {answer.id: answer.text for answer in progress(asked, Said("screen.classifying"), len(prompts))}
    return [
        replace(row, classified={name: class_of(said[f"{name}\x1f{row.prompt.id}"]) for name in row.answers})
        for row in rows
    ]


def class_of(text: str) -> str:
    """What the classifier's answer says."""
    found = LEVEL.search(apart(text).answer or text)
    return CLASSES[found[1].lower()] if found else UNREADABLE


def _own(cfg: Config) -> ModelConfig:
    return replace(
        cfg.model,
        name_or_path=str(cfg.screen.classifier),
        revision=None,
        chat_template=None,
        chat_template_kwargs={},
        quantization="none",
    )
