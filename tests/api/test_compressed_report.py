"""A compressed report in JavaScript: its readers refuse a second gzip member, or ignore it."""

import subprocess

from local.settings import INSTALLED
from segmentation.reports.upload_part import Part

UNPACK = """
const unpacked = new Blob([require("fs").readFileSync(0)]).stream().pipeThrough(new DecompressionStream("gzip"))
new Response(unpacked).text().then(text => process.stdout.write(text))
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


def test_a_browser_unpacks_all_parts_of_a_compressed_report():
    texts = [b"".join(b"%d,AVITO_%d,I\r\n" % (row, part) for row in range(50_000)) for part in range(3)]

    unpacked = subprocess.run(  # noqa: S603 -- a pinned tool
        [INSTALLED / "api" / "bin" / "node", "-e", UNPACK], input=compressed(*texts), capture_output=True, check=True
    )

    assert unpacked.stdout == b"".join(texts)
