"""How likely the model finds answers that are given: the part of perplexity that needs the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch


class Likelihood(NamedTuple):
    tokens: int
    """Labels, the end of turn among them."""
    nll: float
    """Their negative log likelihood in nats, summed."""


def likelihoods(model: Any, batch: dict[str, Any]) -> Iterator[tuple[str, Likelihood]]:
    """The likelihood of the labels of each row, by the row's id.

    The output head is applied to positions before a label alone, as in training.

    Args:
        batch: ``input_ids``, ``attention_mask`` and ``labels`` (batch, time), ``positions`` and ``record_ids``, as
            :class:`mentalft.data.batches.Collator` makes them.
    """
    import torch
    from torch.nn import functional

    on = {k: v.to(model.device) for k, v in batch.items() if k != "record_ids"}
    positions, labels = on.pop("positions"), on.pop("labels")

    def before_labels(_: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (given[0].flatten(0, -2).index_select(0, positions), *given[1:])  # (labels, hidden)

    hook = model.get_output_embeddings().register_forward_pre_hook(before_labels)
    try:
        with torch.inference_mode():
            logits = model(**on, use_cache=False).logits.float()  # (labels, vocabulary)
    finally:
        hook.remove()
    losses = functional.cross_entropy(logits, labels.flatten().index_select(0, positions + 1), reduction="none")
    rows = (positions // labels.shape[1]).cpu()
    sums = torch.zeros(len(labels), dtype=torch.float64).index_add_(0, rows, losses.double().cpu())
    counts = torch.bincount(rows, minlength=len(labels))
    for name, nll, count in zip(batch["record_ids"], sums.tolist(), counts.tolist(), strict=True):
        yield name, Likelihood(count, nll)
