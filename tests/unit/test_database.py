"""What an SQL error means to the client; connections are tested against a real server elsewhere."""

import psycopg
import pytest
from psycopg import errors

from segmentation.database import problem_of
from segmentation.problems import DatabaseUnavailable

TIME_HELPS = [
    psycopg.OperationalError,
    errors.AdminShutdown,
    errors.CannotConnectNow,
    errors.ConnectionFailure,
    errors.DeadlockDetected,
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
FAILED_OVER = [psycopg.InternalError, errors.ReadOnlySqlTransaction, errors.IdleInTransactionSessionTimeout]


@pytest.mark.parametrize("error", TIME_HELPS, ids=lambda error: error.__name__)
def test_error_that_time_may_heal_is_unavailable(error):
    assert isinstance(problem_of(error("inside")), DatabaseUnavailable)


@pytest.mark.parametrize("error", FAILED_OVER, ids=lambda error: error.__name__)
def test_error_that_a_new_connection_may_heal_is_unavailable(error):
    assert isinstance(problem_of(error("inside")), DatabaseUnavailable)


@pytest.mark.parametrize("error", OURS, ids=lambda error: error.__name__)
def test_error_of_our_own_making_is_no_problem_of_the_client(error):
    assert problem_of(error("inside")) is None


def test_problem_says_nothing_of_the_error():
    assert "inside" not in str(problem_of(psycopg.OperationalError("inside")).body())
