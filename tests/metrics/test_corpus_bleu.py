"""Corpus BLEU equals sacrebleu's, for any set of answers that a resample may draw."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st

from mentalft.metrics import corpus_bleu
from mentalft.metrics.tokens import Language
from tests.metrics.pairs import PAIRS

RESPONSES, REFERENCES = [r for r, _ in PAIRS], [r for _, r in PAIRS]
PARTS = {language: corpus_bleu.parts(language, RESPONSES, [[r] for r in REFERENCES]) for language in ("zh", "en")}
TOKENIZE = {"zh": "zh", "en": "13a"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_golden_for_each_pair_and_for_all(language: Language) -> None:
    def expected(responses: list[str], references: list[str]) -> float:
        return sacrebleu.corpus_bleu(responses, [references], tokenize=TOKENIZE[language]).score

    assert corpus_bleu.total(PARTS[language].sum(axis=0)) == pytest.approx(expected(RESPONSES, REFERENCES), rel=1e-12)
    each = [expected([r], [f]) for r, f in PAIRS]
    assert corpus_bleu.total(PARTS[language]) == pytest.approx(each, rel=1e-12, abs=1e-12)


@given(st.lists(st.integers(0, len(PAIRS) - 1), min_size=1, max_size=8))
def test_golden_for_any_sample(drawn: list[int]) -> None:
    expected = sacrebleu.corpus_bleu(
        [RESPONSES[i] for i in drawn], [[REFERENCES[i] for i in drawn]], tokenize="zh"
    ).score
    assert corpus_bleu.total(PARTS["zh"][drawn].sum(axis=0)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_golden_with_several_references_in_unequal_number() -> None:
    responses = ["慢慢来，不着急。", "我在听。"]
    expected = sacrebleu.corpus_bleu(
        responses, [["不着急，慢慢来。", "我一直在听。"], ["慢慢来，我们不着急。", None]], tokenize="zh"
    ).score
    parts = corpus_bleu.parts("zh", responses, [["不着急，慢慢来。", "慢慢来，我们不着急。"], ["我一直在听。"]])
    assert corpus_bleu.total(parts.sum(axis=0)) == pytest.approx(expected, rel=1e-12)


def test_a_sum_of_nothing_scores_0() -> None:
    assert corpus_bleu.total(np.zeros((3, 10))).tolist() == [0, 0, 0]
    assert corpus_bleu.parts("zh", [], []).shape == (0, 10)


def test_full_width_digits_and_letters_count_as_ascii_in_chinese() -> None:
    wide, narrow = "用ＣＢＴ治疗１２周", "用CBT治疗12周"
    assert (corpus_bleu.parts("zh", [wide], [[narrow]]) == corpus_bleu.parts("zh", [narrow], [[wide]])).all()
    assert corpus_bleu.total(corpus_bleu.parts("zh", [wide], [[narrow]]))[0] == pytest.approx(100)


def test_signature_names_tokenizer_and_version() -> None:
    assert "tok:zh-ascii|" in corpus_bleu.signature("zh")
    assert f"sacrebleu:{sacrebleu.__version__}" in corpus_bleu.signature("en")
