"""Create test data through the service itself, and read the results."""

from typing import Any

import boto3

from tests.functions.calls import Answer, call, sample
from tests.samples import SLUG

ROWS = """
select (select count(*) from users), (select count(*) from segments),
       (select count(*) from memberships), (select count(*) from history)
"""


def done(answer: Answer) -> Any:
    assert answer.status in {200, 201}, answer.text
    return answer.json


def create_segments(*slugs: str) -> None:
    for slug in slugs:
        done(call("create_segment", {"slug": slug}))


def create_samples_world() -> None:
    """Create what the sample events need: their segments, their action, user 1000 as a member, and an account."""
    create_segments(SLUG, "AVITO_VOICE")
    add_members(SLUG, 1000)
    done(call("create_action", {"name": "exposure"}))
    done(call("sign_up", {"username": "bob", "password": "correct horse battery staple"}))


def create_samples_import(owner) -> None:
    """Create the import of the samples, with its uploaded file."""
    import_id = sample("start_import")["pathParameters"]["import_id"]
    owner.execute(
        """
        insert into imports (import_id, segment_id, mode, dry_run, actor)
        select %s::uuid, segments.segment_id, 'add', false, 'alice' from segments where segments.slug = %s::text
        """,
        (import_id, SLUG),
    )
    boto3.client("s3").put_object(Bucket="reports", Key=f"imports/{import_id}", Body=b"1\n2\n")


def create_users(*user_ids: int) -> None:
    for user_id in user_ids:
        done(call("create_user", {"user_id": user_id}))


def change(user_id: int, *, add: tuple[str, ...] = (), delete: tuple[str, ...] = (), **lifetime: Any) -> Answer:
    return call(
        "change_memberships",
        {"user_id": user_id, "add_segments": list(add), "delete_segments": list(delete), **lifetime},
    )


def add_members(slug: str, *user_ids: int) -> None:
    for user_id in user_ids:
        done(change(user_id, add=(slug,)))


def get_segment(slug: str) -> Answer:
    return call("get_segment", path=f"/segment/{slug}")


def patch_segment(slug: str, body: Any) -> Answer:
    return call("update_segment", body, path=f"/segment/{slug}")


def delete_user(user_id: int, **query: str) -> Answer:
    return call("delete_user", path=f"/user/{user_id}", query=query)


def memberships_of(user_id: int) -> list[dict[str, Any]]:
    return done(call("list_memberships", path=f"/segment/user/{user_id}"))["segments"]


def patch_membership(user_id: int, slug: str, body: Any, **sender: Any) -> Answer:
    return call("update_membership", body, path=f"/segment/user/{user_id}/{slug}", **sender)


def expired_membership(owner, slug: str = "AAA", user_id: int = 1) -> None:
    """Insert an expired membership that is not swept yet."""
    create_segments(slug)
    create_users(user_id)
    owner.execute(
        """
        insert into memberships (user_id, segment_id, added_at, expires_at)
        select %s, segments.segment_id, now() - interval '2 h', now() - interval '1 h'
          from segments where segments.slug = %s
        """,
        (user_id, slug),
    )


def record(user_id: int, slug: str, action: str, **sender: Any) -> Answer:
    return call("record_action", {"slug": slug, "action": action}, path=f"/user/{user_id}/history", **sender)


def ask_history(user_id: int, accept: str = "application/json", **query: str) -> Answer:
    """Request a history. The parameter `from` is given as `from_`, because `from` is a keyword of Python."""
    named = {name.rstrip("_"): value for name, value in query.items()}
    return call("list_user_history", path=f"/user/{user_id}/history", query=named, headers={"accept": accept})


def history_of(user_id: int, **query: str) -> list[dict[str, Any]]:
    return done(ask_history(user_id, **query))["operations"]


def slugs_of(user_id: int) -> list[str]:
    return [membership["slug"] for membership in memberships_of(user_id)]


def users_in(slug: str, **query: str) -> list[int]:
    answer = done(call("list_segment_users", path=f"/segment/{slug}/users", query=query))
    return [user["user_id"] for user in answer["users"]]


def rows(owner) -> tuple[int, ...]:
    """Count the users, segments, memberships and history rows."""
    return owner.execute(ROWS).fetchone()


def delete_action(name: str) -> Answer:
    return call("delete_action", {"name": name})


def ask_actions(**query: str) -> Answer:
    return call("list_actions", query=query)


def action_names(answer: Answer) -> list[str]:
    return [action["name"] for action in done(answer)["actions"]]
