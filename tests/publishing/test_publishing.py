"""Publishing through the hubs' own clients, to servers on loopback: what goes, what is asked, and what never goes."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from mentalft.cli.publish import main
from mentalft.export.record import EXPORT, Cause, Export, Made
from mentalft.files import sha256_file
from mentalft.show.card_facts import Base
from tests.conftest import dialogue_record
from tests.publishing.loopback import TOKEN, USER, LoopbackHub, Repository
from tests.recorded import recorded_run

BASE = ["--base-id", "someone/tiny", "--base-revision", "abc123"]
HUBS = {"hf": "huggingface", "modelscope": "modelscope"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_run(tmp_path_factory.mktemp("published") / "run")


@pytest.fixture
def run(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "run"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> LoopbackHub:
    found = LoopbackHub()
    monkeypatch.setenv("HF_ENDPOINT", found.url)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", found.url)
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    return found


@pytest.fixture
def publish(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[object, str, str]]:
    def call(*arguments: Any) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["mentalft-publish", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call


@pytest.mark.parametrize("to", HUBS)
def test_an_adapter_is_shown_asked_for_and_published_privately(
    run: Path, hub: LoopbackHub, publish: Any, to: str
) -> None:
    before = {path: sha256_file(path) for path in sorted(run.rglob("*")) if path.is_file()}
    code, out, err = publish(run, "--to", f"{to}:{USER}/adapter", *BASE)
    assert code == 1
    assert "to be published as me/adapter" in out
    assert "PRIVATE" in out
    assert "adapter_model.safetensors" in out
    assert "base model: someone/tiny, revision abc123" in out
    assert "add --yes" in err
    assert not hub.repositories

    assert publish(run, "--to", f"{to}:{USER}/adapter", *BASE, "--yes")[0] == 0
    there = hub.repositories[f"{USER}/adapter"]
    assert there.private
    sent = {name: content for name, content in there.files.items() if not name.startswith(".git")}
    assert sent.keys() == {path.name for path in (run / "adapter").iterdir()}
    assert sent["adapter_model.safetensors"] == (run / "adapter" / "adapter_model.safetensors").read_bytes()
    described = json.loads(sent["adapter_config.json"])
    assert (described["base_model_name_or_path"], described["revision"]) == ("someone/tiny", "abc123")
    card = sent["README.md"].decode()
    assert "base_model: someone/tiny" in card
    for word in ("12356", "Against the base model", "not a clinician", "licence"):
        assert word in card
    assert not any(str(run).encode() in content or TOKEN.encode() in content for content in sent.values())
    assert {path: sha256_file(path) for path in sorted(run.rglob("*")) if path.is_file()} == before


def exported(run: Path, *, passed: bool = True, metadata: dict[str, str] | None = None, **files: str) -> Path:
    """An export as mentalft-export leaves it."""
    folder = run / "exports" / "merged"
    folder.mkdir(parents=True)
    save_file({"weight": np.zeros(2, np.float32)}, folder / "model.safetensors", metadata=metadata)
    shutil.copyfile(run / "adapter" / "README.md", folder / "README.md")
    for name, text in {"config.json": "{}", **files}.items():
        (folder / name).write_text(text, encoding="utf-8")
    made = Made("merged", "tuned", "someone/tiny", None, "0" * 64, "float32", "float32", "none", "2026-11-28", {})
    causes = () if passed else (Cause("dtype lowered", "the weights are bfloat16", "export again"),)
    hashes = {path.name: sha256_file(path) for path in folder.iterdir()}
    EXPORT.save(folder, Export(made, causes, None, None, None, hashes, passed))
    return folder


def test_a_proven_export_is_published_with_its_proof(run: Path, hub: LoopbackHub, publish: Any) -> None:
    folder = exported(run)
    assert publish(run, "--to", f"hf:{USER}/merged", "--what", "merged", *BASE, "--public", "-y")[0] == 0
    there = hub.repositories[f"{USER}/merged"]
    assert not there.private
    assert {path.name for path in folder.iterdir()} == there.files.keys()
    assert there.files["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    assert "with its LoRA adapter merged in" in there.files["README.md"].decode()


@pytest.mark.parametrize(
    ("files", "metadata", "message"),
    [
        ({"pytorch_model.bin": "weights"}, {}, "pytorch_model.bin is none of the files that are published"),
        ({"items.jsonl": "{}"}, {}, "items.jsonl is none of the files that are published"),
        ({"config.json": '{"_name_or_path": "/mnt/models/llama"}'}, {}, "config.json holds a path of this machine (/mnt/models"),
        ({"config.json": '{"_name_or_path": "C:\\\\Users\\\\me"}'}, {}, "config.json holds a path of this machine (C:"),
        ({}, {"source": "/home/somebody/base"}, "model.safetensors holds a path of this machine (/home/somebody"),
        ({"tokenizer_config.json": '{"x": "hf_abcdefghijklmnopqrst"}'}, {}, "tokenizer_config.json holds what looks like a key"),
        ({"config.json": f'{{"auth": "{TOKEN}"}}'}, {}, "config.json holds what looks like a key"),
    ],
)  # fmt: skip
def test_what_is_nobody_elses_business_is_refused(
    run: Path, hub: LoopbackHub, publish: Any, files: dict[str, str], metadata: dict[str, str], message: str
) -> None:
    exported(run, metadata=metadata or None, **files)
    code, _, err = publish(run, "--to", f"hf:{USER}/merged", "--what", "merged", *BASE, "--yes")
    assert code == 1
    assert message in err
    assert err.count("\n") == 1
    assert not hub.repositories


def test_a_card_with_dialogue_text_or_without_help_is_refused(
    run: Path, hub: LoopbackHub, publish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Base("someone/tiny", None, '"someone/tiny"', hub_id="someone/tiny")
    monkeypatch.setattr("mentalft.publishing.contents.base_of", lambda _: base)  # so that the card is taken as it is
    folder = exported(run)
    said = dialogue_record(0)["messages"][1]["content"]
    for card, message in (
        ("---\nlicense: mit\n---\nIn need call 12356. It answers: " + said, "README.md holds text of data/train.jsonl"),
        ("---\nlicense: mit\n---\nA model.", "README.md names no help line"),
    ):
        (folder / "README.md").write_text(card, encoding="utf-8")
        found = EXPORT.load(folder)
        EXPORT.save(folder, replace(found, files={**found.files, "README.md": sha256_file(folder / "README.md")}))
        code, _, err = publish(run, "--to", f"hf:{USER}/merged", "--what", "merged", "--yes")
        assert code == 1
        assert message in err
    assert not hub.repositories


def test_what_is_not_proven_or_changed_since_is_refused(run: Path, hub: LoopbackHub, publish: Any) -> None:
    to = ("--to", f"hf:{USER}/merged", *BASE, "--yes", "--what", "merged")
    assert "this run has adapter" in publish(run, *to)[2]
    folder = exported(run, passed=False)
    assert "is not proven to be what was evaluated (dtype lowered" in publish(run, *to)[2]
    shutil.rmtree(folder)
    folder = exported(run)
    (folder / "config.json").write_text("[]", encoding="utf-8")
    assert "config.json is not what it was when it was proven" in publish(run, *to)[2]
    (folder / "export.json").unlink()
    assert "has no export.json, so nothing proves it" in publish(run, *to)[2]
    (run / "adapter" / "adapter_model.safetensors").write_text("another")
    assert "adapter_model.safetensors is not what it was when it was trained" in publish(run, *to[:-1], "adapter")[2]
    assert not hub.repositories


@pytest.mark.parametrize("to", HUBS)
def test_a_repository_that_exists_is_not_changed_unseen(run: Path, hub: LoopbackHub, publish: Any, to: str) -> None:
    hub.repositories["they/model"] = Repository(private=False, files={"README.md": b"theirs", "other.txt": b"x"})
    asked = (run, "--to", f"{to}:they/model", *BASE)
    assert "they/model" in (error := publish(*asked, "--yes")[2])
    assert "is public; give --public" in error
    _, out, err = publish(*asked, "--public")
    assert "PUBLIC" in out
    assert "replaced there: README.md" in out
    assert "left there as they are: other.txt" in out
    assert "add --yes" in err
    assert hub.repositories["they/model"].files["README.md"] == b"theirs"
    assert publish(*asked, "--public", "--yes")[0] == 0
    assert hub.repositories["they/model"].files["other.txt"] == b"x"
    assert b"12356" in hub.repositories["they/model"].files["README.md"]


@pytest.mark.parametrize(
    ("to", "variable", "message"),
    [
        ("hf", "HF_TOKEN", "there is no token of Hugging Face here; log in with `hf auth login`, or set HF_TOKEN"),
        ("modelscope", "MODELSCOPE_API_TOKEN", "there is no token of ModelScope here; log in with `modelscope login`"),
    ],
)
def test_without_a_token_or_with_a_wrong_one_it_is_one_message(
    run: Path, hub: LoopbackHub, publish: Any, monkeypatch: pytest.MonkeyPatch, to: str, variable: str, message: str
) -> None:
    asked = (run, "--to", f"{to}:{USER}/adapter", *BASE, "--yes")
    monkeypatch.setenv(variable, "hf_wrong")
    code, _, err = publish(*asked)
    assert code == 1
    assert "the token is not taken" in err
    assert err.count("\n") == 1
    monkeypatch.delenv(variable)
    assert message in publish(*asked)[2]


@pytest.mark.parametrize("to", HUBS)
def test_what_the_hub_refuses_is_said(run: Path, hub: LoopbackHub, publish: Any, to: str) -> None:
    hub.refused = {"/api/repos/create": 403, "/api/v1/models": 403}
    _, _, err = publish(run, "--to", f"{to}:they/model", *BASE, "--yes")
    assert "this token may not write to they/model" in err
    assert err.count("\n") == 1


def test_a_base_that_only_this_machine_knows_must_be_named(run: Path, hub: LoopbackHub, publish: Any) -> None:
    code, _, err = publish(run, "--to", f"hf:{USER}/adapter", "--yes")
    assert code == 1
    assert "--base-id OWNER/NAME, and --base-revision COMMIT" in err


def test_a_repository_is_of_a_hub(run: Path, publish: Any) -> None:
    assert publish(run, "--to", "github:me/model")[0] == 2
    assert publish(run, "--to", "hf:me")[0] == 2
    assert publish(run, "--to", "hf:me/model", "--base-revision", "abc")[0] == 2
