"""Idempotency keys: a request that comes again under its key gets the answer it got, and is carried out once.

The answer is kept by the transaction that carries the request out. Whatever undoes the one undoes the other, so that a
request which died, at whatever point, can be sent again at once; and an answer that was lost on its way is still there.
Refusals are raised, which ends the transaction: they keep nothing, and the request can be mended under the same key.
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

from segmentation.contract.problems import IdempotencyKeyInUse, RequestInvalid
from segmentation.database import transactions

HEADER = "Idempotency-Key"
KEY_PATTERN = r"^[!-~]{1,255}$"
METHODS = frozenset({"POST", "PATCH"})
NEVER_KEPT = frozenset({"/auth/sign-in"})
"""Paths where the header means nothing: a token is for nobody to keep, and a failure has to be counted all the same."""

BATCH = 10_000
"""Rows a transaction: less than a tenth of a second."""

MOST_BATCHES = 10


@dataclass(frozen=True)
class Request:
    """A request under a key: digests of where it belongs, and of what it says."""

    scope: bytes
    fingerprint: bytes


@dataclass(frozen=True)
class Answer:
    """What a request was answered."""

    status: int
    headers: dict[str, Any]
    body: str


def applies_to(method: str, path: str) -> bool:
    """Return whether answers to such requests are kept."""
    return method in METHODS and path not in NEVER_KEPT


def request(key: str, *, belongs_to: tuple[str, ...], says: Any) -> Request:
    """Name a request by its key; what it says is JSON, and the same however that was written.

    Raises RequestInvalid for what is no key.
    """
    if not re.fullmatch(KEY_PATTERN, key):
        raise RequestInvalid((f"header.{HEADER}", "must be 1 to 255 visible ASCII characters"))
    return Request(_digest(key, belongs_to), _digest(key, says))


def once(connection: Connection, request: Request, carry_out: Callable[[], Answer]) -> tuple[Answer, bool]:
    """Carry a request out and keep its answer, or return the answer that is kept, and whether it is that one.

    Raises IdempotencyKeyInUse while the request is being carried out elsewhere, RequestInvalid where the key came with
    another request.
    """
    with transactions.enclosing_transaction(connection):
        if kept := _claim(connection, request):
            return kept, True
        answer = carry_out()
        _keep(connection, request, answer)
    return answer, False


def forget_old(connection: Connection) -> None:
    """Delete what has been kept for a day, batch by batch, and the rest of it the next time."""
    for _ in range(MOST_BATCHES):
        if _forget_batch(connection) < BATCH:
            break


def _claim(connection: Connection, request: Request) -> Answer | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        [row] = cursor.execute(
            """
            select claimed.is_free, claimed.fingerprint, claimed.status, claimed.headers, claimed.body
              from claim_idempotency_key(%s::bytea) claimed
            """,
            (request.scope,),
        ).fetchall()
    if not row["is_free"]:
        raise IdempotencyKeyInUse()
    if row["fingerprint"] is None:
        return None
    if row["fingerprint"] != request.fingerprint:
        raise RequestInvalid((f"header.{HEADER}", "was used for another request; a new request needs a new key"))
    return Answer(row["status"], row["headers"], row["body"])


def _keep(connection: Connection, request: Request, answer: Answer) -> None:
    connection.execute(
        """
        insert into idempotency_keys (scope, fingerprint, status, headers, body)
        values (%s::bytea, %s::bytea, %s::smallint, %s::jsonb, %s::text)
        """,
        (request.scope, request.fingerprint, answer.status, Jsonb(answer.headers), answer.body),
    )


def _forget_batch(connection: Connection) -> int:
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


def _digest(key: str, what: Any) -> bytes:
    return hmac.digest(key.encode(), json.dumps(what, sort_keys=True).encode(), "sha256")
