"""What can be drawn is asked of the fonts themselves, and names fit their place."""

from __future__ import annotations

from types import SimpleNamespace
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentalft.show.plots import fonts
from mentalft.show.plots.style import BUNDLED


def test_latin_text_needs_no_other_font() -> None:
    assert fonts.fonts_for(["BLEU-4 ↓", "← worse"]) == (BUNDLED,)
    assert fonts.drawable("BLEU-4 ↓", (BUNDLED,))
    assert not fonts.drawable("睡眠", (BUNDLED,))


def test_the_font_that_has_most_of_the_text_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {BUNDLED: frozenset("ab"), "SimSun": frozenset("睡眠"), "SimHei": frozenset("睡")}
    monkeypatch.setattr(fonts, "_glyphs", lambda family: held.get(family, frozenset()))
    assert fonts.fonts_for(["睡眠", "ab"]) == (BUNDLED, "SimSun")
    assert not fonts.drawable("睡眠🙂", (BUNDLED, "SimSun"))


def test_a_font_file_that_is_gone_or_damaged_has_no_glyphs(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    damaged = f"{tmp_path}/damaged.ttf"
    with open(damaged, "wb") as handle:  # noqa: PTH123
        handle.write(b"no font")
    known = [SimpleNamespace(name="SimHei", fname=damaged), SimpleNamespace(name="SimHei", fname=f"{tmp_path}/gone")]
    monkeypatch.setattr(fonts, "_known_fonts", lambda: known)
    fonts._glyphs.cache_clear()
    try:
        assert not fonts.drawable("睡", ("SimHei",))
    finally:
        fonts._glyphs.cache_clear()


@given(st.text(), st.floats(0.5, 3))
def test_a_name_is_one_line_that_fits(text: str, inches: float) -> None:
    short = fonts.shortened(text, 8, inches)
    assert fonts.width_of(short, 8) <= inches + 1e-9
    assert len(short.splitlines()) <= 1
    ElementTree.fromstring(f"<a>{escape(short)}</a>".encode())
    if text.isascii() and text.isalnum() and fonts.width_of(text, 8) <= inches:
        assert short == text
