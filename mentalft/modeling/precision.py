"""Which number format is used where, decided from the configuration and the hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mentalft.config import EMBEDDED
from mentalft.errors import ConfigError

if TYPE_CHECKING:
    import torch


class PrecisionPlan(NamedTuple):
    """``name`` as the trainer wants it; the frozen base is loaded as ``base_dtype``.

    LoRA weights are always fp32: ``torch.amp.GradScaler`` cannot unscale fp16 gradients.
    """

    name: str
    device: str
    base_dtype: torch.dtype


def precision_for(model: str) -> str:
    """What ``trainer.precision=auto`` is for ``model`` (``model.name_or_path``) in a run that begins on this machine.

    fp16 on CUDA; on a CPU bf16 where its instruction set multiplies bf16 matrices, else fp32. The embedded model is in
    fp32 on every CPU, so that its results are the same everywhere. What the processor says of itself decides, never a
    measurement: a run must not depend on how busy the machine is.
    """
    import torch

    if torch.cuda.is_available():
        return "fp16"
    says: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # not in older versions of torch
    # every processor with AMX says so of AVX512-BF16 too
    return "bf16" if says.get("avx512_bf16") and model != EMBEDDED else "fp32"


def plan_precision(asked: str) -> PrecisionPlan:
    """``trainer.precision`` on this machine; ``auto`` where no run has settled it: fp16 on CUDA and fp32 on a CPU.

    Raises:
        ConfigError: the hardware lacks ``asked``; the message names what it has. transformers itself
            would train in fp32 on a CPU without a word.
    """
    import torch

    cuda = torch.cuda.is_available()
    device = "cuda" if cuda else "cpu"
    name = ("fp16" if cuda else "fp32") if asked == "auto" else asked
    if name == "fp16" and not cuda:
        raise ConfigError(
            "trainer.precision=fp16 needs a CUDA GPU and this machine shows none; "
            "use trainer.precision=fp32 or bf16 on a CPU (auto keeps what a continued run began in)"
        )
    if name == "bf16" and cuda and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise ConfigError("trainer.precision=bf16 is not supported by this GPU; use trainer.precision=fp16, or fp32")
    return PrecisionPlan(name, device, {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}[name])
