"""Finding a model: embedded, folder, hub; every way to be wrong has a message of its own.

The hub client reads its endpoint when it is imported, so each case runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mentalft.errors import ModelError
from mentalft.modeling.locate import locate_model
from tests.modeling.hub import COMMIT, hub
from tests.test_conf import composed

CODE = """
import json, sys
from mentalft.config import ModelConfig
from mentalft.errors import ModelError
from mentalft.modeling.locate import locate_model
name, revision, weights = sys.argv[1:]
cfg = ModelConfig("m", name, revision or None, "huggingface", "sdpa", {})
try:
    found = locate_model(cfg, weights=bool(weights))
    print(json.dumps([found.name, found.revision, sorted(p.name for p in found.folder.iterdir())]))
except ModelError as error:
    print(json.dumps(str(error)))
"""


def locate_on(endpoint: str, name: str, home: Path, revision: str = "", *, weights: bool = True) -> object:
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CODE, name, revision, "yes" * weights],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_embedded_model_is_a_folder_with_safetensors() -> None:
    located = locate_model(composed().model)
    assert (located.folder / "model.safetensors").is_file()
    assert len(located.fingerprint()) == 64


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("./nowhere", "does not exist"),
        ("/no/such/folder", "does not exist"),
        ("just-a-name", "does not exist"),
    ],
)
def test_a_path_that_is_not_there(name: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        locate_model(composed(f"model.name_or_path={name}").model)


def test_a_folder_without_a_model_or_with_pickled_weights_alone(tmp_path: Path) -> None:
    cfg = composed(f"model.name_or_path={tmp_path}").model
    with pytest.raises(ModelError, match=r"no config\.json"):
        locate_model(cfg)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="safetensors"):
        locate_model(cfg)


def test_a_hub_model_is_downloaded_and_its_commit_recorded(small_model: Path, tmp_path: Path) -> None:
    with hub({"someone/tiny": small_model}) as endpoint:
        name, revision, files = locate_on(endpoint, "someone/tiny", tmp_path)  # type: ignore[misc]
    assert (name, revision) == ("someone/tiny", COMMIT)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(files)


def test_for_counting_tokens_no_weights_are_downloaded(small_model: Path, tmp_path: Path) -> None:
    with hub({"someone/tiny": small_model}) as endpoint:
        _, _, files = locate_on(endpoint, "someone/tiny", tmp_path, weights=False)  # type: ignore[misc]
    assert "tokenizer.json" in files
    assert "model.safetensors" not in files


@pytest.mark.parametrize(
    ("name", "revision", "words"),
    [
        ("someone/closed", "", ["gated", "accept its licence", "hf auth login"]),
        ("someone/absent", "", ["no such model", "check the name"]),
        ("someone/tiny", "nonsense", ["no revision 'nonsense'"]),
    ],
)
def test_what_the_hub_refuses_is_said_in_words(
    name: str, revision: str, words: list[str], small_model: Path, tmp_path: Path
) -> None:
    with hub({"someone/tiny": small_model}, gated=("someone/closed",)) as endpoint:
        message = locate_on(endpoint, name, tmp_path, revision)
    for word in words:
        assert word in str(message)


def test_a_hub_that_cannot_be_reached_names_offline_ways(tmp_path: Path) -> None:
    message = str(locate_on("http://127.0.0.1:9", "someone/tiny", tmp_path))
    for word in (
        "cannot be reached",
        "model=tiny",
        "HF_HUB_OFFLINE=1",
        "HF_ENDPOINT to a mirror",
        "model.hub=modelscope",
    ):
        assert word in message
