"""How likely the model finds answers that are given: the part of perplexity that needs the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mentalft.data.batches import Collator, Row

if TYPE_CHECKING:
    import torch


class Likelihood(NamedTuple):
    tokens: int
    """Labels, the end of turn among them."""
    nll: float
    """Their negative log likelihood in nats, summed."""


class Scored(NamedTuple):
    """What the model says before each label of a batch."""

    logits: torch.Tensor
    """(labels, vocabulary), fp32."""
    labels: torch.Tensor
    """(labels,)"""
    rows: torch.Tensor
    """(labels,), on the CPU: the row of the batch that each is in."""


def scored(model: Any, batch: dict[str, Any]) -> Scored:
    """Logits before each label of a batch; the output head is applied to these positions alone, as in training.

    Args:
        batch: ``input_ids``, ``attention_mask`` and ``labels`` (batch, time), ``positions`` and ``record_ids``, as
            :class:`mentalft.data.batches.Collator` makes them.
    """
    import torch

    on = {k: v.to(model.device) for k, v in batch.items() if k != "record_ids"}
    positions, labels = on.pop("positions"), on.pop("labels")

    def before_labels(_: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (given[0].flatten(0, -2).index_select(0, positions), *given[1:])  # (labels, hidden)

    hook = model.get_output_embeddings().register_forward_pre_hook(before_labels)
    try:
        with torch.inference_mode():
            logits = model(**on, use_cache=False).logits.float()
    finally:
        hook.remove()
    return Scored(logits, labels.flatten().index_select(0, positions + 1), (positions // labels.shape[1]).cpu())


def likelihoods(model: Any, pad_id: int, families: Sequence[Sequence[Row]]) -> Iterator[tuple[str, Likelihood]]:
    """The likelihood of the labels of each row, by its id.

    Args:
        families: rows of which each is the beginning of the first; one pass over that one measures them all.
    """
    import torch
    from torch.nn import functional

    batch = Collator(pad_id)(list(map(_with_all_labels, families)))
    found = scored(model, batch)
    nats = torch.zeros(batch["labels"].shape, dtype=torch.float64)  # (families, time)
    of_labels = functional.cross_entropy(found.logits, found.labels, reduction="none")
    nats.view(-1)[batch["positions"] + 1] = of_labels.double().cpu()
    for family, of_family in zip(families, nats.numpy(), strict=True):
        for row in family:
            mine = of_family[: len(row.supervised)][row.supervised]
            yield row.id, Likelihood(len(mine), float(mine.sum()))


def _with_all_labels(family: Sequence[Row]) -> Row:
    """The first row with the labels of all."""
    supervised = np.zeros_like(family[0].supervised)
    for row in family:
        supervised[: len(row.supervised)] |= row.supervised
    return family[0]._replace(supervised=supervised)


def sums_of_rows(nats: torch.Tensor, found: Scored, batch: dict[str, Any]) -> Iterator[tuple[str, Likelihood]]:
    """``nats`` (labels,) added up by the row of the batch, with the number of its labels."""
    import torch

    names = batch["record_ids"]
    sums = torch.zeros(len(names), dtype=torch.float64).index_add_(0, found.rows, nats.double().cpu())
    counts = torch.bincount(found.rows, minlength=len(names))
    for name, nll, count in zip(names, sums.tolist(), counts.tolist(), strict=True):
        yield name, Likelihood(count, nll)
