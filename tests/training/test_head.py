"""Head and loss as one: the same loss and gradients as transformers' own, whatever stands on the head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mentalft.data.batches import Collator, Row
from mentalft.training.head import SupervisedHead, is_last_and_plain

ROWS = [
    Row("a", np.arange(5, 45, dtype=np.int32), np.arange(40) % 3 == 2),
    Row("b", np.arange(60, 90, dtype=np.int32), np.arange(30) > 11),
]


def model_in(folder: Path, dtype: torch.dtype = torch.float32, **config: Any) -> Any:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=dtype)
    lora = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False, task_type="CAUSAL_LM", **config)
    return get_peft_model(model, lora)


def gradients(model: Any) -> torch.Tensor:
    found = torch.cat([p.grad.flatten().float() for p in model.parameters() if p.grad is not None])
    model.zero_grad()
    return found


def own_loss(model: Any) -> float:
    """Each dialogue alone, through the loss that comes with transformers."""
    total = 0.0
    for row in ROWS:
        ids = torch.from_numpy(row.input_ids.astype(np.int64))[None]
        labels = torch.where(torch.from_numpy(row.supervised)[None], ids, -100)
        loss = model(input_ids=ids, labels=labels).loss * int(row.supervised.sum())
        loss.backward()
        total += float(loss)
    return total


@pytest.mark.parametrize("padding_free", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_loss_and_gradients_are_those_of_each_dialogue_alone(
    chunked: bool, padding_free: bool, small_model: Path
) -> None:
    model = model_in(small_model)
    wanted, its_gradients = own_loss(model), gradients(model)
    head = SupervisedHead(model, chunked=chunked)
    assert head.chunked == chunked
    batch = Collator(0, padding_free=padding_free)(ROWS)
    batch.pop("record_ids")
    loss, labels = head.negative_log_likelihood(model, batch)
    loss.backward()
    assert labels == sum(int(row.supervised.sum()) for row in ROWS)
    assert float(loss) == pytest.approx(wanted, rel=1e-5)
    assert torch.allclose(gradients(model), its_gradients, atol=1e-4)


def test_in_half_precision_the_loss_is_summed_in_fp32(small_model: Path) -> None:
    whole, half = model_in(small_model), model_in(small_model, torch.bfloat16)
    batch = Collator(0)(ROWS)
    batch.pop("record_ids")
    losses = [SupervisedHead(model).negative_log_likelihood(model, batch)[0] for model in (whole, half)]
    assert losses[1].dtype == torch.float32
    assert float(losses[1].detach()) == pytest.approx(float(losses[0].detach()), rel=0.02)


def test_outside_of_the_loss_the_model_is_as_it_was(small_model: Path) -> None:
    model = model_in(small_model)
    ids = torch.arange(5, 15)[None]
    before = model(input_ids=ids).logits
    SupervisedHead(model)
    assert torch.equal(model(input_ids=ids).logits, before)


def test_a_trained_or_wrapped_head_and_logits_that_are_scaled_afterwards_are_seen(
    small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_last_and_plain(model_in(small_model))
    assert not is_last_and_plain(model_in(small_model, modules_to_save=["lm_head"]))
    model = model_in(small_model)
    inner = model.get_base_model()
    plain = type(inner).forward

    def scaled(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = plain(self, *args, **kwargs)
        found.logits = found.logits / 2
        return found

    monkeypatch.setattr(type(inner), "forward", scaled)
    assert not is_last_and_plain(model)
