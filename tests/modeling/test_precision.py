"""The precision plan, on this machine and on a pretended GPU."""

from __future__ import annotations

import pytest
import torch

from mentalft.config import EMBEDDED
from mentalft.errors import ConfigError
from mentalft.modeling.precision import plan_precision, precision_for


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


@pytest.mark.parametrize(
    ("model", "has_bf16", "expected"),
    [("a/model", True, "bf16"), ("a/model", False, "fp32"), ("a/model", None, "fp32"), (EMBEDDED, True, "fp32")],
)
def test_auto_goes_by_what_the_processor_says_and_the_embedded_model_is_the_same_everywhere(
    monkeypatch: pytest.MonkeyPatch, model: str, has_bf16: bool | None, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    says = {} if has_bf16 is None else {"avx512_bf16": has_bf16}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: says, raising=False)
    assert precision_for(model) == expected


def test_an_older_torch_that_does_not_tell_trains_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert precision_for("a/model") == "fp32"


def test_on_a_gpu_auto_is_fp16_for_every_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert precision_for("a/model") == precision_for(EMBEDDED) == "fp16"
