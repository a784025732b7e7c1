"""A file that is stored part by part, while it is made.

Each part is compressed by itself: one gzip file after another is a valid gzip file (RFC 1952, section 2.2).
"""

import zlib
from base64 import b64decode, b64encode

_GZIP = zlib.MAX_WBITS | 16


class Part:
    """A part of the file that grows until it is stored."""

    def __init__(self, compressed: bool, kept: str = "") -> None:
        """Begin a part, with what was kept of it."""
        self._compressed = compressed
        self._bytes = bytearray(b64decode(kept))
        self._begin()

    def _begin(self) -> None:
        self._compressor = zlib.compressobj(1, wbits=_GZIP) if self._compressed else None

    @property
    def size(self) -> int:
        """Return how many bytes there are so far."""
        return len(self._bytes)

    def add(self, text: bytes) -> None:
        """Append text."""
        self._bytes += self._compressor.compress(text) if self._compressor else text

    def body(self) -> bytes:
        """Return what there is of the part; what is added later is compressed by itself."""
        if self._compressor:
            self._bytes += self._compressor.flush()
            self._begin()
        return bytes(self._bytes)

    def kept(self) -> str:
        """Return what there is of the part as a text, which another worker begins the same part with."""
        return b64encode(self.body()).decode()
