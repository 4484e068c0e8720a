"""What a reader would notice: a sentence without its Chinese, a number that is missing in one language."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from string import Formatter

import pytest

import mentalft
from mentalft.words import Said, catalogue, told

PACKAGE = Path(mentalft.__file__).parent


def places(template: str) -> set[str]:
    return {name.partition(".")[0].partition("[")[0] for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_both_languages_say_the_same_values(key: str) -> None:
    entry = catalogue()[key]
    assert set(entry) == {"en", "zh"}
    assert places(entry["en"]) == places(entry["zh"])


def test_every_key_in_the_code_is_in_the_catalogue() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Said" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    assert first.value in catalogue(), f"{path}, line {node.lineno}: {first.value}"


def test_a_sentence_within_a_sentence_and_a_list_are_put_into_the_language_too() -> None:
    inner = Said("side.tuned")
    assert told(Said("list.of", {"members": [inner, "x"]}), "zh") == f"{told(inner, 'zh')}、x"
    assert told(Said("list.of", {"members": [{"key": "side.tuned", "values": {}}, "x"]})) == "tuned, x"


def test_no_key_stands_in_two_files_of_the_catalogue() -> None:
    files = sorted((PACKAGE / "words" / "catalogue").glob("*.json"))
    keys = [key for path in files for key in json.loads(path.read_text(encoding="utf-8"))]
    assert sorted({key for key in keys if keys.count(key) > 1}) == []
