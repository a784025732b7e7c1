"""The sentence that says why a user is, was or is not in a segment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.domain.because import Event, Evidence, Kept, decide
from segmentation.domain.explanation import duration, sentence
from tests.unit.evidence import NOTHING

ENTERED = datetime(2026, 2, 24, 10, 15, tzinfo=UTC)
LEFT = datetime(2026, 3, 3, 10, 15, tzinfo=UTC)
ON = "on 10 March 2026 at 00:00 UTC"
DELETION = Event("D", "segment_deleted", "root", LEFT, comment="test is over")


def told(evidence, *, is_past=True, slug="AVITO_30"):
    return sentence(7, slug, evidence, decide(evidence), is_past=is_past)


def member(reason="manual", until=None, **facts):
    entry = Event("I", reason, "anna", ENTERED, expires_at=until, **facts)
    return replace(NOTHING, last=entry, entry=entry)


def left(reason, *, entry=None, **facts):
    entry = entry or Event("I", "manual", "anna", ENTERED)
    return replace(NOTHING, last=Event("D", reason, "bob", LEFT, **facts), entry=entry)


@pytest.mark.parametrize(
    ("evidence", "text"),
    [
        (
            member(comment="ticket 4711"),
            f"User 7 was in AVITO_30 {ON}, without an end: anna had added them on 24 February 2026 at 10:15 UTC: "
            "'ticket 4711'.",
        ),
        (
            member("percent", percent=Decimal("12.50")),
            f"User 7 was in AVITO_30 {ON}, without an end: its percent of 12.5 %, set by anna, had added them "
            "on 24 February 2026 at 10:15 UTC.",
        ),
        (
            member("import", until=datetime(2026, 4, 1, 12, tzinfo=UTC)),
            f"User 7 was in AVITO_30 {ON}, until 1 April 2026 at 12:00 UTC: an import by anna had added them "
            "on 24 February 2026 at 10:15 UTC.",
        ),
        (
            replace(NOTHING, kept=Kept("manual", None, None)),
            f"User 7 was in AVITO_30 {ON}, without an end: the history of the month in which they entered was removed.",
        ),
        (
            left("manual", comment="ticket 12"),
            "User 7 left AVITO_30 on 3 March 2026 at 10:15 UTC, because bob removed them: 'ticket 12'. "
            "anna had added them on 24 February.",
        ),
        (
            left("import", entry=Event("I", "import", "carl", LEFT - timedelta(hours=1))),
            "User 7 left AVITO_30 on 3 March 2026 at 10:15 UTC, because an import by bob removed them. "
            "An import by carl had added them at 09:15 UTC that day.",
        ),
        (
            left("ttl", entry=Event("I", "manual", "anna", ENTERED, comment="ticket 4711")),
            "User 7 left AVITO_30 on 3 March 2026 at 10:15 UTC, when its lifetime of 7 days ended. "
            "anna had added them on 24 February: 'ticket 4711'.",
        ),
        (
            left("percent", percent=Decimal(10), entry=Event("I", "percent", "anna", ENTERED, percent=Decimal(30))),
            "User 7 left AVITO_30 on 3 March 2026 at 10:15 UTC, because bob lowered its percent to 10 %. "
            "Its percent of 30 %, set by anna, had added them on 24 February.",
        ),
        (
            replace(left("segment_deleted", comment="test is over"), deletion=DELETION),
            "User 7 left AVITO_30 on 3 March 2026 at 10:15 UTC, because bob deleted the segment: 'test is over'. "
            "anna had added them on 24 February.",
        ),
        (
            replace(NOTHING, deletion=DELETION),
            f"User 7 was not in AVITO_30 {ON}, because root deleted the segment on 3 March 2026 at 10:15 UTC: "
            "'test is over'.",
        ),
        (
            left("user_deleted"),
            "User 7 left AVITO_30 on 3 March 2026 at 10:15 UTC, because bob deleted the user. "
            "anna had added them on 24 February.",
        ),
        (
            replace(NOTHING, user_deletion=Event("D", "user_deleted", "root", LEFT)),
            f"User 7 was not in AVITO_30 {ON}, because root deleted the user on 3 March 2026 at 10:15 UTC.",
        ),
        (NOTHING, f"User 7 was not in AVITO_30 {ON}, because they had never entered it."),
        (
            replace(NOTHING, percent=Decimal("30.00")),
            f"User 7 was not in AVITO_30 {ON}, because its percent of 30 % did not choose them.",
        ),
        (
            replace(NOTHING, created_at=datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
            f"User 7 was not in AVITO_30 {ON}, because the segment was created later on 1 May 2026 at 08:30 UTC.",
        ),
        (
            replace(NOTHING, user_known=False),
            f"User 7 was not in AVITO_30 {ON}, because the service did not know the user.",
        ),
    ],
)
def test_sentence_has_the_facts(evidence, text):
    assert told(evidence) == text


def test_explanation_of_now_is_in_the_present_tense():
    assert told(member(), is_past=False) == (
        "User 7 is in AVITO_30, without an end: anna added them on 24 February 2026 at 10:15 UTC."
    )
    assert told(NOTHING, is_past=False) == "User 7 is not in AVITO_30, because they have never entered it."


def test_slug_of_the_time_follows_the_slug_of_the_request():
    assert "AVITO_NEW (AVITO_30 at that time)" in told(member(), slug="AVITO_NEW")


def test_day_of_another_year_has_its_year():
    entry = Event("I", "manual", "anna", datetime(2025, 12, 31, tzinfo=UTC))

    assert told(left("manual", entry=entry)).endswith("anna had added them on 31 December 2025.")


def test_comment_of_several_lines_stays_in_the_sentence():
    assert told(left("manual", comment="first\nsecond")).startswith(
        "User 7 left AVITO_30 on 3 March 2026 at 10:15 UTC, because bob removed them: 'first second'."
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second"),
        (60, "1 minute"),
        (90_000, "1 day and 1 hour"),
        (604_800, "7 days"),
        (93_784, "1 day and 2 hours"),
        (0.2, "1 second"),
    ],
)
def test_duration_has_its_two_greatest_units(seconds, text):
    assert duration(timedelta(seconds=seconds)) == text


INSTANTS = st.integers(0, 30 * 365 * 86_400).map(
    lambda seconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(0, seconds)
)
PERCENTS = st.none() | st.decimals(0, 100, places=2)
COMMENTS = st.none() | st.text(min_size=1, max_size=500)


def events(letters, reasons):
    return st.builds(
        Event,
        st.sampled_from(letters),
        st.sampled_from(reasons),
        st.none() | st.text(min_size=1),
        INSTANTS,
        st.none() | INSTANTS,
        PERCENTS,
        COMMENTS,
    )


ENTRIES = events("I", ["manual", "percent", "import"])
EXITS = events("D", ["manual", "percent", "import", "ttl", "segment_deleted", "user_deleted"])
EVIDENCE = st.builds(
    Evidence,
    at=INSTANTS,
    slug=st.sampled_from(["AVITO_30", "AVITO_50"]),
    percent=PERCENTS,
    created_at=INSTANTS,
    deletion=st.none() | EXITS,
    last=st.none() | ENTRIES | EXITS | events("U", ["manual"]),
    entry=st.none() | ENTRIES,
    kept=st.none() | st.builds(Kept, st.sampled_from(["manual", "percent", "import"]), st.none() | INSTANTS, st.none()),
    user_known=st.booleans(),
    user_deletion=st.none() | EXITS,
)


@given(evidence=EVIDENCE, is_past=st.booleans(), user_id=st.integers(1, 2**63 - 1))
def test_sentence_names_user_and_slug_and_ends_with_a_full_stop(evidence, is_past, user_id):
    text = sentence(user_id, "AVITO_30", evidence, decide(evidence), is_past=is_past)

    assert text.startswith(f"User {user_id} ")
    assert "AVITO_30" in text
    assert text.endswith(".")
    assert "\n" not in text
