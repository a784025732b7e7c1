"""Fixtures of the unit tests."""

from tests.fix_log import log as log
from tests.fix_provider import provider as provider
