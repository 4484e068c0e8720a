"""The two hubs behind one signature, each through its own client; tokens come from where the client keeps them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from mentalft.errors import ConfigError, UserError, first_line

CLIENTS = ("huggingface_hub", "modelscope_hub", "httpx", "requests", "urllib3")
"""Whose errors are the hub's answer, or that there was none."""


class Existing(NamedTuple):
    """A repository that is there already."""

    files: tuple[str, ...]
    private: bool


class Hub(Protocol):
    """Where models are published."""

    key: str
    """As a run's record calls it."""
    endpoint: str
    token: str

    def user(self) -> str:
        """Whose token it is."""
        ...

    def existing(self, repository: str) -> Existing | None:
        """What is in a repository; None where there is none that this token may see."""
        ...

    def create(self, repository: str, *, private: bool, licence: str | None) -> None: ...

    def upload(self, repository: str, folder: Path, message: str) -> str:
        """Send every file of ``folder``; where to look at it."""
        ...


class HuggingFace:
    """https://huggingface.co, or what ``HF_ENDPOINT`` names."""

    key = "huggingface"

    def __init__(self) -> None:
        from huggingface_hub import HfApi, get_token

        token = get_token()
        if not token:
            raise ConfigError("there is no token of Hugging Face here; log in with `hf auth login`, or set HF_TOKEN")
        self.token = token
        self.endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
        self.api = HfApi(endpoint=self.endpoint, token=token)

    def user(self) -> str:
        return str(self.api.whoami()["name"])

    def existing(self, repository: str) -> Existing | None:
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            found = self.api.model_info(repository)
        except RepositoryNotFoundError:
            return None
        return Existing(tuple(file.rfilename for file in found.siblings or ()), bool(found.private))

    def create(self, repository: str, *, private: bool, licence: str | None) -> None:  # noqa: ARG002 - the card has it
        self.api.create_repo(repository, private=private)

    def upload(self, repository: str, folder: Path, message: str) -> str:
        self.api.upload_folder(repo_id=repository, folder_path=folder, commit_message=message)
        return f"{self.endpoint}/{repository}"


class ModelScope:
    """https://modelscope.cn, or what ``MODELSCOPE_ENDPOINT`` names."""

    key = "modelscope"

    def __init__(self) -> None:
        try:
            from modelscope_hub import HubApi, HubConfig
        except ImportError as error:
            raise ConfigError("ModelScope needs its client: pip install 'mentalft[modelscope]'") from error
        logging.getLogger("modelscope_hub").setLevel(logging.WARNING)
        config = HubConfig()
        if not config.token:
            raise ConfigError(
                "there is no token of ModelScope here; log in with `modelscope login`, or set MODELSCOPE_API_TOKEN"
            )
        self.token, self.endpoint = str(config.token), str(config.endpoint).rstrip("/")
        self.api = HubApi(config)

    def user(self) -> str:
        return str(self.api.whoami().username)

    def existing(self, repository: str) -> Existing | None:
        from modelscope_hub.constants import Visibility
        from modelscope_hub.errors import NotExistError

        try:
            found = self.api.get_repo(repository, "model")
        except NotExistError:
            return None
        files = tuple(file.path for file in self.api.list_repo_files(repository, "model"))
        return Existing(files, found.visibility != Visibility.PUBLIC)

    def create(self, repository: str, *, private: bool, licence: str | None) -> None:
        visibility = "private" if private else "public"
        self.api.create_repo(repository, "model", visibility=visibility, license=licence or "other")

    def upload(self, repository: str, folder: Path, message: str) -> str:
        self.api.upload_folder(repository, "model", folder, commit_message=message, use_cache=False)
        return f"{self.endpoint}/models/{repository}"


HUBS: dict[str, type[HuggingFace] | type[ModelScope]] = {"hf": HuggingFace, "modelscope": ModelScope}


@contextmanager
def explained(hub: Hub, repository: str) -> Iterator[None]:
    """Say in one line what a hub answers.

    Raises:
        UserError: whatever the client raised.
    """
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(CLIENTS) and not isinstance(error, OSError):
            raise
        status = getattr(getattr(error, "response", None), "status_code", None) or getattr(error, "status_code", None)
        mend = {
            401: "log in again: the token is not taken",
            403: f"this token may not write to {repository}; take one that may",
        }.get(status or 0, "what was sent stays; the same command goes on from there")
        raise UserError(f"{hub.endpoint}: {first_line(error)}; {mend}") from error
