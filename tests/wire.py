"""The messages that a connection to the database exchanges, as libpq writes them down."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection


@dataclass(frozen=True)
class Message:
    """A message: from the client (F) or the server (B), its length, its type."""

    sender: str
    length: int
    kind: str


@contextmanager
def messages_of(connection: Connection, path: Path) -> Iterator[list[Message]]:
    """Record the messages of a connection in a file. Yield a list, which has them at the end."""
    messages: list[Message] = []
    with path.open("w+", encoding="utf-8") as file:
        connection.pgconn.trace(file.fileno())
        try:
            yield messages
        finally:
            connection.pgconn.untrace()
        file.seek(0)
        for line in file:
            _, sender, length, kind, *_ = [*line.rstrip("\n").split("\t"), "", "", ""]
            if sender in {"F", "B"}:  # a parameter of several lines is none
                messages.append(Message(sender, int(length), kind))


def round_trips(messages: list[Message]) -> int:
    """Count how often the server has answered everything, and waits for the client."""
    return sum(message.kind == "ReadyForQuery" for message in messages)


def longest_text(messages: list[Message]) -> int:
    """Return the bytes of the longest statement, without parameters that the server binds."""
    return max(message.length for message in messages if message.kind in {"Query", "Parse"})
