"""What is wrong with a comparison is a caution above one bound, and leaves no verdict above another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mentalft.comparison.gates import RULES, Facts, judged
from mentalft.config import BoundsConfig
from mentalft.metrics.integrity import CHECKS, Integrity
from mentalft.records import Leakage
from mentalft.words import catalogue, told
from tests.show.compared import said
from tests.test_conf import composed


def looks(ratio: float = 1.0, **rates: float) -> Integrity:
    return Integrity((), {**dict.fromkeys(CHECKS, 0.0), **rates}, ratio)


def facts(tuned: Integrity, base: Integrity | None = None) -> Facts:
    found = {"base": base or looks(), "tuned": tuned}
    return Facts("base", found, dict.fromkeys(found, 0.0), {}, dialogues=30, problems=0)


def bounds(name: str, caution: float | None, not_comparable: float | None) -> BoundsConfig:
    found = composed().eval.bounds
    return replace(
        found,
        caution=replace(found.caution, **{name: caution}),
        not_comparable=replace(found.not_comparable, **{name: not_comparable}),
    )


def levels(found: Facts, within: BoundsConfig) -> list[tuple[str, str]]:
    return [(gate.rule, gate.level) for gate in judged(found, within)]


@pytest.mark.parametrize(
    ("rate", "level"),
    [(0.1, None), (0.11, "caution"), (0.5, "caution"), (0.51, "not_comparable"), (1.0, "not_comparable")],
)
@pytest.mark.parametrize("check", CHECKS)
def test_a_share_has_two_bounds(check: str, rate: float, level: str | None) -> None:
    found = levels(facts(looks(**{check: rate})), bounds(check, 0.1, 0.5))
    assert found == ([(check, level)] if level else [])


@pytest.mark.parametrize(
    ("ratio", "rule"), [(0.49, "shorter"), (0.5, None), (1.0, None), (2.0, None), (2.01, "longer"), (0.0, "shorter")]
)
def test_a_length_is_a_caution_beyond_twice_or_half(ratio: float, rule: str | None) -> None:
    assert levels(facts(looks(ratio)), composed().eval.bounds) == ([(rule, "caution")] if rule else [])


def test_null_is_never() -> None:
    assert levels(facts(looks(echo=1.0)), bounds("echo", None, None)) == []
    assert levels(facts(looks(ratio=9.0)), bounds("longer", 2.0, 5.0)) == [("longer", "not_comparable")]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"dialogues": 19}, [("dialogues", "caution")]),
        ({"dialogues": 20}, []),
        ({"problems": 1}, [("problems", "caution")]),
        ({"other_prompts": {"base": 0.0, "tuned": 0.01}}, [("prompts", "not_comparable")]),
        ({"leakage": {"tuned": Leakage(True, said("some"), 1, 0.01)}}, [("leakage", "caution")]),
        ({"leakage": {"tuned": Leakage(True, said("some"), 11, 0.11)}}, [("leakage", "not_comparable")]),
        ({"leakage": {"tuned": Leakage(False, said("?"))}}, []),
    ],
)
def test_what_is_no_matter_of_the_answers(changes: dict[str, object], found: list[tuple[str, str]]) -> None:
    assert levels(facts(looks())._replace(**changes), composed().eval.bounds) == found


def test_a_line_says_what_the_bound_what_the_others_and_what_to_do() -> None:
    (cut,) = judged(facts(looks(cut=0.2)), composed().eval.bounds)
    assert told(cut.line) == (
        "20.0% of the tuned answers are cut at the length limit (bound 10.0%, base 0.0%); raise eval.max_new_tokens, or see "
        "that the template closes a turn with a token that ends generation"
    )
    assert told(cut.line, "zh").startswith("微调的回答有 20.0% 在长度上限处被截断（界限 10.0%、基座 0.0%）；请调大")
    (every,) = judged(facts(looks(), looks(echo=1.0)), composed().eval.bounds)
    assert (every.contender, told(every.clause)) == ("base", "every base answer repeats the question")
    (never,) = judged(facts(looks(cut=1.0)), composed().eval.bounds)
    assert told(never.clause) == "no tuned answer ends by itself: an end token is never seen"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_rule_has_its_words(language: str) -> None:
    for rule in RULES:
        for key in (f"gate.{rule.name}", f"gate.{rule.name}_do"):
            assert catalogue()[key][language]
