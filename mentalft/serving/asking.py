"""Commands that ask a server which is running: one question, and the whole evaluation of its run again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from mentalft.config import Config
from mentalft.config.contenders import key_of
from mentalft.errors import override
from mentalft.runs.markers import markers
from mentalft.serving.running import Running

NOT_AGAIN = ("stages", "run_dir", "eval.engine", "eval.perplexity", "eval.trained_on", "tracking")
"""Options of a run that its evaluation through a server has of its own, or does not need."""


def question(server: Running) -> str:
    """One question to the last model, as curl asks it."""
    body = {"model": server.names[-1], "messages": [{"role": "user", "content": "最近总是睡不好。"}], "max_tokens": 128}
    given = json.dumps(body, ensure_ascii=False)
    return shlex.join(["curl", f"{server.url}/chat/completions", "-H", "content-type: application/json", "-d", given])


def evaluation(run_dir: Path, cfg: Config, server: Running) -> str:
    """The run's evaluation in a new run, asked of the server: the answers are to be the same."""
    done = markers(run_dir)
    record = (done.get("evaluate") or done["train"]).record
    options = [option for option in record.command[1:] if not option.lstrip("+").startswith(_beginnings(server))]
    trained_on = override("eval.trained_on", str((run_dir / "data" / "train.jsonl").absolute()))
    return shlex.join(["mentalft", *options, *_from_server(cfg, server), trained_on])


def _beginnings(server: Running) -> tuple[str, ...]:
    keys = (*NOT_AGAIN, *(key_of(name, "model") for name in server.names))
    return (*(f"{key}=" for key in keys), "eval.openai.")


def _from_server(cfg: Config, server: Running) -> Iterator[str]:
    yield "stages=[prepare,evaluate,compare]"
    yield "eval.engine=openai"
    yield "eval.perplexity=false"
    yield override("eval.openai.base_url", server.url)
    for name in server.names:
        yield override(key_of(name, "model"), name)
        for field in ("name_or_path", "engine"):
            if getattr(cfg.eval.contenders[name], field, None):
                yield f"{key_of(name, field)}=null"
