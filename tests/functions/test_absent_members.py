"""Requests of clients that write null and zero for members that they leave out."""

import json
from base64 import b64decode

import pytest

from segmentation.contract import requests
from tests.functions.calls import WITH_BODY, call, sample
from tests.functions.factories import create_samples_world, create_segments, done, memberships_of
from tests.functions.keys import KEY, KEYED, is_replayed, send_sample, under
from tests.functions.openapi_document import operation_at
from tests.samples import CREATES, USE_AWS
from tools.openapi.generators import model_name

EXISTING_CLIENTS = [
    ("change_memberships", {"user_id": 1, "add_segments": ["AAA"], "ttl": 0, "delete_segments": None}, 200),
    ("change_memberships", {"user_id": 1, "add_segments": None, "ttl": None, "delete_segments": ["AAA"]}, 200),
    ("create_segment", {"slug": "X_Y", "user_percent": 0}, 201),
    ("create_segment", {"slug": "X_Y", "user_percent": None, "description": None, "owner": None}, 201),
    ("delete_segment", {"slug": "AAA", "comment": None}, 200),
    ("create_user", {"user_id": None}, 201),
]
IN_ANOTHER_FORM = [
    ("create_segment", "/segment", '{"slug": "BBB", "user_percent": 10}', '{"user_percent": 10.0, "slug": "BBB"}'),
    ("create_segment", "/segment", '{"slug": "BBB", "user_percent": 10}', '{"slug": "BBB", "user_percent": 1e1}'),
    ("create_segment", "/segment", '{"slug": "BBB", "user_percent": 0}', '{"slug": "BBB", "user_percent": -0.0}'),
    ("create_segment", "/segment", '{"slug": "BBB"}', '{"slug": "BBB", "user_percent": null}'),
    ("update_segment", "/segment/AAA", '{"user_percent": 0.3}', '{"user_percent": 0.30000000000000004}'),
    ("update_segment", "/segment/AAA", '{"user_percent": null}', '{"user_percent": null, "slug": null}'),
    ("change_memberships", "/segment/user", '{"user_id": 1}', '{"user_id": 1, "ttl": 0, "add_segments": null}'),
    ("create_user", "/user", '{"user_id": 1}', '\ufeff{"user_id":1}'),
]
OTHER_REQUESTS = [
    ("create_user", "/user", '{"user_id": 9007199254740993}', '{"user_id": 9007199254740992}'),
    ("create_user", "/user", '{"user_id": 9223372036854775807}', '{"user_id": 9223372036854775806}'),
    ("create_segment", "/segment", '{"slug": "BBB", "user_percent": 0}', '{"slug": "BBB"}'),
    ("update_segment", "/segment/AAA", '{"slug": "BBB"}', '{"slug": "BBB", "user_percent": null}'),
    ("update_segment", "/segment/AAA", '{"slug": "BBB"}', '{"slug": "BBB", "description": null}'),
    ("update_segment", "/segment/AAA", '{"slug": "BBB"}', '{"slug": "BBB", "owner": null}'),
    ("change_memberships", "/segment/user", '{"user_id": 1}', '{"user_id": 1, "ttl": 1}'),
]


@pytest.fixture
def world(service, request, function):
    """Create what the sample event of the tested function needs."""
    if function in USE_AWS:
        request.getfixturevalue("aws")
    if function not in CREATES:
        create_samples_world()


def with_nulls(function):
    """Return a sample's body with a null in each optional member that it leaves out."""
    event = sample(function)
    operation = operation_at(event["requestContext"]["http"]["method"], WITH_BODY[function])
    published = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
    model = getattr(requests, model_name(published))
    optional = {name for name, field in model.model_fields.items() if not field.is_required()}
    body = b64decode(event["body"]) if event["isBase64Encoded"] else event["body"]
    return dict.fromkeys(optional - model.null_has_meaning) | json.loads(body)


@pytest.mark.parametrize(("function", "body", "status"), EXISTING_CLIENTS)
def test_request_of_an_existing_client_is_accepted(service, function, body, status):
    create_segments("AAA")

    assert call(function, body).status == status


def test_existing_client_adds_a_permanent_membership(service):
    create_segments("AAA")

    done(call(*EXISTING_CLIENTS[0][:2]))

    assert [(each["slug"], each["expires_at"]) for each in memberships_of(1)] == [("AAA", None)]


@pytest.mark.parametrize("function", [function for function in KEYED if sample(function).get("body")])
def test_request_with_nulls_is_the_request_without_them(world, function):
    first = send_sample(function)

    again = send_sample(function, with_nulls(function))

    assert first.status < 300
    assert is_replayed(again)


@pytest.mark.parametrize(("function", "path", "body", "other"), IN_ANOTHER_FORM)
def test_request_in_another_form_is_the_same_request(service, function, path, body, other):
    create_segments("AAA")
    done(call(function, body, path=path, headers=under(KEY)))

    assert is_replayed(call(function, other, path=path, headers=under(KEY)))


@pytest.mark.parametrize(("function", "path", "body", "other"), OTHER_REQUESTS)
def test_request_with_another_meaning_is_another_request(service, function, path, body, other):
    create_segments("AAA")
    done(call(function, body, path=path, headers=under(KEY)))

    answer = call(function, other, path=path, headers=under(KEY))

    assert answer.locations == ["header.Idempotency-Key"]
