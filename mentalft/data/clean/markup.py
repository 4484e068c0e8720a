"""What a web page leaves in text: HTML, and files that are embedded as letters."""

from __future__ import annotations

import re
from html import unescape

BLOCK = (
    "p|div|li|ul|ol|dl|dt|dd|h[1-6]|tr|table|tbody|thead|blockquote|pre|hr|section|article|figure|center|header|footer"
)
INLINE = (
    "html|head|body|title|meta|link|!doctype|span|strong|em|b|i|u|a|img|td|th|code|font|small|big|mark|sub|sup|label|input|button"
    "|figcaption|iframe|video|audio|source|svg|path|o:p|nav|main|wbr|del|ins|tt|abbr|cite|kbd"
)
"""Known names alone: ``<think>`` and ``<3`` are text."""
REST = r"(?:\s[^<>]*)?/?>"
TAG = re.compile(rf"(?i)</?(?:{BLOCK}|{INLINE}|br){REST}")
ENTITY = re.compile(r"&(?:nbsp|#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|[a-zA-Z]{2,8}\d?;)")
UNSEEN = re.compile(r"(?is)<!--.*?-->|<(script|style)\b[^<>]*>.*?</\1\s*>")
BREAK = re.compile(rf"(?i)(?:[ \t]*\n)?[ \t]*<br{REST}[ \t]*(?:\n[ \t]*)?")
BLOCKS = re.compile(rf"(?i)\s*</?(?:{BLOCK}){REST}(?:\s*</?(?:{BLOCK}){REST})*\s*")
CELL = re.compile(rf"(?i)</t[dh]{REST}\s*<t[dh]{REST}")

LONG = 200
"""Characters; no word or address has so many in a row."""
LETTERS = "A-Za-z0-9+/_%-"
BLOBS = re.compile(
    r"!\[[^\]\n]*\]\(\s*data:[^)]*\)|data:[a-z]+/[\w.+-]+(?:;[\w=-]+)*,[\w%+/=.:;!*'-]{16,}"
    rf"|(?<![{LETTERS}])(?:"
    r"(?:[A-Za-z0-9+/]{60,76}\n){3,}[A-Za-z0-9+/]*"
    rf"|(?=[{LETTERS}]{{0,{LONG}}}[0-9])(?=[{LETTERS}]{{0,{LONG}}}[A-Za-z])[{LETTERS}]{{{LONG},}}"
    r")={0,2}"
)
"""Data URIs, lines of base64, and long runs of base64, hexadecimal or percent signs."""


STEP = 64
IN_A_ROW = re.compile(r"[!-~\n]{3}")
"""Of every ``STEP``-th character; a quick look that a long run cannot slip through, for most text holds none."""


def without_blobs(text: str) -> str:
    """``text`` without embedded files."""
    if "data:" in text or (len(text) >= LONG and IN_A_ROW.search(text[::STEP])):
        return BLOBS.sub("", text)
    return text


def plain_text(text: str) -> str:
    """``text`` as a browser would show it, if there is HTML in it; blocks and ``<br>`` end a line."""
    tags = "<" in text and (TAG.search(text) or UNSEEN.search(text))
    if not tags and not ENTITY.search(text):
        return text
    if tags:
        text = CELL.sub("\t", BLOCKS.sub("\n", BREAK.sub("\n", UNSEEN.sub("", text))))
        text = TAG.sub("", text)
    text = unescape(text)
    if ENTITY.search(text):  # escaped twice, as by a page that quotes another
        text = unescape(text)
    return re.sub(r"[ \t]+\n", "\n", text.replace("\xa0", " "))
