"""The service under faults of its database and of AWS."""

import pytest
from argon2 import PasswordHasher

from segmentation.access import passwords
from tests.functions.conftest import service as service


@pytest.fixture(autouse=True)
def fast_hashes(monkeypatch):
    """Use fast hashes. On a busy machine a real hash exceeds the time limits of these tests."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
