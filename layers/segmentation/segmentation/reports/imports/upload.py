"""The uploaded file of an import, in S3: its link, its size, and its bytes in ranges.

A presigned link is for one key, so it can write the file of one import and no other.
"""

import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from segmentation.reports import bucket, storage
from segmentation.reports.bucket import Link

PREFIX = "imports/"
MAX_BYTES = 2 * 1024**3
RANGE_BYTES = 8 * 1024**2
"""The bytes of one request. A slow answer then stays below the timeouts, and memory holds one range."""


class UploadChanged(Exception):
    """The file was uploaded again, or deleted, after the import was started."""


@dataclass(frozen=True)
class Upload:
    """An uploaded file. A later upload under the same key has another tag."""

    key: str
    size: int
    tag: str


def link(import_id: UUID) -> Link:
    """Sign a link for the upload of an import's file."""
    return bucket.sign("put_object", _key(import_id), seconds=storage.LINK_SECONDS, timeouts=storage.REQUEST_TIMEOUTS)


def find(import_id: UUID) -> Upload | None:
    """Return the uploaded file of an import, or None. Raises StorageUnavailable."""
    found = bucket.find(_key(import_id), storage.REQUEST_TIMEOUTS)
    return Upload(_key(import_id), found["ContentLength"], found["ETag"]) if found else None


class UploadReader(io.RawIOBase):
    """Reads an upload in ranges, from an offset on. Raises UploadChanged and StorageUnavailable."""

    def __init__(self, upload: Upload, offset: int = 0) -> None:
        self._upload = upload
        self._offset = offset
        self._range = memoryview(b"")

    def readable(self) -> bool:
        """Return true: io asks for it."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with the next bytes, and return their number. 0 is the end of the file."""
        if not self._range and self._offset < self._upload.size:
            self._range = memoryview(self._next_range())
        read = min(len(buffer), len(self._range))
        buffer[:read] = self._range[:read]
        self._range = self._range[read:]
        return read

    def _next_range(self) -> bytes:
        from botocore.exceptions import ClientError

        last = min(self._offset + RANGE_BYTES, self._upload.size) - 1
        with bucket.errors_as_problems():
            try:
                body = bucket.client(storage.JOB_TIMEOUTS).get_object(
                    Bucket=bucket.name(),
                    Key=self._upload.key,
                    Range=f"bytes={self._offset}-{last}",
                    IfMatch=self._upload.tag,
                )["Body"]
                content = body.read()
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] in (404, 412):
                    raise UploadChanged(UploadChanged.__doc__) from error
                raise
        self._offset = last + 1
        return content


def _key(import_id: UUID) -> str:
    return f"{PREFIX}{import_id}"
