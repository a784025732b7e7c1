"""Set-up through the service itself, and short ways to ask what came of it."""

from typing import Any

from tests.functions.calls import Answer, call

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


def slugs_of(user_id: int) -> list[str]:
    return [membership["slug"] for membership in memberships_of(user_id)]


def users_in(slug: str, **query: str) -> list[int]:
    answer = done(call("list_segment_users", path=f"/segment/{slug}/users", query=query))
    return [user["user_id"] for user in answer["users"]]


def rows(owner) -> tuple[int, ...]:
    """How many users, segments, memberships and history rows there are."""
    return owner.execute(ROWS).fetchone()
