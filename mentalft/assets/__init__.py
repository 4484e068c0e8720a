"""Paths of what the package carries: sample dialogues, question bank, probe, rubrics, models, schema, card."""

from pathlib import Path

FOLDER = Path(__file__).parent
SAMPLE_DIALOGUES = FOLDER / "sample" / "dialogues.json"
QUESTION_BANK = FOLDER / "bank" / "questions.jsonl"
PROBE = FOLDER / "probe"
TINY_MODEL = FOLDER / "tiny_model"
TINY_EMBEDDER = FOLDER / "tiny_embedder"
MANIFEST_SCHEMA = FOLDER / "manifest.schema.json"
MODEL_CARD = FOLDER / "model_card.md.jinja"
HELP_LINES = FOLDER / "help_lines.csv"
SIGNS_OF_RISK = FOLDER / "signs_of_risk.json"
SCREEN = FOLDER / "screen"
RUBRICS = FOLDER / "rubrics"
