"""What an SQL error means to the client; connections are tested against a real server elsewhere."""

from types import SimpleNamespace

import psycopg
import pytest
from psycopg import errors

from segmentation.contract.problems import DatabaseUnavailable
from segmentation.database.errors import problem_of

TIME_HELPS = [
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
OURS = [
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
LAST_WORDS = ["FATAL", "PANIC"]
FAILED_OVER = [psycopg.InternalError, errors.ReadOnlySqlTransaction, errors.IdleInTransactionSessionTimeout]


@pytest.mark.parametrize("error", TIME_HELPS, ids=lambda error: error.__name__)
def test_error_that_time_may_heal_is_unavailable(error):
    assert isinstance(problem_of(error("inside")), DatabaseUnavailable)


@pytest.mark.parametrize("error", FAILED_OVER, ids=lambda error: error.__name__)
def test_error_that_a_new_connection_may_heal_is_unavailable(error):
    assert isinstance(problem_of(error("inside")), DatabaseUnavailable)


@pytest.mark.parametrize("severity", LAST_WORDS)
def test_error_that_ended_the_session_is_unavailable_whatever_its_code(severity, monkeypatch):
    said = SimpleNamespace(severity_nonlocalized=severity, constraint_name=None)
    monkeypatch.setattr(errors.InternalError_, "diag", said)

    assert isinstance(problem_of(errors.InternalError_("could not write to log file")), DatabaseUnavailable)


@pytest.mark.parametrize("error", OURS, ids=lambda error: error.__name__)
def test_error_of_our_own_making_is_no_problem_of_the_client(error):
    assert problem_of(error("inside")) is None


def test_problem_says_nothing_of_the_error():
    assert "inside" not in str(problem_of(psycopg.OperationalError("inside")).body())
