"""chrF equals sacrebleu's, for any set of answers that a resample may draw."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st

from mentalft.metrics import chrf
from tests.metrics.pairs import PAIRS

RESPONSES, REFERENCES = [r for r, _ in PAIRS], [r for _, r in PAIRS]
PARTS = chrf.parts(RESPONSES, [[r] for r in REFERENCES])


def test_golden_for_each_pair_and_for_all() -> None:
    whole = sacrebleu.corpus_chrf(RESPONSES, [REFERENCES]).score
    assert chrf.total(PARTS.sum(axis=0)) == pytest.approx(whole, rel=1e-12)
    each = [sacrebleu.corpus_chrf([r], [[f]]).score for r, f in PAIRS]
    assert chrf.total(PARTS) == pytest.approx(each, rel=1e-12, abs=1e-12)


@given(st.lists(st.integers(0, len(PAIRS) - 1), min_size=1, max_size=8))
def test_golden_for_any_sample(drawn: list[int]) -> None:
    expected = sacrebleu.corpus_chrf([RESPONSES[i] for i in drawn], [[REFERENCES[i] for i in drawn]]).score
    assert chrf.total(PARTS[drawn].sum(axis=0)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_the_best_of_several_references_counts() -> None:
    parts = chrf.parts(["慢慢来，不着急。"], [["完全不同", "慢慢来，不着急。"]])
    assert chrf.total(parts).tolist() == [pytest.approx(100)]


def test_a_sum_of_nothing_scores_0() -> None:
    assert chrf.total(np.zeros((3, 18))).tolist() == [0, 0, 0]
    assert chrf.parts([], []).shape == (0, 18)
