"""Why a user is, was or is not in a segment: each because, from the rows that the database recorded."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from segmentation.contract.problems import RequestInvalid, SegmentUnknown
from segmentation.contract.requests import LifetimeChange, MembershipChange, NewOperation, NewSegment, SegmentChange
from segmentation.contract.responses import Explanation
from segmentation.database import transactions
from segmentation.database.clock import next_moment
from segmentation.domain import actions, deletion, evidence, history, memberships, segments, users
from tests.reads import flags_of
from tests.stepping import step


@pytest.fixture
def now(connection):
    """Return an instant after all that is written, and before all that follows."""
    return lambda: next_moment(connection)


@pytest.fixture
def why(connection):
    """Explain user 7 and AVITO_30, now or at an instant. The flag of OpenFeature has the same reason."""

    def explain(at=None, *, user_id=7, slug="AVITO_30"):
        found = json.loads(evidence.explain(connection, user_id, slug, at).body)
        flag = flags_of(connection, user_id).get(slug) if at is None else None
        if flag:
            assert (flag.value, flag.metadata.because) == (found["member"], found["because"])
        return found

    return explain


@pytest.fixture
def segment(make_segments):
    make_segments("AVITO_30")


@pytest.fixture
def enter(connection):
    """Add user 7 to AVITO_30 for a reason, as imports and percents do."""

    def add(reason="manual"):
        with transactions.transaction(connection, actor="anna", reason=reason):
            connection.execute("insert into users (user_id) values (7) on conflict do nothing")
            connection.execute(
                """
                insert into memberships (user_id, segment_id, added_at, source)
                select 7, segments.segment_id, next_moment(), %s::reason
                  from segments
                 where segments.slug = 'AVITO_30' and segments.deleted_at is null
                """,
                (reason,),
            )

    return add


@pytest.fixture
def leave(connection):
    """Remove user 7 from all segments for a reason."""

    def remove(reason):
        with transactions.transaction(connection, actor="bob", reason=reason):
            connection.execute("delete from memberships where user_id = 7")

    return remove


@pytest.mark.usefixtures("segment")
@pytest.mark.parametrize(
    ("reason", "because"), [("manual", "by_hand"), ("percent", "by_percent"), ("import", "by_import")]
)
def test_member_is_one_by_the_reason_of_the_entry(enter, why, history, reason, because):
    enter(reason)

    found = why()

    [entry] = history(7)
    assert (found["member"], found["because"], found["actor"]) == (True, because, entry["actor"])
    assert datetime.fromisoformat(found["since"]) == entry["executed_at"]
    assert found["until"] is None


@pytest.mark.usefixtures("segment")
@pytest.mark.parametrize(
    ("reason", "because"),
    [("manual", "removed_by_hand"), ("import", "removed_by_import"), ("percent", "percent_lowered")],
)
def test_user_who_left_is_out_by_the_reason_of_the_exit(enter, leave, why, now, reason, because):
    enter()
    inside = now()
    leave(reason)

    found = why()

    assert (found["member"], found["because"], found["actor"]) == (False, because, "bob")
    assert "anna had added them" in found["explanation"]
    assert why(inside)["because"] == "by_hand"


@pytest.mark.usefixtures("segment")
def test_user_whose_lifetime_ended_is_expired_before_the_sweep(connection, change, expire, why):
    change(7, add_segments=["AVITO_30"], ttl=3600)
    expire(7, "AVITO_30")
    [(ended_at,)] = connection.execute("select expires_at from memberships").fetchall()

    found = why()

    assert (found["because"], found["actor"]) == ("expired", "schedule")
    assert datetime.fromisoformat(found["since"]) == ended_at
    assert [operation["operation"] for operation in found["operations"]] == ["I", "D"]


@pytest.mark.usefixtures("segment")
def test_end_of_a_membership_is_the_one_that_was_known_then(connection, change, why, now):
    change(7, add_segments=["AVITO_30"])
    before = now()
    changed = memberships.change_lifetime(connection, 7, "AVITO_30", LifetimeChange(ttl=7200), actor="bob")

    assert why(before)["until"] is None
    assert datetime.fromisoformat(why()["until"]) == changed.expires_at
    assert (why()["because"], why()["actor"]) == ("by_hand", "analyst")


@pytest.mark.usefixtures("segment")
def test_known_user_without_an_entry_has_never_entered(connection, why):
    users.create(connection, 7, actor="backend")

    found = why()

    assert (found["because"], found["since"], found["operations"]) == ("never_entered", None, [])


def test_percent_that_did_not_choose_the_user_is_named(connection, create, set_percent, why, now):
    users.create(connection, 7, actor="backend")
    create("AVITO_30", 0)
    before = now()
    connection.execute("update segments set user_percent = 12.5")

    found = why()

    assert (found["because"], found["percent"]) == ("not_chosen", 12.5)
    assert why(before)["because"] == "never_entered"


def test_explanation_has_the_percent_of_an_entry_and_of_an_exit(create, set_percent, arrive, why, now):
    arrive(1, after=6)
    create("AVITO_30", 100)
    inside = now()
    set_percent("AVITO_30", 0)

    assert (why(inside)["because"], why(inside)["percent"]) == ("by_percent", 100)
    assert (why()["because"], why()["percent"]) == ("percent_lowered", 0)


@pytest.mark.usefixtures("segment")
@pytest.mark.parametrize("most", [deletion.MOST_MEMBERS, 0], ids=["in the request", "by a job"])
def test_deletion_of_the_segment_decides_from_its_own_instant(connection, change, why, now, monkeypatch, most):
    monkeypatch.setattr(deletion, "MOST_MEMBERS", most)
    monkeypatch.setattr(segments.queue, "request_worker", lambda _: None)
    change(7, add_segments=["AVITO_30"])
    inside = now()
    segments.delete(connection, "AVITO_30", actor="root")

    found = why()

    assert (found["because"], found["actor"]) == ("segment_deleted", "root")
    assert found["explanation"].startswith("User 7 left AVITO_30 on ")
    assert why(inside)["because"] == "by_hand"
    assert why(user_id=8)["because"] == "segment_deleted"


def test_segment_that_did_not_exist_yet_is_named(connection, change, make_segments, why, now):
    before = now()
    make_segments("AVITO_30")
    change(7, add_segments=["AVITO_30"])

    assert why(before)["because"] == "segment_not_created_yet"


@pytest.mark.usefixtures("segment")
def test_deleted_user_is_deleted_in_every_segment(connection, change, make_segments, why):
    make_segments("AVITO_50")
    change(7, add_segments=["AVITO_30"])
    users.delete(connection, 7, actor="support")

    assert (why()["because"], why()["actor"]) == ("user_deleted", "support")
    assert why(slug="AVITO_50")["because"] == "user_deleted"


@pytest.mark.usefixtures("segment")
def test_user_who_was_created_again_has_never_entered_the_other_segment(connection, change, make_segments, why):
    make_segments("AVITO_50")
    change(7, add_segments=["AVITO_30"])
    users.delete(connection, 7, actor="support")
    users.create(connection, 7, actor="backend")

    assert why(slug="AVITO_50")["because"] == "never_entered"


@pytest.mark.usefixtures("segment")
def test_user_is_unknown_before_the_creation_and_after_an_erasure(connection, change, why, now):
    before = now()
    change(7, add_segments=["AVITO_30"])

    assert why(before)["because"] == "user_unknown"

    users.delete(connection, 7, erase=True, actor="support")

    assert why()["because"] == "user_unknown"
    assert why()["operations"] == []


def test_slug_that_no_segment_ever_had_is_unknown(why):
    with pytest.raises(SegmentUnknown, match="AVITO_30"):
        why()


@pytest.mark.usefixtures("segment")
def test_instant_in_the_future_is_refused(why, now):
    with pytest.raises(RequestInvalid, match=r"query\.at"):
        why(now() + timedelta(minutes=1))


@pytest.mark.usefixtures("segment")
def test_both_slugs_of_a_renamed_segment_find_it(connection, change, why, now):
    change(7, add_segments=["AVITO_30"])
    before = now()
    segments.update(connection, "AVITO_30", SegmentChange(slug="AVITO_90"), actor="analyst")

    assert why(slug="AVITO_30")["because"] == "by_hand"
    assert why(slug="AVITO_90")["because"] == "by_hand"
    assert why(before, slug="AVITO_90")["because"] == "by_hand"
    assert "AVITO_90 (AVITO_30 at that time)" in why(before, slug="AVITO_90")["explanation"]


@pytest.mark.usefixtures("segment")
def test_slug_means_the_segment_that_had_it_then(connection, change, make_segments, why, now):
    change(7, add_segments=["AVITO_30"])
    first = now()
    segments.delete(connection, "AVITO_30", actor="root")
    between = now()
    make_segments("AVITO_30")
    second = now()
    segments.update(connection, "AVITO_30", SegmentChange(slug="AVITO_90"), actor="analyst")
    segments.create(connection, NewSegment(slug="AVITO_30"), actor="analyst")

    assert why(first)["because"] == "by_hand"
    assert why(between)["because"] == "segment_deleted"
    assert why(second)["because"] == "never_entered"
    assert why(slug="AVITO_90")["because"] == "never_entered"


@pytest.mark.usefixtures("segment")
def test_last_ten_operations_are_those_of_the_pair_oldest_first(connection, change, make_segments, why, history):
    make_segments("AVITO_50")
    for _ in range(6):
        change(7, add_segments=["AVITO_30", "AVITO_50"])
        change(7, delete_segments=["AVITO_30", "AVITO_50"])

    operations = why()["operations"]

    recorded = [row["executed_at"] for row in history(7) if row["slug"] == "AVITO_30"]
    assert [datetime.fromisoformat(found["executed_at"]) for found in operations] == recorded[-10:]
    assert operations[-1]["operation"] == "D"


@pytest.mark.usefixtures("segment")
def test_entry_behind_ten_own_actions_still_decides(connection, change, why):
    actions.create(connection, "exposure")
    change(7, add_segments=["AVITO_30"])
    for _ in range(11):
        history_of_user(connection)

    found = why()

    assert (found["because"], found["actor"]) == ("by_hand", "analyst")
    assert [operation["operation"] for operation in found["operations"]] == ["A"] * 10


def history_of_user(connection):
    return history.record(connection, 7, NewOperation(slug="AVITO_30", action="exposure"), actor="backend")


@pytest.mark.usefixtures("segment")
@pytest.mark.parametrize("days", [80, 150, 600])
def test_operations_of_long_ago_are_found(superuser, change, why, history, days):
    change(7, add_segments=["AVITO_30"])
    change(7, delete_segments=["AVITO_30"])
    step(superuser, timedelta(days=days))
    change(7, add_segments=["AVITO_30"])

    found = why()

    recorded = [row["executed_at"] for row in history(7)]
    assert [datetime.fromisoformat(one["executed_at"]) for one in found["operations"]] == recorded
    assert why(recorded[-1] - timedelta(days=1))["because"] == "removed_by_hand"


@pytest.mark.usefixtures("segment")
def test_dropped_month_of_the_entry_leaves_the_membership(connection, superuser, change, why, now):
    change(7, add_segments=["AVITO_30"])
    then = now()
    superuser.execute("delete from history")

    assert (why(then)["member"], why(then)["because"]) == (True, "by_hand")

    change(7, delete_segments=["AVITO_30"])

    found = why(then)
    assert (found["member"], found["because"], found["since"]) == (True, "by_hand", None)
    assert why()["because"] == "removed_by_hand"


@pytest.mark.usefixtures("segment")
@pytest.mark.parametrize(
    ("reason", "because"), [("manual", "by_hand"), ("percent", "by_percent"), ("import", "by_import")]
)
def test_changed_lifetime_after_a_dropped_entry_keeps_the_source(
    connection, superuser, enter, why, now, history, reason, because
):
    enter(reason)
    [entry] = history(7)
    superuser.execute("delete from history")
    changed = memberships.change_lifetime(connection, 7, "AVITO_30", LifetimeChange(ttl=7200), actor="bob")

    for found in (why(), why(now())):
        assert (found["member"], found["because"], found["actor"]) == (True, because, None)
        assert datetime.fromisoformat(found["since"]) == entry["executed_at"]
        assert datetime.fromisoformat(found["until"]) == changed.expires_at


@pytest.mark.usefixtures("segment")
def test_explanation_has_the_comments_of_the_entry_and_of_the_exit(connection, why):
    for comment, change in (
        ("ticket 4711", {"add_segments": ["AVITO_30"]}),
        ("ticket 4712", {"delete_segments": ["AVITO_30"]}),
    ):
        memberships.change(connection, MembershipChange(user_id=7, comment=comment, **change), actor="anna")

    found = why()

    assert found["comment"] == "ticket 4712"
    assert "because anna removed them: 'ticket 4712'." in found["explanation"]
    assert found["explanation"].endswith("that day: 'ticket 4711'.")


@pytest.mark.usefixtures("segment")
def test_body_is_the_one_that_the_model_writes(connection):
    actions.create(connection, "exposure")
    comment = 'Ещё раз: "7"\n\\ 💥'
    memberships.change(
        connection, MembershipChange(user_id=7, add_segments=["AVITO_30"], ttl=60, comment=comment), actor='"anna"\\'
    )
    history_of_user(connection)

    body = evidence.explain(connection, 7, "AVITO_30", None).body

    explained = Explanation.model_validate_json(body)
    assert explained.model_dump_json() == body
    assert [(one.actor, one.comment) for one in explained.operations] == [('"anna"\\', comment), ("backend", None)]


@pytest.mark.usefixtures("segment")
def test_answer_about_now_and_about_the_last_minute_is_not_kept(connection, now):
    assert evidence.explain(connection, 7, "AVITO_30", None).max_age is None
    assert evidence.explain(connection, 7, "AVITO_30", now()).max_age is None
    assert evidence.explain(connection, 7, "AVITO_30", datetime(2001, 1, 1, tzinfo=UTC)).max_age == 3600
