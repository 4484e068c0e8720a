"""Answers that exist already, whoever gave them, laid beside their questions and references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mentalft.data.read.forms import kind
from mentalft.data.read.questions import Entry, key_of, named, read_entries
from mentalft.data.thinking import response, thinking_in
from mentalft.errors import DataError
from mentalft.records import Item, Rejected, Response


class Source(NamedTuple):
    """A file of answers (see :mod:`mentalft.data.read.questions`)."""

    path: Path
    key: str
    """The configuration key that names it."""


class Aligned(NamedTuple):
    responses: dict[str, list[Response]]
    """For each contender one response an item, in the same order; a missing answer is an empty one."""
    problems: list[Rejected]
    """What was left out, or scored as empty, record by record."""


def align(items: Sequence[Item], answers: Mapping[str, Source]) -> Aligned:
    """Lay the answers of each contender beside the items, by id where both have ids, else by question.

    The rule: a question without an answer, and an answer that is not text, is an empty answer (and scores 0); an answer
    to no question is left out; of several answers to one question the first counts.

    Raises:
        DataError: a file cannot be read; or a side answers not one of the questions.
    """
    problems: list[Rejected] = []
    places: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        for name in (item.id, key_of(item.messages)):
            places.setdefault(name, []).append(place)
    found: dict[str, dict[int, Entry]] = {}
    for side, (path, key) in answers.items():
        found[side], troubles = _by_place(path, key, side, places)
        problems += troubles
        problems += [
            Rejected(path.name, None, f"no answer to {named(item.messages, item.id)}; it scores as an empty one")
            for place, item in enumerate(items)
            if place not in found[side]
        ]
        if not found[side]:
            raise DataError(
                f"{key}={path} answers none of the {len(items)} questions; answers are found by id or by the text of "
                "the question"
            )
    hashes = [_prompt_hash(item, [by.get(place) for by in found.values()]) for place, item in enumerate(items)]
    responses = {
        side: [_response(item, by.get(place), hashes[place][side_number]) for place, item in enumerate(items)]
        for side_number, (side, by) in enumerate(found.items())
    }
    return Aligned(responses, problems)


def _by_place(path: Path, key: str, side: str, places: dict[str, list[int]]) -> tuple[dict[int, Entry], list[Rejected]]:
    """The first answer to each item, and what is wrong with the file."""
    found: dict[int, Entry] = {}
    problems = []
    for entry in read_entries(path, key, side):
        if isinstance(entry, Rejected):
            problems.append(entry)
            continue
        fitting = places.get(entry.id or "") or places.get(key_of(entry.messages)) or []
        place = next((place for place in fitting if place not in found), fitting[0] if fitting else None)
        if place is None:
            has_name = entry.id or entry.messages
            what = named(entry.messages, entry.id) if has_name else "a record with neither id nor question"
            reason = f"{what} is not among the references; it is left out"
        elif place in found:
            reason = (
                f"answers {named(entry.messages, entry.id)}, the same question as record {found[place].record}, "
                "which counts; it is left out"
            )
        else:
            found[place] = entry
            answer = _only(entry.answer)
            if isinstance(answer, str):
                continue
            reason = (
                f"the answer to {named(entry.messages, entry.id)} is {kind(answer)}, not text; "
                "it scores as an empty one"
            )
        problems.append(Rejected(path.name, entry.record, reason))
    return found, problems


def _only(answer: object) -> object:
    """The member of a list of one, of one …"""
    while isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    return answer


def _prompt_hash(item: Item, entries: list[Entry | None]) -> list[str]:
    """What each side was asked: as recorded where every side did that, else the question itself."""
    recorded = [entry and entry.fields.get("prompt_sha256") for entry in entries]
    if all(isinstance(value, str) for value in recorded):
        return [str(value) for value in recorded]
    return [key_of(item.messages)] * len(entries)


def _response(item: Item, entry: Entry | None, prompt_sha256: str) -> Response:
    answer = _only(entry.answer) if entry else None
    text = answer.encode("utf-8", "replace").decode("utf-8") if isinstance(answer, str) else ""
    fields = entry.fields if entry else {}
    reason, tokens = fields.get("finish_reason"), fields.get("tokens")
    refusal = fields.get("refusal")
    return response(
        item.id,
        prompt_sha256,
        text,
        reason if isinstance(reason, str) else "missing" if entry is None else "unknown",
        tokens if isinstance(tokens, int) and not isinstance(tokens, bool) else 0,
        thinking=thinking_in(fields),
        refusal=refusal if isinstance(refusal, str) and refusal else None,
    )
