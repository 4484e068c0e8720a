"""Files from the Hugging Face hub, or one that speaks as it does (``HF_ENDPOINT``); what is said where none come."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from mentalft.errors import UserError, first_line

MIRROR = "https://hf-mirror.com"
OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


def snapshot(
    what: str, name: str, kind: Literal["model", "dataset"], revision: str | None, patterns: list[str], *,
    modelscope: str, offline: str, refused: type[UserError],
) -> Path:  # fmt: skip
    """The folder of the files that match ``patterns``, named after their commit; downloaded unless they are there.

    Args:
        what: key and value that name it in the configuration,
        modelscope: how to have it from there,
        offline: what to do without a network, and
        refused: the type of error, for messages.
    """
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    called, page = ("model", name) if kind == "model" else ("data set", f"datasets/{name}")
    mend = f"where it is blocked, set HF_ENDPOINT to a mirror such as {MIRROR}, or {modelscope}; {offline}"
    with explained(what, f"{endpoint} cannot be reached", mend, refused, place=f"HF_HOME={constants.HF_HOME}"):
        try:
            return Path(
                snapshot_download(name, repo_type=kind, revision=revision, allow_patterns=patterns, etag_timeout=10)
            )
        except GatedRepoError as error:
            raise refused(
                f"{what}: the {called} is gated and this account may not read it; accept its licence on "
                f"{endpoint}/{page}, then log in with `hf auth login` or set HF_TOKEN"
            ) from error
        except RevisionNotFoundError as error:
            raise refused(f"{what}: there is no revision {revision!r} of it; correct it") from error
        except RepositoryNotFoundError as error:
            raise refused(
                f"{what}: {endpoint} has no such {called} or it is private; check the name or log in"
            ) from error


@contextmanager
def explained(what: str, problem: str, mend: str, refused: type[UserError], place: str) -> Iterator[None]:
    """Say in one line what of the network or of the disk goes wrong.

    Args:
        problem: what an error of the network means, and
        mend: what to do about it.
        place: the setting, with its value, that says where files are kept.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OF_THE_DISK:
            why = f"{os.strerror(error.errno)} in {place}; free space there, or choose another place with it"
        elif isinstance(error, OSError | ValueError) or type(error).__module__.startswith(("httpx", "httpcore")):
            why = f"{problem} ({first_line(error)}); {mend}"
        else:
            raise
        raise refused(f"{what}: {why}") from error
