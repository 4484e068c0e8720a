"""Files as they are, decompressed or in UTF-8 on the way."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from mentalft.data.read.encoding import BOM, HEAD, Recoded, codec_of
from mentalft.errors import DataError


def _zstd() -> Any:
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj()


COMPRESSED: dict[str, Callable[[], Any]] = {
    ".gz": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    ".bz2": bz2.BZ2Decompressor,
    ".xz": lzma.LZMADecompressor,
    ".zst": _zstd,
}
"""What decompresses one member of a file, by its suffix."""
BINARY = (".parquet", ".arrow", ".xlsx")
"""Tables that are no text."""
CUT = "the compressed data end too early; the file may be cut"


def opened(path: Path, encoding: str | None = None) -> IO[bytes]:
    """``path``, decompressed on the way where its name says so (:data:`COMPRESSED`), and its text in UTF-8.

    A compressed file that is cut is read as far as it goes; :func:`cut_short` says so then.

    Args:
        encoding: ``data.encoding``; None finds it out.

    Raises:
        DataError: the encoding is not sure; while reading, compressed data are damaged, for nothing after that can be
            trusted.
    """
    handle = _decompressed(path)
    if inner_suffix(path) in BINARY:
        return handle
    try:
        codec = codec_of(handle.read(HEAD), encoding, str(path))
    except DataError:
        handle.close()
        raise
    if handle.seekable():
        handle.seek(0)
    else:
        handle.close()
        handle = _decompressed(path)
    return io.BufferedReader(Recoded(handle, codec), HEAD) if codec else handle


def recoded_from(handle: IO[bytes]) -> str | None:
    """The codec of a file that was opened with :func:`opened` and is not in UTF-8."""
    return getattr(getattr(handle, "raw", None), "codec", None)


def _decompressed(path: Path) -> IO[bytes]:
    return io.BufferedReader(Decompressed(path), HEAD) if path.suffix.lower() in COMPRESSED else path.open("rb")


def check_file(path: Path, key: str, accepted: str, encoding: str | None = None) -> None:
    """Look at a file before it is read.

    Args:
        key: the configuration key that holds ``path``, and
        accepted: what may stand there, for messages.

    Raises:
        DataError: there is no such file, it is empty, it cannot be read, or its text is in no known encoding.
    """
    shown = f"{key}={path}"
    if not path.exists():
        raise DataError(f"{shown} does not exist; give {accepted}")
    if not path.is_file():
        raise DataError(f"{shown} must be a regular file, not a folder, pipe or device; give {accepted}")
    try:
        with _decompressed(path) as handle:
            head, problem = handle.read(HEAD), cut_short(handle)
    except OSError as error:
        raise DataError(f"{shown} cannot be read: {error.strerror or error}") from error
    if not head.strip(b" \t\r\n" + BOM):
        raise DataError(f"{shown} is empty{f': {problem}' if problem else ''}; give {accepted}")
    if inner_suffix(path) not in BINARY:
        codec_of(head, encoding, shown)


def cut_short(handle: Any) -> str | None:
    """What is wrong with the end of a file that was read with :func:`opened`."""
    return CUT if getattr(getattr(handle, "raw", None), "cut", False) else None


def inner_suffix(path: Path) -> str:
    """The suffix that says what the file is, without that of its compression."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() in COMPRESSED else path.suffix.lower()


class Decompressed(io.RawIOBase):
    """All members or frames of a compressed file (RFC 1952, RFC 8878 and the like), one after another."""

    def __init__(self, path: Path) -> None:
        self.path, self.file = path, path.open("rb")
        self.engine: Any = None
        """For the present member; None between two."""
        self.rest, self.ready = b"", memoryview(b"")
        self.cut = False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        while not self.ready:
            if not self._advance():
                return 0
        size = min(len(buffer), len(self.ready))
        buffer[:size], self.ready = self.ready[:size], self.ready[size:]
        return size

    def _advance(self) -> bool:
        """Decompress some more; False at the end of the file."""
        self.rest = self.rest or self.file.read(HEAD)
        if not self.rest:
            self.cut = self.engine is not None
            return False
        if self.engine is None:
            if self.file.tell() > len(self.rest):
                self.rest = self.rest.lstrip(b"\0")  # what tapes fill up with
                if not self.rest:
                    return True
            self.engine = COMPRESSED[self.path.suffix.lower()]()
        try:
            self.ready = memoryview(self.engine.decompress(self.rest))
        except Exception as error:  # each library's own
            raise DataError(f"{self.path}: its compressed data are damaged ({error}); get the file again") from error
        self.rest = self.engine.unused_data if self.engine.eof else b""
        if self.engine.eof:
            self.engine = None
        return True
