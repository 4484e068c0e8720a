"""LoRA training: ours, TRL's SFTTrainer in two modes, the reference recipe, and a bare loop, on the same work.

    pip install trl==1.16.0
    python benchmarks/train.py --rounds 5                  # a LLaMA of 7 million parameters on a CPU; --model 20m
    python benchmarks/train.py --device cuda --model 3b    # LLaMA-3.2-3B's architecture with random weights
    python benchmarks/train.py --model-path FOLDER --precision bf16      # a model of transformers, with its vocabulary

Every contender gets the same token ids and labels, model weights, adapter, effective batch and number of dialogues (one
epoch), in a process of its own; in each round they run in turn. Printed are real (not padding) tokens a second,
supervised tokens a second, set-up time, peak memory, and the validation loss in the end, which one function measures
for all. Utilisation is the model's floating-point operations (matrix products forward and backward, the head's at
supervised positions) against those of a plain matrix product in the same precision, measured in the same process before
the training. The reference recipe learns from every token and recomputes activations, as it was published.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

CONTENDERS = ("ours", "trl_unpacked", "trl_packed", "reference", "bare_loop")
SEED = 0


def tokenizer_of(options: argparse.Namespace) -> Any:
    from transformers import AutoTokenizer

    from mentalft.assets import TINY_MODEL

    return AutoTokenizer.from_pretrained(options.model_path or str(TINY_MODEL))


def corpus(path: str | None, count: int, max_length: int, tokenizer: Any) -> tuple[list[Any], list[Any]]:
    """Training and validation rows: the dialogues of ``path``, or the sample's, through our own prompt builder."""
    from mentalft.assets import TINY_MODEL
    from mentalft.data.batches import encode
    from mentalft.data.prompts import PromptBuilder
    from mentalft.records import Dialogue, Message

    source = Path(path) if path else next((TINY_MODEL.parent / "sample").glob("*.json"))
    records = json.loads(source.read_text(encoding="utf-8"))
    dialogues = []
    for number, record in enumerate(records):
        turns = [
            turn if "role" in turn else {"role": role, "content": turn[key]}
            for turn in record.get("messages") or record["conversation"]
            for role, key in (("user", "input"), ("assistant", "output"))
            if "role" in turn or turn.get(key)
        ]
        turns = turns[::2] if "role" in (record.get("messages") or [{}])[0] else turns
        dialogues.append(Dialogue(str(number), None, tuple(Message(t["role"], t["content"]) for t in turns)))
    rows = encode(dialogues, PromptBuilder(tokenizer, {}, "model"), max_length).rows
    np.random.default_rng(SEED).shuffle(rows)  # type: ignore[arg-type]
    return rows[:count], rows[count : count + 64]


def dtype_of(options: argparse.Namespace) -> Any:
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[options.precision]


def matrix_rate(options: argparse.Namespace) -> float:
    """Floating-point operations a second of a product of two large matrices; the best of ten."""
    import torch

    size = 8192 if options.device == "cuda" else 2048
    a, b = (torch.randn(size, size, device=options.device).to(dtype_of(options)) for _ in range(2))
    best = math.inf
    for _ in range(10):
        began = time.perf_counter()
        (a @ b)[0, 0].item()
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def operations(model: Any, tokens: int, supervised: int) -> float:
    """Of the frozen weights' products: 2 a weight and token forward, and 2 backward for the gradient of its input."""
    head = model.get_output_embeddings().weight
    tables = {id(w): w.numel() for w in (head, model.get_input_embeddings().weight)}  # one, where they are tied
    body = sum(p.numel() for p in model.parameters() if not p.requires_grad) - sum(tables.values())
    return 4.0 * (body * tokens + head.numel() * supervised)


def model_of(options: argparse.Namespace) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(SEED)
    lora = LoraConfig(r=8, lora_alpha=32, lora_dropout=0.05, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    if options.model_path:
        loaded = AutoModelForCausalLM.from_pretrained(options.model_path, dtype=dtype_of(options)).to(options.device)
        return get_peft_model(loaded, lora)
    shapes = {
        "7m": {"vocab_size": 8192, "hidden_size": 256, "intermediate_size": 688, "num_hidden_layers": 4,
               "num_attention_heads": 4, "num_key_value_heads": 4},
        "20m": {"vocab_size": 8192, "hidden_size": 384, "intermediate_size": 1024, "num_hidden_layers": 8,
                "num_attention_heads": 6, "num_key_value_heads": 6},
        "3b": {"vocab_size": 128_256, "hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 28,
               "num_attention_heads": 24, "num_key_value_heads": 8, "head_dim": 128, "tie_word_embeddings": True},
    }  # fmt: skip
    config = LlamaConfig(
        **shapes[options.model], max_position_embeddings=8192, bos_token_id=0, eos_token_id=1, pad_token_id=2
    )
    with torch.device(options.device):
        model = LlamaForCausalLM(config).to(dtype_of(options))
    return get_peft_model(model, lora)


def arguments(options: argparse.Namespace, output: str) -> dict[str, Any]:
    """What all trainers share."""
    return {
        "output_dir": output, "num_train_epochs": 1, "per_device_train_batch_size": options.micro,
        "gradient_accumulation_steps": options.batch // options.micro, "learning_rate": 1e-3,
        "lr_scheduler_type": "cosine", "warmup_steps": 0.1, "weight_decay": 0.01, "optim": "adamw_torch_fused",
        "fp16": options.precision == "fp16", "bf16": options.precision == "bf16", "use_cpu": options.device == "cpu",
        "save_strategy": "no", "seed": SEED,
        "logging_steps": 10, "report_to": "none", "disable_tqdm": True,
        "dataloader_pin_memory": options.device == "cuda",
        "activation_checkpointing": options.checkpointing,
    }  # fmt: skip


def ours(options: argparse.Namespace, model: Any, rows: list[Any], output: str) -> Any:
    from transformers import TrainingArguments

    from mentalft.data.batches import Collator
    from mentalft.training.steps import StepPlan
    from mentalft.training.trainer import SupervisedTrainer, Validation

    plan = StepPlan(tuple(len(r.input_ids) for r in rows), options.batch, options.micro, 1, SEED, group_by_length=True)
    return SupervisedTrainer(
        model=model, args=TrainingArguments(**arguments(options, output), remove_unused_columns=False), plan=plan,
        train_rows=rows, validation=Validation(rows, plan),
        collator=Collator(tokenizer_of(options).pad_token_id, padding_free=options.padding_free),
    )  # fmt: skip


def trl(options: argparse.Namespace, model: Any, rows: list[Any], output: str, *, packed: bool) -> Any:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    tokenizer = tokenizer_of(options)
    # what assistant_only_loss makes of a conversation; that option itself does not take tokens
    data = Dataset.from_dict({
        "input_ids": [r.input_ids.tolist() for r in rows],
        "assistant_masks": [r.supervised.astype(int).tolist() for r in rows],
    })  # fmt: skip
    given = arguments(options, output)
    if packed:  # a row holds several dialogues, so that a step holds as many of them with fewer rows
        per_row = max(1, round(options.max_length / np.mean([len(r.input_ids) for r in rows])))
        given["per_device_train_batch_size"] = max(1, options.micro // per_row)
    else:
        given["train_sampling_strategy"] = "group_by_length"
    config = SFTConfig(
        **given, max_length=options.max_length, packing=packed,
        use_liger_kernel=options.liger, eos_token=tokenizer.eos_token, pad_token=tokenizer.pad_token,
    )  # fmt: skip
    return SFTTrainer(model=model, args=config, train_dataset=data, processing_class=tokenizer)


def reference(options: argparse.Namespace, model: Any, rows: list[Any], output: str) -> Any:
    """Micro-batches of 2 in random order, loss on every token, activations recomputed."""
    from transformers import DataCollatorForLanguageModeling, Trainer, TrainingArguments

    tokenizer = tokenizer_of(options)
    model.enable_input_require_grads()
    given = {
        **arguments(options, output), "per_device_train_batch_size": 2, "optim": "adamw_torch",
        "gradient_accumulation_steps": options.batch // 2, "activation_checkpointing": True,
    }  # fmt: skip
    return Trainer(
        model=model, args=TrainingArguments(**given), train_dataset=[{"input_ids": r.input_ids.tolist()} for r in rows],
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
    )  # fmt: skip


def bare_loop(options: argparse.Namespace, model: Any, rows: list[Any]) -> tuple[float, float]:
    """Our work without the framework: seconds of the loop alone, by the clock and of the processor."""
    import torch
    from transformers import get_cosine_schedule_with_warmup

    from mentalft.data.batches import Collator
    from mentalft.training.head import SupervisedHead
    from mentalft.training.steps import StepPlan

    plan = StepPlan(tuple(len(r.input_ids) for r in rows), options.batch, options.micro, 1, SEED, group_by_length=True)
    collator = Collator(tokenizer_of(options).pad_token_id, padding_free=options.padding_free)
    head = SupervisedHead(model)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.01, fused=True)
    scheduler = get_cosine_schedule_with_warmup(optimizer, plan.steps_per_epoch // 10, plan.steps_per_epoch)
    half = options.precision != "fp32"
    scaler = torch.amp.GradScaler(enabled=options.precision == "fp16")
    model.train()
    began, worked = time.perf_counter(), time.process_time()
    for step in plan.epoch(0):
        batches = [collator([rows[i] for i in part]) for part in plan.micro_batches(step)]
        count = sum(len(b["positions"]) for b in batches)
        for batch in batches:
            moved = {k: v.to(options.device) for k, v in batch.items() if k != "record_ids"}
            with torch.autocast(options.device, dtype_of(options) if half else None, enabled=half):
                loss, _ = head.negative_log_likelihood(model, moved)
            scaler.scale(loss / count).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
        optimizer.zero_grad()
    if options.device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began, time.process_time() - worked


def validation_loss(model: Any, rows: list[Any], device: str) -> float:
    """Nats a supervised token, one dialogue at a time with transformers' own loss."""
    import torch

    model.eval()
    total = count = 0.0
    with torch.no_grad():
        for row in rows:
            ids = torch.from_numpy(row.input_ids.astype(np.int64))[None].to(device)
            labels = torch.where(torch.from_numpy(row.supervised)[None].to(device), ids, -100)
            number = int(row.supervised.sum())
            total += float(model(input_ids=ids, labels=labels).loss) * number
            count += number
    return total / count


def one(options: argparse.Namespace) -> dict[str, float]:
    """Run one contender in this process."""
    import torch

    rows, held_out = corpus(options.data, options.dialogues, options.max_length, tokenizer_of(options))
    rate = matrix_rate(options)
    if options.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    model = model_of(options)
    output = f"/tmp/benchmark-train-{os.getpid()}"
    if options.one == "bare_loop":
        seconds, processor = bare_loop(options, model, rows)
        setup = time.perf_counter() - began - seconds
    else:
        make = {
            "ours": lambda: ours(options, model, rows, output),
            "trl_unpacked": lambda: trl(options, model, rows, output, packed=False),
            "trl_packed": lambda: trl(options, model, rows, output, packed=True),
            "reference": lambda: reference(options, model, rows, output),
        }
        trainer = make[options.one]()
        setup = time.perf_counter() - began
        began, worked = time.perf_counter(), time.process_time()
        trainer.train()
        if options.device == "cuda":
            torch.cuda.synchronize()
        seconds, processor = time.perf_counter() - began, time.process_time() - worked
        model = trainer.accelerator.unwrap_model(trainer.model)
    cuda = options.device == "cuda"
    peak = torch.cuda.max_memory_allocated() if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    tokens, supervised = sum(len(r.input_ids) for r in rows), sum(int(r.supervised.sum()) for r in rows)
    return {
        "tokens_per_second": tokens / seconds, "tokens_per_processor_second": tokens / processor,
        "supervised_per_second": supervised / seconds, "setup": setup,
        "utilisation": operations(model, tokens, supervised) / seconds / rate, "gflops": rate / 1e9,
        "peak_mib": peak / 2**20, "validation_loss": validation_loss(model, held_out, options.device), "tokens": tokens,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--model", choices=("7m", "20m", "3b"), default="7m")
    parser.add_argument("--model-path", help="the folder of a model, in place of --model")
    parser.add_argument(
        "--precision", choices=("fp32", "bf16", "fp16"), help="fp16 on a GPU and fp32 on a CPU by default"
    )
    parser.add_argument("--data", help="a JSON array of dialogues; the embedded sample by default")
    parser.add_argument("--dialogues", type=int, default=256)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--batch", type=int, default=16, help="dialogues a step")
    parser.add_argument("--micro", type=int, default=8, help="dialogues at a time")
    parser.add_argument("--checkpointing", action="store_true", help="recompute activations in every contender")
    parser.add_argument("--padding-free", action="store_true", help="ours without padding")
    parser.add_argument("--liger", action="store_true", help="TRL with Liger kernels")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--one", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.precision = options.precision or ("fp16" if options.device == "cuda" else "fp32")
    if options.one:
        print(json.dumps(one(options)))
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in options.only}
    for number in range(options.rounds):
        for name in options.only if number % 2 == 0 else options.only[::-1]:
            command = [sys.executable, __file__, *sys.argv[1:], "--one", name]
            # as the command line sets it: threads that spin while they wait make a shared machine's figures worthless
            env = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
            if done.returncode:
                sys.exit(done.stderr)
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"round {number + 1} {name}: {found[name][-1]['tokens_per_second']:,.0f} tokens/s", file=sys.stderr)
    report(found)


def report(found: dict[str, list[dict[str, float]]]) -> None:
    print(
        "| | tokens/s | supervised tokens/s | set-up s | peak MiB | validation loss | utilisation of GFLOP/s "
        "| ours is … times as fast, by the clock | by processor time |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---|---|")
    for name, runs in found.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        print(
            f"| {name} | {middle['tokens_per_second']:,.0f} | {middle['supervised_per_second']:,.0f} "
            f"| {middle['setup']:.1f} | {middle['peak_mib']:,.0f} | {middle['validation_loss']:.3f} "
            f"| {middle['utilisation']:.0%} of {middle['gflops']:,.0f} "
            f"| {ratios(found.get('ours', []), runs, 'tokens_per_second')} "
            f"| {ratios(found.get('ours', []), runs, 'tokens_per_processor_second')} |"
        )


def ratios(ours: list[dict[str, float]], others: list[dict[str, float]], key: str) -> str:
    """The median of the ratios by round, and in brackets each of them."""
    each = [mine[key] / other[key] for mine, other in zip(ours, others, strict=False)] or [math.nan]
    return f"**{statistics.median(each):.2f}** ({', '.join(f'{ratio:.2f}' for ratio in each)})"


if __name__ == "__main__":
    main()
