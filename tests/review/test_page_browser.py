"""A rater's page in headless Chromium without a network: filled in by keyboard and by touch, saved, imported."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mentalft.records import Turn
from mentalft.review.analysis import evaluate
from mentalft.review.answers import take_in
from mentalft.review.export import export
from mentalft.runs.files import ITEMS
from tests.review.simulated import asked, write_run

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome is installed")
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "color_scheme": "dark"}
SCRIPT = "<script>document.title = 'run'</script></script><img src=x onerror=\"document.title='run'\">"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = write_run(tmp_path / "run", 8)
    items = ITEMS.load(run)
    risky = replace(items[2], history=(Turn("user", "我不想活了"),))
    odd = replace(items[3], answers={"base": SCRIPT, "tuned": ""})
    ITEMS.save(run, [*items[:2], risky, odd, *items[4:]])
    return run


class Opened:
    """A page without a network, and what it complained of."""

    def __init__(self, browser: Any, path: Path, options: dict[str, Any]) -> None:
        self.path = path
        self.complaints: list[str] = []
        self.context = browser.new_context(offline=True, **options)
        self.open()

    def open(self) -> None:
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(self.path.as_uri())

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def saved(self, to: Path, press: str) -> Path:
        with self.page.expect_download() as download:
            self.page.locator(press).click()
        path = to / download.value.suggested_filename
        download.value.save_as(path)
        return path

    def close(self) -> None:
        self.context.close()
        assert self.complaints == []


def test_filled_in_by_keyboard_stopped_gone_on_with_saved_and_imported(browser: Any, run: Path, tmp_path: Path) -> None:
    key, (page, *_) = export(run, asked(8, repeat=25, rubric="cpsycoun"), "zh")
    opened = Opened(browser, page, DESKTOP)
    assert opened.page.locator("h1").inner_text() == "比较回答"
    assert "12356" in opened.page.locator("main").inner_text()
    opened.press("Enter")
    for place, question in enumerate(key.pages["r1"]):
        if place == 5:
            opened.page.close()
            opened.open()
        assert opened.page.locator("#place").inner_text() == f"{place + 1} / {len(key.pages['r1'])}"
        if question.item == "2#1":
            assert opened.page.locator(".answer").count() == 0
            opened.press("1")  # nothing is chosen unseen
            opened.press("Enter")
        opened.press({"base": "2", "genuine": "1"}.get(question.sides[0], "2" if question.kind == "attention" else "1"))
        assert opened.page.locator("[aria-pressed=true]").count() == 1
        if question.kind == "pair" and place < 3:
            opened.page.locator("input[name=professionalism-1]").first.focus()
            opened.press("3")
            opened.press("r")
            opened.page.keyboard.type("备注1 “引号” \\")
            opened.press("Escape")
        opened.press("Enter")
    assert opened.page.locator("h1").inner_text() == "全部完成，谢谢您！"
    path = opened.saved(tmp_path, "#save-all")
    assert opened.page.title() == "比较回答"
    opened.close()
    assert path.name == f"review-{key.export}-r1.json"
    list(take_in(run, [path]))
    found = evaluate(run)
    (rater,) = found.raters
    assert (rater.judged, rater.shown, rater.same, rater.attentive, rater.edited) == (8, 8, (2, 2), True, False)
    assert rater.told == (8, 8)
    assert found.preferences["tuned"].rate.value == 1
    answers = json.loads(path.read_text(encoding="utf-8"))["answers"]
    rated = [answer for answer in answers if answer.get("ratings")]
    assert rated
    assert {json.dumps(a["ratings"]) for a in rated} == {'{"professionalism": [null, 3]}'}
    assert {a["remark"] for a in rated} == {"备注1 “引号” \\"}


def test_filled_in_by_touch_on_a_phone_in_english(browser: Any, run: Path, tmp_path: Path) -> None:
    key, (page, *_) = export(run, asked(8, repeat=0), "zh")
    opened = Opened(browser, page, PHONE)
    opened.page.locator("#language").tap()
    assert opened.page.locator("h1").inner_text() == "Comparing answers"
    assert opened.page.evaluate("document.documentElement.lang") == "en"
    opened.page.locator("#begin").tap()
    left_out = 0
    for place, question in enumerate(key.pages["r1"]):
        if question.item == "2#1":
            opened.page.locator("#skip" if question.kind == "pair" else "#show").tap()
            if question.kind == "pair":
                continue
        if place == 4:
            left_out = place + 1
        else:
            opened.page.locator("#choice-0").tap()
        opened.page.locator("#next").tap()
        assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert opened.page.locator("h1").inner_text() == "1 are still open"
    opened.page.locator(".jump").tap()
    assert opened.page.locator("#place").inner_text().startswith(f"{left_out} of")
    path = opened.saved(tmp_path, "#save")
    opened.close()
    list(take_in(run, [path]))
    (rater,) = evaluate(run).raters
    assert rater.skipped == 1
    assert rater.ties == rater.judged


def test_a_browser_that_keeps_nothing_says_so(browser: Any, run: Path) -> None:
    _, (page, *_) = export(run, asked(8), "en")
    opened = Opened(browser, page, DESKTOP)
    opened.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })"
    )
    opened.page.reload()
    assert "save the file before you close" in opened.page.locator("[role=alert]").inner_text()
    opened.press("Enter", "2")
    assert opened.page.locator("[aria-pressed=true]").count() <= 1
    opened.close()
