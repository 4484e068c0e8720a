"""The evaluate stage against the reference way, and against transformers' continuous batching.

    python benchmarks/evaluate.py                          the embedded model, 64 prompts, on a CPU
    python benchmarks/evaluate.py --prompts 512 --max-new-tokens 200 --device cuda --model FOLDER

Each contender loads what it needs, answers the same prompts as base and as tuned model, greedily and in fp32, and
writes the answers down; imports are not on the clock. The reference way loads a model for base and another for tuned,
and asks one prompt at a time. Contenders take turns in one process, so that they meet the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets it, for every contender

import hydra
import torch
from hydra.core.config_store import ConfigStore
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, ContinuousBatchingConfig, GenerationConfig

from mentalft.assets import SAMPLE_DIALOGUES, TINY_MODEL
from mentalft.config import Config
from mentalft.config.composition import load_config
from mentalft.data.asking import questions_of
from mentalft.files import read_jsonl, write_jsonl
from mentalft.generation.contenders import contenders_of
from mentalft.generation.evaluate import evaluate
from mentalft.modeling.adapter import add_adapter
from mentalft.modeling.locate import locate_model
from mentalft.records import Dialogue, Prompt, Splits

SIDES = ("base", "tuned")
Answers = dict[str, dict[str, str]]
"""Side → id of the prompt → text."""


class Set(argparse.Namespace):
    """What every contender is given."""

    cfg: Config
    folder: Path
    adapter: Path
    prompts: list[Prompt]
    splits: Splits
    device: str
    max_new_tokens: int


def loaded(given: Set, *, tuned: bool) -> tuple[Any, Any]:
    tokenizer = AutoTokenizer.from_pretrained(str(given.folder))
    model = AutoModelForCausalLM.from_pretrained(str(given.folder), dtype=torch.float32).to(given.device).eval()
    return tokenizer, PeftModel.from_pretrained(model, str(given.adapter)).eval() if tuned else model


def settings(given: Set, tokenizer: Any) -> dict[str, Any]:
    return {
        "max_new_tokens": given.max_new_tokens,
        "do_sample": False,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def one_by_one(given: Set, run_dir: Path) -> Answers:
    """The reference way."""
    found: Answers = {}
    for side in SIDES:
        tokenizer, model = loaded(given, tuned=side == "tuned")
        found[side] = {}
        for prompt in given.prompts:
            ids = torch.tensor([prompt.tokens], device=given.device)
            with torch.no_grad():
                out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **settings(given, tokenizer))
            found[side][prompt.id] = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip()
        (run_dir / f"{side}.json").write_text(json.dumps(found[side], ensure_ascii=False), encoding="utf-8")
    return found


def continuous(given: Set, run_dir: Path) -> Answers:
    """``generate_batch``: one loaded model, a cache of the size that is needed."""
    tokenizer, model = loaded(given, tuned=True)
    longest = max(len(p.tokens) for p in given.prompts) + given.max_new_tokens
    pages = min(64, len(given.prompts)) * -(-longest // 256)
    cache = ContinuousBatchingConfig(num_blocks=pages, max_batch_tokens=2048) if given.device == "cpu" else None
    config = GenerationConfig(**settings(given, tokenizer))
    found: Answers = {}
    for side in SIDES:
        with model.disable_adapter() if side == "base" else torch.no_grad():
            outputs = model.get_base_model().generate_batch(
                [p.tokens for p in given.prompts], generation_config=config, continuous_batching_config=cache
            )
        by_prompt = {tuple(o.prompt_ids): o.generated_tokens for o in outputs.values()}
        found[side] = {
            p.id: tokenizer.decode(by_prompt[tuple(p.tokens)], skip_special_tokens=True).strip() for p in given.prompts
        }
        (run_dir / f"{side}.json").write_text(json.dumps(found[side], ensure_ascii=False), encoding="utf-8")
    return found


def ours(given: Set, run_dir: Path) -> Answers:
    contenders = contenders_of(given.cfg, locate_model(given.cfg.model), lambda: given.adapter)
    asked = evaluate(given.cfg, contenders, given.splits, run_dir, None)
    return {side: {row["id"]: row["text"] for row in read_jsonl(path)} for side, path in asked.responses.items()}


CONTENDERS: dict[str, Callable[[Set, Path], Answers]] = {
    "ours": ours,
    "one by one": one_by_one,
    "generate_batch": continuous,
}


def composed(*overrides: str) -> Config:
    ConfigStore.instance().store("base_config", Config, replace=True)
    with hydra.initialize_config_module("mentalft.conf"):
        return load_config(hydra.compose("config", overrides=list(overrides)))


def prepared(arguments: argparse.Namespace, folder: Path) -> Set:
    test = folder / "test.jsonl"
    records = json.loads(Path(SAMPLE_DIALOGUES).read_text(encoding="utf-8"))
    write_jsonl(test, (Dialogue.from_json({**r, "id": str(r["id"])}).to_json() for r in records))
    cfg = composed(
        f"model.name_or_path={arguments.model}",
        "trainer.precision=fp32",
        f"eval.max_items={arguments.prompts}",
        f"eval.max_new_tokens={arguments.max_new_tokens}",
        "eval.perplexity=false",
        *arguments.overrides,
    )
    splits = Splits(test, test, test)
    base = AutoModelForCausalLM.from_pretrained(str(arguments.model), dtype=torch.float32)
    torch.manual_seed(0)
    model = add_adapter(base, cfg.lora, "base")
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.01)
    model.save_pretrained(str(folder / "adapter"), save_embedding_layers=False)
    given = Set(cfg=cfg, folder=arguments.model, adapter=folder / "adapter", splits=splits, device=arguments.device)
    given.max_new_tokens = arguments.max_new_tokens
    located = locate_model(cfg.model)
    tokenizers = {located: AutoTokenizer.from_pretrained(str(arguments.model))}
    given.prompts = questions_of(cfg, tokenizers, splits).prompts[located]
    return given


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=TINY_MODEL)
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--max-new-tokens", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="of torch; all cores unless given")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("overrides", nargs="*", help="of the configuration, after --")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    seconds: dict[str, list[float]] = {name: [] for name in arguments.contenders}
    with tempfile.TemporaryDirectory() as temporary:
        given = prepared(arguments, Path(temporary))
        print(f"{len(given.prompts)} prompts for each side, {arguments.device}, {torch.get_num_threads()} threads")
        for number in range(arguments.rounds):
            found = {}
            order = arguments.contenders[:: 1 if number % 2 else -1]
            for name in order:
                with tempfile.TemporaryDirectory() as run_dir:
                    began = time.perf_counter()
                    found[name] = CONTENDERS[name](given, Path(run_dir))
                    seconds[name].append(time.perf_counter() - began)
            print(
                f"round {number + 1}: " + ", ".join(f"{name} {seconds[name][-1]:.1f} s" for name in order), flush=True
            )
            for name in arguments.contenders[1:]:
                pairs = [(found["ours"][s][p.id], found[name][s][p.id]) for s in SIDES for p in given.prompts]
                print(f"  answers equal to {name}: {sum(a == b for a, b in pairs)} of {len(pairs)}", flush=True)
    for name in arguments.contenders[1:]:
        ratios = [other / mine for mine, other in zip(seconds["ours"], seconds[name], strict=True)]
        spread = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"{name} takes {statistics.median(ratios):.2f} times as long (median of {spread})")


if __name__ == "__main__":
    main()
