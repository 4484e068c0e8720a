"""The judge stage: a model compares every contender's answers with the baseline's, and is held against people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from mentalft.config import Config
from mentalft.console import say
from mentalft.files import read_json
from mentalft.generation.answers import given_file
from mentalft.generation.evaluate import asked_in
from mentalft.judging.asking import ask, chosen, cost_of, decoding_of, questions_of
from mentalft.judging.families import families_of
from mentalft.judging.figures import Pairs, decided, judged
from mentalft.judging.people import people_file, read_people
from mentalft.judging.record import Judged, JudgeRecord
from mentalft.judging.rubric import load_rubric, written
from mentalft.metrics.tokens import language_of
from mentalft.records import Answerer
from mentalft.runs.files import JUDGE, responses
from mentalft.statistics import Settings
from mentalft.statistics.inference import holm
from mentalft.words import Said


def judge(cfg: Config, run_dir: Path) -> JudgeRecord:
    """Write ``judge/verdicts.jsonl`` with every reply, and ``judge.json`` with what they come to.

    Raises:
        ConfigError: the rubric is none, or more would be asked than ``judge.max_requests``.
        DataError: there are no answers to compare, or the file of people's choices cannot be used.
        UserError: the server does not answer.
    """
    settings, baseline = cfg.judge, cfg.eval.baseline
    asked = asked_in(run_dir, baseline)
    rubric = load_rubric(settings.rubric, "judge.rubric")
    answers = {name: {r.id: r.text for r in responses(name).load(run_dir)} for name in asked.responses}
    others = [name for name in answers if name != baseline]
    file = people_file(settings.human, run_dir)
    people = read_people(file, answers[baseline].keys(), baseline, others) if file else []
    items = chosen(asked.items, settings.items, cfg.seed, {row.id for row in people})
    texts = [m.content for item in items for m in item.messages if m.role == "user"]
    language = language_of([texts]) if settings.language == "auto" else settings.language
    decoding = decoding_of(settings, cfg.seed)
    questions = questions_of(settings, decoding, items, answers, baseline, rubric, language)
    rows = ask(settings, decoding, questions, rubric, run_dir)
    statistics = Settings(cfg.eval.bootstrap_resamples, cfg.eval.confidence, cfg.seed)
    found = {
        name: judged(
            Pairs(
                items, baseline, name, answers,
                [row for row in rows if row.contender == name], [row for row in people if name in row.pair],
                settings.repeats, statistics,
            ),
            rubric,
        )
        for name in others
    }  # fmt: skip
    record = JudgeRecord(
        model=str(settings.model),
        server=urlsplit(str(settings.base_url)).hostname or "",
        rubric=rubric.name,
        rubric_source=rubric.source,
        titles={d.name: {"en": written(d.title, "en"), "zh": written(d.title, "zh")} for d in rubric.dimensions},
        language=language,
        decoding=str(decoding),
        repeats=settings.repeats,
        structured=all(row.structured for row in rows),
        baseline=baseline,
        confidence=cfg.eval.confidence,
        cost=cost_of(settings, rows),
        contenders=_with_verdicts(found, cfg.eval.confidence),
        families=_families(str(settings.model), asked.contenders),
        people=given_file(file) if file else None,
        raters=len({row.rater for row in people}),
        identities={name: about.identity for name, about in asked.contenders.items()},
    )
    JUDGE.save(run_dir, record)
    price = Said("judge.price", {"price": record.cost.price}) if record.cost.price is not None else ""
    say(Said("judge.done", {**record.cost.__dict__, "price": price}))
    return record


def _with_verdicts(found: Mapping[str, Judged], confidence: float) -> dict[str, Judged]:
    """The verdict of each contender, by tests corrected for their number."""
    corrected = {name: one.corrected for name, one in found.items() if one.corrected}
    p_holm = dict(zip(corrected, holm([one.p_value for one in corrected.values()]), strict=True))
    return {
        name: replace(
            one,
            corrected=one.corrected and replace(one.corrected, p_holm=p_holm[name]),
            verdict=decided(one, p_holm.get(name, 1.0), confidence),
        )
        for name, one in found.items()
    }


def _families(model: str, contenders: Mapping[str, Answerer]) -> dict[str, tuple[str, ...]]:
    """Contender → the families that it shares with the judge, where there are any."""
    judges = families_of(model)
    found = {name: families_of(about.model, _base_of(about.adapter)) & judges for name, about in contenders.items()}
    return {name: tuple(sorted(shared)) for name, shared in found.items() if shared}


def _base_of(adapter: str | None) -> str | None:
    """What an adapter says that it was trained on."""
    file = Path(adapter or "") / "adapter_config.json"
    return str(read_json(file).get("base_model_name_or_path")) if adapter and file.is_file() else None
