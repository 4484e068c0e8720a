"""BERTScore equals its package's, rescaled; where the package or a baseline is missing, that is one clear message."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mentalft.errors import ConfigError
from mentalft.metrics.bertscore import bertscore, load
from tests.metrics.pairs import ORDINARY


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT called as one that there is a baseline for."""
    pytest.importorskip("bert_score", reason="pip install 'mentalft[bertscore]'")
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("models") / "bert-base-chinese"
    folder.mkdir()
    characters = sorted({c for pair in ORDINARY for text in pair for c in text.lower() if not c.isspace()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{c}" for c in characters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(str(folder))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=12, num_attention_heads=2, intermediate_size=16
    )
    BertModel(config).save_pretrained(str(folder))
    return folder


def test_golden(model: Path) -> None:
    from bert_score import BERTScorer

    responses, references = [a for a, _ in ORDINARY], [b for _, b in ORDINARY]
    scorer = load(str(model), "zh")
    plain = BERTScorer(model_type=str(model), num_layers=8, lang="zh")
    plain._tokenizer.model_max_length = 512
    raw = plain.score(responses, references)[2]
    baseline = scorer.library.baseline_vals[2].item()
    expected = ((raw - baseline) / (1 - baseline)).tolist()
    assert bertscore(scorer, responses, [[r] for r in references]) == pytest.approx(expected, abs=1e-5)


def test_empty_scores_0_and_the_best_reference_counts(model: Path) -> None:
    scorer = load(str(model), "zh")
    found = bertscore(scorer, ["", "慢慢来", "慢慢来"], [["好"], ["别的话", "", "慢慢来"], [""]])
    assert found == [0.0, pytest.approx(1.0, abs=1e-5), 0.0]
    assert "rescaled:zh" in scorer.signature


def test_a_text_longer_than_the_model_is_cut(model: Path) -> None:
    assert bertscore(load(str(model), "zh"), ["慢慢来" * 1000], [["慢慢来"]])[0] <= 1


def test_a_model_without_a_baseline_is_an_error(model: Path) -> None:
    with pytest.raises(ConfigError, match=r"no baseline.*bert-base-chinese"):
        load("my-bert", "zh")


def test_without_a_network_the_mend_is_named(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError("no network\nat all")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(ConfigError, match=r"\(no network\); .* eval\.bertscore_model=FOLDER/bert-base-chinese"):
        load(None, "zh")


def test_a_missing_package_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bert_score", None)
    with pytest.raises(ConfigError, match=r"pip install 'mentalft\[bertscore\]'"):
        load(None, "zh")
