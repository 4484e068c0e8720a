"""Paths of what the package carries: sample dialogues, question bank, tiny model and tiny embedder."""

from pathlib import Path

FOLDER = Path(__file__).parent
SAMPLE_DIALOGUES = FOLDER / "sample" / "dialogues.json"
QUESTION_BANK = FOLDER / "bank" / "questions.jsonl"
TINY_MODEL = FOLDER / "tiny_model"
TINY_EMBEDDER = FOLDER / "tiny_embedder"
