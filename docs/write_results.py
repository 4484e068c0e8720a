"""Write docs/results.md from two finished runs: `python docs/write_results.py SMOLLM2_RUN GEMMA_RUN`.

The tables are those of each run's comparison.md, time and memory those of its manifest: no figure is copied by hand.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HEAD = """# Results on real models
Two whole experiments on a processor with two cores, without a GPU. **The models are small and the data few**: the
tables show that the machinery works on a real vocabulary, and what a table looks like there. They do not show that a
tuned model helps anybody, and one seed each says nothing about the training. The weights were de-quantised from GGUF
files, so the figures are near, not equal to, those of the hub's weights. The machine was shared with other work all
the while: seconds are upper bounds."""

RUNS = {
    "SmolLM2-135M-Instruct on English dialogues": """\
[HuggingFaceTB/SmolLM2-135M-Instruct](https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct) (Apache-2.0), from a
GGUF in Q4_1, on `benchmarks/data/counselling_en.jsonl`: ours, synthetic, and all in one style, so that a model can
learn the style from few of them.""",
    "Gemma 3 270M, the base model, on Chinese dialogues": """\
[google/gemma-3-270m](https://huggingface.co/google/gemma-3-270m) (Gemma terms), from a GGUF in Q4_K_M. It is no chat
model and has no chat template, so it is asked in ChatML, a form that it knows only after tuning. Data: a seeded
sample of 700 dialogues of `datasets/data.json` of SmartFlowAI/EmoLLM on GitHub (MIT, synthetic, several turns).""",
}
PLACES = {"run_dir", "cache_dir", "tracking"}
"""Of the command: where things lie, which is the reader's to say."""


def page(runs: dict[str, Path]) -> str:
    return "\n\n".join([HEAD, *(section(title, run_dir) for title, run_dir in runs.items())]) + "\n"


def section(title: str, run_dir: Path) -> str:
    manifest = json.loads((run_dir / "manifest.json").read_text())
    comparison = (run_dir / "comparison.md").read_text()
    found, _, rest = comparison.split("\n", 2)[2].partition("\nThe verdict goes by")
    after = {part.split("\n", 1)[0]: part for part in rest.split("\n## ")[1:]}
    shown = [f"### {after[head].strip()}" for head in ("Answers", "Risk screen", "Forgetting") if head in after]
    return "\n\n".join([f"## {title}", RUNS[title], command(manifest), found.strip(), *shown, stages(manifest)])


def command(manifest: dict[str, Any]) -> str:
    program, *overrides = manifest["command"]
    words = [word for word in overrides if word.split("=")[0] not in PLACES]
    named = [
        f"{key}={Path(value).name if value.startswith('/') else value}"
        for key, _, value in (w.partition("=") for w in words)
    ]
    quoted = [f"'{word}'" if "[" in word else word for word in named]
    rows = [" ".join(quoted[n : n + 4]) for n in range(0, len(quoted), 4)]
    return "```bash\n" + " \\\n  ".join([f"{program} {rows[0]}", *rows[1:]]) + "\n```"


def stages(manifest: dict[str, Any]) -> str:
    """Time and memory of each stage, with the day, the machine and the versions."""
    parts = manifest["stages"]
    day = min(part["started"] for part in parts.values())[:10]
    versions = ", ".join(f"{name} {manifest['versions'][name]}" for name in ("python", "torch", "transformers", "peft"))
    memory = manifest["hardware"]["memory_bytes"] / 2**30
    lines = [
        f"{day}; {manifest['hardware']['cpus']} cores, {memory:.0f} GiB; mentalft {manifest['mentalft']}, {versions}.",
        "",
        "| stage | seconds | peak memory |",
        "|---|---:|---:|",
        *(
            f"| {name} | {part['seconds']:.0f} | {part['peak_memory_bytes'] / 2**30:.2f} GiB |"
            for name, part in parts.items()
        ),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    runs = [Path(argument) for argument in sys.argv[1:]]
    (Path(__file__).parent / "results.md").write_text(page(dict(zip(RUNS, runs, strict=True))))
