"""Files for papers: every reader can see them, and equal data give equal bytes."""

from __future__ import annotations

import warnings
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mentalft.show.plots import NAMES, fonts, write_plots
from mentalft.show.plots.style import BUNDLED
from tests.show.compared import changed
from tests.show.plots.made import BLEU, made_run


@pytest.fixture(autouse=True)
def missing_glyphs_are_errors() -> object:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing")
        yield


@pytest.fixture
def no_chinese_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "CHINESE_FONTS", ("No Such Font",))


def test_a_picture_and_a_drawing_of_each_figure(tmp_path: Path) -> None:
    from matplotlib.image import imread

    written = write_plots(made_run(), tmp_path)
    assert {path.name for path in written} >= {f"{name}.{suffix}" for name in NAMES for suffix in ("png", "svg")}
    assert sorted(tmp_path.iterdir()) == sorted(written)
    assert imread(tmp_path / "loss.png").shape[:2] == (420, 660), "3.3 by 2.1 inches at 200 dpi"
    ElementTree.parse(tmp_path / "loss.svg")


def test_equal_data_give_equal_bytes(tmp_path: Path) -> None:
    run = made_run([BLEU])
    first, second = (write_plots(run, tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_what_an_earlier_writing_left_goes_and_the_users_own_files_stay(tmp_path: Path) -> None:
    for name in ("loss.png", "topics.txt", "mine.png"):
        (tmp_path / name).write_bytes(b"")
    write_plots(made_run([BLEU], training=[], topics=[], items=[]), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"comparison.png", "comparison.svg", "mine.png"}


@pytest.mark.usefixtures("no_chinese_font")
def test_without_a_chinese_font_topics_are_numbered_and_named_beside(tmp_path: Path) -> None:
    metric = changed(BLEU, title="词汇重合")
    written = write_plots(made_run([metric], topics=("sleep", "工作压力", "other")), tmp_path)
    assert written[-1] == tmp_path / "topics.txt"
    assert written[-1].read_text(encoding="utf-8") == "M1\t词汇重合\nT2\t工作压力\n"


def test_with_a_chinese_font_topics_are_named(tmp_path: Path) -> None:
    if fonts.fonts_for("睡眠工作压力") == (BUNDLED,):
        pytest.skip("no Chinese font on this machine")
    write_plots(made_run([BLEU]), tmp_path)
    assert not (tmp_path / "topics.txt").exists()


def test_characters_that_no_font_has_are_numbered(tmp_path: Path) -> None:
    topics = ("\U0001fae8 shaken", "a\x00b\ud800", "x" * 300, "القلق والنوم")
    write_plots(made_run([BLEU], topics=topics), tmp_path)
    assert (tmp_path / "topics.txt").read_text(encoding="utf-8") == "T1\t\U0001fae8 shaken\n"


@pytest.mark.usefixtures("no_chinese_font")
def test_without_a_chinese_font_a_chinese_run_has_english_words(tmp_path: Path) -> None:
    write_plots(made_run([BLEU]), tmp_path / "zh", "zh")
    write_plots(made_run([BLEU]), tmp_path / "en", "en")
    assert (tmp_path / "zh" / "loss.svg").read_bytes() == (tmp_path / "en" / "loss.svg").read_bytes()
