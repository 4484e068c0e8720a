"""Scores from several processes are those from one."""

from __future__ import annotations

import numpy as np
import pytest

from mentalft.metrics import scoring
from mentalft.metrics.registry import Embedder, scorers_of
from mentalft.metrics.scoring import score_all
from tests.metrics.pairs import ORDINARY
from tests.test_conf import composed


def embedder() -> Embedder:
    return Embedder("ones@1", lambda texts: np.ones((len(texts), 1), dtype=np.float32))


def test_several_processes_give_the_same_to_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "CHUNK", 16)
    cfg = composed("eval.metrics=[bleu,cosine,chrf,length]").eval
    references = [(b,) for _, b in ORDINARY]
    answers = {"base": [b for _, b in ORDINARY], "tuned": [a for a, _ in ORDINARY]}
    metrics = scorers_of(cfg, references, embedder)
    one, two = (score_all(cfg, metrics, answers, references, processes=n) for n in (1, 2))
    for side in answers:
        assert list(two[side]) == list(metrics)
        for name in metrics:
            assert np.array_equal(one[side][name], two[side][name]), name
