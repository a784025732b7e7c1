"""The processes of a local run, as Linux lists them."""

from pathlib import Path

from local import supervisor


def descendants(process: int) -> list[int]:
    """List what the process has started, and what that has started."""
    children = supervisor.children_of(process)
    return [*children, *(grandchild for child in children for grandchild in descendants(child))]


def command_line(process: int) -> bytes:
    """Return the command and its arguments, each ended by a NUL."""
    return read(process, "cmdline")


def runs_function(process: int, name: str) -> bool:
    """Tell whether the process belongs to an execution environment of the function."""
    return f"AWS_LAMBDA_FUNCTION_NAME={name}\0".encode() in read(process, "environ")


def read(process: int, what: str) -> bytes:
    """Read one of the files about a process; nothing, when it ended while we looked."""
    try:
        return Path(f"/proc/{process}/{what}").read_bytes()
    except OSError:
        return b""
