"""The processes of a local run, as Linux lists them."""

from pathlib import Path

from local import supervisor


def descendants(process: int) -> list[int]:
    """List the children of a process, and their children."""
    children = supervisor.children_of(process)
    return [*children, *(grandchild for child in children for grandchild in descendants(child))]


def command_line(process: int) -> bytes:
    """Return the command and its arguments, each with a NUL at its end."""
    return read(process, "cmdline")


def runs_function(process: int, name: str) -> bool:
    """Return whether the process is part of an execution environment of the function."""
    return f"AWS_LAMBDA_FUNCTION_NAME={name}\0".encode() in read(process, "environ")


def read(process: int, name: str) -> bytes:
    """Read one of the files about a process. It is empty if the process has ended in the meantime."""
    try:
        return Path(f"/proc/{process}/{name}").read_bytes()
    except OSError:
        return b""
