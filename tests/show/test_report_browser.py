"""The report in headless Chromium, without a network: it renders, its controls and keys work, nothing of a text runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mentalft.show.report import report_html
from tests.show.report_runs import ARABIC, EMOJI, FULL_WIDTH, REFERENCE, SCRIPT, item, odd_items, write_run
from tests.show.test_report import FIGURES

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome is installed")
ITEMS = 120


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class Opened:
    """A page without a network, and what it complained of."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(offline=True, **options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "request", lambda r: None if r.url.startswith(("file:", "data:")) else self.complaints.append(r.url)
        )
        self.page.goto(path.as_uri())

    def shown(self) -> list[str]:
        return self.page.locator("#list .id").all_inner_texts()

    def close(self) -> None:
        self.context.close()
        assert self.complaints == []


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    topics = ("睡眠", "学业", None)
    items = [item(n, topic=topics[n % 3], flags=["cut"] if n % 10 == 0 else []) for n in range(ITEMS)]
    items[77] = replace(items[77], answers={**items[77].answers, "tuned": "只有这里提到ＰＳＱＩ量表"})
    path = folder / "report.html"
    path.write_text(report_html(write_run(folder, items), FIGURES, "en"), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Any, many: Path) -> Iterator[Opened]:
    found = Opened(browser, many)
    yield found
    found.close()


def test_pages_follow_each_other(opened: Opened) -> None:
    assert opened.page.locator("#count").inner_text() == "120 of 120 items"
    assert len(opened.shown()) == 50
    opened.page.locator("#next").click()
    assert opened.shown()[0] == "50#1"
    opened.page.locator("#next").click()
    assert opened.shown()[-1] == "119#1"
    assert opened.page.locator("#next").is_disabled()


def test_search_finds_any_text_in_any_width_and_case(opened: Opened) -> None:
    opened.page.locator("#search").fill("psqi")
    assert opened.shown() == ["77#1"]
    opened.page.locator("#search").fill("第77晚")
    assert opened.shown() == ["77#1"]
    opened.page.locator("#search").fill("not anywhere")
    assert "No item matches" in opened.page.locator("#list").inner_text()
    opened.page.locator("#reset").click()
    assert len(opened.shown()) == 50


def test_a_search_that_finds_nothing_offers_to_begin_again(opened: Opened) -> None:
    page = opened.page
    page.locator("#search").fill("not anywhere")
    button = page.locator("#list button")
    button.focus()
    page.keyboard.press("Enter")
    assert len(opened.shown()) == 50
    assert page.evaluate("document.activeElement.id") == "search", "the keyboard is not lost with the button"


def test_filters_narrow_together(opened: Opened) -> None:
    page = opened.page
    page.locator("#topic").select_option("=学业")
    assert page.locator("#count").inner_text() == "40 of 120 items"
    page.locator("#outcome").select_option("better")
    assert page.locator("#count").inner_text() == "20 of 120 items"
    page.locator("#flag").select_option("1 cut")
    assert opened.shown() == ["10#1", "40#1", "70#1", "100#1"]


def test_order_follows_the_chosen_metric_and_its_direction(opened: Opened) -> None:
    page = opened.page
    page.locator("#order").select_option("best")
    assert opened.shown()[:2] == ["118#1", "116#1"]
    page.locator("#order").select_option("worst")
    assert opened.shown()[:2] == ["119#1", "117#1"]
    page.locator("#filters .metric").select_option(label="perplexity")
    assert opened.shown()[:2] == ["119#1", "118#1"], "a higher perplexity is a loss"
    assert "No item gained" in page.locator("#gains").inner_text()


def test_gains_and_losses_have_equal_room(opened: Opened) -> None:
    gains, losses = (opened.page.locator(f"#{side} .card") for side in ("gains", "losses"))
    assert gains.count() == losses.count() == 4
    assert "+1.1800" in gains.first.inner_text()
    assert "-1.1900" in losses.first.inner_text()
    boxes = [opened.page.locator(f"#{side}").bounding_box() for side in ("gains", "losses")]
    assert boxes[0]["width"] == pytest.approx(boxes[1]["width"])
    opened.page.locator("#topic").select_option("=学业")
    losses.first.get_by_title("Show in the list").click()
    assert opened.page.locator("#list .selected .id").inner_text() == "119#1"
    assert opened.page.locator("#list .selected .detail").is_visible()


def test_keys(opened: Opened) -> None:
    page = opened.page
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.locator("#list .selected .id").inner_text() == "1#1"
    page.keyboard.press("Enter")
    assert page.locator("#list .detail").count() == 1
    page.keyboard.press("ArrowDown")
    assert page.locator("#list .selected .id").inner_text() == "2#1"
    assert page.locator("#list .selected .detail").is_visible(), "what is open stays open on the way"
    page.keyboard.press("Escape")
    assert page.locator("#list .detail").count() == 0
    page.keyboard.press("ArrowRight")
    assert opened.shown()[0] == "50#1"
    page.keyboard.press("/")
    page.keyboard.type("jk/")
    assert page.locator("#search").input_value() == "jk/"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") != "search"


def test_an_item_shows_everything_and_marks_shared_words(opened: Opened) -> None:
    opened.page.locator("#list .row").nth(10).click()
    detail = opened.page.locator("#list .detail")
    for part in ("第10晚又睡不着", REFERENCE, "先休息一下吧", "tuned: cut", "…证据", "+0.1000", "perplexity ↓"):
        assert part in detail.inner_text()
    marked = "".join(detail.locator(".panel.c1 mark").all_inner_texts())
    assert marked == REFERENCE.translate(str.maketrans("", "", "，。"))
    assert "你" not in "".join(detail.locator(".panel.c0 mark").all_inner_texts())


def test_odd_texts_are_shown_and_nothing_runs(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(report_html(write_run(tmp_path, odd_items()), FIGURES, "zh"), encoding="utf-8")
    opened = Opened(browser, path, viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = opened.page
    panels = []
    for number in range(5):
        page.locator("#list .row").nth(number).click()
        panels.append(page.locator("#list .panels").inner_text())
        if number == 2:
            assert len(panels[2]) < 2000, "a long answer is folded"
            assert "参考 2" in panels[2]
            page.locator("#list .panels .more").click()
            assert len(page.locator("#list .panels").inner_text()) > 20_000
    assert panels[0].count(SCRIPT) == 3
    assert panels[1].count("（空）") == 2
    assert ARABIC in panels[3]
    assert EMOJI in panels[3]
    assert FULL_WIDTH in panels[4]
    assert page.title().endswith("mentalft"), "no text of the data ran"
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], "the page does not scroll sideways on a phone"
    for table in ("#comparison", "#answers"):
        wide = page.locator(f"{table} .scroll").evaluate("box => box.scrollWidth > box.clientWidth")
        assert not wide, f"nothing of {table} is cut off"
    opened.close()


def test_the_policy_holds(opened: Opened) -> None:
    assert opened.page.evaluate("getComputedStyle(document.querySelector('nav')).position") == "sticky", (
        "the style applies"
    )
    opened.page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'document.title = 1'; document.body.append(s)"
    )
    assert opened.page.title().endswith("mentalft")
    assert any("Content Security Policy" in complaint for complaint in opened.complaints)
    opened.complaints.clear()


def test_a_printed_report_holds_what_is_folded(opened: Opened) -> None:
    page = opened.page
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator("#list .detail").count() == 50
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator("#search").is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("#list .detail").count() == 0
