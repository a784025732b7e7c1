"""Where the links of reports lead, by the S3 that the environment names."""

import pytest

from segmentation.reports import storage

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
        storage._s3.cache_clear()
        return storage.link(NAME).url

    yield sign
    storage._s3.cache_clear()


def test_link_to_aws_leads_to_the_buckets_own_address_in_its_region(link_to):
    assert link_to().startswith(f"https://reports-bucket.s3.eu-central-1.amazonaws.com/reports/{NAME}?")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "s3.internal"])
def test_link_to_another_s3_leads_to_its_one_address(link_to, name, host):
    assert link_to(**{name: f"http://{host}:9000"}).startswith(f"http://{host}:9000/reports-bucket/reports/{NAME}?")
