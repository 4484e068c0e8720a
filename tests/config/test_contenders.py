"""Who is compared: any number, by names of the user's own, and every mistake named by the key that holds it."""

from __future__ import annotations

import pytest

from mentalft.config.checks import problems
from mentalft.config.contenders import specs
from mentalft.errors import ConfigError
from tests.test_conf import composed


def test_base_and_tuned_are_the_default() -> None:
    found = specs(composed())
    assert list(found) == ["base", "tuned"]
    assert (found["base"].adapter, found["tuned"].adapter) == (None, "run")
    assert {spec.engine for spec in found.values()} == {"transformers"}


def test_more_are_added_on_the_command_line_and_null_leaves_one_out() -> None:
    cfg = composed(
        "eval.contenders.dpo.adapter=FOLDER",
        "eval.contenders.served.base_url=http://here/v1",
        "eval.contenders.served.model=gpt",
        "eval.contenders.theirs.answers=a.jsonl",
        "eval.contenders.tuned=null",
    )
    assert problems(cfg) == []
    found = specs(cfg)
    assert list(found) == ["base", "dpo", "served", "theirs"]
    assert (found["served"].engine, found["served"].is_local) == ("openai", False)
    assert not found["theirs"].is_local


def test_the_short_keys_say_the_same() -> None:
    cfg = composed(
        "eval=openai", "eval.adapter=F", "eval.openai.base_url=http://x", "eval.openai.base_model=a",
        "eval.openai.tuned_model=b",
    )  # fmt: skip
    found = specs(cfg)
    assert [(spec.base_url, spec.model) for spec in found.values()] == [("http://x", "a"), ("http://x", "b")]
    assert found["tuned"].adapter == "F"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["eval.baseline=bse"], "eval.baseline=bse is none of eval.contenders, which are base, tuned"),
        (["eval.contenders.again.adapter=run"], "tuned and again are the same; give again an adapter"),
        (["eval.contenders.copy={}"], "base and copy are the same"),
        (["eval.contenders.items.adapter=F"], "eval.contenders.items: a name is of letters, digits, - and _"),
        (["eval.contenders.api.engine=openai"], "eval.contenders.api.model has no value"),
        (["eval.contenders.api={base_url: here, model: m}"], "base_url must begin with http:// or https://, got here"),
        (["eval.contenders.a={base_url: http://x, model: m, name_or_path: f}"], "name_or_path is loaded here"),
        (["eval=openai", "eval.openai.base_url=http://x"], "eval.openai.base_model has no value"),
        (["stages=[compare]", "eval.responses.base=a", "eval.references=c"], "eval.responses.tuned must be given too"),
    ],
)
def test_a_mistake_is_named_by_its_key(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        composed(*overrides)
    assert said in str(caught.value)


def test_an_unknown_key_of_a_contender_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"eval\.contenders\.x: .*Did you mean: 'adapter'.*it takes adapter, name_or"):
        composed("eval.contenders.x.adaptor=F")
