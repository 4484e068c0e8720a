"""Why a folder is not what was evaluated: the known causes, each by what shows it, with its mend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mentalft.data.prompts import PROBE
from mentalft.export.loaded import config_in, end_ids_in, rendered, tokenizer_in
from mentalft.export.record import Cause, Proof
from mentalft.export.source import Source
from mentalft.export.weights import BITS, NEAR, Tensor, coarsest, embedding_names, share_of
from mentalft.files import read_json
from mentalft.modeling.adapter import CONFIG

LEFT = 0.5
"""A tensor with less of the adapter's change than this is taken for the base's."""
LEAST_SHARE = 0.9
"""Of the adapter's change that has to be left."""
MERGE = "merge again: mentalft-export RUN --to merged"


def of_asking(source: Source, folder: Path) -> Iterator[Cause]:
    """What a folder's chat template, tokenizer and end tokens show to be other than the run's."""
    tokenizer = tokenizer_in(folder)
    own, mend = source.builder.tokenizer, "take tokenizer and template from mentalft-export RUN --to adapter"
    asked = (*PROBE, *PROBE[:1])
    text, ours = rendered(tokenizer, asked), source.builder.prompt(asked)
    if text is None:
        yield Cause("template changed", "the folder has no chat template, or one that refuses messages", mend)
    elif own(text, add_special_tokens=False)["input_ids"] != ours:
        given = source.cfg.model.chat_template_kwargs
        where = f", where the template is given {given}" if given else ""
        yield Cause("template changed", f"it writes {text!r}, the run's {own.decode(ours)!r}{where}", mend)
    there, here = tokenizer.get_vocab(), own.get_vocab()
    if moved := sorted(token for token, number in here.items() if there.get(token) != number):
        yield Cause("tokenizer changed", f"{len(moved)} of {len(here)} tokens have other ids, first {moved[0]!r}", mend)
    if missing := sorted(set(source.end_ids) - set(end_ids_in(folder))):
        names = ", ".join(f"{own.convert_ids_to_tokens(number)} ({number})" for number in missing)
        yield Cause(
            "stop token missing",
            f"generation does not end at {names}, as the evaluated answers did",
            f"set eos_token_id to {source.end_ids} in generation_config.json",
        )


def of_proof(proof: Proof, dtype: str) -> Iterator[Cause]:
    """What asking shows, where the files show nothing."""
    mend = f"{MERGE}, or look for what differs from there"
    if proof.prompts_equal < proof.prompts:
        differ = proof.prompts - proof.prompts_equal
        yield Cause("template changed", f"{differ} of {proof.prompts} prompts become other tokens", mend)
    bounds, agreement = proof.bounds, proof.tokens_equal / proof.tokens
    if proof.largest_logit_difference > bounds.logit_difference or agreement < bounds.agreement:
        yield Cause(
            "other answers",
            f"logits differ by up to {proof.largest_logit_difference:.2g} (bound {bounds.logit_difference:.2g}), and "
            f"{agreement:.1%} of the likeliest tokens are the same (bound {bounds.agreement:.0%})",
            mend if dtype in BITS else f"take a finer quantisation than {dtype}, such as q8_0",
        )


def of_config(folder: Path, merged: Any) -> Iterator[Cause]:
    """What ``config.json`` of a merged folder shows."""
    config, rows = config_in(folder), merged.get_input_embeddings().weight.shape[0]
    if quantised := getattr(config, "quantization_config", None):
        kind = quantised.get("quant_method", "unknown")
        yield Cause("merged onto quantised weights", f"config.json says that they are quantised ({kind})", MERGE)
    if (size := config.get_text_config().vocab_size) != rows:
        yield Cause("vocabulary resized", f"vocab_size is {size}, and {rows} in the evaluated model", MERGE)


def of_weights(source: Source, merged: Any, found: Sequence[Tensor], dtype: str) -> Iterator[Cause]:
    """What the tensors of a merged folder show.

    Args:
        merged: of :func:`mentalft.export.weights.merged_model`.
        dtype: what the folder's weights are to be in.
    """
    saved = tuple(read_json(source.adapter / CONFIG).get("modules_to_save") or ())
    changed = [one for one in found if one.change]
    yield from _of_adapter(changed, saved)
    yield from _of_precision(found, dtype)
    names = embedding_names(merged)
    rest = [one for one in found if not one.is_near and not (one.change and one.is_of_base)]
    rest = [one for one in rest if one.name not in names or one.has_shape or one.dtype is None]  # else it was resized
    heads = [one for one in rest if one.name in names and one.error > NEAR["bfloat16"]]
    if [one.name for one in heads] == [names[1]]:
        yield Cause("head untied", _of_head(heads[0], merged), MERGE)
        rest.remove(heads[0])
    if rest:
        yield _of_base(rest, len(found))


def _of_adapter(changed: Sequence[Tensor], saved: tuple[str, ...]) -> Iterator[Cause]:
    """Whether the adapter's change is in the tensors that it changes.

    Args:
        saved: its ``modules_to_save``.
    """
    there = [one for one in changed if one.is_of_base and one.possible > LEFT]  # others are lost by rounding anyway
    left_out = [one for one in there if one.share < LEFT * one.possible]
    scaled = [one for one in there if not LEAST_SHARE < one.share / one.possible < 1 / LEAST_SHARE]
    if left_out and len(left_out) == len(changed):
        why = "its names did not match, and it was loaded as nothing"
        yield Cause("adapter of other names", f"nothing of the adapter is in the weights: {why}", MERGE)
    elif left_out and all(one.name.rpartition(".")[0].endswith(saved or ("?",)) for one in left_out):
        names = ", ".join(one.name for one in left_out)
        yield Cause("modules_to_save left out", f"{names} are the base's, not the adapter's", MERGE)
    elif left_out:
        how_many = f"{len(left_out)} of the {len(changed)} tensors that it changes"
        yield Cause("adapter left out in part", f"{how_many} are the base's, first {left_out[0].name}", MERGE)
    elif scaled:
        times = f"{scaled[0].name} has {scaled[0].share:.2f} times the adapter's change"
        yield Cause("adapter scaled otherwise", f"{times}: lora_alpha, r or use_rslora were read otherwise", MERGE)


def _of_precision(found: Sequence[Tensor], dtype: str) -> Iterator[Cause]:
    stored = coarsest(one.dtype for one in found) or dtype
    if stored not in BITS:
        yield Cause("merged onto quantised weights", f"the files hold tensors of {stored}", MERGE)
    elif BITS[stored] < BITS[dtype]:
        mend = f"{MERGE}; if {stored} is what you want, say so: --dtype {stored}"
        yield Cause("dtype lowered", f"the weights are in {stored}, and {dtype} was evaluated", mend)
    elif (left := share_of(found, possible=True)) < LEAST_SHARE:
        finer = "float32" if stored == "float16" else "float16 or float32"
        what = f"its steps are larger than many of the adapter's changes, of which {left:.0%} is left"
        yield Cause("dtype lowered", f"the weights are in {stored}: {what}", f"export with --dtype {finer}")


def _of_head(head: Tensor, merged: Any) -> str:
    tied = "one tensor" if merged.config.tie_word_embeddings else "two tensors"
    what = "is missing" if head.dtype is None else f"is {head.error:.2%} off"
    return f"input and output embeddings are {tied} in the evaluated model, and {head.name} {what} here"


def _of_base(others: Sequence[Tensor], of: int) -> Cause:
    """Tensors that are neither what they should be nor what they are without the adapter."""
    worst = max(others, key=lambda one: one.error)
    what = f"{len(others)} of {of} tensors differ, {worst.name} by {worst.error:.2%}"
    if worst.error <= NEAR["bfloat16"]:
        return Cause("dtype lowered", f"{what}: merged in 16 bit, whatever they are stored as", MERGE)
    if all(one.is_matrix for one in others):
        return Cause("merged onto quantised weights", f"{what}, and those that no quantisation touches do not", MERGE)
    return Cause("another base", f"{what}: merged onto another model than the evaluated one", MERGE)
