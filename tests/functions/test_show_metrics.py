"""GET /metrics: the series that Prometheus scrapes."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from segmentation.domain import totals
from tests.functions.calls import call
from tests.functions.factories import (
    change,
    create_segments,
    done,
    expired_membership,
    patch_membership,
    patch_segment,
    record,
)

KINDS = ("added", "deleted", "lifetime_changed", "custom")
STATUSES = ("queued", "running", "succeeded", "failed")
STEPS = ("pending", "applied", "skipped", "cancelled", "failed")
EVERY_SERIES = {
    "users",
    "segments",
    "memberships_active",
    "memberships_due",
    "memberships_due_oldest_age_seconds",
    "event_lag_seconds",
    *(f"jobs/{status}" for status in STATUSES),
    *(f"steps/{status}" for status in STEPS),
    *(f"operations_total/{kind}" for kind in KINDS),
}


def scrape():
    """Parse the answer as Prometheus does. Return the value of each series by its name and label."""
    text = call("show_metrics", path="/metrics").text
    return {
        "/".join([sample.name.removeprefix("segmentation_"), *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def operations():
    return [scrape()[f"operations_total/{kind}"] for kind in KINDS]


@pytest.fixture
def count_new_operations(service):
    """Return how many operations of each kind are new since the last call."""
    before = operations()

    def count():
        nonlocal before
        before, earlier = operations(), before
        return tuple(now - then for now, then in zip(before, earlier, strict=True))

    return count


def test_the_answer_is_prometheus_text_format(service):
    answer = call("show_metrics", path="/metrics")

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_every_series_is_there_from_the_beginning(service):
    found = scrape()

    assert found.keys() == EVERY_SERIES
    assert {name for name, value in found.items() if value} <= {f"operations_total/{kind}" for kind in KINDS}


def test_users_segments_and_memberships_are_counted(service, owner):
    expired_membership(owner)
    create_segments("BBB", "GONE")
    done(change(2, add=("AAA", "BBB", "GONE"), ttl=3600))
    done(call("delete_segment", {"slug": "GONE"}))

    found = scrape()

    assert (found["users"], found["segments"]) == (2, 2)
    assert (found["memberships_active"], found["memberships_due"]) == (2, 1)
    assert 3600 <= found["memberships_due_oldest_age_seconds"] < 7200  # that is since the entry


def test_members_of_a_segment_in_deletion_are_not_active(service, owner):
    create_segments("AAA")
    done(change(1, add=("AAA",)))
    owner.execute("update segments set deleted_at = now(), is_emptying = true")

    assert scrape()["memberships_active"] == 0


def test_jobs_are_counted_by_status(service, aws, owner):
    for _ in range(3):
        call("create_report", {"year": 2026, "month": 1})
    owner.execute("update jobs set status = 'failed', error = 'x', finished_at = now() where ctid = '(0,1)'")

    found = scrape()

    assert [found[f"jobs/{status}"] for status in STATUSES] == [2, 0, 0, 1]


def test_entries_exits_lifetimes_and_custom_actions_are_counted(count_new_operations):
    create_segments("AAA", "BBB")
    done(change(1, add=("AAA", "BBB")))
    done(change(1, delete=("BBB",)))
    done(patch_membership(1, "AAA", {"ttl": 60}))
    done(call("create_action", {"name": "exposure"}))
    done(record(1, "AAA", "exposure"))

    assert count_new_operations() == (2, 1, 1, 1)


def test_replacing_an_expired_membership_counts_an_exit_and_an_entry(count_new_operations, owner):
    expired_membership(owner)
    count_new_operations()

    done(change(1, add=("AAA",)))

    assert count_new_operations() == (1, 1, 0, 0)


def test_users_that_a_percent_adds_are_counted(count_new_operations, owner):
    create_segments("AAA")
    owner.execute("insert into users (user_id) select generate_series(1, 10)")

    done(patch_segment("AAA", {"user_percent": 50}))

    assert count_new_operations() == (5, 0, 0, 0)


def test_change_without_effect_is_not_counted(count_new_operations):
    create_segments("AAA")

    done(change(1, delete=("AAA",)))

    assert count_new_operations() == (0, 0, 0, 0)


def test_large_tables_are_estimated(service, owner, monkeypatch):
    monkeypatch.setattr(totals, "EXACT_UP_TO", 100)
    create_segments("AAA")
    owner.execute("insert into users (user_id) select generate_series(1, 5000)")
    owner.execute(
        "insert into memberships select user_id, 1, now() - interval '2 h', now() - interval '1 h' from users"
    )
    owner.execute("analyze users, memberships")

    found = scrape()

    assert found["users"] == pytest.approx(5000, rel=0.1)
    assert found["memberships_due"] == pytest.approx(5000, rel=0.1)
    assert found["memberships_active"] == 0


def test_active_memberships_are_estimated_without_analyzing_segments(service, owner, monkeypatch):
    monkeypatch.setattr(totals, "EXACT_UP_TO", 100)
    create_segments("AAA")
    owner.execute("insert into users (user_id) select generate_series(1, 5000)")
    owner.execute("insert into memberships (user_id, segment_id, added_at) select user_id, 1, now() from users")
    owner.execute("analyze memberships")

    assert scrape()["memberships_active"] == pytest.approx(5000, rel=0.1)


def test_an_estimate_is_never_below_the_exact_count(service, owner, monkeypatch):
    owner.execute("analyze users")
    monkeypatch.setattr(totals, "EXACT_UP_TO", 100)
    owner.execute("insert into users (user_id) select generate_series(1, 101)")

    assert scrape()["users"] >= 101
