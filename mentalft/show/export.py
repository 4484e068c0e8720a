"""What is said of a proof in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from mentalft.export.record import EXPORT, Export, Proof
from mentalft.words import Said


def exports_in(run_dir: Path) -> Iterator[Said]:
    """Each export of a run, with whether it was proven; those that failed are none."""
    for path in sorted(run_dir.glob("exports/*/export.json")):
        found = EXPORT.load(path.parent)
        if not found.causes:
            key = "export.listed" if found.passed else "export.listed_unproven"
            yield Said(key, {"name": path.parent.name, "dtype": found.made.dtype, "at": found.made.at})


def proof_lines(export: Export) -> Iterator[Said]:
    """What was compared and what came out, a sentence each."""
    if export.made.quantization != "none":
        yield Said("export.quantized", {"quantization": export.made.quantization})
    if export.proof:
        yield from _asked(export.proof)
    if weights := export.weights:
        of = {"equal": weights.tensors_equal, "all": weights.tensors, "share": weights.adapter_share}
        yield Said("export.weights", of)


def _asked(proof: Proof) -> Iterator[Said]:
    asked = proof.prompts
    yield Said("export.prompts", {"equal": proof.prompts_equal, "all": asked})
    tokens = {"tokens_equal": proof.tokens_equal, "tokens": proof.tokens}
    yield Said("export.answers", {"equal": proof.answers_equal, "all": asked, **tokens})
    if proof.answers_equal_to_evaluated is None:
        yield Said("export.sampled")
    else:
        then = {"equal": proof.answers_equal_to_evaluated, "reproduced": proof.reproduced}
        yield Said("export.evaluated_answers", {**then, "all": asked})
    compared = {"difference": proof.largest_logit_difference, "bound": proof.bounds.logit_difference}
    yield Said("export.logits", compared)
    if proof.first_difference:
        yield Said("export.first", asdict(proof.first_difference))
    yield Said("export.ended", {"ended": proof.ended, "evaluated": proof.ended_evaluated, "all": asked})
