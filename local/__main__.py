"""`make run`: start every part, say what to try, and stop everything when told to or when a part fails."""

import argparse
import os
import sys
from pathlib import Path

from local import external_services, stack
from local.processes import ChildFailed
from local.settings import PORT, ROOT, WAIT_SECONDS, Settings, first_port


def main() -> int:
    """Run until a signal, and answer the exit code."""
    try:
        stack.run(parse(sys.argv[1:]))
    except ChildFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


def parse(arguments: list[str]) -> Settings:
    """Read the command line, and from the environment what runs elsewhere."""
    default = Settings()
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--port", type=first_port, default=PORT, help="of the API; the next three are used too")
    parser.add_argument("--state", type=Path, default=default.state, help="folder of data and logs")
    parser.add_argument("--template", type=Path, default=default.template, help="SAM template, built or not")
    parser.add_argument("--interpreter", type=Path, default=default.interpreter, help="Python of the functions")
    parser.add_argument("--worker", action="store_true", help="without AWS's runtime client, as on macOS")
    parser.add_argument("--auth", action="store_true", help="ask for tokens, as AWS does")
    parser.add_argument("--pooler", action="store_true", help="with PgBouncer in front of the database")
    parser.add_argument("--minute", type=float, default=default.minute, help="seconds a minute of a schedule lasts")
    parser.add_argument(
        "--wait-seconds", type=float, default=WAIT_SECONDS, help="seconds that a request waits for a free environment"
    )
    options = parser.parse_args(arguments)
    return Settings(
        port=options.port,
        state=options.state.absolute(),
        template=(ROOT / options.template).absolute(),
        interpreter=(ROOT / options.interpreter).absolute(),
        worker=options.worker,
        auth=options.auth,
        pooler=options.pooler,
        minute=options.minute,
        wait_seconds=options.wait_seconds,
        database=external_services.database(os.environ),
        storage=external_services.storage(os.environ),
    )


if __name__ == "__main__":
    sys.exit(main())
