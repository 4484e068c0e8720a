"""Names of the configuration and the functions they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from mentalft.config import METRICS
from mentalft.metrics.table import Embedder, metrics_by_name


def embedder() -> Embedder:
    return Embedder("ones@1", lambda texts: np.ones((len(texts), 2), dtype=np.float32) / np.sqrt(2))


def test_every_name_of_the_configuration_has_a_metric_that_scores_each_item() -> None:
    metrics = metrics_by_name(METRICS, embedder)
    assert tuple(metrics) == METRICS
    for name, metric in metrics.items():
        perfect = metric.score(["我们慢慢说吧，不着急。"], [["我们慢慢说吧，不着急。"]])
        assert metric.total(perfect) == pytest.approx([1.0]), name
        empty = metric.score([""], [["我们慢慢说吧。"]])
        assert metric.total(empty) == [0.0], name
        assert metric.total(np.vstack([perfect, empty]).sum(axis=0)) == pytest.approx(0.5), name


def test_a_sum_over_nothing_scores_zero() -> None:
    for metric in metrics_by_name(METRICS, embedder).values():
        assert metric.total(np.zeros((3, 2))).tolist() == [0.0, 0.0, 0.0]


def test_signatures_are_told_apart_and_name_the_embedder() -> None:
    metrics = metrics_by_name(METRICS, embedder)
    assert len({m.signature for m in metrics.values()}) == len(METRICS)
    assert "embedder:ones@1" in metrics["cosine"].signature


def test_no_embedder_is_loaded_for_metrics_that_need_none() -> None:
    def refuse() -> Embedder:
        raise AssertionError

    assert list(metrics_by_name(["bleu"], refuse)) == ["bleu"]
