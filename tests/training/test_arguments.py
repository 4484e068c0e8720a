"""Options that a machine cannot give are refused by name, before anything is loaded."""

from __future__ import annotations

from typing import Any

import pytest

from mentalft.errors import ConfigError
from mentalft.training.arguments import check_options
from tests.test_conf import composed


@pytest.mark.parametrize(
    ("override", "device", "words"),
    [
        ("trainer.use_liger_kernel=true", "cpu", "needs a CUDA GPU"),
        ("trainer.use_liger_kernel=true", "cuda", r"mentalft\[liger\]"),
        ("trainer=deepspeed_zero3", "cuda", r"mentalft\[deepspeed\]"),
    ],
)
def test_a_missing_package_or_device_is_named_with_the_mend(
    override: str, device: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing: Any = None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: missing)
    with pytest.raises(ConfigError, match=words):
        check_options(composed(override).trainer, device)
