"""What the unit tests share."""

from tests.fix_log import log as log
