"""What every export has beside its weights: tokenizer, chat template, end tokens, licences, model card."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from mentalft.data.prompts import PromptBuilder
from mentalft.export.source import Source
from mentalft.files import write_text
from mentalft.modeling.base import load_tokenizer
from mentalft.runs.markers import markers
from mentalft.show.model_card import model_card

LICENCES = ("LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*")
"""Files of the base model that go where its weights go."""


def write_tokenizer(source: Source, folder: Path) -> None:
    """The run's tokenizer, with a template that makes the run's prompts without any settings of mentalft."""
    tokenizer = load_tokenizer(source.cfg.model, source.located)
    builder = PromptBuilder.of(source.cfg, tokenizer, source.located.name)
    tokenizer.chat_template = portable(tokenizer.get_chat_template(), builder.template_kwargs, builder.frame.header)
    tokenizer.save_pretrained(str(folder))


def portable(template: str, variables: dict[str, Any], header: str) -> str:
    """``template`` with what the run adds to it: its variables as defaults, and what stands before an answer where the
    template has no generation prompt."""
    given = "".join(
        f"{{%- if {name} is not defined %}}{{%- set {name} = {value!r} %}}{{%- endif %}}"
        for name, value in variables.items()
    )
    prompt = f"{{% if add_generation_prompt %}}{{{{ {header!r} }}}}{{% endif %}}" if header else ""
    return given + template + prompt


def generation_config(source: Source) -> Any:
    """The decoding that was evaluated, with every end token; nothing of the base's own, as in the evaluation."""
    from transformers import GenerationConfig

    asked, tokenizer = source.cfg.eval, source.builder.tokenizer
    drawn = {"temperature": asked.temperature, "top_p": asked.top_p, "top_k": asked.top_k} if asked.do_sample else {}
    return GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=source.end_ids,
        pad_token_id=tokenizer.pad_token_id,
        max_new_tokens=asked.max_new_tokens,
        do_sample=asked.do_sample,
        **drawn,
    )


def write_notes(source: Source, folder: Path, *, merged: bool) -> None:
    """The base's licence files where its weights are, and the model card where the run trained the adapter."""
    for pattern in LICENCES if merged else ():
        for path in source.located.folder.glob(pattern):
            shutil.copyfile(path, folder / path.name)
    if source.adapter == source.run_dir / "adapter" and "train" in markers(source.run_dir):
        write_text(folder / "README.md", model_card(source.run_dir, merged=merged))
