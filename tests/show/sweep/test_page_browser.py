"""The page in a real browser: no error, no request, tables that sort, and it fits a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from mentalft.show.sweep.writing import write_sweep
from tests.show.sweep.fabricated import make_plan, make_trial

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on this machine: the page is not looked at in one"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    sweep_dir = tmp_path_factory.mktemp("sweeps") / "<script>document.title = 'broken'<&>"[:40].replace("/", "")
    make_plan(sweep_dir, "lora.r=4,8,16", "trainer.learning_rate=1e-4,1e-3")
    for number in range(6):
        overrides = (f"lora.r={4 * 2 ** (number // 2)}", f"trainer.learning_rate={('1e-4', '1e-3')[number % 2]}")
        make_trial(sweep_dir, number, *overrides, objective=3.0 + (number * 7 % 5) / 10, seconds=100 - number)
    make_trial(
        sweep_dir,
        6,
        "lora.r=32",
        state="failed",
        objective=None,
        error="<img src=x onerror=\"document.title='broken'\">",
    )
    write_sweep(sweep_dir)
    return (sweep_dir / "sweep.html").as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def test_it_sorts_copies_and_says_no_error(browser: Any, address: str) -> None:
    context = browser.new_context()
    context.set_offline(True)
    page = context.new_page()
    errors: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address)
    assert page.title().startswith("Sweep <script>")
    table = page.locator("table.sortable").first
    first = table.locator("tbody tr").first
    assert "chosen" in first.inner_text()
    table.get_by_role("button", name="r", exact=True).click()
    assert first.locator("td").nth(0).inner_text() == "4"
    table.get_by_role("button", name="r", exact=True).click()
    assert first.locator("td").nth(0).inner_text() == "16"
    assert table.locator("thead th").nth(1).get_attribute("aria-sort") == "descending"
    assert "untuned" in table.locator("tfoot").inner_text()
    page.get_by_role("button", name="Copy").first.click()
    assert page.evaluate("getSelection().toString()").startswith("mentalft experiment=quick")
    assert page.get_by_text("tune on the test split").is_visible()
    page.get_by_text("Show them").click()
    assert page.locator("#scores tfoot").is_visible()
    assert page.locator("svg.figure").count() >= 3
    assert errors == []
    assert requests == [address]
    context.close()


def test_it_fits_a_phone(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()
