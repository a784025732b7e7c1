"""One part of a multipart upload, filled piece by piece.

A compressed file is one gzip member, because some readers stop after the first (RFC 1952, section 2.2). The first part
begins with the header, and the last one ends with the trailer. Each part between them ends with a full flush. So the
next part needs only the checksum of the text so far, and another worker can write it.
"""

import struct
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass

_HEADER = bytes.fromhex("1f8b08000000000004ff")
"""The header of a gzip member: deflate, no name, no time, the fastest compression, an unknown system."""


@dataclass(frozen=True)
class Checksum:
    """The CRC32 and the number of bytes of a text. The trailer of a gzip member has both."""

    crc: int = 0
    length: int = 0

    def after(self, text: bytes) -> "Checksum":
        """Return the checksum of a text that continues with this one."""
        return Checksum(zlib.crc32(text, self.crc), self.length + len(text))

    def trailer(self) -> bytes:
        """Return the trailer of a gzip member."""
        return struct.pack("<II", self.crc, self.length & 0xFFFFFFFF)


EMPTY = Checksum()
"""The checksum of an empty text."""


class Part:
    """A part that grows until it is uploaded."""

    def __init__(self, compressed: bool, saved: str = "", checksum: Checksum = EMPTY) -> None:
        """Begin a part, with the bytes saved by an earlier worker and the checksum of all text before the next."""
        self._bytes = bytearray(b64decode(saved))
        self._compressor = zlib.compressobj(1, wbits=-zlib.MAX_WBITS) if compressed else None
        self.checksum = checksum

    @property
    def size(self) -> int:
        """Return the number of bytes so far."""
        return len(self._bytes)

    def add(self, text: bytes) -> None:
        """Append text."""
        if not self._compressor:
            self._bytes += text
            return
        if not self.checksum.length:
            self._bytes += _HEADER
        self._bytes += self._compressor.compress(text)
        self.checksum = self.checksum.after(text)

    def body(self) -> bytes:
        """Return the bytes so far. Text can be added later, or by another part."""
        if self._compressor:
            self._bytes += self._compressor.flush(zlib.Z_FULL_FLUSH)
        return bytes(self._bytes)

    def last_body(self) -> bytes:
        """Return the bytes of the file's last part. Nothing can be added later."""
        if self._compressor:
            self._bytes += self._compressor.flush() + self.checksum.trailer()
        return bytes(self._bytes)

    def saved(self) -> str:
        """Return the bytes so far in base64. Another worker can begin the same part with them."""
        return b64encode(self.body()).decode()
