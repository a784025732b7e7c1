"""Every problem has a title, a type and a status."""

from http import HTTPStatus

import pytest

from segmentation.contract import problems
from segmentation.contract.problems import Problem, RequestInvalid, SegmentUnknown, SlugTaken

EVERY = [kind for kind in vars(problems).values() if isinstance(kind, type) and issubclass(kind, Problem)]
STATUSES = {
    "BodyNotJson": 400,
    "Unauthenticated": 401,
    "CredentialsWrong": 401,
    "RoleTooLow": 403,
    "RouteUnknown": 404,
    "SegmentUnknown": 404,
    "UserUnknown": 404,
    "MembershipUnknown": 404,
    "ActionUnknown": 404,
    "SlugTaken": 409,
    "ActionTaken": 409,
    "ActionKept": 409,
    "UsernameTaken": 409,
    "BodyTooLarge": 413,
    "AnswerTooLarge": 413,
    "BodyTypeUnsupported": 415,
    "RequestInvalid": 422,
    "TooManyFailures": 429,
    "InternalError": 500,
    "DatabaseUnavailable": 503,
}
EVERY_KIND = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)


@EVERY_KIND
def test_title_is_one_sentence(kind):
    assert kind.__doc__ != Problem.__doc__ or kind is Problem
    assert kind.title().endswith(".")
    assert "\n" not in kind.title()


@EVERY_KIND
def test_status_is_one_of_the_contract(kind):
    assert kind.status in {400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503}
    assert HTTPStatus(kind.status)


@EVERY_KIND
def test_class_defines_its_own_status(kind):
    assert "status" in vars(kind)


@EVERY_KIND
def test_only_problems_that_a_retry_may_avoid_have_retry_after(kind):
    assert (kind.retry_after is not None) == (kind.status in {429, 503} or kind is problems.IdempotencyKeyInUse)


@pytest.mark.parametrize(("name", "status"), STATUSES.items())
def test_problem_has_the_status_of_the_contract(name, status):
    assert getattr(problems, name).status == status


def test_all_types_are_different():
    assert len({kind.type() for kind in EVERY}) == len(EVERY)


def test_type_is_the_name_as_an_urn():
    assert SlugTaken.type() == "urn:segmentation:problem:slug-taken"


def test_title_is_the_docstring():
    assert SlugTaken.title() == "Another segment has this slug."


def test_detail_defaults_to_the_title():
    assert Problem().body()["detail"] == Problem.title()
    assert Problem("Just so.").body()["detail"] == "Just so."


def test_document_has_the_members_of_rfc_9457_and_its_own():
    assert SegmentUnknown(["AAA", "BBB"]).body() == {
        "type": "urn:segmentation:problem:segment-unknown",
        "title": "There is no such segment.",
        "status": 404,
        "detail": "No segment has the slug AAA, BBB.",
        "slugs": ["AAA", "BBB"],
    }


def test_invalid_request_names_each_location():
    body = RequestInvalid(("body.a", "is wrong"), ("query.b", "is too")).body()

    assert body["detail"] == "body.a: is wrong; query.b: is too"
    assert body["errors"] == [
        {"location": "body.a", "message": "is wrong"},
        {"location": "query.b", "message": "is too"},
    ]
