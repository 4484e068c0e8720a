"""The adapter's ``README.md``: a Hugging Face model card, made from what a run directory holds.

Its front matter is checked by ``huggingface_hub`` when it is made. The card is meant to be published with the adapter:
it has no text of the data and no path of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.assets import MODEL_CARD
from mentalft.files import digest_file, read_json, write_text
from mentalft.records import NOT_COMPARABLE, Comparison
from mentalft.runs.files import COMPARISON, DATA_REPORT
from mentalft.runs.loading import training_rows
from mentalft.runs.markers import Marker, markers
from mentalft.show.card_facts import Base, base_of, hub_names, languages_of, licence_of, licences_of, own_contender
from mentalft.show.comparison import comparison_table, decoding_of, explained, how_to_read, scaled, scope_lines
from mentalft.show.evidence import evidence_in, evidence_markdown
from mentalft.show.table import markdown
from mentalft.show.verdict import verdict_sentence
from mentalft.words import Said, contender, labels, told

METRIC_TYPES = {
    "corpus_bleu": "sacrebleu", "rouge1": "rouge", "rouge2": "rouge", "rougeL": "rouge", "bleu1": "bleu",
    "bleu2": "bleu", "bleu3": "bleu",
}  # fmt: skip
"""What the hub calls metrics, where that is not our name."""
ASKED = {
    "test": "held-out dialogues",
    "validation": "dialogues of the validation split",
    "bank": "mentalft's bank of textbook questions",
    "both": "held-out dialogues and mentalft's bank of textbook questions",
    "file": "questions of a file",
}


def write_card(run_dir: Path) -> None:
    """Write ``adapter/README.md`` if ``run_dir`` has an adapter that it trained."""
    if (run_dir / "adapter" / "adapter_config.json").is_file() and "train" in markers(run_dir):
        write_text(run_dir / "adapter" / "README.md", model_card(run_dir))


def model_card(run_dir: Path) -> str:
    """The card of the adapter that ``run_dir`` trained; with the comparison, where there is one of this adapter."""
    from huggingface_hub import ModelCard, ModelCardData

    marker = markers(run_dir)["train"]
    config, base = marker.record.config, base_of(marker.record)
    evaluated = _evaluated(run_dir)
    comparison = COMPARISON.load(run_dir) if evaluated else None
    licence, licence_name = licence_of(licences_of(run_dir))
    data = ModelCardData(
        base_model=base.hub_id,
        base_model_relation="adapter" if base.hub_id else None,
        library_name="peft",
        pipeline_tag="text-generation",
        language=languages_of(run_dir / "data" / "train.jsonl"),
        datasets=hub_names(config["data"]) or None,
        tags=["lora", "mentalft", "counselling"],
        model_name=f"{base.name.rpartition('/')[2]}-{config['data']['name']}-lora",
        eval_results=_results(comparison, config["data"], evaluated) if comparison and evaluated else None,
        license=licence,
        license_name=licence_name,
    )
    card = ModelCard.from_template(
        data,
        template_path=str(MODEL_CARD),
        version=marker.record.mentalft,
        base=base.name,
        revision=base.revision,
        method="full fine-tuning" if config["lora"]["method"] == "full" else "LoRA",
        is_demonstration=base.is_demonstration,
        is_on_hub=base.hub_id is not None,
        data_name=config["data"]["name"],
        data_on_hub=hub_names(config["data"]),
        code=_code(base, run_dir / "adapter", (evaluated.settings if evaluated else config["eval"])["max_new_tokens"]),
        system_message=len(config["data"]["system_message"] or ""),
        made=list(_made(run_dir, marker)),
        comparison=comparison,
        **(_found(comparison) if comparison else {}),
        evidence="\n\n".join("\n".join(block) for block in evidence_markdown(evidence_in(run_dir)))
        if evaluated
        else "",
        asked=ASKED[evaluated.settings["items"]] if evaluated else None,
    )
    return str(card)


def _found(comparison: Comparison) -> dict[str, Any]:
    """What the card says of the comparison, in words."""
    return {
        "verdict": verdict_sentence(comparison),
        "contenders": " and ".join(told(contender(name)) for name in comparison.contenders).capitalize(),
        "decoding": told(decoding_of(comparison.decoding)),
        "gates": [told(Said(f"show.{gate.level}_line", {"what": gate.line})) for gate in comparison.gates],
        "table": "\n".join(markdown(comparison_table(comparison))),
        "legend": explained(comparison.metrics),
        "how_to_read": told(how_to_read(comparison)),
        "equal_length": labels("show", "en")["equal_length_how"],
        "leakage": scope_lines(comparison, "en"),
        "notes": [told(note) for note in comparison.notes],
    }


class Evaluated(NamedTuple):
    name: str
    """What the contender with this very adapter is called."""
    settings: dict[str, Any]
    """Of ``eval``, with which it was asked."""


def _evaluated(run_dir: Path) -> Evaluated | None:
    """How this adapter was asked; None where the comparison is not of it."""
    done = markers(run_dir)
    if not {"evaluate", "compare"} <= done.keys():
        return None
    compared: dict[str, str] = done["compare"].made_from["responses"]
    answers = {name: run_dir / "responses" / f"{name}.jsonl" for name in compared}
    if not all(path.is_file() for path in answers.values()):
        return None
    asked = own_contender(run_dir, done)
    same_answers = compared == {name: digest_file(path) for name, path in answers.items()}
    return Evaluated(asked, done["evaluate"].record.config["eval"]) if asked and same_answers else None


def _results(comparison: Comparison, data: dict[str, Any], evaluated: Evaluated) -> list[Any] | None:
    """Scores for the hub; None where the comparison is no fair one, for nothing there would say so."""
    from huggingface_hub import EvalResult

    names, asked = hub_names(data), evaluated.settings
    if comparison.gates_of(evaluated.name, NOT_COMPARABLE):
        return None
    of_the_data = asked["items"] in ("test", "validation")
    return [
        EvalResult(
            task_type="text-generation",
            task_name="Counselling replies",
            dataset_type=(names or [data["name"]])[0] if of_the_data else asked["items"],
            dataset_name=f"{data['name']}, {ASKED[asked['items']]}" if of_the_data else ASKED[asked["items"]],
            dataset_split=asked["items"] if of_the_data else None,
            metric_type=METRIC_TYPES.get(m.metric, m.metric),
            metric_value=round(m.scores[evaluated.name], 6),
            metric_name=scaled(m),
        )
        for m in comparison.metrics
        if evaluated.name in m.scores
    ]


def _made(run_dir: Path, marker: Marker) -> Iterator[tuple[str, str]]:
    """Rows of settings and cost."""
    record, cost = marker.record, marker.cost
    lora, t, data = (record.config[section] for section in ("lora", "trainer", "data"))
    rows = training_rows(run_dir)
    if DATA_REPORT.exists(run_dir):
        found = DATA_REPORT.load(run_dir)
        sizes = ", ".join(f"{n} {name}" for name, n in found.dialogues.items())
        yield "data", f"{data['name']}: {sizes} dialogues; {found.assistant_turns['train']} assistant turns to learn"
        for source in found.sources:
            origin = f", {source.homepage}" if source.homepage else ""
            yield f"data set {source.name}", f"licence: {source.licence}{origin}; SHA-256 `{source.sha256}`"
    if lora["method"] != "full":
        extra = "".join(f", {key}" for key in ("use_rslora", "use_dora") if lora[key])
        extra += "" if lora["init_lora_weights"] == "default" else f", init_lora_weights={lora['init_lora_weights']}"
        settings = ", ".join(f"{key}={lora[key]:g}" for key in ("r", "lora_alpha", "lora_dropout"))
        yield "LoRA", f"{settings}, target_modules={', '.join(lora['target_modules'])}{extra}"
    yield "learning rate", f"{t['learning_rate']:g}, {t['lr_scheduler_type']}, warm-up {t['warmup_ratio']:g}"
    batch = f"{t['per_device_train_batch_size']} × {t['gradient_accumulation_steps']} a process"
    yield "batch", f"{batch}, at most {data['max_length']} tokens a dialogue"
    hardware, quantization = record.hardware, record.config["model"]["quantization"]
    precision = ("fp16" if hardware.gpus else "fp32") if t["precision"] == "auto" else t["precision"]
    yield "precision", precision + ("" if quantization == "none" else f", base weights in {quantization}")
    last = rows[-1].get("train/step", 0) if rows else 0
    tokens = max((row.get("train/tokens_seen", 0) for row in rows), default=0)
    yield "steps", f"{last:,.0f}; {tokens:,.0f} tokens"
    loss = read_json(run_dir / "training.json")["validation_loss"]
    yield "validation loss", f"{loss:.4f} (nats a token of assistant turns)"
    yield "seed", str(record.seeds["seed"])
    machine = ", ".join(hardware.gpus) or f"{hardware.cpus} CPU cores, {hardware.platform}"
    peak = cost.peak_gpu_memory_bytes or cost.peak_memory_bytes
    yield "training cost", f"{cost.seconds:,.0f} s on {machine}; peak memory {peak / 2**30:.1f} GiB"


def _code(base: Base, adapter: Path, max_new_tokens: int) -> str:
    """How the adapter is loaded and asked, as Python."""
    revision = f', revision="{base.revision}"' if base.revision else ""
    lines = ["from peft import PeftModel", "from transformers import AutoModelForCausalLM, AutoTokenizer", ""]
    if base.is_demonstration:
        lines.insert(0, "from mentalft.assets import TINY_MODEL")
    lines += [
        'adapter = "FOLDER OF THIS FILE"',
        f"base = AutoModelForCausalLM.from_pretrained({base.load}{revision})",
        "model = PeftModel.from_pretrained(base, adapter).eval()",
        "tokenizer = AutoTokenizer.from_pretrained(adapter)",
    ]
    if (adapter / "chat_template.jinja").is_file():
        lines += [
            'messages = [{"role": "user", "content": "最近总是睡不好。"}]',
            "inputs = tokenizer.apply_chat_template(",
            '    messages, add_generation_prompt=True, return_tensors="pt", return_dict=True',
            ")",
            f"answer = model.generate(**inputs, max_new_tokens={max_new_tokens})",
            'print(tokenizer.decode(answer[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))',
        ]
    return "\n".join(lines)
