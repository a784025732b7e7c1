"""A proxy in front of the local S3 that answers the preflights of browsers.

The local S3 checks the signature of a preflight, which has none, and refuses it. AWS answers preflights by the CORS
configuration of the bucket.

Run by `.local/venv/bin/python -m local.s3_for_browsers PORT PORT_OF_S3`.
"""

import asyncio
import re
import sys
from contextlib import suppress

from local import ports

CHUNK = 64 * 1024
ALLOWED = (
    b"HTTP/1.1 204 No Content\r\n"
    b"Access-Control-Allow-Origin: *\r\n"
    b"Access-Control-Allow-Methods: GET, PUT\r\n"
    b"Access-Control-Allow-Headers: content-type\r\n"
    b"Connection: close\r\n\r\n"
)
_OF_BROWSER = re.compile(rb"\r\nOrigin:", re.IGNORECASE)
_KEEP_ALIVE = re.compile(rb"\r\nConnection:[^\r]*", re.IGNORECASE)


async def serve(port: int, port_of_s3: int) -> None:
    """Answer preflights, and pass every other connection on."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await _answer(reader, writer, port_of_s3)
        writer.close()

    server = await asyncio.start_server(handle, ports.HOST, port)
    await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port_of_s3: int) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"OPTIONS "):
        writer.write(ALLOWED)
        await writer.drain()
        return
    to_reader, to_writer = await asyncio.open_connection(ports.HOST, port_of_s3)
    to_writer.write(_alone(head))
    await asyncio.gather(_copy(reader, to_writer), _copy(to_reader, writer))


def _alone(head: bytes) -> bytes:
    """Return the head of a request. That of a browser is the only one of its connection, so the next is seen here."""
    if not _OF_BROWSER.search(head):
        return head
    return _KEEP_ALIVE.sub(b"", head).removesuffix(b"\r\n") + b"Connection: close\r\n\r\n"


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
