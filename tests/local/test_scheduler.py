"""The schedules of the template, and their events."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local import scheduler
from local.scheduler import Schedule

PROJECT = Path(__file__).parents[2]
EXPIRY = Schedule("ExpireMembershipsEveryMinute", "ExpireMemberships", 1)


@pytest.fixture
def template(tmp_path):
    def write(expression):
        path = tmp_path / "template.yaml"
        path.write_text(
            f"""
            Resources:
              Bucket: {{Type: 'AWS::S3::Bucket'}}
              Tidy:
                Type: AWS::Serverless::Function
                Properties:
                  CodeUri: !Sub functions/tidy
                  Events:
                    Route: {{Type: HttpApi, Properties: {{ApiId: !Ref HttpApi}}}}
                    Often: {{Type: Schedule, Properties: {{Schedule: "{expression}"}}}}
            """
        )
        return path

    return write


def test_schedules_are_those_of_the_template():
    assert [*scheduler.schedules(PROJECT / "template.yaml")] == [EXPIRY]


@pytest.mark.parametrize(
    ("expression", "minutes"), [("rate(5 minutes)", 5), ("rate(1 hour)", 60), ("rate(2 days)", 2880)]
)
def test_rate_is_parsed(template, expression, minutes):
    [schedule] = scheduler.schedules(template(expression))

    assert schedule == Schedule("TidyOften", "Tidy", minutes)


def test_schedule_of_another_form_is_an_error_that_names_it(template):
    with pytest.raises(scheduler.UnknownSchedule, match="cron"):
        [*scheduler.schedules(template("cron(0 12 * * ? *)"))]


def test_event_has_the_members_of_the_sample():
    sample = json.loads((PROJECT / "events" / "expire_memberships.json").read_text())

    event = EXPIRY.event(datetime(2023, 8, 28, 10, 26, tzinfo=UTC))

    assert event.keys() == sample.keys()
    assert event["time"] == sample["time"]


def test_event_is_sent_to_the_function(endpoint):
    scheduler.send(EXPIRY, endpoint.server_port)

    [(path, event)] = endpoint.received
    assert path == "/2015-03-31/functions/ExpireMemberships/invocations"
    assert event["detail-type"] == "Scheduled Event"


def test_a_failure_is_printed_and_stops_nothing(endpoint, capsys):
    endpoint.failing = True

    scheduler.send(EXPIRY, endpoint.server_port)

    assert "ExpireMembershipsEveryMinute: ExpireMemberships failed" in capsys.readouterr().out
