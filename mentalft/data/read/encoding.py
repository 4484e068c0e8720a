"""Whether bytes are text in UTF-8; text in another encoding would be taken for broken characters and lost."""

from __future__ import annotations

from mentalft.errors import DataError

UTF16 = (b"\xff\xfe", b"\xfe\xff")
LEAST = 8
"""Bytes; fewer that are no UTF-8 are damage, whatever their share."""
ASCII = bytes(range(128))


def is_foreign(data: bytes) -> bool:
    """Whether most of what is beyond ASCII in ``data`` is no UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        broken = sum(0xDC80 <= ord(c) < 0xDD00 for c in data.decode("utf-8", "surrogateescape"))
        return broken >= LEAST and 2 * broken > len(data.translate(None, ASCII))
    return False


def check_encoding(head: bytes, name: str) -> None:
    """Raise :class:`DataError` where a text file that begins with ``head`` is in another encoding than UTF-8."""
    if head.startswith(UTF16):
        known = "UTF-16"
    elif not is_foreign(head):
        return
    else:
        known = next((e for e in ("GB18030", "BIG5") if _decodes(head, e)), "")
    is_in = f"it looks like {known}; convert it" if known else "convert it from its own encoding"
    command = f"iconv -f {known or 'ENCODING'} -t UTF-8 FILE > NEW"
    raise DataError(f"{name} is not in UTF-8; {is_in}: {command}")


def _decodes(head: bytes, encoding: str) -> bool:
    try:
        head[: head.rfind(b"\n") + 1 or None].decode(encoding)
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4  # a character that the end of the head cuts
    return True
