"""`make run`: start every part of the service, and stop them all at a signal or when one of them ends."""

import argparse
import os
import sys
from pathlib import Path

from local import external_services, stack
from local.processes import ChildFailed
from local.settings import PORT, ROOT, WAIT_SECONDS, Settings, first_port


def main() -> int:
    """Run until a signal, and return the exit code."""
    try:
        stack.run(parse(sys.argv[1:]))
    except ChildFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


def parse(arguments: list[str]) -> Settings:
    """Read the command line, and the addresses of external services from the environment."""
    default = Settings()
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--port", type=first_port, default=PORT, help="API port; the next three are used too")
    parser.add_argument("--state", type=Path, default=default.state, help="folder for data and logs")
    parser.add_argument("--template", type=Path, default=default.template, help="SAM template, built or not")
    parser.add_argument("--interpreter", type=Path, default=default.interpreter, help="Python that runs the functions")
    parser.add_argument("--worker", action="store_true", help="run without AWS's runtime client, as on macOS")
    parser.add_argument("--auth", action="store_true", help="require tokens, as on AWS")
    parser.add_argument("--cors-origins", default="", help="origins of web pages that may call the API, or *")
    parser.add_argument("--event-bus", default="", help="name of a local EventBridge bus that gets the events")
    parser.add_argument("--pooler", action="store_true", help="put PgBouncer in front of the database")
    parser.add_argument("--readers", type=int, choices=(0, 1), default=0, help="hot standbys for reads")
    parser.add_argument("--minute", type=float, default=default.minute, help="seconds in a minute of a schedule")
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
        cors_origins=options.cors_origins,
        event_bus=options.event_bus,
        pooler=options.pooler,
        readers=options.readers,
        minute=options.minute,
        wait_seconds=options.wait_seconds,
        database=external_services.database(os.environ),
        storage=external_services.storage(os.environ),
    )


if __name__ == "__main__":
    sys.exit(main())
