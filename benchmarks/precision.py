"""What fp32 and bf16 cost on this CPU, by the operations that training a small LLaMA consists of.

    python benchmarks/precision.py --rounds 15

The shapes are those of a layer of SmolLM2-135M with 1,536 tokens. Each operation is timed in both precisions in turn;
printed are medians in milliseconds and the median of the ratios by round.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

TOKENS, HIDDEN, INNER, HEADS, ROWS = 1536, 576, 1536, 9, 4


def operations(dtype: torch.dtype) -> dict[str, Callable[[], Any]]:
    def new(*shape: int) -> torch.Tensor:
        return torch.randn(*shape).to(dtype)

    states, inner, other = new(TOKENS, HIDDEN), new(TOKENS, INNER), new(TOKENS, INNER)
    up, scale, square = new(INNER, HIDDEN), new(HIDDEN), new(2048, 2048)
    heads = new(ROWS, HEADS, TOKENS // ROWS, HIDDEN // HEADS)
    return {
        "2,048 × 2,048 matrices": lambda: square @ square,
        "linear layer": lambda: functional.linear(states, up),
        "its gradient": lambda: inner @ up,
        "attention": lambda: functional.scaled_dot_product_attention(heads, heads, heads, is_causal=True),
        "multiply": lambda: inner * other,
        "add": lambda: inner + other,
        "SiLU": lambda: functional.silu(inner),
        "RMSNorm": lambda: functional.rms_norm(states, (HIDDEN,), scale),
    }


def milliseconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    both = [operations(dtype) for dtype in (torch.float32, torch.bfloat16)]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print("| | fp32, ms | bf16, ms | bf16 is … times as fast |\n|---|---:|---:|---:|")
    for name in both[0]:
        times = [[milliseconds(of[name]) for of in both] for _ in range(rounds + 2)][2:]  # two to warm up
        fp32, bf16 = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"| {name} | {fp32:.1f} | {bf16:.1f} | {statistics.median(a / b for a, b in times):.1f} |", flush=True)


if __name__ == "__main__":
    main()
