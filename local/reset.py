"""`make reset`: delete the data of the local run."""

import sys

from local import banner, lock, unprivileged
from local.processes import ChildFailed
from local.settings import Settings


def main() -> int:
    """Delete the data, unless a run uses it, and return the exit code."""
    settings = Settings()
    try:
        with lock.exclusive(settings.state):
            unprivileged.remove(settings.data)
    except ChildFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    banner.say(f"Removed {settings.data}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
