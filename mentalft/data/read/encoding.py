"""Whether a file can be read: it is there, holds something, and its text is in UTF-8.

Text in another encoding would be taken for broken characters and lost.
"""

from __future__ import annotations

from pathlib import Path

from mentalft.data.read.compressed import cut_short, inner_suffix, opened
from mentalft.errors import DataError

BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
LEAST = 8
"""Bytes; fewer that are no UTF-8 are damage, whatever their share."""
ASCII = bytes(range(128))


def check_file(path: Path, key: str, accepted: str) -> None:
    """Look at a file before it is read.

    Args:
        key: the configuration key that holds ``path``, and
        accepted: what may stand there, for messages.

    Raises:
        DataError: there is no such file, it is empty, it cannot be read, or it is text in another encoding than UTF-8.
    """
    shown = f"{key}={path}"
    if not path.exists():
        raise DataError(f"{shown} does not exist; give {accepted}")
    if not path.is_file():
        raise DataError(f"{shown} must be a regular file, not a folder, pipe or device; give {accepted}")
    try:
        with opened(path) as handle:
            head, problem = handle.read(1 << 16), cut_short(handle)
    except OSError as error:
        raise DataError(f"{shown} cannot be read: {error.strerror or error}") from error
    if not head.strip(b" \t\r\n" + BOM):
        raise DataError(f"{shown} is empty{f': {problem}' if problem else ''}; give {accepted}")
    if inner_suffix(path) != ".parquet":
        check_encoding(head, shown)


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
