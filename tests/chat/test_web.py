"""The page in headless Chromium: it talks, streams, votes blind, and asks nothing of any other machine."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mentalft.chat.session import Session
from mentalft.runs.files import VOTES

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome is installed")


@pytest.fixture
def opened(begin: Callable[..., Session]) -> Iterator[Any]:
    """The page, without complaints and requests to elsewhere."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    from mentalft.chat.web import Served

    complaints: list[str] = []
    with Served(begin, "CN") as served, sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda r: None if r.url.startswith((served.url, "data:", "blob:")) else complaints.append(r.url)
        )
        page.set_default_timeout(10_000)
        page.goto(served.url)
        yield page
        browser.close()
    assert complaints == []


def test_the_page(opened: Any, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    def button(name: str) -> Any:
        return opened.get_by_role("button", name=name, exact=True)

    box, said = opened.get_by_role("textbox").first, opened.locator(".message.bot")
    opened.get_by_text("12356").first.wait_for(timeout=20_000)
    box.fill("我不想活了 <img src=http://elsewhere.invalid/x>")
    box.press("Enter")
    expect(said).to_have_count(2, timeout=20_000)
    expect(opened.get_by_text("<img src=http://elsewhere.invalid/x>").first).to_be_visible()
    expect(opened.get_by_text("12356")).to_have_count(2)
    expect(box).to_have_value("")
    assert not (tmp_path / "chats").exists()
    button("Again").click()
    button("Save").click()
    opened.get_by_text("saved:").wait_for()
    assert len(list((tmp_path / "chats").iterdir())) == 1

    button("Blind").click()
    button("Name them").wait_for()
    expect(said).to_have_count(0)
    expect(opened.locator(".block > label").filter(has_text=re.compile("base|tuned"))).to_have_count(0)
    box.fill("你好")
    button("Send").click()
    button("left").click(timeout=20_000)
    opened.get_by_text("votes of this round: 1").wait_for()
    expect(button("left")).to_be_hidden()
    assert [vote.choice for vote in VOTES.load(tmp_path)] == ["left"]
    button("Name them").click()
    opened.get_by_text("Left was").wait_for()

    opened.get_by_role("button", name="Settings").click()
    seed = opened.get_by_label("top_p")
    seed.fill("3")
    seed.blur()
    opened.get_by_text("top_p must be above 0 and at most 1, got 3").wait_for()
