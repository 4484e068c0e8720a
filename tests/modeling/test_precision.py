"""The precision plan, on this machine and on a pretended GPU."""

from __future__ import annotations

import pytest
import torch

from mentalft.errors import ConfigError
from mentalft.modeling.precision import plan_precision


def test_a_cpu_trains_in_fp32_and_says_no_to_fp16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert plan_precision("auto") == ("fp32", "cpu", torch.float32)
    assert plan_precision("bf16") == ("bf16", "cpu", torch.bfloat16)
    with pytest.raises(ConfigError, match=r"trainer\.precision=fp16 needs a CUDA GPU.*fp32 or bf16"):
        plan_precision("fp16")


def test_a_gpu_trains_in_fp16_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    assert plan_precision("auto") == ("fp16", "cuda", torch.float16)
    assert plan_precision("fp32").base_dtype == torch.float32
    with pytest.raises(ConfigError, match=r"bf16 is not supported by this GPU"):
        plan_precision("bf16")
