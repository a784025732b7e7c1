"""The database schema of the local run, applied as a deployment does it: by invoking the function."""

from local import invocation
from local.processes import ChildFailed

FUNCTION = "ApplyMigrations"


def apply(lambda_port: int) -> None:
    """Invoke the function; raise what went wrong."""
    try:
        invocation.invoke(lambda_port, FUNCTION, {})
    except invocation.InvocationFailed as failure:
        raise ChildFailed(str(failure)) from failure
