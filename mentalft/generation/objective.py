"""After stage 2, where a sweep goes by a metric: the tuned model answers validation dialogues and is scored on them.

The test split has no part in it: a sweep that chose by the test split would report its own choosing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mentalft.config import Config
from mentalft.console import progress, say
from mentalft.data.asking import questions_of
from mentalft.generation.contenders import Contender, System
from mentalft.generation.decoding import Decoding
from mentalft.generation.engines import TransformersEngine
from mentalft.metrics.registry import Embedder, scorers_of
from mentalft.modeling.base import load_tokenizer
from mentalft.modeling.embedder import load_embedder
from mentalft.modeling.locate import LocatedModel
from mentalft.records import ObjectiveResult, Splits
from mentalft.runs.files import OBJECTIVE, OBJECTIVE_ANSWERS
from mentalft.words import Said


def measure(cfg: Config, located: LocatedModel, adapter: Path, validation: Path, run_dir: Path) -> ObjectiveResult:
    """Write ``objective.json`` and, with the answers, ``objective.jsonl``; what ``cfg.eval.objective`` names.

    Items, decoding and scoring are as ``cfg.eval`` has them for the test split; transformers answers, whatever
    ``cfg.eval.engine`` is.

    Raises:
        DataError: not one prompt fits.
    """
    e = cfg.eval
    tokenizer = load_tokenizer(cfg.model, located)
    on_validation = replace(cfg, eval=replace(e, items="validation", questions=None))
    questions = questions_of(on_validation, {located: tokenizer}, Splits(validation, validation, validation))
    decoding = Decoding(e.max_new_tokens, e.do_sample, e.temperature, e.top_p, e.top_k, cfg.seed)
    engine = TransformersEngine.load(cfg, located, [adapter], decoding)
    tuned = Contender("this run's", System("transformers", located, None), adapter)
    asked = engine.ask(tuned, questions.prompts[located])
    answers = {r.id: r for r in progress(asked, Said("objective.bar"), len(questions.items))}
    in_order = [answers[item.id] for item in questions.items]
    references = [item.references for item in questions.items]
    alone = replace(e, metrics=[e.objective], extra_metrics=[])
    metric = scorers_of(alone, references, lambda: Embedder(*load_embedder(e.embedder)))[e.objective]
    parts = metric.score([answer.text for answer in in_order], references)
    found = ObjectiveResult(
        e.objective,
        float(metric.total(np.sum(parts, axis=0))),
        "maximize" if metric.higher_is_better else "minimize",
        metric.signature,
        len(questions.items),
        len({item.dialogue_id for item in questions.items}),
    )
    OBJECTIVE_ANSWERS.save(run_dir, in_order)
    OBJECTIVE.save(run_dir, found)
    said = {"title": metric.metric.said, "value": found.value, "items": found.items, "dialogues": found.dialogues}
    say(Said("objective.done", said))
    return found
