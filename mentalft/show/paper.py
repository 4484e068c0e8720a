"""For a paper: ``methods.md``, paragraphs in English and Chinese that can be pasted as they are, and ``items.csv``.

Every figure comes from the records of the run; ``comparison.tex`` is written with the comparison's other tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mentalft.config.schema import last_part
from mentalft.files import write_text
from mentalft.records import DIAGNOSTIC, PRIMARY, SECONDARY, Answerer, Comparison, ItemRow, MetricResult, Role
from mentalft.runs.declared import declared_in
from mentalft.runs.files import MADE, TRAINED
from mentalft.runs.loading import FinishedRun, read_run
from mentalft.runs.markers import Marker, markers
from mentalft.show.card_facts import own_contender
from mentalft.show.comparison import decoding_of, scope_lines
from mentalft.show.language import in_language
from mentalft.show.numbers import plain, probability, signed, spread
from mentalft.show.table import PROGRAMS, Cell, Column, Table, csv_text
from mentalft.show.verdict import verdict_sentence
from mentalft.words import Language, Said, contender, listed, told


def write_paper(run_dir: Path) -> None:
    """Write ``methods.md`` and ``items.csv`` of a run that has been compared."""
    run = read_run(run_dir)
    write_text(run_dir / "methods.md", methods(run))
    write_text(run_dir / "items.csv", csv_text(items_table(run)))


def methods(run: FinishedRun) -> str:
    """What was done and found, a section a language, and the signatures of the scores."""
    blocks = [
        block
        for language in ("en", "zh")
        for block in (f"## {told(Said('paper.methods'), language)}", *_paragraphs(run, language))
    ]
    signatures = [f"- {m.title}: `{m.signature}`" for m in run.comparison.metrics]
    heading = " / ".join(told(Said("paper.signatures"), language) for language in ("en", "zh"))
    return "\n\n".join([*blocks, f"## {heading}", "\n".join(signatures)]) + "\n"


def _paragraphs(run: FinishedRun, language: Language) -> Iterator[str]:
    comparison = in_language(run.comparison, language)
    between = " " if language == "en" else ""
    yield between.join(told(said, language) for said in _methods(run, comparison))
    found = [verdict_sentence(comparison, language), *scope_lines(comparison, language)]
    yield between.join([*found, *(told(said, language) for said in _results(comparison))])


def _methods(run: FinishedRun, comparison: Comparison) -> Iterator[Said]:
    done = markers(run.run_dir)
    if run.data and "prepare" in done:
        names = listed([source.name for source in run.data.sources])
        seeds = done["prepare"].record.seeds
        yield Said("paper.data", {"data": names, **run.data.dialogues, "split_seed": seeds["split_seed"]})
    own = own_contender(run.run_dir, done)
    if own and TRAINED.exists(run.run_dir):
        yield _training(run, done["train"])
    if MADE.exists(run.run_dir):
        yield _asked(run, comparison, done, own)
    (primary,) = [m.title for m in comparison.metrics if m.role == PRIMARY]
    if named := declared_in(run.run_dir):
        key = "paper.named_after" if named[-1].answers_seen else "paper.named"
        yield Said(key, {"title": primary, "at": named[-1].at})
    yield Said(
        "paper.statistics",
        {
            "baseline": contender(comparison.baseline),
            "confidence": f"{100 * comparison.confidence:.3g}",
            "resamples": comparison.resamples,
            "seed": comparison.seed,
        },
    )
    about = run.manifest or {}
    versions = ", ".join(f"{name} {v}" for name, v in about.get("versions", {}).items() if v)
    commit = about.get("git_commit")
    said = Said("paper.commit", {"commit": commit[:12]}) if commit else ""
    yield Said("paper.made_with", {"mentalft": about.get("mentalft"), "commit": said, "versions": versions})


def _training(run: FinishedRun, marker: Marker) -> Said:
    config, model = marker.record.config, marker.record.model
    lora = {name: f"{v:g}" if isinstance(v, float) else v for name, v in config["lora"].items()}
    revision = f"@{model.revision}" if model and model.revision else ""
    values: dict[str, Any] = {
        **config["trainer"],
        "model": f"{_shown(model.name) if model else config['model']['name']}{revision}",
        "method": Said("paper.full") if lora["method"] == "full" else Said("paper.lora", lora),
        "steps": f"{max((row.get('train/step', 0) for row in run.training), default=0):.0f}",
        "max_length": config["data"]["max_length"],
        "seed": marker.record.seeds["seed"],
        "loss": f"{TRAINED.load(run.run_dir).validation_loss:.4f}",
    }
    return Said("paper.training", values)


def _asked(run: FinishedRun, comparison: Comparison, done: dict[str, Marker], own: str | None) -> Said:
    of_contenders = MADE.load(run.run_dir).contenders
    asked = done["evaluate"].record.config["eval"] if "evaluate" in done else {"items": "file", "turns": "last_turn"}
    named = [_system(name, of_contenders.get(name, Answerer()), own) for name in comparison.contenders]
    values = {
        "contenders": listed(named),
        "items": comparison.items,
        "dialogues": comparison.dialogues,
        "asked": Said(f"paper.asked_{asked['items']}", {"turns": Said(f"paper.{asked['turns']}")}),
        "decoding": decoding_of(comparison.decoding),
    }
    return Said("paper.asked", values)


def _system(name: str, who: Answerer, own: str | None) -> Said:
    what: Said | str = _shown(who.model) if who.model else Said("paper.answers_of_a_file")
    if who.adapter:
        what = Said("paper.tuned_here" if name == own else "paper.with_adapter", {"model": what})
    return Said("paper.system", {"name": contender(name), "what": what})


def _shown(model: str) -> str:
    """A hub id as it is, a folder without the path of this machine."""
    return last_part(model) if model.startswith((".", "/", "~")) or model.count("/") > 1 else model


def _results(comparison: Comparison) -> Iterator[Said]:
    for name in comparison.others:
        for role in (PRIMARY, SECONDARY, DIAGNOSTIC):
            figures = list(_figures(comparison, name, role))
            if figures:
                names = {"name": contender(name), "baseline": contender(comparison.baseline)}
                yield Said("paper.others", {**names, "role": Said(f"paper.{role}"), "figures": figures})


def _figures(comparison: Comparison, name: str, role: Role) -> Iterator[Said]:
    for m in comparison.metrics:
        if m.role != role or name not in m.differences:
            continue
        d = m.differences[name]
        values = {
            "title": m.title,
            "difference": signed(d.difference),
            "interval": spread(d.interval),
            "baseline": plain(m.scores[comparison.baseline]),
            "score": plain(m.scores[name]),
        }
        tested = {} if d.p_holm is None else {"p": probability(d.p_holm)}
        yield Said("paper.tested" if tested else "paper.figure", {**values, **tested})


class _Scored(NamedTuple):
    item: ItemRow
    contender: str


def items_table(run: FinishedRun) -> Table[_Scored]:
    """A row an item and contender, with the item's own score by every metric, and without any text of a dialogue."""

    def score(m: MetricResult) -> Column[_Scored]:
        return Column(m.metric, cell=lambda r: Cell(value=r.item.scores[r.contender].get(m.metric)), places=PROGRAMS)

    return Table(
        [
            Column("id", cell=lambda r: Cell(value=r.item.id), places=PROGRAMS),
            Column("dialogue", cell=lambda r: Cell(value=r.item.dialogue_id), places=PROGRAMS),
            Column("topic", cell=lambda r: Cell(value=r.item.topic), places=PROGRAMS),
            Column("turn", cell=lambda r: Cell(value=r.item.turn), places=PROGRAMS),
            Column("contender", cell=lambda r: Cell(value=r.contender), places=PROGRAMS),
            *map(score, run.comparison.metrics),
        ],
        [_Scored(item, name) for item in run.items for name in run.comparison.contenders],
    )
