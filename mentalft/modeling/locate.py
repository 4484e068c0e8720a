"""Where a model's files are: embedded, in a local folder, or on a hub."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mentalft.assets import TINY_MODEL
from mentalft.config import EMBEDDED, EMBEDDED_MODEL, ModelConfig
from mentalft.errors import ConfigError, ModelError, first_line
from mentalft.files import sha256_folder
from mentalft.modeling.hub import snapshot

WANTED = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
"""Weights as safetensors alone: pickled weights can run code when loaded."""
MODELSCOPE = "modelscope://"
MODELSCOPE_WAYS = {
    "model.name_or_path": "set model.hub=modelscope for the model of that name there",
    "eval.embedder": f"give eval.embedder={MODELSCOPE}OWNER/NAME",
}
OFFLINE_WAYS = {
    "model.name_or_path": "without a network, use model=tiny, give model.name_or_path=FOLDER of a downloaded model, "
    "or download it once where there is one (hf download NAME) and set HF_HUB_OFFLINE=1",
    "eval.embedder": "without a network, use eval.embedder=embedded or the FOLDER of a downloaded embedder, "
    "or download it once where there is one (hf download NAME) and set HF_HUB_OFFLINE=1",
}


@dataclass(frozen=True)
class LocatedModel:
    """A folder with ``config.json``, tokenizer and safetensors weights."""

    folder: Path
    name: str
    """As the adapter's config should call its base: the hub id, or the path the user gave."""
    revision: str | None
    """Commit on the hub; None for local folders."""

    def fingerprint(self) -> str:
        """Tells weights and tokenizer apart; the hub's commit where there is one, else a hash of the files."""
        return f"{self.name}@{self.revision}" if self.revision else self._hash

    @cached_property
    def _hash(self) -> str:
        """Of gigabytes: made once a command, in which the files stay as they are."""
        return sha256_folder(self.folder, ("*.json", "*.safetensors", "*.model", "*.jinja"))


def template_file(cfg: ModelConfig) -> Path | None:
    """The file that ``model.chat_template`` names; None where it names none.

    Raises:
        ConfigError: there is no such file.
    """
    if cfg.chat_template in (None, "chatml"):
        return None
    path = Path(str(cfg.chat_template)).expanduser()
    if not path.is_file():
        raise ConfigError(f"model.chat_template={path} is no file; give one that holds a Jinja template, or chatml")
    return path


def locate_model(cfg: ModelConfig, *, weights: bool = True, key: str = "model.name_or_path") -> LocatedModel:
    """Find (and if need be download) the model that ``cfg`` names.

    Args:
        weights: False asks for configuration and tokenizer alone.
        key: the configuration key that holds the name, for messages.

    Raises:
        ModelError: there is no such folder or hub model, access is refused, or the hub cannot be
            reached within seconds; the message says what to do.
    """
    if cfg.name_or_path == EMBEDDED:
        return LocatedModel(TINY_MODEL, EMBEDDED_MODEL, None)
    folder = Path(cfg.name_or_path).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(f"{key}={folder} has no config.json; give the folder of a transformers model")
        if weights:
            _check_safetensors(folder, f"{key}={folder}")
        return LocatedModel(folder, cfg.name_or_path, None)
    if _looks_like_a_path(cfg.name_or_path):
        raise ModelError(
            f"{key}={cfg.name_or_path} does not exist; give a folder, or a hub id such as Qwen/Qwen2.5-1.5B-Instruct"
        )
    if cfg.hub == "modelscope":
        found = modelscope_snapshot(cfg.name_or_path, key=key, revision=cfg.revision, weights=weights)
        return LocatedModel(found, cfg.name_or_path, cfg.revision)
    found = hub_snapshot(cfg.name_or_path, key=key, revision=cfg.revision, weights=weights)
    return LocatedModel(found, cfg.name_or_path, found.name)


def _way(ways: dict[str, str], key: str) -> str:
    return ways.get(key, ways["model.name_or_path"])


def _looks_like_a_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.count("/") != 1 or "\\" in name


def _check_safetensors(folder: Path, what: str) -> None:
    if not any(folder.glob("*.safetensors")):
        raise ModelError(f"{what} has no *.safetensors; only safetensors weights are loaded")


def _wanted(weights: bool) -> list[str]:
    return WANTED if weights else [pattern for pattern in WANTED if pattern != "*.safetensors"]


def hub_snapshot(name: str, *, key: str, revision: str | None = None, weights: bool = True) -> Path:
    """The folder of a Hugging Face model's files, named after its commit; downloaded unless it is there.

    Args:
        key: the configuration key that holds ``name``, for messages.
        weights: False leaves the weights where they are.

    Raises:
        ModelError: as :func:`locate_model`.
    """
    what = f"{key}={name}"
    folder = snapshot(
        what, name, "model", revision, _wanted(weights),
        modelscope=_way(MODELSCOPE_WAYS, key), offline=_way(OFFLINE_WAYS, key), refused=ModelError,
    )  # fmt: skip
    if weights:
        _check_safetensors(folder, what)
    return folder


def modelscope_snapshot(name: str, *, key: str, revision: str | None = None, weights: bool = True) -> Path:
    """As :func:`hub_snapshot`, from ModelScope; its folders are not named after commits."""
    what = f"{key}={name}"
    try:
        from modelscope import snapshot_download
    except ImportError as error:
        raise ModelError(
            f"{what}: ModelScope needs the modelscope package: pip install 'mentalft[modelscope]'"
        ) from error
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=_wanted(weights)))
    except Exception as error:  # modelscope raises plain exceptions of many types
        mend = f"check the name; {_way(OFFLINE_WAYS, key)}"
        raise ModelError(f"{what}: ModelScope gave no model ({first_line(error)}); {mend}") from error
    if weights:
        _check_safetensors(folder, what)
    return folder
