"""The previous code, checked out once."""

import pytest

from tests.upgrade.previous import Previous, previous


@pytest.fixture(scope="session")
def code_before() -> Previous:
    return previous()
