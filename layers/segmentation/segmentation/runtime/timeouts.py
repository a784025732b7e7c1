"""Timeouts and tries of the AWS clients."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config


@dataclass(frozen=True)
class Timeouts:
    """The time limits of one try, to connect and to read an answer, and the number of tries."""

    connect_seconds: int
    read_seconds: int
    tries: int

    @property
    def max_seconds(self) -> int:
        """Return the longest time of all tries together. The pauses between them are 1 s, 2 s, 4 s and so on."""
        return self.tries * (self.connect_seconds + self.read_seconds) + (1 << (self.tries - 1)) - 1

    most_seconds = max_seconds  # the name in release 1.0.0, whose functions run on this layer during a deployment

    def config(self, **others: Any) -> "Config":
        """Return the configuration of a client. The defaults of botocore would wait for minutes."""
        from botocore.config import Config  # a slow import, delayed until a client is needed

        return Config(
            retries={"mode": "standard", "total_max_attempts": self.tries},
            connect_timeout=self.connect_seconds,
            read_timeout=self.read_seconds,
            **others,
        )
