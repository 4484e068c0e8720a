"""Names of the configuration and the functions they stand for; profiles of other tools."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jieba
import numpy as np
import pytest
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge import Rouge
from rouge_chinese import Rouge as RougeChinese
from rouge_score.rouge_scorer import RougeScorer

from mentalft.errors import ConfigError, ModelError
from mentalft.metrics.registry import (
    Embedder,
    Metric,
    Scorer,
    about,
    check_available,
    listed,
    names,
    register,
    registry,
    scorers_of,
)
from tests.metrics.pairs import PAIRS, short
from tests.metrics.test_extra import module
from tests.test_conf import composed

PLAIN = [name for name in names() if name != "bertscore"]
SHORT = [p for p in PAIRS if short(p)]
RESPONSES, REFERENCES = [a for a, _ in SHORT], [[b] for _, b in SHORT]


def embedder() -> Embedder:
    return Embedder("ones@1", lambda texts: np.ones((len(texts), 2), dtype=np.float32) / np.sqrt(2))


def metrics(*overrides: str) -> dict[str, Scorer]:
    return scorers_of(composed(*overrides).eval, REFERENCES, embedder)


def aggregate(metric: Scorer, responses: list[str] = RESPONSES, references: list[list[str]] = REFERENCES) -> float:
    return float(metric.total(metric.score(responses, references).sum(axis=0)))


ALL = metrics(f"eval.metrics=[{','.join(PLAIN)}]")


@pytest.mark.parametrize("name", PLAIN)
def test_every_metric_scores_items_and_their_sum(name: str) -> None:
    metric = ALL[name]
    parts = metric.score(["甲乙丙丁，一起说吧。", ""], [["甲乙丙丁，一起说吧。"], ["我们慢慢说吧。"]])
    empty = metric.total(parts)[1]
    assert empty == 0.0
    assert np.isfinite(metric.total(np.zeros((2, parts.shape[1])))).all()


@pytest.mark.parametrize(
    "name",
    [
        "bleu1",
        "bleu2",
        "bleu3",
        "bleu",
        "corpus_bleu",
        "chrf",
        "rouge1",
        "rouge2",
        "rougeL",
        "meteor",
        "cosine",
        "distinct1",
        "distinct2",
        "length",
    ],
)
def test_the_reference_itself_scores_as_high_as_the_scale_goes(name: str) -> None:
    metric = ALL[name]
    (best,) = metric.total(metric.score(["甲乙丙丁，一起说吧。"], [["甲乙丙丁，一起说吧。"]]))
    assert metric.scale is not None
    assert best == pytest.approx(float(metric.scale.replace("–", " ").split()[-1]), abs=0.01)


@pytest.mark.parametrize("name", PLAIN)
def test_scores_of_items_do_not_depend_on_their_neighbours(name: str) -> None:
    together = ALL[name].score(RESPONSES[:6], REFERENCES[:6])
    alone = np.concatenate([ALL[name].score([r], [f]) for r, f in zip(RESPONSES[:6], REFERENCES[:6], strict=True)])
    assert together == pytest.approx(alone, abs=1e-6)


def test_signatures_are_told_apart_and_name_the_embedder() -> None:
    assert len({m.signature for m in ALL.values()}) == len(PLAIN)
    assert "embedder:ones@1" in ALL["cosine"].signature
    assert all(
        "tok:char" in m.signature
        for m in metrics("eval.tokenizer=char", "eval.metrics=[bleu,rouge1,distinct2]").values()
    )


def test_english_references_are_cut_as_english() -> None:
    cfg = composed("eval.metrics=[bleu,corpus_bleu]").eval
    for metric in scorers_of(cfg, [["That sounds hard."]], embedder).values():
        assert "tok:13a" in metric.signature


def test_no_embedder_is_loaded_for_metrics_that_need_none() -> None:
    def refuse() -> Embedder:
        raise AssertionError

    assert list(scorers_of(composed("eval.metrics=[bleu]", "eval.primary=bleu").eval, [["好"]], refuse)) == ["bleu"]


def test_names_of_metrics_import_no_heavy_library() -> None:
    code = (
        "import sys; from mentalft.metrics.registry import names; assert names(); heavy = 'torch', 'nltk', 'jieba', "
        "'sacrebleu', 'evaluate', 'numpy', 'concurrent.futures'; print([m for m in heavy if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_an_extra_metric_may_be_better_the_lower_it_is(tmp_path: Path) -> None:
    spec = module(tmp_path, 'return {"mine": [0.5] * len(predictions)}')
    assert metrics(f"eval.extra_metrics=['{spec}']")["mine"].higher_is_better
    assert not metrics(f"eval.extra_metrics=['{spec}']", "eval.lower_is_better=[mine]")["mine"].higher_is_better


def test_what_a_metric_needs_is_looked_for_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bert_score", None)
    check_available(composed().eval)
    for override, message in (("eval.metrics=[bertscore]", "pip install"), ("eval.extra_metrics=[./no.py]", "exist")):
        with pytest.raises(ConfigError, match=message):
            check_available(composed(override).eval)
    with pytest.raises(ConfigError, match="pip install"):
        check_available(composed().eval, ["bertscore"])


def test_an_embedder_is_looked_for_where_a_metric_needs_it() -> None:
    absent = "eval.embedder=./absent"
    check_available(composed(absent, "eval.metrics=[bleu]").eval)
    check_available(composed(absent, "eval.metrics=[cosine]").eval, ["bleu"])
    with pytest.raises(ModelError, match="does not exist"):
        check_available(composed(absent, "eval.metrics=[cosine]").eval)
    with pytest.raises(ModelError, match="does not exist"):
        check_available(composed(absent, "eval.metrics=[bleu]").eval, ["cosine"])


def sentence(hypothesis: list[str], target: list[str], method: str, weights: tuple[float, ...] = (0.25,) * 4) -> float:
    return float(sentence_bleu([target], hypothesis, weights, getattr(SmoothingFunction(), method)))


def test_the_reference_profile_is_the_published_evaluation() -> None:
    found = metrics("eval=reference")
    assert list(found) == ["bleu", "rouge1", "cosine", "length_reference"]
    scorer = RougeScorer(["rouge1"], use_stemmer=True)
    bleu = [sentence(list(jieba.cut(a)), list(jieba.cut(b)), "method4") if a else 0.0 for a, b in SHORT]
    rouge = [scorer.score(b, a)["rouge1"].fmeasure for a, b in SHORT]
    assert aggregate(found["bleu"]) == pytest.approx(np.mean(bleu), abs=1e-12)
    assert aggregate(found["rouge1"]) == pytest.approx(np.mean(rouge), abs=1e-12)


def test_llama_factory() -> None:
    """BLEU-4 of characters, method 3; ROUGE of jieba's words by rouge_chinese; what has no words is 0."""
    found, library = metrics("eval=llama_factory"), RougeChinese()
    bleu, rouge = [], []
    for a, b in SHORT:
        bleu.append(sentence(list(a), list(b), "method3") if a else 0.0)
        hypothesis, target = " ".join(jieba.cut(a)), " ".join(jieba.cut(b))
        rouge.append(library.get_scores(hypothesis, target)[0]["rouge-l"]["f"] if hypothesis.split() else 0.0)
    assert aggregate(found["bleu"]) == pytest.approx(np.mean(bleu), abs=1e-12)
    assert aggregate(found["rougeL"]) == pytest.approx(np.mean(rouge), abs=1e-12)


def test_ms_swift() -> None:
    """BLEU-4 of jieba's words, method 3, ROUGE by rouge; an answer without words counts in no mean."""
    found, library = metrics("eval=ms_swift"), Rouge()
    bleu, rouge = [], []
    for a, b in SHORT:
        hypothesis, target = ([w.strip(" ") for w in jieba.cut(t) if w.strip(" ")] for t in (a, b))
        if hypothesis and target:
            bleu.append(sentence(hypothesis, target, "method3"))
            rouge.append(library.get_scores(" ".join(hypothesis), " ".join(target))[0]["rouge-1"]["f"])
    assert len(bleu) < len(SHORT)
    assert aggregate(found["bleu"]) == pytest.approx(np.mean(bleu), abs=1e-12)
    assert aggregate(found["rouge1"]) == pytest.approx(np.mean(rouge), abs=1e-12)
    assert "empty:skipped" in found["bleu"].signature


def test_emollm() -> None:
    """BLEU-1 to -4 of jieba's words of the text without spaces, method 1."""
    found = metrics("eval=emollm")
    for order, name in enumerate(("bleu1", "bleu2", "bleu3", "bleu"), 1):
        expected = []
        for a, b in SHORT:
            hypothesis, target = (" ".join(jieba.cut(t.replace(" ", ""))).split(" ") for t in (a, b))
            expected.append(sentence(hypothesis, target, "method1", (1 / order,) * order))
        assert aggregate(found[name]) == pytest.approx(np.mean(expected), abs=1e-12), name


def test_skipped_answers_raise_a_mean_and_nothing_at_all_scores_0() -> None:
    zero, skip = (
        metrics("eval.metrics=[rouge1]")["rouge1"],
        metrics("eval.metrics=[rouge1]", "eval.empty_answers=skip")["rouge1"],
    )
    answers, references = ["我在听。", ""], [["我在听。"], ["好"]]
    assert (aggregate(zero, answers, references), aggregate(skip, answers, references)) == (0.5, 1.0)
    assert aggregate(skip, ["", " "], references) == 0.0


def test_every_metric_says_what_it_is_in_both_languages() -> None:
    for name, metric in registry().items():
        assert metric.name == name
        assert set(metric.about) == {"en", "zh"}
        assert all(metric.about.values())
        assert metric.scale != ""
    assert (
        about("rougeL", "en")
        == "F-measure of the longest common subsequence shared with the best reference, mean over answers"
    )
    assert about("mine", "zh") is None
    assert {row["name"] for row in listed("zh")} == set(registry())
    assert "perplexity" not in names(), "it is asked for by eval.perplexity"


def test_two_metrics_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two metrics are called 'bleu'"):
        register(Metric("bleu", "mine", {"en": "", "zh": ""}, None, lambda _: None))  # type: ignore[arg-type, return-value]
