"""Requests with an Idempotency-Key."""

from typing import Any

from segmentation.api import idempotency
from tests.functions.calls import Answer, answer_of, call, invoke, payload, sample
from tests.template_routes import ROUTES, name_of

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
IN_USE = "urn:segmentation:problem:idempotency-key-in-use"
KEYED = sorted({route.function for route in ROUTES if name_of(route) in idempotency.STORED})
"""The functions whose answers are stored under a key."""

KEPT = """
select (select count(*) from users), (select count(*) from segments), (select count(*) from memberships),
       (select count(*) from history), (select count(*) from jobs), (select count(*) from actions),
       (select count(*) from idempotency_keys), (select count(*) from accounts),
       (select count(*) from imports), (select count(*) from segment_steps)
"""


def under(key: str) -> dict[str, str]:
    return {"content-type": "application/json", "idempotency-key": key}


def create_user(user_id: Any = 7, *, key: str = KEY, **sender: Any) -> Answer:
    return call("create_user", {"user_id": user_id}, headers=under(key), **sender)


def add_to(slug: str, *, user_id: int = 1) -> Answer:
    return call("change_memberships", {"user_id": user_id, "add_segments": [slug]}, headers=under(KEY))


def send_sample(function: str, body: Any = None) -> Answer:
    """Send a function's sample event with the key, and with its own body or another one."""
    event = sample(function)
    event["headers"]["idempotency-key"] = KEY
    return answer_of(invoke(function, event | (payload(body, base64=False) if body is not None else {})))


def everything(owner: Any) -> tuple[int, ...]:
    """Count the rows of every table that a request can write."""
    found: tuple[int, ...] = owner.execute(KEPT).fetchone()
    return found


def without_id(answer: Answer) -> tuple[int, str, str]:
    return answer.status, answer.headers["content-type"], answer.text


def is_replayed(answer: Answer) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"
