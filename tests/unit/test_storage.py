"""The client of S3: the host of a report's link, and the checksums of an upload."""

import pytest

from segmentation.reports import bucket, storage

NAME = f"user-1-2023-09-{'0' * 32}.csv"


@pytest.fixture
def link_to(monkeypatch):
    for name, value in {
        "REPORTS_BUCKET": "reports-bucket",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "of-a-test",
        "AWS_SECRET_ACCESS_KEY": "of-a-test",
    }.items():
        monkeypatch.setenv(name, value)

    def sign(**environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        bucket.client.cache_clear()
        return storage.link(NAME).url

    yield sign
    bucket.client.cache_clear()


def test_link_to_aws_uses_the_regional_host_of_the_bucket(link_to):
    assert link_to().startswith(f"https://reports-bucket.s3.eu-central-1.amazonaws.com/reports/{NAME}?")


def test_an_upload_names_no_checksum_so_that_s3_completes_it_without_those_of_the_parts(aws):
    headers = []

    def collect(request, **_):
        headers.extend(request.headers)

    events = bucket.client(storage.JOB_TIMEOUTS).meta.events
    events.register("before-send.s3", collect)
    upload = storage.begin_upload(NAME)
    tag = storage.upload_part(NAME, upload, 1, b"user_id\n")
    storage.complete_upload(NAME, upload, [tag])
    events.unregister("before-send.s3", collect)  # other tests have the same client

    assert len(headers) > 3
    assert [name for name in headers if "checksum" in name.lower()] == []


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "s3.internal"])
def test_link_to_another_endpoint_uses_its_address(link_to, name, host):
    assert link_to(**{name: f"http://{host}:9000"}).startswith(f"http://{host}:9000/reports-bucket/reports/{NAME}?")


@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1", "us-gov-west-1", "cn-north-1"])
def test_origin_is_that_of_the_links_to_aws(link_to, region):
    link = link_to(AWS_DEFAULT_REGION=region)

    assert link.startswith(f"{bucket.origin()}/reports/")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("path", ["", "/", "/s3"])
def test_origin_is_that_of_the_links_to_another_endpoint(link_to, name, path):
    link = link_to(**{name: f"http://s3.internal:9000{path}"})

    assert (bucket.origin(), link.startswith(f"{bucket.origin()}/")) == ("http://s3.internal:9000", True)
