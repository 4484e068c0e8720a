"""A setting says on which stages it bears, and that is all that decides what runs again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from mentalft.config import RUNNING_ORDER, STAGES, Config
from mentalft.config.fields import NO_RESULT, Setting, bears, settings_of, stages_of, value_at
from mentalft.modeling.locate import locate_model
from mentalft.runs.loop import run_stage, stale
from mentalft.runs.markers import markers
from mentalft.runs.stage import Context, Stage, groups_of, owners, used_by
from mentalft.stages import EVALUATE
from mentalft.stages import STAGES as DECLARED
from tests.recorded import record
from tests.test_conf import composed

SETTINGS = list(settings_of(Config))
NEVER_AGAIN = (
    "eval.openai.concurrency", "eval.openai.timeout", "eval.openai.max_retries", "eval.openai.requests_per_minute",
    "eval.openai.api_key_env", "eval.batch_size", "trainer.logging_steps", "trainer.save_steps",
    "trainer.save_total_limit", "trainer.per_device_eval_batch_size", "data.num_proc", "report.language",
    "tracking.mode", "cache", "run_dir",
)  # fmt: skip


def test_the_names_of_stages_are_those_that_are_declared() -> None:
    assert tuple(stage.name for stage in DECLARED) == RUNNING_ORDER
    assert tuple(stage.name for stage in DECLARED if stage.wanted is None) == STAGES


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.key)
def test_every_setting_says_on_what_it_bears(setting: Setting) -> None:
    assert setting.bears_on, f"{setting.key} says nothing"
    for told in setting.bears_on:
        name, _, condition = told.partition(" if ")
        assert name in (*RUNNING_ORDER, *NO_RESULT)
        if condition:
            value_at(composed(), condition.partition("=")[0])


@pytest.mark.parametrize("key", NEVER_AGAIN)
def test_pace_and_presentation_decide_no_result(key: str) -> None:
    assert stages_of(next(s for s in SETTINGS if s.key == key)) == ()


def other(value: Any, hint: Any) -> Any:
    """A value of the same type that is not ``value``."""
    choices = [a for a in get_args(hint) if not isinstance(a, type)] if "Literal" in str(hint) else []
    if choices:
        return next(choice for choice in choices if choice != value)
    for kind, made in ((bool, lambda v: not v), (int, lambda v: v + 1), (float, lambda v: v + 0.0137)):
        if isinstance(value, kind):
            return made(value)
    if isinstance(value, list) or get_origin(hint) is list:
        return [*(value or []), "other"]
    if isinstance(value, dict) or get_origin(hint) is dict:
        return {**(value or {}), "other": 1}
    return f"{value}x" if isinstance(value, str) else 7 if "int" in str(hint) or "float" in str(hint) else "other"


def changed(cfg: Any, key: str) -> Any:
    """``cfg`` with another value at ``key``."""
    name, _, rest = key.partition(".")
    now = getattr(cfg, name)
    return replace(cfg, **{name: changed(now, rest) if rest else other(now, get_type_hints(type(cfg))[name])})


def plain(stage: Stage) -> Stage:
    """``stage`` without work and without inputs, so that settings alone decide."""
    return Stage(stage.name, lambda _: None, (), (), wanted=stage.wanted)


@pytest.mark.parametrize("sampling", [False, True])
def test_each_setting_alone_makes_exactly_the_stages_run_again_that_it_names(tmp_path: Path, sampling: bool) -> None:
    cfg = composed("eval.engine=openai", "eval.openai.base_url=http://localhost:1", f"eval.do_sample={sampling}",
                   "eval.max_items=5", "eval.openai.base_model=a", "eval.openai.tuned_model=b")  # fmt: skip
    stages = [plain(stage) for stage in DECLARED]
    for stage in stages:
        run_stage(stage, Context(cfg, tmp_path), record, lambda: None)
    assert stale(stages, Context(cfg, tmp_path)) == {}
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for setting in SETTINGS:
        now = changed(cfg, setting.key)
        again = stale(stages, Context(now, tmp_path))
        named = {name for name in RUNNING_ORDER if bears(setting, name, cfg) or bears(setting, name, now)}
        if setting.key in ("eval.do_sample", "eval.max_items", "eval.engine"):  # others bear only where these say so
            assert set(again) == named
            continue
        assert set(again) == named, setting.key
        for reasons in again.values():
            assert all(r.values["what"].startswith(setting.key) for r in reasons)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}, "nothing was run"
    assert set(markers(tmp_path)) == set(RUNNING_ORDER)


def test_a_setting_without_effect_here_bears_on_nothing() -> None:
    cfg = composed("eval.do_sample=false")
    temperature = next(s for s in SETTINGS if s.key == "eval.temperature")
    assert not bears(temperature, "evaluate", cfg)
    assert bears(temperature, "evaluate", composed("eval.do_sample=true"))


def test_groups_follow_from_the_settings() -> None:
    assert groups_of(["compare"]) == {"eval"}
    assert groups_of(["prepare"]) == {"data"}
    assert used_by(["compare"], {"data": 1, "eval": 2, "tracking": 3}) == {"eval": 2, "tracking": 3}
    assert owners("data")[0] == "prepare"
    assert owners("eval")[:2] == ["compare", "evaluate"]
    assert "evaluate" in owners("model")


def test_another_text_in_the_template_s_file_is_another_model(small_model: Path, tmp_path: Path) -> None:
    template = tmp_path / "own.jinja"
    cfg = composed(f"model.name_or_path={small_model}", f"model.chat_template={template}", "eval.contenders.tuned=null")
    context = Context(cfg, tmp_path / "run", located=locate_model(cfg.model))
    found, asked = set(), set()
    for text in ("一", "二", "一"):
        template.write_text(text, encoding="utf-8")
        found.add(context.fingerprint())
        asked.add(str(EVALUATE.inputs(context)))
    assert len(found) == len(asked) == 2
