"""The local S3."""

from local import s3


def test_a_bucket_is_named_as_s3_allows():
    assert s3.bucket("ReportsBucket") == "reports-bucket"
