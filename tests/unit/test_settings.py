"""The address of the database, from a URL or from a secret."""

import pytest
from psycopg.conninfo import conninfo_to_dict

from segmentation.runtime import settings

LOGIN = {"username": "app", "password": "not-a-secret"}
ADDRESS = {"host": "secret.example", "port": 6432, "dbname": "named-in-secret"}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch):
    for name in (
        *("DATABASE_URL", "DATABASE_SECRET_ARN", "DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME"),
        *("DATABASE_OWNER_URL", "DATABASE_OWNER_SECRET_ARN"),
        *("DATABASE_SSL_ROOT_CERT", "DATABASE_POOLED"),
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def application(keep_secret, monkeypatch):
    """Return the application's connection parameters for a secret and an environment."""

    def conninfo(content, **environment):
        monkeypatch.setenv("DATABASE_SECRET_ARN", keep_secret("application", **{**LOGIN, **content}))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return conninfo_to_dict(settings.database_conninfo())

    return conninfo


def test_url_is_used_unchanged(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p%40@h:1/d?sslmode=require")

    assert settings.database_conninfo() == "postgresql://u:p%40@h:1/d?sslmode=require"


def test_url_takes_precedence_over_the_secret(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/d")
    monkeypatch.setenv("DATABASE_SECRET_ARN", "arn:of:nothing")

    assert settings.database_conninfo() == "postgresql://u@h/d"


def test_owner_has_a_url_of_its_own(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/d")
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://owner@h/d")

    assert settings.database_owner_conninfo() == "postgresql://owner@h/d"


def test_secret_may_hold_the_address(application):
    found = application(ADDRESS)

    assert found["host"] == "secret.example"
    assert (found["port"], found["dbname"], found["user"]) == ("6432", "named-in-secret", "app")


def test_environment_takes_precedence_over_the_address_in_the_secret(application):
    found = application(ADDRESS, DATABASE_HOST="env.example", DATABASE_PORT="1111", DATABASE_NAME="from-env")

    assert (found["host"], found["port"], found["dbname"]) == ("env.example", "1111", "from-env")


def test_empty_environment_value_is_ignored(application):
    found = application(ADDRESS, DATABASE_HOST="", DATABASE_PORT="", DATABASE_NAME="")

    assert (found["host"], found["port"], found["dbname"]) == ("secret.example", "6432", "named-in-secret")


def test_port_and_name_have_defaults(application):
    found = application({"host": "h"})

    assert (found["port"], found["dbname"]) == ("5432", "segmentation")


def test_connection_by_secret_verifies_the_server(application):
    found = application(ADDRESS)

    assert (found["sslmode"], found["sslrootcert"]) == ("verify-full", "system")


def test_certificate_authority_can_be_configured(application):
    found = application(ADDRESS, DATABASE_SSL_ROOT_CERT="/opt/ca.pem")

    assert (found["sslmode"], found["sslrootcert"]) == ("verify-full", "/opt/ca.pem")


@pytest.mark.parametrize(
    "password", ["a b", "it's", "back\\slash", "a=b host=evil", "'", "\\'", "пароль", "@:/?#%", "\t"]
)
def test_password_may_hold_any_characters(application, password):
    found = application({**ADDRESS, "password": password})

    assert (found["password"], found["host"]) == (password, "secret.example")


def test_owner_connects_to_the_same_host_as_the_application(keep_secret, monkeypatch):
    monkeypatch.setenv("DATABASE_OWNER_SECRET_ARN", keep_secret("owner", **LOGIN | {"username": "postgres"}, **ADDRESS))
    monkeypatch.setenv("DATABASE_HOST", "proxy.example")

    found = conninfo_to_dict(settings.database_owner_conninfo())

    assert (found["user"], found["host"], found["sslmode"]) == ("postgres", "proxy.example", "verify-full")


@pytest.mark.parametrize(
    ("value", "pooled"), [("true", True), ("True", True), ("false", False), ("", False), (None, False), ("1", False)]
)
def test_pooler_is_configured_by_the_value_true(monkeypatch, value, pooled):
    if value is not None:
        monkeypatch.setenv("DATABASE_POOLED", value)

    assert settings.database_is_pooled() is pooled


@pytest.mark.parametrize(
    ("given", "host", "port"),
    [("reader.example", "reader.example", "5433"), ("reader.example:6000", "reader.example", "6000")],
)
def test_reader_has_the_login_of_the_application_and_a_host_of_its_own(monkeypatch, given, host, port):
    monkeypatch.setenv("DATABASE_URL", "postgresql://application:key@writer.example:5433/segmentation")
    monkeypatch.setenv("DATABASE_READ_HOST", given)

    found = conninfo_to_dict(settings.database_read_conninfo())

    assert (found["host"], found["port"]) == (host, port)
    assert (found["user"], found["password"], found["dbname"]) == ("application", "key", "segmentation")


@pytest.mark.parametrize("value", ["", None])
def test_deployment_without_the_host_of_a_reader_has_none(monkeypatch, value):
    if value is not None:
        monkeypatch.setenv("DATABASE_READ_HOST", value)

    assert settings.database_read_host() is None
    assert settings.max_read_lag_seconds() == 10
