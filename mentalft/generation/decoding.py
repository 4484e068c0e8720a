"""How answers are decoded, what is asked, and which token comes next when sampling."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mentalft.config import Config

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Decoding:
    """How answers are decoded; part of every score's signature."""

    max_new_tokens: int
    do_sample: bool
    temperature: float
    top_p: float
    top_k: int
    """0 is no limit."""
    seed: int

    @classmethod
    def of(cls, cfg: Config) -> Decoding:
        """How the contenders of a configuration decode."""
        e = cfg.eval
        return cls(e.max_new_tokens, e.do_sample, e.temperature, e.top_p, e.top_k, cfg.seed)

    def __str__(self) -> str:
        if not self.do_sample:
            return f"greedy, max_new_tokens={self.max_new_tokens}"
        return (
            f"sampled, temperature={self.temperature:g}, top_p={self.top_p:g}, top_k={self.top_k}, seed={self.seed}, "
            f"max_new_tokens={self.max_new_tokens}"
        )

    def seed_of(self, prompt_id: str) -> int:
        """A seed of 31 bits for one prompt, for engines that draw by themselves."""
        return int.from_bytes(self._digest(prompt_id)[:4], "little") >> 1

    def uniforms(self, prompt_id: str) -> NDArray[np.float64]:
        """One number in [0, 1) for each new token of one prompt, whatever else is asked beside it: (max_new_tokens,).

        A stream of the counter-based generator Philox (Salmon et al. 2011, doi:10.1145/2063384.2063405), whose key is
        made of seed and prompt id.
        """
        stream = np.random.Philox(key=int.from_bytes(self._digest(prompt_id)[:16], "little"))
        return np.random.Generator(stream).random(self.max_new_tokens)

    def _digest(self, prompt_id: str) -> bytes:
        return hashlib.sha256(f"{self.seed}\x1f{prompt_id}".encode("utf-8", "surrogatepass")).digest()


def choose(logits: torch.Tensor, uniforms: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """The next token of each row, drawn by inversion of the distribution's cumulative sum.

    ``top_k`` and ``top_p`` (Holtzman et al. 2020, arXiv:1904.09751) cut the distribution as in transformers: first
    temperature, then the k likeliest, then the smallest set that holds ``top_p`` of what is left.

    Args:
        logits: (batch, vocabulary).
        uniforms: (batch,) in [0, 1).

    Returns:
        (batch,) token ids.
    """
    ordered, tokens = (logits.double() / decoding.temperature).sort(dim=-1, descending=True, stable=True)
    if decoding.top_k:
        ordered, tokens = ordered[:, : decoding.top_k], tokens[:, : decoding.top_k]
    probabilities = ordered.softmax(dim=-1)  # (batch, kept)
    cumulated = probabilities.cumsum(dim=-1)
    probabilities = probabilities.masked_fill(cumulated - probabilities >= decoding.top_p, 0.0)
    cumulated = probabilities.cumsum(dim=-1)
    wanted = uniforms.unsqueeze(-1).to(cumulated) * cumulated[:, -1:]
    last = (probabilities > 0).sum(dim=-1, keepdim=True) - 1  # so that rounding never reaches what was cut
    place = (cumulated <= wanted).sum(dim=-1, keepdim=True).minimum(last)
    return tokens.gather(-1, place).squeeze(-1)
