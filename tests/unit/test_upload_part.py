"""A part of a compressed report: all parts together are one gzip member."""

import zlib

import pytest

from segmentation.reports.upload_part import Checksum, Part

LINES = b"".join(b"%d,AVITO_VOICE,I\r\n" % row for row in range(30_000))


def one_member(body):
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    text = member.decompress(body)
    assert (member.eof, member.unused_data) == (True, b"")
    return text


@pytest.mark.parametrize("size", [1_000, 70_000, len(LINES)])
@pytest.mark.parametrize("is_interrupted", [False, True])
def test_parts_are_one_gzip_member(size, is_interrupted):
    part, body = Part(compressed=True), b""

    for begin in range(0, len(LINES), size):
        part.add(LINES[begin : begin + size])
        if is_interrupted:
            part = Part(True, part.saved(), part.checksum)
        body += part.body()
        part = Part(True, checksum=part.checksum)

    assert one_member(body + part.last_body()) == LINES


def test_last_part_may_have_text():
    part = Part(compressed=True)
    part.add(LINES)

    assert one_member(part.last_body()) == LINES


def test_size_in_the_trailer_wraps_at_four_gibibytes():
    assert Checksum(1, 2**32 + 5).trailer() == bytes([1, 0, 0, 0, 5, 0, 0, 0])


def test_plain_part_is_its_text():
    part = Part(compressed=False)
    part.add(b"a,b\r\n")

    assert part.body() == part.last_body() == b"a,b\r\n"
