"""Erasure: a user goes with the memberships, the history and the report files."""

from psycopg import Connection

from segmentation.contract.problems import UserUnknown
from segmentation.contract.responses import UserDeleted
from segmentation.domain import users
from segmentation.reports import storage, user_lock


def erase(connection: Connection, user_id: int, *, actor: str) -> UserDeleted:
    """Delete a user, the history and the report files. Raises UserUnknown if there is none of them.

    The files go before the commit. If the storage is away, nothing else is erased (StorageUnavailable). If the commit
    fails, only files are gone that can be made again.
    """
    with connection.transaction():
        user_lock.wait_for_reports(connection, user_id)
        files = storage.delete_reports(user_id)
        try:
            return users.delete(connection, user_id, erase=True, actor=actor)
        except UserUnknown:
            if not files:
                raise
            return UserDeleted(segments_deleted=0)
