"""Settings of the judge: a server, what it is asked, and how much of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Optional
from urllib.parse import urlsplit

from mentalft.config.contenders import url_problems
from mentalft.config.fields import PACE, PLACE, ServerConfig, number, value

if TYPE_CHECKING:
    from mentalft.config.schema import Config


@dataclass
class JudgeConfig(ServerConfig):
    """A model on a server with OpenAI's chat completions that compares answers, for ``stages=[…,judge]``."""

    engine: Optional[Literal["openai"]] = value(bears_on="judge")
    """What judges; null is nobody."""
    base_url: Optional[str] = value(bears_on="judge")
    """Such as ``http://localhost:8000/v1``."""
    model: Optional[str] = value(bears_on="judge")
    """What the server calls the judge."""
    send_text: bool = value(bears_on=PLACE)
    """Whether dialogue text may go to a server that is not on this machine."""
    rubric: str = value(bears_on="judge")
    """``overall``, ``cpsycoun``, ``counselbench``, or a YAML file (docs/judge.md)."""
    language: Literal["auto", "zh", "en"] = value(bears_on="judge")
    """Of the questions to the judge; ``auto`` looks at the dialogues."""
    items: Optional[int] = number(ge=2, bears_on="judge")
    """Judge at most this many items of each contender: a seeded sample, from as many dialogues as there are, besides
    those that people rated; null judges all."""
    repeats: int = number(ge=1, bears_on="judge")
    """How often each pair is judged in each of the two orders."""
    temperature: float = number(ge=0, bears_on="judge")
    """0 is greedy; above, each repeat has a seed of its own."""
    max_new_tokens: int = number(ge=1, bears_on="judge")
    """Longest reply, in tokens, thinking among them."""
    structured: bool = value(bears_on="judge")
    """Ask for a reply that follows a JSON schema; a server that knows none is asked without."""
    extra_body: dict[str, Any] = value(bears_on="judge")
    """Further fields of every request, as ``eval.openai.extra_body``."""
    human: Optional[str] = value(bears_on="judge")
    """A JSONL file of what people chose (docs/judge.md); null takes those of a blind review of this run, if any."""
    max_requests: Optional[int] = number(ge=1, bears_on=PACE)
    """Stop before the first request where more would be sent; null sets no limit."""
    price_per_million_input: Optional[float] = number(ge=0, bears_on="judge")
    """Of a million tokens sent, in any currency; for the cost that is shown."""
    price_per_million_output: Optional[float] = number(ge=0, bears_on="judge")
    """Of a million tokens that come back."""


def is_loopback(url: str) -> bool:
    """Whether ``url`` is on this machine by its very address; a name besides ``localhost`` is not looked up."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def judge_problems(cfg: Config) -> Iterator[str]:
    """What is wrong with the judge of a configuration, a sentence each."""
    judge = cfg.judge
    yield from url_problems("judge.base_url", judge.base_url)
    if "judge" not in cfg.stages:
        return
    if judge.engine is None:
        yield "stages holds judge, and nobody is named who judges: judge=openai judge.base_url=URL judge.model=NAME"
        return
    for key in ("base_url", "model"):
        if not getattr(judge, key):
            yield f"judge.{key} has no value, and the judge needs it: judge.{key}=VALUE"
    if judge.base_url and not judge.send_text and not is_loopback(judge.base_url):
        yield (
            f"judge.base_url: {urlsplit(judge.base_url).hostname} is not this machine, and judging sends it dialogues "
            "and answers; allow that with judge.send_text=true, or have a server here judge: http://localhost:8000/v1"
        )
