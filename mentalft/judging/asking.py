"""Which pairs are judged, each in both orders, and the replies, kept as they come so that nothing is asked twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import NamedTuple

from mentalft.config import JudgeConfig
from mentalft.console import bar, say
from mentalft.data.items import sample
from mentalft.errors import ConfigError
from mentalft.files import sha256_json
from mentalft.generation import answer_log
from mentalft.generation.decoding import Decoding
from mentalft.judging.prompt import messages, schema
from mentalft.judging.record import Cost, JudgeRow
from mentalft.judging.rubric import Rubric
from mentalft.judging.verdict import A, B, read_reply
from mentalft.metrics.tokens import CJK
from mentalft.records import Item, Prompt
from mentalft.runs.files import VERDICTS
from mentalft.runs.place import SUPERSEDED
from mentalft.words import Language, Said

Answers = Mapping[str, Mapping[str, str]]
"""Contender → item → text."""


class Question(NamedTuple):
    """One request: a pair of answers in one order."""

    item: str
    contender: str
    """Held against the baseline."""
    sides: dict[str, str]
    """``A`` and ``B`` → whose answer it is."""
    repeat: int
    prompt: Prompt


def decoding_of(judge: JudgeConfig, seed: int) -> Decoding:
    """How the judge decodes; a temperature of 0 is greedy."""
    return Decoding(judge.max_new_tokens, judge.temperature > 0, judge.temperature, 1.0, 0, seed)


def chosen(items: Sequence[Item], most: int | None, seed: int, besides: Collection[str]) -> list[Item]:
    """At most ``most`` items, and those named ``besides``, in their order.

    A dialogue gives its second item once each has given one, so that there are as many dialogues as can be. Which items
    they give is drawn, and so are dialogues where there are too many, each topic keeping its share.
    """

    def draw(item: Item) -> bytes:
        return hashlib.blake2b(f"{seed}\x1f{item.id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()

    rounds: list[list[Item]] = []
    given: dict[str, int] = {}
    for item in sorted(items, key=draw):
        place = given[item.dialogue_id] = given.get(item.dialogue_id, -1) + 1
        rounds += [[]] * (place == len(rounds))
        rounds[place] = [*rounds[place], item]
    kept = set(besides)
    room = len(items) if most is None else most
    for one in rounds:
        taken = sample(one, room, seed) if room else []
        kept |= {item.id for item in taken}
        room -= len(taken)
    return [item for item in items if item.id in kept]


def questions_of(
    judge: JudgeConfig, decoding: Decoding, items: Sequence[Item], answers: Answers, baseline: str, rubric: Rubric,
    language: Language,
) -> list[Question]:  # fmt: skip
    """Every request, the two orders of a pair beside each other; none about two equal answers."""
    made_from = {
        "model": judge.model,
        "base_url": judge.base_url,
        "decoding": str(decoding),
        "extra_body": judge.extra_body,
        "schema": schema(rubric) if judge.structured else None,
    }
    found = []
    for name, item, repeat in product([n for n in answers if n != baseline], items, range(judge.repeats)):
        if is_identical(answers, baseline, name, item.id):
            continue
        for sides in ({A: name, B: baseline}, {A: baseline, B: name}):
            first, second = (answers[who][item.id] for who in sides.values())
            asked = messages(item.messages, first, second, rubric, language)
            digest = sha256_json({**made_from, "messages": [m.chat() for m in asked], "repeat": repeat})
            prompt = Prompt(f"{name}/{sides[A]}/{repeat}/{item.id}", digest, [], asked)
            found.append(Question(item.id, name, sides, repeat, prompt))
    return found


def is_identical(answers: Answers, baseline: str, name: str, item: str) -> bool:
    return answers[baseline][item].strip() == answers[name][item].strip()


def ask(
    judge: JudgeConfig, decoding: Decoding, questions: Sequence[Question], rubric: Rubric, run_dir: Path
) -> list[JudgeRow]:
    """Every reply, in the order of ``questions``; what this run was told before is not asked again.

    Raises:
        ConfigError: more would be asked than ``judge.max_requests``; nothing is asked then.
        UserError: the server does not answer.
    """
    wanted = {question.prompt.id: question.prompt.sha256 for question in questions}

    def is_reply(row: answer_log.Row) -> bool:
        same_form = row.keys() == JudgeRow.__dataclass_fields__.keys()
        return same_form and row["prompt_sha256"] == wanted.get(row["id"])

    path = VERDICTS.path(run_dir)
    earlier = sorted((run_dir / SUPERSEDED).glob("judge-*/judge/verdicts*.jsonl"))
    known = answer_log.so_far(path, is_reply, earlier)
    missing = [question for question in questions if question.prompt.id not in known]
    _announce(judge, questions, missing)
    if missing:
        with bar(Said("judge.bar"), len(missing)) as shown:
            answer_log.add(path, 0, map(asdict, _counted(_replies(judge, decoding, missing, rubric), shown.advance)))
    return [JudgeRow(**row) for row in answer_log.finish(path, wanted, is_reply)]


def cost_of(judge: JudgeConfig, rows: Sequence[JudgeRow]) -> Cost:
    """What all replies took, by the server's count."""
    sent, got = sum(row.prompt_tokens for row in rows), sum(row.completion_tokens for row in rows)
    return Cost(len(rows), sent, got, _price(judge, sent, got))


def _counted(rows: Iterator[JudgeRow], advance: Callable[[], None]) -> Iterator[JudgeRow]:
    for row in rows:
        yield row
        advance()


def _replies(
    judge: JudgeConfig, decoding: Decoding, questions: Sequence[Question], rubric: Rubric
) -> Iterator[JudgeRow]:
    from mentalft.generation.openai_engine import OpenAIEngine

    engine = OpenAIEngine(judge, decoding, "judge", schema(rubric) if judge.structured else None)
    of = {question.prompt.id: question for question in questions}
    for answer in engine.answers(str(judge.model), [question.prompt for question in questions]):
        got = answer.response
        question, reply = of[got.id], read_reply(got.text, rubric)
        yield JudgeRow(
            id=got.id,
            prompt_sha256=got.prompt_sha256,
            item=question.item,
            contender=question.contender,
            first=question.sides[A],
            repeat=question.repeat,
            choice=question.sides.get(str(reply.choice), reply.choice),
            ratings={question.sides[side]: levels for side, levels in reply.ratings.items()},
            read_as=reply.read_as,
            reply=got.text,
            refusal=got.refusal,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=got.tokens,
            structured=answer.wished,
        )


def _announce(judge: JudgeConfig, questions: Sequence[Question], missing: Sequence[Question]) -> None:
    """Say what will be asked and what that costs; refuse what is too much."""
    sent = sum(about_tokens(m.content) for question in missing for m in question.prompt.messages)
    most = len(missing) * judge.max_new_tokens
    price = _price(judge, sent, most)
    said = {
        "requests": len(missing),
        "known": len(questions) - len(missing),
        "pairs": len(questions) // (2 * judge.repeats),
        "repeats": judge.repeats,
        "model": str(judge.model),
        "sent": sent,
        "most": most,
        "price": "" if price is None else Said("judge.at_most", {"price": price}),
    }
    say(Said("judge.plan", said))
    if judge.max_requests is not None and len(missing) > judge.max_requests:
        raise ConfigError(
            f"judge.max_requests={judge.max_requests}, and {len(missing)} requests would be sent "
            f"({said['pairs']} pairs × 2 orders × {judge.repeats} repeats, less what is known); nothing was sent: "
            f"lower judge.items or judge.repeats, or raise judge.max_requests to {len(missing)}"
        )


def about_tokens(text: str) -> int:
    """Roughly how many tokens a text is: one a Chinese character, one for four others."""
    characters = len(CJK.findall(text))
    return characters + -(-(len(text) - characters) // 4)


def _price(judge: JudgeConfig, sent: int, got: int) -> float | None:
    prices = (judge.price_per_million_input, judge.price_per_million_output)
    if prices == (None, None):
        return None
    return (sent * (prices[0] or 0.0) + got * (prices[1] or 0.0)) / 1e6
