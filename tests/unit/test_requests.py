"""A null of an optional member means that it was not given, in every model of a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from segmentation.contract import requests
from segmentation.contract.request import Request
from segmentation.contract.requests import LifetimeChange, MembershipChange, SegmentChange

EXAMPLES = {
    "AccountChange": {"role": "editor", "password": "correct horse"},
    "Lifetime": {"ttl": 60, "expires_at": "2999-01-31T12:00:00Z"},
    "LifetimeChange": {"ttl": 60, "expires_at": "2999-01-31T12:00:00Z", "comment": "ticket 4711"},
    "MembershipChange": {
        "user_id": 1,
        "add_segments": ["AAA"],
        "delete_segments": ["BBB"],
        "ttl": 60,
        "expires_at": "2999-01-31T12:00:00Z",
        "comment": "ticket 4711",
    },
    "NewExport": {"at": "2023-08-28T10:25:25Z", "format": "csv.gz", "delimiter": ";"},
    "NewImport": {
        "slug": "AAA",
        "mode": "replace",
        "ttl": 60,
        "expires_at": "2999-01-31T12:00:00Z",
        "dry_run": True,
        "max_deletions": 1,
        "comment": "ticket 4711",
    },
    "NewSchedule": {"steps": [{"at": "2999-01-31T12:00:00Z", "user_percent": 10}], "comment": "ticket 4711"},
    "NewReport": {"year": 2023, "month": 8, "slug": "AAA", "format": "csv.gz", "delimiter": ";", "columns": "extended"},
    "NewAccount": {"username": "bob", "password": "correct horse", "role": "editor"},
    "NewSegment": {"slug": "AAA", "user_percent": 10, "description": "x", "owner": "me", "comment": "ticket 4711"},
    "NewUser": {"user_id": 1},
    "SegmentChange": {"slug": "AAA", "user_percent": 10, "description": "x", "owner": "me", "comment": "ticket 4711"},
    "SegmentEntry": {"slug": "AAA", "ttl": 60, "expires_at": "2999-01-31T12:00:00Z"},
    "SegmentRef": {"slug": "AAA", "comment": "ticket 4711"},
    "SegmentUsersChange": {
        "add_users": [1],
        "delete_users": [2],
        "ttl": 60,
        "expires_at": "2999-01-31T12:00:00Z",
        "comment": "ticket 4711",
    },
}
MODELS = sorted(
    (model for model in vars(requests).values() if isinstance(model, type) and issubclass(model, Request)),
    key=lambda model: model.__name__,
)
WITH_OPTIONAL = [model for model in MODELS if any(not field.is_required() for field in model.model_fields.values())]
BODIES = st.sampled_from(WITH_OPTIONAL).flatmap(
    lambda model: st.tuples(st.just(model), st.sets(st.sampled_from(sorted(model.model_fields))))
)


def outcome(model, body):
    """Return the model of a body with the members that it gives, or the locations of its errors."""
    try:
        read = model.model_validate(body)
    except ValidationError as error:
        return sorted(each["loc"] for each in error.errors())
    return read, read.model_fields_set


def optional_members(model):
    fields = model.model_fields.items()
    return {name for name, field in fields if not field.is_required()} - model.null_has_meaning


def test_every_model_with_optional_members_has_an_example():
    assert {model.__name__: {*model.model_fields} for model in WITH_OPTIONAL} == {
        name: {*example} for name, example in EXAMPLES.items()
    }


@given(BODIES)
def test_null_of_an_optional_member_means_that_it_was_not_given(choice):
    model, given_members = choice
    body = {name: EXAMPLES[model.__name__][name] for name in given_members}
    nulls = dict.fromkeys(optional_members(model) - given_members)

    assert outcome(model, body | nulls) == outcome(model, body)


@pytest.mark.parametrize(
    ("model", "name"),
    [(model, name) for model in MODELS for name, field in model.model_fields.items() if field.is_required()],
)
def test_null_of_a_required_member_is_invalid(model, name):
    assert (name,) in outcome(model, {name: None})


def test_null_of_an_unknown_member_is_invalid():
    assert outcome(MembershipChange, {"user_id": 1, "who": None}) == [("who",)]


@pytest.mark.parametrize(
    ("model", "name"), [(SegmentChange, "user_percent"), (SegmentChange, "description"), (LifetimeChange, "ttl")]
)
def test_null_with_a_meaning_is_a_given_value(model, name):
    assert outcome(model, {name: None})[1] == {name}


@pytest.mark.parametrize("model", WITH_OPTIONAL)
def test_document_allows_null_in_each_optional_member_only(model):
    members = model.model_json_schema()["properties"]

    allowing = {name for name, schema in members.items() if {"type": "null"} in schema.get("anyOf", ())}

    assert allowing == {name for name, field in model.model_fields.items() if not field.is_required()}


def test_ttl_of_zero_means_none_for_an_entry_only():
    assert outcome(MembershipChange, {"user_id": 1, "ttl": 0}) == outcome(MembershipChange, {"user_id": 1})
    assert outcome(LifetimeChange, {"ttl": 0}) == [("ttl",)]
