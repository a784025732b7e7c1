"""The data that the console shows in these tests: a company with a past of six weeks."""

from datetime import UTC, datetime, timedelta

import httpx
import psycopg

USERS = 20_000
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
"""Whole hours, so that the pictures differ little from run to run."""

SEGMENTS = {
    "AVITO_DISCOUNT_30": ("30 % off the first delivery", "growth team", 44),
    "AVITO_DISCOUNT_50": ("50 % off for users who came back", "growth team", 41),
    "AVITO_NEW_SEARCH": ("The search with the new ranking", "search team", 40),
    "AVITO_PERFORMANCE_VAS": (None, None, 38),
    "AVITO_SAFE_DEAL": ("Payment held until the parcel arrives", "payments", 30),
    "AVITO_VOICE_MESSAGES": ("Voice messages in chats", "messenger", 25),
}
WAVES = {
    "AVITO_DISCOUNT_30": (
        (43, 400, 9, "manual"),
        (30, 900, 14, "import"),
        (16, 1500, 10, "manual"),
        (5, 2200, 30, "manual"),
    ),
    "AVITO_DISCOUNT_50": ((40, 700, 20, "manual"), (12, 300, None, "manual")),
    "AVITO_SAFE_DEAL": tuple((29 - week * 4, 500, None, "import") for week in range(7)),
    "AVITO_VOICE_MESSAGES": tuple((24 - day, 40 + 12 * day, None, "manual") for day in range(22)),
}
"""For each segment: entries so many days ago, of so many users, for so many days, by hand or by an import."""


def build(owner: psycopg.Connection, client: httpx.Client) -> None:
    """Fill an empty database with the world, and count the sizes."""
    owner.execute("select set_config('segmentation.actor', 'mira', false)")
    owner.execute("insert into users (user_id) select generate_series(1, %s)", (USERS,))
    for slug, (description, team, age) in SEGMENTS.items():
        owner.execute(
            "insert into segments (slug, description, owner, created_at, updated_at) values (%s, %s, %s, %s, %s)",
            (slug, description, team, days_ago(age), days_ago(age)),
        )
    for slug, waves in WAVES.items():
        first = 10
        for age, users, days, source in waves:
            enter(owner, slug, (first, first + users - 1), age, days, source)
            first += users
    raise_percent(owner, client)
    live_of_user_7(owner)
    recount(owner)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def enter(owner, slug, users, age, days=None, source="manual"):
    """Write entries of the past. The sweep ends those whose lifetime is over."""
    owner.execute(
        """
        insert into memberships (user_id, segment_id, added_at, expires_at, source)
        select number, segments.segment_id, %(at)s::timestamptz + number %% 3600 * interval '1 s',
               %(end)s::timestamptz + number %% 3600 * interval '1 s', %(source)s
          from segments, generate_series(%(first)s::bigint, %(last)s::bigint) number
         where segments.slug = %(slug)s
        """,
        {
            "slug": slug,
            "first": users[0],
            "last": users[1],
            "at": days_ago(age),
            "end": days and days_ago(age - days),
            "source": source,
        },
    )


def raise_percent(owner, client):
    """A rollout: 5 percent of the users thirty days ago, 10 percent twelve days ago."""
    for age, percent, comment in ((30, 5, "first look, SEARCH-311"), (12, 10, "no complaints in two weeks")):
        first = 1 if percent == 5 else USERS // 20 + 1
        enter(owner, "AVITO_NEW_SEARCH", (first, USERS * percent // 100), age, source="percent")
        client.patch("/segment/AVITO_NEW_SEARCH", json={"user_percent": percent, "comment": comment}).raise_for_status()
        owner.execute(
            """
            update segment_changes set changed_at = %s, actor = 'denis', users_added = %s
             where change_id = (select max(change_id) from segment_changes)
            """,
            (days_ago(age), USERS // 20),
        )


def live_of_user_7(owner):
    """A user who had a discount for nine days, and then another one for a while."""
    for slug, age, days in (
        ("AVITO_DISCOUNT_30", 26, 9),
        ("AVITO_DISCOUNT_50", 14, 5),
        ("AVITO_SAFE_DEAL", 22, None),
        ("AVITO_VOICE_MESSAGES", 18, 20),
    ):
        enter(owner, slug, (7, 7), age, days)


def recount(owner):
    """Let the schedule count the sizes again, from the history that is there."""
    owner.execute("delete from segment_days")
    owner.execute("delete from size_progress")
