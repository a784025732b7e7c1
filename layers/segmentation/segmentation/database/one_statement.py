"""Changes that are one statement: its transaction begins and ends with it. Under a key it stores its answer too.

The locks of such a change are held for no round trip, with an idempotency key or without. The database writes the
answer that is stored, because the transaction ends before this code has the result.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import dict_row

from segmentation.database import lists

Row = dict[str, Any]

CLAIM: LiteralString = """
    select claimed.is_free as key_is_free, claimed.fingerprint as key_fingerprint, claimed.status as key_status,
           claimed.headers as key_headers, claimed.body as key_body
      from claim_idempotency_key(%(scope)s::bytea) claimed
    """

STORE: LiteralString = """
    insert into idempotency_keys (scope, fingerprint, status, headers, body, created_at)
    select %(scope)s::bytea, %(fingerprint)s::bytea, answer.status, answer.headers, answer.body, (select clock_now())
    """


@dataclass(frozen=True)
class Change:
    """A call of a database function that returns one row or none, and the answer as SQL on that row, `changed`.

    A refused change wrote nothing, and its body is null.
    """

    call: LiteralString
    body: LiteralString
    status: LiteralString = "200"

    @cached_property
    def plain(self) -> LiteralString:
        """Return the statement for a request without a key."""
        return f"select changed.* from {self.call} changed"  # noqa: S608 # nosec B608 -- texts of our own

    @cached_property
    def storing(self) -> LiteralString:
        """Return the statement that claims a key, changes and stores. With a used key it neither changes nor stores.

        The call is in a select list, and not in a FROM clause, so that it runs after the condition on the claim.
        """
        return f"""
            with claimed as materialized ({CLAIM}),
            called as materialized (
                select {self.call} as result
                  from claimed
                 where claimed.key_is_free and claimed.key_fingerprint is null),
            changed as materialized (select true as is_changed, (called.result).* from called),
            stored as ({STORE}
                  from (select ({self.status})::smallint as status, ({self.body}) as body,
                               '{{"Content-Type": "application/json"}}'::jsonb as headers
                          from changed) answer
                 where answer.body is not null)
            select claimed.*, changed.* from claimed left join changed on true
            """  # noqa: S608 # nosec B608 -- texts of our own


@dataclass(frozen=True)
class _Key:
    scope: bytes
    fingerprint: bytes


class KeyUsed(Exception):
    """The key has an answer, or another session holds it. The row says which."""

    def __init__(self, claimed: Row) -> None:
        super().__init__()
        self.claimed = claimed


_key: ContextVar[_Key | None] = ContextVar("key", default=None)


@contextmanager
def under_key(scope: bytes, fingerprint: bytes) -> Iterator[None]:
    """Run a block whose change stores its answer under a key."""
    outer = _key.set(_Key(scope, fingerprint))
    try:
        yield
    finally:
        _key.reset(outer)


def run(connection: Connection, change: Change, parameters: Mapping[str, Any]) -> list[Row]:
    """Run a change and return its row, if it has one. Raises KeyUsed under a used key."""
    key = _key.get()
    given = [value for value in parameters.values() if isinstance(value, list)]
    with lists.cursor(connection, *given, row_factory=dict_row) as cursor:
        if key is None:
            return cursor.execute(change.plain, parameters).fetchall()
        [row] = cursor.execute(change.storing, {**parameters, **vars(key)}).fetchall()
    if not row["key_is_free"] or row["key_fingerprint"] is not None:
        raise KeyUsed(row)
    return [row] if row["is_changed"] else []
