"""ROUGE as other tools count it equals the packages that those tools use."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge import Rouge
from rouge_chinese import Rouge as RougeChinese

from mentalft.metrics.rouge_sets import rouge_sets
from mentalft.metrics.tokens import tokenizer
from tests.metrics.pairs import PAIRS, short

LIBRARY = {"rouge": Rouge(), "rouge_chinese": RougeChinese()}
KINDS = {"rouge1": "rouge-1", "rouge2": "rouge-2", "rougeL": "rouge-l"}
STOPS = [
    ("好。 \n 嗯。我。。“哈。”啊", "好。\n\n我……嗯？”好"),
    ("a b. c d. e a", "a c. b d. e"),
    ("很好......。 。", "很。 好 。"),
    ("3.5 分。 . 好", "3.5。. 好"),
]


@pytest.mark.parametrize("variant", LIBRARY)
@pytest.mark.parametrize("tokens", ["jieba_raw", "jieba_stripped", "jieba_joined"])
def test_golden(variant: str, tokens: str) -> None:
    cut = tokenizer(tokens)
    for response, reference in [p for p in [*PAIRS, *STOPS] if short(p)]:
        hypothesis, target = " ".join(cut.tokens(response)), " ".join(cut.tokens(reference))
        if hypothesis.split() and target.split():
            expected = LIBRARY[variant].get_scores(hypothesis, target)[0]
            for kind, name in KINDS.items():
                found = rouge_sets(kind, variant, cut, [response], [[reference]])
                assert found == [pytest.approx(expected[name]["f"], abs=1e-12)], (response, reference)


@settings(max_examples=60)
@given(st.text("好的嗯 .。\n”…", max_size=20), st.text("好的嗯 .。\n”…", max_size=20))
def test_golden_for_text_of_stops_and_spaces(response: str, reference: str) -> None:
    cut = tokenizer("jieba_raw")
    hypothesis, target = " ".join(cut.tokens(response)), " ".join(cut.tokens(reference))
    for variant, library in LIBRARY.items():
        found = {kind: rouge_sets(kind, variant, cut, [response], [[reference]])[0] for kind in KINDS}
        if not hypothesis.split() or not target.split():
            assert set(found.values()) == {0.0}
            continue
        try:
            expected = library.get_scores(hypothesis, target)[0]
        except ValueError:  # nothing but full stops
            assert set(found.values()) == {0.0}
        else:
            assert found == {kind: pytest.approx(expected[name]["f"], abs=1e-12) for kind, name in KINDS.items()}


def test_a_long_answer_needs_no_deep_recursion() -> None:
    long = "我们一起慢慢来，" * 200
    assert rouge_sets("rougeL", "rouge", tokenizer("jieba_raw"), [long], [[long]]) == [pytest.approx(1, abs=1e-6)]


def test_an_empty_answer_scores_0_and_the_best_reference_counts() -> None:
    cut = tokenizer("jieba_raw")
    assert rouge_sets("rouge1", "rouge", cut, ["", "慢慢来"], [["好"], ["别的", "慢慢来"]]) == [0.0, pytest.approx(1)]
