"""A fixture for tests that sign in, but do not test the hashes of passwords."""

import pytest
from argon2 import PasswordHasher

from segmentation.access import passwords


@pytest.fixture(autouse=True)
def fast_hashes(monkeypatch):
    """Use fast hashes. A real hash takes most of the time of such a test, and more on a busy machine."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
