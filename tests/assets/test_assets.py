"""What the package carries: whole, original in form, and as good as it says."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from mentalft.assets import FOLDER, QUESTION_BANK, SAMPLE_DIALOGUES, TINY_EMBEDDER, TINY_MODEL
from mentalft.data.read.reading import read_dialogues
from mentalft.data.split.fingerprints import keys_of
from mentalft.data.split.places import placed
from mentalft.files import read_json, read_jsonl, sha256_file
from mentalft.modeling.embedder import load_embedder
from mentalft.records import Dialogue
from tests.test_conf import composed

DIAGNOSIS_OR_MEDICINE = re.compile("你(得了|患有|患了|确诊)|诊断为|剂量|停药|减药|加药|每天吃.{0,4}片|毫克")


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    found = list(read_dialogues(SAMPLE_DIALOGUES, "soulchat"))
    assert all(isinstance(d, Dialogue) for d in found), "every sample record is usable"
    return [d for d in found if isinstance(d, Dialogue)]


def answers(dialogue: Dialogue) -> list[str]:
    return [m.content for m in dialogue.messages if m.role == "assistant"]


def test_shipped_files_are_those_that_were_recorded() -> None:
    recorded = read_json(FOLDER / "hashes.json")
    shipped = {
        p for name in ("sample", "bank", "probe", "tiny_model", "tiny_embedder") for p in (FOLDER / name).rglob("*")
    }
    assert {p.relative_to(FOLDER).as_posix() for p in shipped if p.is_file()} == set(recorded)
    for name, digest in recorded.items():
        assert sha256_file(FOLDER / name) == digest, f"{name} is not the file that was built"


def test_sizes_stay_small() -> None:
    def megabytes(folder: Path) -> float:
        return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6

    assert megabytes(TINY_MODEL) <= 8
    assert megabytes(TINY_EMBEDDER) <= 4


def test_the_sample_is_three_hundred_dialogues_on_a_dozen_topics(dialogues: list[Dialogue]) -> None:
    assert len(dialogues) >= 300
    topics = Counter(d.topic for d in dialogues)
    assert len(topics) >= 12
    assert min(topics.values()) >= 15
    assert all(len(answers(d)) >= 3 for d in dialogues), "multi-turn"


def test_each_dialogue_is_one_of_its_own(dialogues: list[Dialogue]) -> None:
    assert len(set(keys_of(dialogues).content.tolist())) == len(dialogues)
    assert len({d.messages[0].content[:8] for d in dialogues}) > 0.98 * len(dialogues), "openings differ"
    sentences = Counter(s for d in dialogues for a in answers(d) for s in re.split("[。！？]", a) if len(s) > 7)
    assert sentences.most_common(1)[0][1] <= 3, "no stock sentences"


def test_answers_neither_diagnose_nor_prescribe(dialogues: list[Dialogue]) -> None:
    for dialogue in dialogues:
        for answer in answers(dialogue):
            assert not DIAGNOSIS_OR_MEDICINE.search(answer), f"{dialogue.id}: {answer}"


def test_answers_to_hints_of_risk_name_the_hotline_and_emergency_help(dialogues: list[Dialogue]) -> None:
    named = [d for d in dialogues if any("12356" in a for a in answers(d))]
    assert len(named) >= 5
    at_risk = [d for d in dialogues if re.search("不想活|结束(自己的)?生命", "".join(answers(d)))]
    assert len(at_risk) >= 5
    for dialogue in at_risk:
        text = "".join(answers(dialogue))
        assert "12356" in text, dialogue.id
        assert "120" in text or "急诊" in text, dialogue.id


def test_no_number_but_public_ones_is_named(dialogues: list[Dialogue]) -> None:
    for dialogue in dialogues:
        for number in re.findall(r"\d{3,}", "".join(answers(dialogue))):
            assert number in ("12356", "120", "110"), f"{dialogue.id}: {number}"


def test_the_bank_is_fifty_questions_with_answers() -> None:
    rows = list(read_jsonl(QUESTION_BANK))
    assert len(rows) >= 50
    assert len({r["id"] for r in rows}) == len({r["question"] for r in rows}) == len(rows)
    assert all(40 <= len(r["answer"]) <= 160 for r in rows)
    assert len({r["topic"] for r in rows}) >= 10


def test_the_embedder_finds_answers_in_the_bank_at_least_as_often_as_character_n_grams() -> None:
    rows = list(read_jsonl(QUESTION_BANK))
    questions, texts = [r["question"] for r in rows], [r["answer"] for r in rows]
    embed = load_embedder("embedded").embed
    ours = float(np.mean((embed(questions) @ embed(texts).T).argmax(axis=1) == np.arange(len(rows))))
    for ngrams in ((1, 2), (2, 3), (1, 3)):
        vectors = TfidfVectorizer(analyzer="char", ngram_range=ngrams).fit(questions + texts)
        scores = (vectors.transform(questions) @ vectors.transform(texts).T).toarray()
        assert ours >= float(np.mean(scores.argmax(axis=1) == np.arange(len(rows)))), f"n-grams {ngrams}"


def test_the_model_was_not_built_from_what_the_default_run_holds_out(dialogues: list[Dialogue]) -> None:
    source = FOLDER / "source"
    if not source.is_dir():
        pytest.skip("the build scripts are in the repository, not in the installed package")
    text = (source / "corpus.py").read_text(encoding="utf-8")
    figures = re.search(r"VALIDATION_FRACTION, TEST_FRACTION, SPLIT_SEED = (.+)", text)
    assert figures
    cfg = composed().data
    expected = [cfg.validation_fraction, cfg.test_fraction, cfg.split_seed]
    assert [float(f) for f in figures[1].split(",")] == expected
    places = placed(keys_of(dialogues), cfg.validation_fraction, cfg.test_fraction, cfg.split_seed)
    held_out = [d for d, place in zip(dialogues, places.tolist(), strict=True) if place != 0]
    assert len(held_out) > 60
    other_text = "".join(p.read_text(encoding="utf-8") for p in (source / "text").glob("*.jsonl"))
    for dialogue in held_out:
        for message in dialogue.messages:
            assert json.dumps(message.content, ensure_ascii=False)[1:-1] not in other_text
