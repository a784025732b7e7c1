"""How large the load is; `make load` sets it."""

import os

SECONDS = float(os.environ.get("LOAD_SECONDS", "180"))
CLIENTS = int(os.environ.get("LOAD_USERS", "8"))
PEOPLE = int(os.environ.get("LOAD_PEOPLE", "100000"))
IS_WHOLE = not {"LOAD_SECONDS", "LOAD_USERS", "LOAD_PEOPLE"} & os.environ.keys()
"""Whether docs/load.md is about this run, and seconds count: a short run is about right and wrong alone."""
