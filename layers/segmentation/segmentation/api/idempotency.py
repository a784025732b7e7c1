"""Idempotency keys: a request that is sent again under its key gets its first answer, and changes nothing.

The transaction that carries out a request also stores its answer. A rollback undoes both, so a request that died can
be sent again at once. Only successful responses are stored. A rejected or failed request wrote nothing. Correct it and
resend it with the same key. On the most frequent routes, that transaction is one statement (database/one_statement.py).
"""

import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from segmentation.contract.problems import AnswerTooLarge, IdempotencyKeyInUse, RequestInvalid
from segmentation.database import one_statement, transactions

HEADER = "Idempotency-Key"
KEY_PATTERN = r"^[!-~]{1,255}$"
STORED = frozenset(
    {
        "POST /auth/sign-up",
        "POST /auth/password",
        "PATCH /account/{username}",
        "POST /segment",
        "PATCH /segment/{slug}",
        "POST /segment/{slug}/users",
        "POST /segment/{slug}/export",
        "POST /segment/{slug}/schedule",
        "POST /segment/user",
        "PATCH /segment/user/{user_id}/{slug}",
        "POST /user",
        "POST /user/{user_id}/history",
        "POST /action",
        "POST /report",
        "POST /import",
        "POST /import/{import_id}",
    }
)
"""The routes whose answers are stored. Every other route ignores the header.

A sign-in is not stored: its answer is a token, and every failed sign-in must count. A read is not stored: it changes
nothing, and its stored answers would fill the database.
"""

ONE_STATEMENT = frozenset(
    {"POST /segment/user", "PATCH /segment/user/{user_id}/{slug}", "POST /user", "POST /user/{user_id}/history"}
)
"""The stored routes whose handlers run one database/one_statement.py Change, and write nothing else."""

MAX_STORED_CHARACTERS = 65_536
"""No answer to a write comes near. A larger answer would fill the database."""

_TOO_LARGE = "The answer is too large to be stored under a key. Send the request without an Idempotency-Key."

BATCH = 10_000
"""Rows that a transaction deletes."""

MOST_BATCHES = 10


@dataclass(frozen=True)
class Request:
    """A request with a key: a digest of its key, caller and route, and a digest of its content."""

    scope: bytes
    fingerprint: bytes


@dataclass(frozen=True)
class Answer:
    """The answer to a request."""

    status: int
    headers: dict[str, Any]
    body: str


def request(key: str, *, scope: tuple[str, ...], content: Any) -> Request:
    """Return the digests of a request. Its content is JSON; the order of members does not matter.

    Raises RequestInvalid for an invalid key.
    """
    if not re.fullmatch(KEY_PATTERN, key):
        raise RequestInvalid((f"header.{HEADER}", "must be 1 to 255 visible ASCII characters"))
    return Request(_digest(key, scope), _digest(key, content))


def once_in_one_statement(request: Request, run: Callable[[], Answer]) -> tuple[Answer, bool]:
    """Run a request whose change also stores its answer, or return its stored answer. See once()."""
    try:
        with one_statement.under_key(request.scope, request.fingerprint):
            return run(), False
    except one_statement.KeyUsed as used:
        return _stored(used.claimed, request), True


def once(connection: Connection, request: Request, run: Callable[[], Answer]) -> tuple[Answer, bool]:
    """Run a request and store its answer, or return its stored answer. The flag tells whether it was stored.

    Raises IdempotencyKeyInUse while another environment runs the request, RequestInvalid if the key was used for
    another request, AnswerTooLarge for an answer that is too large to store. The request then changes nothing.
    """
    with transactions.enclosing_transaction(connection):
        if stored := _claim(connection, request):
            return stored, True
        answer = run()
        if len(answer.body) > MAX_STORED_CHARACTERS:
            raise AnswerTooLarge(_TOO_LARGE)
        if answer.status < 400:
            _store(connection, request, answer)
    return answer, False


def delete_old(connection: Connection) -> None:
    """Delete answers older than 24 hours, in a limited number of batches. The next run deletes the rest."""
    for _ in range(MOST_BATCHES):
        if _delete_batch(connection) < BATCH:
            break


def _claim(connection: Connection, request: Request) -> Answer | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        [claimed] = cursor.execute(one_statement.CLAIM, {"scope": request.scope}).fetchall()
    is_new = claimed["key_is_free"] and claimed["key_fingerprint"] is None
    return None if is_new else _stored(claimed, request)


def _stored(claimed: one_statement.Row, request: Request) -> Answer:
    if not claimed["key_is_free"]:
        raise IdempotencyKeyInUse()
    if claimed["key_fingerprint"] != request.fingerprint:
        raise RequestInvalid((f"header.{HEADER}", "was used for another request; a new request needs a new key"))
    return Answer(claimed["key_status"], claimed["key_headers"], claimed["key_body"])


def _store(connection: Connection, request: Request, answer: Answer) -> None:
    connection.execute(
        one_statement.STORE
        + " from (select %(status)s::smallint as status, %(headers)s::jsonb as headers, %(body)s::text as body) answer",
        vars(request) | vars(answer) | {"headers": Jsonb(answer.headers)},
    )


def _delete_batch(connection: Connection) -> int:
    return connection.execute(
        """
        delete from idempotency_keys
         where idempotency_keys.ctid = any (array(
               select old.ctid
                 from idempotency_keys old
                where old.created_at <= now() - interval '24 hours'
                order by old.created_at
                limit %s::integer))
        """,
        (BATCH,),
    ).rowcount


def _digest(key: str, value: Any) -> bytes:
    return hmac.digest(key.encode(), json.dumps(value, sort_keys=True).encode(), "sha256")
