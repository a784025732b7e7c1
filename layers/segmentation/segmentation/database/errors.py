"""What an error of Postgres means to the client."""

import psycopg
from psycopg import errors

from segmentation.contract.problems import DatabaseUnavailable, Problem, RequestInvalid

LIFETIME_CONSTRAINT = "memberships_expire_after_entry"

_TRANSIENT = (psycopg.OperationalError, errors.ReadOnlySqlTransaction, errors.IdleInTransactionSessionTimeout)


def problem_of(error: psycopg.Error) -> Problem | None:
    """Return what a database error means to the client, or None if the error is a defect of this service."""
    if isinstance(error, errors.CheckViolation) and error.diag.constraint_name == LIFETIME_CONSTRAINT:
        return RequestInvalid((f"body.{error.diag.column_name or 'expires_at'}", "must be in the future"))
    if isinstance(error, _TRANSIENT) or _ended_the_session(error):  # server away, lock timeout, deadlock
        return DatabaseUnavailable()
    if type(error) is psycopg.InternalError:  # a pooler adds an answer of its own to the last one of a dying server
        return DatabaseUnavailable()
    return None


def _ended_the_session(error: psycopg.Error) -> bool:
    """Return whether the server closed the session with this error. A crashing server may send any SQLSTATE."""
    return error.diag.severity_nonlocalized in {"FATAL", "PANIC"}
