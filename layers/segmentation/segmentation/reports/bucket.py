"""The bucket in S3: its client, its name, its errors, its links, and the look-up of an object.

boto3 is a slow import, delayed until S3 is needed. Most requests for a job do not need it, because the job is still
running or of another kind.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from segmentation.contract.problems import StorageUnavailable
from segmentation.runtime import settings
from segmentation.runtime.log import logger
from segmentation.runtime.timeouts import Timeouts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef


@dataclass(frozen=True)
class Link:
    """A signed link, and its expiry."""

    url: str
    expires_at: datetime


@contextmanager
def errors_as_problems() -> Iterator[None]:
    """Turn an error that remains after botocore's own retries into StorageUnavailable, with its reason."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise unavailable(f"The report storage answered {error.response['Error']['Code']}.") from error
    except BotoCoreError as error:
        raise unavailable(f"The report storage cannot be reached: {type(error).__name__}.") from error


def unavailable(reason: str) -> StorageUnavailable:
    """Log the reason, and return the problem to raise."""
    logger.warning("report storage unavailable", reason=reason)
    return StorageUnavailable(reason)


def sign(operation: Literal["get_object", "put_object"], key: str, *, seconds: int, timeouts: Timeouts) -> Link:
    """Sign a link for one operation on one key, without a request to S3."""
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    url = client(timeouts).generate_presigned_url(operation, Params={"Bucket": name(), "Key": key}, ExpiresIn=seconds)
    return Link(url, expires_at)


def find(key: str, timeouts: Timeouts) -> "HeadObjectOutputTypeDef | None":
    """Return the headers of an object, or None if there is none. Raises StorageUnavailable."""
    from botocore.exceptions import ClientError

    with errors_as_problems():
        try:
            return client(timeouts).head_object(Bucket=name(), Key=key)
        except ClientError as error:
            # S3 answers 403 instead of 404 if the caller has no right to list the bucket
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
                return None
            raise


def name() -> str:
    """Return the name of the bucket."""
    return settings.reports_bucket()


def origin() -> str:
    """Return the origin of signed links. It needs neither the slow import of boto3 nor credentials."""
    if endpoint := settings.s3_endpoint():
        return "{0.scheme}://{0.netloc}".format(urlsplit(endpoint))
    region = settings.region()
    host = "s3" if region == "us-east-1" else f"s3.{region}"
    return f"https://{name()}.{host}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


@functools.cache
def client(timeouts: Timeouts) -> "S3Client":
    """Return the client with these timeouts."""
    import boto3

    config = timeouts.config(
        # Otherwise botocore names an algorithm, and S3 then wants the checksum of each part again to complete it.
        request_checksum_calculation="when_required",
        signature_version="s3v4",  # the bucket policy cannot limit the age of an older kind of signature
        # links to AWS's global address break, because it redirects. Another S3 has one address for all buckets.
        s3={"addressing_style": "path" if settings.s3_endpoint() else "virtual"},
    )
    s3: S3Client = boto3.client("s3", config=config)
    return s3
