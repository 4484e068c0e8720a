"""The output head and the loss as one: logits at supervised positions only, and never all of them at once.

With a vocabulary of 128,000 the logits of a batch are most of its memory, and those of user turns and padding are never
used. Where torch has a chunked linear cross entropy (``torch.nn.functional.linear_cross_entropy``), not even the
supervised ones are held together.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional

CHUNK = 512
"""Positions at a time on a CPU, whose caches hold about so many; on a GPU torch's own choice is taken."""


class SupervisedHead:
    """Takes the place of ``model``'s output head inside :meth:`asked`; elsewhere the model is as it was.

    It stands inside the model's own forward, so that wrappers which gather or reduce there (DDP, FSDP, DeepSpeed) do.
    """

    def __init__(self, model: Any, *, chunked: bool = True) -> None:
        """Args:
        chunked: False makes logits in any case, as where the weights are not whole yet.
        """
        self.head = model.get_output_embeddings()
        self.logits_of = self.head.forward
        self.positions: torch.Tensor | None = None
        self.targets: torch.Tensor | None = None
        self.chunked = chunked and hasattr(functional, "linear_cross_entropy") and is_last_and_plain(model)
        self.head.forward = self._forward

    def negative_log_likelihood(self, model: Any, inputs: dict[str, Any]) -> tuple[torch.Tensor, int]:
        """Summed negative log likelihood of the labels in nats, and how many labels there are.

        Args:
            model: the model, however it is wrapped.
            inputs: ``input_ids`` and ``labels`` (rows, time), ``positions`` (supervised,), and what else it takes.
        """
        positions, labels = inputs["positions"], inputs["labels"]
        targets = labels.flatten().index_select(0, positions + 1)  # (supervised,)
        given = {k: v for k, v in inputs.items() if k not in ("positions", "labels")}
        with self._asked(positions, targets):
            found = model(**given, use_cache=False).logits  # (supervised, vocabulary), or their losses
        if found.dim() == 2:
            found = functional.cross_entropy(found.float(), targets, reduction="sum")
        return found.float().sum(), len(targets)

    @contextmanager
    def _asked(self, positions: torch.Tensor, targets: torch.Tensor) -> Iterator[None]:
        self.positions, self.targets = positions, targets
        try:
            yield
        finally:
            self.positions = self.targets = None

    def _forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits (…, vocabulary) of ``hidden`` (…, hidden); inside :meth:`_asked` of supervised positions only."""
        if self.positions is None or self.targets is None:
            return self.logits_of(hidden)  # type: ignore[no-any-return]
        hidden = hidden.flatten(0, -2).index_select(0, self.positions)  # (supervised, hidden)
        if not self.chunked or not len(hidden):
            return self.logits_of(hidden)  # type: ignore[no-any-return]
        # in half precision a sum over a batch would lose what tells two losses apart, so it is taken outside, in fp32
        return functional.linear_cross_entropy(
            hidden,
            self.head.weight,
            self.targets,
            linear_bias=self.head.bias,
            reduction="sum" if hidden.dtype == torch.float32 else "none",
            options=torch.nn.LinearCrossEntropyOptions(batch_chunk_size=CHUNK if hidden.device.type == "cpu" else None),
        )


def is_last_and_plain(model: Any) -> bool:
    """Whether logits are exactly what a frozen linear head makes of the last hidden states.

    Some models scale or cap them afterwards, and an adapter may have been put on the head; then only logits will do.
    """
    head = model.get_output_embeddings()
    if type(head) is not torch.nn.Linear or head.weight.requires_grad:
        return False
    tokens = torch.zeros((1, 2), dtype=torch.long, device=head.weight.device)
    seen: list[torch.Tensor] = []
    hook = head.register_forward_hook(lambda _, __, logits: seen.append(logits))
    was_training = model.training
    try:
        model.eval()
        with torch.no_grad():
            logits = model(input_ids=tokens, use_cache=False).logits
    finally:
        hook.remove()
        model.train(was_training)
    return len(seen) == 1 and torch.equal(logits, seen[0])
