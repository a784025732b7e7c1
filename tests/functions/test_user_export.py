"""GET /user/{user_id}/export."""

import pytest

from tests.functions.calls import call
from tests.functions.factories import add_members, create_segments, done

pytestmark = pytest.mark.usefixtures("service", "aws")


def export(user_id):
    return call("export_user", path=f"/user/{user_id}/export")


def test_export_of_a_user_is_a_file_with_a_line_for_each_row():
    create_segments("AAA")
    add_members("AAA", 1)

    answer = done(export(1))

    assert answer["rows"] == 3
    assert "/reports/user-1-export-" in answer["report_link"]


def test_unknown_user_is_404():
    answer = export(7)

    assert (answer.status, answer.json["type"]) == (404, "urn:segmentation:problem:user-unknown")


def test_storage_that_is_away_is_503(aws):
    create_segments("AAA")
    add_members("AAA", 1)
    aws.s3.delete_bucket(Bucket="reports")

    assert export(1).status == 503
