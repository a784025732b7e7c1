"""What a check finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One sentence about the account or the parameters. Only an obstacle stops a deployment."""

    text: str
    is_obstacle: bool = False


def obstacle(text: str) -> Finding:
    """Return a finding that stops the deployment."""
    return Finding(text, is_obstacle=True)
