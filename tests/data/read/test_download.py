"""Downloads from hubs that answer as the real ones do, and as they do on a bad day."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mentalft.data.read import download
from mentalft.data.read.download import fetched
from mentalft.data.read.sources import sources_of
from mentalft.errors import DataError
from mentalft.files import read_json
from tests.conftest import dialogue_record
from tests.modeling.hub import COMMIT, hub
from tests.test_conf import composed

CONTENT = json.dumps([{"messages": [{"role": "user", "content": f"第{n}句"}]} for n in range(20000)]).encode()
ADDRESS = "modelscope://SOME/Corpus/folder/d.json"


class Behaviour:
    """How the ModelScope of a test answers."""

    def __init__(self, **given: Any) -> None:
        self.cut_after: list[int] = given.get("cut_after", [])
        """Bytes after which each of the first answers is cut."""
        self.status = given.get("status", 200)
        self.sha256 = given.get("sha256", hashlib.sha256(given.get("content", CONTENT)).hexdigest())
        self.size = given.get("size", len(given.get("content", CONTENT)))
        self.address = given.get("address", ADDRESS)
        self.content = given.get("content", CONTENT)
        self.stalls: int = given.get("stalls", 0)
        """How many of the first answers stop half-way and keep the line open."""
        self.ended = threading.Event()
        self.ranges: list[str | None] = []


@contextmanager
def modelscope(behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    owner, name, file = behaviour.address.removeprefix("modelscope://").split("/", 2)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = parse_qs(url.query)
            if behaviour.status != 200:
                self.send_error(behaviour.status)
            elif url.path.endswith(f"/{owner}/{name}/repo/tree"):
                row = {
                    "Path": file, "Size": behaviour.size, "Sha256": behaviour.sha256, "Revision": "c0ffee",
                }  # fmt: skip
                self.answer(json.dumps({"Code": 200, "Data": {"Files": [row]}}).encode(), 200)
            elif query.get("FilePath") == [file]:
                self.file()
            else:
                self.send_error(404)

        def file(self) -> None:
            wanted = self.headers.get("Range")
            behaviour.ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            cut = behaviour.cut_after.pop(0) if behaviour.cut_after else None
            if behaviour.stalls:
                behaviour.stalls -= 1
                self.answer(
                    behaviour.content[start:], 206 if wanted else 200, cut=0 if wanted else len(behaviour.content) // 2
                )
                self.wfile.flush()
                behaviour.ended.wait()
                return
            self.answer(behaviour.content[start:], 206 if wanted else 200, cut)

        def answer(self, data: bytes, status: int, cut: int | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data if cut is None else data[:cut])
            self.close_connection = cut is not None

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(download, "RETRY_PAUSE", 0.0)
    try:
        yield
    finally:
        behaviour.ended.set()
        server.shutdown()
        server.server_close()


def test_a_file_is_downloaded_once_and_its_revision_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    behaviour = Behaviour()
    with modelscope(behaviour, monkeypatch):
        (path,), revision = fetched(ADDRESS, tmp_path)
        assert fetched(ADDRESS, tmp_path) == ([path], "c0ffee")
    assert (path.read_bytes(), revision) == (CONTENT, "c0ffee")
    assert fetched(ADDRESS, tmp_path)[0] == [path], "and needs no network again"
    assert len(behaviour.ranges) == 1


def test_a_cut_download_goes_on_from_where_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    behaviour = Behaviour(cut_after=[300_000, 100_000])
    with modelscope(behaviour, monkeypatch):
        (path,), _ = fetched(ADDRESS, tmp_path)
    assert path.read_bytes() == CONTENT
    assert behaviour.ranges[0] is None
    assert len(behaviour.ranges) == 3
    assert all(behaviour.ranges[1:])


def test_a_server_that_falls_silent_is_asked_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    behaviour = Behaviour(stalls=1)
    with modelscope(behaviour, monkeypatch):
        (path,), _ = fetched(ADDRESS, tmp_path)
    assert path.read_bytes() == CONTENT
    assert behaviour.ranges == [None, f"bytes={len(CONTENT) // 2}-"]


def test_a_server_that_stays_silent_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.1)
    with modelscope(Behaviour(stalls=99), monkeypatch), pytest.raises(DataError, match="goes on from there"):
        fetched(ADDRESS, tmp_path)


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_file_that_was_spoilt_since_is_downloaded_again(
    damage: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behaviour = Behaviour()
    with modelscope(behaviour, monkeypatch):
        (path,), _ = fetched(ADDRESS, tmp_path)
        path.write_bytes(CONTENT[:-9] if damage == "cut" else CONTENT[:-9] + b"#" + CONTENT[-8:])
        os.utime(path, ns=(1, 1))
        fetched(ADDRESS, tmp_path)
    assert path.read_bytes() == CONTENT
    assert behaviour.ranges == [None, None]


def test_a_hash_that_is_asked_for_is_checked_on_what_is_there_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with modelscope(Behaviour(), monkeypatch):
        fetched(ADDRESS, tmp_path)
        with pytest.raises(DataError, match=r"SHA-256 is .*, not 00"):
            fetched(ADDRESS, tmp_path, "00" * 32)
    (tmp_path / "d.json").write_bytes(CONTENT)
    cfg = composed("data=local", f"data.path={tmp_path / 'd.json'}", f"data.sha256={'00' * 32}").data
    with pytest.raises(DataError, match=r"SHA-256 is .*, not 00"):
        sources_of(cfg, tmp_path)


def test_a_part_of_another_version_is_not_gone_on_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with modelscope(Behaviour(cut_after=[100_000, 0, 0, 0, 0, 0]), monkeypatch), pytest.raises(DataError):
        fetched(ADDRESS, tmp_path)
    newer = Behaviour(content=CONTENT[::-1])
    with modelscope(newer, monkeypatch):
        (path,), _ = fetched(ADDRESS, tmp_path)
    assert path.read_bytes() == CONTENT[::-1]
    assert newer.ranges == [None]


def test_several_at_once_download_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    behaviour = Behaviour(cut_after=[300_000])
    with modelscope(behaviour, monkeypatch), ThreadPoolExecutor(3) as pool:
        found = [one.result()[0][0] for one in [pool.submit(fetched, ADDRESS, tmp_path) for _ in range(3)]]
    assert found[0].read_bytes() == CONTENT
    assert len(behaviour.ranges) == 2


def test_a_download_that_stops_for_good_is_kept_and_goes_on_next_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with modelscope(Behaviour(cut_after=[100_000, 0, 0, 0, 0, 0]), monkeypatch), pytest.raises(DataError) as error:
        fetched(ADDRESS, tmp_path)
    assert "the same command goes on from there" in str(error.value)
    behaviour = Behaviour()
    with modelscope(behaviour, monkeypatch):
        (path,), _ = fetched(ADDRESS, tmp_path)
    assert path.read_bytes() == CONTENT
    assert behaviour.ranges[0]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ({"status": 404}, "no such data set"),
        ({"status": 403}, "MODELSCOPE_API_TOKEN"),
        ({"status": 500}, "cannot be reached"),
        ({"sha256": "0" * 64}, "SHA-256"),
        ({"size": len(CONTENT) + 5}, "the download stopped"),
        ({"size": len(CONTENT) - 5}, "the download stopped"),
    ],
)
def test_what_goes_wrong_is_said(
    behaviour: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with modelscope(Behaviour(**behaviour), monkeypatch), pytest.raises(DataError, match=words) as error:
        fetched(ADDRESS, tmp_path)
    assert ADDRESS in str(error.value)
    assert not list(tmp_path.rglob("d.json"))


def test_many_cuts_are_gone_over_as_long_as_something_comes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    behaviour = Behaviour(cut_after=[100_000, 0] * 6)
    with modelscope(behaviour, monkeypatch):
        (path,), _ = fetched(ADDRESS, tmp_path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(("error", "words"), [(errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only")])
def test_a_cache_that_cannot_be_written_is_named(
    error: int, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(self: Path, *_: Any, **__: Any) -> None:
        raise OSError(error, os.strerror(error))

    with modelscope(Behaviour(), monkeypatch), monkeypatch.context() as patch:
        patch.setattr(download, "_download", refuse)
        with pytest.raises(DataError, match=f"{words}.*cache_dir={tmp_path}") as shown:
            fetched(ADDRESS, tmp_path / "downloads")
    assert "run_dir" not in str(shown.value)


def test_no_network_names_another_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(DataError, match=r"cannot be reached.*download it elsewhere"):
        fetched(ADDRESS, tmp_path)


@pytest.mark.parametrize("address", ["s3://bucket/file", "modelscope://one", "hf://justname", "modelscope://A/B"])
def test_an_address_of_another_kind_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="modelscope://"):
        fetched(address, tmp_path)


def test_the_reference_corpus_from_its_hub_to_an_audit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    records = [dialogue_record(n) for n in range(300)]
    content = json.dumps(records, ensure_ascii=False, indent=4).encode()
    address = composed("data=soulchat").data.path
    behaviour = Behaviour(address=address, content=content, cut_after=[60_000])
    command = [
        sys.executable, "-m", "mentalft", "data=soulchat", "stages=[prepare]", "tracking=none",
        "data.validation_fraction=0.1", "data.test_fraction=0.1", "model.name_or_path=./no-such-model",
        f"cache_dir={tmp_path / 'cache'}", f"run_dir={tmp_path / 'run'}",
    ]  # fmt: skip
    with modelscope(behaviour, monkeypatch):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    assert behaviour.ranges[0] is None
    assert behaviour.ranges[1], "the cut download went on"
    report = read_json(tmp_path / "run" / "data" / "report.json")
    (source,) = report["sources"]
    assert (source["revision"], source["sha256"]) == ("c0ffee", hashlib.sha256(content).hexdigest())
    assert report["records"] == sum(report["dialogues"].values()) == 300
    assert "no-such-model" in report["tokens"]["not_counted"], "an audit needs no model"
    shown = " ".join(done.stdout.split())
    for words in ("research use", "revision c0ffee", "tokens a dialogue: not counted", "topics: 3"):
        assert words in shown


CONFIGS = """---
configs:
- config_name: zh
  data_files: [{split: train, path: train.jsonl}, {split: test, path: test.jsonl}]
- config_name: en
  data_files: train.jsonl
---
"""
CODE = """
import sys
from pathlib import Path
from mentalft.data.read.download import fetched
from mentalft.errors import DataError
for address in sys.argv[2:]:
    address, *chosen = address.split(" ")
    try:
        (path,), revision = fetched(address, Path(sys.argv[1]), None, *chosen)
        print(path.stat().st_size, revision)
    except DataError as error:
        print(error)
"""


def test_a_data_set_of_hugging_face(tmp_path: Path) -> None:
    """In a process of its own, for that hub's client reads its address when it is imported."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "d.json").write_bytes(CONTENT)
    (source / "script.py").write_text("raise SystemExit")
    asked = {
        "hf://some/corpus/d.json": f"{len(CONTENT)} {COMMIT}",
        "hf://datasets/some/corpus": f"{len(CONTENT)} {COMMIT}",
        "hf://some/corpus@main/d.json": f"{len(CONTENT)} {COMMIT}",
        "hf://some/several": "data.hub_config: zh, en",
        "hf://some/several zh test": f"15 {COMMIT}",
        "hf://some/several zh dev": "data.hub_split: train, test",
        "hf://some/several fr": "data.hub_config: zh, en",
        "hf://some/closed/d.json": "gated",
        "hf://some/absent/d.json": "no such data set",
        "hf://some/corpus@nonsense/d.json": "no revision",
        "hf://some/corpus/absent.json": "no such file",
    }
    several = tmp_path / "several"
    several.mkdir()
    for name, text in (("README.md", CONFIGS), ("train.jsonl", '{"a": "b"}'), ("test.jsonl", '{"a": "longer"}')):
        (several / name).write_text(text)
    with hub({"some/corpus": source, "some/several": several}, gated=("some/closed",)) as endpoint:
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
        done = subprocess.run(
            [sys.executable, "-c", CODE, str(tmp_path), *asked],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
    for said, words in zip(done.stdout.splitlines(), asked.values(), strict=True):
        assert words in said


def test_a_cut_download_from_hugging_face_goes_on(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    content = b"x" * (12 << 20)  # that hub's client writes ten MiB at a time
    (source / "d.json").write_bytes(content)
    ranges: list[str | None] = []
    with hub({"some/corpus": source}, cut_after=[11 << 20], ranges=ranges) as endpoint:
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
        done = subprocess.run(
            [sys.executable, "-c", CODE, str(tmp_path), "hf://some/corpus/d.json"],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert done.stdout.split() == [str(len(content)), COMMIT]
    assert ranges == [None, f"bytes={10 << 20}-"]
