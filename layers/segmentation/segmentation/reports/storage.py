"""Reports in S3: private objects with unguessable names, downloaded by short-lived links."""

import re
import secrets
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Literal, TypedDict

from segmentation.contract.problems import ReportUnknown, StorageUnavailable
from segmentation.reports import bucket
from segmentation.reports.bucket import Link
from segmentation.reports.months import Month
from segmentation.runtime.timeouts import Timeouts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, DeleteObjectsOutputTypeDef, ObjectIdentifierTypeDef

PREFIX = "reports/"
LINK_SECONDS = 900
"""The lifetime of a link. The bucket policy rejects older signatures, whatever expiry the link has."""

FILES_PER_REQUEST = 1000
"""S3 lists and deletes no more files in a request."""

MAX_SUBJECT_LENGTH = 200
"""The rest of the file name then fits in the 255 bytes that file systems allow."""

_USER = "user-"

FileType = Literal["csv", "csv.gz", "ndjson"]
MEDIA_TYPES: dict[FileType, str] = {
    "csv": "text/csv; charset=utf-8",
    "csv.gz": "application/gzip",
    "ndjson": "application/x-ndjson",
}
_FILE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,300}-[0-9a-f]{32}\.csv(\.gz)?")
_TOKEN = re.compile(r"-[0-9a-f]{32}(?=\.(csv|ndjson))")


REQUEST_TIMEOUTS = Timeouts(connect_seconds=1, read_seconds=2, tries=3)
"""Shorter than the timeout of a route's function, because the function also needs the database."""

JOB_TIMEOUTS = Timeouts(connect_seconds=2, read_seconds=7, tries=3)
"""Longer, because a part is large and S3 needs time to combine all parts."""

OF_JOBS = JOB_TIMEOUTS
"""The name in release 1.0.0, whose functions run on this layer for a moment during a deployment."""


class UploadGone(Exception):
    """S3 no longer has this upload."""


class _ObjectHeaders(TypedDict):
    ContentType: str
    ContentDisposition: str
    CacheControl: str


def subject_of_user(user_id: int) -> str:
    """Return the subject in the file names of a user's reports."""
    return f"{_USER}{user_id}"


def subject_of_segment(slug: str) -> str:
    """Return the subject in the file names of a segment's reports, which no user has."""
    return f"segment-{slug}" if slug.startswith(_USER) else slug


def new_file_name(subject: str, period: Month | date, file_type: FileType) -> str:
    """Return a new unguessable name: the subject, cut to a maximum length, the month or day, and 128 random bits."""
    return f"{subject[:MAX_SUBJECT_LENGTH]}-{period}-{secrets.token_hex(16)}.{file_type}"


def new_export_name(user_id: int) -> str:
    """Return a new unguessable name for the export of a user. link_to_existing() opens no file with such a name."""
    return f"{subject_of_user(user_id)}-export-{secrets.token_hex(16)}.ndjson"


def put(file_name: str, body: bytes) -> None:
    """Store a report. Raises StorageUnavailable."""
    with bucket.errors_as_problems():
        bucket.client(REQUEST_TIMEOUTS).put_object(
            Bucket=bucket.name(), Key=PREFIX + file_name, Body=body, **_object_headers(file_name)
        )


def delete_reports(user_id: int) -> int:
    """Delete the reports of a user, and return their number. Raises StorageUnavailable."""
    s3, deleted = bucket.client(REQUEST_TIMEOUTS), 0
    prefix = f"{PREFIX}{subject_of_user(user_id)}-"  # the hyphen, because user 1 is not user 10
    with bucket.errors_as_problems():
        for page in s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket.name(), Prefix=prefix, PaginationConfig={"PageSize": FILES_PER_REQUEST}
        ):
            keys: list[ObjectIdentifierTypeDef] = [{"Key": found["Key"]} for found in page.get("Contents", [])]
            if keys:
                _require_deletion(s3.delete_objects(Bucket=bucket.name(), Delete={"Objects": keys, "Quiet": True}))
            deleted += len(keys)
    return deleted


def _require_deletion(answer: "DeleteObjectsOutputTypeDef") -> None:
    """Raise StorageUnavailable if S3 could not delete a file. Its answer is 200 nevertheless."""
    for error in answer.get("Errors", []):
        raise bucket.unavailable(f"The report storage answered {error.get('Code')} for a file to delete.")


def link(file_name: str) -> Link:
    """Sign a link to a report, without a check that the report exists."""
    return bucket.sign("get_object", PREFIX + file_name, seconds=LINK_SECONDS, timeouts=REQUEST_TIMEOUTS)


def link_to_existing(file_name: str) -> Link:
    """Sign a link to a report. Raises ReportUnknown and StorageUnavailable."""
    if not (_FILE_NAME.fullmatch(file_name) and exists(file_name)):
        raise ReportUnknown(f"There is no report {file_name}.")
    return link(file_name)


def exists(file_name: str) -> bool:
    """Return whether a report exists. Raises StorageUnavailable."""
    return bucket.find(PREFIX + file_name, REQUEST_TIMEOUTS) is not None


def begin_upload(file_name: str) -> str:
    """Begin a multipart upload and return its id. The report becomes visible when the upload is complete."""
    with bucket.errors_as_problems():
        begun = bucket.client(JOB_TIMEOUTS).create_multipart_upload(
            Bucket=bucket.name(), Key=PREFIX + file_name, **_object_headers(file_name)
        )
    return begun["UploadId"]


def upload_part(file_name: str, upload_id: str, number: int, body: bytes) -> str:
    """Upload a part and return its tag. The part numbers start at 1. An earlier part with this number is replaced.

    Raises UploadGone and StorageUnavailable.
    """
    s3 = bucket.client(JOB_TIMEOUTS)
    with bucket.errors_as_problems():
        try:
            return s3.upload_part(
                Bucket=bucket.name(), Key=PREFIX + file_name, UploadId=upload_id, PartNumber=number, Body=body
            )["ETag"]
        except s3.exceptions.NoSuchUpload as error:
            raise UploadGone(UploadGone.__doc__) from error


def complete_upload(file_name: str, upload_id: str, tags: list[str]) -> None:
    """Combine the parts of a report. Does nothing if that is already done.

    Raises UploadGone and StorageUnavailable.
    """
    s3 = bucket.client(JOB_TIMEOUTS)
    parts: list[CompletedPartTypeDef] = [
        {"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)
    ]
    with bucket.errors_as_problems():
        try:
            s3.complete_multipart_upload(
                Bucket=bucket.name(), Key=PREFIX + file_name, UploadId=upload_id, MultipartUpload={"Parts": parts}
            )
        except s3.exceptions.NoSuchUpload as error:
            if not exists(file_name):
                raise UploadGone(UploadGone.__doc__) from error


def abort_upload(file_name: str, upload_id: str) -> None:
    """Abort an upload that has failed, and delete its parts. If that fails too, the bucket does it after a day."""
    with suppress(StorageUnavailable), bucket.errors_as_problems():
        bucket.client(REQUEST_TIMEOUTS).abort_multipart_upload(
            Bucket=bucket.name(), Key=PREFIX + file_name, UploadId=upload_id
        )


def abort_uploads(file_name: str, *, keep: str = "") -> None:
    """Abort the uploads of a report except the one to keep, and delete their parts.

    S3 lists the uploads, so an upload whose id was lost is aborted too. Raises StorageUnavailable.
    """
    s3 = bucket.client(JOB_TIMEOUTS)
    with bucket.errors_as_problems():
        for upload_id in _upload_ids(s3, file_name):
            if upload_id != keep:
                with suppress(s3.exceptions.NoSuchUpload):  # aborted by an earlier try whose answer was lost
                    s3.abort_multipart_upload(Bucket=bucket.name(), Key=PREFIX + file_name, UploadId=upload_id)


def _upload_ids(s3: "S3Client", file_name: str) -> list[str]:
    try:
        found = s3.list_multipart_uploads(Bucket=bucket.name(), Prefix=PREFIX + file_name)
    except s3.exceptions.NoSuchUpload:  # the S3 of the local run answers this if there are no uploads
        return []
    return [upload["UploadId"] for upload in found.get("Uploads", [])]


def _object_headers(file_name: str) -> _ObjectHeaders:
    """Return the headers of the object. The downloaded file gets a name without the random bits."""
    [file_type] = [known for known in MEDIA_TYPES if file_name.endswith(f".{known}")]
    download_name = _TOKEN.sub("", file_name)
    return {
        "ContentType": MEDIA_TYPES[file_type],
        "ContentDisposition": f'attachment; filename="{download_name}"',
        "CacheControl": "private, no-store",
    }
