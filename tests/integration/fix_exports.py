"""Exports of a segment, the writes between their steps, and the members that the history has at an instant."""

import csv
from datetime import datetime
from functools import partial

import pytest

from segmentation.contract.requests import LifetimeChange, NewExport, SegmentUsersChange
from segmentation.domain import expiry, memberships, segment_users, segments
from segmentation.jobs import leases
from segmentation.reports import segment_export

HEADER = ["user_id", "added_at", "expires_at", "reason"]
SLUG = "AVITO_30"


@pytest.fixture
def export(connection, aws):
    def create(slug=SLUG, **members):
        return segment_export.create(connection, slug, NewExport(**members), actor="reader").job_id

    return create


@pytest.fixture
def deliver_step(deliver):
    return partial(deliver, time_left=lambda: False)


@pytest.fixture
def rows_of(connection, aws):
    """Read the rows of a finished export, without the header."""

    def read(job_id, delimiter=","):
        result = leases.get(connection, job_id).result
        header, *rows = csv.reader(aws.text(result["file_name"]).splitlines(), delimiter=delimiter)
        assert header == HEADER
        assert len(rows) == result["rows"]
        return [
            (int(user), instant(added_at), instant(expires_at), reason) for user, added_at, expires_at, reason in rows
        ]

    return read


@pytest.fixture
def at_its_instant(connection, owner):
    """Fold the history of the first segment up to the instant of a finished export, row by row."""

    def fold(job_id):
        at = datetime.fromisoformat(leases.get(connection, job_id).result["at"])
        members = {}
        for user_id, action, reason, expires_at, executed_at in owner.execute(
            """
            select user_id, action_id, reason, expires_at, executed_at
              from history where segment_id = 1 and action_id <= 3 and executed_at <= %s order by history_id
            """,
            (at,),
        ):
            if action == 2:
                del members[user_id]
            elif action == 1:
                members[user_id] = [executed_at, expires_at, reason]
            else:
                members[user_id][1] = expires_at
        active = {user: row for user, row in members.items() if row[1] is None or row[1] > at}
        return [(user_id, *row) for user_id, row in sorted(active.items())]

    return fold


def instant(text):
    return datetime.fromisoformat(text) if text else None


def change_users(own, add=(), delete=(), **lifetime):
    wanted = SegmentUsersChange(add_users=[*add], delete_users=[*delete], **lifetime)
    segment_users.change(own, SLUG, wanted, actor="editor")


def patch(own, user_id, **lifetime):
    memberships.change_lifetime(own, user_id, SLUG, LifetimeChange(**lifetime), actor="editor")


WRITES = ("add", "delete", "lifetime", "sweep", "percent", "forget")


def write_at_random(own, draw):
    user_ids = draw.sample(range(1, 121), draw.randint(1, 30))
    match draw.choice(WRITES):
        case "add":
            change_users(own, add=user_ids, ttl=draw.choice([None, 3600]))
        case "delete":
            change_users(own, delete=user_ids)
        case "lifetime":
            for user_id in own.execute("select user_id from memberships order by random() limit 5").fetchall():
                own.execute(
                    "select change_lifetime(%s::bigint, %s, %s::integer, null, 'editor')",
                    (*user_id, SLUG, draw.choice([None, 7200])),
                )
        case "sweep":
            expiry.sweep(own, go_on=lambda: True)
        case "percent":
            percent = draw.choice([None, 0, 30, 60])
            segments.update(own, SLUG, segments.SegmentChange(user_percent=percent), actor="editor")
        case "forget":
            own.execute("select delete_user(users.user_id) from users order by random() limit 2")
