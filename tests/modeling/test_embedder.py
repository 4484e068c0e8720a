"""Vectors of length one, and a name that tells embedders apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from mentalft.assets import TINY_EMBEDDER
from mentalft.errors import ModelError
from mentalft.modeling.embedder import load_embedder


def test_vectors_have_length_one_and_like_texts_are_near() -> None:
    name, embed = load_embedder("embedded")
    vectors = embed(["我总是失眠，睡不着", "又失眠了，怎么也睡不着", "老板又让我加班"])  # (3, width)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert name.startswith("mentalft-tiny@")


def test_a_folder_is_named_with_a_hash_of_its_weights(tmp_path: Path) -> None:
    shutil.copytree(TINY_EMBEDDER, tmp_path / "mine")
    name, embed = load_embedder(str(tmp_path / "mine"))
    assert name == load_embedder("embedded")[0].replace("mentalft-tiny", "mine")
    assert embed(["你好"]).shape[0] == 1


def test_what_is_no_embedder_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"does not exist.*or embedded"):
        load_embedder(str(tmp_path / "absent"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_embedder(str(tmp_path / "empty"))
