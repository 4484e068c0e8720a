"""Files as they are, or decompressed on the way."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import IO, Any

from mentalft.errors import DataError

COMPRESSED = (".gz", ".zst")
CHUNK = 1 << 16
CUT = "the compressed data end too early; the file may be cut"


def opened(path: Path) -> IO[bytes]:
    """``path``, decompressed on the way where its name ends in ``.gz`` or ``.zst``.

    A compressed file that is cut is read as far as it goes; :func:`cut_short` says so then.

    Raises:
        DataError: while reading, where compressed data are damaged, for nothing after that can be trusted.
    """
    return io.BufferedReader(Decompressed(path), CHUNK) if path.suffix in COMPRESSED else path.open("rb")


def cut_short(handle: Any) -> str | None:
    """What is wrong with the end of a file that was read with :func:`opened`."""
    return CUT if getattr(getattr(handle, "raw", None), "cut", False) else None


def inner_suffix(path: Path) -> str:
    """The suffix that says what the file is, without that of its compression."""
    return Path(path.stem).suffix.lower() if path.suffix in COMPRESSED else path.suffix.lower()


class Decompressed(io.RawIOBase):
    """All members of a gzip file (RFC 1952) or frames of a Zstandard file (RFC 8878), one after another."""

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
        self.rest = self.rest or self.file.read(CHUNK)
        if not self.rest:
            self.cut = self.engine is not None
            return False
        if self.engine is None:
            if self.file.tell() > len(self.rest):
                self.rest = self.rest.lstrip(b"\0")  # what tapes fill up with
                if not self.rest:
                    return True
            self.engine = self._new_engine()
        try:
            self.ready = memoryview(self.engine.decompress(self.rest))
        except Exception as error:  # zlib's and zstandard's own
            raise DataError(f"{self.path}: its compressed data are damaged ({error}); get the file again") from error
        self.rest = self.engine.unused_data if self.engine.eof else b""
        if self.engine.eof:
            self.engine = None
        return True

    def _new_engine(self) -> Any:
        if self.path.suffix == ".gz":
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj()
