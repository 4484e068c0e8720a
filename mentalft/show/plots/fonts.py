"""Which characters can be drawn here: the bundled font has no Chinese, and a machine may have no font that has."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from mentalft.show.plots.style import BUNDLED, POINTS

CHINESE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "Noto Sans CJK JP",
    "Noto Sans CJK TC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "SimHei", "Droid Sans Fallback", "Noto Serif CJK SC", "Noto Serif CJK JP", "SimSun",
)  # fmt: skip
"""Families looked for, those that sit best beside the bundled font first."""
ELLIPSIS = "…"


def fonts_for(texts: Iterable[str]) -> tuple[str, ...]:
    """The bundled family, and the installed Chinese family that has most of the characters that it lacks."""
    lacking = set("".join(texts)) - _glyphs(BUNDLED)
    if not lacking:
        return (BUNDLED,)
    best = max(CHINESE_FONTS, key=lambda family: len(lacking & _glyphs(family)))
    return (BUNDLED, best) if lacking & _glyphs(best) else (BUNDLED,)


def drawable(text: str, fonts: Sequence[str]) -> bool:
    """Whether one of ``fonts`` has each character of ``text``."""
    return not set(text) - set().union(*map(_glyphs, fonts))


def width_of(text: str, size: float) -> float:
    """About how wide ``text`` is in inches at ``size`` points, whichever font will draw it."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return (wide + (len(text) - wide) * 0.6) * size / POINTS


def one_line(text: str) -> str:
    """``text`` without line breaks, control characters, lone surrogates, and what XML forbids."""
    return " ".join("".join(" " if _breaks_files(c) else c for c in text).split())


def _breaks_files(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or ord(character) & 0xFFFE == 0xFFFE


def shortened(text: str, size: float, inches: float) -> str:
    """``text`` on one line, cut where it is wider than ``inches`` at ``size`` points."""
    text = one_line(text)
    if width_of(text, size) <= inches:
        return text
    while text and width_of(text + ELLIPSIS, size) > inches:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS


@cache
def _glyphs(family: str) -> frozenset[str]:
    """The characters that the installed files of ``family`` hold; none where it is not installed."""
    paths = {entry.fname for entry in _known_fonts() if entry.name == family}
    return frozenset(chr(code) for path in sorted(paths) if Path(path).is_file() for code in _codes(path))


@cache
def _known_fonts() -> list[Any]:
    """matplotlib's list, which it makes once and keeps: fonts that were installed since are added to it."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known = {entry.fname for entry in fontManager.ttflist}
    for path in sorted(findSystemFonts()):
        with suppress(OSError, RuntimeError):  # a damaged font is no font
            if path not in known:
                fontManager.addfont(path)
    return list(fontManager.ttflist)


def _codes(path: str) -> Iterable[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return list(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return []
