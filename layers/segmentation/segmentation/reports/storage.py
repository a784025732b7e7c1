"""Reports in S3: private objects with unguessable names, handed out by links that soon expire.

boto3 is imported where S3 is really asked: most who look at a job find it still running, or of another kind.
"""

import functools
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypedDict

from segmentation.contract.problems import ReportUnknown, StorageUnavailable
from segmentation.reports.months import Month
from segmentation.runtime import settings
from segmentation.runtime.log import logger
from segmentation.runtime.timeouts import Patience

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PREFIX = "reports/"
LINK_SECONDS = 900
"""How long a link is good: the bucket's policy refuses older signatures whatever a link says."""

MOST_SUBJECT = 200
"""Characters that leave room for the rest of a file's name in the 255 bytes that file systems take."""

FileType = Literal["csv", "csv.gz"]
MEDIA_TYPES: dict[FileType, str] = {"csv": "text/csv; charset=utf-8", "csv.gz": "application/gzip"}
_FILE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,300}-[0-9a-f]{32}\.csv(\.gz)?")
_TOKEN = re.compile(r"-[0-9a-f]{32}(?=\.csv)")


OF_REQUESTS = Patience(connect_seconds=1, read_seconds=2, tries=3)
"""Less than the function has that answers a client, for it needs the database too."""

OF_JOBS = Patience(connect_seconds=2, read_seconds=7, tries=3)
"""A part is large, and to put all of them together takes S3 a while."""


class UploadGone(Exception):
    """S3 knows nothing of an upload that was begun."""


class _Description(TypedDict):
    ContentType: str
    ContentDisposition: str
    CacheControl: str


@dataclass(frozen=True)
class Link:
    """Where a report can be downloaded, and until when."""

    url: str
    expires_at: datetime


def new_file_name(subject: str, month: Month, file_type: FileType) -> str:
    """Return a name that nobody can guess and none has had: 128 random bits after what it is about, cut if long."""
    return f"{subject[:MOST_SUBJECT]}-{month}-{secrets.token_hex(16)}.{file_type}"


def put(file_name: str, body: bytes) -> None:
    """Store a report; raises StorageUnavailable."""
    with _refusals():
        _s3(OF_REQUESTS).put_object(Bucket=_bucket(), Key=PREFIX + file_name, Body=body, **_described(file_name))


def link(file_name: str) -> Link:
    """Sign a link to a report, which need not exist."""
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=LINK_SECONDS)
    url = _s3(OF_REQUESTS).generate_presigned_url(
        "get_object", Params={"Bucket": _bucket(), "Key": PREFIX + file_name}, ExpiresIn=LINK_SECONDS
    )
    return Link(url, expires_at)


def link_to_existing(file_name: str) -> Link:
    """Sign a link to a report; raises ReportUnknown, StorageUnavailable."""
    if not (_FILE_NAME.fullmatch(file_name) and exists(file_name)):
        raise ReportUnknown(f"There is no report {file_name}.")
    return link(file_name)


def exists(file_name: str) -> bool:
    """Tell whether a report is there; raises StorageUnavailable."""
    from botocore.exceptions import ClientError

    with _refusals():
        try:
            _s3(OF_REQUESTS).head_object(Bucket=_bucket(), Key=PREFIX + file_name)
        except ClientError as error:
            # without the right to list a bucket, S3 forbids to ask for what is not there
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
                return False
            raise
    return True


def begin_upload(file_name: str) -> str:
    """Begin a report that comes in parts and is seen only when complete; return the upload's id."""
    with _refusals():
        begun = _s3(OF_JOBS).create_multipart_upload(Bucket=_bucket(), Key=PREFIX + file_name, **_described(file_name))
    return begun["UploadId"]


def upload_part(file_name: str, upload_id: str, number: int, body: bytes) -> str:
    """Store a part, numbered from 1, in the place of an earlier one of that number; return its tag.

    Raises UploadGone, StorageUnavailable.
    """
    s3 = _s3(OF_JOBS)
    with _refusals():
        try:
            return s3.upload_part(
                Bucket=_bucket(), Key=PREFIX + file_name, UploadId=upload_id, PartNumber=number, Body=body
            )["ETag"]
        except s3.exceptions.NoSuchUpload as error:
            raise UploadGone(UploadGone.__doc__) from error


def complete_upload(file_name: str, upload_id: str, tags: list[str]) -> None:
    """Make a report of its parts; does nothing where that has happened already.

    Raises UploadGone, StorageUnavailable.
    """
    s3 = _s3(OF_JOBS)
    parts: list[CompletedPartTypeDef] = [
        {"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)
    ]
    with _refusals():
        try:
            s3.complete_multipart_upload(
                Bucket=_bucket(), Key=PREFIX + file_name, UploadId=upload_id, MultipartUpload={"Parts": parts}
            )
        except s3.exceptions.NoSuchUpload as error:
            if not exists(file_name):
                raise UploadGone(UploadGone.__doc__) from error


def abort_uploads(file_name: str, *, but: str = "") -> None:
    """Forget the uploads of a report, and their parts; those too whose beginning S3 told nobody of.

    Raises StorageUnavailable.
    """
    s3 = _s3(OF_JOBS)
    with _refusals():
        for upload_id in _upload_ids(s3, file_name):
            if upload_id != but:
                with suppress(s3.exceptions.NoSuchUpload):  # forgotten by a try whose answer was lost
                    s3.abort_multipart_upload(Bucket=_bucket(), Key=PREFIX + file_name, UploadId=upload_id)


def _upload_ids(s3: "S3Client", file_name: str) -> list[str]:
    try:
        found = s3.list_multipart_uploads(Bucket=_bucket(), Prefix=PREFIX + file_name)
    except s3.exceptions.NoSuchUpload:  # how the S3 of the local run says that there are none
        return []
    return [upload["UploadId"] for upload in found.get("Uploads", [])]


@contextmanager
def _refusals() -> Iterator[None]:
    """Say which answer of S3, after botocore's own tries, is in the way."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _refusal(f"The store of reports answered {error.response['Error']['Code']}.") from error
    except BotoCoreError as error:
        raise _refusal(f"The store of reports cannot be reached: {type(error).__name__}.") from error


def _refusal(reason: str) -> StorageUnavailable:
    logger.warning("store of reports unavailable", reason=reason)
    return StorageUnavailable(reason)


def _described(file_name: str) -> _Description:
    """Name the file as a person would, for whoever downloads it."""
    file_type: FileType = "csv.gz" if file_name.endswith(".gz") else "csv"
    download_name = _TOKEN.sub("", file_name)
    return {
        "ContentType": MEDIA_TYPES[file_type],
        "ContentDisposition": f'attachment; filename="{download_name}"',
        "CacheControl": "private, no-store",
    }


def _bucket() -> str:
    return settings.reports_bucket()


@functools.cache
def _s3(patience: Patience) -> "S3Client":
    import boto3

    config = patience.config(
        signature_version="s3v4",  # an older link would not expire where the bucket's policy says
        # AWS's links would else lead to its global address, which refers on and breaks them; another S3 has one address
        s3={"addressing_style": "path" if settings.s3_is_not_aws() else "virtual"},
    )
    client: S3Client = boto3.client("s3", config=config)
    return client
