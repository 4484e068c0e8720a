"""Any number of contenders: what is shared is loaded once, and each answers as it would alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mentalft.comparison.compare import compare
from mentalft.files import read_jsonl
from mentalft.generation.batched import generate
from mentalft.generation.contenders import contenders_of
from mentalft.generation.evaluate import evaluate
from mentalft.modeling import base
from mentalft.modeling.locate import locate_model
from mentalft.records import Asked, Prompt, Response, Splits
from mentalft.runs.files import COMPARISON, MADE
from tests.generation.test_evaluate import adapter, config, rows, splits

__all__ = ["adapter", "splits"]


@pytest.fixture(scope="module")
def second_adapter(adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, turning everything the other way."""
    from safetensors.torch import load_file, save_file

    folder = tmp_path_factory.mktemp("second") / "adapter"
    shutil.copytree(adapter, folder)
    path = folder / "adapter_model.safetensors"
    save_file(
        {name: -weight if "lora_B" in name else weight for name, weight in load_file(path).items()},
        path,
        metadata={"format": "pt"},
    )
    return folder


@pytest.fixture(scope="module")
def other_model(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of another template: a line ends after the role."""
    folder = tmp_path_factory.mktemp("other") / "model"
    shutil.copytree(small_model, folder)
    path = folder / "chat_template.jinja"
    template = path.read_text(encoding="utf-8")
    for plain in ("'|>'", "'<|assistant|>'"):
        assert plain in template
        template = template.replace(plain, f"{plain[:-1]}\\n'")
    path.write_text(template, encoding="utf-8")
    return folder


def asked(run_dir: Path, small_model: Path, adapter: Path, splits: Splits, *overrides: str) -> Asked:
    cfg = config(small_model, *overrides)
    contenders = contenders_of(cfg, locate_model(cfg.model), lambda: adapter)
    return evaluate(cfg, contenders, splits, run_dir, None)


def test_adapters_of_one_base_load_it_once_and_answer_as_alone(
    small_model: Path, adapter: Path, second_adapter: Path, splits: Splits, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    loaded: list[Any] = []
    load = base.load_base_model
    monkeypatch.setattr(
        "mentalft.generation.engines.load_base_model", lambda *given: loaded.append(given) or load(*given)
    )
    asked(tmp_path / "all", small_model, adapter, splits, f"eval.contenders.second.adapter={second_adapter}")
    assert len(loaded) == 1
    asked(tmp_path / "one", small_model, adapter, splits)
    asked(tmp_path / "two", small_model, second_adapter, splits)
    for name in ("base", "tuned"):
        assert rows(tmp_path / "all", name) == rows(tmp_path / "one", name)
    assert rows(tmp_path / "all", "second") == rows(tmp_path / "two", "tuned") != rows(tmp_path / "all", "tuned")
    measured = [row["nll"] for row in rows(tmp_path / "all", "perplexity")]
    assert all(set(nll) == {"base", "tuned", "second"} for nll in measured)
    assert [n["second"] for n in measured] == [row["nll"]["tuned"] for row in rows(tmp_path / "two", "perplexity")]


def test_another_model_and_a_file_stand_beside_them(
    small_model: Path, adapter: Path, other_model: Path, splits: Splits, tmp_path: Path
) -> None:
    first = asked(tmp_path / "first", small_model, adapter, splits)
    theirs = tmp_path / "theirs.jsonl"
    given = [{"id": item.id, "answer": f"好的 {n}"} for n, item in enumerate(first.items)]
    theirs.write_text("\n".join(map(json.dumps, given)), encoding="utf-8")
    run_dir = tmp_path / "run"
    found = asked(
        run_dir, small_model, adapter, splits, f"eval.contenders.merged.name_or_path={other_model}",
        f"eval.contenders.theirs.answers={theirs}", "eval.baseline=tuned",
    )  # fmt: skip
    assert list(found.responses) == ["base", "tuned", "merged", "theirs"]
    assert rows(run_dir, "tuned") == rows(tmp_path / "first", "tuned")
    assert [r["text"] for r in rows(run_dir, "theirs")] == [row["answer"] for row in given]
    hashes = [{r["prompt_sha256"] for r in rows(run_dir, name)} for name in ("base", "merged")]
    assert not hashes[0] & hashes[1], "each in the tokens of its own template"
    cfg = config(small_model, "eval.metrics=[bleu,rougeL]", "eval.bootstrap_resamples=200", "eval.baseline=tuned")
    comparison = compare(cfg.eval, found, 1, run_dir)
    assert comparison.others == ("base", "merged", "theirs")
    of = {m.metric: m for m in comparison.metrics}
    assert set(of["bleu"].differences) == {"base", "merged", "theirs"}
    assert set(of["perplexity"].scores) == {"base", "tuned"}, "of other tokens it is another measure"
    assert set(of["perplexity"].differences) == {"base"}
    said = [note.key for note in comparison.notes if note.key.startswith(("compare.same", "compare.given"))]
    assert said == ["compare.same_messages", "compare.given_prompts"]
    assert COMPARISON.load(run_dir).metrics == comparison.metrics


def test_one_alone_has_scores_and_no_differences(
    small_model: Path, adapter: Path, splits: Splits, tmp_path: Path
) -> None:
    found = asked(tmp_path, small_model, adapter, splits, "eval.contenders.base=null", "eval.baseline=tuned")
    cfg = config(small_model, "eval.metrics=[bleu]", "eval.bootstrap_resamples=200", "eval.baseline=tuned")
    comparison = compare(cfg.eval, found, 1, tmp_path)
    assert (comparison.contenders, comparison.others) == (("tuned",), ())
    assert {m.metric for m in comparison.metrics} == {"rougeL", "bleu", "perplexity"}
    assert all(set(m.scores) == {"tuned"} and not m.differences for m in comparison.metrics)
    written = (tmp_path / "comparison.md").read_text(encoding="utf-8")
    assert "**tuned alone: ROUGE-L " in written
    assert "nothing is compared" in written
    assert (tmp_path / "comparison.csv").read_text(encoding="utf-8").startswith("metric,tuned,signature\n")


def test_who_answered_in_the_same_way_before_is_not_asked_again(
    small_model: Path, adapter: Path, second_adapter: Path, splits: Splits, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked(tmp_path, small_model, adapter, splits)
    before = {name: rows(tmp_path, name) for name in ("base", "tuned")}
    aside = tmp_path / "superseded" / "evaluate-1"
    aside.mkdir(parents=True)
    (tmp_path / "responses").rename(aside / "responses")
    told: list[str] = []

    def counting(model: Any, tokenizer: Any, prompts: Sequence[Prompt], *rest: Any) -> Iterator[Response]:
        told.extend(p.id for p in prompts)
        yield from generate(model, tokenizer, prompts, *rest)

    monkeypatch.setattr("mentalft.generation.batched.generate", counting)
    asked(tmp_path, small_model, adapter, splits, f"eval.contenders.second.adapter={second_adapter}")
    assert len(told) == len(before["base"]), "the new one alone"
    assert {name: rows(tmp_path, name) for name in before} == before
    assert list(MADE.load(tmp_path).contenders) == ["base", "tuned", "second"]
    (tmp_path / "responses").rename(aside.with_name("other"))
    asked(tmp_path, small_model, adapter, splits, "eval.max_new_tokens=4")
    assert {r["tokens"] for r in read_jsonl(tmp_path / "responses" / "base.jsonl")} <= {1, 2, 3, 4}
