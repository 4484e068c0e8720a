"""Data files on hubs: Hugging Face data sets through their own library, ModelScope's over its HTTP interface.

A file is downloaded once into the cache, a cut download goes on from where it was, and what arrives is held against the
size and the SHA-256 that the hub states.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from humanize import naturalsize

from mentalft.console import Bar, bar, say
from mentalft.errors import DataError, first_line
from mentalft.files import read_json, sha256_file, sha256_json, write_json
from mentalft.words import Said

ATTEMPTS, TIMEOUT = 5, 20.0
"""Of one download; seconds without a byte."""
ADDRESS = re.compile(
    r"(?P<hub>hf|modelscope)://(?:datasets/)?(?P<name>[^/@]+/[^/@]+)(?:@(?P<revision>[^/]+))?(?:/(?P<file>.+))?"
)

EXPECTED = "hf://OWNER/NAME[@REVISION]/FILE or modelscope://OWNER/NAME[@REVISION]/FILE"
OFFLINE_WAYS = "without a network, download it elsewhere and give data.path=FILE"
DATA_SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".txt", ".gz", ".zst")


def is_remote(path: str) -> bool:
    """Whether ``path`` is the address of something on a hub."""
    return "://" in path


def fetched(address: str, folder: Path, sha256: str | None = None) -> tuple[list[Path], str]:
    """The files of ``address``, downloaded unless they are there, and the revision they are of.

    Args:
        address: as in :data:`EXPECTED`; for Hugging Face the file may be left out for all data files.
        folder: where ModelScope files are kept; Hugging Face files stay in that library's own cache.
        sha256: what the file must hash to, over what the hub states.

    Raises:
        DataError: the address, the hub's answer, or what arrived is wrong; the message says how to go on.
    """
    match = ADDRESS.fullmatch(address)
    if match is None:
        raise DataError(f"data.path={address}: expected {EXPECTED}")
    if match["hub"] == "hf":
        files, revision = _from_hugging_face(address, match["name"], match["revision"], match["file"])
        if sha256:
            check_hash(files, sha256, address)
        return files, revision
    if not match["file"]:
        raise DataError(f"data.path={address}: name the file: modelscope://{match['name']}/FILE")
    remote = ModelScopeFile(address, match["name"], match["revision"] or "master", match["file"])
    return [remote.fetch(folder, sha256)], remote.commit


def _from_hugging_face(address: str, name: str, revision: str | None, file: str | None) -> tuple[list[Path], str]:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    patterns = [file] if file else [f"*{suffix}" for suffix in DATA_SUFFIXES]
    try:
        folder = Path(
            snapshot_download(name, repo_type="dataset", revision=revision, allow_patterns=patterns, etag_timeout=10)
        )
    except GatedRepoError as error:
        raise DataError(
            f"data.path={address}: the data set is gated and this account may not read it; accept its terms on "
            f"{endpoint}/datasets/{name}, then log in with `hf auth login` or set HF_TOKEN"
        ) from error
    except RevisionNotFoundError as error:
        raise DataError(f"data.path={address}: there is no revision {revision!r} of it") from error
    except RepositoryNotFoundError as error:
        raise DataError(
            f"data.path={address}: {endpoint} has no such data set or it is private; check or log in"
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise DataError(
            f"data.path={address}: {endpoint} cannot be reached ({first_line(error)}); {OFFLINE_WAYS}"
        ) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] in ("httpx", "httpcore", "requests"):
            raise DataError(
                f"data.path={address}: {endpoint} cannot be reached ({first_line(error)}); {OFFLINE_WAYS}"
            ) from error
        raise
    found = [folder / file] if file else sorted(p for p in folder.rglob("*") if p.name.endswith(DATA_SUFFIXES))
    found = [path for path in found if path.is_file()]
    if not found:
        raise DataError(f"data.path={address}: there is no such file in it")
    return found, folder.name


@dataclass
class ModelScopeFile:
    """One file of a ModelScope data set."""

    address: str
    name: str
    revision: str
    file: str

    def __post_init__(self) -> None:
        self.api = (
            f"{os.environ.get('MODELSCOPE_ENDPOINT', 'https://modelscope.cn').rstrip('/')}/api/v1/datasets/{self.name}"
        )

    def fetch(self, folder: Path, sha256: str | None) -> Path:
        """The file in ``folder``: there already and as it was when it was checked, or downloaded now."""
        target = folder / "modelscope" / self.name / self.revision / self.file
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):  # two that append to one file would spoil it
            if not self._is_there(target):
                self._fetch(target, sha256)
            elif sha256:
                check_hash([target], sha256, self.address)
        return target

    def _is_there(self, target: Path) -> bool:
        """Whether ``target`` is as it was when it was checked; one that was written to since is hashed again."""
        if not target.is_file() or not _note(target).is_file():
            return False
        noted, found = read_json(_note(target)), target.stat()
        self.commit = noted["revision"]
        if found.st_size != noted["bytes"]:
            return False
        return bool(found.st_mtime_ns == noted.get("mtime_ns") or sha256_file(target) == noted["sha256"])

    def _fetch(self, target: Path, sha256: str | None) -> None:
        stated = self._stated()
        self.commit = str(stated.get("Revision") or self.revision)
        digest = sha256 or stated.get("Sha256")
        part = target.with_name(f"{target.name}.{sha256_json([self.commit, digest])[:8]}.part")  # of this version alone
        say(Said("data.downloading", {"address": self.address, "size": naturalsize(stated["Size"], format="%.0f")}))
        with bar(Said("data.download_bar"), stated["Size"] // 1000) as shown:
            self._download(part, stated["Size"], shown)
        try:
            if digest:
                check_hash([part], digest, self.address)
        except DataError:
            part.unlink()
            raise
        part.replace(target)
        found = target.stat()
        note = {"address": self.address, "revision": self.commit, "bytes": found.st_size, "mtime_ns": found.st_mtime_ns}
        write_json(_note(target), {**note, "sha256": digest or sha256_file(target)})

    def _stated(self) -> dict[str, Any]:
        """What the hub says of the file: ``Path``, ``Size`` and ``Sha256``."""
        root, _, _ = self.file.rpartition("/")
        for page in range(1, 1000):
            query = {"Revision": self.revision, "Root": root or "/", "PageNumber": page, "PageSize": 200}
            answer = self._get(f"{self.api}/repo/tree", query)
            files = (answer.get("Data") or {}).get("Files") or []
            for one in files:
                if one.get("Path") == self.file and isinstance(one.get("Size"), int):
                    return dict(one)
            if len(files) < 200:
                break
        raise DataError(f"data.path={self.address}: the data set has no file {self.file} at revision {self.revision}")

    def _get(self, url: str, query: dict[str, Any]) -> Any:
        import httpx

        try:
            response = httpx.get(url, params=query, headers=_headers(), timeout=TIMEOUT, follow_redirects=True)
            self._check(response)
            return response.json()
        except (httpx.HTTPError, ValueError) as error:
            where = f"data.path={self.address}: ModelScope cannot be reached"
            raise DataError(f"{where} ({first_line(error)}); {OFFLINE_WAYS}") from error

    def _check(self, response: Any) -> None:
        if response.status_code in (401, 403):
            raise DataError(
                f"data.path={self.address}: ModelScope does not let this account read it; accept its terms on its "
                "page, and set MODELSCOPE_API_TOKEN"
            )
        if response.status_code == 404:
            raise DataError(f"data.path={self.address}: ModelScope has no such data set, revision or file")
        response.raise_for_status()

    def _download(self, part: Path, size: int, shown: Bar) -> None:
        """Fill ``part`` up to ``size`` bytes, going on after a cut."""
        import httpx

        failure = ""
        for attempt in range(ATTEMPTS):
            have = part.stat().st_size if part.is_file() else 0
            if have > size:
                part.unlink()
                have = 0
            if have == size and part.is_file():
                return
            time.sleep(min(8, 2**attempt - 1) * RETRY_PAUSE)
            try:
                self._one_request(part, have, shown)
                failure = f"{part.stat().st_size} of {size} bytes came"
            except (httpx.HTTPError, OSError) as error:
                failure = first_line(error)
        if part.is_file() and part.stat().st_size == size:
            return
        raise DataError(
            f"data.path={self.address}: the download stopped ({failure}); the same command goes on from there"
        )

    def _one_request(self, part: Path, have: int, shown: Bar) -> None:
        import httpx

        query = {"Revision": self.revision, "FilePath": self.file}
        headers = {**_headers(), **({"Range": f"bytes={have}-"} if have else {})}
        with httpx.stream(
            "GET", f"{self.api}/repo", params=query, headers=headers, timeout=TIMEOUT, follow_redirects=True
        ) as response:
            self._check(response)
            going_on = response.status_code == 206
            with part.open("ab" if going_on else "wb") as handle:
                done = have if going_on else 0
                for chunk in response.iter_bytes():
                    handle.write(chunk)
                    done += len(chunk)
                    shown.move_to(done // 1000)


RETRY_PAUSE = 1.0


def _note(target: Path) -> Path:
    return target.with_name(f"{target.name}.checked.json")


def _headers() -> dict[str, str]:
    token = os.environ.get("MODELSCOPE_API_TOKEN")
    return {"User-Agent": "mentalft", **({"Authorization": f"Bearer {token}"} if token else {})}


def check_hash(files: list[Path], sha256: str, address: str) -> None:
    """Raise :class:`DataError` unless ``files`` are one, with that hash."""
    if len(files) != 1:
        raise DataError(
            f"data.path={address}: data.sha256 is of one file, and these are {len(files)}; name one of them"
        )
    found = sha256_file(files[0])
    if found != sha256.lower():
        raise DataError(
            f"data.path={address}: the file's SHA-256 is {found}, not {sha256}; it was changed at its source or on the "
            "way. Try again, or set data.sha256 to the one you mean"
        )
