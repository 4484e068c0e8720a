"""Stage 3: the base model and the tuned model answer the same prompts, from one loaded model."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.config import Config
from mentalft.console import bar, say
from mentalft.data.items import item_of, item_row, items_to_ask
from mentalft.data.prompts import PromptBuilder
from mentalft.errors import DataError
from mentalft.files import json_line, read_json, read_jsonl, sha256_json, write_json, write_jsonl
from mentalft.generation.batched import generate
from mentalft.generation.cache import ResponseCache
from mentalft.generation.decoding import Decoding, Prompt
from mentalft.modeling.adapter import load_adapter
from mentalft.modeling.base import end_token_ids, load_base_model, load_tokenizer
from mentalft.modeling.locate import LocatedModel
from mentalft.modeling.precision import plan_precision
from mentalft.records import Item, Response, Splits

SIDES = ("base", "tuned")


class Asked(NamedTuple):
    """The items that were asked, and where the answers are."""

    items: list[Item]
    folder: Path
    responses: dict[str, Path]
    decoding: str


def decoding_of(cfg: Config) -> Decoding:
    e = cfg.eval
    return Decoding(e.max_new_tokens, e.do_sample, e.temperature, e.top_p, e.top_k, cfg.seed)


def evaluate(
    cfg: Config, located: LocatedModel, adapter: Path, splits: Splits, run_dir: Path, cache: ResponseCache | None
) -> Asked:
    """Write ``responses/base.jsonl`` and ``responses/tuned.jsonl``, and ``responses/items.jsonl`` with what was asked.

    Answers already in ``responses/`` for the same prompts are kept. Base answers come from ``cache``
    when an earlier run asked the same model the same prompts in the same way.

    Raises:
        DataError: not one prompt fits.
    """
    plan = plan_precision(cfg.trainer.precision)
    decoding = decoding_of(cfg)
    tokenizer = load_tokenizer(cfg.model, located)
    builder = PromptBuilder(tokenizer, cfg.model.chat_template_kwargs, cfg.model.name)
    items, prompts = _prompts(cfg, builder, splits)
    model = load_adapter(load_base_model(cfg.model, located, plan), adapter)
    ask = _Asker(model, tokenizer, decoding, end_token_ids(model, tokenizer), cfg.eval.batch_size)
    folder = run_dir / "responses"
    made_from = {
        "weights": located.fingerprint(),
        "prompts": [p.sha256 for p in prompts],
        "ids": [p.id for p in prompts],
        "decoding": str(decoding),
        "batch_size": cfg.eval.batch_size,
        "precision": plan.name,
        "device": plan.device,
        "attention": cfg.model.attn_implementation,
        "versions": _versions(),
    }
    write_jsonl(folder / "items.jsonl", (item_row(item) for item in items))
    cached = cache.load(made_from, [p.id for p in prompts]) if cache else None
    if cached is not None:
        say(f"evaluate: base: {len(cached)} answers from the cache")
        write_jsonl(folder / "base.jsonl", (r.to_json() for r in cached))
    else:
        base = ask(prompts, folder / "base.jsonl", "base")
        if cache:
            cache.store(made_from, base)
    write_json(folder / "decoding.json", {"decoding": str(decoding), "end_token_ids": ask.end_ids})
    ask(prompts, folder / "tuned.jsonl", "tuned")
    return Asked(items, folder, {side: folder / f"{side}.jsonl" for side in SIDES}, str(decoding))


def asked_in(run_dir: Path) -> Asked:
    """What an earlier evaluation of ``run_dir`` asked and got.

    Raises:
        DataError: the evaluate stage has not run there.
    """
    folder = run_dir / "responses"
    for name in ("items", *SIDES):
        if not (folder / f"{name}.jsonl").is_file():
            raise DataError(f"{folder / name}.jsonl does not exist; add evaluate to stages")
    items = [item_of(row) for row in read_jsonl(folder / "items.jsonl")]
    decoding = str(read_json(folder / "decoding.json")["decoding"])
    return Asked(items, folder, {side: folder / f"{side}.jsonl" for side in SIDES}, decoding)


class _Asker:
    """Asks the loaded model, with or without its adapter, and streams the answers to a file."""

    def __init__(self, model: Any, tokenizer: Any, decoding: Decoding, end_ids: list[int], batch_size: int) -> None:
        self.model, self.tokenizer, self.decoding = model, tokenizer, decoding
        self.end_ids, self.batch_size = end_ids, batch_size

    def __call__(self, prompts: list[Prompt], path: Path, side: str) -> list[Response]:
        have = _answers_so_far(path, prompts)
        partial = path.with_suffix(".partial.jsonl")
        have |= _answers_so_far(partial, prompts)
        missing = [p for p in prompts if p.id not in have]
        path.parent.mkdir(parents=True, exist_ok=True)
        adapter = self.model.disable_adapter() if side == "base" else nullcontext()
        with adapter, bar(f"{side} answers", len(prompts)) as shown, partial.open("a", encoding="utf-8") as handle:
            shown.move_to(len(have))
            for response in generate(self.model, self.tokenizer, missing, self.decoding, self.end_ids, self.batch_size):
                have[response.id] = response
                handle.write(json_line(response.to_json()))
                shown.advance()
        responses = [have[p.id] for p in prompts]
        write_jsonl(path, (r.to_json() for r in responses))
        partial.unlink()
        say(f"evaluate: {side}: {len(responses)} answers, {sum(r.tokens for r in responses):,} tokens")
        return responses


def _answers_so_far(path: Path, prompts: list[Prompt]) -> dict[str, Response]:
    """Complete answers in ``path`` to these very prompts; a line that a kill cut short is not one."""
    if not path.is_file():
        return {}
    wanted = {p.id: p.sha256 for p in prompts}
    found: dict[str, Response] = {}
    try:
        for row in read_jsonl(path):
            response = Response(**row)
            if wanted.get(response.id) == response.prompt_sha256:
                found[response.id] = response
    except (DataError, TypeError):
        write_jsonl(path, (r.to_json() for r in found.values()))  # what could be read, so that lines can be added
    return found


def _prompts(cfg: Config, builder: PromptBuilder, splits: Splits) -> tuple[list[Item], list[Prompt]]:
    wanted, problems = items_to_ask(cfg.eval, splits, cfg.data.system_message, cfg.data.split_seed)
    for problem in problems:
        field = f'"{problem.field}" ' if problem.field else ""
        say(
            f"evaluate: {problem.file}, record {problem.record}: {field}{problem.reason}; it is not asked",
            style="yellow",
        )
    items, prompts = [], []
    for item in wanted:
        messages = builder.fit(item.messages, cfg.data.max_length, as_prompt=True)
        if messages is not None:
            tokens = builder.prompt(messages)
            items.append(item)
            prompts.append(Prompt(item.id, sha256_json(tokens), tokens))
    if not prompts:
        raise DataError(
            f"evaluate: not one of {len(wanted)} prompts fits in data.max_length={cfg.data.max_length} tokens; raise it"
        )
    if len(items) < len(wanted):
        say(
            f"evaluate: {len(wanted) - len(items)} of {len(wanted)} prompts are too long and are left out",
            style="yellow",
        )
    return items, prompts


def _versions() -> dict[str, str]:
    import torch
    import transformers

    return {"torch": torch.__version__, "transformers": transformers.__version__}
