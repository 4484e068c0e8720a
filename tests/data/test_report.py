"""What is said of the data on screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from mentalft.data.report import audit_lines, summary_lines
from mentalft.records import DataReport, TokenLengths
from mentalft.words import told


@pytest.fixture
def report() -> DataReport:
    source = {
        "name": "corpus", "files": ["d.json"], "file_count": 1, "bytes": 2_500_000, "sha256": "ab" * 32,
        "revision": "c0ffee", "licence": "research use",
    }  # fmt: skip
    made = {
        "source": {},
        "sources": [source],
        "records": 20,
        "rejected": 7,
        "rejected_by_reason": {f"reason {n}": 7 - n for n in range(7)},
        "duplicates": 2,
        "between_splits": 1,
        "unused": 0,
        "repaired_by_rule": {"neighbours of one role merged": 3},
        "remarks": {},
        "privacy": {"mode": "redact", "PHONE": 2, "dialogues": 1},
        "dialogues": {"train": 8, "validation": 1, "test": 1},
        "assistant_turns": {"train": 16, "validation": 2, "test": 2},
        "topics": {"睡眠": {"train": 8, "validation": 1, "test": 1}},
        "characters": {"train": {"0.05": 40, "0.5": 200, "0.95": 1400, "1": 2000}},
        "tokens": {
            "model": "tiny", "sampled_dialogues": 10, "quantiles": {"0.5": 90, "1": 900}, "max_length": 512,
            "share_longer": 0.1,
        },
        "train_lines": 8,
        "overlap": {"question bank": {"items": 51, "in_train": 2}},
    }  # fmt: skip
    return msgspec.convert(made, DataReport)


def test_nothing_that_happened_to_a_record_goes_unsaid(report: DataReport) -> None:
    said = "\n".join(told(line) for line, _ in summary_lines(report, Path("run/data")))
    for words in (
        "20 records → 8 train, 1 validation, 1 test dialogues", "7 records set aside in run/data/rejected.jsonl",
        "7 × reason 0", "and 2 reasons, all in that file", "2 exact duplicates", "1 near duplicates of several",
        "3 × neighbours of one role merged", "personal data redacted: 2 × PHONE",
        "10.0% of dialogues are longer than data.max_length=512", "2 of 51 items of question bank are in train",
    ):  # fmt: skip
        assert words in said


def test_what_was_found_and_left_is_called_so(report: DataReport) -> None:
    report = replace(report, privacy={**report.privacy, "mode": "report"})
    assert "found, not redacted: 2 × PHONE" in "\n".join(told(line) for line, _ in summary_lines(report, Path("d")))


def test_an_audit_names_sources_lengths_and_topics(report: DataReport) -> None:
    said = "\n".join(told(line) for line, _ in audit_lines(report))
    for words in (
        "source corpus: d.json, 2.5 MB, SHA-256 abababababab…, revision c0ffee; licence: research use",
        "assistant turns: 16 train", "half up to 200, 95 % up to 1,400, longest 2,000",
        "tokens of tiny a dialogue (10 dialogues looked at): half up to 90, longest 900", "topics: 1: 10 × 睡眠",
    ):  # fmt: skip
        assert words in said
    many = replace(report.sources[0], file_count=1200)
    report = replace(report, sources=(many,), tokens=TokenLengths(not_counted="the hub cannot be reached"))
    said = "\n".join(told(line) for line, _ in audit_lines(report))
    assert "1,200 files" in said
    assert "not counted: the hub cannot be reached" in said
