"""A compressed report in JavaScript: its readers refuse a second gzip member, or ignore it."""

import subprocess

import pytest

from local.settings import INSTALLED
from segmentation.reports.upload_part import Part

DECOMPRESSION_STREAM = """
const unpacked = new Blob([require("fs").readFileSync(0)]).stream().pipeThrough(new DecompressionStream("gzip"))
new Response(unpacked).text().then(text => process.stdout.write(text))
"""
FFLATE_AT_ONCE = """
process.stdout.write(require("fflate").gunzipSync(require("fs").readFileSync(0)))
"""
FFLATE_IN_PIECES = """
const gunzip = new (require("fflate").Gunzip)(piece => process.stdout.write(piece))
const packed = require("fs").readFileSync(0)
for (let at = 0; at < packed.length; at += 1000) gunzip.push(packed.subarray(at, at + 1000), at + 1000 >= packed.length)
"""


def compressed(*texts: bytes) -> bytes:
    """Write one part per text. Another worker continues each part in its middle."""
    part, body = Part(compressed=True), b""
    for text in texts:
        part.add(text[: len(text) // 2])
        part = Part(True, part.saved(), part.checksum)
        part.add(text[len(text) // 2 :])
        body += part.body()
        part = Part(True, checksum=part.checksum)
    return body + part.last_body()


@pytest.mark.parametrize("script", [DECOMPRESSION_STREAM, FFLATE_AT_ONCE, FFLATE_IN_PIECES])
def test_javascript_unpacks_all_parts_of_a_compressed_report(script):
    texts = [b"".join(b"%d,AVITO_%d,I\r\n" % (row, part) for row in range(50_000)) for part in range(3)]

    unpacked = subprocess.run(  # noqa: S603 -- pinned tools
        [INSTALLED / "api" / "bin" / "node", "-e", script],
        cwd=INSTALLED / "node",  # where node looks for packages
        input=compressed(*texts),
        capture_output=True,
        check=True,
    )

    assert unpacked.stdout == b"".join(texts)
