"""A kind of evidence says what it found once; terminal, page, Markdown, card, W&B and several runs show it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mentalft.records import CAUTION, Answerer, Made
from mentalft.runs.files import COMPARISON, MADE
from mentalft.runs.loading import read_run
from mentalft.show import evidence
from mentalft.show.comparison import write_tables
from mentalft.show.evidence import Evidence, Example, Figure, across_runs, evidence_in, evidence_markdown, gates_in
from mentalft.show.report import report_html
from mentalft.show.table import Cell, Column, Table
from mentalft.show.terminal import show_comparison
from mentalft.words import Said, told
from tests.recorded import recorded_run, score
from tests.test_conf import composed

FOUND: list[Evidence] = []
"""What the kind of these tests finds."""


def evidence_of(_run_dir: Path) -> Evidence | None:
    return FOUND[0] if FOUND else None


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Evidence:
    """A kind with everything that one can have."""
    monkeypatch.setattr(evidence, "KINDS", {"screen": __name__})
    from mentalft.comparison.gates import made

    table = Table(
        [Column("what", Said("show.metric"), left=True), Column("value", Said("show.score"))],
        [{"what": Cell("names help", "names_help"), "value": Cell("50.0%", 0.5)}],
        Said("show.caption_alone", {"baseline": "A", "items": 2, "dialogues": 2, "decoding": "greedy"}),
    )
    found = Evidence(
        "screen",
        Said("run.directory", {"path": "HEADLINE"}),
        (table,),
        (Said("run.directory", {"path": "HOW TO READ"}),),
        (made("dialogues", CAUTION, "tuned", Said("run.directory", {"path": "THE CAUTION"})),),
        (Figure("tuned/names_help", "tuned names help", 0.5),),
        {"curve": lambda _: '<svg viewBox="0 0 10 10"><title>curve</title></svg>'},
        (Example("item 1", (("tuned", "<b>call someone</b>", ((3, 7), (5, 9))),), "worse"),),
        {"tuned": None},
    )
    FOUND[:] = [found]
    yield found
    FOUND.clear()


def test_in_markdown_its_remarks_stay_apart(kind: Evidence) -> None:
    two = kind._replace(lines=(kind.lines[0], kind.headline))
    assert evidence_markdown([two])[-1] == [f"- {told(line)}" for line in two.lines]


def test_a_run_without_evidence_shows_none(tmp_path: Path) -> None:
    assert evidence_in(tmp_path) == []
    assert gates_in(tmp_path) == []


def test_every_place_shows_a_kind_and_only_the_page_its_texts(
    kind: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = recorded_run(tmp_path / "run")
    comparison = COMPARISON.load(run_dir)
    assert "THE CAUTION" in str(comparison.gates)
    capsys.readouterr()
    show_comparison(comparison, run_dir)
    write_tables(comparison, run_dir)
    page = report_html(replace(read_run(run_dir), data=None), {}, "zh")
    card = (run_dir / "adapter" / "README.md").read_text()
    for text in (capsys.readouterr().out, (run_dir / "comparison.md").read_text(), page):
        assert "HEADLINE" in text
        assert "names help" in text
        assert "HOW TO READ" in text
        assert ("omeone" in text) is (text is page)
    assert "&lt;b&gt;<mark>call</mark><mark> s</mark>omeone" in page
    assert '<section id="screen"' in page
    assert "风险筛查" in page
    assert "call someone" not in card


def test_a_finding_that_came_later_makes_compare_run_again(kind: Evidence, tmp_path: Path) -> None:
    FOUND.clear()
    run_dir = recorded_run(tmp_path / "run")
    assert "THE CAUTION" not in str(COMPARISON.load(run_dir).gates)
    FOUND.append(kind)
    overrides = (
        "data=local",
        f"data.path={tmp_path / 'corpus.json'}",
        "eval.metrics=[rouge1,length]",
        "eval.primary=rouge1",
        "eval.bootstrap_resamples=200",
    )
    score(run_dir, composed(*overrides), overrides)
    assert "THE CAUTION" in str(COMPARISON.load(run_dir).gates)


def test_what_was_found_of_other_weights_is_not_shown(kind: Evidence, tmp_path: Path) -> None:
    MADE.save(tmp_path, Made({"base": Answerer(), "tuned": Answerer(identity="new")}, "greedy"))
    FOUND[:] = [kind._replace(identities={"tuned": "old"})]
    (shown,) = evidence_in(tmp_path)
    assert (shown.headline.key, shown.tables, shown.gates) == ("evidence.of_others", (), ())
    FOUND[:] = [kind._replace(identities={"tuned": "new", "gone": "x"})]
    assert evidence_in(tmp_path)[0].headline == kind.headline


def test_several_runs_stand_side_by_side(kind: Evidence) -> None:
    other = kind._replace(
        summary=(Figure("tuned/names_help", "tuned names help", 0.25), Figure("kl", "KL", 0.1, "{:.3f}"))
    )
    (table,) = across_runs([[kind], [], [other]])
    assert [[cell.text for cell in row] for row in table.cells("terminal")] == [
        ["tuned names help", "50.0%", "–", "25.0%"],
        ["KL", "–", "–", "0.100"],
    ]
    assert across_runs([[], []]) == []


def test_marks_may_touch_and_overlap() -> None:
    example = Example("t", (("who", "abcdef", ((4, 6), (0, 2), (1, 3))),))
    ((_, pieces),) = example.parts("en")
    assert pieces == [("ab", True), ("c", True), ("d", False), ("ef", True)]
