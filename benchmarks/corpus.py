"""Make a SoulChatCorpus-shaped file of any size: one JSON array, no real text.

    python benchmarks/corpus.py data/corpus.json --dialogues 258354

Sentences of the embedded sample are drawn at random, so the words are Chinese and the statistics (turns, characters,
bytes) those of the real file, while the content means nothing. A small share of records carries what a check must find:
personal data (made up), exact copies, near copies, shared openings.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mentalft.assets import SAMPLE_DIALOGUES

TURNS = (4, 6, 6, 6, 8)
SENTENCES_PER_TURN = (5, 7, 9, 11, 13)
ESCAPED_SENTENCES_PER_TURN = (3, 4, 4, 5, 6)
"""With these a dialogue has about 5.9 turns and 3,500 bytes, as the corpus has; its bytes a character are not known."""
PERSONAL = ("我的手机是13812345678。", "邮箱wang.xm@example.com。", "加我微信abc_12345吧。")


def sentences() -> tuple[list[str], list[str]]:
    """What users and assistants of the sample say, sentence by sentence."""
    found: dict[str, list[str]] = {"user": [], "assistant": []}
    for record in json.loads(SAMPLE_DIALOGUES.read_text(encoding="utf-8")):
        for message in record["messages"]:
            found[message["role"]] += [s for s in re.split(r"(?<=[。！？])", message["content"]) if s]
    return found["user"], found["assistant"]


def dialogues(
    number: int, seed: int, sentences_per_turn: Sequence[int] = SENTENCES_PER_TURN
) -> Iterator[dict[str, Any]]:
    """``number`` records."""
    draw = random.Random(seed)
    user, assistant = sentences()
    last: list[dict[str, str]] = []
    for index in range(number):
        chance = draw.random()
        if last and chance < 0.005:
            messages = [dict(m) for m in last]
            if chance < 0.003:
                messages[-1]["content"] += draw.choice(assistant)
        else:
            messages = [
                {"role": role, "content": "".join(draw.choices(pool, k=draw.choice(sentences_per_turn)))}
                for _ in range(draw.choice(TURNS) // 2)
                for role, pool in (("user", user), ("assistant", assistant))
            ]
        if draw.random() < 0.01:
            messages[-2]["content"] += draw.choice(PERSONAL)
        last = messages
        yield {"id": index, "topic": f"topic-{index % 12}", "messages": messages}


def write(path: Path, number: int, seed: int = 0, *, escaped: bool = False) -> None:
    """Write the records as one array, a few lines each, as the corpus is laid out.

    Args:
        escaped: write Chinese as ``\\uXXXX``, six bytes a character, as ``json.dump`` does unless told otherwise.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as handle:
        for index, record in enumerate(
            dialogues(number, seed, ESCAPED_SENTENCES_PER_TURN if escaped else SENTENCES_PER_TURN)
        ):
            handle.write("[\n" if index == 0 else ",\n")
            handle.write(json.dumps(record, ensure_ascii=escaped, indent=4))
        handle.write("\n]\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--dialogues", type=int, default=258_354)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--escaped", action="store_true", help="write Chinese as \\uXXXX")
    arguments = parser.parse_args()
    write(arguments.path, arguments.dialogues, arguments.seed, escaped=arguments.escaped)
    print(f"{arguments.path}: {arguments.dialogues:,} dialogues, {arguments.path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
