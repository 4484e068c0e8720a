"""From right and wrong answers to what is said: losses, chance, the point of best exchange."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

import pytest

from mentalft.forgetting.evidence import evidence_of
from mentalft.forgetting.records import FORGETTING, Diverged, Forgetting, Probed, ProbeItem
from mentalft.forgetting.results import Found, result_of
from mentalft.records import Perplexed
from mentalft.show.evidence import Evidence
from mentalft.words import told
from tests.test_conf import composed

SCALES = (0.25, 0.5, 0.75, 1.0)


def found(
    base: int, tuned: Sequence[int], *, gain: float = 1.0, kl: float = 0.1, items: int = 100, choices: bool = True
) -> Forgetting:
    """Who had how many right: the baseline, and the tuned model at each of :data:`SCALES`."""
    given = {"options": 4, "answer": 0}
    asked = [ProbeItem(f"{n}", "choice_en" if choices else "arithmetic", "?", "choice" if choices else "number", given)
             for n in range(items)]  # fmt: skip
    names = [*(f"tuned@{scale:g}" for scale in SCALES[:-1]), "tuned"]

    def answered(right: int) -> list[Probed]:
        return [Probed(item.id, "A", n < right) for n, item in enumerate(asked)]

    answers = {"base": answered(base)} | {name: answered(n) for name, n in zip(names, tuned, strict=True)}
    nats = {name: kl * scale for name, scale in zip(names, SCALES, strict=True)}
    divergences = [Diverged(f"{n}", 10, {name: 10 * each for name, each in nats.items()}) for n in range(5)]
    losses = [Perplexed(f"{n}", 10, {"base": 30.0} | {m: 30 - 10 * gain * s for m, s in zip(names, SCALES, strict=True)})
              for n in range(5)]  # fmt: skip
    cfg = composed("eval.bootstrap_resamples=200")
    measured = Found(asked, answers, divergences, losses)
    return result_of(cfg, measured, contenders=["base", "tuned"], not_asked=["far"], identities={})


@pytest.fixture
def shown(tmp_path: object) -> object:
    def of(result: Forgetting) -> Evidence:
        FORGETTING.save(tmp_path, result)  # type: ignore[arg-type]
        evidence = evidence_of(tmp_path)  # type: ignore[arg-type]
        assert evidence is not None
        return evidence

    return of


def test_a_loss_is_a_caution_and_the_best_exchange_is_before_it(shown: object) -> None:
    result = found(80, [80, 79, 60, 40])
    assert result.whole.changes["tuned"].shows_loss(0.95)
    assert result.curves["tuned"].best == 0.5
    evidence = shown(result)  # type: ignore[operator]
    assert [(gate.rule, gate.level, gate.contender) for gate in evidence.gates] == [("forgetting", "caution", "tuned")]
    assert told(evidence.headline).startswith("tuned lost general ability: -40.0 points of right answers against base")
    assert "best exchange at scale 0.5" in " ".join(map(told, evidence.lines))
    assert "far: not loaded here" in " ".join(map(told, evidence.lines))
    for language in ("en", "zh"):
        assert told(evidence.gates[0].line, language)
        svg = ElementTree.fromstring(evidence.figures["forgetting"](language))
        assert svg.tag.endswith("svg")


def test_without_a_loss_the_scale_with_the_most_gain_is_best(shown: object) -> None:
    evidence = shown(found(80, [80, 80, 80, 79]))  # type: ignore[operator]
    assert evidence.gates == ()
    assert told(evidence.headline).startswith("no loss of general ability is shown for tuned: -1.0 points")
    assert {figure.key: figure.value for figure in evidence.summary}["tuned/best_scale"] == 1.0


def test_an_adapter_that_gains_nothing_has_no_exchange() -> None:
    assert found(80, [80] * 4, gain=-0.1).curves["tuned"].best == 0
    assert found(80, [80] * 4, gain=0).curves["tuned"].best == 0


def test_a_base_at_chance_can_show_nothing(shown: object) -> None:
    result = found(25, [25, 20, 10, 5])
    assert (result.whole.can_show, result.curves["tuned"].best) == (False, None)
    evidence = shown(found(25, [25] * 4))  # type: ignore[operator]
    assert "forgetting of tuned cannot be shown" in told(evidence.headline)
    assert "at chance (25 of 100 right; chance 25%)" in " ".join(map(told, evidence.lines))
    assert found(40, [40] * 4).whole.can_show


def test_too_few_right_can_show_nothing_either() -> None:
    assert not found(5, [0] * 4, choices=False).whole.can_show
    assert found(6, [0] * 4, choices=False).whole.can_show


def test_a_model_far_from_the_base_is_a_caution(shown: object) -> None:
    assert [gate.rule for gate in shown(found(80, [80] * 4, kl=50)).gates] == ["kl"]  # type: ignore[operator]


def test_the_figures_are_sums_over_tokens() -> None:
    result = found(80, [80] * 4, kl=0.4, gain=0.8)
    assert result.kl["tuned"].value == pytest.approx(0.4)
    assert [point.gain.value for point in result.curves["tuned"].points] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
