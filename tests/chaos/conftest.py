"""The service, whose database each suite here breaks in its own way."""

import pytest
from argon2 import PasswordHasher

from segmentation.access import passwords
from tests.functions.conftest import service as service


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    """A real hash takes what time the processors have for it, and that is not what is measured here."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
