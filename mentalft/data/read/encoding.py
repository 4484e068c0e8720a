"""What encoding a text is in; text that is surely in another one than UTF-8 is read as UTF-8.

Text taken for UTF-8 that is none would lose its characters as broken ones.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import IO, Any, NamedTuple

from mentalft.errors import DataError

BOM = b"\xef\xbb\xbf"
HEAD = 1 << 16
"""Bytes that are looked at."""
LEAST = 8
"""Bytes; fewer that are no UTF-8 are damage, whatever their share."""
ASCII = bytes(range(128))
MARKS = {
    codecs.BOM_UTF32_LE: "utf_32", codecs.BOM_UTF32_BE: "utf_32",
    codecs.BOM_UTF16_LE: "utf_16", codecs.BOM_UTF16_BE: "utf_16",
}  # fmt: skip
"""What a text begins with, the longest first."""
NAMES = {
    "gb18030": "GB18030", "big5hkscs": "Big5", "cp932": "Shift-JIS", "euc_jis_2004": "EUC-JP", "cp949": "EUC-KR",
}  # fmt: skip
"""Codec of Python → what people call the family that it is the widest of."""
CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
WESTERN = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿœßÀÁÂÄÅÆÇÈÉÊËÍÎÑÓÔÖØÙÚÜŒ‘’“”„«»–—…•€£©®°¿¡§´·ªº\xa0")
CLEAN, APART = 0.05, 0.04
"""Of the share of odd characters: the most that a sure guess has, and how much more the next guess must have."""


class Encoding(NamedTuple):
    codec: str
    """As ``data.encoding`` takes it."""
    name: str
    sure: bool


def foreign_encoding(head: bytes) -> Encoding | None:
    """The encoding of a text that begins with ``head``; None where it is UTF-8. Of one not known the name is empty."""
    for mark, codec in MARKS.items():
        if head.startswith(mark):
            return Encoding(codec, _plain_name(codec), sure=True)
    zeros, rest = head.count(0), head.replace(b"\0", b"")
    if 3 * zeros > len(head) or (50 * zeros > len(head) and is_foreign(rest)):
        codec = _wide_codec(head)
        return Encoding(codec, _plain_name(codec), sure=_is_text(head[: len(head) // 4 * 4], codec))
    if not is_foreign(head):
        return None
    from charset_normalizer import from_bytes

    lines = (head[: head.rfind(b"\n") + 1] if len(head) == HEAD else b"") or head
    guesses = from_bytes(lines, cp_isolation=list(NAMES), threshold=0.5)
    odd = {guess.encoding: guess.chaos for guess in guesses if _is_text(lines, guess.encoding)}
    first, *others = sorted(odd, key=lambda codec: (round(odd[codec], 2), list(NAMES).index(codec))) or [""]
    if first and odd[first] < CLEAN:
        return Encoding(first, NAMES[first], sure=all(odd[other] > odd[first] + APART for other in others))
    if WESTERN.issuperset(lines.decode("cp1252", "replace").translate(dict.fromkeys(range(128)))):
        return Encoding("cp1252", "Windows-1252", sure=False)
    best = from_bytes(lines).best()
    return Encoding(best.encoding, best.encoding, sure=False) if best else Encoding("", "", sure=False)


def _wide_codec(head: bytes) -> str:
    """Which kind of UTF-16 or UTF-32, by where its zeros are."""
    zeros = [10 * head[place::4].count(0) > 9 * len(head) // 4 for place in range(4)]
    if zeros[0] and zeros[1]:
        return "utf_32_be"
    if zeros[2] and zeros[3]:
        return "utf_32_le"
    return "utf_16_be" if head[::2].count(0) > head[1::2].count(0) else "utf_16_le"


def _is_text(data: bytes, codec: str) -> bool:
    try:
        return not CONTROL.search(data.decode(codec))
    except UnicodeDecodeError as error:
        return error.start > len(data) - 4 and not CONTROL.search(data.decode(codec, "ignore"))  # the end is cut


def name_of(codec: str) -> str:
    """What an encoding is called."""
    return NAMES.get(codec, codec.upper().replace("_", "-"))


def _plain_name(codec: str) -> str:
    return codec[:6].upper().replace("_", "-")


def is_foreign(data: bytes) -> bool:
    """Whether most of what is beyond ASCII in ``data`` is no UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        broken = sum(0xDC80 <= ord(c) < 0xDD00 for c in data.decode("utf-8", "surrogateescape"))
        return broken >= LEAST and 2 * broken > len(data.translate(None, ASCII))
    return False


def codec_of(head: bytes, forced: str | None, name: str) -> str | None:
    """The codec that a text is read with; None for UTF-8.

    Args:
        forced: ``data.encoding``; None finds it out.
        name: of the text, for messages.

    Raises:
        DataError: the text is in another encoding than UTF-8, and there is no being sure which.
    """
    if forced is not None:
        return None if codecs.lookup(forced).name == "utf-8" else forced
    found = foreign_encoding(head)
    if found is None or found.sure:
        return found and found.codec
    looks = f"it looks like {found.name}, which is not sure" if found.name else "its encoding is not known"
    forcing = f", or say what it is with data.encoding={found.codec or 'NAME'}" if name.startswith("data.") else ""
    raise DataError(f"{name} is not in UTF-8; {looks}: look at it, and save it as UTF-8{forcing}")


class Recoded(io.RawIOBase):
    """A file's text as UTF-8; what the codec cannot read becomes a byte that is no UTF-8 either and is mended later."""

    def __init__(self, source: IO[bytes], codec: str) -> None:
        self.source, self.codec, self.decoder = source, codec, codecs.getincrementaldecoder(codec)("replace")
        self.ready = memoryview(b"")

    @property
    def cut(self) -> bool:
        """Whether the compressed data below end too early."""
        return bool(getattr(getattr(self.source, "raw", None), "cut", False))

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.source.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        ended = False
        while not self.ready and not ended:
            data = self.source.read(HEAD)
            ended = not data
            text = self.decoder.decode(data, ended)
            self.ready = memoryview(text.encode("utf-8", "replace").replace("\ufffd".encode(), b"\xff"))
        size = min(len(buffer), len(self.ready))
        buffer[:size], self.ready = self.ready[:size], self.ready[size:]
        return size
