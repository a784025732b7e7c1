"""The physical lines of an uploaded file: unpacked, decoded, and limited in length and number."""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from segmentation.reports.imports.upload import Upload, UploadReader

MAX_LINE_BYTES = 65_536
MAX_TEXT_BYTES = 8 * 1024**3
"""The most bytes of an unpacked file. A gzip file of some megabytes can unpack to terabytes."""

BUFFER_BYTES = 65_536
_PLAIN = re.compile(rb"(?:[1-9][0-9]{0,17}\r?\n)+")
"""Lines with one id. It has so few digits that it is always valid."""

_BLANK = re.compile(rb"(?:[ \t\n]*+\r\n)*+[ \t\n]*+")
"""Blank lines, and perhaps the beginning of another line. A lone carriage return makes a line invalid, not blank."""

_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = "\ufeff"
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class FileUnreadable(Exception):
    """The file cannot be read as a whole. The message names the line or the byte, and the rule."""


class Lines:
    """An iterator over the lines of a file, line ends included. It counts the lines and bytes of the unpacked text."""

    def __init__(self, upload: Upload, offset: int = 0, number: int = 0) -> None:
        """Begin at an offset in the unpacked text, where the line with this number ends."""
        self.offset, self.number = offset, number
        self.text = ""
        self._begins_at, self._first = offset, number + 1
        self._file = _unpacked(upload, offset)

    def begin_record(self) -> None:
        """Begin a record at the next line. A quoted cell can make a record of several lines."""
        self._begins_at, self._first = self.offset, self.number + 1

    @property
    def first(self) -> int:
        """Return the number of the first line of the record."""
        return self._first

    def skip_blanks(self) -> None:
        """Skip blank lines, many at once. The next line may be blank too.

        A small gzip file can have billions of blank lines, and to read each of them would take hours.
        """
        text = _blank_lines(self._peek())
        if text:
            self._file.read(len(text))
            self.number += text.count(b"\n")
            self._advance(len(text))
            self.begin_record()

    def plain_ids(self, most: int) -> list[str]:
        """Return the ids of the next lines that have only an id, at most so many. The list may be empty.

        Most files have only such lines. They need no CSV reader, which takes much longer.
        """
        found = _PLAIN.match(self._peek())
        if not found:
            return []
        ids = found[0].splitlines(keepends=True)[:most]
        text = self._file.read(sum(map(len, ids)))
        self.number += len(ids)
        self._advance(len(text))
        return text.decode().split()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self.text = self._decoded(line)
        self._advance(len(line))
        if self.offset - self._begins_at > MAX_LINE_BYTES:
            raise FileUnreadable(
                f"Line {self._first} has more than {MAX_LINE_BYTES} bytes. A quotation mark may lack its partner."
            )
        return self.text

    def _advance(self, length: int) -> None:
        self.offset += length
        if self.offset > MAX_TEXT_BYTES:
            raise FileUnreadable(f"The unpacked file has more than {MAX_TEXT_BYTES} bytes (line {self.number}).")

    def _peek(self) -> bytes:
        with self._broken_gzip():
            return self._file.peek()

    def _read(self) -> bytes:
        with self._broken_gzip():
            return self._file.readline(MAX_LINE_BYTES + 1)

    @contextmanager
    def _broken_gzip(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise FileUnreadable(
                f"The gzip file is broken or incomplete after line {self.number} (byte {self.offset} of the text)."
            ) from error

    def _decoded(self, line: bytes) -> str:
        if self.number == 1:
            for mark, name in _OTHER_ENCODINGS.items():
                if line.startswith(mark):
                    raise FileUnreadable(f"The file is {name} (byte 1 of line 1). UTF-8 is expected.")
        if b"\0" in line:
            raise FileUnreadable(
                f"Line {self.number} has a NUL byte (byte {self.offset + line.index(0) + 1} of the text). "
                "UTF-8 text is expected."
            )
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise FileUnreadable(
                f"Line {self.number} is not UTF-8 (byte {self.offset + error.start + 1} of the text). "
                "UTF-8 is expected: save the file again in this encoding."
            ) from error
        return text.removeprefix(_BYTE_ORDER_MARK) if self.number == 1 else text


def _blank_lines(text: bytes) -> bytes:
    """Return the blank lines at the beginning of a text, with their ends."""
    found = _BLANK.match(text)
    return found[0][: found[0].rfind(b"\n") + 1] if found else b""


def _unpacked(upload: Upload, offset: int) -> "io.BufferedReader[Any]":
    """Return the text of an upload from an offset on. A gzip file is unpacked from its beginning."""
    if not _is_gzip(upload):
        return io.BufferedReader(UploadReader(upload, offset), BUFFER_BYTES)
    packed = io.BufferedReader(UploadReader(upload))
    text = io.BufferedReader(gzip.GzipFile(fileobj=packed), BUFFER_BYTES)
    while offset:
        offset -= len(text.read(min(offset, MAX_LINE_BYTES)))
    return text


def _is_gzip(upload: Upload) -> bool:
    beginning = Upload(upload.key, min(upload.size, len(_GZIP)), upload.tag)
    return io.BufferedReader(UploadReader(beginning)).read() == _GZIP
