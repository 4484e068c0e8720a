"""Vectors of length one, and a name that tells embedders apart."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mentalft.assets import TINY_EMBEDDER
from mentalft.errors import ModelError
from mentalft.modeling.embedder import load_embedder


def test_vectors_have_length_one_and_like_texts_are_near() -> None:
    name, embed, *_ = load_embedder("embedded")
    vectors = embed(["我总是失眠，睡不着", "又失眠了，怎么也睡不着", "老板又让我加班"])  # (3, width)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert name.startswith("mentalft-tiny@")


def test_a_folder_is_named_with_a_hash_of_its_weights(tmp_path: Path) -> None:
    shutil.copytree(TINY_EMBEDDER, tmp_path / "mine")
    name, embed, *_ = load_embedder(str(tmp_path / "mine"))
    assert name == load_embedder("embedded")[0].replace("mentalft-tiny", "mine")
    assert embed(["你好"]).shape[0] == 1


def test_what_is_no_embedder_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"does not exist.*or embedded"):
        load_embedder(str(tmp_path / "absent"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_embedder(str(tmp_path / "empty"))


def test_texts_longer_than_the_embedder_reads_are_known(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "慢", "来"]
    (tmp_path / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(str(tmp_path / "bert"))
    config = BertConfig(vocab_size=7, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    BertModel(config).save_pretrained(str(tmp_path / "bert"))
    transformer = Transformer(str(tmp_path / "bert"), max_seq_length=5)
    SentenceTransformer(modules=[transformer, Pooling(8)]).save(str(tmp_path / "embedder"))
    is_cut = load_embedder(str(tmp_path / "embedder")).is_cut
    assert is_cut(["慢慢来", "慢慢来来", "", "慢慢来" * 50]) == [False, True, False, True]
    assert is_cut([]) == []
    assert load_embedder("embedded").is_cut(["慢慢来" * 1000]) == [False]


def test_what_its_vocabulary_lacks_is_counted() -> None:
    unknown = load_embedder("auto").unknown
    assert unknown(["最近总是睡不好，我们慢慢说。"]) < 0.1
    assert unknown(["You sound worn out by all of this."]) > 0.5
    assert unknown([]) == 0.0


def test_modelscope_has_embedders_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def snapshot_download(name: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((name, revision))
        if name != "someone/embedder":
            raise RuntimeError("404")
        return str(TINY_EMBEDDER)

    monkeypatch.setitem(sys.modules, "modelscope", SimpleNamespace(snapshot_download=snapshot_download))
    name, embed, *_ = load_embedder("modelscope://someone/embedder@v1")
    assert name == load_embedder("embedded")[0].replace("mentalft-tiny", "embedder")
    assert embed(["你好"]).shape[0] == 1
    load_embedder("modelscope://someone/embedder")
    assert asked == [("someone/embedder", "v1"), ("someone/embedder", None)]
    with pytest.raises(
        ModelError, match=r"eval\.embedder=someone/absent: ModelScope gave no model .404.; check the name"
    ):
        load_embedder("modelscope://someone/absent")
    monkeypatch.setitem(sys.modules, "modelscope", None)
    with pytest.raises(ModelError, match="needs the modelscope package: pip install"):
        load_embedder("modelscope://someone/embedder")
