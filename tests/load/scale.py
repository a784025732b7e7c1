"""The size of the load. `make load` sets it."""

import os

SECONDS = float(os.environ.get("LOAD_SECONDS", "180"))
CLIENTS = int(os.environ.get("LOAD_USERS", "8"))
PEOPLE = int(os.environ.get("LOAD_PEOPLE", "100000"))
IS_WHOLE = not {"LOAD_SECONDS", "LOAD_USERS", "LOAD_PEOPLE"} & os.environ.keys()
"""Whether this run writes docs/load.md and checks times. A short run checks correctness only."""
