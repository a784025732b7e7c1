"""A database that can be killed, and the real handlers, connected to it by a line that can be broken."""

from tests.functions.conftest import service as service
