"""Which family a model is of, by its name: judges prefer answers of their own (Panickssery et al. 2024,
arXiv:2404.13076)."""

from __future__ import annotations

import re

FAMILIES = {
    "llama": r"llama|vicuna|alpaca|tulu",
    "qwen": r"qwen|qwq|qvq|tongyi",
    "gpt": r"gpt-?(?:\d|oss)|chatgpt|(?<![a-z0-9])o[134](?![0-9])",
    "claude": r"claude",
    "gemini": r"gemini|gemma",
    "deepseek": r"deepseek",
    "glm": r"(?<![a-z])(?:chat)?glm",
    "mistral": r"mistral|mixtral|ministral|magistral",
    "internlm": r"internlm",
    "baichuan": r"baichuan",
    "yi": r"(?<![a-z])yi(?![a-z])",
    "phi": r"(?<![a-z])phi(?![a-z])",
    "kimi": r"kimi|moonshot",
    "minimax": r"minimax|abab",
    "doubao": r"doubao|seed-oss",
    "ernie": r"ernie|wenxin",
    "hunyuan": r"hunyuan",
    "minicpm": r"minicpm",
    "smollm": r"smollm",
    "grok": r"grok",
    "command": r"command-?[ar]|(?<![a-z])aya(?![a-z])",
}
"""Family → how its models are named."""


def families_of(*names: str | None) -> frozenset[str]:
    """The families that are named in what is known of a model; a distilled one may be of two."""
    text = " ".join(name for name in names if name).lower()
    return frozenset(family for family, pattern in FAMILIES.items() if re.search(pattern, text))
