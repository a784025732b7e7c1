"""Migrations at the start of the local run."""

from pathlib import Path

import pytest

from local import migrations
from local.processes import ChildFailed
from local.settings import Database, Settings


def test_failed_migration_is_a_sentence_with_the_log_and_the_way_to_new_data(endpoint):
    endpoint.failing = True
    endpoint.answer = {"errorMessage": "The schema is too old.", "errorType": "RuntimeError", "stackTrace": ["line 1"]}

    with pytest.raises(ChildFailed) as failed:
        migrations.apply(endpoint.server_port, Settings(state=Path("/state")))

    assert str(failed.value).splitlines() == [
        "ApplyMigrations failed: The schema is too old.",
        "/state/log/ApplyMigrations.log has the details. `make reset` deletes the data of the local run.",
    ]


def test_reset_is_not_suggested_for_an_external_database(endpoint):
    endpoint.failing = True

    with pytest.raises(ChildFailed) as failed:
        migrations.apply(endpoint.server_port, Settings(database=Database("url", "owner's url")))

    assert "make reset" not in str(failed.value)
