"""Which problem a client gets for an SQL error. tests/integration tests connections to a real server."""

from types import SimpleNamespace

import psycopg
import pytest
from psycopg import errors

from segmentation.contract.problems import DatabaseUnavailable
from segmentation.database.errors import problem_of

RETRY_HELPS = [
    psycopg.OperationalError,
    errors.AdminShutdown,
    errors.CannotConnectNow,
    errors.ConnectionFailure,
    errors.DeadlockDetected,
    errors.DiskFull,
    errors.LockNotAvailable,
    errors.QueryCanceled,
    errors.SerializationFailure,
    errors.TooManyConnections,
    psycopg.errors.ConnectionTimeout,
]
OUR_DEFECTS = [
    errors.CheckViolation,
    errors.InsufficientPrivilege,
    errors.InternalError_,
    errors.NotNullViolation,
    errors.SyntaxError,
    errors.UndefinedTable,
    errors.UniqueViolation,
    psycopg.DataError,
    psycopg.ProgrammingError,
]
SESSION_ENDING = ["FATAL", "PANIC"]
NEW_CONNECTION_HELPS = [psycopg.InternalError, errors.ReadOnlySqlTransaction, errors.IdleInTransactionSessionTimeout]


@pytest.mark.parametrize("error", RETRY_HELPS, ids=lambda error: error.__name__)
def test_error_that_a_retry_may_avoid_is_unavailable(error):
    assert isinstance(problem_of(error("inside")), DatabaseUnavailable)


@pytest.mark.parametrize("error", NEW_CONNECTION_HELPS, ids=lambda error: error.__name__)
def test_error_that_a_new_connection_may_avoid_is_unavailable(error):
    assert isinstance(problem_of(error("inside")), DatabaseUnavailable)


@pytest.mark.parametrize("severity", SESSION_ENDING)
def test_error_that_ended_the_session_is_unavailable_with_any_code(severity, monkeypatch):
    diagnostics = SimpleNamespace(severity_nonlocalized=severity, constraint_name=None)
    monkeypatch.setattr(errors.InternalError_, "diag", diagnostics)

    assert isinstance(problem_of(errors.InternalError_("could not write to log file")), DatabaseUnavailable)


@pytest.mark.parametrize("error", OUR_DEFECTS, ids=lambda error: error.__name__)
def test_error_in_our_own_code_is_no_problem_for_the_client(error):
    assert problem_of(error("inside")) is None


def test_problem_does_not_repeat_the_error():
    assert "inside" not in str(problem_of(psycopg.OperationalError("inside")).body())
