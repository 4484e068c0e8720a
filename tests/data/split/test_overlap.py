"""Test questions that were trained on are found, and no others."""

from __future__ import annotations

from mentalft.data.split.fingerprints import keys_of
from mentalft.data.split.overlap import overlap
from mentalft.records import Dialogue, Message, Overlap
from tests.data.split.test_places import dialogue, text


def test_shared_openings_and_near_duplicates_are_found_and_named() -> None:
    train = [dialogue(text(20, n), text(200, -n)) for n in range(300)]
    same_opening = Dialogue("opening", None, (train[5].messages[0], Message("assistant", text(50, "new"))))
    near = Dialogue("near", None, (Message("user", text(4, "other")), train[9].messages[1]))
    new = Dialogue("new", None, dialogue(text(20, "new"), text(200, "new too")).messages)
    found = overlap([same_opening, near, new], keys_of(train))
    assert found == Overlap(items=3, in_train=2, share=2 / 3, first=("opening", "near"))


def test_nothing_asked_overlaps_with_nothing() -> None:
    assert overlap([], keys_of([])).share == 0
