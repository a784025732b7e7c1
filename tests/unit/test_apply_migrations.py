"""The function that migrates the database, before it reaches the database."""

import pytest

from functions.apply_migrations import app
from segmentation.runtime import settings
from segmentation.runtime.secrets_manager import SecretUnreadable


@pytest.mark.parametrize("secret", ["database_owner_conninfo", "database_conninfo"])
def test_an_unreadable_secret_fails_at_once_and_not_after_the_wait_for_a_new_database(monkeypatch, secret):
    def refuse():
        raise SecretUnreadable(secret)

    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/away")
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://127.0.0.1:1/away")
    monkeypatch.setattr(settings, secret, refuse)
    monkeypatch.setattr(app, "connect", lambda *_, **__: pytest.fail("connected"))

    with pytest.raises(SecretUnreadable, match=secret):
        app.apply_migrations(retry_for_seconds=app.PROXY_START_SECONDS)
