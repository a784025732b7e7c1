"""How long the parts of AWS may keep whoever asks waiting."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config


@dataclass(frozen=True)
class Patience:
    """How long a try may take to connect, and then to bring an answer, and how many tries there are."""

    connect_seconds: int
    read_seconds: int
    tries: int

    @property
    def most_seconds(self) -> int:
        """Return how long all tries take together, with the pauses between them, which double from one second on."""
        return self.tries * (self.connect_seconds + self.read_seconds) + (1 << (self.tries - 1)) - 1

    def config(self, **others: Any) -> "Config":
        """Return a client's configuration; botocore itself would wait for minutes."""
        from botocore.config import Config  # not before there is something to ask

        return Config(
            retries={"mode": "standard", "total_max_attempts": self.tries},
            connect_timeout=self.connect_seconds,
            read_timeout=self.read_seconds,
            **others,
        )
