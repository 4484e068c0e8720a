"""Figures inside a page: nothing that a strict policy forbids, colours and fonts of the page, ids of their own."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from xml.etree import ElementTree

from mentalft.show.plots import figures_of, inline_svg
from mentalft.show.plots.labels import caption_of_figure
from mentalft.show.plots.style import new_figure, style
from tests.show.compared import changed
from tests.show.plots.made import BLEU, made_run


@cache
def drawn() -> dict[str, str]:
    run = made_run()
    figures = figures_of(run).items()
    return {name: inline_svg(figure, caption_of_figure(name, run.comparison, "en")) for name, figure in figures}


def test_there_are_no_styles_scripts_or_links_out() -> None:
    for name, svg in drawn().items():
        assert "style" not in svg, name
        assert "<script" not in svg
        assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"], "the namespace alone"


def test_size_and_name_are_for_every_reader() -> None:
    root = ElementTree.fromstring(drawn()["loss"])
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Training and validation loss"
    assert root.get("viewBox", "").startswith("0 0 237.6")
    assert root.get("width") is None
    titled = inline_svg(figures_of(made_run(training=[]))["comparison"], "基座 <与> 微调")
    assert ElementTree.fromstring(titled).get("aria-label") == "基座 <与> 微调"


def test_text_and_axes_have_the_pages_colour_and_series_can_be_set_by_it() -> None:
    svg = drawn()["scores"]
    assert "#000000" not in svg
    assert "#ffffff" not in svg
    assert 'stroke="currentColor"' in svg
    assert 'stroke="var(--series-1, #e69f00)"' in svg
    assert 'stroke="var(--series-2, #0072b2)"' in svg


def test_no_ground_is_painted_and_no_font_is_named() -> None:
    for svg in drawn().values():
        assert "DejaVu" not in svg
        assert 'id="patch' not in svg
    assert 'fill="var(--figure-paper' not in drawn()["lengths"]


def test_text_stays_text_whatever_fonts_are_here() -> None:
    assert "工作压力 (59)" in "".join(ElementTree.fromstring(drawn()["topics"]).itertext())


def test_ids_are_unique_in_a_page_and_all_are_referred_to() -> None:
    page = "".join(drawn().values())
    ids = Counter(re.findall(r' id="([^"]+)"', page))
    assert max(ids.values()) == 1
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)) - {("", "")}
    referred = {one or other for one, other in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)}
    assert referred == set(ids)


def test_titles_are_taken_literally() -> None:
    title = "a<b> & $x^2$"
    figures = figures_of(made_run([changed(BLEU, title=title)]))
    for name in ("comparison", "scores", "topics"):
        found = "".join(ElementTree.fromstring(inline_svg(figures[name])).itertext())
        assert title in found


def test_a_figure_from_elsewhere_goes_in_as_well() -> None:
    with style():
        figure = new_figure("sweep", 3, 2)
        figure.add_subplot().plot([0, 1], [1, 0])
    svg = inline_svg(figure, "Objective over trials")
    assert 'class="figure sweep"' in svg
    assert 'id="sweep-' in svg


def test_equal_runs_give_equal_text() -> None:
    caption = "Differences by topic, with intervals"
    assert inline_svg(figures_of(made_run())["topics"], caption) == drawn()["topics"]
