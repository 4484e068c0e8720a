"""Answers are given once, kept through a kill, and the same from any number of processes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mentalft.config import Config
from mentalft.errors import DataError
from mentalft.files import read_jsonl, write_jsonl
from mentalft.generation.batched import generate
from mentalft.generation.cache import ResponseCache
from mentalft.generation.contenders import Contender, contenders_of
from mentalft.generation.evaluate import asked_in, evaluate
from mentalft.modeling.adapter import add_adapter
from mentalft.modeling.locate import LocatedModel, locate_model
from mentalft.records import Dialogue, Prompt, Response, Splits
from tests.conftest import dialogue_record
from tests.test_conf import composed


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    path = tmp_path_factory.mktemp("data") / "test.jsonl"
    records = [dialogue_record(n) for n in range(5)]
    write_jsonl(path, (Dialogue.from_json({**r, "id": f"d{r['id']}"}).to_json() for r in records))
    return Splits(path, path, path)


@pytest.fixture(scope="module")
def adapter(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that changes what is answered."""
    import torch
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(1)
    base = AutoModelForCausalLM.from_pretrained(str(small_model))
    model = add_adapter(base, composed().lora, "small")
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(str(folder), save_embedding_layers=False)
    return folder


def config(small_model: Path, *overrides: str) -> Config:
    return composed(f"model.name_or_path={small_model}", "eval.max_new_tokens=8", "eval.batch_size=4", *overrides)


def located(cfg: Config) -> LocatedModel:
    found: LocatedModel = locate_model(cfg.model)
    return found


def two(cfg: Config, adapter: Path) -> tuple[Contender, ...]:
    """The base and, with ``adapter``, the tuned model."""
    return contenders_of(cfg, located(cfg), lambda: adapter)


def rows(run_dir: Path, name: str) -> list[dict[str, Any]]:
    return list(read_jsonl(run_dir / "responses" / f"{name}.jsonl"))


@pytest.fixture(scope="module")
def alone(small_model: Path, adapter: Path, splits: Splits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run_dir = tmp_path_factory.mktemp("run")
    cfg = config(small_model)
    evaluate(cfg, two(cfg, adapter), splits, run_dir, None)
    return run_dir


def test_both_sides_answer_the_same_prompts_in_order(alone: Path) -> None:
    base, tuned, items = (rows(alone, name) for name in ("base", "tuned", "items"))
    assert [r["id"] for r in base] == [r["id"] for r in tuned] == [i["id"] for i in items]
    assert [r["prompt_sha256"] for r in base] == [r["prompt_sha256"] for r in tuned]
    assert [r["text"] for r in base] != [r["text"] for r in tuned]
    left = {p.name for p in (alone / "responses").iterdir()}
    assert left == {"items.jsonl", "base.jsonl", "tuned.jsonl", "perplexity.jsonl", "decoding.json"}


def test_perplexity_is_what_transformers_measures_one_by_one(alone: Path, small_model: Path, adapter: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(small_model))
    base = AutoModelForCausalLM.from_pretrained(str(small_model))
    tuned = PeftModel.from_pretrained(base, str(adapter))
    measured = {row["id"]: row for row in rows(alone, "perplexity")}
    for item in rows(alone, "items"):
        turns = [*item["messages"], {"role": "assistant", "content": item["references"][0]}]
        texts = [
            tokenizer.apply_chat_template(turns[:-1], tokenize=False, add_generation_prompt=True),
            tokenizer.apply_chat_template(turns, tokenize=False).rstrip(),
        ]
        asked, whole = (tokenizer(t, add_special_tokens=False)["input_ids"] for t in texts)
        ids = torch.tensor([whole])
        labels = torch.tensor([[-100] * len(asked) + whole[len(asked) :]])
        row = measured[item["id"]]
        assert row["tokens"] == len(whole) - len(asked)
        with torch.no_grad():
            assert row["nll"]["tuned"] == pytest.approx(float(tuned(ids, labels=labels).loss) * row["tokens"], rel=1e-5)
            with tuned.disable_adapter():
                loss = float(tuned(ids, labels=labels).loss)
        assert row["nll"]["base"] == pytest.approx(loss * row["tokens"], rel=1e-5)


@pytest.mark.parametrize("sampling", [[], ["eval.do_sample=true", "eval.temperature=0.9"]], ids=["greedy", "sampled"])
def test_two_processes_answer_as_one(
    sampling: list[str], alone: Path, small_model: Path, adapter: Path, splits: Splits, tmp_path: Path
) -> None:
    one = alone
    if sampling:
        one, cfg = tmp_path / "one", config(small_model, *sampling)
        evaluate(cfg, two(cfg, adapter), splits, one, None)
        assert (one / "responses" / "base.jsonl").read_bytes() != (alone / "responses" / "base.jsonl").read_bytes()
    cfg = config(small_model, *sampling, "trainer.num_processes=2")
    evaluate(cfg, two(cfg, adapter), splits, tmp_path, None)
    for name in ("items", "base", "tuned"):
        assert rows(tmp_path, name) == rows(one, name)
    for mine, other in zip(rows(tmp_path, "perplexity"), rows(one, "perplexity"), strict=True):
        assert (mine["id"], mine["tokens"]) == (other["id"], other["tokens"])
        assert mine["nll"] == pytest.approx(other["nll"], rel=1e-5)


def test_the_same_command_gives_the_same_bytes(
    alone: Path, small_model: Path, adapter: Path, splits: Splits, tmp_path: Path
) -> None:
    cfg = config(small_model)
    cache = ResponseCache(tmp_path / "cache")
    for name in ("first", "second"):  # the second's baseline comes from the cache
        evaluate(cfg, two(cfg, adapter), splits, tmp_path / name, cache)
        written = sorted((tmp_path / name / "responses").iterdir())
        assert [p.name for p in written] == sorted(p.name for p in (alone / "responses").iterdir())
        for path in written:
            assert path.read_bytes() == (alone / "responses" / path.name).read_bytes()


def test_the_cache_does_not_ask_how_many_were_decoded_together(
    small_model: Path, adapter: Path, splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = ResponseCache(tmp_path / "cache")
    for size in (4, 2):
        cfg = config(small_model, f"eval.batch_size={size}", "eval.perplexity=false")
        evaluate(cfg, two(cfg, adapter), splits, tmp_path / str(size), cache)
    assert "base: 10 answers from the cache" in capsys.readouterr().out
    assert rows(tmp_path / "2", "base") == rows(tmp_path / "4", "base")


class Killed(BaseException):
    """Nothing catches it, like a kill."""


def test_what_was_answered_before_a_kill_is_not_asked_again(
    alone: Path, small_model: Path, adapter: Path, splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counting(stop_after: int) -> Any:
        def wrapped(model: Any, tokenizer: Any, prompts: Sequence[Prompt], *rest: Any) -> Iterator[Response]:
            for response in generate(model, tokenizer, prompts, *rest):
                asked.append(response.id)
                yield response
                if len(asked) == stop_after:
                    raise Killed

        return wrapped

    for stop, pace in ((3, "eval.batch_size=4"), (14, "eval.batch_size=2"), (0, "trainer.logging_steps=3")):
        cfg = config(small_model, pace)
        monkeypatch.setattr("mentalft.generation.batched.generate", counting(stop))
        if stop:
            with pytest.raises(Killed):
                evaluate(cfg, two(cfg, adapter), splits, tmp_path, None)
            part = tmp_path / "responses" / "base.partial.0.jsonl"
            if stop == 3:
                part.write_text(part.read_text(encoding="utf-8")[:-9], encoding="utf-8")  # as a kill leaves it
        else:
            evaluate(cfg, two(cfg, adapter), splits, tmp_path, None)
    for name in ("base", "tuned", "perplexity"):
        assert (tmp_path / "responses" / f"{name}.jsonl").read_bytes() == (
            alone / "responses" / f"{name}.jsonl"
        ).read_bytes()
    assert len(asked) == 2 * len(rows(alone, "items")) + 1, "each once, and the one line that was cut again"


def test_side_by_side_runs_ask_the_base_model_once(
    small_model: Path, adapter: Path, splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    began = threading.Event()

    def wrapped(model: Any, tokenizer: Any, prompts: Sequence[Prompt], *rest: Any) -> Iterator[Response]:
        asked.extend(p.id for p in prompts)
        began.set()
        yield from generate(model, tokenizer, prompts, *rest)

    monkeypatch.setattr("mentalft.generation.batched.generate", wrapped)
    cfg, cache = config(small_model, "eval.perplexity=false"), ResponseCache(tmp_path / "cache")

    def run(name: str) -> None:
        evaluate(cfg, two(cfg, adapter), splits, tmp_path / name, cache)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("first", "second")]
    threads[0].start()
    assert began.wait(60)
    threads[1].start()
    for thread in threads:
        thread.join(120)
    items = rows(tmp_path / "first", "items")
    assert len(asked) == 3 * len(items), "the base model once, the tuned one twice"
    assert rows(tmp_path / "first", "base") == rows(tmp_path / "second", "base")


def test_prompts_that_do_not_fit_are_said(
    small_model: Path, adapter: Path, splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = config(small_model, "data.max_length=16")
    with pytest.raises(DataError, match=r"not one of 10 prompts fits in data\.max_length=16"):
        evaluate(cfg, two(cfg, adapter), splits, tmp_path, None)


def test_the_user_s_own_questions_are_asked_past_what_is_wrong_in_them(
    small_model: Path, adapter: Path, splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"睡不着": ["好", "嗯"], "紧张": "呼吸", "空": 3}, ensure_ascii=False), encoding="utf-8")
    cfg = config(small_model, "eval.items=file", f"eval.questions={path}")
    asked = evaluate(cfg, two(cfg, adapter), splits, tmp_path, None)
    assert [i.references for i in asked.items] == [("好", "嗯"), ("呼吸",)]
    assert "mine.json, record 3: has an answer that is a number, not text; it is not asked" in capsys.readouterr().out
    assert asked_in(tmp_path, "base").items == asked.items


def test_a_run_that_was_not_evaluated_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="got as far as evaluate, or add it to stages"):
        asked_in(tmp_path, "base")
