"""Idempotency-Key: a request that is sent twice is carried out once, on every route that writes."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.api import idempotency
from tests.functions.calls import call
from tests.functions.factories import create_samples_import, create_samples_world, create_segments, done, rows
from tests.functions.keys import (
    KEY,
    KEYED,
    add_to,
    create_user,
    everything,
    is_replayed,
    send_sample,
    under,
    without_id,
)
from tests.samples import CREATES, USE_AWS
from tests.template_routes import ROUTES, name_of

OTHER_BODIES = {
    "change_password": {"password": "correct horse battery staple", "new_password": "of another request"},
    "change_memberships": {"user_id": 77},
    "change_segment_users": {"add_users": [77]},
    "create_action": {"name": "conversion"},
    "create_export": {"delimiter": ";"},
    "create_import": {"slug": "AVITO_VOICE", "mode": "remove"},
    "create_report": {"year": 2023, "month": 9},
    "create_segment": {"slug": "OTHER"},
    "create_user": {"user_id": 77},
    "plan_steps": {"steps": [{"at": "2099-01-01T09:00:00Z", "user_percent": 20}]},
    "record_action": {"slug": "AVITO_VOICE", "action": "exposure"},
    "sign_up": {"username": "other", "password": "correct horse battery staple"},
    "update_account": {"role": "reader"},
    "update_membership": {"ttl": 77},
    "update_segment": {"description": None},
}
VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
on_any_key = settings(
    max_examples=50,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture
    ],  # rows of earlier examples may stay, because each key is new
)


@pytest.fixture
def world(service, request, function, owner):
    """Create what the sample event of the tested function needs."""
    if function in USE_AWS:
        request.getfixturevalue("aws")
    if function not in CREATES:
        create_samples_world()
    if function == "start_import":
        create_samples_import(owner)


@pytest.mark.parametrize("function", KEYED)
def test_request_sent_again_gets_its_answer_again_and_writes_nothing(world, owner, function):
    first = send_sample(function)
    before = everything(owner)

    again = send_sample(function)

    assert first.status < 300
    assert without_id(again) == without_id(first)
    assert (is_replayed(first), is_replayed(again)) == (False, True)
    assert everything(owner) == before


@pytest.mark.parametrize("function", [name for name in KEYED if name != "start_import"])  # which has no body
def test_another_body_under_the_same_key_is_refused_and_writes_nothing(world, owner, function):
    assert send_sample(function).status < 300
    before = everything(owner)

    other = send_sample(function, OTHER_BODIES[function])

    assert (other.status, other.locations) == (422, ["header.Idempotency-Key"])
    assert everything(owner) == before


def test_nothing_is_stored_without_a_key(service, owner):
    create_segments("AAA")
    done(call("create_user"))

    assert owner.execute("select from idempotency_keys").rowcount == 0


@pytest.mark.parametrize(
    ("function", "body", "path"),
    [
        ("change_memberships", {"user_id": 7, "add_segments": ["AAA"], "delete_segments": ["BBB"]}, None),
        ("create_user", {"user_id": 7}, None),
        ("create_user", {"user_id": 1}, None),
        ("create_user", None, None),
        ("record_action", {"slug": "AAA", "action": "exposure"}, "/user/1/history"),
        ("update_membership", {"ttl": 60}, "/segment/user/1/AAA"),
        ("update_membership", {"ttl": None}, "/segment/user/1/AAA"),
        ("update_membership", {"expires_at": "2099-01-01T00:00:00Z"}, "/segment/user/1/AAA"),
        ("update_membership", {"expires_at": "2099-01-01T00:00:00.120+03:00"}, "/segment/user/1/AAA"),
    ],
)
@pytest.mark.parametrize("actor", ["alice", 'O"Brien \\ é 😀 %s'])
def test_answer_that_the_database_stores_has_the_bytes_of_the_first(service, function, body, path, actor):
    create_segments("AAA", "BBB")
    done(call("change_memberships", {"user_id": 1, "add_segments": ["AAA"]}))
    done(call("create_action", {"name": "exposure"}))
    request = {"path": path, "headers": under(KEY), "actor": actor}

    first, again = [call(function, *([] if body is None else [body]), **request) for _ in range(2)]

    assert first.status < 300
    assert without_id(again) == without_id(first)
    assert is_replayed(again)


def test_stored_row_holds_neither_the_key_nor_the_request(service, owner):
    create_user(123456789)

    [(scope, fingerprint)] = owner.execute("select scope, fingerprint from idempotency_keys").fetchall()

    assert (len(scope), len(fingerprint)) == (32, 32)
    assert not [text for text in (KEY, "123456789", "/user") if text.encode() in scope + fingerprint]


def test_order_and_whitespace_of_a_body_do_not_matter(service):
    create_segments("AAA")
    first = call("change_memberships", '{"user_id": 1, "add_segments": ["AAA"]}', headers=under(KEY))

    again = call("change_memberships", '{"add_segments":["AAA"],  "user_id":1}', headers=under(KEY))

    assert first.json == again.json == {"segments_added": 1, "segments_deleted": 0}


def test_base64_encoding_of_a_body_does_not_matter(service):
    create_segments("AAA")
    add_to("AAA")

    body = {"user_id": 1, "add_segments": ["AAA"]}
    assert is_replayed(call("change_memberships", body, headers=under(KEY), base64=True))


def test_requests_with_and_without_a_body_differ(service):
    done(call("create_user", headers=under(KEY)))

    assert create_user(1).locations == ["header.Idempotency-Key"]


def test_two_callers_may_use_the_same_key(service):
    create_user(7, actor="alice")

    answer = create_user(7, actor="bob")

    assert (answer.status, is_replayed(answer)) == (200, False)


def test_key_belongs_to_a_path_and_a_method(service):
    create_segments("AAA", "BBB")
    add_to("AAA")

    answers = [
        call("update_segment", {"description": "x"}, path=f"/segment/{slug}", headers=under(KEY))
        for slug in ("AAA", "BBB")
    ]

    assert [(answer.json["slug"], is_replayed(answer)) for answer in answers] == [("AAA", False), ("BBB", False)]


def test_stored_answer_is_repeated_after_the_data_changed(service):
    create_segments("AAA")
    add_to("AAA")
    done(call("delete_segment", {"slug": "AAA"}))

    assert add_to("AAA").json == {"segments_added": 1, "segments_deleted": 0}


def test_refused_request_can_be_sent_again_with_its_key(service, owner):
    assert add_to("AAA").status == 404
    assert rows(owner) == (0, 0, 0, 0)
    create_segments("AAA")

    assert add_to("AAA").json == {"segments_added": 1, "segments_deleted": 0}


def test_refused_request_can_be_corrected_with_its_key(service):
    create_segments("AAA")
    assert add_to("BBB").status == 404

    assert add_to("AAA").json["segments_added"] == 1


@pytest.mark.parametrize(("age", "status"), [("24 hours", 409), ("23:59:00", 201)])
def test_key_is_stored_for_a_day(service, owner, age, status):
    call("create_segment", {"slug": "AAA"}, headers=under(KEY))

    owner.execute("update idempotency_keys set created_at = now() - %s::interval", (age,))

    assert call("create_segment", {"slug": "AAA"}, headers=under(KEY)).status == status


def test_key_used_again_after_a_day_stores_the_new_answer(service, owner):
    create_user(7)
    owner.execute("update idempotency_keys set created_at = now() - interval '24 hours'")

    later, again = create_user(8), create_user(8)

    assert [without_id(answer)[0] for answer in (later, again)] == [201, 201]
    assert is_replayed(again)


def test_token_is_never_stored_under_a_key(service, owner):
    account = {"username": "bob", "password": "correct horse battery staple"}
    done(call("sign_up", account))

    answers = [call("sign_in", account, headers=under(KEY)) for _ in range(2)]

    assert [(answer.status, is_replayed(answer)) for answer in answers] == [(200, False)] * 2
    assert owner.execute("select from idempotency_keys").rowcount == 0


def test_failed_sign_in_with_a_key_is_counted(service, owner):
    call("sign_in", {"username": "bob", "password": "a guess"}, headers=under(KEY))

    assert owner.execute("select from sign_in_failures").rowcount == 1


def test_every_route_that_writes_and_no_other_stores_its_answers():
    routes = {name_of(route) for route in ROUTES if route.method in {"POST", "PATCH"}}

    assert routes >= idempotency.STORED
    assert routes - idempotency.STORED == {
        "POST /auth/sign-in",
        "POST /segment/user/batch",
        "POST /ofrep/v1/evaluate/flags",
        "POST /ofrep/v1/evaluate/flags/{key}",
    }


@pytest.mark.parametrize("key", [KEY, "not a key"])
def test_batch_read_under_keys_stores_nothing(service, owner, key):
    create_segments("AAA")
    done(add_to("AAA"))
    owner.execute("delete from idempotency_keys")

    answers = [call("batch_list_memberships", {"user_ids": [user]}, headers=under(key)) for user in (1, 1, 2)]

    assert [(answer.status, is_replayed(answer)) for answer in answers] == [(200, False)] * 3
    assert owner.execute("select from idempotency_keys").rowcount == 0


def test_answer_above_the_bound_is_413_and_writes_nothing(service, owner, monkeypatch):
    body = {"slug": "AAA", "description": "x" * 100}
    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "MAX_STORED_CHARACTERS", 10)
        refused = call("create_segment", body, headers=under(KEY))
        written = rows(owner)

    assert (refused.status, refused.json["type"]) == (413, "urn:segmentation:problem:answer-too-large")
    assert "without an Idempotency-Key" in refused.json["detail"]
    assert written == (0, 0, 0, 0)
    assert call("create_segment", body, headers=under(KEY)).status == 201


def test_longest_answer_of_a_write_is_far_below_the_bound(service):
    done(call("create_segment", {"slug": "A" * 255}))

    answer = call("update_segment", {"description": '"' * 1000}, path=f"/segment/{'A' * 255}", headers=under(KEY))

    assert answer.status == 200
    assert len(answer.text) < idempotency.MAX_STORED_CHARACTERS / 4


@pytest.mark.parametrize("function", ["list_users", "delete_action"])
def test_key_is_ignored_by_routes_that_store_no_answer(service, owner, function):
    create_segments("AAA")
    done(call("create_action", {"name": "exposure"}))
    body = {"name": "exposure"} if function == "delete_action" else ""

    answer = call(function, body, headers=under("not a key"))

    assert answer.status == 200
    assert owner.execute("select from idempotency_keys").rowcount == 0


def test_key_on_an_unknown_route_needs_no_database(unreachable_database):
    assert call("reject_route", {}, method="POST", path="/nowhere", headers=under(KEY)).status == 404


def test_bad_request_with_a_key_names_the_body(service):
    assert call("create_segment", {"slug": "!"}, headers=under(KEY)).locations == ["body.slug"]


@on_any_key
@given(key=st.text(VISIBLE, min_size=1, max_size=255))
def test_any_visible_characters_are_a_key(service, key):
    create_user(7, key=key)

    assert is_replayed(create_user(7, key=key))


@on_any_key
@given(
    key=st.text(VISIBLE, min_size=256, max_size=300)
    | st.text(st.characters(codec=None), max_size=260).filter(lambda text: not text or {*text} - {*VISIBLE})
)
def test_any_other_key_is_refused_and_writes_nothing(service, owner, key):
    answer = create_user(7, key=key)

    assert (answer.status, answer.locations) == (422, ["header.Idempotency-Key"])
    assert rows(owner) == (0, 0, 0, 0)
