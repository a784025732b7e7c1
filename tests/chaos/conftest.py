"""The service under faults of its database and of AWS."""

from tests.fix_hashes import fast_hashes as fast_hashes
from tests.functions.conftest import service as service
