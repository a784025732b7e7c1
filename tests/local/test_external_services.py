"""An external database and S3, from the environment."""

import pytest

from local import external_services
from local.processes import ChildFailed
from local.settings import CREDENTIALS, Database, Storage

URL = "postgresql://app:local@127.0.0.1/segmentation"
OWNER_URL = "postgresql://owner:local@127.0.0.1/segmentation"


def test_without_external_services_in_the_environment_there_are_none():
    assert external_services.database({"AWS_ACCESS_KEY_ID": "a"}) is None
    assert external_services.storage({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}) is None


def test_two_urls_name_an_external_database():
    named = external_services.database({"DATABASE_URL": URL, "DATABASE_OWNER_URL": OWNER_URL})

    assert named == Database(URL, OWNER_URL)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_OWNER_URL", ""),
        ("DATABASE_URL", "postgresql://127.0.0.1/segmentation"),
        ("DATABASE_OWNER_URL", "postgresql://owner@127.0.0.1/segmentation"),
        ("DATABASE_URL", "mysql://app:local@127.0.0.1/segmentation"),
    ],
)
def test_incomplete_database_is_refused_with_the_name_of_the_variable(name, value):
    with pytest.raises(ChildFailed, match=f"^{name} "):
        external_services.database({"DATABASE_URL": URL, "DATABASE_OWNER_URL": OWNER_URL, name: value})


def test_an_error_does_not_repeat_the_password():
    with pytest.raises(ChildFailed) as refused:
        external_services.database({"DATABASE_URL": "mysql://app:hidden@127.0.0.1/x", "DATABASE_OWNER_URL": OWNER_URL})

    assert "hidden" not in str(refused.value)


def test_the_endpoint_of_s3_takes_precedence_over_the_endpoint_of_all_services():
    environment = {"AWS_ENDPOINT_URL": "http://everything", "AWS_ENDPOINT_URL_S3": "http://s3"}

    assert external_services.storage(environment) == Storage("http://s3", *CREDENTIALS)


def test_an_incomplete_key_is_ignored():
    assert external_services.storage({"AWS_ENDPOINT_URL": "http://s3", "AWS_ACCESS_KEY_ID": "a"}) == Storage(
        "http://s3", *CREDENTIALS
    )


def test_the_key_of_the_environment_is_used_for_its_s3():
    environment = {"AWS_ENDPOINT_URL": "http://s3", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}

    assert external_services.storage(environment) == Storage("http://s3", "a", "b")
