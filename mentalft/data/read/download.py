"""Data files on hubs: Hugging Face data sets through their own library, ModelScope's over its HTTP interface.

A file is downloaded once into the cache, a cut download goes on from where it was, and what arrives is held against the
size and the SHA-256 that the hub states.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from filelock import FileLock
from humanize import naturalsize

from mentalft.console import bar, say
from mentalft.data.read.compressed import COMPRESSED
from mentalft.data.read.tables import TABLES
from mentalft.errors import DataError, first_line
from mentalft.files import read_json, sha256_file, sha256_json, write_json
from mentalft.modeling.hub import explained, snapshot
from mentalft.words import Said

ATTEMPTS, TIMEOUT, RETRY_PAUSE = 5, 20.0, 1.0
"""In succession without a byte; seconds without a byte; seconds before the second attempt, more before later ones."""
PAGE = 200
"""Files in a part of a listing."""
ADDRESS = re.compile(
    r"(?P<hub>hf|modelscope)://(?:datasets/)?(?P<name>[^/@]+/[^/@]+)(?:@(?P<revision>[^/]+))?(?:/(?P<file>.+))?"
)
EXPECTED = "hf://OWNER/NAME[@REVISION]/FILE or modelscope://OWNER/NAME[@REVISION]/FILE"
MODELSCOPE_WAY = "give data.path=modelscope://OWNER/NAME/FILE where the data set is there too"
OFFLINE_WAYS = "without a network, download it elsewhere and give data.path=FILE"
DATA_SUFFIXES = (".json", ".jsonl", ".txt", *TABLES, *COMPRESSED)


def is_remote(path: str) -> bool:
    """Whether ``path`` is the address of something on a hub."""
    return "://" in path


def fetched(
    address: str, folder: Path, sha256: str | None = None, config: str | None = None, split: str | None = None
) -> tuple[list[Path], str]:
    """The files of ``address``, downloaded unless they are there, and the revision they are of.

    Args:
        address: as in :data:`EXPECTED`; for Hugging Face the file may be left out for all data files.
        folder: where ModelScope files are kept; Hugging Face files stay in that library's own cache.
        sha256: what the file must hash to, over what the hub states.
        config: ``data.hub_config``, and
        split: ``data.hub_split``: which files of a Hugging Face data set of which none is named; null are all.

    Raises:
        DataError: the address, the hub's answer, or what arrived is wrong; the message says how to go on.
    """
    match = ADDRESS.fullmatch(address)
    if match is None:
        raise DataError(f"data.path={address}: expected {EXPECTED}")
    if match["hub"] == "hf":
        files, revision = _from_hugging_face(address, match["name"], match["revision"], match["file"], config, split)
        if sha256:
            check_hash(files, sha256, address)
        return files, revision
    if not match["file"]:
        raise DataError(f"data.path={address}: name the file: modelscope://{match['name']}/FILE")
    return _from_modelscope(address, match["name"], match["revision"] or "master", match["file"], folder, sha256)


def _from_hugging_face(
    address: str, name: str, revision: str | None, file: str | None, config: str | None, split: str | None
) -> tuple[list[Path], str]:
    what = f"data.path={address}"
    patterns = [file] if file else ["README.md", *(f"*{suffix}" for suffix in DATA_SUFFIXES)]
    folder = snapshot(
        what, name, "dataset", revision, patterns, modelscope=MODELSCOPE_WAY, offline=OFFLINE_WAYS, refused=DataError
    )
    found = [folder / file] if file else sorted(p for p in folder.rglob("*") if p.name.endswith(DATA_SUFFIXES))
    found = [path for path in found if path.is_file()]
    if not found:
        raise DataError(f"{what}: there is no such file in it")
    return found if file else _of_config(found, folder, what, config, split), folder.name


def _of_config(found: list[Path], folder: Path, what: str, config: str | None, split: str | None) -> list[Path]:
    """Those of ``found`` that datasets counts to a configuration and a split of the data set in ``folder``."""
    import datasets

    try:
        configs = datasets.get_dataset_config_names(str(folder))
    except Exception as error:  # datasets' own, of many kinds
        if config or split:
            raise DataError(f"{what}: its configurations cannot be read ({first_line(error)}); name a file") from error
        return found
    if config not in configs if config else len(configs) > 1:
        raise DataError(f"{what}: say which of its configurations with data.hub_config: {', '.join(configs)}")
    if not config and not split:
        return found
    files = dict(datasets.load_dataset_builder(str(folder), config).config.data_files or {})
    if split and split not in files:
        raise DataError(f"{what}: say which of its splits with data.hub_split: {', '.join(map(str, files))}")
    return [Path(str(path)) for name, some in files.items() if split in (None, str(name)) for path in some]


def _from_modelscope(
    address: str, name: str, revision: str, file: str, folder: Path, sha256: str | None
) -> tuple[list[Path], str]:
    """The file in ``folder``, there already and as it was when it was checked, or downloaded now; and its commit."""
    target = folder / "modelscope" / name / revision / file
    note = target.with_name(f"{target.name}.checked.json")
    what, place = f"data.path={address}", f"cache_dir={folder.parent}"
    with explained(what, "ModelScope cannot be reached", OFFLINE_WAYS, DataError, place):
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):  # two that append to one file would spoil it
            noted = read_json(note) if note.is_file() and target.is_file() else {}
            if noted and sha256_file(target) == noted["sha256"]:
                if sha256:
                    check_hash([target], sha256, address)
                return [target], noted["revision"]
            endpoint = os.environ.get("MODELSCOPE_ENDPOINT", "https://modelscope.cn").rstrip("/")
            api = f"{endpoint}/api/v1/datasets/{name}/repo"
            stated = _stated(api, file, revision, what)
            commit, digest = str(stated.get("Revision") or revision), sha256 or stated.get("Sha256")
            part = target.with_name(f"{target.name}.{sha256_json([commit, digest])[:8]}.part")  # of this version alone
            say(Said("data.downloading", {"address": address, "size": naturalsize(stated["Size"], format="%.0f")}))
            with explained(what, "the download stopped", "the same command goes on from there", DataError, place):
                _download(f"{api}?{urlencode({'Revision': revision, 'FilePath': file})}", part, stated["Size"])
            try:
                if digest:
                    check_hash([part], digest, address)
            except DataError:
                part.unlink()
                raise
            part.replace(target)
            write_json(note, {"address": address, "revision": commit, "sha256": sha256_file(target)})
            return [target], commit


def _stated(api: str, file: str, revision: str, what: str) -> dict[str, Any]:
    """What the hub says of the file: ``Path``, ``Size`` and ``Sha256``."""
    from huggingface_hub import get_session

    query = {"Revision": revision, "Root": file.rpartition("/")[0] or "/", "PageSize": str(PAGE)}
    for page in range(1, 1000):
        answer = get_session().get(
            f"{api}/tree", params={**query, "PageNumber": str(page)}, headers=_headers(), timeout=TIMEOUT
        )
        if answer.status_code in (401, 403):
            raise DataError(
                f"{what}: ModelScope does not let this account read it; accept its terms on its page, and set "
                "MODELSCOPE_API_TOKEN"
            )
        if answer.status_code == 404:
            raise DataError(f"{what}: ModelScope has no such data set, revision or file")
        answer.raise_for_status()
        files = (answer.json().get("Data") or {}).get("Files") or []
        for one in files:
            if one.get("Path") == file and isinstance(one.get("Size"), int):
                return dict(one)
        if len(files) < PAGE:
            break
    raise DataError(f"{what}: the data set has no file {file} at revision {revision}")


def _download(url: str, part: Path, size: int) -> None:
    """Fill ``part`` up to ``size`` bytes, going on after a cut."""
    from httpx2 import HTTPError
    from huggingface_hub import get_session

    failures, problem = 0, ""
    with bar(Said("data.download_bar"), size // 1000) as shown, part.open("ab") as handle:
        while (have := handle.tell()) != size and failures < ATTEMPTS:
            time.sleep(min(8, 2**failures - 1) * RETRY_PAUSE)
            headers = {**_headers(), **({"Range": f"bytes={have}-"} if have else {})}
            try:
                with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT) as answer:
                    answer.raise_for_status()
                    if answer.status_code != 206:
                        handle.seek(handle.truncate(0))
                    for chunk in answer.iter_bytes():
                        handle.write(chunk)
                        shown.move_to(handle.tell() // 1000)
                problem = f"{handle.tell()} of {size} bytes came"
            except HTTPError as error:
                problem = first_line(error)
            if handle.tell() > size:
                handle.seek(handle.truncate(0))
            failures = 0 if handle.tell() > have else failures + 1
        if handle.tell() != size:
            raise OSError(problem)


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
