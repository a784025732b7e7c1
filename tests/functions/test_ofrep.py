"""OFREP 0.3: a segment is a boolean flag of the user whose id is the targetingKey."""

import json

import pytest

from segmentation.api import fast_path, idempotency
from segmentation.api.resolver import Api
from segmentation.contract import problems
from segmentation.contract.responses import JSON
from segmentation.domain import flags
from tests.functions.calls import NO_BODY, PROBLEM, call, caller, invoke, sample
from tests.functions.factories import (
    add_members,
    change,
    create_segments,
    create_users,
    delete_user,
    done,
    expired_membership,
    record,
)
from tests.template_routes import ROUTES, name_of

ALL = "/ofrep/v1/evaluate/flags"
LAST_ID = 2**63 - 1
OF_FLAGS = pytest.mark.parametrize("function", ["evaluate_flag", "evaluate_flags"])


@pytest.fixture(params=["fast path", "resolver"])
def either_path(request, service, monkeypatch):
    """Take either path through the handler."""
    if request.param == "resolver":
        monkeypatch.setattr(fast_path, "_usual_arguments", lambda *_: None)


def evaluate(slug="AAA", user_id=1, body=None, **request):
    asked = {"context": {"targetingKey": user_id}} if body is None else body
    return call("evaluate_flag", asked, path=f"{ALL}/{slug}", **request)


def evaluate_all(user_id=1, body=None, **request):
    asked = {"context": {"targetingKey": user_id}} if body is None else body
    return call("evaluate_flags", asked, path=ALL, **request)


def ask(function, body, **request):
    return (evaluate if function == "evaluate_flag" else evaluate_all)(body=body, **request)


def flag(value, because=None, reason="TARGETING_MATCH", key="AAA"):
    return {
        "key": key,
        "value": value,
        "variant": "on" if value else "off",
        "reason": reason,
        "metadata": {"because": because} if because else {},
    }


def set_percent(slug, percent):
    done(call("update_segment", {"user_percent": percent}, path=f"/segment/{slug}"))


def test_member_added_by_hand_has_the_flag(either_path):
    create_segments("AAA")
    add_members("AAA", 1)

    answer = evaluate()

    assert (answer.status, answer.json) == (200, flag(True, "by_hand"))
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == (JSON, "no-store")


def test_user_outside_the_segment_does_not_have_the_flag(service):
    create_segments("AAA")
    create_users(1)

    assert evaluate().json == flag(False, "never_entered")


def test_unknown_user_has_no_flag_and_stays_unknown(service, owner):
    create_segments("AAA")

    assert evaluate().json == flag(False, "user_unknown")
    assert owner.execute("select count(*) from users").fetchone() == (0,)


def test_member_of_an_import_has_the_flag_because_of_it(service, owner):
    create_segments("AAA")
    add_members("AAA", 1)
    owner.execute("update memberships set source = 'import'")

    assert evaluate().json == flag(True, "by_import")


def test_user_drawn_by_a_percent_is_a_split(service):
    create_segments("AAA")
    create_users(1)
    set_percent("AAA", 100)

    assert evaluate().json == flag(True, "by_percent", "SPLIT")


def test_user_not_drawn_by_a_percent_is_a_split(service, owner):
    create_segments("AAA")
    create_users(1)
    owner.execute("update segments set user_percent = 50")  # without an enrolment

    assert evaluate().json == flag(False, "not_chosen", "SPLIT")


def test_user_outside_a_percent_of_0_has_never_entered(service):
    create_segments("AAA")
    create_users(1)
    set_percent("AAA", 0)

    assert evaluate().json == flag(False, "never_entered", "SPLIT")


def test_unknown_user_of_a_percent_is_a_split(service):
    create_segments("AAA")
    set_percent("AAA", 50)

    assert evaluate().json == flag(False, "user_unknown", "SPLIT")


def test_user_removed_by_hand_from_a_percent_is_no_split(service):
    create_segments("AAA")
    create_users(1)
    set_percent("AAA", 100)
    done(change(1, delete=("AAA",)))

    assert evaluate().json == flag(False, "removed_by_hand")


def test_user_who_left_a_segment_without_a_percent_was_removed(service):
    create_segments("AAA", "BBB")
    add_members("AAA", 1)
    done(change(1, delete=("AAA",)))

    assert evaluate().json == flag(False, "removed_by_hand")
    assert evaluate("BBB").json == flag(False, "never_entered", key="BBB")


def test_user_whom_a_lower_percent_released_is_a_split(service):
    create_segments("AAA")
    create_users(1)
    set_percent("AAA", 100)
    set_percent("AAA", 0)

    assert evaluate().json == flag(False, "percent_lowered", "SPLIT")


def test_deleted_user_is_told_from_an_unknown_one(service):
    create_segments("AAA", "BBB")
    add_members("AAA", 1)
    done(delete_user(1))

    assert evaluate().json == flag(False, "user_deleted")
    assert evaluate("BBB").json == flag(False, "user_deleted", key="BBB")


def test_user_whom_a_hand_kept_out_of_a_percent_gets_no_reason(service):
    create_segments("AAA")
    create_users(1)
    set_percent("AAA", 0)
    done(change(1, delete=("AAA",)))

    assert evaluate().json == flag(False)
    assert evaluate_all().json == {"flags": [flag(False)]}


def test_reason_beyond_the_last_hundred_operations_is_absent(service):
    create_segments("AAA", "BBB")
    add_members("AAA", 1)
    done(change(1, delete=("AAA",)))
    done(call("create_action", {"name": "exposure"}))
    for _ in range(100):
        done(record(1, "BBB", "exposure"))

    assert evaluate().json == flag(False)
    assert evaluate_all().json == {"flags": [flag(False), flag(False, key="BBB")]}


def test_user_added_by_hand_to_a_percent_is_no_split(service):
    create_segments("AAA")
    set_percent("AAA", 0)
    add_members("AAA", 1)

    assert evaluate().json == flag(True, "by_hand")


def test_member_by_hand_from_before_the_percent_is_no_split(service):
    create_segments("AAA")
    add_members("AAA", 1)
    set_percent("AAA", 0)

    assert evaluate().json == flag(True, "by_hand")


def test_user_of_a_percent_that_a_hand_confirmed_is_no_split(service):
    create_segments("AAA")
    create_users(1)
    set_percent("AAA", 100)
    add_members("AAA", 1)

    assert evaluate().json == flag(True, "by_percent")


def test_percent_that_ended_is_no_split(service):
    create_segments("AAA")
    create_users(1)
    set_percent("AAA", 100)
    set_percent("AAA", None)

    assert evaluate().json == flag(True, "by_percent")


def test_membership_that_is_due_has_expired(service, owner):
    expired_membership(owner)

    assert evaluate().json == flag(False, "expired")


def test_swept_membership_of_a_percent_has_expired(service, owner):
    create_segments("AAA")
    set_percent("AAA", 0)
    done(change(1, add=("AAA",), ttl=3600))
    with owner.transaction():
        owner.execute("select set_config('segmentation.reason', 'ttl', true)")
        owner.execute("delete from memberships")

    assert evaluate().json == flag(False, "expired")


@pytest.mark.parametrize("key", ["BBB", "aaa", "user", "A", "..", "AAA ", "A%00A", "\u0410\u0410\u0410", "A" * 300])
def test_key_of_no_segment_is_404_with_a_body_of_the_protocol(either_path, key):
    create_segments("AAA")

    answer = evaluate(key)

    assert (answer.status, answer.headers["content-type"]) == (404, JSON)
    assert answer.json.keys() == {"key", "errorCode", "errorDetails"}
    assert (answer.json["key"], answer.json["errorCode"]) == (key, "FLAG_NOT_FOUND")


def test_deleted_segment_is_no_flag(service):
    create_segments("AAA", "BBB")
    done(call("delete_segment", {"slug": "AAA"}, path="/segment", method="DELETE"))

    assert evaluate().json["errorCode"] == "FLAG_NOT_FOUND"
    assert [each["key"] for each in evaluate_all().json["flags"]] == ["BBB"]


@pytest.mark.parametrize("key", [1, "1", LAST_ID, str(LAST_ID)])
@OF_FLAGS
def test_user_id_is_a_number_or_a_text(either_path, function, key):
    create_segments("AAA")
    add_members("AAA", int(key))

    answer = ask(function, {"context": {"targetingKey": key}})

    assert answer.status == 200
    assert answer.json.get("flags", [answer.json]) == [flag(True, "by_hand")]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"context": None},
        {"context": {}},
        {"context": {"targetingKey": None}},
        {"context": {"targetingKey": ""}},
        {"context": {"email": "a@example.com"}},
    ],
)
@OF_FLAGS
def test_missing_user_is_400_and_says_so(service, function, body):
    assert_failure(ask(function, body), function, "TARGETING_KEY_MISSING")


@pytest.mark.parametrize(
    "key",
    [
        *(0, -1, LAST_ID + 1, 1.0, 1.5, True, [1], {}),
        *("0", "-1", "+1", " 1", "1 ", "01", "1.0", "1e3", "1_0", "user-1", "\u0661", "1\n", "\x00"),
        *(str(LAST_ID + 1), "9" * 5000),
    ],
)
@OF_FLAGS
def test_targeting_key_that_is_no_user_id_is_400_and_names_the_rule(service, function, key):
    answer = ask(function, {"context": {"targetingKey": key}})

    assert_failure(answer, function, "INVALID_CONTEXT")
    assert answer.json["errorDetails"] == (
        f"body.context.targetingKey: must be a user id, in plain digits: 1 to {LAST_ID}"
    )


@pytest.mark.parametrize("context", [1, "1", [], True])
@OF_FLAGS
def test_context_that_is_no_object_is_400(service, function, context):
    assert_failure(ask(function, {"context": context}), function, "INVALID_CONTEXT")


@pytest.mark.parametrize(
    "body",
    [
        *("", " ", "{", "null", "[]", '"1"', '{"context": NaN}', '{"context": {}, "context": {}}'),
        *("[" * 100_000, b'{"context": "\xff"}', '{"context": "' + "A" * 1024 * 1024 + '"}', NO_BODY),
    ],
    ids=range(12),
)
@OF_FLAGS
def test_body_that_cannot_be_read_is_400(service, function, body):
    assert_failure(ask(function, body), function, "PARSE_ERROR")


@pytest.mark.parametrize("headers", [{"content-encoding": "gzip"}, {"content-type": "text/plain"}])
@OF_FLAGS
def test_body_of_another_type_is_400(service, function, headers):
    assert_failure(ask(function, b"\x1f\x8b\x08\x00", headers=headers), function, "PARSE_ERROR")


@OF_FLAGS
def test_unknown_parameter_is_400_and_named(service, function):
    answer = ask(function, {"context": {"targetingKey": 1}}, query={"color": "red"})

    assert_failure(answer, function, "PARSE_ERROR")
    assert "query.color" in answer.json["errorDetails"]


def assert_failure(answer, function, code):
    key = {"key"} if function == "evaluate_flag" else set()
    assert (answer.status, answer.headers["content-type"]) == (400, JSON), answer.text
    assert (answer.json.keys(), answer.json["errorCode"]) == ({*key, "errorCode", "errorDetails"}, code)
    assert answer.json["errorDetails"]


@OF_FLAGS
def test_other_members_are_ignored(either_path, function):
    create_segments("AAA")

    body = {"context": {"targetingKey": "1", "email": "a@example.com", "plan": {"name": None}}, "surprise": 1}

    assert ask(function, body).status == 200


@OF_FLAGS
def test_failure_is_500_with_a_body_of_the_protocol_and_without_internals(service, monkeypatch, function):
    monkeypatch.setattr(flags, "evaluate", lambda *_: 1 / 0)
    monkeypatch.setattr(flags, "evaluate_all", lambda *_: 1 / 0)

    answer = ask(function, {"context": {"targetingKey": 1}})

    assert (answer.status, answer.headers["content-type"]) == (500, JSON)
    assert answer.json["errorCode"] == "GENERAL"
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert "division" not in answer.text


@OF_FLAGS
def test_unreachable_database_is_503_with_retry_after(unreachable_database, function):
    answer = ask(function, {"context": {"targetingKey": 1}})

    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert (answer.json["errorCode"], answer.headers["content-type"]) == ("GENERAL", JSON)


@pytest.mark.parametrize("context", [{}, caller("mira", "guest")])
@OF_FLAGS
def test_refused_caller_gets_a_problem_document(service, callers_stand, function, context):
    event = sample(function)
    del event["requestContext"]["authorizer"]
    event["requestContext"] |= context

    answer = invoke(function, event)

    assert answer["statusCode"] == (403 if context else 401)
    assert answer["headers"]["Content-Type"] == PROBLEM


@OF_FLAGS
def test_reader_may_evaluate(service, callers_stand, function):
    create_segments("AVITO_DISCOUNT_30")
    event = sample(function)
    event["requestContext"] |= caller("mira", "reader")

    assert invoke(function, event)["statusCode"] == 200


@OF_FLAGS
def test_usual_request_is_answered_without_the_resolver(service, monkeypatch, function):
    create_segments("AAA")
    monkeypatch.setattr(Api, "_resolve_as_json", lambda *_: pytest.fail("the resolver was called"))

    assert ask(function, {"context": {"targetingKey": "1"}}).status == 200


@pytest.mark.parametrize("key", ["a", "not a key"])
@OF_FLAGS
def test_evaluation_under_a_key_is_never_stored(service, owner, function, key):
    create_segments("AAA")
    owner.execute("delete from idempotency_keys")

    answers = [ask(function, {"context": {"targetingKey": user}}, headers={"idempotency-key": key}) for user in (1, 2)]

    assert [answer.status for answer in answers] == [200, 200]
    assert owner.execute("select from idempotency_keys").rowcount == 0
    assert not idempotency.STORED & {name_of(route) for route in ROUTES if route.function == function}


def test_all_flags_are_in_order_of_slug(either_path):
    create_segments("BBB", "aaa", "AAA", "A_A", "A-A")
    add_members("BBB", 1)

    answer = evaluate_all()

    assert answer.json == {
        "flags": [
            flag(False, "never_entered", key="A-A"),
            flag(False, "never_entered", key="AAA"),
            flag(False, "never_entered", key="A_A"),
            flag(True, "by_hand", key="BBB"),
            flag(False, "never_entered", key="aaa"),
        ]
    }


def test_all_flags_agree_with_each_flag(service, owner):
    expired_membership(owner, "EXPIRED")
    create_segments("AAA", "BBB", "CCC", "DDD")
    set_percent("BBB", 100)
    set_percent("CCC", 100)
    set_percent("DDD", 0)
    done(change(1, add=("AAA",), delete=("CCC",)))

    found = evaluate_all().json["flags"]

    assert [evaluate(each["key"]).json for each in found] == found
    assert [each["metadata"]["because"] for each in found] == [
        "by_hand",
        "by_percent",
        "removed_by_hand",
        "never_entered",
        "expired",
    ]


def test_without_segments_there_is_no_flag(service):
    assert evaluate_all().json == {"flags": []}


def test_all_flags_have_a_strong_etag_and_are_not_stored(either_path):
    answer = evaluate_all()

    assert answer.headers["etag"].startswith('"')
    assert answer.headers["cache-control"] == "no-store"
    assert "vary" not in answer.headers


@pytest.mark.parametrize("form", ["{}", "W/{}", '"a", {}', "*"])
def test_flags_that_the_caller_has_are_304_without_a_body(either_path, form):
    create_segments("AAA")
    first = evaluate_all()

    answer = evaluate_all(headers={"if-none-match": form.format(first.headers["etag"])})

    assert (answer.status, answer.text) == (304, "")
    assert (answer.headers["etag"], answer.headers["cache-control"]) == (first.headers["etag"], "no-store")


@pytest.mark.parametrize("user_id", [1, 2])
def test_changed_flags_and_those_of_another_user_have_another_etag(either_path, user_id):
    create_segments("AAA")
    create_users(1, 2)
    before = evaluate_all(1).headers["etag"]
    add_members("AAA", user_id)

    answer = evaluate_all(user_id, headers={"if-none-match": before})

    assert (answer.status, answer.json["flags"][0]["value"]) == (200, True)


@pytest.mark.parametrize("changed_at", ["1771622898", "2026-02-20T21:28:18Z", ""])
def test_metadata_of_an_event_stream_is_ignored(service, changed_at):
    create_segments("AAA")

    answer = evaluate_all(query={"flagConfigEtag": "any", "flagConfigLastModified": changed_at})

    assert answer.json == evaluate_all().json


def test_flags_above_the_bound_are_refused_with_a_reason(service, monkeypatch):
    create_segments(*(f"SEGMENT_{number}" for number in range(20)))
    size = len(json.dumps(evaluate_all().text))
    monkeypatch.setattr(flags, "MAX_ANSWER_BYTES", size - 100)

    answer = evaluate_all()

    assert_failure(answer, "evaluate_flags", "GENERAL")
    assert answer.json["errorDetails"] == (
        f"An answer has at most {problems.MAX_ANSWER_BYTES} bytes. Evaluate the flags one by one."
    )


def test_bound_counts_the_bytes_of_the_answer_as_lambda_does(service, monkeypatch):
    create_segments(*(f"SEGMENT_{number}" for number in range(20)))
    size = len(json.dumps(evaluate_all().text))
    monkeypatch.setattr(flags, "MAX_ANSWER_BYTES", size)

    assert evaluate_all().status == 200
