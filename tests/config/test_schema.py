"""Bounds and choices: every problem at once, each naming the key, the value and what is accepted."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

from mentalft.config import Config
from mentalft.config.checks import problems
from tests.test_conf import composed


def test_a_good_configuration_has_no_problem() -> None:
    assert problems(composed()) == []


def test_all_problems_are_found_at_once() -> None:
    cfg = composed()
    cfg.lora.r = 0
    cfg.data.test_fraction = 1.5
    cfg.eval.metrics = ["blue", "blue"]
    cfg.stages = []
    cfg.trainer.save_steps = 30
    found = "\n".join(problems(cfg))
    for part in (
        "lora.r must be at least 1 and at most 1024, got 0",
        "data.test_fraction must be above 0 and below 1, got 1.5",
        "did you mean 'bleu'?",
        "eval.metrics names 'blue' twice",
        "stages is empty",
        "trainer.save_steps must be a multiple of trainer.eval_steps (8)",
    ):
        assert part in found


def test_held_out_shares_leave_something_to_train_on() -> None:
    cfg = composed()
    cfg.data.validation_fraction = cfg.data.test_fraction = 0.5
    assert any("must be below 1" in p for p in problems(cfg))


def test_the_schema_holds_no_values() -> None:
    """Values live in conf/ alone, so that there is one place to look."""

    def values(node: object) -> list[object]:
        return [v for f in fields(node) for v in values(getattr(node, f.name))] if is_dataclass(node) else [node]

    assert set(map(str, values(Config()))) == {"???"}


def test_extra_metrics_have_names_of_their_own() -> None:
    cfg = composed()
    cfg.eval.extra_metrics = ["./bleu.py", "a/mine.py", "b/mine.py", "rouge#rougeLsum", "rouge#rouge1"]
    found = "\n".join(problems(cfg))
    assert "'./bleu.py', and eval.metrics has a metric called 'bleu'" in found
    assert "eval.extra_metrics names 'mine' twice" in found
    assert "rouge" not in found


def test_the_direction_of_a_metric_that_is_not_there_is_refused() -> None:
    cfg = composed("eval.extra_metrics=['./wer.py','rouge#rouge1']", "eval.lower_is_better=[wer,rouge.rouge1]")
    assert problems(cfg) == []
    cfg.eval.lower_is_better = ["bleu"]
    (problem,) = problems(cfg)
    assert "holds 'bleu', which is none of eval.extra_metrics; those are called wer, rouge.rouge1" in problem


def test_bounds_are_checked() -> None:
    cfg = composed()
    cfg.eval.bounds.caution.echo = -1
    assert problems(cfg) == ["eval.bounds.caution.echo must be at least 0, got -1"]


def test_answers_from_files_come_with_all_that_is_needed() -> None:
    cfg = composed("stages=[compare]", "eval.responses.base=a", "eval.responses.tuned=b", "eval.references=c")
    assert problems(cfg) == []
    cfg.eval.references = None
    assert problems(cfg)[0].startswith("eval.references must be given too: it holds the questions")
    cfg.eval.references, cfg.stages = "c", ["evaluate", "compare"]
    assert "scored by stages=[compare], or [judge,compare]" in problems(cfg)[0]


def test_questions_of_a_file_need_a_file() -> None:
    cfg = composed()
    cfg.eval.items = "file"
    assert "eval.items=file needs eval.questions=FILE" in problems(cfg)[0]
    cfg.eval.items, cfg.eval.questions = "test", "mine.json"
    assert "eval.questions=mine.json is asked with eval.items=file alone" in problems(cfg)[0]


def test_sources_are_checked() -> None:
    cfg = composed()
    cfg.data.sources = [{"path": "e", "weight": float("nan")}, {"path": "f", "max_dialogues": 1.5, "columns": "A"}]
    assert [p.partition(", got")[0] for p in problems(cfg)] == [
        "data.sources[0].weight must be a number, at least 0",
        "data.sources[1].columns must be a mapping such as {question: NAME, answer: NAME}",
        "data.sources[1].max_dialogues must be a whole number, at least 1",
    ]
    cfg.data.sources = ["a.json", {"path": "b/a.json"}, {"name": "c"}, {"path": "d", "wieght": 1, "weight": -1}, 5]
    found = "\n".join(problems(cfg))
    for part in (
        "two are called 'a.json'",
        "data.sources[2] must be a path",
        "no such key wieght",
        "data.sources[3].weight must be a number, at least 0, got -1",
        "data.sources[4] must be a path",
    ):
        assert part in found


def test_a_form_that_there_is_not_is_named_with_those_there_are() -> None:
    cfg = composed()
    cfg.data.format = "emolm"
    cfg.data.sources = [
        {"path": "a", "format": "sharegtp"},
        {"path": "b", "format": "chatml"},
        {"path": "c", "format": 1},
    ]
    first, second, third = problems(cfg)
    assert first.startswith("data.format holds 'emolm'; accepted are auto, soulchat, chatml, emollm, ")
    assert first.endswith("did you mean 'emollm'?")
    assert second.startswith("data.sources[0].format holds 'sharegtp'")
    assert second.endswith("did you mean 'sharegpt'?")
    assert third.startswith("data.sources[2].format holds '1'; accepted are auto, ")


def test_what_a_name_of_a_setting_cannot_say_is_pointed_to() -> None:
    cfg = composed()
    cfg.eval.openai.base_url = "localhost:80"
    cfg.eval.metrics = ["perplexity"]
    found = "\n".join(problems(cfg))
    assert "eval.openai.base_url must begin with http:// or https://" in found
    assert "unless eval.perplexity=false" in found


def test_a_report_goes_to_w_and_b_only_where_text_may() -> None:
    cfg = composed("tracking.log_artifacts=[report]", "tracking.log_text=true")
    assert problems(cfg) == []
    cfg.tracking.log_text = False
    assert problems(cfg) == [
        "tracking.log_artifacts holds report, which holds dialogue text; add tracking.log_text=true to upload it"
    ]
    cfg.tracking.log_artifacts = ["adaptor"]
    assert problems(cfg) == [
        "tracking.log_artifacts holds 'adaptor'; accepted are adapter, report; did you mean 'adapter'?"
    ]
