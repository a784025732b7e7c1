"""The database schema of the local run, applied as a deployment applies it: by invoking the function."""

from local import invocation
from local.processes import ChildFailed
from local.settings import Settings

FUNCTION = "ApplyMigrations"


def apply(lambda_port: int, settings: Settings) -> None:
    """Invoke the function. Raise ChildFailed with its error message and the name of its log."""
    try:
        invocation.invoke(lambda_port, FUNCTION, {})
    except invocation.InvocationFailed as failure:
        hint = "" if settings.database else " `make reset` deletes the data of the local run."
        raise ChildFailed(f"{failure}\n{settings.logs / FUNCTION}.log has the details.{hint}") from failure
