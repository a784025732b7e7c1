"""One part of a multipart upload, filled piece by piece.

Each part is its own gzip stream, because concatenated gzip streams are a valid gzip file (RFC 1952, section 2.2).
"""

import zlib
from base64 import b64decode, b64encode

_GZIP = zlib.MAX_WBITS | 16


class Part:
    """A part that grows until it is uploaded."""

    def __init__(self, compressed: bool, saved: str = "") -> None:
        """Begin a part, with the bytes saved by an earlier worker."""
        self._compressed = compressed
        self._bytes = bytearray(b64decode(saved))
        self._start_gzip_stream()

    def _start_gzip_stream(self) -> None:
        self._compressor = zlib.compressobj(1, wbits=_GZIP) if self._compressed else None

    @property
    def size(self) -> int:
        """Return the number of bytes so far."""
        return len(self._bytes)

    def add(self, text: bytes) -> None:
        """Append text."""
        self._bytes += self._compressor.compress(text) if self._compressor else text

    def body(self) -> bytes:
        """Return the bytes so far. Text that is added later starts a new gzip stream."""
        if self._compressor:
            self._bytes += self._compressor.flush()
            self._start_gzip_stream()
        return bytes(self._bytes)

    def saved(self) -> str:
        """Return the bytes so far in base64. Another worker can begin the same part with them."""
        return b64encode(self.body()).decode()
