"""Further metrics through evaluate: a module of the user's own, offline."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentalft.errors import ConfigError
from mentalft.metrics.extra import load_extra
from mentalft.metrics.registry import Metric, scorers_of
from tests.test_conf import composed

MODULE = """
import datasets
import evaluate

class Mine(evaluate.Metric):
    def _info(self):
        return evaluate.MetricInfo(
            description="", citation="", features=datasets.Features(
                {{"predictions": datasets.Value("string"), "references": {references}}}
            ),
        )

    def _compute(self, predictions, references):
        {body}
"""
ONE, SEVERAL = 'datasets.Value("string")', 'datasets.Sequence(datasets.Value("string"))'


HISTORIES = [
    [{"role": "system", "content": "慢慢说。"}, {"role": "user", "content": "又失眠了"}],
    [{"role": "user", "content": "嗯"}, {"role": "assistant", "content": "？"}, {"role": "user", "content": "好累"}],
]
GUIDE = Path(__file__).parents[2] / "docs" / "metrics.md"


def scores(metric: Metric, responses: list[str], references: list[list[str]]) -> list[float]:
    """Each item's own."""
    parts = metric.make(None).score(responses, references)  # type: ignore[arg-type]
    return [float(score) for score in metric.total(parts)]


def module(folder: Path, body: str, references: str = ONE, name: str = "mine") -> str:
    path = folder / f"{name}.py"
    path.write_text(MODULE.format(references=references, body=body), encoding="utf-8")
    return str(path)


def test_a_list_of_scores_is_taken_as_it_is(tmp_path: Path) -> None:
    spec = module(tmp_path, 'return {"scores": [len(p) for p in predictions], "n": 2}')
    extra = load_extra(spec)
    assert extra.name == "mine"
    assert scores(extra, ["一二三", ""], [["x"], ["y"]]) == [3.0, 0.0]
    assert "evaluate:" in extra.make(None).signature  # type: ignore[arg-type]


def test_a_score_of_the_whole_is_asked_for_item_by_item(tmp_path: Path) -> None:
    body = 'return {"mine": sum(p == r for p, r in zip(predictions, references)) / len(predictions), "other": 5}'
    assert scores(load_extra(module(tmp_path, body)), ["a", "b"], [["a"], ["c"]]) == [1.0, 0.0]


def test_the_best_of_several_references_counts(tmp_path: Path) -> None:
    body = 'return {"mine": [float(p == r) for p, r in zip(predictions, references)]}'
    assert scores(load_extra(module(tmp_path, body)), ["a", "b"], [["c", "a"], ["c"]]) == [1.0, 0.0]
    body = 'return {"mine": [float(p in r) for p, r in zip(predictions, references)]}'
    assert scores(load_extra(module(tmp_path, body, SEVERAL, "lists")), ["a", "b"], [["c", "a"], ["c"]]) == [1.0, 0.0]


def test_where_lower_is_better_the_lowest_of_several_references_counts(tmp_path: Path) -> None:
    spec = module(tmp_path, 'return {"mine": [float(p != r) for p, r in zip(predictions, references)]}')
    assert scores(load_extra(spec, higher_is_better=False), ["a", "b"], [["c", "a"], ["c"]]) == [0.0, 1.0]


def test_one_of_several_scores_is_named(tmp_path: Path) -> None:
    spec = module(tmp_path, 'return {"a": [1.0] * len(predictions), "b": [2.0] * len(predictions)}')
    assert scores(load_extra(f"{spec}#b"), ["x"], [["y"]]) == [2.0]
    assert load_extra(f"{spec}#b").name == "mine.b"
    with pytest.raises(ConfigError, match=r"holds a, b; name one, in quotes: .*mine\.py#KEY"):
        scores(load_extra(spec), ["x", "y"], [["y"], ["z"]])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('raise RuntimeError("no such thing")', r"fails on these answers \(no such thing"),
        ('return {"mine": [float("nan")] * len(predictions)}', "gives nan"),
        ('return {"text": "good"}', "holds no number"),
    ],
)
def test_what_goes_wrong_names_the_module(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        scores(load_extra(module(tmp_path, body)), ["x"], [["y"]])


def test_what_is_not_there_or_no_module_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_extra("./nothing.py")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_of_that_name\n", "cannot be loaded"),
        ("import datasets\nimport evaluate, os\n", "line 2: evaluate reads one import a line; .*import evaluate; import os"),
        ("import evaluate\n\ndef mine(): pass\n", "holds no subclass of evaluate.Metric"),
        ("def mine(:\n", r"is not Python \(invalid syntax"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_extra(str(path))


def with_history(spec: str, responses: list[str], references: list[list[str]]) -> list[float]:
    cfg = composed(f"eval.extra_metrics=['{spec}']").eval
    cfg.metrics = []
    (scorer,) = scorers_of(cfg, references, histories=HISTORIES).values()
    return [float(score) for score in scorer.total(scorer.score(responses, references))]


@pytest.mark.parametrize(
    "body",
    [
        'return {"mine": [float(len(h[-1]["content"]) + len(r)) for h, r in zip(history, references)]}',
        'return {"mine": len(history[0][-1]["content"]) + len(references[0])}',
    ],
)
def test_one_that_asks_for_it_is_given_what_was_said_before_each_answer(tmp_path: Path, body: str) -> None:
    path = Path(module(tmp_path, body))
    path.write_text(path.read_text().replace("predictions, references)", "predictions, references, history)"))
    assert with_history(str(path), ["a", "b"], [["x"], ["y", "yy"]]) == [5.0, 4.0], "of several references the best"


def test_history_may_be_one_of_the_features(tmp_path: Path) -> None:
    text = 'datasets.Value("string")'
    more = f'{text}, "history": [{{"role": {text}, "content": {text}}}]'
    path = Path(module(tmp_path, 'return {"mine": [float(len(h)) for h in history]}', more))
    path.write_text(path.read_text().replace("predictions, references)", "predictions, references, history)"))
    assert with_history(str(path), ["a", "b"], [["x"], ["y"]]) == [2.0, 3.0]


def test_the_example_of_the_docs_runs(tmp_path: Path) -> None:
    (example,) = [part for part in GUIDE.read_text(encoding="utf-8").split("```") if "evaluate.Metric)" in part]
    (tmp_path / "takes_up.py").write_text(example.removeprefix("python\n"), encoding="utf-8")
    assert with_history(str(tmp_path / "takes_up.py"), ["又失眠了？", "是吗"], [["x"], ["y"]]) == [1.0, 0.0]
