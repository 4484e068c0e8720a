"""Shared answers: found only for exactly what they were made from, and only when whole."""

from __future__ import annotations

import threading
from pathlib import Path

from mentalft.generation.cache import ResponseCache
from mentalft.records import Response

ANSWERS = [Response(str(n), f"hash{n}", "好", "stop", 2) for n in range(3)]
IDS = ["0", "1", "2"]


def test_found_for_the_same_inputs_alone(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path)
    cache.store({"weights": "w"}, ANSWERS)
    assert cache.load({"weights": "w"}, IDS) == ANSWERS
    assert cache.load({"weights": "other"}, IDS) is None
    assert cache.load({"weights": "w"}, ["0", "1"]) is None


def test_a_damaged_entry_is_not_there(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path)
    cache.store({}, ANSWERS)
    entry = next(tmp_path.rglob("*.jsonl"))
    entry.write_text(entry.read_text()[:-20])
    assert cache.load({}, IDS) is None


def test_a_cache_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ResponseCache(tmp_path / "file").store({}, ANSWERS)


def test_a_second_run_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []
    held, let_go = threading.Event(), threading.Event()

    def first() -> None:
        with ResponseCache(tmp_path).alone({}):
            held.set()
            let_go.wait(30)
            order.append("first")

    def second() -> None:
        with ResponseCache(tmp_path).alone({}):
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert held.wait(30)
    with ResponseCache(tmp_path).alone({"other": "answers"}):
        threads[1].start()  # waits for the first alone
    let_go.set()
    for thread in threads:
        thread.join(30)
    assert order == ["first", "second"]


def test_a_cache_that_cannot_be_locked_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with ResponseCache(tmp_path / "file").alone({}):
        pass
