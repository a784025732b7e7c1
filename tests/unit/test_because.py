"""The fact that decides whether a user is in a segment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from segmentation.domain.because import MEMBER, Event, Kept, decide
from tests.unit.evidence import AT, NOTHING

ENTERED = datetime(2026, 2, 24, 9, tzinfo=UTC)
LEFT = datetime(2026, 3, 3, 10, 15, tzinfo=UTC)
DELETION = Event("D", "segment_deleted", "root", LEFT)


def entry(reason="manual", **facts):
    return Event("I", reason, "anna", ENTERED, **facts)


def left(reason, **facts):
    return replace(NOTHING, last=Event("D", reason, "bob", LEFT, **facts), entry=entry())


@pytest.mark.parametrize(
    ("reason", "because"), [("manual", "by_hand"), ("percent", "by_percent"), ("import", "by_import")]
)
def test_member_is_one_by_the_reason_of_the_entry(reason, because):
    finding = decide(replace(NOTHING, last=entry(reason), entry=entry(reason)))

    assert (finding.because, finding.is_member, finding.since, finding.actor) == (because, True, ENTERED, "anna")


def test_changed_lifetime_moves_the_end_and_keeps_the_cause():
    until = AT + timedelta(days=1)
    changed = Event("U", "manual", "bob", LEFT, expires_at=until)

    finding = decide(replace(NOTHING, last=changed, entry=entry("percent", percent=Decimal(30))))

    assert (finding.because, finding.until, finding.actor, finding.percent) == ("by_percent", until, "anna", 30)


@pytest.mark.parametrize(
    ("reason", "because"),
    [
        ("manual", "removed_by_hand"),
        ("import", "removed_by_import"),
        ("ttl", "expired"),
        ("percent", "percent_lowered"),
        ("user_deleted", "user_deleted"),
    ],
)
def test_user_who_left_is_out_by_the_reason_of_the_exit(reason, because):
    finding = decide(left(reason, comment="ticket 4711"))

    assert (finding.because, finding.is_member) == (because, False)
    assert (finding.since, finding.actor, finding.comment) == (LEFT, "bob", "ticket 4711")


@pytest.mark.parametrize("before", [NOTHING, left("manual"), left("segment_deleted")])
def test_deletion_of_the_segment_decides_whatever_came_before(before):
    finding = decide(replace(before, deletion=DELETION))

    assert (finding.because, finding.since) == ("segment_deleted", LEFT)


def test_segment_that_is_created_later_decides_first():
    finding = decide(replace(NOTHING, created_at=AT + timedelta(seconds=1), user_known=False))

    assert finding.because == "segment_not_created_yet"


@pytest.mark.parametrize(("percent", "because"), [(None, "never_entered"), (0, "never_entered"), (30, "not_chosen")])
def test_user_without_an_entry_was_not_chosen_where_the_segment_has_a_percent(percent, because):
    finding = decide(replace(NOTHING, percent=percent))

    assert (finding.because, finding.since) == (because, None)


def test_user_whom_the_service_did_not_know_is_unknown():
    assert decide(replace(NOTHING, percent=Decimal(30), user_known=False)).because == "user_unknown"


def test_user_who_was_deleted_without_an_entry_is_deleted():
    deletion = Event("D", "user_deleted", "root", LEFT)

    finding = decide(replace(NOTHING, user_known=False, user_deletion=deletion))

    assert (finding.because, finding.since, finding.actor) == ("user_deleted", LEFT, "root")


def test_membership_whose_entry_was_dropped_is_still_one():
    finding = decide(replace(NOTHING, kept=Kept("percent", None, LEFT)))

    assert (finding.because, finding.since, finding.until) == ("by_percent", None, LEFT)


def test_changed_lifetime_whose_entry_was_dropped_is_a_membership():
    assert decide(replace(NOTHING, last=Event("U", "manual", "bob", LEFT))).because in MEMBER


def test_changed_lifetime_whose_entry_was_dropped_has_the_source_of_the_membership():
    changed = Event("U", "manual", "bob", LEFT, expires_at=AT)

    finding = decide(replace(NOTHING, last=changed, kept=Kept("percent", ENTERED, None)))

    assert (finding.because, finding.since, finding.until, finding.actor) == ("by_percent", ENTERED, AT, None)
