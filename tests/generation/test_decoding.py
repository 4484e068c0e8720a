"""Sampling draws from the distribution it says, with numbers that belong to the prompt."""

from __future__ import annotations

import numpy as np
import pytest

from mentalft.generation.decoding import Decoding, choose


def decoding(**changed: float) -> Decoding:
    return Decoding(**{"max_new_tokens": 4, "do_sample": True, "temperature": 1.0, "top_p": 1.0, "top_k": 0, "seed": 0, **changed})  # type: ignore[arg-type]  # fmt: skip


def test_draws_follow_the_distribution_and_its_cuts() -> None:
    import torch

    logits = torch.log(torch.tensor([0.1, 0.4, 0.2, 0.3]))
    uniforms = (torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000

    def shares(**changed: float) -> list[float]:
        drawn = choose(logits.expand(10_000, 4), uniforms, decoding(**changed))
        return [float((drawn == token).double().mean()) for token in range(4)]

    assert shares() == pytest.approx([0.1, 0.4, 0.2, 0.3], abs=2e-4)
    assert shares(top_k=2) == pytest.approx([0, 4 / 7, 0, 3 / 7], abs=2e-4)
    assert shares(top_p=0.6) == pytest.approx([0, 4 / 7, 0, 3 / 7], abs=2e-4)
    squares = np.array([0.1, 0.4, 0.2, 0.3]) ** 2
    assert shares(temperature=0.5) == pytest.approx(list(squares / squares.sum()), abs=2e-4)


def test_the_cuts_are_those_of_transformers() -> None:
    import torch
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    torch.manual_seed(0)
    logits = torch.randn(1, 200) * 3
    theirs = TemperatureLogitsWarper(0.6)(None, logits)  # type: ignore[arg-type]
    theirs = TopKLogitsWarper(50)(None, theirs)  # type: ignore[arg-type]
    theirs = TopPLogitsWarper(0.9)(None, theirs).softmax(-1)[0]  # type: ignore[arg-type]
    uniforms = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
    drawn = choose(logits.expand(20_000, -1), uniforms, decoding(temperature=0.6, top_k=50, top_p=0.9))
    shares = torch.bincount(drawn, minlength=200) / 20_000
    assert float((shares - theirs).abs().max()) < 1e-3


def test_nothing_that_was_cut_is_ever_drawn() -> None:
    import torch

    just_below_one = torch.tensor([1 - 2**-53], dtype=torch.float64)
    drawn = choose(torch.zeros(1, 1000), just_below_one, decoding(top_k=7))
    assert int(drawn) < 7


def test_a_prompt_has_numbers_of_its_own() -> None:
    same, other, seeded = decoding().uniforms("a"), decoding().uniforms("b"), decoding(seed=1).uniforms("a")
    assert same.tolist() == decoding().uniforms("a").tolist()
    assert decoding(max_new_tokens=8).uniforms("a")[:4].tolist() == same.tolist(), "a longer limit changes no beginning"
    assert not np.isin(same, np.concatenate([other, seeded])).any()


def test_decoding_is_spelt_out_for_signatures() -> None:
    assert str(decoding(do_sample=False)) == "greedy, max_new_tokens=4"
    assert "temperature=0.6, top_p=0.9, top_k=50, seed=7" in str(decoding(temperature=0.6, top_p=0.9, top_k=50, seed=7))
