"""A request's path comes from its route and its path parameters, whatever stands before it."""

import pytest

from tests.functions.calls import answer_of, invoke, sample
from tests.functions.factories import change, create_segments

BEFORE = ["", "/v1", "/segments/v1", "/prod"]


def event_of(function, *, raw_path, parameters, stage="$default"):
    event = sample(function)
    event["rawPath"] = event["requestContext"]["http"]["path"] = raw_path
    event["requestContext"]["stage"] = stage
    return event | {"pathParameters": parameters}


@pytest.mark.parametrize("before", BEFORE)
def test_a_mapping_key_before_the_path_changes_no_answer(service, before):
    create_segments("AAA")

    event = event_of("get_segment", raw_path=f"{before}/segment/AAA", parameters={"slug": "AAA"})

    assert answer_of(invoke("get_segment", event)).json["slug"] == "AAA"


@pytest.mark.parametrize("before", BEFORE)
def test_the_fast_path_answers_below_a_mapping_key(service, before):
    create_segments("AAA")
    change(1, add=("AAA",))

    event = event_of("list_memberships", raw_path=f"{before}/segment/user/1", parameters={"user_id": "1"})

    assert answer_of(invoke("list_memberships", event)).status == 200


@pytest.mark.parametrize("raw_path", ["/prod/segment/AAA", "/segment/AAA"])
def test_the_name_of_a_stage_changes_no_answer(service, raw_path):
    create_segments("AAA")

    event = event_of("get_segment", raw_path=raw_path, parameters={"slug": "AAA"}, stage="prod")

    assert answer_of(invoke("get_segment", event)).status == 200


@pytest.mark.parametrize(
    ("raw_path", "user_id"),
    [("/user/1?erase=true", "1"), ("/user/1%3Ferase=true", "1"), ("/user/1", "1?erase=true"), ("/user/2", "1")],
)
def test_a_path_that_disagrees_with_its_parameters_is_refused_and_deletes_nobody(service, raw_path, user_id):
    create_segments("AAA")
    change(1, add=("AAA",))

    answer = answer_of(
        invoke("delete_user", event_of("delete_user", raw_path=raw_path, parameters={"user_id": user_id}))
    )

    assert (answer.status, answer.locations) == (422, ["path"])
    read = event_of("list_memberships", raw_path="/segment/user/1", parameters={"user_id": "1"})
    assert len(answer_of(invoke("list_memberships", read)).json["segments"]) == 1


def test_the_link_to_the_next_page_has_the_path_of_the_client(service):
    create_segments("AAA", "BBB")
    change(1, add=("AAA", "BBB"))
    event = event_of("list_user_history", raw_path="/v1/user/1/history", parameters={"user_id": "1"})
    event |= {"rawQueryString": "limit=1", "queryStringParameters": {"limit": "1"}}

    answer = answer_of(invoke("list_user_history", event))

    assert answer.headers["link"].startswith("</v1/user/1/history?")
