"""What the configuration says of each contender, and the key that a message names for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Optional

if TYPE_CHECKING:
    from mentalft.config.schema import Config

OF_THIS_RUN = "run"
"""How ``adapter`` names the one that the run trains."""
SERVER = "openai"
TAKEN = ("items", "perplexity", "problems", "decoding")
"""Names of other files beside the answers."""


@dataclass
class ContenderConfig:
    """Somebody who answers; with nothing said, the model of ``model=`` as it is."""

    adapter: Optional[str] = None
    """A PEFT adapter folder on the model; ``run`` is the one that this run trains. A server has its own."""
    name_or_path: Optional[str] = None
    """Another model than ``model.name_or_path``, with a template of its own: a folder or a hub id."""
    engine: Optional[Literal["transformers", "vllm", "openai"]] = None
    """What answers; null is ``eval.engine``, or ``openai`` where a ``base_url`` is given."""
    base_url: Optional[str] = None
    """Its server; null is ``eval.openai.base_url``."""
    model: Optional[str] = None
    """What its server calls it."""
    answers: Optional[str] = None
    """A file of answers that exist already, in place of asking."""

    @property
    def is_local(self) -> bool:
        """Whether a model is loaded for it."""
        return self.engine != SERVER and not self.answers


def specs(cfg: Config) -> dict[str, ContenderConfig]:
    """Every contender, in order, with ``engine`` and ``base_url`` filled in."""
    found = {}
    for name, spec in cfg.eval.contenders.items():
        engine = spec.engine or (SERVER if spec.base_url else cfg.eval.engine)
        base_url = (spec.base_url or cfg.eval.openai.base_url) if engine == SERVER else None
        found[name] = replace(spec, engine=engine, base_url=base_url)
    return found


def key_of(name: str, field: str) -> str:
    """The key that holds ``field`` of a contender: the short one where there is one."""
    short = {("tuned", "adapter"): "eval.adapter"}
    for of in ("base", "tuned"):
        short |= {(of, "model"): f"eval.openai.{of}_model", (of, "answers"): f"eval.responses.{of}"}
    return short.get((name, field), f"eval.contenders.{name}.{field}")


def url_problems(key: str, url: str | None) -> Iterator[str]:
    """What is wrong with the address of a server, if anything."""
    if url and not url.startswith(("http://", "https://")):
        yield f"{key} must begin with http:// or https://, got {url}"


def contender_problems(cfg: Config) -> Iterator[str]:
    """What is wrong with the contenders of a configuration, a sentence each."""
    found = specs(cfg)
    if cfg.eval.baseline not in found:
        yield f"eval.baseline={cfg.eval.baseline} is none of eval.contenders, which are {', '.join(found) or 'none'}"
    seen: dict[tuple[str | None, ...], str] = {}
    for name, spec in found.items():
        key = f"eval.contenders.{name}"
        if not re.fullmatch(r"[\w-]+", name) or name in TAKEN:
            yield (
                f"{key}: a name is of letters, digits, - and _, and none of {', '.join(TAKEN)}, for answers are kept "
                "in responses/NAME.jsonl"
            )
        if spec.answers:
            continue
        yield from url_problems(f"{key}.base_url", cfg.eval.contenders[name].base_url)
        if "evaluate" not in cfg.stages:
            continue
        if spec.engine == SERVER:
            needed = {"eval.openai.base_url": spec.base_url, key_of(name, "model"): spec.model}
            for missing in (where for where, value in needed.items() if not value):
                yield f"{missing} has no value, and the server of the contender {name} needs it: {missing}=VALUE"
            if spec.name_or_path:
                yield f"{key}.name_or_path is loaded here, and a server is asked for {name}; give one of them"
        what = (spec.base_url, spec.model) if spec.engine == SERVER else (spec.engine, spec.name_or_path, spec.adapter)
        if what in seen:
            yield f"eval.contenders: {seen[what]} and {name} are the same; give {name} an adapter, a model, or answers"
        seen[what] = name
    yield from _file_problems(cfg)


def _file_problems(cfg: Config) -> Iterator[str]:
    """Answers are given as files of some contenders, or of all of them together with the questions."""
    asked = [name for name, spec in cfg.eval.contenders.items() if not spec.answers]
    if cfg.eval.references:
        if asked:
            keys = ", ".join(key_of(name, "answers") for name in asked)
            yield f"{keys} must be given too: with eval.references every contender's answers are those of a file"
        if not {"compare"} <= set(cfg.stages) <= {"compare", "judge"}:
            yield (
                "eval.references: answers from files are scored by stages=[compare], or [judge,compare], got "
                f"stages={cfg.stages}"
            )
    elif len(asked) < len(cfg.eval.contenders) and cfg.stages == ["compare"] and not cfg.run_dir:
        yield (
            "eval.references must be given too: it holds the questions and reference answers that answers from files "
            "are held against"
        )
