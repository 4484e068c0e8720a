"""The adapter's ``README.md``, in Hugging Face model-card form."""

from __future__ import annotations

from mentalft import __version__
from mentalft.config import Config


def model_card(cfg: Config, base_name: str, base_revision: str | None, validation_loss: float) -> str:
    """Front matter, what the adapter is, how it was made, and what it is not for."""
    revision = f" at revision {base_revision}" if base_revision else ""
    lora = cfg.lora
    targets = ", ".join(lora.target_modules)
    return f"""---
base_model: {base_name}
library_name: peft
pipeline_tag: text-generation
tags: [lora, mentalft]
---

# LoRA adapter for {base_name}

Trained with mentalft {__version__} on the data set "{cfg.data.name}" (licence: {cfg.data.licence}),
on top of {base_name}{revision}.

| | |
|---|---|
| LoRA | r={lora.r}, lora_alpha={lora.lora_alpha:g}, lora_dropout={lora.lora_dropout:g}, {targets} |
| learning rate | {cfg.trainer.learning_rate:g}, {cfg.trainer.lr_scheduler_type} |
| validation loss | {validation_loss:.4f} |
| seed | {cfg.seed} |

The comparison with the base model is in `comparison.md` of the run that made this adapter.

## Limits
This is a research artefact. It is not a clinician, must not be used for diagnosis or treatment, and must
not be anyone's only source of help. In mainland China the psychological-aid hotline is 12356; in immediate
danger call 120 or 110.
"""
