"""GET /event: the feed of all changes. tests/integration/test_feed has its order and its gaps."""

import pytest

from segmentation.contract.responses import EventPage
from tests.functions.calls import call
from tests.functions.factories import change, create_segments, done


def events(**query):
    return call("list_events", path="/event", query={name: str(value) for name, value in query.items()})


@pytest.fixture(autouse=True)
def three_changes(service):
    create_segments("AVITO_30", "AVITO_50")
    done(change(1000, add=("AVITO_30", "AVITO_50")))
    done(change(1000, delete=("AVITO_50",)))


def test_events_are_in_order_and_next_after_leads_to_the_next_page():
    first = events(limit=2).json
    second = events(after=first["next_after"]).json

    assert [(event["event"], event["slug"]) for event in first["events"]] == [
        ("added", "AVITO_30"),
        ("added", "AVITO_50"),
    ]
    assert [(event["event"], event["slug"]) for event in second["events"]] == [("deleted", "AVITO_50")]
    assert events(after=second["next_after"]).json == {"events": [], "next_after": second["next_after"]}


def test_the_body_is_that_of_the_model():
    body = events().text

    assert EventPage.model_validate_json(body).model_dump_json() == body


def test_a_page_can_be_read_again():
    assert events(after=1).text == events(after=1).text


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ({"after": -1}, "query.after"),
        ({"after": "x"}, "query.after"),
        ({"after": 2**63}, "query.after"),
        ({"limit": 0}, "query.limit"),
        ({"limit": 1001}, "query.limit"),
        ({"cursor": "MQ"}, "query.cursor"),
    ],
)
def test_an_invalid_parameter_is_named(query, location):
    answer = events(**query)

    assert (answer.status, answer.json["errors"][0]["location"]) == (422, location)


def test_the_largest_id_has_nothing_after_it():
    assert events(after=2**63 - 1).json == {"events": [], "next_after": 2**63 - 1}
