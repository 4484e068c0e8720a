"""A judge of a known way is told for what it is, asks nothing twice, and has no say until people agree with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mentalft.errors import ConfigError, UserError
from mentalft.files import write_jsonl
from mentalft.judging.evidence import evidence_of
from mentalft.judging.judge import judge
from mentalft.judging.record import JudgeRecord
from mentalft.runs.files import JUDGE, VERDICTS
from mentalft.show.evidence import evidence_markdown
from mentalft.words import told
from tests.generation.test_openai_engine import Stub, said, stub  # noqa: F401 - stub is a fixture
from tests.judging.judges import (
    Judge,
    always_first,
    answered,
    at_random,
    careless,
    config,
    longest,
    number_of,
    perfect,
    reply_of,
    shown,
    worth,
)

pytest.importorskip("openai", reason="pip install 'mentalft[openai]'")
Make = Callable[..., Stub]


def run_judge(make: Make, run_dir: Path, way: Judge, *overrides: str) -> JudgeRecord:
    return judge(config(make(reply_of(way)).url, *overrides), run_dir)


def what_is_said(run_dir: Path) -> str:
    found = evidence_of(run_dir)
    assert found is not None
    return "\n".join(line for block in evidence_markdown([found]) for line in block)


def people(path: Path, choices: Sequence[Callable[[int], str]], items: int = 60) -> Path:
    """One row an item and rater, by what each rater says of item n; nothing where that is empty."""
    rows = [
        {"id": f"d{n}#1", "pair": ["base", "tuned"], "choice": choice(n), "rater": f"r{number}"}
        for number, choice in enumerate(choices)
        for n in range(items)
        if choice(n)
    ]
    write_jsonl(path, rows)
    return path


def truth(n: int) -> str:
    return "tuned" if n % 4 else "base"


def wrong_each(every: int, offset: int) -> Callable[[int], str]:
    """A rater who errs on some items."""
    return lambda n: {"tuned": "base", "base": "tuned"}[truth(n)] if n % every == offset else truth(n)


@pytest.mark.parametrize(
    ("way", "faults", "words"),
    [
        (perfect, (), "no favour for a place or for length is seen"),
        (always_first, ("chance", "position"), "it favours the answer that stands first (100% of what it decided)"),
        (longest, ("length",), "its verdicts follow length"),
        (at_random, ("chance",), "agree no more than by chance"),
    ],
)
def test_a_judge_is_told_for_what_it_is(
    way: Judge, faults: tuple[str, ...], words: str, stub: Make, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    found = run_judge(stub, answered(tmp_path), way).contenders["tuned"]
    assert found.faults == faults
    text = what_is_said(tmp_path)
    assert words in text
    assert "not validated, so no verdict on tuned" in text
    assert (found.reason, found.verdict) == ("no_people", "withheld")
    if way is perfect:
        assert (found.wins, found.ties, found.losses) == (45, 0, 15)
        assert found.win_rate
        assert found.win_rate.interval
        assert found.win_rate.interval.low < 3 / 4 < found.win_rate.interval.high
        assert found.order_kappa
        assert found.order_kappa.value == 1
    if way is always_first:
        assert (found.wins, found.ties, found.losses) == (0, 60, 0)


def test_a_judge_whom_people_agree_with_gives_a_verdict(stub: Make, tmp_path: Path) -> None:  # noqa: F811
    file = people(tmp_path / "people.jsonl", [wrong_each(7, 1), wrong_each(7, 3)], items=45)
    found = run_judge(stub, answered(tmp_path / "run"), perfect, f"judge.human={file}")
    tuned = found.contenders["tuned"]
    assert tuned.reason == "validated"
    assert tuned.agreement
    assert tuned.agreement.judge
    assert tuned.agreement.people
    assert tuned.agreement.judge.value > tuned.agreement.people.value
    assert tuned.corrected
    assert (tuned.corrected.rated, tuned.corrected.dialogues) == (45, 45)
    assert tuned.verdict == "better"
    text = what_is_said(tmp_path / "run")
    assert "validated by people: tuned is better than base" in text
    assert "prediction-powered inference" in text


@pytest.mark.parametrize(
    ("raters", "items", "way", "reason"),
    [
        ([truth], 60, perfect, "one_rater"),
        ([truth, truth], 15, perfect, "few"),
        ([truth, truth], 60, careless, "below"),
        ([truth, truth], 60, at_random, "no_agreement"),
        ([truth, truth], 60, always_first, "no_agreement"),
        ([lambda n: "tie", lambda n: "tie"], 60, perfect, "unknown"),
    ],
)
def test_a_judge_who_is_not_validated_gives_none(
    raters: Any, items: int, way: Judge, reason: str, stub: Make, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    file = people(tmp_path / "people.jsonl", raters, items)
    found = run_judge(stub, answered(tmp_path / "run"), way, f"judge.human={file}").contenders["tuned"]
    assert (found.reason, found.verdict) == (reason, "withheld")
    assert "not validated" in what_is_said(tmp_path / "run")


def test_nothing_is_asked_twice(stub: Make, tmp_path: Path) -> None:  # noqa: F811
    """A server that dies half way; then the same command; then another pace, more items, and people's choices."""
    run_dir, reply = answered(tmp_path / "run"), reply_of(perfect)
    server = stub(lambda body, n: reply(body, n) if n <= 41 else (503, {"error": {"message": "gone"}}, {}))
    slow = ("judge.concurrency=1", "judge.items=50", "judge.max_retries=0")
    with pytest.raises(UserError, match=r"judge\.base_url=.* failed with HTTP 503"):
        judge(config(server.url, *slow), run_dir)
    assert not JUDGE.exists(run_dir)
    server.reply = reply
    file = people(tmp_path / "people.jsonl", [truth])
    for asked, items, given in (
        (59, 50, slow),
        (0, 50, ("judge.items=50", "judge.concurrency=8")),
        (20, 60, ("judge.items=60",)),
        (0, 60, ("judge.items=2", f"judge.human={file}")),  # what people rated is judged
        (120, 60, ("judge.items=null", "judge.repeats=2")),
    ):
        before = len(server.bodies)
        assert judge(config(server.url, *given), run_dir).contenders["tuned"].items == items
        assert len(server.bodies) - before == asked


def test_what_a_stage_again_set_aside_is_not_asked_again(stub: Make, tmp_path: Path) -> None:  # noqa: F811
    from mentalft.runs.place import set_aside

    run_dir, server = answered(tmp_path), stub(reply_of(perfect))
    judge(config(server.url), run_dir)
    set_aside(run_dir, "judge", [VERDICTS.path(run_dir), JUDGE.path(run_dir)])
    judge(config(server.url, "judge.items=20"), run_dir)
    assert len(server.bodies) == 120


def test_more_than_is_allowed_is_not_begun(stub: Make, tmp_path: Path) -> None:  # noqa: F811
    server = stub(reply_of(perfect))
    with pytest.raises(ConfigError, match="max_requests=119, and 120 requests would be sent"):
        judge(config(server.url, "judge.max_requests=119"), answered(tmp_path))
    assert server.bodies == []


def test_cost_is_said_before_and_after(
    stub: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]  # noqa: F811
) -> None:  # fmt: skip
    prices = ("judge.price_per_million_input=1000", "judge.price_per_million_output=2000", "judge.max_new_tokens=10")
    found = run_judge(stub, answered(tmp_path), perfect, *prices)
    assert (found.cost.requests, found.cost.prompt_tokens, found.cost.completion_tokens) == (120, 360, 480)
    assert found.cost.price == pytest.approx(0.36 + 0.96)
    out = " ".join(capsys.readouterr().out.split())
    assert "judge: 60 pairs × 2 orders × 1 repeats: 120 requests to gpt-judge (0 known already), about" in out
    assert "at most 1,200 received, at most" in out
    assert "120 replies, 360 tokens sent and 480 received by the server's count, 1.3200 by judge.price" in out


def test_refusals_and_prose_are_counted_and_not_guessed(stub: Make, tmp_path: Path) -> None:  # noqa: F811
    prose = "Both answers have their merits; A is warmer, B is clearer."

    def reply(body: dict[str, Any], n: int) -> Any:
        a, b = shown(body)
        number = number_of(a)
        if number < 6:
            return 400, {"error": {"message": "flagged by the content filter", "code": "content_filter"}}, {}
        if number < 12:
            return 200, said(prose), {}
        if number < 18:
            return 200, said(f"I think so.\nchoice: {perfect(a, b)}"), {}
        return reply_of(perfect)(body, n)

    found = judge(config(stub(reply).url), answered(tmp_path)).contenders["tuned"]
    assert (found.refused, found.unread, found.in_words, found.unfinished) == (12, 12, 12, 12)
    assert found.wins + found.ties + found.losses == 48
    assert {row.choice for row in VERDICTS.load(tmp_path) if row.reply == prose} == {None}
    text = what_is_said(tmp_path)
    assert "12 replies were read in words" in text
    assert "12 of 120 replies could not be read" in text


def test_a_busy_server_is_asked_again(stub: Make, tmp_path: Path) -> None:  # noqa: F811
    busy = stub(
        lambda body, n: (
            (429, {"error": {"message": "slow down"}}, {"retry-after": "0"}) if n == 1 else reply_of(perfect)(body, n)
        )
    )
    found = judge(config(busy.url, "judge.concurrency=1"), answered(tmp_path, 4))
    assert len(busy.bodies) == 9
    assert found.cost.requests == 8


def test_a_server_without_schemas_is_asked_without(stub: Make, tmp_path: Path) -> None:  # noqa: F811
    server = stub(
        lambda body, n: (
            (400, {"error": {"message": "response_format is not supported"}}, {})
            if "response_format" in body
            else reply_of(perfect)(body, n)
        )
    )
    found = judge(config(server.url, "judge.concurrency=1"), answered(tmp_path, 4))
    assert not found.structured
    assert len([body for body in server.bodies if "response_format" in body]) < 8
    assert "replies without a schema" in what_is_said(tmp_path)
    with_schema = stub(reply_of(perfect))
    assert run_judge(lambda _: with_schema, answered(tmp_path / "other", 4), perfect).structured
    assert all(
        body["response_format"]["json_schema"]["schema"]["required"] == ["reason", "choice"]
        for body in with_schema.bodies
    )


def test_ratings_by_dimension_are_held_against_peoples(stub: Make, tmp_path: Path) -> None:  # noqa: F811
    rows = [
        {
            "id": f"d{n}#1", "pair": ["base", "tuned"], "rater": rater, "choice": None,
            "ratings": {"base": {"empathy": 1 + n % 3}, "tuned": {"empathy": 2 + n % 3}},
        }
        for n in range(60) for rater in "ab"
    ]  # fmt: skip
    write_jsonl(tmp_path / "people.jsonl", rows)

    def reply(body: dict[str, Any], _: int) -> Any:
        a, b = shown(body)
        number = number_of(a)
        tuned_first = (worth(a) > worth(b)) == (number % 4 != 0)
        levels = [{"empathy": 2 + number % 3, "toxicity": 9}, {"empathy": 1 + number % 3}]
        ratings = dict(zip("AB", levels if tuned_first else levels[::-1], strict=True))
        return 200, said(json.dumps({"ratings": ratings, "choice": "A"})), {}

    file = f"judge.human={tmp_path / 'people.jsonl'}"
    found = judge(config(stub(reply).url, "judge.rubric=counselbench", file), answered(tmp_path / "run"))
    tuned = found.contenders["tuned"]
    empathy = tuned.dimensions["empathy"]
    assert empathy.means == {"base": 2, "tuned": 3}
    assert empathy.agreement
    assert empathy.agreement.judge
    assert empathy.agreement.judge.value == pytest.approx(1)
    assert empathy.agreement.ratings == 240
    assert tuned.dimensions["toxicity"].means == {}, "what is on no scale is no rating"
    assert tuned.reason == "no_people", "ratings alone validate no choice"
    assert "| tuned | empathy | 2.00 | 3.00 |" in what_is_said(tmp_path / "run")


def test_every_contender_is_held_against_the_baseline(stub: Make, tmp_path: Path) -> None:  # noqa: F811
    run_dir = answered(tmp_path, 24, others=("tuned", "other"))
    found = run_judge(stub, run_dir, perfect)
    assert list(found.contenders) == ["tuned", "other"]
    assert found.cost.requests == 96
    evidence = evidence_of(run_dir)
    assert evidence is not None
    assert {"tuned/win_rate", "other/win_rate", "other/order_kappa"} <= {f.key for f in evidence.summary}
    assert {e.title.key for e in evidence.examples} == {"judge.example_win", "judge.example_loss"}  # type: ignore[union-attr]
    assert [text for _, text, _ in evidence.examples[0].texts[-2:]] == ["because", "because"]


def test_equal_answers_are_ties_without_a_question(stub: Make, tmp_path: Path) -> None:  # noqa: F811
    run_dir, server = answered(tmp_path, 10), stub(reply_of(perfect))
    (run_dir / "responses" / "tuned.jsonl").write_bytes((run_dir / "responses" / "base.jsonl").read_bytes())
    found = judge(config(server.url), run_dir).contenders["tuned"]
    assert server.bodies == []
    assert (found.identical, found.ties) == (10, 10)
    assert found.win_rate
    assert found.win_rate.value == 0.5


def test_a_judge_of_the_contenders_family_is_warned_of(stub: Make, tmp_path: Path) -> None:  # noqa: F811
    run_judge(stub, answered(tmp_path, 4), perfect, "judge.model=SmolLM2-judge")
    assert "of one family" not in what_is_said(tmp_path), "smol-model says nothing of its family"
    found = JUDGE.load(tmp_path)
    assert found.families == {}


def test_both_languages_say_everything(stub: Make, tmp_path: Path) -> None:  # noqa: F811
    file = people(tmp_path / "people.jsonl", [truth, wrong_each(5, 1)])
    run_judge(stub, answered(tmp_path / "run"), longest, f"judge.human={file}", "judge.repeats=2")
    found = evidence_of(tmp_path / "run")
    assert found is not None
    for language in ("en", "zh"):
        assert told(found.headline, language)
        assert all(told(line, language) for line in found.lines)
        assert evidence_markdown([found], language)
    assert "结论随长度变化" in "".join(told(line, "zh") for line in found.lines)
